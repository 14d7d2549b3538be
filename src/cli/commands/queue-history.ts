import { PilotError } from "../../errors.ts";
import { type QueueHistory, toHistory } from "../../queue/history.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderHistory } from "../../render/queue/history.ts";
import type { LookReader } from "../../store/read/look-reader.ts";
import { epochMs } from "../../units.ts";
import { type Bucket, bucketEdges, chooseBucket } from "../../when.ts";
import { screenOf, usingReader } from "../context.ts";
import { toTimeRange } from "../flags/time-range.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { assertUnfiltered, type QueueFlags } from "./queue.ts";

export interface HistoryFlags extends QueueFlags {
  readonly domain?: string;
  readonly since?: string;
  readonly until?: string;
  readonly bucket?: Bucket;
}

const MOST_CHOSEN_BUCKETS = 48;
const MOST_BUCKETS = 10_000;

/** Prints how the queue did; returns 1 when no snapshot is stored. Errors: `usage`, `not_found`, those of the database. */
export async function runHistory(flags: HistoryFlags, io: Io): Promise<number> {
  assertUnfiltered(flags, "The history");
  const history = await usingReader(flags, io, async ({ looks }) => readHistory(looks, flags, io));
  const shown = redactor(flags, io)(history);
  io.stdout.write(
    flags.json === true
      ? renderJson("queue_history", shown)
      : renderHistory(shown, { ...screenOf(io), timeZone: io.timeZone }),
  );
  return history.looks === 0 ? 1 : 0;
}

function readHistory(looks: LookReader, flags: HistoryFlags, io: Io): QueueHistory {
  const server = chooseServer(looks.servers(), flags.server);
  const range = toTimeRange(flags, io);
  const now = io.now();
  const kept = looks.span(server, now);
  const since = range.since ?? kept?.first ?? now;
  const until = range.until ?? (kept === undefined ? now : epochMs(Math.max(kept.last + 1, since + 1)));
  const bucket = flags.bucket ?? chooseBucket(since, until, MOST_CHOSEN_BUCKETS);
  const edges = bucketEdges(bucket, since, until, io.timeZone, MOST_BUCKETS);
  if (edges === undefined) {
    throw new PilotError("usage", "The bucket is too small for this time: there would be too many.", {
      hint: "Give a larger --bucket, or a later --since.",
    });
  }
  const domain = flags.domain?.toLowerCase();
  const queueName = flags.queueName === "*" ? undefined : flags.queueName;
  return toHistory(looks.looks({ server, domain, queueName, since, until }), { server, domain, bucket, edges });
}

/** Errors: `not_found` when no look was kept, `usage` when it has to be said of which server. */
function chooseServer(servers: readonly string[], wanted: string | undefined): string {
  const [first, ...others] = servers;
  if (first === undefined) {
    throw new PilotError("not_found", "No snapshot of a queue is stored.", {
      hint: "`exim-pilot queue snapshot` takes one; contrib has a timer for it.",
    });
  }
  if (wanted !== undefined) {
    if (servers.includes(wanted)) return wanted;
    throw new PilotError("not_found", `No snapshot of the queue of "${wanted}" is stored.`, {
      hint: `There are snapshots of ${servers.join(", ")}.`,
      servers,
    });
  }
  if (others.length === 0) return first;
  throw new PilotError("usage", "There are snapshots of the queues of several servers.", {
    hint: `Choose one with --server: ${servers.join(", ")}.`,
    servers,
  });
}
