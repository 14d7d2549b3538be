/** Which texts (strings, addresses) are still named by a row. */
import type Database from "better-sqlite3";
import { TEXT_REFERENCES, type TextTableName } from "./text-references.ts";

/** Reads all rows that name texts, once; keeps a byte for each text. */
export class UsedTexts {
  readonly #database: Database.Database;
  readonly #used: Readonly<Record<TextTableName, Uint8Array>>;

  /** `filter` may restrict the rows of a table (alias t): what follows FROM. */
  constructor(database: Database.Database, filter: (table: string) => string = () => "") {
    this.#database = database;
    this.#used = {
      strings: new Uint8Array(lastIndexed(database, "strings") + 1),
      addresses: new Uint8Array(lastIndexed(database, "addresses") + 1),
    };
    for (const { table, strings, addresses } of TEXT_REFERENCES) {
      const columns = [...strings, ...addresses];
      const rows = database
        .prepare(`SELECT ${columns.map((column) => `t.${column}`).join(", ")} FROM ${table} t ${filter(table)}`)
        .raw();
      for (const row of rows.iterate() as IterableIterator<(number | null)[]>) {
        for (let index = 0; index < columns.length; index++) {
          const id = row[index];
          const used = index < strings.length ? this.#used.strings : this.#used.addresses;
          // NOTE: an id beyond the end is that of a text that is younger than the index; those are left alone.
          if (id !== null && id !== undefined && id < used.length) used[id] = 1;
        }
      }
    }
  }

  /** Ids of texts that no row names, of those in the index. */
  unused(table: TextTableName): number[] {
    const used = this.#used[table];
    return this.#database
      .prepare<[number], number>(`SELECT id FROM ${table} WHERE id < ? ORDER BY id`)
      .pluck()
      .all(used.length)
      .filter((id) => used[id] === 0);
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
