import { type Kysely, type Selectable, type SelectQueryBuilder, sql } from "kysely";
import { SECOND_MS } from "../../units.ts";
import type { RawTextReader } from "../log-text/blocks.ts";
import type {
  DeliveryAttemptsView,
  LogEntriesView,
  MessagesView,
  PublicViews,
  RejectionsView,
} from "../schema/views.ts";
import { MESSAGE_MS } from "../search/conditions.ts";
import { RECIPIENT_COLUMNS, type RecipientRow } from "../search/recipient-row.ts";
import { CASED_LETTERS, casings, LAST } from "../search/text-lookup.ts";

export type MessageRow = Selectable<MessagesView>;
export type RejectionRow = Selectable<RejectionsView>;
const ATTEMPT_COLUMNS = [
  "timestamp",
  "recipient",
  "final_address",
  "status",
  "router",
  "transport",
  "host",
  "ip_address",
  "port",
  "tls",
  "smtp_code",
  "enhanced_code",
  "phase",
  "error_message",
  "confirmation",
  "queue_seconds",
  "duration_seconds",
] as const satisfies readonly (keyof DeliveryAttemptsView)[];
export type AttemptRow = Pick<Selectable<DeliveryAttemptsView>, (typeof ATTEMPT_COLUMNS)[number]>;
const ENTRY_COLUMNS = ["id", "timestamp", "event", "seen_in"] as const satisfies readonly (keyof LogEntriesView)[];
type EntryColumns = Pick<Selectable<LogEntriesView>, (typeof ENTRY_COLUMNS)[number]>;
type EntryQuery = SelectQueryBuilder<PublicViews, "log_entries", EntryColumns>;
export interface EntryRow extends EntryColumns {
  /** Its lines, read as latin1; undefined when their text has been pruned. */
  readonly bytes: string | undefined;
}

/** Identity of a message: Exim's ids are unique on one server only. */
export interface MessageKey {
  readonly id: string;
  readonly server: string;
}

/** A client whose ACL dropped recipients, perhaps. */
export interface DroppingClient {
  readonly ip: string;
  readonly port: number | null;
  readonly arrivalMs: number;
  /** Its port or its process is logged. */
  readonly isConnectionKnown: boolean;
}

/** From the first recipient to the end of the data. */
const LONGEST_TRANSACTION_MS = 600 * SECOND_MS;

/** Questions about single messages. */
export class MessageReader {
  readonly #views: Kysely<PublicViews>;
  readonly #rawText: RawTextReader;

  constructor(views: Kysely<PublicViews>, rawText: RawTextReader) {
    this.#views = views;
    this.#rawText = rawText;
  }

  /** The messages with an Exim id, one a server. */
  find(id: string): Promise<MessageRow[]> {
    return this.#views.selectFrom("messages").selectAll().where("id", "=", id).orderBy("server").execute();
  }

  /** Exim's ids that begin so, the latest first, at most `most`. */
  async idsBeginning(text: string, most: number): Promise<string[]> {
    const rows = await this.#views
      .selectFrom("messages")
      .select("id")
      .distinct()
      .where("id", ">=", text)
      .where("id", "<", text + LAST)
      .orderBy("id", "desc")
      .limit(most)
      .execute();
    return rows.map(({ id }) => id);
  }

  /** Exim's ids that are this one but for upper and lower case. */
  async findSimilar(id: string): Promise<string[]> {
    const found = new Set<string>();
    for (const prefix of casings(id.slice(0, CASED_LETTERS))) {
      const rows = await this.#views
        .selectFrom("messages")
        .select("id")
        .where("id", ">=", prefix)
        .where("id", "<", prefix + LAST)
        .where(({ fn }) => fn<string>("lower", ["id"]), "=", id.toLowerCase())
        .execute();
      for (const row of rows) found.add(row.id);
    }
    return [...found];
  }

  recipientsOf({ id, server }: MessageKey): Promise<RecipientRow[]> {
    return this.#views
      .selectFrom("recipients")
      .select(RECIPIENT_COLUMNS)
      .where("message_id", "=", id)
      .where("server", "=", server)
      .orderBy("recipient")
      .execute();
  }

  /** In the order of time. */
  attemptsOf({ id, server }: MessageKey): Promise<AttemptRow[]> {
    return (
      this.#views
        // NOTE: without the columns that our connections add.
        .withSchema("main")
        .selectFrom("delivery_attempts")
        .select(ATTEMPT_COLUMNS)
        .where("message_id", "=", id)
        .where("server", "=", server)
        .orderBy("timestamp")
        .orderBy("id")
        .execute()
    );
  }

  /** All that the logs say about a message, in the order of their lines. */
  async entriesOf({ id, server }: MessageKey): Promise<EntryRow[]> {
    return this.#entries((query) => query.where("message_id", "=", id).where("server", "=", server));
  }

