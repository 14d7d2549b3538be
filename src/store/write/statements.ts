/** The statements of the writer, compiled and prepared once. */
import type Database from "better-sqlite3";
import { BulkInsert } from "../database/bulk-insert.ts";
import { GREATEST_BLOCK } from "../log-text/blocks.ts";
import { postingsInsert } from "../log-text/postings.ts";
import {
  ADDRESS_EVENT,
  ARRIVAL,
  CLIENT,
  columnsOf,
  DELIVERY_PATH,
  DELIVERY_PROBLEM,
  ENTRY,
  MESSAGE_STATE,
  MILESTONES,
  REJECTION,
} from "../schema/records.ts";
import type { StoredMessagesTable, StoredMilestonesTable, StoredRecipientsTable } from "../schema/tables.ts";
import { Interner } from "./interner.ts";
import { TupleInterner } from "./tuple-interner.ts";

const STATE_COLUMNS = columnsOf(MESSAGE_STATE);
const ARRIVAL_COLUMNS = columnsOf(ARRIVAL);
const MILESTONE_COLUMNS = columnsOf(MILESTONES);

export const RECIPIENT_COLUMNS = [
  "message_id",
  "address_id",
  "announced",
  "status",
  "status_at",
  "attempts",
  "error_id",
] as const satisfies readonly (keyof StoredRecipientsTable)[];

/** A line about one recipient, as it is stored. */
export interface RecipientEventRow {
  readonly recipient: string;
  readonly target: string | null;
  readonly outcome: number;
  readonly at: number;
  readonly is_attempt: number;
  readonly error: string | null;
}

/** A message, and its milestones where it has any. */
type MessageRow = Omit<StoredMessagesTable, "id"> & { readonly id: number } & Omit<StoredMilestonesTable, "message_id">;

interface Flushable {
  flush(): void;
  discard(): void;
}

