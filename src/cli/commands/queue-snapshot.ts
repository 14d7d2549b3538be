import { statSync } from "node:fs";
import { join } from "node:path";
import { EXIT_STATUS, PilotError } from "../../errors.ts";
import { QueueCount, type SnapshotOrder, type SnapshotReport, storeSnapshot } from "../../queue/snapshot.ts";
import { findSpool, KNOWN_SPOOLS, listSpool, namedQueues, readSpool } from "../../queue/spool-directory.ts";
import { renderJson } from "../../render/form/json.ts";
import { toVisibleLine } from "../../render/form/terminal-text.ts";
import { renderSnapshot } from "../../render/queue/snapshot.ts";
import type { RetryHint } from "../../spool/hints.ts";
import { type AuditFlags, audited } from "../audited.ts";
import { toStoreSettings, usingWriter } from "../context.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { readRetryHints } from "../retry-hints.ts";
import { statusOfAbort } from "../terminal/output.ts";
import { assertUnfiltered, momentOf, type QueueFlags, readPrinted } from "./queue.ts";

export interface SnapshotFlags extends QueueFlags, AuditFlags {
  readonly quiet?: boolean;
}

type Look = Pick<SnapshotOrder, "at" | "origin" | "queues" | "isWhole" | "hints">;

/** Stores what the queue looks like; returns the exit status. Errors: `usage`, `unreadable`, `exists`, those of the database. */
export async function runSnapshot(flags: SnapshotFlags, io: Io): Promise<number> {
  assertUnfiltered(flags, "A snapshot");
  const look = await takeLook(flags, io);
  if (look === undefined) return statusOfAbort(io);
  const { hostname, timeZone, user: author } = io;
  const affected = ({ isNew, server, at, queues }: SnapshotReport): object | undefined =>
    isNew ? { server, at, messages: queues.reduce((sum, { messages }) => sum + messages, 0) } : undefined;
  const report = await audited(
    { action: "queue snapshot", parameters: parametersOf(flags), affected, ignoresFailure: true },
    toStoreSettings(flags, io),
    flags,
    io,
    () =>
      usingWriter(flags, io, (writer) =>
        storeSnapshot(writer, { ...look, server: flags.server, hostname, timeZone, author, now: io.now() }),
      ),
  );
  const shown = redactor(flags)(report);
  if (flags.json === true) io.stdout.write(renderJson("queue_snapshot", shown));
  else if (flags.quiet !== true) io.stdout.write(renderSnapshot(shown));
  return report.queues.every(({ isComplete }) => isComplete) ? 0 : EXIT_STATUS.unreadable;
}

/** Those that say what was looked at: the others have their defaults. */
function parametersOf({ spool, bp, at, server, queueName }: SnapshotFlags): object {
  return { spool, bp, at, server, queueName };
}

/** Undefined: interrupted. */
async function takeLook(flags: SnapshotFlags, io: Io): Promise<Look | undefined> {
  if (flags.bp !== undefined) {
    if (flags.queueName !== undefined) {
      throw new PilotError("usage", "Only a spool has named queues.", { hint: "Give the spool with --spool." });
    }
    const { messages, now, isWhole } = await readPrinted(flags.bp, flags, io);
    const count = new QueueCount(now);
    for (const message of messages) count.add(message);
    const queue = { queueName: "", isComplete: isWhole, ...count.result() };
    return { at: now, origin: "bp", queues: [queue], isWhole: false, hints: undefined };
  }
  const spool = flags.spool ?? findSpool();
  if (spool !== undefined) return lookAtSpool(spool, flags, io);
  throw new PilotError("usage", `No spool is in ${KNOWN_SPOOLS.join(" or ")}.`, {
    hint: "Name it with --spool; `exim -bP spool_directory` prints where it is. Or give what exim -bp printed with --bp.",
  });
}

async function lookAtSpool(spool: string, flags: SnapshotFlags, io: Io): Promise<Look | undefined> {
  const at = momentOf(flags, io) ?? io.now();
  const isWhole = flags.queueName === undefined || flags.queueName === "*";
  const names = isWhole ? ["", ...namedQueues(spool)] : [flags.queueName ?? ""];
  const queues: Look["queues"][number][] = [];
  for (const queueName of names) {
    const { places, unreadable } = listSpool(spool, queueName);
    for (const directory of unreadable)
      io.stderr.write(`"${toVisibleLine(directory)}" cannot be listed: its messages are missing here.\n`);
    const count = new QueueCount(at);
    for await (const { message } of readSpool(places, { withHeaders: false }, io.signal)) count.add(message);
    if (io.signal.aborted) return undefined;
    queues.push({ queueName, isComplete: unreadable.length === 0, ...count.result() });
  }
  return { at, origin: "spool", queues, isWhole, hints: await readHintsOf(spool, io) };
}

/** Undefined, and told, when they cannot be read: they are not what a snapshot is about. */
async function readHintsOf(spool: string, io: Io): Promise<readonly RetryHint[] | undefined> {
  const file = join(spool, "db", "retry");
  try {
    if (statSync(file, { throwIfNoEntry: false }) === undefined) return [];
    return await readRetryHints(file, undefined, io);
  } catch (error) {
    const { message } = error as Error;
    if (!(error instanceof PilotError) && (error as { code?: unknown }).code !== "EACCES") throw error;
    io.stderr.write(`note: when messages are tried again is not kept: ${toVisibleLine(message)}\n`);
    return undefined;
  }
}
