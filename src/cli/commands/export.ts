import { setImmediate as turn } from "node:timers/promises";
import { PilotError } from "../../errors.ts";
import { findSource } from "../../export/find-source.ts";
import { createPrivateFile } from "../../export/private-file.ts";
import type { Reader } from "../../store/reader.ts";
import { type AuditFlags, audited } from "../audited.ts";
import { type DatabaseFlags, toStoreSettings, usingReader } from "../context.ts";
import type { Io } from "../io.ts";
import { statusOfAbort, writePiece } from "../output.ts";

export interface ExportFlags extends DatabaseFlags, AuditFlags {
  readonly raw: string;
  readonly server?: string;
  readonly output?: string;
}

/** Writes the bytes of a stored log; returns the exit status. Errors: `usage`, `not_found`, `corrupt`, `io`, `disk_full`, those of the database. */
export async function runExport(flags: ExportFlags, io: Io): Promise<number> {
  const { raw, server, output } = flags;
  if (output === undefined && io.stdout.isTTY === true) {
    throw new PilotError("usage", "The bytes of a log may hold what takes control of a terminal.", {
      hint: "Name a file with --output, or pipe it: `| less`, `> FILE`.",
    });
  }
  return usingReader(flags, io, async (reader) => {
    const source = findSource(await reader.sources.list({ server }), raw);
    const affected = (): object => ({ server: source.server, path: source.path });
    return audited({ action: "export", parameters: flags, affected }, toStoreSettings(flags, io), flags, io, () =>
      output === undefined ? toStdout(reader, source.id, io) : toFile(reader, source.id, output, io),
    );
  });
}

async function toStdout(reader: Reader, sourceId: number, io: Io): Promise<number> {
  for (const bytes of reader.text.bytesOf(sourceId)) {
    if (!(await writePiece(io.stdout, bytes, io.signal))) return statusOfAbort(io);
    await turn();
  }
  return 0;
}

/** A file that could not be written to its end is taken away. */
async function toFile(reader: Reader, sourceId: number, path: string, io: Io): Promise<number> {
  const file = createPrivateFile(path);
  try {
    for (const bytes of reader.text.bytesOf(sourceId)) {
      // NOTE: a turn of the event loop, so that a signal is noticed.
      await turn();
      if (io.signal.aborted) return statusOfAbort(io);
      file.write(bytes);
    }
    file.finish();
    return 0;
  } finally {
    file.discard();
  }
}
