/** Health of a queue: its size, its age, and whether it grows. Pure. */
import { PilotError } from "../errors.ts";
import { parseDuration } from "../when.ts";
import type { QueueTotals, WaitingDomain } from "./overview.ts";

export interface QueueHealth {
  /** The moment that is looked at. */
  readonly at: string;
  readonly totals: QueueTotals;
  /** Domains for which most messages wait, in that order; ten at most. */
  readonly waiting: readonly WaitingDomain[];
  /** Messages on the queue an hour before, as the log tells; null without a log. */
  readonly messagesHourAgo: number | null;
  /** Messages that came within the hour. */
  readonly arrivedInHour: number | null;
  /** Messages that were finished within the hour. */
  readonly completedInHour: number | null;
  /** Conditions of `--fail-if` that hold, as typed. */
  readonly failed: readonly string[];
}

/** Figures that a condition may name. */
export const HEALTH_FIGURES: Readonly<Record<string, (totals: QueueTotals) => number>> = {
  queue: ({ messages }) => messages,
  recipients: ({ recipients }) => recipients,
  frozen: ({ frozen }) => frozen,
  bounces: ({ bounces }) => bounces,
  damaged: ({ damaged }) => damaged,
  bytes: ({ bytes }) => bytes,
  oldest: ({ oldestSeconds }) => oldestSeconds ?? 0,
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

/** Conditions that hold, as typed. */
export function failedConditions(conditions: readonly HealthCondition[], totals: QueueTotals): readonly string[] {
  return conditions
    .filter(({ figure, isOrEqual, limit }) => {
      const value = HEALTH_FIGURES[figure]?.(totals) ?? 0;
      return isOrEqual ? value >= limit : value > limit;
    })
    .map(({ text }) => text);
}
