/** Finds the texts that match a pattern, in a process of its own; {@link matchTexts} in text-patterns.ts starts it. */
import { type ProcessFailure, serveJob } from "./killable-process.ts";

export interface TextPatternJob {
  readonly source: string;
  readonly flags: string;
  readonly texts: readonly string[];
}

/** `matching`: places in the texts. */
export type TextPatternOutcome = { readonly kind: "done"; readonly matching: readonly number[] } | ProcessFailure;

async function run({ source, flags, texts }: TextPatternJob): Promise<TextPatternOutcome> {
  const pattern = new RegExp(source, flags);
  return { kind: "done", matching: texts.flatMap((text, index) => (pattern.test(text) ? [index] : [])) };
}

await serveJob(run);