export interface WriteStatements {
  readonly strings: Interner;
  readonly addresses: Interner;
  readonly paths: TupleInterner<"delivery_paths">;
  readonly problems: TupleInterner<"delivery_problems">;
  readonly messages: BulkInsert<"stored_messages">;
  readonly entries: BulkInsert<"stored_entries">;
  readonly rejections: BulkInsert<"stored_rejections">;
  readonly clients: BulkInsert<"stored_clients">;
  readonly addressEvents: BulkInsert<"address_events">;
  readonly entryLines: BulkInsert<"entry_lines">;
  readonly headers: BulkInsert<"stored_headers">;
  readonly envelopes: BulkInsert<"stored_envelopes">;
  readonly recipients: BulkInsert<"stored_recipients">;
  readonly postings: BulkInsert<"postings">;
  readonly bulk: readonly Flushable[];
  readonly maxIds: Readonly<Record<"stored_messages" | "raw_blocks", Database.Statement<[], { id: number }>>>;
  readonly addBlock: Database.Statement;
  readonly addDuplicateLocation: Database.Statement;
  readonly markSeen: Database.Statement;
  readonly setDetails: Database.Statement<[number | null, number]>;
  readonly greatestEximId: Database.Statement<[], { id: string | null }>;
  readonly findMessage: Database.Statement<[number, string], MessageRow>;
  readonly recipientsOf: Database.Statement<[number], { address: string; announced: number }>;
  readonly recipientEventsOf: Database.Statement<[number], RecipientEventRow>;
  readonly putRecipient: Database.Statement;
  readonly putMilestones: Database.Statement;
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
  const entries = new BulkInsert(database, "stored_entries", columnsOf(ENTRY));
  const rejections = new BulkInsert(database, "stored_rejections", columnsOf(REJECTION));
  const entryLines = new BulkInsert(database, "entry_lines", ["location", "first_location"]);
  const headers = new BulkInsert(database, "stored_headers", ["id", "entry_id", "headers", "is_cut"]);
  const envelopes = new BulkInsert(database, "stored_envelopes", ["id", "entry_id", "is_recipient", "address_id"]);
  const clients = new BulkInsert(database, "stored_clients", columnsOf(CLIENT));
  const addressEvents = new BulkInsert(database, "address_events", columnsOf(ADDRESS_EVENT));
  const recipients = new BulkInsert(database, "stored_recipients", RECIPIENT_COLUMNS);
  const postings = postingsInsert(database);
  return {
    strings: new Interner(database, "strings", {
      add: (id, text) => strings.add({ id, text }),
      flush: () => strings.flush(),
    }),
    addresses: new Interner(database, "addresses", {
      add: (id, address) => addresses.add({ id, address }),
      flush: () => addresses.flush(),
    }),
    paths: new TupleInterner(database, "delivery_paths", columnsOf(DELIVERY_PATH)),
    problems: new TupleInterner(database, "delivery_problems", columnsOf(DELIVERY_PROBLEM)),
    messages,
    entries,
    rejections,
    clients,
    addressEvents,
    entryLines,
    headers,
    envelopes,
    recipients,
    postings,
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
      postings,
    ],
    maxIds: {
      stored_messages: database.prepare("SELECT max(id) AS id FROM stored_messages"),
      raw_blocks: database.prepare(`SELECT ${GREATEST_BLOCK} AS id`),
    },
    addBlock: database.prepare(
      `INSERT INTO raw_blocks (id, source_id, position, size, lines, first_ms, last_ms, clock_ms, read_ms, sha256, data, codec)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'brotli')`,
    ),
    addDuplicateLocation: database.prepare(
      "INSERT INTO duplicate_locations (location, entry_id, log_type) VALUES (?, ?, ?)",
    ),
    markSeen: database.prepare("UPDATE stored_entries SET seen_in = seen_in | ? WHERE id = ?"),
    setDetails: database.prepare("UPDATE stored_entries SET details_id = ? WHERE id = ?"),
    greatestEximId: database.prepare("SELECT max(exim_id) AS id FROM stored_messages"),
    findMessage: database.prepare(
      `SELECT m.*, ${MILESTONE_COLUMNS.map((column) => `z.${column}`).join(", ")}
       FROM stored_messages m LEFT JOIN stored_milestones z ON z.message_id = m.id WHERE m.server_id = ? AND m.exim_id = ?`,
    ),
    recipientsOf: database.prepare(
      "SELECT a.address, r.announced FROM stored_recipients r JOIN addresses a ON a.id = r.address_id WHERE r.message_id = ?",
    ),
    recipientEventsOf: database.prepare(
      `SELECT a.address AS recipient, f.address AS target, e.outcome, n.at, e.is_attempt, s.text AS error
       FROM stored_entries n JOIN address_events e ON e.entry_id = n.id JOIN addresses a ON a.id = e.recipient_id
       LEFT JOIN addresses f ON f.id = e.final_id LEFT JOIN delivery_problems p ON p.id = e.problem_id
       LEFT JOIN strings s ON s.id = p.error_id
       WHERE n.message_id = ?`,
    ),
    putRecipient: database.prepare(
      `INSERT OR REPLACE INTO stored_recipients (${RECIPIENT_COLUMNS.join(", ")}) VALUES (${RECIPIENT_COLUMNS.map(() => "?").join(", ")})`,
    ),
    putMilestones: database.prepare(
      `INSERT OR REPLACE INTO stored_milestones (message_id, ${MILESTONE_COLUMNS.join(", ")})
       VALUES (?, ${MILESTONE_COLUMNS.map(() => "?").join(", ")})`,
    ),
    updateState: database.prepare(
      `UPDATE stored_messages SET ${STATE_COLUMNS.map((column) => `${column} = ?`).join(", ")} WHERE id = ?`,
    ),
    updateArrival: database.prepare(
      `UPDATE stored_messages SET ${ARRIVAL_COLUMNS.map((column) => `${column} = ?`).join(", ")} WHERE id = ?`,
    ),
  };
}
