import { type Kysely, type Selectable, sql } from "kysely";
import type { Schema } from "../schema/tables.ts";
import type { ServersView } from "../schema/views.ts";

export interface ServerFigures extends Selectable<ServersView> {
  readonly sources: number;
  readonly lines: number;
  /** Messages that a line names. */
  readonly messages: number;
  /** Messages whose arrival a line states. */
  readonly received: number;
}

/** Questions about the servers whose logs are stored. */
export class ServerReader {
  readonly #database: Kysely<Schema>;

  constructor(database: Kysely<Schema>) {
    this.#database = database;
  }

  /** All servers by name, with what is stored of each. */
  async list(): Promise<ServerFigures[]> {
    const servers = await this.#database.selectFrom("servers").selectAll().orderBy("name").execute();
    const logs = await this.#database
      .selectFrom("sources")
      .select(({ fn }) => ["server", fn.countAll<number>().as("sources"), fn.sum<number>("lines").as("lines")])
      .groupBy("server")
      .execute();
    // NOTE: the view of messages makes all texts of each, which takes ten times as long.
    const messages = await this.#database
      .selectFrom("stored_messages as m")
      .select(({ fn }) => [
        sql<string>`(SELECT name FROM stored_servers WHERE id = m.server_id)`.as("server"),
        fn.countAll<number>().as("messages"),
        fn.count<number>("m.arrival_at").as("received"),
      ])
      .groupBy("m.server_id")
      .execute();
    return servers.map((server) => {
      const { sources = 0, lines = 0 } = logs.find((log) => log.server === server.name) ?? {};
      const counted = messages.find((count) => count.server === server.name);
      return { ...server, sources, lines, messages: counted?.messages ?? 0, received: counted?.received ?? 0 };
    });
  }
}
