import type { Kysely, Selectable } from "kysely";
import type { PublicViews, ServersView } from "../schema/tables.ts";

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
  readonly #views: Kysely<PublicViews>;

  constructor(views: Kysely<PublicViews>) {
    this.#views = views;
  }

  /** All servers by name, with what is stored of each. */
  async list(): Promise<ServerFigures[]> {
    const servers = await this.#views.selectFrom("servers").selectAll().orderBy("name").execute();
    const logs = await this.#views
      .selectFrom("sources")
      .select(({ fn }) => ["server", fn.countAll<number>().as("sources"), fn.sum<number>("lines").as("lines")])
      .groupBy("server")
      .execute();
    const messages = await this.#views
      .selectFrom("messages")
      // NOTE: only what arrived has a direction.
      .select(({ fn }) => [
        "server",
        fn.countAll<number>().as("messages"),
        fn.count<number>("direction").as("received"),
      ])
      .groupBy("server")
      .execute();
    return servers.map((server) => {
      const { sources = 0, lines = 0 } = logs.find((log) => log.server === server.name) ?? {};
      const counted = messages.find((count) => count.server === server.name);
      return { ...server, sources, lines, messages: counted?.messages ?? 0, received: counted?.received ?? 0 };
    });
  }
}
