/** Retry records of Exim from whatever form its hints have. */
import { lstatSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { PilotError } from "../errors.ts";
import { toVisibleLine } from "../render/form/terminal-text.ts";
import {
  type HintReading,
  hintForm,
  type RetryHint,
  readHashHints,
  readHintDump,
  readHintRecords,
} from "../spool/hints.ts";
import { isSystemError, translateSystemError } from "../store/files/system-errors.ts";
import { decodeLines } from "../text.ts";
import { MIB } from "../units.ts";
import { parseWhen } from "../when.ts";
import { assertTimeZone } from "./flags/time-zone.ts";
import type { Io } from "./io.ts";

const MOST_HINT_BYTES = 256 * MIB;
/** Readings of a file that Exim writes to meanwhile. */
const TRIES = 3;

/**
 * Reads a file, or standard input where it is "-". `timeZone`: whose clock exim_dumpdb printed; undefined: this machine's.
 * Errors: `usage` when the file is of a kind that cannot be read; `corrupt`, `in_use`, of the system in words.
 */
export async function readRetryHints(
  file: string,
  timeZone: string | undefined,
  io: Io,
): Promise<readonly RetryHint[]> {
  const bytes = file === "-" ? await buffer(io.stdin) : readStill(file);
  const reading = await readForm(bytes, file, timeZone, io);
  if (reading.kind === "read") return reading.hints;
  throw new PilotError("corrupt", `"${file}" cannot be read: ${reading.reason}`, {
    hint: "Give the output of `exim_dumpdb /var/spool/exim4 retry` instead.",
  });
}

/** Reads the records of a spool; undefined: it has none. Errors: those of {@link readRetryHints}; `unreadable` for a link, which is not followed. */
export async function readSpoolHints(
  spool: string,
  timeZone: string | undefined,
  io: Io,
): Promise<readonly RetryHint[] | undefined> {
  const file = join(spool, "db", "retry");
  const stats = linkStatOf(file);
  if (stats === undefined) return undefined;
  if (stats.isSymbolicLink()) {
    throw new PilotError("unreadable", `"${file}" is a symbolic link, which is not followed.`, {
      hint: "Give the file that it leads to with --hints.",
    });
  }
  return readRetryHints(file, timeZone, io);
}

/** Errors: of the system, in words. */
function linkStatOf(file: string) {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw isSystemError(error) ? translateSystemError(error, file) : error;
  }
}

const NOTHING_READ =
  '"FILE" is empty: that is so where Exim has no retry records, and also where exim_dumpdb failed to read them.';

async function readForm(bytes: Buffer, file: string, zone: string | undefined, io: Io): Promise<HintReading> {
  switch (hintForm(bytes)) {
    case "berkeley_hash":
      return readHashHints(bytes);
    case "sqlite": {
      const { readSqliteHints } = await import("../store/read/sqlite-hints.ts");
      return readHintRecords(readSqliteHints(bytes, file));
    }
    case "dump": {
      const timeZone = zone ?? io.timeZone;
      if (zone !== undefined) assertTimeZone(zone);
      return readHintDump(
        decodeLines(bytes.toString("latin1")),
        (wall) => parseWhen(wall, { now: io.now(), timeZone })?.from,
      );
    }
    case "unknown":
      if (bytes.length === 0) {
        io.stderr.write(`note: ${NOTHING_READ.replace("FILE", toVisibleLine(file))}\n`);
        return { kind: "read", hints: [] };
      }
      throw new PilotError(
        "usage",
        `"${file}" is of a kind that cannot be read: neither Berkeley DB's hash, nor SQLite.`,
        {
          hint: "It may be GDBM's or TDB's: give the output of `exim_dumpdb /var/spool/exim4 retry`.",
        },
      );
  }
}

/** The whole file as it was at one moment. Errors: `in_use`, of the system in words. */
function readStill(file: string): Buffer {
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const before = statSync(file);
      if (!before.isFile() || before.size > MOST_HINT_BYTES) {
        throw new PilotError("usage", `"${file}" is no regular file of up to ${MOST_HINT_BYTES / MIB} MiB.`, {
          hint: "Retry records are in the file db/retry of the spool.",
        });
      }
      const bytes = readFileSync(file);
      const after = statSync(file);
      if (after.mtimeMs === before.mtimeMs && after.size === before.size && bytes.length === before.size) return bytes;
    }
  } catch (error) {
    throw isSystemError(error) ? translateSystemError(error, file) : error;
  }
  throw new PilotError("in_use", `"${file}" was written to each time it was read.`, {
    hint: "Run it again, or give the output of `exim_dumpdb /var/spool/exim4 retry`.",
  });
}
