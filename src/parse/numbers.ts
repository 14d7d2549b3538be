import { isDigit } from "./chars.ts";

/**
 * The whole number that ASCII digits spell: `1918`. Undefined for other text, and for a number beyond 2^53 − 1, which neither a
 * double nor every reader of the database holds exactly: such a number is unknown, never clamped or rounded.
 */
export function parseWholeNumber(digits: string): number | undefined {
  if (digits === "") return undefined;
  for (let index = 0; index < digits.length; index++) if (!isDigit(digits.charCodeAt(index))) return undefined;
  return exact(Number(digits));
}

/** The number itself, or undefined when it lies beyond ±(2^53 − 1). */
export function exact(value: number): number | undefined {
  // NOTE: a comparison with NaN is false.
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : undefined;
}
