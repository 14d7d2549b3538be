/** Takes back the rows of a block of text, so that it can be read again. */
import type Database from "better-sqlite3";
import type { EntryKind } from "../../parse/events.ts";
import type { EpochMs, Moment } from "../../units.ts";
import { prepareOnce } from "../database/prepared.ts";
import { blockOf, entryIdOf, LINES_PER_BLOCK } from "../log-text/blocks.ts";
import { forgetPostings } from "../log-text/postings.ts";
import { type Codes, logTypeBit } from "../schema/codes.ts";
import type { BlockCounts, Orphaned, OrphanedEntry, OrphanedMessage } from "./rows.ts";

const NAMED_BY_ENTRIES =
  "SELECT a.recipient_id FROM address_events a JOIN stored_entries e ON e.id = a.entry_id WHERE e.message_id = ?";

export class Retraction {
  readonly #database: Database.Database;
  readonly #codes: Codes;

  constructor(database: Database.Database, codes: Codes) {
    this.#database = database;
    this.#codes = codes;
  }

  /**
   * Takes back a block that has to be read again: its text, its entries, what they say. An entry that another log shows too
   * moves there. Returns what is to be derived again from the lines that are left.
   */
  retract(blockId: number): Orphaned {
    const range = [entryIdOf(blockId, 0), entryIdOf(blockId + 1, 0)] as const;
    const { moved, ...others } = this.#retractRange(range);
    this.#statement("DELETE FROM kept_keys WHERE entry_id >= ? AND entry_id < ?").run(...range);
    this.#statement("DELETE FROM raw_blocks WHERE id = ?").run(blockId);
    forgetPostings(
      this.#database,
      moved.map(({ id }) => blockOf(id)),
    );
    return { moved, ...others };
  }

