import { Redactor } from "../redact/redactor.ts";

/**
 * Returns the function that every result passes through: the redactor of `--redact`, or none. One serves a whole
 * output, so that made-up names stay the same.
 */
export function redactor({ redact }: { readonly redact?: boolean }): <Value>(value: Value) => Value {
  if (redact !== true) return (value) => value;
  const names = new Redactor();
  return (value) => names.redact(value);
}
