import { PilotError } from "../../errors.ts";
import { type Difference, reconcile } from "../../queue/reconcile.ts";
import type { LogEnd } from "../../queue/report.ts";
import { listSpool, type PlacedMessage, readSpool } from "../../queue/spool-directory.ts";
import type { SpoolPlace } from "../../queue/spool-places.ts";
import { JsonStream } from "../../render/form/json.ts";
import { toVisibleLine } from "../../render/form/terminal-text.ts";
import { renderReconciliation } from "../../render/queue/reconciliation.ts";
import type { QueuedMessage } from "../../spool/queued-message.ts";
import { toIso } from "../../units.ts";
import { screenOf, usingReader } from "../context.ts";
import { logEnds } from "../coverage.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { statusOfAbort, writePiece } from "../terminal/output.ts";
import { logQueue, momentOf, type QueueFlags, serversOf } from "./queue.ts";

/** Prints where spool and log differ; returns 1 when they do. Errors: `usage`, `unreadable`, those of the database. */
export async function runReconcile(flags: QueueFlags, io: Io): Promise<number> {
  if (flags.spool === undefined) {
    throw new PilotError("usage", "No spool was given to compare with the log.", {
      hint: "Name it: `exim-pilot queue reconcile --spool /var/spool/exim4`.",
    });
  }
  const now = momentOf(flags, io) ?? io.now();
  const { places, unreadable } = listSpool(flags.spool, "*");
  for (const directory of unreadable) {
    const path = toVisibleLine(directory);
    io.stderr.write(`"${path}" cannot be listed: a message that is missing in the spool proves nothing.\n`);
  }
  const isComplete = unreadable.length === 0;
  const count = await usingReader(flags, io, async (reader) => {
    const head = { at: toIso(now), logEnds: logEnds(reader, serversOf(flags), now), isComplete };
    const differences = reconcile(messagesOf(places, io), logQueue(reader, now, flags), isComplete);
    return flags.json === true ? printJson(head, differences, flags, io) : printPage(head, differences, flags, io);
  });
  if (io.signal.aborted) return statusOfAbort(io);
  return count === 0 ? 0 : 1;
}

interface Head {
  readonly at: string;
  readonly logEnds: readonly LogEnd[];
  readonly isComplete: boolean;
}

async function* messagesOf(places: Iterable<SpoolPlace>, io: Io): AsyncGenerator<Iterable<QueuedMessage>> {
  for await (const batch of readSpool(places, { withHeaders: false }, io.signal)) yield messagesIn(batch);
}

function* messagesIn(batch: Iterable<PlacedMessage>): Generator<QueuedMessage> {
  for (const { message } of batch) yield message;
}

/** Counts messages as they are compared. */
class Comparison {
  agreed = 0;
  differences = 0;

  *differencesOf(batch: Iterable<Difference | undefined>): Generator<Difference> {
    for (const difference of batch) {
      if (difference === undefined) this.agreed++;
      else {
        this.differences++;
        yield difference;
      }
    }
  }
}

/** Differences of a kind on the page, unless `--limit` says otherwise: all of them are in `--json`. */
const PAGE = 20;

/** Returns how many differences there are. */
async function printPage(
  head: Head,
  found: AsyncIterable<Iterable<Difference | undefined>>,
  flags: QueueFlags,
  io: Io,
): Promise<number> {
  const { limit = PAGE } = flags;
  const comparison = new Comparison();
  const counts = new Map<Difference["kind"], number>();
  const differences: Difference[] = [];
  for await (const batch of found) {
    for (const difference of comparison.differencesOf(batch)) {
      const known = counts.get(difference.kind) ?? 0;
      counts.set(difference.kind, known + 1);
      if (known < limit) differences.push(difference);
    }
  }
  const { agreed, differences: count } = comparison;
  if (io.signal.aborted) return count;
  const shown = redactor(flags, io)({ ...head, agreed, differences });
  io.stdout.write(renderReconciliation({ ...shown, count }, { ...screenOf(io), timeZone: io.timeZone }));
  return count;
}

const PIECE_LENGTH = 65_536;

/** Prints differences as they are found; returns how many there are. */
async function printJson(
  { at, logEnds: ends, isComplete }: Head,
  found: AsyncIterable<Iterable<Difference | undefined>>,
  flags: QueueFlags,
  io: Io,
): Promise<number> {
  const redact = redactor(flags, io);
  const stream = new JsonStream("queue_reconciliation", "differences");
  let piece = stream.head(redact({ at, logEnds: ends }));
  const comparison = new Comparison();
  for await (const batch of found) {
    for (const difference of comparison.differencesOf(batch)) {
      piece += stream.item(redact(difference));
      if (piece.length < PIECE_LENGTH) continue;
      if (!(await writePiece(io.stdout, piece, io.signal))) return comparison.differences;
      piece = "";
    }
  }
  const { agreed, differences } = comparison;
  if (!io.signal.aborted) await writePiece(io.stdout, piece + stream.tail({ agreed, isComplete }), io.signal);
  return differences;
}
