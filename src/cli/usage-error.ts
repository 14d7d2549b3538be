import { PilotError } from "../errors.ts";

const SUGGESTION = /\((.*)\)/;

/** Commander's words in the form of all other errors. */
export function toUsageError(text: string): PilotError {
  const [first = "", ...rest] = text
    .trim()
    .replace(/^error: /, "")
    .split("\n");
  const suggestion = SUGGESTION.exec(rest.join(" "))?.[1];
  const sentence = first.charAt(0).toUpperCase() + first.slice(1);
  const hint = suggestion ?? "Run it with --help to see the flags and examples.";
  return new PilotError("usage", /[.!?]$/.test(sentence) ? sentence : `${sentence}.`, { hint });
}
