/** Public views as Kysely sees them; a test compares this with a freshly migrated file. */
import type { GeneratedAlways } from "kysely";

type Flag = 0 | 1;

export interface MessagesView {
  id: GeneratedAlways<string>;
  server: GeneratedAlways<string>;
  timestamp: GeneratedAlways<string>;
  sender: GeneratedAlways<string | null>;
  size: GeneratedAlways<number | null>;
  status: GeneratedAlways<string>;
  subject: GeneratedAlways<string | null>;
  header_message_id: GeneratedAlways<string | null>;
  host: GeneratedAlways<string | null>;
  helo: GeneratedAlways<string | null>;
  ip_address: GeneratedAlways<string | null>;
  port: GeneratedAlways<number | null>;
  protocol: GeneratedAlways<string | null>;
  auth: GeneratedAlways<string | null>;
  ident: GeneratedAlways<string | null>;
  tls: GeneratedAlways<string | null>;
  direction: GeneratedAlways<string | null>;
  completed_at: GeneratedAlways<string | null>;
  queue_seconds: GeneratedAlways<number | null>;
  frozen: GeneratedAlways<Flag>;
  parent_id: GeneratedAlways<string | null>;
  fake_reject: GeneratedAlways<Flag>;
  /** JSON array, by name. */
  tags: GeneratedAlways<string>;
  /** Epoch ms. */
  at_ms: GeneratedAlways<number>;
  /** Null: its text has been pruned. */
  created_at: GeneratedAlways<string | null>;
  updated_at: GeneratedAlways<string>;
}

export interface MessageTagsView {
  /** `server/message id/tag`. */
  id: GeneratedAlways<string>;
  message_id: GeneratedAlways<string>;
  server: GeneratedAlways<string>;
  tag: GeneratedAlways<string>;
  created_at: GeneratedAlways<string>;
  /** #rrggbb. */
  color: GeneratedAlways<string | null>;
  user_id: GeneratedAlways<number | null>;
  author: GeneratedAlways<string>;
  about: GeneratedAlways<string | null>;
}

export interface MessageNotesView {
  id: GeneratedAlways<number>;
  message_id: GeneratedAlways<string>;
  server: GeneratedAlways<string>;
  user_id: GeneratedAlways<number | null>;
  author: GeneratedAlways<string>;
  note: GeneratedAlways<string>;
  is_public: GeneratedAlways<Flag>;
  created_at: GeneratedAlways<string>;
  updated_at: GeneratedAlways<string>;
}

export interface UsersView {
  id: GeneratedAlways<number>;
  username: GeneratedAlways<string>;
  email: GeneratedAlways<string | null>;
  full_name: GeneratedAlways<string | null>;
  role: GeneratedAlways<string>;
  /** Account of the operating system. */
  os_user: GeneratedAlways<string | null>;
  active: GeneratedAlways<Flag>;
  has_password: GeneratedAlways<Flag>;
  last_login: GeneratedAlways<string | null>;
  created_at: GeneratedAlways<string>;
  updated_at: GeneratedAlways<string>;
}

export interface LogBlocksView {
  first_id: GeneratedAlways<number>;
  last_id: GeneratedAlways<number>;
  first_at_ms: GeneratedAlways<number | null>;
  last_at_ms: GeneratedAlways<number | null>;
}

export interface RecipientsView {
  message_id: GeneratedAlways<string>;
  server: GeneratedAlways<string>;
  recipient: GeneratedAlways<string>;
  status: GeneratedAlways<string>;
  delivered_at: GeneratedAlways<string | null>;
  attempts: GeneratedAlways<number>;
  last_error: GeneratedAlways<string | null>;
  /** `server/message id/address`. */
  id: GeneratedAlways<string>;
  created_at: GeneratedAlways<string | null>;
  updated_at: GeneratedAlways<string>;
}

