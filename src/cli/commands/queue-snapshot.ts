import { toKept } from "../../content/kept-content.ts";
import { EXIT_STATUS, PilotError } from "../../errors.ts";
import {
  type QueueContent,
  QueueCount,
  type SnapshotOrder,
  type SnapshotReport,
  storeSnapshot,
} from "../../queue/snapshot.ts";
import { findSpool, KNOWN_SPOOLS, listSpool, namedQueues, readSpool } from "../../queue/spool-directory.ts";
import type { SpoolPlaces } from "../../queue/spool-places.ts";
import { renderJson } from "../../render/form/json.ts";
import { toVisibleLine } from "../../render/form/terminal-text.ts";
import { renderSnapshot } from "../../render/queue/snapshot.ts";
import type { RetryHint } from "../../spool/hints.ts";
import type { KeptContent } from "../../store/write/contents.ts";
import { type AuditFlags, audited } from "../audited.ts";
import { toStoreSettings, usingReader, usingWriter } from "../context.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { readSpoolHints } from "../retry-hints.ts";
import { statusOfAbort } from "../terminal/output.ts";
import { printLines } from "../terminal/print-lines.ts";
import { assertUnfiltered, momentOf, type QueueFlags, readPrinted } from "./queue.ts";

export interface SnapshotFlags extends QueueFlags, AuditFlags {
  readonly content: ContentDepth;
  readonly quiet?: boolean;
}

type ContentDepth = "none" | "headers" | "preview";

interface Look extends Pick<SnapshotOrder, "at" | "origin" | "queues" | "isWhole" | "hints"> {
  /** Places of messages whose content is to be kept. */
  readonly places: readonly SpoolPlaces[];
}

/** Stores what the queue looks like; returns the exit status. Errors: `usage`, `unreadable`, `exists`, those of the database. */
export async function runSnapshot(flags: SnapshotFlags, io: Io): Promise<number> {
  assertUnfiltered(flags, "A snapshot");
  if (flags.bp !== undefined && flags.content !== "none") {
    throw new PilotError("usage", "What exim -bp printed holds no content of messages.", {
      hint: "Leave --content out, or give --spool.",
    });
  }
  const look = await takeLook(flags, io);
  if (look === undefined) return statusOfAbort(io);
  const affected = ({ isNew, server, at, queues, contents }: SnapshotReport): object | undefined =>
    isNew || contents > 0
      ? { server, at, messages: queues.reduce((sum, { messages }) => sum + messages, 0), contents }
      : undefined;
  const report = await audited(
    { action: "queue snapshot", parameters: parametersOf(flags), affected, ignoresFailure: true },
    toStoreSettings(flags, io),
    flags,
    io,
    async () => {
      const { places, ...rest } = look;
      const order: SnapshotOrder = {
        ...rest,
        server: flags.server,
        hostname: io.hostname,
        // NOTE: asked for a new server alone: its names take 8 MiB to load.
        get timeZone() {
          return io.timeZone;
        },
        author: io.user,
        now: io.now(),
      };
      const stored = await usingWriter(flags, io, (writer) => storeSnapshot(writer, order));
      return { ...stored, contents: await keepContents(places, stored.server, flags, io) };
    },
  );
  const shown = redactor(flags, io)(report);
  if (flags.json === true) io.stdout.write(renderJson("queue_snapshot", shown));
  else if (flags.quiet !== true) printLines(renderSnapshot(shown), io);
  return report.queues.every(({ isComplete }) => isComplete) ? 0 : EXIT_STATUS.unreadable;
}

/** Flags that say which queue was looked at; the audit leaves out the others. */
function parametersOf({ spool, bp, at, server, queueName, content }: SnapshotFlags): object {
  return { spool, bp, at, server, queueName, content };
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
    return { at: now, origin: "bp", queues: [queue], isWhole: false, hints: undefined, places: [] };
  }
  const spool = flags.spool ?? findSpool(io.systemRoot ?? "/");
  if (spool !== undefined) return lookAtSpool(spool, flags, io);
  throw new PilotError("usage", `No spool is in ${KNOWN_SPOOLS.join(" or ")}.`, {
    hint: "Name it with --spool; `exim -bP spool_directory` prints where it is. Or give what exim -bp printed with --bp.",
  });
}

