import type Database from "better-sqlite3";
import { INDEX_OF, type TextTableName } from "../schema/text-references.ts";
import { SeenTexts } from "./seen-texts.ts";
import { hashOf, TextTable } from "./text-table.ts";

/** Recently used texts that are remembered; as many before them are kept too. */
const REMEMBERED = 40_000;

/** Adds rows to a table of texts. */
export interface TextInsert {
  readonly add: (id: number, text: string) => void;
  readonly flush: () => void;
}

/**
 * Gives each text of a table its id, adding what is new. A new text is only appended to its table: its place in the index is
 * random, so {@link index} writes many of them at once, sorted. Until then the text is remembered here.
 *
 * Remembers ids between transactions: {@link forget} after a rollback, or when another process may have written. What is not
 * indexed then, or after a kill, is indexed before the next text is looked for.
 */
export class Interner {
  readonly #table: TextTableName;
  readonly #added: TextInsert;
  readonly #find: Database.Statement<[string], { id: number }>;
  readonly #greatest: Database.Statement<[], { id: number | null }>;
  readonly #getIndexed: Database.Statement<[string], { last_id: number }>;
  readonly #setIndexed: Database.Statement<[number, string]>;
  readonly #addToIndex: Database.Statement<[number]>;
  readonly #anyUnused: Database.Statement<[string], number>;
  readonly #takeUnused: Database.Statement<[string, string], { id: number }>;
  readonly #addOneToIndex: Database.Statement<[string, number]>;
  /** Holds, among others, whatever is not in the index. */
  #recent = new RememberedTexts();
  #older = new RememberedTexts();
  /** All texts of a table that was empty; undefined when others have been there before. */
  #seen: SeenTexts | undefined;
  /** The greatest id; undefined until it is read. */
  #lastId: number | undefined;
  /** The greatest id in the index. */
  #indexedId = 0;
  /** True while a prune is about to remove texts, or after one was killed then. */
  #hasUnused = false;

  constructor(database: Database.Database, table: TextTableName, added: TextInsert) {
    const { column, index } = INDEX_OF[table];
    this.#table = table;
    this.#added = added;
    this.#find = database.prepare(`SELECT id FROM ${index} WHERE ${column} = ?`);
    this.#greatest = database.prepare(`SELECT max(id) AS id FROM ${table}`);
    this.#getIndexed = database.prepare("SELECT last_id FROM text_indexes WHERE table_name = ?");
    this.#setIndexed = database.prepare("UPDATE text_indexes SET last_id = ? WHERE table_name = ?");
    this.#anyUnused = database
      .prepare<[string], number>("SELECT EXISTS (SELECT 1 FROM unused_texts WHERE table_name = ?)")
      .pluck();
    this.#takeUnused = database.prepare(
      "DELETE FROM unused_texts WHERE table_name = ? AND text = ? RETURNING text_rowid AS id",
    );
    this.#addOneToIndex = database.prepare(`INSERT INTO ${index} (${column}, id) VALUES (?, ?)`);
    this.#addToIndex = database.prepare(
      `INSERT OR FAIL INTO ${index} (${column}, id) SELECT ${column}, id FROM ${table} WHERE id > ? ORDER BY ${column}`,
    );
  }

  idOf(text: string): number {
    const hash = hashOf(text);
    return this.#recent.idOf(text, hash) ?? this.#recall(text, hash);
  }

  /** Brings the index up to date. */
  index(): void {
    const lastId = this.#lastId ?? this.#load();
    if (lastId === this.#indexedId) return;
    this.#added.flush();
    this.#addToIndex.run(this.#indexedId);
    this.#setIndexed.run(lastId, this.#table);
    this.#indexedId = lastId;
  }

  forget(): void {
    this.#recent = new RememberedTexts();
    this.#older = new RememberedTexts();
    this.#lastId = undefined;
    this.#seen = undefined;
  }

  #recall(text: string, hash: number): number {
    if (this.#lastId === undefined) this.#load();
    if (this.#recent.size >= REMEMBERED) this.#turnOver();
    const isNew = this.#seen?.add(hash) === false;
    const id = isNew ? this.#add(text) : (this.#older.idOf(text, hash) ?? this.#findIndexed(text) ?? this.#add(text));
    this.#recent.add(text, hash, id);
    return id;
  }

  #findIndexed(text: string): number | undefined {
    if (this.#indexedId === 0) return undefined;
    return this.#find.get(text)?.id ?? (this.#hasUnused ? this.#takeBack(text) : undefined);
  }

  /** A text that prune has found unused is used again: prune leaves it alone once it is in the index. */
  #takeBack(text: string): number | undefined {
    const id = this.#takeUnused.get(this.#table, text)?.id;
    if (id !== undefined) this.#addOneToIndex.run(text, id);
    return id;
  }

  #add(text: string): number {
    const id = (this.#lastId ?? this.#load()) + 1;
    this.#added.add(id, text);
    this.#lastId = id;
    return id;
  }

  #turnOver(): void {
    this.index();
    this.#older = this.#recent;
    this.#recent = new RememberedTexts();
  }

  /** Reads how far table and index go, and indexes what another run has left; returns the greatest id. */
  #load(): number {
    const lastId = this.#greatest.get()?.id ?? 0;
    this.#lastId = lastId;
    if (lastId === 0) this.#seen = new SeenTexts();
    this.#indexedId = this.#getIndexed.get(this.#table)?.last_id ?? 0;
    this.#hasUnused = this.#anyUnused.get(this.#table) === 1;
    // NOTE: with the greatest ids pruned they are given again, and those are not in the index.
    if (lastId < this.#indexedId) {
      this.#setIndexed.run(lastId, this.#table);
      this.#indexedId = lastId;
    }
    this.index();
    return lastId;
  }
}

/** Texts and their ids. */
class RememberedTexts {
  readonly #table = new TextTable();
  /** By the number of the text. */
  readonly #ids: number[] = [];

  get size(): number {
    return this.#ids.length;
  }

  idOf(text: string, hash: number): number | undefined {
    const number = this.#table.find(text, hash);
    return number === undefined ? undefined : this.#ids[number];
  }

  /** Adds a text that is not there. */
  add(text: string, hash: number, id: number): void {
    this.#table.add(text, hash);
    this.#ids.push(id);
  }
}
