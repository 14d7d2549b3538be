/** Topics that `help` explains beside the commands. */

import { RULES } from "../../incidents/rules.ts";
import { RISK_SIGNS } from "../../message/account-risk.ts";
import { REJECTION_CATEGORIES } from "../../message/rejection-category.ts";
import { FAILURE_ADVICE, FAILURE_CATEGORIES, OPERATORS } from "../../message/reply-rules.ts";
import { SESSION_TROUBLES } from "../../message/session-trouble.ts";
import { ATTEMPT_STATUS_RULES, MESSAGE_STATUS_RULES, RECIPIENT_STATUS_RULES } from "../../message/statuses.ts";
import { renderHanging } from "../../render/form/layout.ts";
import { COUNTING_RULES, EXIMSTATS_DIFFERENCES } from "../../stats/counting.ts";
import { PROBLEMS } from "../../stats/problems.ts";

/** Meaning of each exit status; error codes map to them in errors.ts. */
export const EXIT_CODES: readonly (readonly [status: number, meaning: string])[] = [
  [0, "Done. Also when the reader of the output went away."],
  [
    1,
    "Nothing found, or a check failed: not up to date, not sound, a condition of --fail-if holds, --strict met lines of no known form.",
  ],
  [2, "Invalid flag or value, or a database that is no file."],
  [
    3,
    "Could not do it: a file, the disk, the output, a locked or damaged database, a limit of time or memory. The message says which.",
  ],
  [4, "The database was written by a newer exim-pilot."],
  [70, "A bug; the message says how to report it."],
  [
    130,
    "Interrupted. What was stored stays, the next run goes on from there. SIGINT, SIGTERM and SIGHUP end any command within a second.",
  ],
];

/** The text of a topic; undefined when there is no such topic. */
export function findTopic(name: string, columns: number): string | undefined {
  if (name === "statuses") return renderSections(STATUSES, columns);
  if (name === "counting") return renderSections(COUNTING, columns);
  return name === "exit-codes" ? renderExitCodes(columns) : undefined;
}

/** Groups of rules, each by the name of what it is about. */
export type RuleSections = readonly (readonly [title: string, rules: Readonly<Record<string, string>>])[];

/** `help statuses`. */
export const STATUSES: RuleSections = [
  ["Messages", MESSAGE_STATUS_RULES],
  ["Recipients", RECIPIENT_STATUS_RULES],
  ["Delivery attempts", ATTEMPT_STATUS_RULES],
];

const CLASSES = Object.fromEntries(
  Object.entries(FAILURE_CATEGORIES).map(([name, meaning]) => [
    name,
    `${meaning} ${FAILURE_ADVICE[name as keyof typeof FAILURE_ADVICE]}`,
  ]),
);

/** `help counting`. */
export const COUNTING: RuleSections = [
  ["What stats counts", COUNTING_RULES],
  ["Problems, and from where on they are shown", PROBLEMS],
  ["Signs of an account at risk: abuse, stats accounts, --fail-if accounts-at-risk", RISK_SIGNS],
  ["Reasons of bounces and deferrals: by the codes, else the words of the reply", CLASSES],
  ["Operators whose replies are known, and what to do", OPERATORS],
  ["Reasons of rejections, by their words", REJECTION_CATEGORIES],
  ["What goes wrong in sessions of clients: abuse, and stats --rank troubles", SESSION_TROUBLES],
  ["What eximstats counts differently", EXIMSTATS_DIFFERENCES],
];

/** Text that follows the help of a command; mostly empty. */
export function findAppendix(command: string, columns: number): string {
  return command === "incidents"
    ? `\nRules, and their thresholds as the configuration names them:\n\n${renderSections(INCIDENT_RULES, columns)}`
    : "";
}

/** Appendix of `help incidents`: each rule with its thresholds, which `[incidents.RULE]` of the configuration may change. */
export const INCIDENT_RULES: RuleSections = RULES.map(({ kind, about, thresholds }) => [
  `[incidents.${kind}]`,
  {
    rule: about,
    ...Object.fromEntries(
      Object.entries(thresholds).map(([name, { value, about: meaning }]) => [`${name} = ${value}`, meaning]),
    ),
  },
]);

function renderSections(sections: RuleSections, columns: number): string {
  const texts = sections.map(([title, rules]) => `${title}\n${renderRules(Object.entries(rules), columns)}`);
  return `${texts.join("\n\n")}\n`;
}

function renderExitCodes(columns: number): string {
  const rules = EXIT_CODES.map(([status, meaning]) => [String(status), meaning] as const);
  return `Exit codes\n${renderRules(rules, columns)}\n\nNew codes may be added; a count is never one.\n`;
}

function renderRules(rules: readonly (readonly [name: string, rule: string])[], columns: number): string {
  const width = Math.max(...rules.map(([name]) => name.length));
  return rules.map(([name, rule]) => renderHanging(`  ${name.padEnd(width)}  `, rule, width + 4, columns)).join("\n");
}
