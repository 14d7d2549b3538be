/** The page of `tail`: a line for each event, with when, where, which message and what happened. */
import type { Description } from "../trace/describe-event.ts";
import { renderHanging, widthOf } from "./form/layout.ts";
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

export interface TailScreen {
  readonly columns: number;
  readonly paint: Paint;
}

export interface ServerClock {
  readonly server: string;
  readonly timeZone: string;
}

const STAMP_LENGTH = "2026-03-02 05:40:05".length;
/** In less room than this addresses would be torn: the text then stands below. */
const NARROWEST_TEXT = 60;
const BELOW = 4;

/**
 * `2026-03-02 15:51:32  mx1  1vx5YS-0006QZ-1J  ==  a@grey.example deferred …`; what does not fit goes on below the text, or below all of it
 * where that has no room.
 */
export function renderTailLine(
  { timestamp = "", place, messageId, description }: TailEvent,
  { columns, paint }: TailScreen,
): string {
  const { mark, text, tone } = description;
  const parts = [
    paint.faint(toVisibleLine(timestamp).padEnd(STAMP_LENGTH)),
    ...(place === undefined ? [] : [paint.faint(toVisibleLine(place))]),
    ...(messageId === undefined ? [] : [messageId]),
    mark.padEnd(2),
  ];
  const label = `${parts.join("  ")}  `;
  const shown = paint[tone](toVisibleLine(text));
  const indent = widthOf(label);
  const isOneLine = indent + widthOf(shown) <= columns;
  if (isOneLine || columns - indent >= NARROWEST_TEXT) return `${renderHanging(label, shown, indent, columns)}\n`;
  return `${label.trimEnd()}\n${renderHanging(" ".repeat(BELOW), shown, BELOW, columns)}\n`;
}

/** `Times as logged, in UTC`: the clocks of the servers whose stamps have no zone of their own; empty without any. */
export function renderTailHeading(clocks: readonly ServerClock[], { columns, paint }: TailScreen): string {
  const zones = [...new Set(clocks.map(({ timeZone }) => timeZone))];
  if (zones.length === 0) return "";
  const named =
    zones.length === 1 ? zones : clocks.map(({ server, timeZone }) => `${timeZone} on ${toVisibleLine(server)}`);
  return `${renderHanging("", paint.faint(`Times as logged, in ${named.join(", ")}`), 0, columns)}\n`;
}
