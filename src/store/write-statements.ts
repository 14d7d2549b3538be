/** The statements of the writer, compiled and prepared once. */
import type Database from "better-sqlite3";
import { BulkInsert } from "./bulk-insert.ts";
import { Combinations } from "./combinations.ts";
import { Interner } from "./interner.ts";
import { mentionsTable } from "./mentions.ts";
import { GREATEST_BLOCK } from "./raw-text.ts";
import type { MessageStateRow } from "./rows.ts";
import type {
  AddressEventsTable,
  StoredClientsTable,
  StoredMessagesTable,
  StoredRecipientsTable,
  StoredRejectionsTable,
} from "./tables.ts";

export const STATE_COLUMNS = [
  "status",
  "first_at",
  "last_at",
  "queue_ms",
  "completed_at",
  "frozen_at",
  "thawed_at",
  "removed_at",
  "cancelled_at",
  "rejected_at",
  "discarded_at",
  "not_accepted_at",
  "queued_at",
  "ignored_at",
] as const satisfies readonly (keyof MessageStateRow)[];

export const ARRIVAL_COLUMNS = [
  "arrival_at",
  "sender_id",
  "size",
  "subject",
  "header_message_id",
  "host_id",
  "helo_id",
  "ip_id",
  "port",
  "protocol_id",
  "auth_id",
  "ident_id",
  "tls_id",
  "parent_exim_id",
  "fake_reject",
] as const satisfies readonly (keyof StoredMessagesTable)[];

export const ADDRESS_EVENT_COLUMNS = [
  "entry_id",
  "recipient_id",
  "final_id",
  "outcome",
  "is_attempt",
  "path_id",
  "problem_id",
  "confirmation",
  "queue_ms",
  "duration_ms",
] as const satisfies readonly (keyof AddressEventsTable)[];

export const RECIPIENT_COLUMNS = [
  "message_id",
  "address_id",
  "announced",
  "status",
  "status_at",
  "delivered_ms",
  "attempts",
  "error_id",
] as const satisfies readonly (keyof StoredRecipientsTable)[];

export const REJECTION_COLUMNS = [
  "entry_id",
  "phase",
  "is_permanent",
  "host_id",
  "helo_id",
  "ip_id",
  "sender_id",
  "recipient_id",
  "auth_id",
  "category_id",
  "reason_id",
] as const satisfies readonly (keyof StoredRejectionsTable)[];

export const CLIENT_COLUMNS = [
  "entry_id",
  "host_id",
  "helo_id",
  "ip_id",
  "sender_id",
  "recipient_id",
  "auth_id",
] as const satisfies readonly (keyof StoredClientsTable)[];

/** A line about one recipient, as it is stored. */
export interface WordRow {
  readonly recipient: string;
  readonly target: string | null;
  readonly outcome: number;
  readonly at: number;
  readonly is_attempt: number;
  readonly error: string | null;
}

interface Flushable {
  flush(): void;
  discard(): void;
}

export interface WriteStatements {
  readonly strings: Interner;
  readonly addresses: Interner;
  readonly paths: Combinations<"delivery_paths">;
  readonly problems: Combinations<"delivery_problems">;
  readonly messages: BulkInsert<"stored_messages">;
  readonly entries: BulkInsert<"stored_entries">;
  readonly rejections: BulkInsert<"stored_rejections">;
  readonly clients: BulkInsert<"stored_clients">;
  readonly addressEvents: BulkInsert<"address_events">;
  readonly entryLines: BulkInsert<"entry_lines">;
  readonly headers: BulkInsert<"stored_headers">;
  readonly envelopes: BulkInsert<"stored_envelopes">;
  readonly recipients: BulkInsert<"stored_recipients">;
  readonly mentions: BulkInsert<"mentions">;
  readonly bulk: readonly Flushable[];
  readonly maxIds: Readonly<Record<"stored_messages" | "raw_blocks", Database.Statement<[], { id: number }>>>;
  readonly addBlock: Database.Statement;
  readonly addSighting: Database.Statement;
  readonly markSeen: Database.Statement;
  readonly setDetails: Database.Statement<[number | null, number]>;
  readonly greatestEximId: Database.Statement<[], { id: string | null }>;
  readonly findMessage: Database.Statement<[number, string], StoredMessagesTable & { id: number }>;
  readonly recipientsOf: Database.Statement<[number], { address: string; announced: number }>;
  readonly wordsOf: Database.Statement<[number], WordRow>;
  readonly putRecipient: Database.Statement;
  readonly updateState: Database.Statement;
  readonly updateArrival: Database.Statement;
}