  /** Removes the keys that were kept of entries which {@link retractLines} has taken back and which are not there again. */
  forgetKeys(locations: readonly number[]): void {
    for (const location of locations)
      this.#statement(
        "DELETE FROM kept_keys WHERE entry_id = ? AND entry_id NOT IN (SELECT id FROM stored_entries)",
      ).run(location);
  }

  /**
   * Takes back the entries of some lines, whose text stays: all lines of each. Their keys stay, too, until {@link forgetKeys}.
   * Returns the same as {@link retract}.
   */
  retractLines(locations: readonly number[]): Orphaned {
    const orphaned = locations.map((location) => {
      // NOTE: a row that is added there again changes the figures of its chunk.
      this.#statement("DELETE FROM rolled_chunks WHERE kind = 'entries' AND ? BETWEEN first_id AND last_id").run(
        location,
      );
      return this.#retractRange([location, location + 1]);
    });
    const moved = orphaned.flatMap((one) => one.moved);
    forgetPostings(
      this.#database,
      moved.map(({ id }) => blockOf(id)),
    );
    return {
      moved,
      messages: orphaned.flatMap((one) => one.messages),
      duplicateLocations: orphaned.reduce((sum, one) => sum + one.duplicateLocations, 0),
    };
  }

  #retractRange(range: readonly [from: number, to: number]): Orphaned {
    const messages = this.#statement<[number, number], { id: number; server_id: number; exim_id: string }>(
      `SELECT id, server_id, exim_id FROM stored_messages
       WHERE id IN (SELECT message_id FROM stored_entries WHERE id >= ? AND id < ? AND message_id IS NOT NULL)`,
    ).all(...range);
    this.#statement("DELETE FROM stored_rejections WHERE entry_id >= ? AND entry_id < ?").run(...range);
    this.#statement("DELETE FROM stored_clients WHERE entry_id >= ? AND entry_id < ?").run(...range);
    this.#statement("DELETE FROM address_events WHERE entry_id >= ? AND entry_id < ?").run(...range);
    this.#statement("DELETE FROM entry_lines WHERE location >= ? AND location < ?").run(...range);
    // NOTE: by the place of their text, which may be in another block than their entry.
    this.#statement("DELETE FROM stored_headers WHERE id >= ? AND id < ?").run(...range);
    this.#statement("DELETE FROM stored_envelopes WHERE id >= ? AND id < ?").run(...range);
    const forgotten = this.#forgetDuplicateLocations(range);
    const moved = this.#moveDuplicates(range);
    this.#statement("DELETE FROM stored_entries WHERE id >= ? AND id < ?").run(...range);
    const orphaned = messages.map(({ id, server_id, exim_id }) => this.#orphan(id, server_id, exim_id));
    return { moved, messages: orphaned, duplicateLocations: forgotten + moved.length };
  }

  /** Takes from a message what is derived again: its recipients, but those that only pruned text has named. */
  #orphan(id: number, serverId: number, eximId: string): OrphanedMessage {
    const entries = this.#statement<[number], OrphanedEntry & { isArrival: number; isPruned: number }>(
      `SELECT e.id, e.at, k.name = 'arrival' AS isArrival, e.id / ${LINES_PER_BLOCK} NOT IN (SELECT id FROM raw_blocks) AS isPruned
       FROM stored_entries e JOIN codes k ON k.family = 'event' AND k.code = e.event WHERE e.message_id = ? ORDER BY e.id`,
    ).all(id);
    const lacksText = entries.some(({ isPruned }) => isPruned === 1);
    const hasArrival = entries.some(({ isArrival }) => isArrival === 1);
    this.#statement(
      `DELETE FROM stored_recipients WHERE message_id = ?
       ${lacksText ? `AND ${hasArrival ? "NOT announced" : "TRUE"} AND address_id NOT IN (${NAMED_BY_ENTRIES})` : ""}`,
    ).run(...(lacksText ? [id, id] : [id]));
    if (!lacksText) this.#statement("DELETE FROM stored_milestones WHERE message_id = ?").run(id);
    return { id, serverId, eximId, entries, lacksText, hasArrival };
  }

  /** Counts of the entries whose text is in a block, wherever the entry itself is stored. */
  count(blockId: number): BlockCounts {
    return this.countRange([entryIdOf(blockId, 0), entryIdOf(blockId + 1, 0)]);
  }

  /** The same of the lines of a range of locations, the end not included. */
  countRange(range: readonly [from: number, to: number]): BlockCounts {
    const events = this.#statement<[number, number, number, number], { event: number; entries: number }>(
      `SELECT event, count(*) AS entries FROM (
         SELECT event FROM stored_entries WHERE id >= ? AND id < ?
         UNION ALL
         SELECT e.event FROM duplicate_locations s JOIN stored_entries e ON e.id = s.entry_id WHERE s.location >= ? AND s.location < ?
       ) GROUP BY event`,
    ).all(...range, ...range);
    const countOf = (kind: EntryKind): number =>
      events.find(({ event }) => event === this.#codes.event(kind))?.entries ?? 0;
    const all = events.reduce((sum, { entries }) => sum + entries, 0);
    return { entries: all - countOf("unparsed"), other: countOf("other"), unparsed: countOf("unparsed") };
  }

  /** Earliest and latest entry of the blocks of a source. */
  timesOf(sourceId: number): { readonly firstMs: EpochMs | undefined; readonly lastMs: EpochMs | undefined } {
    const row = this.#statement<[number, number], { first: EpochMs | null; last: EpochMs | null }>(
      // The first entry of a log with pruned text may be a pruned one.
      `SELECT coalesce((SELECT first_ms FROM stored_sources WHERE id = ? AND pruned > 0), min(first_ms)) AS first,
              max(last_ms) AS last
       FROM raw_blocks WHERE source_id = ?`,
    ).get(sourceId, sourceId);
    return { firstMs: row?.first ?? undefined, lastMs: row?.last ?? undefined };
  }

  /** Forgets that entries of other blocks are in this one too; returns how many. */
  #forgetDuplicateLocations([from, to]: readonly [number, number]): number {
    const gone = this.#statement<[number, number], { location: number; entry_id: number; log_type: number }>(
      "SELECT location, entry_id, log_type FROM duplicate_locations WHERE location >= ? AND location < ?",
    ).all(from, to);
    for (const { location, entry_id, log_type } of gone) {
      this.#statement("DELETE FROM duplicate_locations WHERE location = ?").run(location);
      this.#unmarkSeen(entry_id, log_type);
    }
    return gone.length;
  }

  /** Entries of the range that another log shows too move there, without their facts but with the headers it has. */
  #moveDuplicates([from, to]: readonly [number, number]): readonly OrphanedEntry[] {
    const moving = this.#statement<[number, number], { location: number; entry_id: number; shown: number; at: Moment }>(
      `SELECT min(s.location) AS location, s.entry_id, sum(DISTINCT 1 << s.log_type) AS shown, e.at
       FROM duplicate_locations s JOIN stored_entries e ON e.id = s.entry_id
       WHERE s.entry_id >= ? AND s.entry_id < ? GROUP BY s.entry_id`,
    ).all(from, to);
    return moving.map(({ location, entry_id, shown, at }) => {
      this.#statement("DELETE FROM duplicate_locations WHERE location = ?").run(location);
      this.#statement("UPDATE stored_entries SET id = ?, seen_in = ? WHERE id = ?").run(location, shown, entry_id);
      for (const table of ["duplicate_locations", "stored_headers", "stored_envelopes"])
        this.#statement(`UPDATE ${table} SET entry_id = ? WHERE entry_id = ?`).run(location, entry_id);
      return { id: location, at };
    });
  }

  #unmarkSeen(entryId: number, logTypeCode: number): void {
    const bit = logTypeBit(this.#codes.logTypeName(logTypeCode));
    this.#statement("UPDATE stored_entries SET seen_in = seen_in & ~? WHERE id = ?").run(bit, entryId);
  }

  #statement<Parameters extends unknown[] = unknown[], Row = unknown>(sql: string) {
    return prepareOnce<Parameters, Row>(this.#database, sql);
  }
}
