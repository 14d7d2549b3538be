/** Questions about the whole database or a part of it. */
import type Database from "better-sqlite3";
import { type Kysely, sql } from "kysely";
import { loadCodeNames } from "./codes.ts";
import type { AxisName, Rank } from "./stats/axes.ts";
import { StatsCounts } from "./stats/counts.ts";
import { type Ranking, readRanking } from "./stats/ranking.ts";
import { RemoteHostCounts } from "./stats/remote-hosts.ts";
import { type Filter, Selection } from "./stats/selection.ts";
import type { Schema } from "./tables.ts";

export interface Overview {
  readonly servers: number;
  readonly logs: number;
  readonly lines: number;
  readonly bytes: number;
  readonly other: number;
  readonly unparsed: number;
  /** ISO-8601; null while nothing is stored. */
  readonly from: string | null;
  readonly until: string | null;
}

/** One of the lines behind a figure. */
export interface Sample {
  readonly timestamp: string;
  readonly messageId: string | null;
  readonly recipient: string | null;
  readonly text: string | null;
}

/** All that can be asked about one part of the database. */
export interface SelectedStats {
  readonly counts: StatsCounts;
  readonly remoteHosts: RemoteHostCounts;
  readonly ranking: (axis: AxisName, rank: Rank, limit: number) => Promise<Ranking>;
}

export class StatsReader {
  readonly #database: Database.Database;
  readonly #schema: Kysely<Schema>;

  constructor(database: Database.Database, schema: Kysely<Schema>) {
    this.#database = database;
    this.#schema = schema;
  }

  async select(filter: Filter): Promise<SelectedStats> {
    // It knows all public suffixes: too much to load for what does not ask.
    const { addKeyFunctions } = await import("./stats/key-functions.ts");
    addKeyFunctions(this.#database);
    const names = loadCodeNames(this.#database);
    const selection = await Selection.open(this.#schema, names.eventCode("arrival"), filter);
    return {
      counts: new StatsCounts(selection, names),
      remoteHosts: new RemoteHostCounts(selection, names),
      ranking: (axis, rank, limit) => readRanking(selection, names, axis, rank, limit),
    };
  }

  /** What was read; of all servers when none is named. */
  overview(servers: readonly string[] = []): Promise<Overview> {
    return this.#schema
      .selectFrom("sources")
      .$if(servers.length > 0, (query) => query.where("server", "in", servers))
      .select(({ fn }) => [
        sql<number>`count(DISTINCT server)`.as("servers"),
        fn.countAll<number>().as("logs"),
        fn.coalesce(fn.sum<number>("lines"), sql<number>`0`).as("lines"),
        fn.coalesce(fn.sum<number>("size"), sql<number>`0`).as("bytes"),
        fn.coalesce(fn.sum<number>("other"), sql<number>`0`).as("other"),
        fn.coalesce(fn.sum<number>("unparsed"), sql<number>`0`).as("unparsed"),
        fn.min<string | null>("first_timestamp").as("from"),
        fn.max<string | null>("last_timestamp").as("until"),
      ])
      .executeTakeFirstOrThrow();
  }

  servers(): Promise<{ name: string; timeZone: string }[]> {
    return this.#schema.selectFrom("servers").select(["name", "time_zone as timeZone"]).orderBy("name").execute();
  }

  /** The failed attempt of a figure's sample. */
  attemptSample(id: number): Promise<Sample> {
    return this.#schema
      .selectFrom("delivery_attempts")
      .select(["timestamp", "message_id as messageId", "recipient", "error_message as text"])
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
  }

  rejectionSample(id: number): Promise<Sample> {
    return this.#schema
      .selectFrom("rejections")
      .select(["timestamp", "message_id as messageId", "recipient", "reason as text"])
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
  }
}
