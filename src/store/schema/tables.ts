/** Base tables as Kysely sees them, and the whole schema; a test compares this with a freshly migrated file. */
import type { Generated } from "kysely";
import type {
  ADDRESS_EVENT,
  ARRIVAL,
  CLIENT,
  DELIVERY_PATH,
  DELIVERY_PROBLEM,
  ENTRY,
  MESSAGE_STATE,
  MILESTONES,
  REJECTION,
  RowOf,
} from "./records.ts";
import type { PublicViews } from "./views.ts";

type Flag = 0 | 1;

export interface CodesTable {
  family: string;
  code: number;
  name: string;
}

export interface StoredServersTable {
  id: Generated<number>;
  name: string;
  time_zone: string;
  environment: string | null;
  owner: string | null;
  owner_user_id: number | null;
  version: string | null;
  version_at: number | null;
  created_ms: number;
}

export interface StoredSourcesTable {
  id: Generated<number>;
  server_id: number;
  log_type: number;
  path: string;
  head: Uint8Array;
  tail: Uint8Array;
  position: number;
  pruned: Generated<number>;
  pruned_ms: Generated<number | null>;
  pruned_clock_ms: Generated<number | null>;
  lines: number;
  entries: number;
  other: number;
  unparsed: number;
  first_ms: number | null;
  last_ms: number | null;
  created_ms: number;
  updated_ms: number;
}

export interface IngestRunsTable {
  id: Generated<number>;
  started_ms: number;
  finished_ms: number | null;
  program: string;
  result: "running" | "done" | "interrupted" | "failed";
  error: string | null;
  sources: number;
  lines: number;
  messages: number;
  bytes: number;
}

export interface ParserVersionsTable {
  version: number;
  first_ms: number;
}

export interface RawBlocksTable {
  id: Generated<number>;
  source_id: number;
  position: number;
  size: number;
  lines: number;
  first_ms: number | null;
  last_ms: number | null;
  clock_ms: number | null;
  read_ms: number;
  sha256: Uint8Array;
  codec: "brotli";
  data: Uint8Array;
}

export interface AddressesTable {
  id: Generated<number>;
  address: string;
}

export interface StringsTable {
  id: Generated<number>;
  text: string;
}

export interface AddressIdsTable {
  address: string;
  id: number;
}

export interface StringIdsTable {
  text: string;
  id: number;
}

export interface UnusedTextsTable {
  table_name: "addresses" | "strings";
  text: string;
  text_rowid: number;
  run: number;
}

export interface TextIndexesTable {
  table_name: "addresses" | "strings" | "raw_blocks";
  last_id: number;
}

export interface PostingsTable {
  kind: number;
  key: number;
  block_id: number;
  further_blocks: Uint8Array | null;
}

export type StoredMessagesTable = RowOf<typeof MESSAGE_STATE> &
  RowOf<typeof ARRIVAL> & {
    id: Generated<number>;
    server_id: number;
    exim_id: string;
  };

export type StoredMilestonesTable = RowOf<typeof MILESTONES> & { message_id: number };

export interface StoredRecipientsTable {
  message_id: number;
  address_id: number;
  announced: Flag;
  status: number;
  status_at: number | null;
  attempts: number;
  error_id: number | null;
}

export type DeliveryPathsTable = RowOf<typeof DELIVERY_PATH> & { id: Generated<number> };

export type DeliveryProblemsTable = RowOf<typeof DELIVERY_PROBLEM> & { id: Generated<number> };

export type AddressEventsTable = RowOf<typeof ADDRESS_EVENT>;

export type StoredEntriesTable = RowOf<typeof ENTRY>;

export interface DuplicateLocationsTable {
  location: number;
  entry_id: number;
  log_type: number;
}

export interface KeptKeysTable {
  entry_id: number;
  fact_key: Uint8Array;
}

export interface EntryLinesTable {
  location: number;
  first_location: number;
  alone: Generated<number>;
}

export interface StoredHeadersTable {
  id: number;
  entry_id: number;
  headers: string;
  is_cut: Flag;
}

export interface StoredEnvelopesTable {
  id: number;
  entry_id: number;
  is_recipient: Flag;
  address_id: number | null;
}

export type StoredRejectionsTable = RowOf<typeof REJECTION>;

export type StoredClientsTable = RowOf<typeof CLIENT>;

export interface SchemaMigrationsTable {
  version: number;
  name: string;
  sha256: string;
  applied_ms: number;
  program: string;
}

/** The table behind the view, for the writer. */
export interface StoredAuditTable {
  id: Generated<number>;
  request_id: string;
  at_ms: number;
  action: string;
  result: "started" | "done" | "failed" | "interrupted";
  error: string | null;
  duration_ms: number | null;
  user_name: string;
  sudo_user: string | null;
  ssh_client: string | null;
  host: string;
  program: string;
  parameters: string;
  affected: string;
}

