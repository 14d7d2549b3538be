/** A table that lasts as long as the connection, and is filled when it is first asked for. */
import type { Kysely } from "kysely";
import type { BaseTables } from "../schema/tables.ts";

/** `Tables`: the base tables and that one. */
export class FilledTables<Tables extends BaseTables> {
  readonly #tables: Kysely<BaseTables>;
  readonly #fill: () => Promise<void>;
  #filled: Promise<void> | undefined;

  constructor(tables: Kysely<BaseTables>, fill: () => Promise<void>) {
    this.#tables = tables;
    this.#fill = fill;
  }

  async tables(): Promise<Kysely<Tables>> {
    this.#filled ??= this.#fill();
    await this.#filled;
    return this.#tables as unknown as Kysely<Tables>;
  }
}
