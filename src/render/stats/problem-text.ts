/** Problems in words. */

import type { Problem } from "../../stats/problems.ts";
import type { Stats } from "../../stats/stats.ts";
import { describeRisk } from "../abuse/risk-text.ts";
import { countOf, formatCount, formatTime } from "../form/format.ts";
import { formatShare } from "./table.ts";

/** `2 messages are frozen, the oldest from 2026-03-02 06:13:49.` */
export function describeProblem(problem: Problem, timeZone: string): string {
  return [describeFigure(problem, timeZone), ...problem.advice].join(" ");
}

function describeFigure(problem: Problem, timeZone: string): string {
  const { name, count, share, since, subjects } = problem;
  const part = share === null ? "" : ` (${formatShare(share)})`;
  const oldest = since === null ? "" : `, the oldest from ${formatTime(since, timeZone)}`;
  const first = since === null ? "" : `, ${count === 1 ? "" : "the first "}from ${formatTime(since, timeZone)} on`;
  const about = subjects.length === 0 ? "" : `: ${subjects.join(", ")}`;
  switch (name) {
    case "unread":
      if (share === 1) return "No main log was read of this time: its figures are missing, not zero.";
      if (count === 0 && since === null) return `No main log of ${subjects.join(", ")} was read.`;
      if (count === 0)
        return `${subjects.join(", ")} has no line at all of this time: Exim logged nothing, or what it logged was not read.`;
      return `${countOf(count, "hole")} in what was read of ${subjects.join(", ")}${first}: \`exim-pilot stats coverage\` names ${count === 1 ? "it" : "them"}.`;
    case "accounts":
      return `${countOf(count, "account is", "accounts are")} at risk${first}: ${describeAccounts(problem)}`;
    case "panics":
      return `Exim reported problems of its own in ${countOf(count, "entry", "entries")}: see \`exim-pilot search --log-type panic\`.`;
    case "frozen":
      return `${countOf(count, "message is", "messages are")} frozen${oldest}.`;
    case "stuck":
      return `${countOf(count, "message has", "messages have")} waited for more than a day${oldest}.${describeNextTry(problem, timeZone)}`;
    case "reputation":
      return `${countOf(count, "attempt was", "attempts were")} refused for this server's reputation${part}.`;
    case "bounces":
      return `${countOf(count, "recipient")} bounced${part}${about}.`;
    case "deferrals":
      return `${countOf(count, "attempt was", "attempts were")} deferred${part}${about}.`;
    case "unreachable":
      return `${countOf(count, "provider")} accepted no mail${part}${about}.`;
    case "throttled":
      return `${countOf(count, "provider")} deferred half or more${part}${about}.`;
    case "logins":
      return `${countOf(count, "login was", "logins were")} refused.`;
    case "resources":
      return `${countOf(count, "client was", "clients were")} turned away for lack of resources on this server.`;
  }
}

/** `alice: 86 failed logins from 203.0.113.103, then a login from there, then 8 × the usual mail: ….`, and the names of others. */
function describeAccounts({ accounts }: Problem): string {
  const [worst, ...others] = accounts;
  if (worst === undefined) return "";
  const also = others.length === 0 ? "" : ` Also ${others.map(({ account }) => account).join(", ")}.`;
  return `${worst.account}: ${describeRisk(worst)}.${also} \`exim-pilot abuse\` shows more.`;
}

function describeNextTry({ nextTryAt, nextTrySeenAt }: Problem, timeZone: string): string {
  if (nextTryAt === null || nextTrySeenAt === null) return "";
  const [next, seen] = [nextTryAt, nextTrySeenAt].map((iso) => formatTime(iso, timeZone));
  return ` The next time in Exim's retry records is ${next} (as seen at ${seen}).`;
}

export interface ProblemLine {
  /** `over`: it was there in the time this one is compared with, and is no more. */
  readonly label: Problem["severity"] | "over";
  readonly text: string;
}

/** Each problem, with what it was before; and those that are over. */
export function describeProblems({ sections, before, timeZone }: Stats): ProblemLine[] {
  const [now, earlier] = [sections.problems ?? [], before?.sections.problems];
  const lines = now.map((problem): ProblemLine => {
    const was = earlier?.find(({ name }) => name === problem.name);
    const change = earlier === undefined ? "" : ` Before: ${was === undefined ? "none" : formatCount(was.count)}.`;
    return { label: problem.severity, text: `${describeProblem(problem, timeZone)}${change}` };
  });
  const over = earlier?.filter(({ name }) => now.every((problem) => problem.name !== name)) ?? [];
  return [
    ...lines,
    ...over.map((problem): ProblemLine => ({ label: "over", text: describeProblem(problem, timeZone) })),
  ];
}
