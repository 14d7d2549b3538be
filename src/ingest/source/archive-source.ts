import { closeSync } from "node:fs";
import { PilotError } from "../../errors.ts";
import { ArchiveFailure } from "./archive-failure.ts";
import type { Codec } from "./codec.ts";
import { decompress } from "./decompress.ts";
import { type ForwardSource, openForward } from "./forward-source.ts";
import { CHUNK_BYTES, type ReadProgress, readOn } from "./log-file.ts";
import type { OpenSource, SourceOptions } from "./open-source.ts";
import { readFailure } from "./read-failure.ts";

const NOTHING = Buffer.alloc(0);

/** A compressed file. It is read again, from its beginning, for each comparison. */
export async function openArchive(
  path: string,
  descriptor: number,
  sizeBytes: number,
  codec: Codec,
  options: SourceOptions,
): Promise<OpenSource> {
  const progress = { bytesRead: 0 };
  const readAll = (shown: ReadProgress): AsyncGenerator<Buffer> =>
    readOn(descriptor, 0, NOTHING, shown, options.signal);
  const begin = (): Promise<ForwardSource> => openForward(path, readAll(progress), false, options);
  let source: ForwardSource;
  try {
    source = await begin();
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return {
    path,
    head: source.head,
    sizeBytes,
    textBytes: undefined,
    verify: () => verifyArchive(path, codec, readAll({ bytesRead: 0 }), options),
    bytesRead: () => progress.bytesRead,
    compare: async (position, stored) => {
      const comparison = await source.compare(position, stored);
      if (comparison !== "different") return comparison;
      source.close();
      source = await begin();
      return comparison;
    },
    read: () => source.read(),
    readUntilPause: () => source.read(),
    goesOn: async () => false,
    close: () => {
      source.close();
      closeSync(descriptor);
    },
  };
}

async function verifyArchive(
  path: string,
  codec: Codec,
  compressed: AsyncGenerator<Buffer>,
  { env, signal = new AbortController().signal }: SourceOptions,
): Promise<void> {
  try {
    for await (const _chunk of decompress(codec, compressed, CHUNK_BYTES, { env, signal }));
  } catch (error) {
    if (!(error instanceof ArchiveFailure)) throw readFailure(path, error);
    if (error.trouble === "cut_off") return;
    throw new PilotError("unreadable", `"${path}" is damaged: ${error.message}.`, {
      hint: "Nothing more of it was stored, as its text cannot be trusted. Save what can be recovered to a file, and ingest that.",
      cause: error,
    });
  }
}
