import { type EpochMs, epochMs, SECOND_MS } from "../units.ts";
import { isAlphanumeric, isDigit, MINUS, UPPER_A } from "./chars.ts";

/** Length of an id written by Exim ≤ 4.96: `10HmaX-0005vi-00`. */
export const SHORT_ID_LENGTH = 16;
/** Length of an id written by Exim ≥ 4.97: `10HmaX-000000005vi-0000`. */
export const LONG_ID_LENGTH = 23;

const TIME_DIGITS = 6;
const SHORT_PID_END = 13;
const LONG_PID_END = 18;

/**
 * Length of the message id at `start`, or 0 when there is none. The id must end at a boundary: `10HmaX-0005vi-00x` is no id.
 *
 *     2026-03-02 05:40:05 1vwz8c-0005eI-2Q => alice
 *                         ^
 * Source: Exim specification, "Message identification"; both shapes may be mixed in one log after an upgrade.
 */
export function messageIdLength(text: string, start: number): number {
  if (text.charCodeAt(start + TIME_DIGITS) !== MINUS || !areAlphanumeric(text, start, start + TIME_DIGITS)) return 0;
  if (text.charCodeAt(start + SHORT_PID_END) === MINUS) return completeId(text, start, SHORT_PID_END, SHORT_ID_LENGTH);
  if (text.charCodeAt(start + LONG_PID_END) === MINUS) return completeId(text, start, LONG_PID_END, LONG_ID_LENGTH);
  return 0;
}

/** True when the whole text is one message id, in either length. */
export function isMessageId(text: string): boolean {
  return text.length > 0 && messageIdLength(text, 0) === text.length;
}

/**
 * Start of reception in the first six characters (base 62), to the second: the UTC time that a stamp without a zone lacks.
 * Source: Exim specification, "Message identification".
 */
export function messageIdTime(id: string): EpochMs {
  let seconds = 0;
  for (let index = 0; index < TIME_DIGITS; index++) seconds = seconds * 62 + base62Digit(id.charCodeAt(index));
  return epochMs(seconds * SECOND_MS);
}

function completeId(text: string, start: number, pidEnd: number, length: number): number {
  const complete =
    areAlphanumeric(text, start + TIME_DIGITS + 1, start + pidEnd) &&
    areAlphanumeric(text, start + pidEnd + 1, start + length) &&
    !isAlphanumeric(text.charCodeAt(start + length)) &&
    text.charCodeAt(start + length) !== MINUS;
  return complete ? length : 0;
}

function areAlphanumeric(text: string, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (!isAlphanumeric(text.charCodeAt(index))) return false;
  return true;
}

function base62Digit(code: number): number {
  if (isDigit(code)) return code - 0x30;
  return code <= 0x5a ? code - UPPER_A + 10 : code - 0x61 + 36;
}
