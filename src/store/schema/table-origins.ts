/** Origin of each table's rows: what a second reading of the stored logs makes again, and what only this database knows. */
import type { BaseTables } from "./tables.ts";

/** `derived`: from the lines, so a copy has them all; `partly`: some columns are; `kept`: not from lines; `digests`: from the rows kept. */
export const ORIGINS: Readonly<Record<keyof BaseTables, "derived" | "partly" | "kept" | "digests">> = {
  database_identity: "kept",
  codes: "kept",
  stored_servers: "partly",
  stored_sources: "partly",
  ingest_runs: "kept",
  stored_audit: "kept",
  audit_retention: "kept",
  parser_versions: "derived",
  raw_blocks: "derived",
  addresses: "derived",
  strings: "derived",
  address_ids: "derived",
  string_ids: "derived",
  unused_texts: "derived",
  text_indexes: "derived",
  stored_messages: "derived",
  stored_milestones: "derived",
  stored_recipients: "derived",
  stored_tags: "kept",
  delivery_paths: "derived",
  delivery_problems: "derived",
  address_events: "derived",
  stored_entries: "derived",
  duplicate_locations: "derived",
  kept_keys: "derived",
  entry_lines: "derived",
  stored_clients: "derived",
  postings: "derived",
  stored_headers: "derived",
  stored_envelopes: "derived",
  stored_rejections: "derived",
  rolled_messages: "derived",
  rolled_recipients: "derived",
  rolled_events: "derived",
  rolled_failures: "derived",
  rolled_hosts: "derived",
  rolled_rejections: "derived",
  // The last one: each row that goes takes its chunk out of it.
  rolled_chunks: "derived",
  stored_snapshots: "kept",
  snapshot_domains: "kept",
  queue_stays: "kept",
  stored_hints: "kept",
  stored_contents: "kept",
  stored_attachments: "kept",
  stored_users: "kept",
  stored_notes: "kept",
  tag_names: "kept",
  stored_incidents: "kept",
  incident_numbers: "kept",
  incident_messages: "kept",
  incident_actions: "kept",
  incident_mutes: "kept",
  // A copy has none: detection begins again with its first line.
  detection_progress: "derived",
  detection_states: "derived",
  stored_outbox: "kept",
  channel_states: "kept",
  schema_migrations: "kept",
  table_digests: "digests",
};

type Table = keyof BaseTables;

/** Tables that the lines tell whole, in the order in which a copy takes the place of their rows. */
export const DERIVED_TABLES: readonly Table[] = tablesFrom("derived");

/** Tables with rows that no line tells: nothing but a digest shows that they are as they were written. */
export const KEPT_TABLES: readonly Table[] = [...tablesFrom("kept"), ...tablesFrom("partly")];

function tablesFrom(wanted: string): readonly Table[] {
  return (Object.keys(ORIGINS) as Table[]).filter((table) => ORIGINS[table] === wanted);
}