export interface DeliveryAttemptsView {
  id: GeneratedAlways<number>;
  message_id: GeneratedAlways<string>;
  server: GeneratedAlways<string>;
  recipient: GeneratedAlways<string>;
  timestamp: GeneratedAlways<string>;
  router: GeneratedAlways<string | null>;
  transport: GeneratedAlways<string | null>;
  host: GeneratedAlways<string | null>;
  ip_address: GeneratedAlways<string | null>;
  port: GeneratedAlways<number | null>;
  tls: GeneratedAlways<string | null>;
  status: GeneratedAlways<string>;
  smtp_code: GeneratedAlways<number | null>;
  enhanced_code: GeneratedAlways<string | null>;
  phase: GeneratedAlways<string | null>;
  error_message: GeneratedAlways<string | null>;
  confirmation: GeneratedAlways<string | null>;
  duration_seconds: GeneratedAlways<number | null>;
  final_address: GeneratedAlways<string>;
  queue_seconds: GeneratedAlways<number | null>;
  category: GeneratedAlways<string | null>;
  at_ms: GeneratedAlways<number>;
  created_at: GeneratedAlways<string | null>;
}

export interface RejectionsView {
  id: GeneratedAlways<number>;
  timestamp: GeneratedAlways<string>;
  server: GeneratedAlways<string>;
  message_id: GeneratedAlways<string | null>;
  phase: GeneratedAlways<string>;
  permanent: GeneratedAlways<Flag>;
  host: GeneratedAlways<string | null>;
  helo: GeneratedAlways<string | null>;
  ip_address: GeneratedAlways<string | null>;
  sender: GeneratedAlways<string | null>;
  recipient: GeneratedAlways<string | null>;
  auth: GeneratedAlways<string | null>;
  category: GeneratedAlways<string>;
  reason: GeneratedAlways<string | null>;
  recipients: GeneratedAlways<string>;
  more_recipients: GeneratedAlways<Flag>;
  at_ms: GeneratedAlways<number>;
  created_at: GeneratedAlways<string | null>;
  smtp_code: GeneratedAlways<number | null>;
}

export interface LogEntriesView {
  id: GeneratedAlways<number>;
  timestamp: GeneratedAlways<string | null>;
  server: GeneratedAlways<string>;
  message_id: GeneratedAlways<string | null>;
  log_type: GeneratedAlways<string>;
  event: GeneratedAlways<string>;
  host: GeneratedAlways<string | null>;
  sender: GeneratedAlways<string | null>;
  recipients: GeneratedAlways<string>;
  size: GeneratedAlways<number | null>;
  status: GeneratedAlways<string | null>;
  error_code: GeneratedAlways<number | null>;
  error_text: GeneratedAlways<string | null>;
  seen_in: GeneratedAlways<string>;
  at_ms: GeneratedAlways<number | null>;
  created_at: GeneratedAlways<string | null>;
  /** `error`, `warning` or `info`, by the event. */
  severity: GeneratedAlways<string>;
  /** Only on this program's connections. */
  raw_line: GeneratedAlways<string>;
}

export interface AuditLogView {
  id: GeneratedAlways<number>;
  request_id: GeneratedAlways<string>;
  timestamp: GeneratedAlways<string>;
  action: GeneratedAlways<string>;
  result: GeneratedAlways<"started" | "done" | "failed" | "interrupted">;
  error: GeneratedAlways<string | null>;
  duration_seconds: GeneratedAlways<number | null>;
  user: GeneratedAlways<string>;
  sudo_user: GeneratedAlways<string | null>;
  ssh_client: GeneratedAlways<string | null>;
  host: GeneratedAlways<string>;
  program: GeneratedAlways<string>;
  parameters: GeneratedAlways<string>;
  affected: GeneratedAlways<string>;
  /** Address of the SSH client. */
  ip_address: GeneratedAlways<string | null>;
  /** The program and its version. */
  user_agent: GeneratedAlways<string>;
  /** The action as a path: `/tag/remove`. */
  resource_path: GeneratedAlways<string>;
}

export interface LogMetadataView {
  log_entry_id: GeneratedAlways<number>;
  metadata_type: GeneratedAlways<string>;
  metadata_value: GeneratedAlways<string>;
  /** Entry and place: `65539-1`. */
  id: GeneratedAlways<string>;
  /** Version of Exim on the server, as its logs show it last. */
  app_version: GeneratedAlways<string | null>;
}

export interface LogHeadersView {
  log_entry_id: GeneratedAlways<number>;
  place: GeneratedAlways<number>;
  type: GeneratedAlways<string>;
  name: GeneratedAlways<string>;
  value: GeneratedAlways<string>;
  deleted: GeneratedAlways<Flag>;
  cut: GeneratedAlways<Flag>;
}