async function lookAtSpool(spool: string, flags: SnapshotFlags, io: Io): Promise<Look | undefined> {
  const at = momentOf(flags, io) ?? io.now();
  const isWhole = flags.queueName === undefined || flags.queueName === "*";
  const named = namedQueues(spool);
  const names = isWhole ? ["", ...named] : [assertQueue(flags.queueName ?? "", named, spool)];
  const queues: QueueContent[] = [];
  const all: SpoolPlaces[] = [];
  for (const queueName of names) {
    const { places, unreadable } = listSpool(spool, queueName, isWhole);
    for (const directory of unreadable)
      io.stderr.write(`"${toVisibleLine(directory)}" cannot be listed: its messages are missing here.\n`);
    const count = new QueueCount(at);
    for await (const batch of readSpool(places, { withHeaders: false }, io.signal))
      for (const { message } of batch) count.add(message);
    if (flags.content !== "none") all.push(places);
    if (io.signal.aborted) return undefined;
    queues.push({ queueName, isComplete: unreadable.length === 0, ...count.result() });
  }
  return { at, origin: "spool", queues, isWhole, hints: await readHintsOf(spool, io), places: all };
}

/** Errors: `not_found`. */
function assertQueue(name: string, named: readonly string[], spool: string): string {
  if (name === "" || named.includes(name)) return name;
  throw new PilotError("not_found", `"${spool}" has no queue named "${name}".`, {
    hint: named.length === 0 ? "It has the default queue only." : `Those there are: ${named.join(", ")}.`,
  });
}

/** Written in one transaction. */
const CONTENTS_TOGETHER = 50;
const CONTENT_LIMIT = 65_536;

/** Keeps what is in those messages of which it is not kept yet; returns how many. Errors: `interrupted`, those of the database. */
async function keepContents(
  places: readonly SpoolPlaces[],
  server: string,
  flags: SnapshotFlags,
  io: Io,
): Promise<number> {
  if (flags.content === "none") return 0;
  const headersOnly = flags.content === "headers";
  const known = await usingReader(flags, io, async ({ contents }) => contents.keptIds(server, headersOnly));
  const fresh = places.flatMap((some) => [...some]).filter(({ id }) => !known.has(id));
  if (fresh.length === 0) return 0;
  const { readContents } = await import("../children/contents.ts");
  const items = fresh.map((place) => ({ kind: "spool" as const, place }));
  return usingWriter(flags, io, async (writer) => {
    const serverId = writer.sources.findServer(server)?.id;
    if (serverId === undefined) throw new Error("The server of the snapshot is gone.");
    let [index, count] = [0, 0];
    let waiting: KeptContent[] = [];
    const write = (): void => {
      if (waiting.length === 0) return;
      writer.write((transactor) => {
        for (const kept of waiting) transactor.putContent(kept);
      });
      count += waiting.length;
      waiting = [];
    };
    for await (const outcome of readContents(items, { limit: CONTENT_LIMIT, headersOnly }, io)) {
      const id = fresh[index++]?.id ?? "";
      if (outcome.kind !== "read") continue;
      waiting.push(toKept(outcome.content, { serverId, id, at: io.now(), author: io.user }));
      if (waiting.length >= CONTENTS_TOGETHER) write();
    }
    write();
    return count;
  });
}

/** Undefined, and told, when they cannot be read: they are not what a snapshot is about. */
async function readHintsOf(spool: string, io: Io): Promise<readonly RetryHint[] | undefined> {
  try {
    return (await readSpoolHints(spool, undefined, io)) ?? [];
  } catch (error) {
    if (!(error instanceof PilotError)) throw error;
    io.stderr.write(`note: when messages are tried again is not kept: ${toVisibleLine(error.message)}\n`);
    return undefined;
  }
}
