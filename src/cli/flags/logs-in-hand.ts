/** `--log FILE…`: a question about logs that are in no database. They are read into one that is there for this question alone. */
import { lstatSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findRemains, unfinishedName } from "../../store/files/remains.ts";
import type { DatabaseFlags } from "../context.ts";
import type { Io } from "../io.ts";
import { thisMachine } from "../processes.ts";

export interface LogFlags extends DatabaseFlags {
  readonly log?: readonly string[];
}

const OWNER_ONLY = 0o700;
const BATCH_LINES = 500;

/** Runs `ask` on the database of the flags, or on one of the logs that they name; returns its exit status. Errors: those of ingest. */
export async function withLogs<Flags extends LogFlags>(
  flags: Flags,
  io: Io,
  ask: (flags: Flags) => Promise<number>,
): Promise<number> {
  const { log } = flags;
  if (log === undefined) return ask(flags);
  const place = tmpdir();
  removeLeft(place, io);
  const folder = join(place, unfinishedName("logs", thisMachine()));
  mkdirSync(folder, { mode: OWNER_ONLY });
  try {
    const own = { ...flags, db: join(folder, "logs.db") };
    const status = await readLogs(log, own, io);
    return status === 0 ? await ask(own) : status;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Says nothing but errors: the answer is what was asked for. */
async function readLogs(log: readonly string[], { db, wait }: DatabaseFlags, io: Io): Promise<number> {
  const { runIngest } = await import("../commands/ingest.ts");
  const quiet: Io = Object.create(io, { stdout: { value: { write: () => true } } });
  return runIngest(log, { db, wait, batchSize: BATCH_LINES, quiet: io.stderr.isTTY !== true }, quiet);
}

/** Removes what killed runs of this user left; files of other users stay. */
function removeLeft(place: string, io: Io): void {
  for (const { kind, path } of findRemains(place, thisMachine(), io.now())) {
    if (kind === "logs" && lstatSync(path).uid === process.geteuid?.()) rmSync(path, { recursive: true, force: true });
  }
}
