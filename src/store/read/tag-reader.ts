import { type Kysely, sql } from "kysely";
import { type EpochMs, epochMs, toIso } from "../../units.ts";
import type { Schema } from "../schema/tables.ts";

export interface TagUse {
  readonly tag: string;
  /** Messages that have it. */
  readonly messages: number;
  /** Time when the tag was last given: ISO-8601 UTC; null: it is described only. */
  readonly lastGiven: string | null;
  /** `#rrggbb` */
  readonly colour: string | null;
  /** Its meaning. */
  readonly about: string | null;
  /** Authors who gave it, by name. */
  readonly authors: readonly string[];
}

/** Questions about what people call messages. */
export class TagReader {
  readonly #database: Kysely<Schema>;

  constructor(database: Kysely<Schema>) {
    this.#database = database;
  }

  /** Every tag, those of most messages first; also those that are only described. */
  async list(): Promise<TagUse[]> {
    const used = await this.#uses();
    const known = new Set(used.map(({ tag }) => tag.toLowerCase()));
    const described = await this.#database.selectFrom("tag_names").select(["tag", "colour", "about"]).execute();
    const unused = described.filter(({ tag }) => !known.has(tag.toLowerCase()));
    return [...used, ...unused.map((meaning) => ({ ...meaning, messages: 0, lastGiven: null, authors: [] }))];
  }

  /** The `limit` tags that were given most often since a time; undefined: ever. */
  popular(since: EpochMs | undefined, limit: number): Promise<TagUse[]> {
    return this.#uses(since, limit);
  }

  async #uses(since?: EpochMs, limit?: number): Promise<TagUse[]> {
    let query = this.#database
      .selectFrom("stored_tags as g")
      .leftJoin("tag_names as n", "n.tag", "g.tag")
      .select(({ fn }) => ["g.tag", fn.countAll<number>().as("messages"), fn.max("g.created_ms").as("last_ms")])
      .select(["n.colour", "n.about", sql<string>`json_group_array(DISTINCT g.author)`.as("authors")])
      .groupBy("g.tag")
      .orderBy("messages", "desc")
      .orderBy("g.tag");
    if (since !== undefined) query = query.where("g.created_ms", ">=", since);
    const rows = await (limit === undefined ? query : query.limit(limit)).execute();
    return rows.map(({ tag, messages, last_ms, colour, about, authors }) => ({
      tag,
      messages,
      lastGiven: toIso(epochMs(last_ms)),
      colour,
      about,
      authors: (JSON.parse(authors) as string[]).sort(),
    }));
  }
}
