import { setImmediate as turn } from "node:timers/promises";
import { PilotError } from "../../errors.ts";
import { findSource } from "../../export/find-source.ts";
import { renderJson } from "../../render/form/json.ts";
import { toVisibleLine } from "../../render/form/terminal-text.ts";
import { createPrivateFile } from "../../store/files/private-file.ts";
import type { StoredSource } from "../../store/read/source-reader.ts";
import type { Reader } from "../../store/reader.ts";
import { type AuditFlags, audited } from "../audited.ts";
import { type DatabaseFlags, toStoreSettings, usingReader } from "../context.ts";
import type { Io } from "../io.ts";
import { statusOfAbort, writePiece } from "../terminal/output.ts";

export interface ExportFlags extends DatabaseFlags, AuditFlags {
  readonly raw: string;
  readonly server?: string;
  readonly output?: string;
  readonly json?: boolean;
}

/** Writes the bytes of a stored log; returns the exit status. Errors: `usage`, `not_found`, `corrupt`, `io`, `disk_full`, those of the database. */
export async function runExport(flags: ExportFlags, io: Io): Promise<number> {
  const { raw, server, output } = flags;
  if (output === undefined && flags.json === true) {
    throw new PilotError("usage", "--json tells what was written to a file, and none is named.", {
      hint: "Name one with --output.",
    });
  }
  if (output === undefined && io.stdout.isTTY === true) {
    throw new PilotError("usage", "The bytes of a log may contain control sequences for a terminal.", {
      hint: "Name a file with --output, or pipe it: `| less`, `> FILE`.",
    });
  }
  const source = await usingReader(flags, io, async (reader) => findSource(await reader.sources.list({ server }), raw));
  const affected = (): object => ({
    server: source.server,
    path: source.path,
    from: source.pruned,
    until: source.size,
  });
  const action = { action: "export", parameters: flags, affected, takesOut: true };
  // NOTE: opened again once the beginning is recorded, which writes to the database.
  return audited(action, toStoreSettings(flags, io), flags, io, () =>
    usingReader(flags, io, async (reader) => {
      const bytes = textLeft(reader, source, io);
      if (output === undefined) return toStdout(bytes, io);
      const status = await toFile(bytes, output, io);
      if (status === 0 && flags.json === true) io.stdout.write(renderExportJson(source, output));
      return status;
    }),
  );
}

function renderExportJson({ server, path, size, pruned }: StoredSource, output: string): string {
  return renderJson("export", { server, path, output, bytes: size - pruned, prunedBytes: pruned });
}

/** The bytes of a log that have not been pruned; says how many have been. Errors: `not_found` when none is left. */
function textLeft(reader: Reader, { id, path, pruned, pruned_at, size }: StoredSource, io: Io): Iterable<Buffer> {
  if (pruned > 0) {
    const when = `by exim-pilot prune, last on ${pruned_at}`;
    if (pruned === size) {
      throw new PilotError("not_found", `All text of "${path}" has been pruned, ${when}.`, {
        hint: "`exim-pilot audit --action prune` shows who pruned, and how; `prune --archive` keeps the text that is removed.",
      });
    }
    io.stderr.write(
      `note: of ${toVisibleLine(path)} the first ${pruned} of ${size} bytes have been pruned, ${when}.\n`,
    );
  }
  return reader.text.bytesOf(id, pruned);
}

async function toStdout(text: Iterable<Buffer>, io: Io): Promise<number> {
  for (const bytes of text) {
    if (!(await writePiece(io.stdout, bytes, io.signal))) return statusOfAbort(io);
    await turn();
  }
  return 0;
}

/** A file that could not be written to its end is taken away. */
async function toFile(text: Iterable<Buffer>, path: string, io: Io): Promise<number> {
  const file = createPrivateFile(path, { replaces: false });
  try {
    for (const bytes of text) {
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
