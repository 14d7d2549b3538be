/**
 * The same event in two logs. Exim writes a policy rejection to the main and the reject log, and most panics to the main and
 * the panic log: one line, byte for byte, with one stamp. It is one entry, seen in both, whichever log was read first. Equal
 * lines of one log are different events, so each is paired with one of the other.
 */
import type Database from "better-sqlite3";
import type { EventKind } from "../parse/events.ts";
import { type EpochMs, momentAt } from "../units.ts";
import { type Codes, type LogType, logTypeBit } from "./codes.ts";
import { blockOf, lineOf, type RawTextReader } from "./raw-text.ts";

/** What Exim writes to its main log alone, and most of it: no twin is looked for. The index of the schema leaves it out, too. */
export const SINGLE_LOG_KINDS = [
  "arrival",
  "delivery",
  "completed",
  "queue_run",
] as const satisfies readonly EventKind[];
const SINGLE_LOG = new Set<EventKind>(SINGLE_LOG_KINDS);

/** True when no other log ever has the same line. */
export function isOfOneLog(kind: EventKind): boolean {
  return SINGLE_LOG.has(kind);
}

/** Lines come in the order of time but for a few around a rotation. */
const REMEMBERED_INSTANTS = 64;
const REMEMBERED_BLOCKS = 8;

export class TwinFinder {
  readonly #rawText: RawTextReader;
  readonly #entriesAt: Database.Statement<[number, number, number, number], { id: number }>;
  /** What {@link TwinFinder.#linesAt} is about. */
  #asker = "";
  /** Unpaired entries of the other logs by their line, by instant. */
  readonly #linesAt = new Map<EpochMs, Map<string, number[]>>();
  readonly #linesOf = new Map<number, readonly string[]>();

  constructor(database: Database.Database, rawText: RawTextReader, codes: Codes) {
    this.#rawText = rawText;
    this.#entriesAt = database.prepare(
      `SELECT id FROM stored_entries
       WHERE at >= ? AND at < ? AND event NOT IN (${SINGLE_LOG_KINDS.map(codes.event).join(", ")})
         AND server_id = ? AND seen_in & ? = 0
       ORDER BY id`,
    );
  }

  /** The entry of another log that this line repeats, taken so that the next equal line gets the next one; undefined when there is none. */
  take(line: string, kind: EventKind, at: EpochMs, serverId: number, logType: LogType): number | undefined {
    if (isOfOneLog(kind)) return undefined;
    const asker = `${serverId}/${logType}`;
    if (asker !== this.#asker) this.forget();
    this.#asker = asker;
    return this.#unpairedAt(at, serverId, logType).get(line)?.shift();
  }

  /** Forgets what it knows: after a rollback, or when entries have gone. */
  forget(): void {
    this.#linesAt.clear();
    this.#linesOf.clear();
  }

  #unpairedAt(at: EpochMs, serverId: number, logType: LogType): Map<string, number[]> {
    const known = this.#linesAt.get(at);
    if (known !== undefined) return known;
    const unpaired = new Map<string, number[]>();
    for (const { id } of this.#entriesAt.all(momentAt(at, 0), momentAt(at, 0) + 1000, serverId, logTypeBit(logType))) {
      const line = this.#linesOfBlock(blockOf(id))[lineOf(id)] ?? "";
      const ids = unpaired.get(line);
      if (ids === undefined) unpaired.set(line, [id]);
      else ids.push(id);
    }
    remember(this.#linesAt, at, unpaired, REMEMBERED_INSTANTS);
    return unpaired;
  }

  #linesOfBlock(blockId: number): readonly string[] {
    const known = this.#linesOf.get(blockId);
    if (known !== undefined) return known;
    const lines = (this.#rawText.blockText(blockId) ?? "").split("\n");
    remember(this.#linesOf, blockId, lines, REMEMBERED_BLOCKS);
    return lines;
  }
}

function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most: number): void {
  const oldest = map.keys().next();
  if (map.size >= most && !oldest.done) map.delete(oldest.value);
  map.set(key, value);
}
