import type { Kysely, Selectable } from "kysely";
import type { LogType } from "../schema/codes.ts";
import type { PublicViews, SourcesView } from "../schema/views.ts";

export type StoredSource = Selectable<SourcesView>;

export interface SourceFilter {
  readonly server?: string | undefined;
  readonly logType?: LogType | undefined;
}

/** Questions about the logs that are stored. */
export class SourceReader {
  readonly #views: Kysely<PublicViews>;

  constructor(views: Kysely<PublicViews>) {
    this.#views = views;
  }

  /** By server and path, those of one path in the order they were first read. */
  async list({ server, logType }: SourceFilter = {}): Promise<StoredSource[]> {
    let query = this.#views.selectFrom("sources").selectAll();
    if (server !== undefined) query = query.where("server", "=", server);
    if (logType !== undefined) query = query.where("log_type", "=", logType);
    return query.orderBy("server").orderBy("path").orderBy("id").execute();
  }
}
