/** Where a problem is explained on the page, and the command to go on with. */
import type { ProblemName } from "../../stats/problems.ts";
import type { SectionName } from "../../stats/sections.ts";
import type { Stats } from "../../stats/stats.ts";

interface NextStep {
  /** Section that has the figures; undefined where only lines tell more. */
  readonly section: SectionName | undefined;
  /** The command, without the time and the filters of the report. */
  readonly command: readonly string[];
}

export const NEXT_STEPS: Readonly<Record<ProblemName, NextStep>> = {
  unread: { section: "coverage", command: ["stats", "coverage"] },
  accounts: { section: "accounts", command: ["abuse"] },
  panics: { section: undefined, command: ["search", "--log-type", "panic"] },
  frozen: { section: "queue", command: ["search", "--status", "frozen"] },
  stuck: { section: "queue", command: ["search", "--status", "deferred", "--queue-time", "1d.."] },
  reputation: { section: "providers", command: ["stats", "--by", "provider", "--rank", "failures"] },
  bounces: { section: "bounces", command: ["search", "--status", "bounced"] },
  deferrals: { section: "deferrals", command: ["search", "--status", "deferred"] },
  unreachable: { section: "providers", command: ["stats", "--by", "mx", "--rank", "failures"] },
  throttled: { section: "providers", command: ["stats", "--by", "mx", "--rank", "deferrals"] },
  logins: { section: "rejections", command: ["abuse"] },
  resources: { section: "rejections", command: ["search", "--kind", "rejection"] },
};

/** The command as typed in a shell, about the time and with the filters of the report. */
export function commandFor(name: ProblemName, { asked, filter }: Stats): string {
  const { since, until } = asked;
  const words = [
    "exim-pilot",
    ...NEXT_STEPS[name].command,
    ...(since === null ? [] : ["--since", withoutMs(since)]),
    ...(until === null ? [] : ["--until", withoutMs(until)]),
    ...filter.servers.flatMap((server) => ["--server", server]),
    ...Object.entries(filter.subjects).flatMap(([flag, values]) => values.flatMap((value) => [`--${flag}`, value])),
  ];
  return words.map(quoteWord).join(" ");
}

function withoutMs(iso: string): string {
  return iso.replace(".000Z", "Z");
}

/** Within single quotes a shell takes everything as it is. */
function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
