/** Columns that hold ids of rows of other tables; a test compares the list with the schema. */
import {
  ADDRESS_EVENT,
  ARRIVAL,
  CLIENT,
  DELIVERY_PATH,
  DELIVERY_PROBLEM,
  ENTRY,
  REJECTION,
  referencesOf,
} from "./records.ts";
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
  referrer("stored_servers", { owner_user_id: "stored_users" }),
  referrer("stored_sources", { server_id: "stored_servers" }),
  referrer("raw_blocks", { source_id: "stored_sources" }),
  { table: "stored_messages", columns: [["server_id", "stored_servers"], ...referencesOf(ARRIVAL)] },
  referrer("stored_milestones", { message_id: "stored_messages" }),
  referrer("stored_recipients", { message_id: "stored_messages", address_id: "addresses", error_id: "strings" }),
  referrer("stored_tags", { server_id: "stored_servers", user_id: "stored_users" }),
  referrer("stored_notes", { server_id: "stored_servers", user_id: "stored_users" }),
  referrer("tag_names", { user_id: "stored_users" }),
  { table: "stored_entries", columns: referencesOf(ENTRY) },
  { table: "address_events", columns: referencesOf(ADDRESS_EVENT) },
  { table: "delivery_paths", columns: referencesOf(DELIVERY_PATH) },
  { table: "delivery_problems", columns: referencesOf(DELIVERY_PROBLEM) },
  { table: "stored_rejections", columns: referencesOf(REJECTION) },
  { table: "stored_clients", columns: referencesOf(CLIENT) },
  referrer("stored_headers", { entry_id: "stored_entries" }),
  referrer("stored_envelopes", { entry_id: "stored_entries", address_id: "addresses" }),
  referrer("kept_keys", { entry_id: "stored_entries" }),
  referrer("duplicate_locations", { entry_id: "stored_entries" }),
  referrer("stored_snapshots", { server_id: "stored_servers" }),
  referrer("snapshot_domains", { snapshot_id: "stored_snapshots" }),
  referrer("queue_stays", { server_id: "stored_servers" }),
  referrer("stored_hints", { server_id: "stored_servers" }),
  referrer("stored_contents", { server_id: "stored_servers" }),
  referrer("stored_attachments", { content_id: "stored_contents" }),
  referrer("stored_incidents", { server_id: "stored_servers", previous_id: "stored_incidents" }),
  referrer("incident_messages", { incident_id: "stored_incidents", server_id: "stored_servers" }),
  referrer("incident_actions", { incident_id: "stored_incidents" }),
  referrer("detection_progress", { server_id: "stored_servers" }),
  referrer("detection_states", { server_id: "stored_servers" }),
  referrer("stored_outbox", { incident_id: "stored_incidents", digest_id: "stored_outbox" }),
  referrer("rolled_hosts", { server_id: "stored_servers", host_id: "strings" }),
];
