/** Standard error of a run with `--redact`. */
import type { Io, OutputStream } from "../io.ts";
import { Redaction } from "./redaction.ts";

export function asksToRedact(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end < 0 ? argv : argv.slice(0, end)).includes("--redact");
}

/** The same world, whose standard error passes through the redaction. */
export async function withRedaction(io: Io, argv: readonly string[]): Promise<Io> {
  const redaction = new Redaction(argv);
  if (asksToRedact(argv)) await redaction.turnOn();
  return Object.create(io, {
    stderr: { value: redactedOutput(io.stderr, redaction) },
    redaction: { value: redaction },
  });
}

function redactedOutput(stream: OutputStream, redaction: Redaction): OutputStream {
  return new Proxy(stream, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === "write")
        return (text: string | Uint8Array, ...rest: readonly unknown[]) =>
          Reflect.apply(target.write, target, [typeof text === "string" ? redaction.sentence(text) : text, ...rest]);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
