/**
 * The same event in two logs, where both come through syslog: Exim sends a policy rejection once for its main and once for its
 * reject log. It is one entry, seen in both. Equal lines for one log are different events, so each is paired with one of another.
 */
import type Database from "better-sqlite3";
import { type EpochMs, epochMs, type Moment, momentMs, SECOND_MS } from "../../units.ts";
import { remember } from "../database/bounded-map.ts";
import { LINES_PER_BLOCK, type RawTextReader } from "../log-text/blocks.ts";
import { type Codes, type LogType, logTypeBit } from "../schema/codes.ts";
import { SINGLE_LOG_KINDS } from "./duplicate-finder.ts";

/** Facts that two entries share when they are one event. */
export interface SyslogDuplicateSearch {
  /** Writer and first line. */
  readonly key: string;
  readonly at: EpochMs;
  /** Greatest time by which the other may be earlier, in milliseconds: syslog stamps each line itself, Exim gives both the same stamp. */
  readonly earlierMs: number;
  readonly serverId: number;
  /** The key of an entry whose text is stored. */
  readonly keyOf: (text: string) => string;
}

interface Candidate {
  readonly id: number;
  readonly at: EpochMs;
  readonly key: string;
  seenIn: number;
}

/** Lines come in the order of time but for a few. */
const REMEMBERED_SECONDS = 64;

export class SyslogDuplicates {
  readonly #rawText: RawTextReader;
  readonly #entriesBetween: Database.Statement<
    [{ readonly from: number; readonly to: number; readonly server: number }],
    { id: number; at: Moment; seen_in: number }
  >;
  #serverId = 0;
  /** Entries by second, those of the transaction that is open among them. */
  readonly #bySecond = new Map<number, Candidate[]>();

  constructor(database: Database.Database, rawText: RawTextReader, codes: Codes) {
    this.#rawText = rawText;
    this.#entriesBetween = database.prepare(
      `SELECT e.id, e.at, e.seen_in FROM stored_sources s
       JOIN raw_blocks b ON b.source_id = s.id AND b.last_ms >= @from AND b.first_ms < @to
       JOIN stored_entries e ON e.id >= b.id * ${LINES_PER_BLOCK} AND e.id < (b.id + 1) * ${LINES_PER_BLOCK}
       WHERE s.server_id = @server AND s.log_type = ${codes.logType("syslog")}
         AND e.at >= @from * 1000 AND e.at < @to * 1000
         AND e.event NOT IN (${SINGLE_LOG_KINDS.map(codes.event).join(", ")})
       ORDER BY e.id`,
    );
  }

  /**
   * The entry that the search describes and that `logType` has not shown yet, taken so that the next equal line gets the next one.
   * `mayBe`: whether one found is one; asked when there is one.
   */
  take(
    { key, at, earlierMs, serverId, keyOf }: SyslogDuplicateSearch,
    logType: LogType,
    mayBe: () => boolean,
  ): number | undefined {
    if (serverId !== this.#serverId) this.forget();
    this.#serverId = serverId;
    const bit = logTypeBit(logType);
    for (let second = secondOf(epochMs(at - earlierMs)); second <= secondOf(at); second++) {
      const duplicate = this.#candidates(second, keyOf).find(
        (candidate) =>
          candidate.key === key &&
          (candidate.seenIn & bit) === 0 &&
          candidate.at <= at &&
          candidate.at >= at - earlierMs,
      );
      if (duplicate === undefined) continue;
      if (!mayBe()) return undefined;
      duplicate.seenIn |= bit;
      return duplicate.id;
    }
    return undefined;
  }

  /** An entry that was searched for in vain, and that is stored now. */
  note({ key, at, keyOf }: SyslogDuplicateSearch, id: number, logType: LogType): void {
    this.#candidates(secondOf(at), keyOf).push({ id, at, key, seenIn: logTypeBit(logType) });
  }

  /** Forgets what it knows: after a rollback, or when entries have gone. */
  forget(): void {
    this.#bySecond.clear();
  }

  #candidates(second: number, keyOf: (text: string) => string): Candidate[] {
    const known = this.#bySecond.get(second);
    if (known !== undefined) return known;
    const found = this.#entriesBetween
      .all({ from: second * SECOND_MS, to: (second + 1) * SECOND_MS, server: this.#serverId })
      .map(({ id, at, seen_in }) => ({
        id,
        at: momentMs(at),
        key: keyOf(this.#rawText.textAt(id) ?? ""),
        seenIn: seen_in,
      }));
    remember(this.#bySecond, second, found, REMEMBERED_SECONDS);
    return found;
  }
}

function secondOf(at: EpochMs): number {
  return Math.floor(at / SECOND_MS);
}
