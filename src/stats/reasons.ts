/** Why: failed attempts and rejections by category, each with one of its lines. */
import { CAUSE_KINDS, findStoredCause, LONGEST_CAUSE_MS, lacksCause } from "../message/cause.ts";
import { operatorOf, replyIn } from "../message/failure-category.ts";
import { FAILURE_ADVICE, type FailureCategory, OPERATORS, type Operator } from "../message/reply-rules.ts";
import type { RejectionPhase } from "../parse/events.ts";
import { parseEntryText } from "../parse/record.ts";
import type { FailureGroup, ReasonCount, RejectionGroup } from "../store/stats/counts.ts";
import type { Sample, StatsReader } from "../store/stats/stats-reader.ts";
import { compareText } from "../text.ts";
import { sum } from "./totals.ts";

export interface FailureReason {
  readonly category: FailureCategory;
  /** Attempts that were deferred, or recipients that bounced. */
  readonly failures: number;
  /** A line with the most frequent error. */
  readonly sample: Sample;
  /** The remote side's reply in it, without the command it answered. */
  readonly reply: string | null;
  /** Advice: about the class, then about its most frequent operators. */
  readonly advice: readonly string[];
}

/** Failures: attempts for deferrals; for bounces, recipients given up by an attempt or when their retry time was exceeded. */
export interface FailureReasons {
  readonly failures: number;
  readonly reasons: readonly FailureReason[];
}

export interface RejectionReason {
  readonly phase: RejectionPhase;
  readonly category: string;
  readonly isPermanent: boolean;
  readonly rejections: number;
  /** Number of client addresses. */
  readonly clients: number;
  readonly sample: Sample;
}

export interface RejectionReasons {
  readonly rejections: number;
  readonly reasons: readonly RejectionReason[];
}

export interface Blocklist {
  /** `zen.spamhaus.org`; null: the reason names none. */
  readonly list: string | null;
  readonly rejections: number;
}

export async function explainFailures(groups: readonly FailureGroup[], reader: StatsReader): Promise<FailureReasons> {
  const byCategory = groupByCategory(groups);
  const reasons = await Promise.all(
    [...byCategory].map(async ([category, members]) => {
      const most = members.reduce((best, group) => (compareGroups(group, best) < 0 ? group : best));
      const failures = sum(members, (group) => group.failures);
      const sample = await reader.attemptSample(most.sampleId);
      const reply = sample.text === null ? null : replyIn(sample.text);
      return { category, failures, sample, reply, advice: adviceFor(category, members) };
    }),
  );
  reasons.sort((one, other) => other.failures - one.failures || compareText(one.category, other.category));
  return { failures: sum(reasons, (reason) => reason.failures), reasons };
}

const MOST_OPERATORS = 3;
/** Classes for which the advice of operators applies. */
const ABOUT_SENDERS: readonly FailureCategory[] = ["rate_limit", "reputation", "policy", "greylisting"];

/** Advice about failures of one class. */
export function adviceFor(category: FailureCategory, members: readonly FailureGroup[]): string[] {
  const advice = [FAILURE_ADVICE[category]];
  if (!ABOUT_SENDERS.includes(category)) return advice;
  const failures = new Map<Operator, number>();
  for (const { error, failures: count } of members) {
    const operator = error === null ? undefined : operatorOf(null, replyIn(error));
    if (operator !== undefined) failures.set(operator, (failures.get(operator) ?? 0) + count);
  }
  const operators = [...failures].sort(
    ([one, count], [other, otherCount]) => otherCount - count || compareText(one, other),
  );
  return [...advice, ...operators.slice(0, MOST_OPERATORS).map(([operator]) => OPERATORS[operator])];
}

/** The most frequent first, whichever was read first. */
function compareGroups(one: FailureGroup, other: FailureGroup): number {
  return other.failures - one.failures || compareText(one.error ?? "", other.error ?? "");
}

export function groupByCategory(
  groups: readonly FailureGroup[],
): Map<FailureCategory, [FailureGroup, ...FailureGroup[]]> {
  const byCategory = new Map<FailureCategory, [FailureGroup, ...FailureGroup[]]>();
  for (const group of groups) {
    const members = byCategory.get(group.category);
    if (members === undefined) byCategory.set(group.category, [group]);
    else members.push(group);
  }
  return byCategory;
}

export async function explainRejections(
  groups: readonly RejectionGroup[],
  reader: StatsReader,
): Promise<RejectionReasons> {
  const reasons = await Promise.all(
    groups.map(async ({ sampleId, ...group }) => ({ ...group, sample: await sampleOf(reader, sampleId) })),
  );
  reasons.sort(
    (one, other) =>
      other.rejections - one.rejections ||
      compareText(one.category, other.category) ||
      compareText(one.phase, other.phase),
  );
  return { rejections: sum(reasons, (reason) => reason.rejections), reasons };
}

/** Returns a line as an example, with the cause of a refusal that does not say why. */
async function sampleOf(reader: StatsReader, id: number): Promise<Sample> {
  const sample = await reader.rejectionSample(id);
  if (!lacksCause(sample.text)) return sample;
  const cause = findStoredCause(await reader.linesBefore(id, CAUSE_KINDS, LONGEST_CAUSE_MS), parseEntryText);
  if (cause === undefined) return sample;
  return { ...sample, text: sample.text === null ? cause : `${sample.text}; ${cause}` };
}

const NAME = String.raw`((?:[a-z0-9_-]+\.)+[a-z]{2,})`;
const LIST_NAMES = [
  new RegExp(String.raw`\b(?:listed|list|rbl|dns[bw]l)\b.*?\b(?:at|in|by|on|from|:)\s+(?:https?://)?${NAME}`, "i"),
  new RegExp(NAME, "i"),
];

/** Rejections for a block list, by what their reasons name. */
export function countBlocklists(reasons: readonly ReasonCount[]): Blocklist[] {
  const lists = new Map<string | null, number>();
  for (const { reason, rejections } of reasons) {
    const list = blocklistOf(reason);
    lists.set(list, (lists.get(list) ?? 0) + rejections);
  }
  return [...lists]
    .map(([list, rejections]) => ({ list, rejections }))
    .sort((one, other) => other.rejections - one.rejections || compareText(one.list ?? "", other.list ?? ""));
}

/** The list that a reason names: `127.0.0.2 is listed at zen.spamhaus.org`. */
function blocklistOf(reason: string | null): string | null {
  for (const form of LIST_NAMES) {
    const name = reason === null ? undefined : form.exec(reason)?.[1];
    if (name !== undefined) return name.toLowerCase();
  }
  return null;
}
