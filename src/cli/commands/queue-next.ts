import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { PilotError } from "../../errors.ts";
import { isMessageId } from "../../parse/message-id.ts";
import { findNextTries, type NextResult, type NextSubject, type QueueRuns, toQueueRuns } from "../../queue/next-try.ts";
import { findInSpool, readPlace } from "../../queue/spool-directory.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderNext } from "../../render/queue/next.ts";
import { type HintReading, hintForm, readHashHints, readHintDump, readHintRecords } from "../../spool/hints.ts";
import { pendingRecipients, type QueuedMessage } from "../../spool/queued-message.ts";
import { isSystemError, translateSystemError } from "../../store/files/system-errors.ts";
import { decodeLines } from "../../text.ts";
import { type EpochMs, MIB, momentAt, momentMs, toIso } from "../../units.ts";
import { parseWhen } from "../../when.ts";
import { screenOf, usingReader } from "../context.ts";
import { assertTimeZone } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { momentOf, type QueueFlags, readLogQueue } from "./queue.ts";

export interface NextFlags extends QueueFlags {
  readonly hints?: string;
  readonly hintsTimezone?: string;
}

const MOST_HINT_BYTES = 256 * MIB;
/** Attempts to read a file that Exim writes meanwhile. */
const TRIES = 3;

/** Prints when it is tried next; returns 1 when no record is kept. Errors: `usage`, `not_found`, `corrupt`, `unreadable`, those of the database. */
export async function runNext(what: string | undefined, flags: NextFlags, io: Io): Promise<number> {
  const now = momentOf(flags, io) ?? io.now();
  const hints = await readHints(flags, io);
  const message = what !== undefined && isMessageId(what) ? await findMessage(what, now, flags, io) : undefined;
  const runs = await readRuns(now, flags, io);
  const subjects =
    what === undefined
      ? hints.map(({ key }): NextSubject => ({ name: nameOf(key), sender: undefined, hosts: [] }))
      : message === undefined
        ? [{ name: what, sender: undefined, hosts: [] }]
        : await subjectsOf(message, flags, io);
  const answers = findNextTries({ subjects: uniqueNames(subjects), hints, runs, now });
  const result: NextResult = {
    at: toIso(now),
    id: message?.id ?? null,
    isFrozen: message?.isFrozen ?? null,
    runsEverySeconds: runs?.everySeconds ?? null,
    answers,
  };
  const shown = redactor(flags)(result);
  io.stdout.write(
    flags.json === true
      ? renderJson("queue_next", shown)
      : renderNext(shown, { ...screenOf(io), timeZone: io.timeZone }),
  );
  return answers.some(({ tries }) => tries.length > 0) || message?.isFrozen === true ? 0 : 1;
}

/** The address, domain or host of a key. */
function nameOf(key: string): string {
  return key
    .slice(2)
    .replace(/:<.*>$/s, "")
    .replace(/^(?!.*@)([^:]+):.*$/s, "$1")
    .replace(/^.*:([^:]*@[^:]*)$/s, "$1");
}

function uniqueNames(subjects: readonly NextSubject[]): readonly NextSubject[] {
  return [...new Map(subjects.map((subject) => [subject.name, subject])).values()];
}

/** Errors: `not_found`. */
async function findMessage(id: string, now: EpochMs, flags: NextFlags, io: Io): Promise<QueuedMessage> {
  const found =
    flags.spool === undefined
      ? (await readLogQueue(now, flags, io)).find((message) => message.id === id)
      : findReadable(flags.spool, id);
  if (found !== undefined) return found;
  throw new PilotError("not_found", `The message ${id} is not on the queue.`, {
    hint: `\`exim-pilot trace ${id}\` shows its history, if its log was read.`,
  });
}

function findReadable(spool: string, id: string): QueuedMessage | undefined {
  const place = findInSpool(spool, id);
  return place === undefined ? undefined : readPlace(place, { withHeaders: false })?.message;
}

async function subjectsOf(message: QueuedMessage, flags: NextFlags, io: Io): Promise<readonly NextSubject[]> {
  const hosts = await fromLog(
    flags,
    io,
    () => [],
    ({ queue }) => queue.hostsOf(message.id),
  );
  return pendingRecipients(message).map((name) => ({ name, sender: message.sender ?? undefined, hosts }));
}

async function readRuns(now: EpochMs, flags: NextFlags, io: Io): Promise<QueueRuns | undefined> {
  return fromLog(
    flags,
    io,
    () => undefined,
    ({ queue }) => toQueueRuns(queue.queueRunStarts(momentAt(now, 0), flags.server).map(momentMs), now),
  );
}

/** A question to the database, where there is one: a spool and its hints can be asked about without. */
async function fromLog<Result>(
  flags: NextFlags,
  io: Io,
  otherwise: () => Result,
  ask: (reader: Parameters<Parameters<typeof usingReader<Result>>[2]>[0]) => Result,
): Promise<Result> {
  if (statSync(flags.db, { throwIfNoEntry: false }) === undefined) return otherwise();
  return usingReader(flags, io, async (reader) => ask(reader));
}

/** Errors: `usage` when none are named, or the file is of a kind that cannot be read; `corrupt`, `unreadable`. */
async function readHints(flags: NextFlags, io: Io) {
  const file = flags.hints ?? (flags.spool === undefined ? undefined : join(flags.spool, "db", "retry"));
  if (file === undefined) {
    throw new PilotError("usage", "The log does not say when Exim tries again, and no retry records were given.", {
      hint: "Give --spool /var/spool/exim4, or --hints with a file or the output of `exim_dumpdb /var/spool/exim4 retry`.",
    });
  }
  const bytes = file === "-" ? await buffer(io.stdin) : readStill(file);
  const reading = await readForm(bytes, file, flags, io);
  if (reading.kind === "read") return reading.hints;
  throw new PilotError("corrupt", `"${file}" cannot be read: ${reading.reason}`, {
    hint: "Give the output of `exim_dumpdb /var/spool/exim4 retry` instead.",
  });
}

async function readForm(bytes: Buffer, file: string, flags: NextFlags, io: Io): Promise<HintReading> {
  switch (hintForm(bytes)) {
    case "berkeley_hash":
      return readHashHints(bytes);
    case "sqlite": {
      const { readSqliteHints } = await import("../../store/read/sqlite-hints.ts");
      return readHintRecords(readSqliteHints(bytes, file));
    }
    case "dump": {
      const timeZone = flags.hintsTimezone ?? io.timeZone;
      if (flags.hintsTimezone !== undefined) assertTimeZone(flags.hintsTimezone);
      return readHintDump(
        decodeLines(bytes.toString("latin1")),
        (wall) => parseWhen(wall, { now: io.now(), timeZone })?.from,
      );
    }
    case "unknown":
      if (bytes.length === 0) return { kind: "read", hints: [] };
      throw new PilotError("usage", `"${file}" has an unknown form: neither Berkeley DB hash nor SQLite.`, {
        hint: "It may be GDBM or TDB: give the output of `exim_dumpdb /var/spool/exim4 retry`.",
      });
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
  throw new PilotError("in_use", `"${file}" was being written each time it was read.`, {
    hint: "Run it again, or give the output of `exim_dumpdb /var/spool/exim4 retry`.",
  });
}
