/** Conditions under which a report is an alarm: `deferred>5%`. */
import type { Coverage } from "../coverage/holes.ts";
import { type EpochMs, SECOND_MS, toIso } from "../units.ts";
import { percentilesOf } from "./durations.ts";
import type { Figures } from "./figures.ts";
import type { Problem } from "./problems.ts";
import { sum, type Totals } from "./totals.ts";

/** Figures that a condition can compare: a count, with its share of a whole, or a time in seconds. */
export const CONDITION_FIGURES = {
  received: "messages that arrived",
  delivered: "recipients delivered; % of all recipients of these messages",
  bounced: "recipients bounced; % of all recipients of these messages",
  deferred: "attempts deferred; % of all attempts",
  timeouts: "attempts that ended in silence; % of all attempts",
  open: "messages on the queue; % of those that arrived",
  frozen: "messages frozen; % of those that arrived",
  discarded: "recipients discarded; % of all recipients of these messages",
  rejected: "rejections; % of rejections and arrivals together",
  serious: "problems called serious",
  "accounts-at-risk": "accounts whose passwords others seem to have",
  "queue-p50": "time on the queue that half of the messages did not exceed",
  "queue-p95": "the same for 95 %",
  "queue-p99": "the same for 99 %",
} as const satisfies Record<string, string>;

export type ConditionFigure = keyof typeof CONDITION_FIGURES;

export interface AlarmCondition {
  /** Condition as typed. */
  readonly text: string;
  readonly figure: ConditionFigure;
  readonly operator: ">" | ">=" | "<" | "<=";
  /** Limit: a count, a share, or seconds. */
  readonly limit: number;
  readonly unit: "count" | "share" | "seconds";
}

/** Result of a condition, or of a check of the logs; a share or a time is null if there is nothing to measure. */
export interface Check {
  /** Text of the condition, as typed; `silence of mx1` and `no data (coverage: none)` are checked beside those asked for. */
  readonly condition: string;
  readonly unit: AlarmCondition["unit"];
  readonly value: number | null;
  /** Limit that the value may not exceed; null where the condition states it. */
  readonly limit: number | null;
  /** Time of the newest stored line that it is about; null of a condition, and where there is no line. */
  readonly newestLine: string | null;
  /** True: an alarm. What could not be measured is none. */
  readonly isMet: boolean;
}

const FORM = /^([a-z0-9-]+)\s*(>=|<=|>|<)\s*(\d+(?:\.\d+)?)\s*(%|s|min|h|d)?$/;
const SECONDS = { s: 1, min: 60, h: 3600, d: 86_400 } as const;
const COUNTS_ONLY: readonly string[] = ["received", "serious", "accounts-at-risk"];

/** `deferred>5%`, `frozen>=10`, `queue-p95 > 30min`; undefined when it is no condition. */
export function parseCondition(text: string): AlarmCondition | undefined {
  const [form, figure = "", operator = "", number, unit] = FORM.exec(text.trim()) ?? [];
  if (form === undefined || !Object.hasOwn(CONDITION_FIGURES, figure)) return undefined;
  const isTime = figure.startsWith("queue-");
  const isUnitRight = isTime ? unit !== undefined && unit !== "%" : unit === undefined || unit === "%";
  if (!isUnitRight || (unit === "%" && COUNTS_ONLY.includes(figure))) return undefined;
  const kind = isTime ? "seconds" : unit === "%" ? "share" : "count";
  const factor = isTime ? SECONDS[unit as keyof typeof SECONDS] : kind === "share" ? 1 / 100 : 1;
  return {
    text,
    figure: figure as ConditionFigure,
    operator: operator as AlarmCondition["operator"],
    limit: Number(number) * factor,
    unit: kind,
  };
}

export interface Measured {
  readonly totals: Totals;
  readonly problems: readonly Problem[];
  /** Counted where a condition needs it. */
  readonly accountsAtRisk: number;
}

export async function checkConditions(
  conditions: readonly AlarmCondition[],
  measured: Measured,
  { source }: Figures,
): Promise<Check[]> {
  const needsTimes = conditions.some(({ unit }) => unit === "seconds");
  const times = needsTimes ? percentilesOf(await source.counts.queueTimes()) : null;
  return conditions.map((condition) => {
    const { text, figure, unit } = condition;
    const value = unit === "seconds" ? secondsOf(figure, times) : amountOf(figure, unit, measured);
    return {
      condition: text,
      unit,
      value,
      limit: null,
      newestLine: null,
      isMet: value !== null && isMet(value, condition),
    };
  });
}

/** Nothing was logged in the time. It is an alarm where the logs of that time may not have been read. */
export function checkData(
  { messages, attempts, rejections }: Totals,
  { state }: Coverage,
  { isFiltered, newestMs }: { readonly isFiltered: boolean; readonly newestMs: EpochMs | undefined },
): Check {
  const count = messages.received + attempts.total + rejections.total;
  const isDoubtful = isFiltered ? state === "none" : state !== "whole";
  const isMet = count === 0 && isDoubtful;
  return {
    condition: `no data (coverage: ${state})`,
    unit: "count",
    value: isMet ? null : count,
    limit: null,
    newestLine: newestMs === undefined ? null : toIso(newestMs),
    isMet,
  };
}

/** The newest line of a server's log, and how old it may be. */
export interface ServerSilence {
  readonly server: string;
  readonly newestMs: EpochMs;
  /** Up to now, or to the end of the time that is asked for. */
  readonly ageMs: number;
  readonly allowedMs: number;
}

/** An ingest that has died leaves figures that hold no alarm. */
export function checkSilence({ server, newestMs, ageMs, allowedMs }: ServerSilence): Check {
  const [value, limit] = [ageMs / SECOND_MS, allowedMs / SECOND_MS];
  const newestLine = toIso(newestMs);
  return { condition: `silence of ${server}`, unit: "seconds", value, limit, newestLine, isMet: value > limit };
}

function secondsOf(figure: ConditionFigure, times: ReturnType<typeof percentilesOf>): number | null {
  if (times === null) return null;
  if (figure === "queue-p50") return times.p50Seconds;
  return figure === "queue-p95" ? times.p95Seconds : times.p99Seconds;
}

function amountOf(figure: ConditionFigure, unit: AlarmCondition["unit"], measured: Measured): number | null {
  const [count, whole] = countOf(figure, measured);
  if (unit === "count") return count;
  return whole === 0 ? null : count / whole;
}

function countOf(
  figure: ConditionFigure,
  { totals: { messages, recipients, attempts, rejections }, problems, accountsAtRisk }: Measured,
): readonly [count: number, whole: number] {
  switch (figure) {
    case "delivered":
    case "bounced":
    case "discarded":
      return [recipients.byStatus[figure], recipients.total];
    case "deferred":
    case "timeouts":
      return [attempts[figure], attempts.total];
    case "open":
      return [messages.open, messages.received];
    case "frozen":
      return [messages.byStatus.frozen, messages.received];
    case "rejected":
      return [rejections.total, rejections.total + messages.received];
    case "serious":
      return [sum(problems, ({ severity }) => (severity === "serious" ? 1 : 0)), 0];
    case "accounts-at-risk":
      return [accountsAtRisk, 0];
    default:
      return [messages.received, 0];
  }
}

function isMet(value: number, { operator, limit }: AlarmCondition): boolean {
  switch (operator) {
    case ">":
      return value > limit;
    case ">=":
      return value >= limit;
    case "<":
      return value < limit;
    case "<=":
      return value <= limit;
  }
}
