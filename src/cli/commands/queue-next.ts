import { readFileSync, statSync } from "node:fs";
import { PilotError } from "../../errors.ts";
import { isMessageId } from "../../parse/message-id.ts";
import { assertSpool, findInSpool, readPlace } from "../../queue/spool-directory.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderNext } from "../../render/queue/next.ts";
import type { RetryHint } from "../../spool/hints.ts";
import { findNextTries, type NextResult, type NextSubject, type QueueRuns, toQueueRuns } from "../../spool/next-try.ts";
import { pendingRecipients, type QueuedMessage } from "../../spool/queued-message.ts";
import { type RetryRule, readRetryRules } from "../../spool/retry-rules.ts";
import { isSystemError, translateSystemError } from "../../store/files/system-errors.ts";
import { decodeLines } from "../../text.ts";
import { type EpochMs, MIB, momentAt, momentMs, toIso } from "../../units.ts";
import { screenOf, usingReader } from "../context.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { readRetryHints, readSpoolHints } from "../retry-hints.ts";
import { logQueue, momentOf, type QueueFlags } from "./queue.ts";

export interface NextFlags extends QueueFlags {
  readonly hints?: string;
  readonly hintsTimezone?: string;
  readonly retryRules?: string;
}

interface Records {
  readonly hints: readonly RetryHint[];
  /** When a snapshot kept them; null: they were read now. */
  readonly keptAt: EpochMs | null;
}

/** Prints when it is tried next; returns 1 when no record is kept. Errors: `usage`, `not_found`, `corrupt`, `unreadable`, those of the database. */
export async function runNext(what: string | undefined, flags: NextFlags, io: Io): Promise<number> {
  const now = momentOf(flags, io) ?? io.now();
  const rules = flags.retryRules === undefined ? undefined : readRules(flags.retryRules);
  const { hints, keptAt } = await readRecords(flags, io);
  const message = what !== undefined && isMessageId(what) ? await findMessage(what, now, flags, io) : undefined;
  const runs = await readRuns(now, flags, io);
  const subjects =
    what === undefined
      ? hints.map(({ key }): NextSubject => ({ name: nameOf(key), sender: undefined, hosts: [] }))
      : message === undefined
        ? [{ name: what, sender: undefined, hosts: [] }]
        : await subjectsOf(message, flags, io);
  const answers = findNextTries({ subjects: uniqueNames(subjects), hints, runs, rules, now });
  const result: NextResult = {
    at: toIso(now),
    id: message?.id ?? null,
    isFrozen: message?.isFrozen ?? null,
    runsEverySeconds: runs?.everySeconds ?? null,
    recordsKeptAt: keptAt === null ? null : toIso(keptAt),
    answers,
  };
  const shown = redactor(flags, io)(result);
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
      ? await usingReader(flags, io, async (reader) => {
          for (const message of logQueue(reader, now, flags)) if (message.id === id) return message;
          return undefined;
        })
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

/** Returns the records of the named file, else those of the spool, else those that the last snapshot kept. Errors: `usage` when there are none; those of {@link readRetryHints}. */
async function readRecords(flags: NextFlags, io: Io): Promise<Records> {
  const { hints: file, spool, hintsTimezone } = flags;
  if (file !== undefined) return { hints: await readRetryHints(file, hintsTimezone, io), keptAt: null };
  if (spool !== undefined) {
    assertSpool(spool);
    const hints = await readSpoolHints(spool, hintsTimezone, io);
    if (hints !== undefined) return { hints, keptAt: null };
    throw new PilotError("not_found", `"${spool}" has no retry records: there is no file db/retry.`, {
      hint: "Exim makes it when a delivery is first put off; `exim -bP spool_directory` prints where the spool is.",
    });
  }
  const kept = await fromLog(
    flags,
    io,
    () => undefined,
    ({ looks }) => looks.hints(flags.server),
  );
  if (kept !== undefined) return { hints: kept.hints, keptAt: kept.seenAt };
  throw new PilotError(
    "usage",
    "The log does not say when Exim tries again, and no retry records were given or kept.",
    {
      hint: "Give --spool /var/spool/exim4, or --hints with a file or the output of `exim_dumpdb /var/spool/exim4 retry`; `queue snapshot` keeps them.",
    },
  );
}

const MOST_RULE_BYTES = 16 * MIB;

/** Errors: `usage` when a line is no rule; of the system, in words. */
function readRules(file: string): readonly RetryRule[] {
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > MOST_RULE_BYTES) {
      throw new PilotError(
        "usage",
        `"${file}" is larger than ${MOST_RULE_BYTES / MIB} MiB, which no configuration is.`,
        {
          hint: "Give the output of `exim -bP config`.",
        },
      );
    }
    text = decodeLines(readFileSync(file, "latin1"));
  } catch (error) {
    throw isSystemError(error) ? translateSystemError(error, file) : error;
  }
  const reading = readRetryRules(text);
  if (reading.kind === "read") return reading.rules;
  throw new PilotError("usage", `Line ${reading.line} of "${file}" is no retry rule. ${reading.reason}`, {
    hint: 'Give the output of `exim -bP config`, in which Exim has followed its directives, or the lines of its section "begin retry".',
  });
}
