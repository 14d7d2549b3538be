/** Retention policy: a span for each class, such as `90d` or `forever`. */
import { PilotError } from "../errors.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, WEEK_MS } from "../units.ts";

/** Milliseconds; undefined: for ever. */
export type Span = number | undefined;

export interface Policy {
  /** Text of log lines, and what is known of lines that belong to no message. */
  readonly logs: Span;
  /** Messages with their recipients, attempts and lines. */
  readonly messages: Span;
  /** Messages of which the log does not tell that they have left the queue. */
  readonly open: Span;
  /** Records of the audit log, and of runs of ingest. */
  readonly audit: Span;
  /** Looks at queues, and what they tell of messages that are no longer seen. */
  readonly snapshots: Span;
  /** Contents of messages, kept from the queue. */
  readonly content: Span;
  /** Notifications that were confirmed or cancelled, or have failed. */
  readonly outbox: Span;
  /** Incidents that have ended, and what people said about them. */
  readonly incidents: Span;
  /** Notes of people, which also go with their messages. */
  readonly notes: Span;
}

export const DEFAULT_SPANS = {
  logs: "90d",
  messages: "180d",
  open: "forever",
  audit: "365d",
  snapshots: "30d",
  content: "14d",
  outbox: "30d",
  incidents: "1y",
  notes: "forever",
} as const;

const UNITS: Readonly<Record<string, number>> = { h: HOUR_MS, d: DAY_MS, w: WEEK_MS, y: 365 * DAY_MS };
const FORM = /^(\d{1,6})([hdwy])$/;

/** Reads `90d`, `12h`, `8w`, `1y`, `forever`. Errors: `usage`. */
export function parseSpan(text: string): Span {
  if (text === "forever") return undefined;
  const [, count, unit = ""] = FORM.exec(text) ?? [];
  const unitMs = UNITS[unit];
  if (count !== undefined && unitMs !== undefined) return Number(count) * unitMs;
  throw new PilotError("usage", `"${text}" is not a span of time.`, {
    hint: "Give hours, days, weeks or years, such as 90d, or forever.",
  });
}

const SIZE_UNITS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Reads `500M`, `20G`, `1.5T`, or bytes. Errors: `usage`. */
export function parseSize(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([KMGT])?$/i.exec(text) ?? [];
  if (count !== undefined)
    return Math.floor(Number(count) * (unit === undefined ? 1 : (SIZE_UNITS[unit.toUpperCase()] ?? 1)));
  throw new PilotError("usage", `"${text}" is not a size.`, { hint: "Give it such as 500M, 20G or 1.5T." });
}

/** Cutoff of a span: older things expire. The beginning of time if nothing does. */
export function cutoffOf(span: Span, now: EpochMs): EpochMs {
  return span === undefined ? BEGINNING : epochMs(now - span);
}

const BEGINNING = epochMs(Number.MIN_SAFE_INTEGER / 1000);
