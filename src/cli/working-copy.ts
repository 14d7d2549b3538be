/** A copy of the database for a command, and the reading of its lines into it. */
import { replay } from "../ingest/save/replay.ts";
import type { Reader } from "../store/reader.ts";
import { type CopyOptions, WorkingCopy } from "../store/working-copy.ts";
import { type DatabaseFlags, toStoreSettings } from "./context.ts";
import type { Io } from "./io.ts";
import { thisMachine } from "./processes.ts";

/** Runs `action` with a copy, which is removed afterwards; `bringUp` reads into it what it lacks. */
export async function usingCopy<Result>(
  flags: DatabaseFlags,
  io: Io,
  {
    purpose,
    reader,
    onProgress,
  }: Pick<CopyOptions, "purpose"> & { reader: Reader; onProgress: (bytes: number) => void },
  action: (copy: WorkingCopy, bringUp: () => Promise<void>) => Promise<Result>,
): Promise<Result> {
  const copy = new WorkingCopy(toStoreSettings(flags, io), { purpose, processes: thisMachine() });
  try {
    const options = { now: io.now, signal: io.signal, startReadingThread: io.startReadingThread, onProgress };
    return await action(copy, () => replay(reader.text, copy.writer, options));
  } finally {
    copy.close();
  }
}
