import type { Readable } from "node:stream";
import { PilotError } from "../../errors.ts";
import { openForward } from "./forward-source.ts";
import type { OpenSource, SourceOptions } from "./open-source.ts";

/** Opens a stream that can be read once: standard input, a named pipe. */
export async function openStream(path: string, stream: Readable, options: SourceOptions): Promise<OpenSource> {
  const { signal } = options;
  const stop = (): void => {
    stream.destroy();
  };
  if (signal?.aborted === true) stop();
  signal?.addEventListener("abort", stop, { once: true });
  const source = await openForward(path, stream, true, options).catch((error: unknown) => {
    stop();
    throw error;
  });
  return {
    path,
    get head() {
      return source.head;
    },
    sizeBytes: undefined,
    textBytes: undefined,
    verify: async () => {},
    bytesRead: () => 0,
    compare: async (position, stored) => {
      const comparison = await source.compare(position, stored);
      if (comparison !== "different") return comparison;
      throw new PilotError(
        "unreadable",
        `"${path}" begins like a log that is already stored, and then differs from it.`,
        {
          hint: "Save it to a file and ingest the file.",
        },
      );
    },
    read: source.read,
    readUntilPause: source.readUntilPause,
    goesOn: source.goesOn,
    close: () => {
      signal?.removeEventListener("abort", stop);
      source.close();
      stop();
    },
  };
}