export interface ServersView {
  name: GeneratedAlways<string>;
  environment: GeneratedAlways<string | null>;
  version: GeneratedAlways<string | null>;
  owner: GeneratedAlways<string | null>;
  time_zone: GeneratedAlways<string>;
  first_seen: GeneratedAlways<string | null>;
  last_seen: GeneratedAlways<string | null>;
  id: GeneratedAlways<number>;
  created_at: GeneratedAlways<string>;
  owner_user_id: GeneratedAlways<number | null>;
}

export interface SourcesView {
  id: GeneratedAlways<number>;
  server: GeneratedAlways<string>;
  path: GeneratedAlways<string>;
  log_type: GeneratedAlways<string>;
  size: GeneratedAlways<number>;
  position: GeneratedAlways<number>;
  lines: GeneratedAlways<number>;
  other: GeneratedAlways<number>;
  unparsed: GeneratedAlways<number>;
  first_timestamp: GeneratedAlways<string | null>;
  last_timestamp: GeneratedAlways<string | null>;
  created_at: GeneratedAlways<string>;
  updated_at: GeneratedAlways<string>;
  entries: GeneratedAlways<number>;
  /** 0: its last line has no newline yet. */
  complete: GeneratedAlways<Flag>;
  /** Bytes, from the beginning, whose text is gone. */
  pruned: GeneratedAlways<number>;
  pruned_at: GeneratedAlways<string | null>;
}

export interface QueueSnapshotsView {
  id: GeneratedAlways<number>;
  timestamp: GeneratedAlways<string>;
  server: GeneratedAlways<string>;
  queue_name: GeneratedAlways<string>;
  total_messages: GeneratedAlways<number>;
  /** Not frozen. */
  deferred_messages: GeneratedAlways<number>;
  frozen_messages: GeneratedAlways<number>;
  /** Seconds. */
  oldest_message_age: GeneratedAlways<number | null>;
  recipients: GeneratedAlways<number>;
  bytes: GeneratedAlways<number>;
  bounces: GeneratedAlways<number>;
  damaged: GeneratedAlways<number>;
  /** Messages that no look before had seen. */
  came: GeneratedAlways<number>;
  /** Messages that the look before had seen. */
  went: GeneratedAlways<number>;
  complete: GeneratedAlways<Flag>;
  origin: GeneratedAlways<string>;
  author: GeneratedAlways<string>;
  /** JSON object: messages by domain, '' for all others. */
  domains: GeneratedAlways<string>;
  at_ms: GeneratedAlways<number>;
  created_at: GeneratedAlways<string>;
}

export interface QueueMessagesView {
  message_id: GeneratedAlways<string>;
  server: GeneratedAlways<string>;
  queue_name: GeneratedAlways<string>;
  sender: GeneratedAlways<string | null>;
  size: GeneratedAlways<number | null>;
  arrived_at: GeneratedAlways<string | null>;
  first_seen: GeneratedAlways<string>;
  last_seen: GeneratedAlways<string>;
  gone_at: GeneratedAlways<string | null>;
  pending_recipients: GeneratedAlways<number>;
  frozen: GeneratedAlways<Flag>;
  frozen_at: GeneratedAlways<string | null>;
  warnings: GeneratedAlways<number | null>;
  /** Status by the log; null: no line of it is stored. */
  status: GeneratedAlways<string | null>;
  id: GeneratedAlways<number>;
}

export interface RetryHintsView {
  server: GeneratedAlways<string>;
  key: GeneratedAlways<string>;
  first_failed: GeneratedAlways<string>;
  last_try: GeneratedAlways<string>;
  next_try: GeneratedAlways<string>;
  expired: GeneratedAlways<Flag>;
  errno: GeneratedAlways<number>;
  more_errno: GeneratedAlways<number>;
  reason: GeneratedAlways<string>;
  seen_at: GeneratedAlways<string>;
}

