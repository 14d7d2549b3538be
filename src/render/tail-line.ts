/** One line of `tail`: when, where, which message, and what happened. */
import type { Description } from "../trace/describe-event.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

export interface TailEvent {
  /** Stamp as logged; undefined for lines without one. */
  readonly timestamp: string | undefined;
  /** Server or file; undefined where there is only one. */
  readonly place: string | undefined;
  readonly messageId: string | undefined;
  readonly description: Description;
}

const STAMP_LENGTH = "2026-03-02 05:40:05".length;

/** `2026-03-02 15:51:32  mx1  1vx5YS-0006QZ-1J  ==  a@grey.example deferred …` */
export function renderTailLine({ timestamp = "", place, messageId, description }: TailEvent, paint: Paint): string {
  const { mark, text, tone } = description;
  const parts = [
    paint.faint(toVisibleLine(timestamp).padEnd(STAMP_LENGTH)),
    ...(place === undefined ? [] : [paint.faint(toVisibleLine(place))]),
    ...(messageId === undefined ? [] : [messageId]),
    mark.padEnd(2),
    paint[tone](toVisibleLine(text)),
  ];
  return `${parts.join("  ").trimEnd()}\n`;
}
