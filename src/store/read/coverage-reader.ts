/**
 * Figures that the coverage of a log is judged by: its heartbeats, and lines whose counterpart is missing. Each question goes by an
 * index and reads a bounded number of rows.
 */
import type Database from "better-sqlite3";
import { type EpochMs, epochMs, MOMENTS_PER_MS, type Moment, momentAt, momentMs } from "../../units.ts";
import { prepareOnce } from "../database/prepared.ts";
import { LINES_PER_BLOCK } from "../log-text/blocks.ts";
import { type Codes, HAS_NO_ARRIVAL, IS_INDEXED_BY_STATUS, loadCodes, logTypeBit } from "../schema/codes.ts";
import { MESSAGE_MS_SQL, msOfMoment } from "../schema/moment-sql.ts";
import { EARLIEST_MS, isAhead, plausibleTime } from "../schema/plausible-time.ts";

/** The time that was read of a server and is still stored: first and last stamp of its main log or of its syslog lines, outliers left out. */
export interface ServerSpan {
  readonly id: number;
  readonly name: string;
  readonly firstMs: EpochMs | undefined;
  readonly lastMs: EpochMs | undefined;
  readonly hasRejectLog: boolean;
  /** Any log of it has a line with a stamp. */
  readonly hasLines: boolean;
  /** Up to here prune has taken away text and lines of no message; undefined when it has not. */
  readonly prunedMs: EpochMs | undefined;
}

export interface SourceSpan {
  readonly path: string;
  readonly logType: string;
  readonly firstMs: EpochMs;
  readonly lastMs: EpochMs;
}

/** A message with deliveries or an end and without its arrival. */
export interface Orphan {
  readonly messageId: string;
  /** Stamp of the first line that was read. */
  readonly firstMs: EpochMs;
}

/** A rejection that only one of main log and reject log has. */
export interface UnpairedRejection {
  readonly atMs: EpochMs;
  /** Phase, category and permanence: rejections of one kind are written alike. */
  readonly kind: string;
  readonly reason: string;
}

export interface TimeSpan {
  readonly from: EpochMs;
  /** Exclusive. */
  readonly until: EpochMs;
}

/** More of them say nothing more. */
const MOST_ROWS = 5000;
/** Lines that are looked at for one of a server. */
const MOST_OTHERS = 500;

interface LogBlock {
  readonly id: number;
  readonly first: number;
  readonly last: number;
}

/** Milliseconds of a line; undefined when there is none. */
type Nearest = number | "too many others" | undefined;

export class CoverageReader {
  readonly #database: Database.Database;
  #codes: Codes | undefined;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  /** The named servers, or all if none is named. */
  servers(names: readonly string[]): ServerSpan[] {
    const { logType } = this.#named();
    const main = `s.log_type IN (${logType("main")}, ${logType("syslog")})`;
    return prepareOnce<[string, string], ServerRow>(
      this.#database,
      `SELECT v.id, v.name,
         min(iif(${main}, s.first_ms, NULL)) AS firstMs,
         max(iif(${main}, s.last_ms, NULL)) AS lastMs,
         max(iif(${main} AND ${isAhead("s.last_ms", "s.updated_ms")}, s.updated_ms, NULL)) AS aheadOfMs,
         coalesce(max(s.log_type = ${logType("reject")}), 0) AS hasRejectLog,
         count(s.first_ms) > 0 AS hasLines,
         max(iif(${main}, s.pruned_clock_ms, NULL)) AS prunedMs
       FROM stored_servers v LEFT JOIN stored_sources s ON s.server_id = v.id
       WHERE json_array_length(?) = 0 OR v.name IN (SELECT value FROM json_each(?))
       GROUP BY v.id ORDER BY v.name`,
    )
      .all(JSON.stringify(names), JSON.stringify(names))
      .map(({ id, name, firstMs, lastMs, aheadOfMs, hasRejectLog, hasLines, prunedMs }) => ({
        id,
        name,
        ...afterPruning(
          this.#plausibleSpan(id, toEpoch(firstMs), toEpoch(lastMs), toEpoch(aheadOfMs)),
          toEpoch(prunedMs),
        ),
        hasRejectLog: hasRejectLog === 1,
        hasLines: hasLines === 1,
        prunedMs: toEpoch(prunedMs),
      }));
  }

