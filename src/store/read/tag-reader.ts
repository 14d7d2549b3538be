import type { Kysely } from "kysely";
import { epochMs, toIso } from "../../units.ts";
import type { Schema } from "../schema/tables.ts";

export interface TagUse {
  readonly tag: string;
  readonly messages: number;
  /** Time when the tag was last given: ISO-8601 UTC. */
  readonly lastGiven: string;
}

/** Questions about what people call messages. */
export class TagReader {
  readonly #database: Kysely<Schema>;

  constructor(database: Kysely<Schema>) {
    this.#database = database;
  }

  /** Every tag, those of most messages first. */
  async list(): Promise<TagUse[]> {
    const rows = await this.#database
      .selectFrom("stored_tags")
      .select(({ fn }) => ["tag", fn.countAll<number>().as("messages"), fn.max("created_ms").as("last_ms")])
      .groupBy("tag")
      .orderBy("messages", "desc")
      .orderBy("tag")
      .execute();
    return rows.map(({ tag, messages, last_ms }) => ({ tag, messages, lastGiven: toIso(epochMs(last_ms)) }));
  }
}
