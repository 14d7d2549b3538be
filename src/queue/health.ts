/** Health of a queue: its size, its age, and whether it grows. Pure. */
import { PilotError } from "../errors.ts";
import { parseDuration } from "../when.ts";
import type { QueueTotals, WaitingDomain } from "./overview.ts";
import type { LogEnd, QueueOrigin } from "./report.ts";

export interface QueueHealth {
  /** The moment that is shown, to which ages are counted. */
  readonly at: string;
  /** Origin of the totals; figures of the hour come from the log and from kept snapshots. */
  readonly origin: QueueOrigin;
  /** How far the logs were read, the earliest end first; empty without a log. */
  readonly logEnds: readonly LogEnd[];
  readonly totals: QueueTotals;
  /** Domains for which most messages wait, in that order; ten at most. */
  readonly waiting: readonly WaitingDomain[];
  /** Messages on the queue an hour before; null when neither a kept snapshot nor the log tells. */
  readonly messagesHourAgo: number | null;
  /** Who tells how many there were: a snapshot that `queue snapshot` kept about then, or the log. */
  readonly hourAgoFrom: HourAgoOrigin | null;
  /** Messages that came within the hour, as far as the logs were read: see `logEnds`. */
  readonly arrivedInHour: number | null;
  /** Messages that were finished within the hour, as far as the logs were read. */
  readonly completedInHour: number | null;
  /** Conditions of `--fail-if` that hold, as typed. */
  readonly failed: readonly string[];
  /** Conditions about a figure that is not known. */
  readonly unknown: readonly string[];
  /** Servers whose log ends too early for a condition that asks the log: an alarm, whatever the figures say. */
  readonly silent: readonly SilentLog[];
}

export interface SilentLog {
  readonly server: string;
  /** Time of its newest stored line. */
  readonly newestLine: string;
  readonly ageSeconds: number;
  readonly allowedSeconds: number;
}

/** True when a condition compares what the log alone tells. `isLooked`: the present queue was not taken from the log. */
export function asksLog(
  conditions: readonly HealthCondition[],
  { isLooked, hourAgoFrom }: { readonly isLooked: boolean; readonly hourAgoFrom: HourAgoOrigin | null },
): boolean {
  return conditions.some(
    ({ figure }) => !isLooked || figure === "in" || figure === "out" || (figure === "growth" && hourAgoFrom === "log"),
  );
}

export type HourAgoOrigin = "snapshot" | "log";

type Figures = Pick<QueueHealth, "totals" | "messagesHourAgo" | "arrivedInHour" | "completedInHour">;

/** Figures that a condition can test; null: not known. */
export const HEALTH_FIGURES: Readonly<Record<string, (figures: Figures) => number | null>> = {
  queue: ({ totals }) => totals.messages,
  recipients: ({ totals }) => totals.recipients,
  frozen: ({ totals }) => totals.frozen,
  bounces: ({ totals }) => totals.bounces,
  damaged: ({ totals }) => totals.damaged,
  bytes: ({ totals }) => totals.bytes,
  oldest: ({ totals }) => totals.oldestSeconds ?? 0,
  growth: ({ totals, messagesHourAgo }) => (messagesHourAgo === null ? null : totals.messages - messagesHourAgo),
  in: ({ arrivedInHour }) => arrivedInHour,
  out: ({ completedInHour }) => completedInHour,
};

export interface HealthCondition {
  readonly text: string;
  readonly figure: string;
  readonly isOrEqual: boolean;
  /** Seconds for `oldest`. */
  readonly limit: number;
}

const FORM = /^\s*([a-z]+)\s*(>=?)\s*(.+?)\s*$/;

/** Reads `queue>2000`, `oldest>=12h`. Errors: `usage`. */
export function parseHealthCondition(text: string): HealthCondition {
  const [, figure = "", operator, value = ""] = FORM.exec(text) ?? [];
  const limit =
    figure === "oldest"
      ? (parseDuration(value) ?? Number.NaN) / 1000
      : /^\d{1,15}$/.test(value)
        ? Number(value)
        : Number.NaN;
  if (Object.hasOwn(HEALTH_FIGURES, figure) && !Number.isNaN(limit)) {
    return { text, figure, isOrEqual: operator === ">=", limit };
  }
  throw new PilotError("usage", `"${text}" is not a condition of a queue.`, {
    hint: `Conditions look like queue>2000 or oldest>=12h; the figures are ${Object.keys(HEALTH_FIGURES).join(", ")}.`,
  });
}

/** Returns the conditions that hold, and those about a figure that is not known, as typed. */
export function judge(
  conditions: readonly HealthCondition[],
  figures: Figures,
): Pick<QueueHealth, "failed" | "unknown"> {
  const failed: string[] = [];
  const unknown: string[] = [];
  for (const { text, figure, isOrEqual, limit } of conditions) {
    const value = HEALTH_FIGURES[figure]?.(figures) ?? null;
    if (value === null) unknown.push(text);
    else if (isOrEqual ? value >= limit : value > limit) failed.push(text);
  }
  return { failed, unknown };
}