export interface MessageContentView {
  message_id: GeneratedAlways<string>;
  server: GeneratedAlways<string>;
  /** JSON: [[name, value], …]. */
  headers: GeneratedAlways<string>;
  text_content: GeneratedAlways<string | null>;
  html_content: GeneratedAlways<string | null>;
  /** JSON array. */
  attachments: GeneratedAlways<string>;
  content_safe: GeneratedAlways<Flag>;
  size_bytes: GeneratedAlways<number>;
  preview_limited: GeneratedAlways<Flag>;
  /** JSON array of sentences. */
  findings: GeneratedAlways<string>;
  sha256: GeneratedAlways<string>;
  captured_at: GeneratedAlways<string>;
  author: GeneratedAlways<string>;
  id: GeneratedAlways<number>;
}

export interface MessageAttachmentsView {
  message_id: GeneratedAlways<string>;
  server: GeneratedAlways<string>;
  place: GeneratedAlways<number>;
  filename: GeneratedAlways<string | null>;
  content_type: GeneratedAlways<string>;
  detected: GeneratedAlways<string | null>;
  size: GeneratedAlways<number>;
  sha256: GeneratedAlways<string>;
  is_safe: GeneratedAlways<Flag>;
  preview: GeneratedAlways<string | null>;
}

export interface CorrelatedIncidentsView {
  id: GeneratedAlways<number>;
  /** Name of the rule. */
  type: GeneratedAlways<string>;
  title: GeneratedAlways<string>;
  description: GeneratedAlways<string>;
  severity: GeneratedAlways<string>;
  /** JSON array, 200 at most. */
  message_ids: GeneratedAlways<string>;
  start_time: GeneratedAlways<string>;
  end_time: GeneratedAlways<string | null>;
  status: GeneratedAlways<string>;
  created_at: GeneratedAlways<string>;
  updated_at: GeneratedAlways<string>;
  server: GeneratedAlways<string>;
  /** Empty: the server as a whole. */
  subject: GeneratedAlways<string>;
  /** JSON object. */
  figures: GeneratedAlways<string>;
  previous_id: GeneratedAlways<number | null>;
  author: GeneratedAlways<string | null>;
  resolution: GeneratedAlways<string | null>;
}

export interface NotificationsView {
  id: GeneratedAlways<string>;
  /** Name of the channel that it was last sent to. */
  chat_id: GeneratedAlways<string | null>;
  /** Plain text as it was last sent. */
  message_text: GeneratedAlways<string | null>;
  /** Time when it was stored. */
  timestamp: GeneratedAlways<string>;
  status: GeneratedAlways<string>;
  retry_count: GeneratedAlways<number>;
  /** Name that the receiver gave it; for mail its Message-ID. */
  telegram_message_id: GeneratedAlways<string | null>;
  /** JSON object. */
  event_data: GeneratedAlways<string>;
  /** 1 is the first. */
  tier_used: GeneratedAlways<number | null>;
  error_message: GeneratedAlways<string | null>;
  created_at: GeneratedAlways<string>;
  updated_at: GeneratedAlways<string>;
  number: GeneratedAlways<number>;
  reason: GeneratedAlways<string>;
  severity: GeneratedAlways<string>;
  server: GeneratedAlways<string | null>;
  title: GeneratedAlways<string>;
  incident_id: GeneratedAlways<number | null>;
  sent_at: GeneratedAlways<string | null>;
  confirmed_at: GeneratedAlways<string | null>;
  confirmed_by: GeneratedAlways<string | null>;
  next_try_at: GeneratedAlways<string | null>;
  digest_id: GeneratedAlways<string | null>;
}

export interface PublicViews {
  servers: ServersView;
  sources: SourcesView;
  messages: MessagesView;
  message_tags: MessageTagsView;
  message_notes: MessageNotesView;
  users: UsersView;
  recipients: RecipientsView;
  delivery_attempts: DeliveryAttemptsView;
  rejections: RejectionsView;
  log_entries: LogEntriesView;
  log_blocks: LogBlocksView;
  log_metadata: LogMetadataView;
  log_headers: LogHeadersView;
  audit_log: AuditLogView;
  queue_snapshots: QueueSnapshotsView;
  queue_messages: QueueMessagesView;
  retry_hints: RetryHintsView;
  message_content: MessageContentView;
  message_attachments: MessageAttachmentsView;
  correlated_incidents: CorrelatedIncidentsView;
  notifications: NotificationsView;
}