export interface AuditRetentionTable {
  keep_from_ms: number;
}

export interface StoredTagsTable {
  tag: string;
  server_id: number;
  exim_id: string;
  created_ms: number;
  author: string;
  user_id: number | null;
}

export interface StoredUsersTable {
  id: Generated<number>;
  username: string;
  password_hash: string | null;
  email: string | null;
  full_name: string | null;
  role: "admin" | "agent" | "viewer" | "datasource";
  os_user: string | null;
  active: Flag;
  last_login_ms: number | null;
  created_ms: number;
  updated_ms: number;
}

export interface StoredNotesTable {
  id: Generated<number>;
  server_id: number;
  exim_id: string;
  author: string;
  user_id: number | null;
  os_user: string;
  note: string;
  is_public: Flag;
  created_ms: number;
  updated_ms: number;
}

export interface TagNamesTable {
  tag: string;
  colour: string | null;
  about: string | null;
  author: string;
  user_id: number | null;
  created_ms: number;
  updated_ms: number;
}

export interface StoredOutboxTable {
  number: Generated<number>;
  id: string;
  dedup_key: string;
  incident_id: number | null;
  reason: "opened" | "worse" | "over" | "alarm" | "digest" | "test";
  severity: "critical" | "serious" | "warning";
  event_data: string;
  only_channel: string | null;
  digest_id: string | null;
  status: "pending" | "sent" | "confirmed" | "failed" | "cancelled";
  tier: number;
  channel: string | null;
  retry_count: number;
  tier_tries: number;
  tier_began_ms: number | null;
  is_uncertain: Flag;
  next_try_ms: number;
  lease_until_ms: number | null;
  lease_owner: string | null;
  accepted_ms: number | null;
  confirmed_by: "reply" | "log" | "fallback" | null;
  remote_id: string | null;
  message_text: string | null;
  error_message: string | null;
  created_ms: number;
  updated_ms: number;
  sent_ms: number | null;
  confirmed_ms: number | null;
}

export interface ChannelStatesTable {
  channel: string;
  blocked_until_ms: number | null;
  successes: number;
  failures: number;
  total_ms: number;
  last_success_ms: number | null;
  last_failure_ms: number | null;
  is_unauthorized: Flag;
  last_error: string | null;
}

export interface RolledChunksTable {
  kind: "entries" | "messages";
  first_id: number;
  last_id: number;
  first_at: number | null;
  last_at: number | null;
}

export interface RolledMessagesTable {
  first_id: number;
  server_id: number;
  slot: number;
  status: number;
  messages: number;
  bytes: number;
}

export interface RolledRecipientsTable {
  first_id: number;
  server_id: number;
  status: number;
  attempts: number;
  recipients: number;
  bytes: number;
}

export interface RolledEventsTable {
  first_id: number;
  server_id: number;
  slot: number;
  outcome: number;
  is_attempt: Flag;
  events: number;
}

export interface RolledFailuresTable {
  first_id: number;
  server_id: number;
  outcome: number;
  problem_id: number;
  failures: number;
  sample_id: number;
}

export interface RolledHostsTable {
  first_id: number;
  server_id: number;
  host_id: number;
  successes: number;
  deferrals: number;
  bounces: number;
  timeouts: number;
  last_success_at: number | null;
  last_attempt_at: number;
}

export interface RolledRejectionsTable {
  first_id: number;
  server_id: number;
  slot: number;
  is_permanent: Flag;
  rejections: number;
}

export interface DatabaseIdentityTable {
  id: string;
}

export interface StoredSnapshotsTable {
  id: Generated<number>;
  server_id: number;
  queue_name: string;
  at_ms: number;
  origin: "spool" | "bp";
  is_complete: Flag;
  messages: number;
  recipients: number;
  bytes: number;
  frozen: number;
  bounces: number;
  damaged: number;
  came: number;
  went: number;
  oldest_ms: number | null;
  author: string;
  created_ms: number;
}

export interface SnapshotDomainsTable {
  snapshot_id: number;
  domain: string;
  messages: number;
  bytes: number;
  oldest_ms: number | null;
}

export interface QueueStaysTable {
  id: Generated<number>;
  server_id: number;
  queue_name: string;
  exim_id: string;
  first_seen_ms: number;
  last_seen_ms: number;
  gone_ms: number | null;
  arrived_ms: number | null;
  is_exact: Flag;
  sender: string | null;
  size: number | null;
  pending: number;
  frozen_ms: number | null;
  is_frozen: Flag;
  warnings: number | null;
}

export interface StoredHintsTable {
  server_id: number;
  key: string;
  first_failed_ms: number;
  last_try_ms: number;
  next_try_ms: number;
  is_expired: Flag;
  errno: number;
  more_errno: number;
  reason: string;
  seen_ms: number;
}

