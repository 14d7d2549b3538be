import { Redactor } from "../redact/redactor.ts";

/** What every result goes through before it is shown: `--redact`, or nothing. One for each output, so that names stay the same. */
export function redactor({ redact }: { readonly redact?: boolean }): <Value>(value: Value) => Value {
  if (redact !== true) return (value) => value;
  const names = new Redactor();
  return (value) => names.redact(value);
}