  /** One line stamped by a wrong clock does not stretch a log; a log whose lines are all stamped so is taken as it is. */
  #plausibleSpan(
    server: number,
    firstMs: EpochMs | undefined,
    lastMs: EpochMs | undefined,
    aheadOfMs: EpochMs | undefined,
  ): Span {
    if (firstMs === undefined || lastMs === undefined) return { firstMs, lastMs };
    const { toMs } = plausibleTime(aheadOfMs ?? lastMs);
    const within = { from: EARLIEST_MS, until: epochMs(toMs + 1) };
    const first = firstMs < EARLIEST_MS ? this.firstLine(server, within) : firstMs;
    const last = aheadOfMs === undefined ? lastMs : this.lastLine(server, within);
    return first === undefined || last === undefined || last < first
      ? { firstMs, lastMs }
      : { firstMs: first, lastMs: last };
  }

  /** The logs of a server that have stamps, the earliest first. */
  sources(serverId: number): SourceSpan[] {
    return prepareOnce<[number], SourceSpan>(
      this.#database,
      `SELECT s.path, c.name AS logType, s.first_ms AS firstMs, s.last_ms AS lastMs
       FROM stored_sources s JOIN codes c ON c.family = 'log_type' AND c.code = s.log_type
       WHERE s.server_id = ? AND s.first_ms IS NOT NULL AND s.last_ms IS NOT NULL ORDER BY s.first_ms`,
    ).all(serverId);
  }

  /** Beginnings and ends of queue runs, each instant once, in their order. */
  queueRuns(serverId: number, { from, until }: TimeSpan): EpochMs[] {
    return prepareOnce<[number, Moment, Moment], EpochMs>(
      this.#database,
      `SELECT DISTINCT at / ${MOMENTS_PER_MS} FROM stored_entries
       WHERE event = ${this.#named().event("queue_run")} AND server_id = ? AND at >= ? AND at < ? ORDER BY at`,
    )
      .pluck()
      .all(serverId, momentAt(from, 0), momentAt(until, 0));
  }

  /** The last line of the main log in a time, as far as lines can be found by time: arrivals, and those of no message. */
  lastLine(serverId: number, span: TimeSpan): EpochMs | undefined {
    return this.#line(serverId, span, "DESC");
  }

  firstLine(serverId: number, span: TimeSpan): EpochMs | undefined {
    return this.#line(serverId, span, "ASC");
  }

  /**
   * Goes by the indexes of all servers' lines, for most are of this one; where others have too many of the time, by the blocks of
   * this server's logs.
   */
  #line(serverId: number, span: TimeSpan, order: "ASC" | "DESC"): EpochMs | undefined {
    const near = [this.#nearestLone(serverId, span, order), this.#nearestArrival(serverId, span, order)];
    if (near.includes("too many others")) return this.#lineInBlocks(serverId, span, order);
    const found = near.filter((ms) => typeof ms === "number");
    if (found.length === 0) return undefined;
    return epochMs(order === "ASC" ? Math.min(...found) : Math.max(...found));
  }

  #nearestLone(serverId: number, { from, until }: TimeSpan, order: "ASC" | "DESC"): Nearest {
    const rows = `SELECT ${msOfMoment("at")} AS ms, server_id = @server AND seen_in & ${logTypeBit("main")} AS isWanted
      FROM stored_entries INDEXED BY idx_stored_entries_lone_at
      WHERE message_id IS NULL AND at >= @from AND at < @until ORDER BY at ${order}`;
    return this.#nearest(rows, { server: serverId, from: momentAt(from, 0), until: momentAt(until, 0) });
  }

  #nearestArrival(serverId: number, { from, until }: TimeSpan, order: "ASC" | "DESC"): Nearest {
    const rows = `SELECT ${MESSAGE_MS_SQL} AS ms, server_id = @server AND arrival_at IS NOT NULL AS isWanted
      FROM stored_messages m INDEXED BY idx_stored_messages_at_ms
      WHERE ${MESSAGE_MS_SQL} >= @from AND ${MESSAGE_MS_SQL} < @until ORDER BY ${MESSAGE_MS_SQL} ${order}`;
    return this.#nearest(rows, { server: serverId, from, until });
  }

  /** The first of some rows that is wanted, among the nearest ones. */
  #nearest(rows: string, named: { readonly server: number; readonly from: number; readonly until: number }): Nearest {
    const few = `(${rows} LIMIT ${MOST_OTHERS})`;
    const asked = prepareOnce<[typeof named], number>(this.#database, `SELECT ms FROM ${few} WHERE isWanted LIMIT 1`);
    const ms = asked.pluck().get(named);
    if (ms !== undefined) return ms;
    const looked = prepareOnce<[typeof named], number>(this.#database, `SELECT count(*) FROM ${few}`);
    return looked.pluck().get(named) === MOST_OTHERS ? "too many others" : undefined;
  }

  #lineInBlocks(serverId: number, span: TimeSpan, order: "ASC" | "DESC"): EpochMs | undefined {
    const { from, until } = span;
    const isEarliest = order === "ASC";
    const inBlock = prepareOnce<number[], number | null>(
      this.#database,
      `SELECT ${isEarliest ? "min" : "max"}(${msOfMoment("at")}) FROM stored_entries
       WHERE id >= ? AND id < ? AND at >= ? AND at < ? AND seen_in & ${logTypeBit("main")}`,
    );
    let best: number | undefined;
    for (const { id, first, last } of this.#blocks(serverId, span, order)) {
      if (best !== undefined && (isEarliest ? first >= best : last <= best)) break;
      const [begin, end] = [id * LINES_PER_BLOCK, (id + 1) * LINES_PER_BLOCK];
      const ms = inBlock.pluck().get(begin, end, momentAt(from, 0), momentAt(until, 0));
      if (ms === null || ms === undefined) continue;
      best = best === undefined ? ms : isEarliest ? Math.min(best, ms) : Math.max(best, ms);
    }
    return best === undefined ? undefined : epochMs(best);
  }

  /** The longest time without any line of the main log between two of its lines, those about messages among them. */
  longestGap(serverId: number, { from, until }: TimeSpan): TimeSpan {
    const inBlock = prepareOnce<number[], number>(
      this.#database,
      `SELECT DISTINCT ${msOfMoment("at")} FROM stored_entries
       WHERE id >= ? AND id < ? AND at >= ? AND at < ? AND seen_in & ${logTypeBit("main")}`,
    );
    const stamps = [from, until];
    for (const { id } of this.#blocks(serverId, { from, until }, "ASC"))
      for (const ms of inBlock
        .pluck()
        .iterate(id * LINES_PER_BLOCK, (id + 1) * LINES_PER_BLOCK, momentAt(from, 0), momentAt(until, 0)))
        stamps.push(epochMs(ms));
    stamps.sort((one, other) => one - other);
    let longest = { from, until: from };
    for (const [index, ms] of stamps.entries()) {
      const before = stamps[index - 1] ?? ms;
      if (ms - before > longest.until - longest.from) longest = { from: before, until: ms };
    }
    return longest;
  }

  #blocks(serverId: number, { from, until }: TimeSpan, order: "ASC" | "DESC"): readonly LogBlock[] {
    const { logType } = this.#named();
    return prepareOnce<number[], LogBlock>(
      this.#database,
      `SELECT b.id, b.first_ms AS first, b.last_ms AS last FROM stored_sources s
       CROSS JOIN raw_blocks b INDEXED BY idx_raw_blocks_last_ms ON b.source_id = s.id AND b.last_ms >= ? AND b.first_ms < ?
       WHERE s.server_id = ? AND s.log_type IN (${logType("main")}, ${logType("syslog")})
       ORDER BY ${order === "ASC" ? "b.first_ms" : "b.last_ms DESC"}`,
    ).all(from, until, serverId);
  }

  /** True when the daemon said in the time that it began. */
  hasDaemonStart(serverId: number, { from, until }: TimeSpan): boolean {
    return this.#hasLone(serverId, { from, until }, `event = ${this.#named().event("daemon")}`);
  }

  /** True when the reject log has a line of the time that is about no message. */
  hasRejectLine(serverId: number, span: TimeSpan): boolean {
    return this.#hasLone(serverId, span, `seen_in & ${logTypeBit("reject")}`);
  }

  #hasLone(serverId: number, { from, until }: TimeSpan, condition: string): boolean {
    const found = prepareOnce<[Moment, Moment, number], number>(
      this.#database,
      `SELECT 1 FROM stored_entries INDEXED BY idx_stored_entries_lone_at
       WHERE message_id IS NULL AND at >= ? AND at < ? AND server_id = ? AND ${condition} LIMIT 1`,
    )
      .pluck()
      .get(momentAt(from, 0), momentAt(until, 0), serverId);
    return found !== undefined;
  }

  /** Messages first met in the time that were delivered, deferred or completed, and whose arrival is nowhere. */
  orphans(serverId: number, { from, until }: TimeSpan): Orphan[] {
    return prepareOnce<[number, Moment, Moment], { messageId: string; firstAt: Moment }>(
      this.#database,
      `SELECT m.exim_id AS messageId, m.first_at AS firstAt FROM stored_messages m INDEXED BY idx_stored_messages_no_arrival
       WHERE m.server_id = ? AND m.first_at >= ? AND m.first_at < ? AND ${HAS_NO_ARRIVAL}
         AND (m.completed_at IS NOT NULL
           OR EXISTS (SELECT 1 FROM stored_recipients r WHERE r.message_id = m.id AND r.attempts > 0))
       ORDER BY m.first_at LIMIT ${MOST_ROWS}`,
    )
      .all(serverId, momentAt(from, 0), momentAt(until, 0))
      .map(({ messageId, firstAt }) => ({ messageId, firstMs: momentMs(firstAt) }));
  }

  /** Last lines of messages of which nothing is known but that they arrived, before a moment. */
  unfinished(serverId: number, { from, until }: TimeSpan): EpochMs[] {
    return prepareOnce<[number, Moment, Moment], Moment>(
      this.#database,
      `SELECT last_at FROM stored_messages m INDEXED BY idx_stored_messages_status
       WHERE ${IS_INDEXED_BY_STATUS} AND status = ${this.#named().messageStatus("received")}
         AND server_id = ? AND last_at >= ? AND last_at < ? ORDER BY last_at LIMIT ${MOST_ROWS}`,
    )
      .pluck()
      .all(serverId, momentAt(from, 0), momentAt(until, 0))
      .map(momentMs);
  }

  /** Rejections of the time that only this log has. */
  unpaired(serverId: number, log: "main" | "reject", { from, until }: TimeSpan): UnpairedRejection[] {
    return prepareOnce<[number, number, Moment, Moment], { at: Moment; kind: string; reason: string | null }>(
      this.#database,
      `SELECT e.at, j.phase || ' ' || j.category_id || ' ' || j.is_permanent AS kind,
         (SELECT text FROM strings WHERE id = j.reason_id) AS reason
       FROM stored_entries e INDEXED BY idx_stored_entries_unpaired CROSS JOIN stored_rejections j ON j.entry_id = e.id
       WHERE e.event = ${this.#named().event("rejection")} AND e.seen_in IN (1, 2)
         AND e.server_id = ? AND e.seen_in = ? AND e.at >= ? AND e.at < ?
       ORDER BY e.at LIMIT ${MOST_ROWS}`,
    )
      .all(serverId, logTypeBit(log), momentAt(from, 0), momentAt(until, 0))
      .map(({ at, kind, reason }) => ({ atMs: momentMs(at), kind, reason: reason ?? "" }));
  }

  #named(): Codes {
    this.#codes ??= loadCodes(this.#database);
    return this.#codes;
  }
}

interface ServerRow {
  readonly id: number;
  readonly name: string;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  /** Time of the run that read a stamp more than a day ahead of it; null if none did. */
  readonly aheadOfMs: number | null;
  readonly hasRejectLog: number;
  readonly hasLines: number;
  readonly prunedMs: number | null;
}

type Span = Pick<ServerSpan, "firstMs" | "lastMs">;

/** Queue runs and rejections went with the text. */
function afterPruning({ firstMs, lastMs }: Span, prunedMs: EpochMs | undefined): Span {
  if (firstMs === undefined || lastMs === undefined || prunedMs === undefined) return { firstMs, lastMs };
  return { firstMs: epochMs(Math.min(Math.max(firstMs, prunedMs), lastMs)), lastMs };
}

function toEpoch(ms: number | null): EpochMs | undefined {
  return ms === null ? undefined : epochMs(ms);
}
