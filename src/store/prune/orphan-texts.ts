/** Finds the texts (strings, addresses) that a row still names. */
import type Database from "better-sqlite3";
import { textKey } from "../log-text/postings.ts";
import { INDEX_OF, TEXT_REFERENCES, TEXT_TABLES, type TextTableName } from "../schema/text-references.ts";

export interface UnusedText {
  readonly id: number;
  /** Key of the text itself, as a rebuild gives it another id. */
  readonly key: number;
}

/** The texts that rows name, at a byte for each text. */
export class UsedTexts {
  readonly #database: Database.Database;
  readonly #used: Readonly<Record<TextTableName, Uint8Array>>;

  private constructor(database: Database.Database) {
    this.#database = database;
    this.#used = {
      strings: new Uint8Array(lastIndexed(database, "strings") + 1),
      addresses: new Uint8Array(lastIndexed(database, "addresses") + 1),
    };
  }

  /** A step for each column. `filter` may restrict the rows of a table (alias t): what follows FROM. */
  static *read(
    database: Database.Database,
    filter: (table: string) => string = () => "",
  ): Generator<undefined, UsedTexts> {
    const texts = new UsedTexts(database);
    for (const { table, ...columns } of TEXT_REFERENCES) {
      for (const kind of TEXT_TABLES) {
        for (const column of columns[kind]) {
          texts.#mark(kind, `SELECT DISTINCT t.${column} FROM ${table} t ${filter(table)}`);
          yield;
        }
      }
    }
    return texts;
  }

  #mark(table: TextTableName, sql: string): void {
    // NOTE: faster than each row once with all of its columns: what reaches JavaScript is what takes the time.
    const ids = this.#database.prepare<[], number | null>(sql).pluck();
    const used = this.#used[table];
    // NOTE: an id beyond the end is that of a text that is younger than the index; those are left alone.
    for (const id of ids.iterate()) if (id !== null && id < used.length) used[id] = 1;
  }

  /** Texts that no row names, of those in the index, in its order. */
  unused(table: TextTableName): UnusedText[] {
    const [used, { column, index }] = [this.#used[table], INDEX_OF[table]];
    const texts = this.#database
      .prepare<[number], [id: number, text: string]>(
        `SELECT id, ${column} FROM ${index} WHERE id < ? ORDER BY ${column}`,
      )
      .raw();
    const unused: UnusedText[] = [];
    for (const [id, text] of texts.iterate(used.length)) if (used[id] === 0) unused.push({ id, key: textKey(text) });
    return unused;
  }

  /** Number of indexed texts that no row names. */
  countUnused(table: TextTableName): number {
    const used = this.#used[table];
    const ids = this.#database.prepare<[number], number>(`SELECT id FROM ${table} WHERE id < ?`).pluck();
    let count = 0;
    for (const id of ids.iterate(used.length)) if (used[id] === 0) count++;
    return count;
  }

  isUsed(table: TextTableName, id: number): boolean {
    return this.#used[table][id] === 1;
  }
}

function lastIndexed(database: Database.Database, table: TextTableName): number {
  return database
    .prepare<[string], number>("SELECT last_id FROM text_indexes WHERE table_name = ?")
    .pluck()
    .get(table) as number;
}

/** Takes all steps at once; returns what they lead to. */
export function finish<Result>(steps: Generator<undefined, Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
