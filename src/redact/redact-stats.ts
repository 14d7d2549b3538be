/** Statistics that can be shown to strangers: what is counted has the names of fields, so that it is known what it holds. */
import type { ProblemName } from "../stats/problems.ts";
import type { Sections } from "../stats/sections.ts";
import type { Stats } from "../stats/stats.ts";
import type { AxisName } from "../store/stats/axes.ts";
import type { Redactor } from "./redactor.ts";

/** Field with the same content as the keys of a ranking. */
const FIELD_OF_AXIS = {
  sender: "sender",
  "sender-domain": "domain",
  recipient: "recipient",
  domain: "domain",
  host: "host",
  helo: "helo",
  ip: "ipAddress",
  network: "ipAddress",
  auth: "auth",
  ident: "ident",
  script: "directory",
  protocol: "protocol",
  "tls-version": "tls",
  cipher: "tls",
  signature: "category",
  "spam-score": "category",
  router: "router",
  transport: "transport",
  mx: "host",
  provider: "provider",
  "mx-ip": "ipAddress",
  forwarder: "recipient",
  "outgoing-ip": "ipAddress",
  "smtp-code": "enhancedCode",
  "enhanced-code": "enhancedCode",
} as const satisfies Record<AxisName, string>;

/** Problems whose subjects are providers; other subjects are categories of ours. */
const ABOUT_PROVIDERS: readonly ProblemName[] = ["unreachable", "throttled"];

/** Redacts statistics, and what is shown beside them. */
export function redactReport<Beside>(
  stats: Stats,
  beside: Beside,
  names: Redactor,
): { readonly stats: Stats; readonly beside: Beside } {
  const { sections, before } = stats;
  // All at once: what one part has is known in the others.
  const redacted = names.redact({ stats, beside, now: textsOf(sections), before: textsOf(before?.sections ?? {}) });
  const earlier = redacted.stats.before;
  return {
    beside: redacted.beside,
    stats: {
      ...redacted.stats,
      sections: withTexts(redacted.stats.sections, redacted.now),
      ...(earlier && { before: { ...earlier, sections: withTexts(earlier.sections, redacted.before) } }),
    },
  };
}

/** Texts that can be of several kinds, each list under the name of a field. */
interface Texts {
  readonly keys: readonly Field[];
  readonly subjects: readonly Field[];
}
type Field = Readonly<Record<string, readonly string[]>>;

function textsOf({ top = [], problems = [] }: Partial<Sections>): Texts {
  return {
    keys: top.map(({ axis, rows }) => ({ [FIELD_OF_AXIS[axis]]: rows.map(({ key }) => key) })),
    subjects: problems.map(({ name, subjects }) => ({
      [name === "unread" ? "server" : ABOUT_PROVIDERS.includes(name) ? "provider" : "category"]: subjects,
    })),
  };
}

function withTexts(sections: Partial<Sections>, { keys, subjects }: Texts): Partial<Sections> {
  const { top, problems } = sections;
  const listOf = (field: Field = {}): readonly string[] => Object.values(field).flat();
  return {
    ...sections,
    ...(top && {
      top: top.map((ranking, index) => {
        const shown = listOf(keys[index]);
        return { ...ranking, rows: ranking.rows.map((row, place) => ({ ...row, key: shown[place] ?? "" })) };
      }),
    }),
    ...(problems && {
      problems: problems.map((problem, index) => ({ ...problem, subjects: listOf(subjects[index]) })),
    }),
  };
}
