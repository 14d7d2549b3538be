/** Which columns hold ids of rows of other tables; a test compares the list with the schema. */
import type { BaseTables } from "./tables.ts";

type Table = keyof BaseTables;

export interface Referrer {
  readonly table: Table;
  /** The columns that refer, each with the table it refers to by its id. */
  readonly columns: readonly (readonly [column: string, target: Table])[];
}

function referrer<From extends Table>(
  table: From,
  columns: Partial<Record<keyof BaseTables[From] & string, Table>>,
): Referrer {
  return { table, columns: Object.entries(columns) as [string, Table][] };
}

/** The schema leaves most of these to the writer, for speed. */
export const REFERRERS: readonly Referrer[] = [
  referrer("stored_sources", { server_id: "stored_servers" }),
  referrer("raw_blocks", { source_id: "stored_sources" }),
  referrer("stored_messages", {
    server_id: "stored_servers",
    sender_id: "addresses",
    host_id: "strings",
    helo_id: "strings",
    ip_id: "strings",
    protocol_id: "strings",
    auth_id: "strings",
    ident_id: "strings",
    tls_id: "strings",
  }),
  referrer("stored_recipients", { message_id: "stored_messages", address_id: "addresses", error_id: "strings" }),
  referrer("message_tags", { server_id: "stored_servers" }),
  referrer("stored_entries", { server_id: "stored_servers", message_id: "stored_messages", details_id: "strings" }),
  referrer("address_events", {
    entry_id: "stored_entries",
    recipient_id: "addresses",
    final_id: "addresses",
    path_id: "delivery_paths",
    problem_id: "delivery_problems",
  }),
  referrer("delivery_paths", {
    router_id: "strings",
    transport_id: "strings",
    host_id: "strings",
    ip_id: "strings",
    tls_id: "strings",
  }),
  referrer("delivery_problems", { enhanced_id: "strings", phase_id: "strings", error_id: "strings" }),
  referrer("stored_rejections", {
    entry_id: "stored_entries",
    host_id: "strings",
    helo_id: "strings",
    ip_id: "strings",
    sender_id: "addresses",
    recipient_id: "addresses",
    auth_id: "strings",
    category_id: "strings",
    reason_id: "strings",
  }),
  referrer("stored_clients", {
    entry_id: "stored_entries",
    host_id: "strings",
    helo_id: "strings",
    ip_id: "strings",
    sender_id: "addresses",
    recipient_id: "addresses",
    auth_id: "strings",
  }),
  referrer("stored_headers", { entry_id: "stored_entries" }),
  referrer("stored_envelopes", { entry_id: "stored_entries", address_id: "addresses" }),
  referrer("sightings", { entry_id: "stored_entries" }),
  referrer("rolled_hosts", { server_id: "stored_servers", host_id: "strings" }),
];
