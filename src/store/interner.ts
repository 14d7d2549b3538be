import type Database from "better-sqlite3";

/** Entries remembered; beyond that all are forgotten at once, which costs one look-up each. */
const REMEMBERED = 200_000;

/**
 * Gives each text of a table (`strings`, `addresses`) its id, adding what is new. Remembers ids between transactions:
 * {@link forget} after a rollback, or when another process may have pruned the table.
 */
export class Interner {
  readonly #find: Database.Statement<[string], { id: number }>;
  readonly #add: Database.Statement<[string]>;
  #ids = new Map<string, number>();

  constructor(database: Database.Database, table: "strings" | "addresses", column: "text" | "address") {
    this.#find = database.prepare(`SELECT id FROM ${table} WHERE ${column} = ?`);
    this.#add = database.prepare(`INSERT INTO ${table} (${column}) VALUES (?)`);
  }

  idOf(text: string): number {
    const known = this.#ids.get(text);
    return known ?? this.#remember(text);
  }

  forget(): void {
    this.#ids = new Map();
  }

  #remember(text: string): number {
    if (this.#ids.size >= REMEMBERED) this.forget();
    const id = this.#find.get(text)?.id ?? Number(this.#add.run(text).lastInsertRowid);
    // NOTE: a slice of a log chunk would keep the whole chunk alive as long as the map does; a copy does not.
    this.#ids.set(Buffer.from(text).toString(), id);
    return id;
  }
}