  /** In the order of time. */
  async #entries(choose: (query: EntryQuery) => EntryQuery): Promise<EntryRow[]> {
    const query = this.#views.selectFrom("log_entries").select(ENTRY_COLUMNS);
    const rows = await choose(query).orderBy("timestamp").orderBy("id").execute();
    const texts = this.#rawText.entryTexts(rows.map(({ id }) => id));
    return rows.map((row, index) => ({ ...row, bytes: texts[index] }));
  }

  /**
   * Lines of a client (`ip`, `port`) about recipients that ACLs dropped before there was a message, and its arrivals, up to the second of
   * `arrivalMs`: of ten minutes, or of that second alone where nothing tells connections apart. No arrivals are read where nothing was dropped.
   */
  async droppedBefore(
    { server }: MessageKey,
    client: DroppingClient,
  ): Promise<{
    readonly dropped: readonly EntryRow[];
    readonly arrivals: readonly EntryRow[];
  }> {
    const { ip, port, arrivalMs, isConnectionKnown } = client;
    const second = Math.floor(arrivalMs / SECOND_MS) * SECOND_MS;
    const fromMs = isConnectionKnown ? arrivalMs - LONGEST_TRANSACTION_MS : second;
    const untilMs = second + SECOND_MS;
    const { rows } = await sql<{ readonly id: number }>`
      SELECT e.id FROM stored_entries e
      JOIN stored_servers v ON v.id = e.server_id AND v.name = ${server}
      JOIN stored_clients k ON k.entry_id = e.id
      JOIN strings i ON i.id = k.ip_id AND i.text = ${ip}
      WHERE e.message_id IS NULL AND e.at >= ${fromMs * 1000} AND e.at < ${untilMs * 1000}
        AND e.event = (SELECT code FROM codes WHERE family = 'event' AND name = 'discard')
    `.execute(this.#views);
    if (rows.length === 0) return { dropped: [], arrivals: [] };
    const { rows: arrived } = await sql<{ readonly id: number }>`
      SELECT e.id FROM stored_messages m
      JOIN stored_servers v ON v.id = m.server_id AND v.name = ${server}
      JOIN strings i ON i.id = m.ip_id AND i.text = ${ip}
      JOIN stored_entries e ON e.message_id = m.id
        AND e.event = (SELECT code FROM codes WHERE family = 'event' AND name = 'arrival')
      WHERE ${MESSAGE_MS} >= ${fromMs} AND ${MESSAGE_MS} < ${untilMs} AND m.port IS ${port}
    `.execute(this.#views);
    const read = (ids: readonly { readonly id: number }[]): Promise<EntryRow[]> =>
      this.#entries((query) =>
        query.where(
          "id",
          "in",
          ids.map(({ id }) => id),
        ),
      );
    return { dropped: await read(rows), arrivals: await read(arrived) };
  }

  /** True when the logs say more than `count` things about a message. */
  async hasMoreEntries({ id, server }: MessageKey, count: number): Promise<boolean> {
    const rows = await this.#views
      .selectFrom("log_entries")
      .select("id")
      .where("message_id", "=", id)
      .where("server", "=", server)
      .limit(count + 1)
      .execute();
    return rows.length > count;
  }

  /** Kinds and times of a message's lines, without their text, in order of time. */
  eventsOf({ id, server }: MessageKey): Promise<Pick<EntryRow, "timestamp" | "event">[]> {
    return this.#views
      .selectFrom("log_entries")
      .select(["timestamp", "event"])
      .where("message_id", "=", id)
      .where("server", "=", server)
      .orderBy("timestamp")
      .orderBy("id")
      .execute();
  }

  /** Refusals of a message that had got its id. */
  rejectionsOf({ id, server }: MessageKey): Promise<RejectionRow[]> {
    return this.#views
      .withSchema("main")
      .selectFrom("rejections")
      .selectAll()
      .where("message_id", "=", id)
      .where("server", "=", server)
      .orderBy("timestamp")
      .execute();
  }

  /** Messages about this one: bounces and warnings. */
  childrenOf({ id, server }: MessageKey): Promise<Pick<MessageRow, "id" | "timestamp" | "status">[]> {
    return this.#views
      .selectFrom("messages")
      .select(["id", "timestamp", "status"])
      .where("parent_id", "=", id)
      .where("server", "=", server)
      .orderBy("timestamp")
      .execute();
  }

  async timeZoneOf(server: string): Promise<string> {
    const row = await this.#views
      .selectFrom("servers")
      .select("time_zone")
      .where("name", "=", server)
      .executeTakeFirstOrThrow();
    return row.time_zone;
  }
}
