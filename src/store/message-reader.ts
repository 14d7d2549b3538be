import type { Kysely } from "kysely";
import type { DeliveryAttemptsView, LogEntriesView, MessagesView, PublicViews, RecipientsView } from "./tables.ts";
import type { Selectable } from "kysely";

export type MessageRow = Selectable<MessagesView>;
export type RecipientRow = Selectable<RecipientsView>;
export type AttemptRow = Selectable<DeliveryAttemptsView>;
export type EntryRow = Pick<Selectable<LogEntriesView>, "id" | "timestamp" | "event" | "seen_in" | "raw_line">;

/** Identity of a message: Exim's ids are unique on one server only. */
export interface MessageKey {
  readonly id: string;
  readonly server: string;
}

/** Questions about single messages. */
export class MessageReader {
  readonly #views: Kysely<PublicViews>;

  constructor(views: Kysely<PublicViews>) {
    this.#views = views;
  }

  /** The messages with an Exim id, one a server. */
  find(id: string): Promise<MessageRow[]> {
    return this.#views.selectFrom("messages").selectAll().where("id", "=", id).orderBy("server").execute();
  }

  recipientsOf({ id, server }: MessageKey): Promise<RecipientRow[]> {
    return this.#views
      .selectFrom("recipients").selectAll().where("message_id", "=", id).where("server", "=", server).orderBy("recipient").execute();
  }

  /** In the order of time. */
  attemptsOf({ id, server }: MessageKey): Promise<AttemptRow[]> {
    return this.#views
      .selectFrom("delivery_attempts").selectAll().where("message_id", "=", id).where("server", "=", server)
      .orderBy("timestamp").orderBy("id").execute();
  }

  /** All that the logs say about a message, in the order of their lines. */
  entriesOf({ id, server }: MessageKey): Promise<EntryRow[]> {
    return this.#views
      .selectFrom("log_entries").select(["id", "timestamp", "event", "seen_in", "raw_line"])
      .where("message_id", "=", id).where("server", "=", server).orderBy("timestamp").orderBy("id").execute();
  }

  /** Messages about this one: bounces and warnings. */
  childrenOf({ id, server }: MessageKey): Promise<Pick<MessageRow, "id" | "timestamp" | "status">[]> {
    return this.#views
      .selectFrom("messages").select(["id", "timestamp", "status"]).where("parent_id", "=", id).where("server", "=", server)
      .orderBy("timestamp").execute();
  }

  async timeZoneOf(server: string): Promise<string> {
    const row = await this.#views.selectFrom("servers").select("time_zone").where("name", "=", server).executeTakeFirstOrThrow();
    return row.time_zone;
  }
}