export function prepareWriteStatements(database: Database.Database): WriteStatements {
  const strings = new BulkInsert(database, "strings", ["id", "text"]);
  const addresses = new BulkInsert(database, "addresses", ["id", "address"]);
  const messages = new BulkInsert(database, "stored_messages", [
    "id",
    "server_id",
    "exim_id",
    ...STATE_COLUMNS,
    ...ARRIVAL_COLUMNS,
  ]);
  const entries = new BulkInsert(database, "stored_entries", [
    "id",
    "server_id",
    "at",
    "event",
    "message_id",
    "seen_in",
    "details_id",
  ]);
  const rejections = new BulkInsert(database, "stored_rejections", REJECTION_COLUMNS);
  const entryLines = new BulkInsert(database, "entry_lines", ["location", "first_location"]);
  const headers = new BulkInsert(database, "stored_headers", ["id", "entry_id", "headers", "is_cut"]);
  const envelopes = new BulkInsert(database, "stored_envelopes", ["id", "entry_id", "is_recipient", "address_id"]);
  const clients = new BulkInsert(database, "stored_clients", CLIENT_COLUMNS);
  const addressEvents = new BulkInsert(database, "address_events", ADDRESS_EVENT_COLUMNS);
  const recipients = new BulkInsert(database, "stored_recipients", RECIPIENT_COLUMNS);
  const mentions = mentionsTable(database);
  return {
    strings: new Interner(database, "strings", {
      add: (id, text) => strings.add({ id, text }),
      flush: () => strings.flush(),
    }),
    addresses: new Interner(database, "addresses", {
      add: (id, address) => addresses.add({ id, address }),
      flush: () => addresses.flush(),
    }),
    paths: new Combinations(database, "delivery_paths", [
      "router_id",
      "transport_id",
      "host_id",
      "ip_id",
      "port",
      "tls_id",
    ]),
    problems: new Combinations(database, "delivery_problems", [
      "is_timeout",
      "smtp_code",
      "enhanced_id",
      "phase_id",
      "error_id",
    ]),
    messages,
    entries,
    rejections,
    clients,
    addressEvents,
    entryLines,
    headers,
    envelopes,
    recipients,
    mentions,
    bulk: [
      strings,
      addresses,
      messages,
      entries,
      rejections,
      clients,
      addressEvents,
      entryLines,
      headers,
      envelopes,
      recipients,
      mentions,
    ],
    maxIds: {
      stored_messages: database.prepare("SELECT max(id) AS id FROM stored_messages"),
      raw_blocks: database.prepare(`SELECT ${GREATEST_BLOCK} AS id`),
    },
    addBlock: database.prepare(
      `INSERT INTO raw_blocks (id, source_id, position, size, lines, first_ms, last_ms, clock_ms, sha256, data, codec)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'brotli')`,
    ),
    addSighting: database.prepare("INSERT INTO sightings (location, entry_id, log_type) VALUES (?, ?, ?)"),
    markSeen: database.prepare("UPDATE stored_entries SET seen_in = seen_in | ? WHERE id = ?"),
    setDetails: database.prepare("UPDATE stored_entries SET details_id = ? WHERE id = ?"),
    greatestEximId: database.prepare("SELECT max(exim_id) AS id FROM stored_messages"),
    findMessage: database.prepare("SELECT * FROM stored_messages WHERE server_id = ? AND exim_id = ?"),
    recipientsOf: database.prepare(
      "SELECT a.address, r.announced FROM stored_recipients r JOIN addresses a ON a.id = r.address_id WHERE r.message_id = ?",
    ),
    wordsOf: database.prepare(
      `SELECT a.address AS recipient, f.address AS target, e.outcome, n.at, e.is_attempt, s.text AS error
       FROM stored_entries n JOIN address_events e ON e.entry_id = n.id JOIN addresses a ON a.id = e.recipient_id
       LEFT JOIN addresses f ON f.id = e.final_id LEFT JOIN delivery_problems p ON p.id = e.problem_id
       LEFT JOIN strings s ON s.id = p.error_id
       WHERE n.message_id = ?`,
    ),
    putRecipient: database.prepare(
      `INSERT OR REPLACE INTO stored_recipients (${RECIPIENT_COLUMNS.join(", ")}) VALUES (${RECIPIENT_COLUMNS.map(() => "?").join(", ")})`,
    ),
    updateState: database.prepare(
      `UPDATE stored_messages SET ${STATE_COLUMNS.map((column) => `${column} = ?`).join(", ")} WHERE id = ?`,
    ),
    updateArrival: database.prepare(
      `UPDATE stored_messages SET ${ARRIVAL_COLUMNS.map((column) => `${column} = ?`).join(", ")} WHERE id = ?`,
    ),
  };
}
