/** When what waits is tried next: retry records of Exim, and the queue runs that the log shows. Pure. */
import { type EpochMs, toIso } from "../units.ts";
import type { RetryHint } from "./hints.ts";
import { domainOf } from "./queued-message.ts";
import { type AppliedRule, applyRule, chooseRule, domainOfSubject, type RetryRule } from "./retry-rules.ts";

/** The address, domain, host or message that is asked about. */
export interface NextSubject {
  /** The address, domain or host; null for a message without waiting recipients. */
  readonly name: string;
  /** Envelope sender of the message that waits; undefined: whoever sent it. */
  readonly sender: string | undefined;
  /** Hosts that the log names for it. */
  readonly hosts: readonly string[];
}

/** Interval of the queue runs, and when the last one began. */
export interface QueueRuns {
  readonly lastAt: EpochMs;
  readonly everySeconds: number;
}

/** Kinds of retry record, by key. */
export type HintSubject = "address" | "domain" | "host" | "delivery";

export interface NextTry {
  readonly key: string;
  readonly about: HintSubject;
  readonly firstFailedAt: string;
  readonly lastTriedAt: string;
  /** Exim does not try before, unless it is forced. */
  readonly notBefore: string;
  readonly isExpired: boolean;
  readonly reason: string;
  /** The first queue run that finds it passed; null when the log shows no steady queue runs. */
  readonly nextAbout: string | null;
  /** Null when no retry rules are given, none holds, or `ruleUnknown`. */
  readonly rule: AppliedRule | null;
  /** Why it cannot be said which rule holds, as a sentence. */
  readonly ruleUnknown: string | null;
}

export interface NextAnswer {
  readonly subject: string;
  readonly tries: readonly NextTry[];
}

export interface NextResult {
  readonly at: string;
  /** Exim's, when a message was asked about. */
  readonly id: string | null;
  /** True if the message is frozen, and so never tried; null if no message was asked about. */
  readonly isFrozen: boolean | null;
  /** The median of the last times between queue runs, as the log shows them; null when it shows too few. */
  readonly runsEverySeconds: number | null;
  /** When the retry records were read, where a snapshot kept them; null: for this answer. */
  readonly recordsKeptAt: string | null;
  readonly answers: readonly NextAnswer[];
}

export interface NextRequest {
  readonly subjects: readonly NextSubject[];
  readonly hints: readonly RetryHint[];
  readonly runs: QueueRuns | undefined;
  /** Undefined: none are given. */
  readonly rules: readonly RetryRule[] | undefined;
  readonly now: EpochMs;
}

export function findNextTries({ subjects, hints, ...context }: NextRequest): readonly NextAnswer[] {
  return subjects.map((subject) => ({
    subject: subject.name,
    tries: hints.flatMap((hint) => {
      const about = concerns(hint.key, subject);
      return about === undefined ? [] : [toTry(hint, about, subject, context)];
    }),
  }));
}

/** The kind of a key, if it concerns the subject; else undefined. Source: Exim's keys, see src/spool/hints.ts. */
function concerns(key: string, { name, sender, hosts }: NextSubject): HintSubject | undefined {
  const [kind, rest] = [key.slice(0, 2), key.slice(2)];
  const isAddress = name.includes("@");
  if (kind === "R:") {
    const [, routed = "", from] = /^(.*?)(?::<(.*)>)?$/s.exec(rest) ?? [];
    if (isSame(routed, name)) {
      const isOther = from !== undefined && sender !== undefined && !isSame(from, sender);
      return isOther ? undefined : routed.includes("@") ? "address" : "domain";
    }
    if (isAddress && isSame(routed, domainOf(name))) return "domain";
    return !isAddress && routed.includes("@") && isSame(domainOf(routed), name) ? "address" : undefined;
  }
  if (kind !== "T:") return undefined;
  if (isAddress && (isSame(rest, name) || rest.toLowerCase().endsWith(`:${name.toLowerCase()}`))) return "delivery";
  return [name, ...hosts].some((host) => isHostKey(rest, host)) ? "host" : undefined;
}

/** `mx.b421.example:203.0.113.22/198.51.100.25`: host, address, and what else tells it from others. */
function isHostKey(rest: string, host: string): boolean {
  const [name, text] = [host.toLowerCase(), rest.toLowerCase()];
  return text === name || text.startsWith(`${name}:`) || text.startsWith(`[${name}]:`);
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function toTry(
  hint: RetryHint,
  about: HintSubject,
  subject: NextSubject,
  { runs, rules, now }: Pick<NextRequest, "runs" | "rules" | "now">,
): NextTry {
  const from = Math.max(now, hint.nextTryAt) as EpochMs;
  const at = nextRun(from, runs);
  return {
    key: hint.key,
    about,
    firstFailedAt: toIso(hint.firstFailedAt),
    lastTriedAt: toIso(hint.lastTriedAt),
    notBefore: toIso(hint.nextTryAt),
    isExpired: hint.isExpired,
    reason: hint.reason,
    nextAbout: at === undefined ? null : toIso(at),
    ...(rules === undefined ? NO_RULE : ruleFor(rules, hint, subject, at ?? from)),
  };
}

const NO_RULE = { rule: null, ruleUnknown: null };

function ruleFor(
  rules: readonly RetryRule[],
  hint: RetryHint,
  { name, sender }: NextSubject,
  tryAt: EpochMs,
): Pick<NextTry, "rule" | "ruleUnknown"> {
  const choice = chooseRule(rules, { hint, domain: domainOfSubject(name), sender });
  if (choice.kind === "found") return { rule: applyRule(choice.rule, hint, tryAt), ruleUnknown: null };
  return {
    rule: null,
    ruleUnknown: choice.kind === "none" ? "No retry rule holds: each failure is final." : choice.reason,
  };
}

/** A run takes up a message some time after it began: a record that ends within that time does not keep the message back. */
const RUN_MS = 60_000;

/** The first queue run that finds the time `from` passed, if they continue as they did. */
export function nextRun(from: EpochMs, runs: QueueRuns | undefined): EpochMs | undefined {
  if (runs === undefined || runs.everySeconds <= 0) return undefined;
  const stepMs = runs.everySeconds * 1000;
  const steps = Math.max(1, Math.ceil((from - RUN_MS - runs.lastAt) / stepMs));
  return (runs.lastAt + steps * stepMs) as EpochMs;
}

const FEWEST_RUNS = 3;
/** Greatest deviation of a steady gap from the median, as a share. */
const STEADY_SHARE = 0.1;
const MOST_SILENT_GAPS = 3;

/**
 * Median interval of queue runs whose starts are given newest first. Undefined for too few starts, for an unsteady interval, or
 * when the last start is so old that the log or the runs have ended.
 */
export function toQueueRuns(starts: readonly EpochMs[], now: EpochMs): QueueRuns | undefined {
  const [lastAt] = starts;
  if (lastAt === undefined || starts.length < FEWEST_RUNS) return undefined;
  const gaps = starts.slice(1).map((at, index) => ((starts[index] ?? at) - at) / 1000);
  const sorted = gaps.toSorted((left, right) => left - right);
  const everySeconds = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const steady = gaps.filter((gap) => Math.abs(gap - everySeconds) <= everySeconds * STEADY_SHARE);
  const isSilent = (now - lastAt) / 1000 > everySeconds * MOST_SILENT_GAPS;
  if (everySeconds <= 0 || isSilent || steady.length * 2 <= gaps.length) return undefined;
  return { lastAt, everySeconds };
}
