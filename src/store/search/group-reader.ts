/** The lines of many messages at once. */
import type Database from "better-sqlite3";
import { remember } from "../database/bounded-map.ts";
import { blockOf, entryIdOf, lineOf, longestText, type RawTextReader } from "../log-text/blocks.ts";
import type { Hit } from "./search-reader.ts";

export interface FoundGroup {
  /** Exim's id of a message that may still get lines: neither completed nor refused. */
  readonly unfinishedId: string | undefined;
  /** By time. Each entry with its continuation lines, read as latin1; undefined when its text has been pruned. */
  readonly lines: readonly (string | undefined)[];
}

/** A block cut into lines. */
interface CutBlock {
  readonly text: string;
  /** Offset of each line, then the offset after the last one. */
  readonly starts: readonly number[];
  /** By line: whether an entry begins there. */
  readonly begins: readonly boolean[];
}

type MessageRow = [id: number, eximId: string, isFinished: 0 | 1];
type EntryRow = [messageId: number, id: number];
type DuplicateLocationRow = [entryId: number, location: number];

/** Blocks kept at hand: messages that are asked for together have their lines in the same ones. */
const KEPT_BLOCKS = 256;

/** By statements of its own on the tables: thousands are asked for in a run, and the views tell more than is needed. */
export class GroupReader {
  readonly #rawText: RawTextReader;
  readonly #messages: Database.Statement<[string], MessageRow>;
  readonly #entries: Database.Statement<[string], EntryRow>;
  readonly #duplicateLocations: Database.Statement<[string, string], DuplicateLocationRow>;
  readonly #locations: Database.Statement<[{ readonly from: number; readonly to: number }], number>;
  readonly #blocks = new Map<number, CutBlock>();

  constructor(database: Database.Database, rawText: RawTextReader) {
    this.#rawText = rawText;
    this.#messages = database
      .prepare<[string], MessageRow>(
        `SELECT m.id, m.exim_id, m.completed_at IS NOT NULL OR c.name = 'rejected'
         FROM json_each(?) j CROSS JOIN stored_messages m ON m.id = j.value
         JOIN codes c ON c.family = 'message_status' AND c.code = m.status`,
      )
      .raw();
    this.#entries = database
      .prepare<[string], EntryRow>(
        `SELECT e.message_id, e.id FROM json_each(?) j CROSS JOIN stored_entries e ON e.message_id = j.value
         ORDER BY e.at / 1000, e.id`,
      )
      .raw();
    this.#duplicateLocations = database
      .prepare<[string, string], DuplicateLocationRow>(
        `SELECT y.entry_id, y.location FROM json_each(?) j
         CROSS JOIN stored_entries e ON e.message_id = j.value JOIN duplicate_locations y ON y.entry_id = e.id
         UNION ALL
         SELECT y.entry_id, y.location FROM json_each(?) j CROSS JOIN duplicate_locations y ON y.entry_id = j.value`,
      )
      .raw();
    this.#locations = database
      .prepare<[{ readonly from: number; readonly to: number }], number>(
        `SELECT id FROM stored_entries WHERE id >= @from AND id < @to
         UNION ALL SELECT location FROM duplicate_locations WHERE location >= @from AND location < @to`,
      )
      .pluck();
  }

  /** The lines of matches, in their order; one that has gone in the meantime is left out. */
  read(hits: readonly Hit[]): FoundGroup[] {
    const idsOf = (kind: 0 | 1): string =>
      JSON.stringify(hits.flatMap(({ isMessage, id }) => (isMessage === kind ? [id] : [])));
    const [ids, lone] = [idsOf(1), idsOf(0)];
    const messages = new Map(this.#messages.all(ids).map((row) => [row[0], row]));
    const entries = groupByFirst(this.#entries.all(ids));
    const duplicateLocations = groupByFirst(this.#duplicateLocations.all(ids, lone));
    return hits.flatMap(({ isMessage, id }): FoundGroup[] => {
      if (isMessage === 0)
        return [{ unfinishedId: undefined, lines: [this.#entryText(id, duplicateLocations.get(id))] }];
      const message = messages.get(id);
      if (message === undefined) return [];
      const [, eximId, isFinished] = message;
      const lines = (entries.get(id) ?? []).map((entryId) => this.#entryText(entryId, duplicateLocations.get(entryId)));
      return [{ unfinishedId: isFinished === 1 ? undefined : eximId, lines }];
    });
  }

  /** See {@link RawTextReader.entryText}. */
  #entryText(entryId: number, duplicateLocations: readonly number[] = []): string | undefined {
    return longestText(entryId, duplicateLocations, (location) => this.#textAt(location));
  }

  #textAt(location: number): string | undefined {
    const block = this.#cut(blockOf(location));
    if (block === undefined) return this.#rawText.textAt(location);
    const { text, starts, begins } = block;
    const line = lineOf(location);
    let next = line + 1;
    while (next < starts.length - 1 && begins[next] !== true) next++;
    const end = starts[next] ?? text.length;
    return text.slice(starts[line], text.charAt(end - 1) === "\n" ? end - 1 : end);
  }

  /** Undefined where lines of an entry may be apart, as in syslog, and where the text has been pruned. */
  #cut(blockId: number): CutBlock | undefined {
    let cut = this.#blocks.get(blockId);
    if (cut !== undefined) return cut;
    const block = this.#rawText.block(blockId);
    if (block === undefined || block.isSyslog) return undefined;
    cut = cutIntoLines(block.text, this.#locations.all({ from: entryIdOf(blockId, 0), to: entryIdOf(blockId + 1, 0) }));
    remember(this.#blocks, blockId, cut, KEPT_BLOCKS);
    return cut;
  }
}

function groupByFirst(
  rows: readonly (readonly [key: number, value: number])[],
): ReadonlyMap<number, readonly number[]> {
  const groups = new Map<number, number[]>();
  for (const [key, value] of rows) {
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}

function cutIntoLines(text: string, locations: readonly number[]): CutBlock {
  const starts = [0];
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) starts.push(end + 1);
  if (starts.at(-1) !== text.length) starts.push(text.length);
  const begins: boolean[] = Array.from({ length: starts.length }, () => false);
  for (const location of locations) begins[lineOf(location)] = true;
  return { text, starts, begins };
}
