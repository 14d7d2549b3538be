/** Standard error of a run with `--redact`. */
import { flagsOf } from "../declare/argv.ts";
import type { Io } from "../io.ts";
import { mappedOutput } from "./mapped-output.ts";
import { Redaction } from "./redaction.ts";

export function asksToRedact(argv: readonly string[]): boolean {
  return flagsOf(argv).includes("--redact");
}

/** The same world, whose standard error passes through the redaction. */
export async function withRedaction(io: Io, argv: readonly string[]): Promise<Io> {
  const redaction = new Redaction(argv);
  if (asksToRedact(argv)) await redaction.turnOn();
  return Object.create(io, {
    stderr: { value: mappedOutput(io.stderr, (text) => redaction.sentence(text)) },
    redaction: { value: redaction },
  });
}
