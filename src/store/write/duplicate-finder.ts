/**
 * The same event in two logs. Exim writes a policy rejection to the main and the reject log, and most panics to the main and
 * the panic log: one line, byte for byte, with one stamp. It is one entry, seen in both, whichever log was read first. Equal
 * lines of one log are different events, so each is paired with one of the other.
 */
import type Database from "better-sqlite3";
import type { EntryKind, EventKind } from "../../parse/events.ts";
import { type EpochMs, HOUR_MS, type Moment, momentMs } from "../../units.ts";
import { remember } from "../database/bounded-map.ts";
import { entryIdOf, lineOf, type RawTextReader } from "../log-text/blocks.ts";
import { type Codes, type LogType, logTypeBit } from "../schema/codes.ts";

/** Most of what Exim writes, and to its main log alone: no duplicate is looked for. */
export const SINGLE_LOG_KINDS = [
  "arrival",
  "delivery",
  "completed",
  "queue_run",
] as const satisfies readonly EventKind[];
const SINGLE_LOG = new Set<EntryKind>(SINGLE_LOG_KINDS);

/** False for what Exim writes to one log only. */
export function canHaveDuplicate(kind: EntryKind): boolean {
  return !SINGLE_LOG.has(kind);
}

/** Blocks are looked for by this much time at once. */
const WINDOW_MS = HOUR_MS;
/** Lines come in the order of time but for a few around a rotation. */
const REMEMBERED_BLOCKS = 32;

interface BlockSpan {
  readonly id: number;
  readonly first: EpochMs;
  readonly last: EpochMs;
}

/** Entries of a block without a duplicate: by their instant, by their line. */
type UnpairedEntries = ReadonlyMap<EpochMs, ReadonlyMap<string, number[]>>;

export class DuplicateFinder {
  readonly #rawText: RawTextReader;
  readonly #otherLogs: Database.Statement<[number, number], { id: number }>;
  readonly #blocksOf: Database.Statement<[number, number, number], BlockSpan>;
  readonly #entriesOf: Database.Statement<[number, number, number], { id: number; at: Moment }>;
  readonly #codes: Codes;
  /** Whom what is remembered is about. */
  #asker = "";
  #sourceIds: readonly number[] = [];
  /** Blocks of the other logs with entries of the time from {@link DuplicateFinder.#windowStart} on, in their order. */
  #window: readonly BlockSpan[] = [];
  #windowStart = Number.NaN;
  readonly #unpairedIn = new Map<number, UnpairedEntries>();

  constructor(database: Database.Database, rawText: RawTextReader, codes: Codes) {
    this.#rawText = rawText;
    this.#codes = codes;
    this.#otherLogs = database.prepare("SELECT id FROM stored_sources WHERE server_id = ? AND log_type <> ?");
    this.#blocksOf = database.prepare(
      `SELECT id, first_ms AS first, last_ms AS last FROM raw_blocks
       WHERE source_id = ? AND last_ms >= ? AND first_ms < ?`,
    );
    this.#entriesOf = database.prepare(
      `SELECT id, at FROM stored_entries
       WHERE id >= ? AND id < ? AND event NOT IN (${SINGLE_LOG_KINDS.map(codes.event).join(", ")}) AND at IS NOT NULL
         AND seen_in & ? = 0
       ORDER BY id`,
    );
  }

  /** True when there is another log that may show a line of this one, too. */
  hasOtherLogs(serverId: number, logType: LogType): boolean {
    this.#ask(serverId, logType);
    return this.#sourceIds.length > 0;
  }

  /** The entry of another log that this line repeats, taken so that the next equal line gets the next one; undefined when there is none. */
  take(line: string, at: EpochMs, serverId: number, logType: LogType): number | undefined {
    this.#ask(serverId, logType);
    if (this.#sourceIds.length === 0) return undefined;
    for (const { id, first, last } of this.#blocksAround(at)) {
      if (at < first || at > last) continue;
      const taken = this.#unpairedOf(id, logType).get(at)?.get(line)?.shift();
      if (taken !== undefined) return taken;
    }
    return undefined;
  }

  /** Forgets what it knows: after a rollback, or when entries have come or gone. */
  forget(): void {
    this.#asker = "";
    this.#windowStart = Number.NaN;
    this.#unpairedIn.clear();
  }

  #ask(serverId: number, logType: LogType): void {
    const asker = `${serverId}/${logType}`;
    if (asker === this.#asker) return;
    this.forget();
    this.#asker = asker;
    this.#sourceIds = this.#otherLogs.all(serverId, this.#codes.logType(logType)).map(({ id }) => id);
  }

  #blocksAround(at: EpochMs): readonly BlockSpan[] {
    const start = Math.floor(at / WINDOW_MS) * WINDOW_MS;
    if (start !== this.#windowStart) {
      this.#window = this.#sourceIds
        .flatMap((id) => this.#blocksOf.all(id, start, start + WINDOW_MS))
        .sort((one, other) => one.id - other.id);
      this.#windowStart = start;
    }
    return this.#window;
  }

  #unpairedOf(blockId: number, logType: LogType): UnpairedEntries {
    const known = this.#unpairedIn.get(blockId);
    if (known !== undefined) return known;
    const lines = (this.#rawText.blockText(blockId) ?? "").split("\n");
    const unpaired = new Map<EpochMs, Map<string, number[]>>();
    const range = [entryIdOf(blockId, 0), entryIdOf(blockId + 1, 0)] as const;
    for (const { id, at } of this.#entriesOf.all(...range, logTypeBit(logType))) {
      const line = lines[lineOf(id)] ?? "";
      const byLine = getOrAdd(unpaired, momentMs(at), () => new Map<string, number[]>());
      getOrAdd(byLine, line, () => []).push(id);
    }
    remember(this.#unpairedIn, blockId, unpaired, REMEMBERED_BLOCKS);
    return unpaired;
  }
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
