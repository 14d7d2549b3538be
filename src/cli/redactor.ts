import { Redactor } from "../redact/redactor.ts";
import type { Io } from "./io.ts";

/** The made-up names of this run. One serves all outputs, so that they stay the same. */
export function namesOf(io: Io): Redactor {
  return io.redaction?.names ?? new Redactor();
}

/** Returns the function that every result passes through: the redactor of `--redact`, or none. */
export function redactor({ redact }: { readonly redact?: boolean }, io: Io): <Value>(value: Value) => Value {
  if (redact !== true) return (value) => value;
  const names = namesOf(io);
  return (value) => names.redact(value);
}