export interface StoredContentsTable {
  id: Generated<number>;
  server_id: number;
  exim_id: string;
  headers: string;
  text_content: string | null;
  html_content: string | null;
  content_safe: Flag;
  preview_limited: Flag;
  findings: string;
  size_bytes: number;
  sha256: Uint8Array;
  captured_ms: number;
  author: string;
}

export interface StoredAttachmentsTable {
  content_id: number;
  place: number;
  filename: string | null;
  content_type: string;
  detected: string | null;
  size: number;
  sha256: Uint8Array;
  is_safe: Flag;
  preview: string | null;
}

export interface StoredIncidentsTable {
  id: number;
  server_id: number;
  kind: string;
  subject: string;
  severity: "critical" | "serious" | "warning";
  status: "open" | "acknowledged" | "over" | "resolved" | "false_alarm";
  start_ms: number;
  fired_ms: number;
  last_ms: number;
  end_ms: number | null;
  found_ms: number;
  updated_ms: number;
  title: string;
  description: string;
  figures: string;
  told_count: number;
  rule_version: number;
  previous_id: number | null;
  author: string | null;
  resolution: string | null;
  decided_ms: number | null;
}

export interface IncidentNumbersTable {
  last_id: number;
}

export interface IncidentMessagesTable {
  incident_id: number;
  server_id: number;
  exim_id: string;
}

export interface IncidentActionsTable {
  id: Generated<number>;
  incident_id: number;
  at_ms: number;
  action: "acknowledge" | "resolve" | "reopen" | "false_alarm";
  author: string;
  note: string | null;
}

export interface IncidentMutesTable {
  kind: string;
  subject: string;
  until_ms: number | null;
  author: string;
  reason: string;
  created_ms: number;
}

export interface DetectionProgressTable {
  server_id: number;
  /** The last hour that is known to its end; `state` tells until when more is known. */
  hour: number;
  last_entry: number;
  settings: string;
  state: string;
}

export interface DetectionStatesTable {
  server_id: number;
  key: string;
  state: string;
}

export interface TableDigestsTable {
  table_name: string;
  row_count: number;
  digest: number;
}

export interface BaseTables {
  database_identity: DatabaseIdentityTable;
  stored_audit: StoredAuditTable;
  audit_retention: AuditRetentionTable;
  codes: CodesTable;
  stored_servers: StoredServersTable;
  stored_sources: StoredSourcesTable;
  ingest_runs: IngestRunsTable;
  parser_versions: ParserVersionsTable;
  raw_blocks: RawBlocksTable;
  addresses: AddressesTable;
  strings: StringsTable;
  address_ids: AddressIdsTable;
  string_ids: StringIdsTable;
  unused_texts: UnusedTextsTable;
  text_indexes: TextIndexesTable;
  postings: PostingsTable;
  stored_messages: StoredMessagesTable;
  stored_milestones: StoredMilestonesTable;
  stored_recipients: StoredRecipientsTable;
  stored_tags: StoredTagsTable;
  delivery_paths: DeliveryPathsTable;
  delivery_problems: DeliveryProblemsTable;
  address_events: AddressEventsTable;
  stored_entries: StoredEntriesTable;
  duplicate_locations: DuplicateLocationsTable;
  kept_keys: KeptKeysTable;
  entry_lines: EntryLinesTable;
  stored_headers: StoredHeadersTable;
  stored_envelopes: StoredEnvelopesTable;
  stored_rejections: StoredRejectionsTable;
  stored_clients: StoredClientsTable;
  rolled_chunks: RolledChunksTable;
  rolled_messages: RolledMessagesTable;
  rolled_recipients: RolledRecipientsTable;
  rolled_events: RolledEventsTable;
  rolled_failures: RolledFailuresTable;
  rolled_hosts: RolledHostsTable;
  rolled_rejections: RolledRejectionsTable;
  stored_snapshots: StoredSnapshotsTable;
  snapshot_domains: SnapshotDomainsTable;
  queue_stays: QueueStaysTable;
  stored_hints: StoredHintsTable;
  stored_contents: StoredContentsTable;
  stored_attachments: StoredAttachmentsTable;
  stored_users: StoredUsersTable;
  stored_notes: StoredNotesTable;
  tag_names: TagNamesTable;
  stored_incidents: StoredIncidentsTable;
  incident_numbers: IncidentNumbersTable;
  incident_messages: IncidentMessagesTable;
  incident_actions: IncidentActionsTable;
  incident_mutes: IncidentMutesTable;
  detection_progress: DetectionProgressTable;
  detection_states: DetectionStatesTable;
  stored_outbox: StoredOutboxTable;
  channel_states: ChannelStatesTable;
  schema_migrations: SchemaMigrationsTable;
  table_digests: TableDigestsTable;
}

export type Schema = BaseTables & PublicViews;
