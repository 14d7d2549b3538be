import type { Paint } from "./paint.ts";

const TONES: Readonly<Record<string, Exclude<keyof Paint, "inColour">>> = {
  delivered: "good",
  success: "good",
  bounced: "bad",
  bounce: "bad",
  rejected: "bad",
  removed: "bad",
  partial: "bad",
  deferred: "waiting",
  defer: "waiting",
  timeout: "waiting",
  frozen: "waiting",
  queued: "waiting",
  pending: "waiting",
};

/** A status of a message, a recipient or an attempt, in the colour of what it means. */
export function paintStatus(paint: Paint, status: string): string {
  return paint[TONES[status] ?? "plain"](status);
}
