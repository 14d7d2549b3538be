import { type Kysely, sql } from "kysely";
import type { PublicViews } from "./tables.ts";

export interface Count {
  readonly name: string;
  readonly count: number;
}

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

/** Questions about the whole database. */
export class StatsReader {
  readonly #views: Kysely<PublicViews>;

  constructor(views: Kysely<PublicViews>) {
    this.#views = views;
  }

  overview(): Promise<Overview> {
    return this.#views
      .selectFrom("sources")
      .select(({ fn }) => [
        sql<number>`count(distinct server)`.as("servers"),
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

  messagesByStatus(): Promise<Count[]> {
    return this.#views
      .selectFrom("messages")
      .select(({ fn }) => ["status as name", fn.countAll<number>().as("count")])
      .groupBy("status")
      .orderBy("count", "desc")
      .orderBy("name")
      .execute();
  }

  recipientsByStatus(): Promise<Count[]> {
    return this.#views
      .selectFrom("recipients")
      .select(({ fn }) => ["status as name", fn.countAll<number>().as("count")])
      .groupBy("status")
      .orderBy("count", "desc")
      .orderBy("name")
      .execute();
  }

  rejectionsByCategory(): Promise<Count[]> {
    return this.#views
      .selectFrom("rejections")
      .select(({ fn }) => ["category as name", fn.countAll<number>().as("count")])
      .groupBy("category")
      .orderBy("count", "desc")
      .orderBy("name")
      .execute();
  }
}
