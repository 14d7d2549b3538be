-- The first schema: sources and their raw text, and the facts derived from it.
--
-- A *moment* is an integer: epoch milliseconds × 1000 + the rank of the event among those of one instant (0 to 999). It
-- orders what one second of a log says, whichever log said it; moment / 1000 is epoch milliseconds, UTC.
-- An *entry id* says where the entry's text is: raw block × 65536 + line within the block (0 to 65535).
-- The public names (messages, recipients, log_entries …) belong to the views in views.sql; tables of the same subject are stored_….
-- Runs in milliseconds: the tables are new.

-- One row: what tells this database from all others, whatever its file is called. Given once, at its making; a backup, a restored
-- database and a copy of the file have the same one.
CREATE TABLE database_identity (
  id TEXT NOT NULL -- 32 hexadecimal digits, random
) STRICT;
INSERT INTO database_identity (id) VALUES (lower(hex(randomblob(16))));

-- Digests of the tables whose rows no line tells: what each writer leaves and `verify` compares. A change by another program shows there.
CREATE TABLE table_digests (
  table_name TEXT    PRIMARY KEY,
  row_count  INTEGER NOT NULL,
  digest     INTEGER NOT NULL -- sum of the CRC-32 of the rows, modulo 2^48
) STRICT, WITHOUT ROWID;

-- Names of the codes below, so that views and people can read them. src/store/schema/codes.ts reads them from here.
CREATE TABLE codes (
  family TEXT    NOT NULL, -- log_type, event, message_status, recipient_status, outcome, phase, posting
  code   INTEGER NOT NULL,
  name   TEXT    NOT NULL,
  PRIMARY KEY (family, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE stored_servers (
  id          INTEGER PRIMARY KEY,
  name        TEXT    NOT NULL UNIQUE,
  time_zone   TEXT    NOT NULL, -- IANA name; stamps without a zone are local time there
  environment TEXT,
  owner       TEXT,
  owner_user_id INTEGER,        -- stored_users.id; the user whose name the owner is
  version     TEXT,             -- Exim's version, from the daemon's last line that states it
  version_at  INTEGER,          -- moment of that line
  created_ms  INTEGER NOT NULL  -- epoch ms
) STRICT;

-- One log as it was read: a stream of bytes that may grow, be renamed and be compressed.
CREATE TABLE stored_sources (
  id         INTEGER PRIMARY KEY,
  server_id  INTEGER NOT NULL REFERENCES stored_servers (id),
  log_type   INTEGER NOT NULL, -- codes.log_type; syslog: all of them in one
  path       TEXT    NOT NULL, -- where it was last seen; no part of its identity
  head       BLOB    NOT NULL, -- the first bytes (up to 256), by which the log is recognised
  tail       BLOB    NOT NULL, -- the last bytes before position (up to 256): shows a rewritten file
  position   INTEGER NOT NULL, -- bytes stored
  pruned     INTEGER NOT NULL DEFAULT 0, -- bytes of them, from the beginning, whose text prune has taken away
  pruned_ms  INTEGER,          -- epoch ms; when the last of it was taken away
  pruned_clock_ms INTEGER,     -- epoch ms; raw_blocks.clock_ms of the last block that was taken away
  lines      INTEGER NOT NULL,
  entries    INTEGER NOT NULL, -- lines that begin an entry
  other      INTEGER NOT NULL, -- entries of no known form
  unparsed   INTEGER NOT NULL, -- lines without a stamp that belong to no entry
  first_ms   INTEGER,          -- epoch ms of the earliest entry
  last_ms    INTEGER,          -- epoch ms of the latest entry
  created_ms INTEGER NOT NULL, -- epoch ms
  updated_ms INTEGER NOT NULL  -- epoch ms
) STRICT;
CREATE INDEX idx_stored_sources_server_id ON stored_sources (server_id);

CREATE TABLE ingest_runs (
  id          INTEGER PRIMARY KEY,
  started_ms  INTEGER NOT NULL, -- epoch ms
  finished_ms INTEGER,          -- epoch ms; null while running, and after a kill
  program     TEXT    NOT NULL, -- version of exim-pilot
  result      TEXT    NOT NULL CHECK (result IN ('running', 'done', 'interrupted', 'failed')),
  error       TEXT,
  sources     INTEGER NOT NULL,
  lines       INTEGER NOT NULL,
  messages    INTEGER NOT NULL, -- seen for the first time
  bytes       INTEGER NOT NULL  -- bytes of log text, decompressed
) STRICT;

-- Versions of the parser that has read what is stored (src/parse/parser-version.ts); after a rebuild it is one.
CREATE TABLE parser_versions (
  version  INTEGER PRIMARY KEY,
  first_ms INTEGER NOT NULL -- epoch ms; when it was first used
) STRICT;

-- The text of a source, cut into blocks: a batch each, or in a large log several batches of one transaction. All blocks of a source, by position, are the source byte for byte.
CREATE TABLE raw_blocks (
  id        INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES stored_sources (id),
  position  INTEGER NOT NULL, -- offset of the first byte in the source
  size      INTEGER NOT NULL, -- bytes, uncompressed
  lines     INTEGER NOT NULL,
  first_ms  INTEGER,          -- epoch ms of the earliest entry
  last_ms   INTEGER,          -- epoch ms of the latest entry
  clock_ms  INTEGER,          -- epoch ms of the last entry up to its end: tells the two passes of a repeated hour apart
  read_ms   INTEGER NOT NULL, -- epoch ms; when its text was read
  sha256    BLOB    NOT NULL, -- SHA-256 of the uncompressed bytes
  codec     TEXT    NOT NULL CHECK (codec IN ('brotli')),
  data      BLOB    NOT NULL,
  UNIQUE (source_id, position)
) STRICT;
-- For the duplicates of other logs; see src/store/write/duplicate-finder.ts.
CREATE INDEX idx_raw_blocks_last_ms ON raw_blocks (source_id, last_ms, first_ms);

-- Envelope addresses; the domain in lower case, the local part as it was; <> is the null sender.
-- Each address is there once; see address_ids.
CREATE TABLE addresses (
  id      INTEGER PRIMARY KEY,
  address TEXT    NOT NULL
) STRICT;

-- Hosts, routers, transports, ciphers, error texts: whatever repeats. Each text is there once; see string_ids.
-- In error texts and reasons four characters stand for values of the same row (see src/store/schema/error-templates.ts).
CREATE TABLE strings (
  id   INTEGER PRIMARY KEY,
  text TEXT    NOT NULL
) STRICT;

-- The ids of the texts above. New texts are at random places in here, so they are added sorted, many at once: while logs are
-- read and after a kill, the ids beyond text_indexes.last_id are not here yet.
CREATE TABLE address_ids (
  address TEXT    NOT NULL PRIMARY KEY,
  id      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE string_ids (
  text TEXT    NOT NULL PRIMARY KEY,
  id   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Texts that prune found no row to name and is about to remove. They are here instead of in the index: search finds them here too, and
-- a run that reads logs and needs one takes it back. A prune that is killed leaves them, and the next one goes on from there.
CREATE TABLE unused_texts (
  table_name TEXT    NOT NULL CHECK (table_name IN ('addresses', 'strings')),
  text       TEXT    NOT NULL,
  text_rowid INTEGER NOT NULL, -- addresses.id or strings.id
  run        INTEGER NOT NULL, -- a random number, the same for all texts of one prune
  PRIMARY KEY (table_name, text)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX idx_unused_texts_text_rowid ON unused_texts (table_name, text_rowid);

CREATE TABLE text_indexes (
  table_name TEXT    NOT NULL PRIMARY KEY CHECK (table_name IN ('addresses', 'strings', 'raw_blocks')),
  last_id    INTEGER NOT NULL -- the greatest id in the index
) STRICT, WITHOUT ROWID;

INSERT INTO text_indexes (table_name, last_id) VALUES ('addresses', 0), ('strings', 0), ('raw_blocks', 0);

-- In which blocks to look for an address, a host, a login or a Message-ID: what they say of it is checked there, so a row too
-- many does no harm. Added sorted when a run ends; the blocks beyond text_indexes.last_id are not here yet. A block whose text has
-- been pruned stays here as long as entries of it are there.
CREATE TABLE postings (
  kind           INTEGER NOT NULL, -- codes.posting
  key            INTEGER NOT NULL, -- addresses.id, strings.id, or a checksum of a text (see src/store/log-text/postings.ts)
  block_id       INTEGER NOT NULL, -- the first block of the row: raw_blocks.id, or the entries' id / 65536
  further_blocks BLOB,             -- the others: distances, seven bits a byte, the lowest first
  PRIMARY KEY (kind, key, block_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE stored_messages (
  id                INTEGER PRIMARY KEY,
  server_id         INTEGER NOT NULL, -- stored_servers.id
  exim_id           TEXT    NOT NULL,
  status            INTEGER NOT NULL, -- codes.message_status
  first_at          INTEGER NOT NULL, -- moment of the earliest line about it
  last_at           INTEGER NOT NULL, -- moment of the latest line about it
  arrival_at        INTEGER,          -- moment of <=
  sender_id         INTEGER,
  size              INTEGER,          -- bytes
  subject           TEXT,
  header_message_id TEXT,
  host_id           INTEGER,
  helo_id           INTEGER,
  ip_id             INTEGER,
  port              INTEGER,
  protocol_id       INTEGER,
  auth_id           INTEGER, -- authenticator:id
  ident_id          INTEGER,
  tls_id            INTEGER,
  parent_exim_id    TEXT,             -- the message this bounce or warning is about, on the same server
  fake_reject       INTEGER NOT NULL, -- 1: accepted, but the client was told it was rejected
  queue_ms          INTEGER,          -- ms, from QT= of Completed
  completed_at      INTEGER,          -- moment; the rarer ones are in stored_milestones
  UNIQUE (exim_id, server_id)
) STRICT;
-- Epoch ms of the arrival, else of the first line; counted from the year 0, as in the view messages, so that times before 1970 are not rounded up.
CREATE INDEX idx_stored_messages_at_ms ON stored_messages ((coalesce(arrival_at, first_at) + 62167219200000000) / 1000 - 62167219200000);
CREATE INDEX idx_stored_messages_status ON stored_messages (status) WHERE status NOT IN (3, 10); -- not delivered, partial
CREATE INDEX idx_stored_messages_parent_exim_id ON stored_messages (parent_exim_id, server_id) WHERE parent_exim_id IS NOT NULL;

-- Rare moments of a message: a row only where one of them exists.
CREATE TABLE stored_milestones (
  message_id      INTEGER PRIMARY KEY, -- stored_messages.id
  frozen_at       INTEGER,             -- moment of the last freeze
  thawed_at       INTEGER,             -- moment of the last thaw
  removed_at      INTEGER,             -- moment
  cancelled_at    INTEGER,             -- moment
  rejected_at     INTEGER,             -- moment of a rejection at or after DATA
  discarded_at    INTEGER,             -- moment the whole message was discarded
  not_accepted_at INTEGER,             -- moment the arrival was taken back or failed
  queued_at       INTEGER,             -- moment of "no immediate delivery"
  ignored_at      INTEGER              -- moment the original recipients were ignored by the system filter
) STRICT;
CREATE TRIGGER milestones_go AFTER DELETE ON stored_messages
BEGIN
  DELETE FROM stored_milestones WHERE message_id = old.id;
END;

CREATE TABLE stored_recipients (
  message_id   INTEGER NOT NULL,
  address_id   INTEGER NOT NULL, -- the original envelope recipient
  announced    INTEGER NOT NULL, -- 1: named by the arrival line or added by an administrator
  status       INTEGER NOT NULL, -- codes.recipient_status
  status_at    INTEGER,          -- moment of the line that decided the status: delivered, when that is it
  attempts     INTEGER NOT NULL,
  error_id     INTEGER, -- last error
  PRIMARY KEY (message_id, address_id)
) STRICT, WITHOUT ROWID;

-- Tags of messages: the one fact about them that is in no log.
CREATE TABLE stored_tags (
  tag        TEXT    NOT NULL COLLATE NOCASE,
  server_id  INTEGER NOT NULL, -- stored_servers.id
  exim_id    TEXT    NOT NULL,
  created_ms INTEGER NOT NULL, -- epoch ms
  author     TEXT    NOT NULL, -- name of the user who gave it, else of the account of the operating system
  user_id    INTEGER,          -- stored_users.id; null: given by no user, or by one that was removed
  PRIMARY KEY (tag, server_id, exim_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_stored_tags_exim_id ON stored_tags (exim_id, server_id);
CREATE INDEX idx_stored_tags_user_id ON stored_tags (user_id) WHERE user_id IS NOT NULL;

-- The ways deliveries take: few for many attempts, so each is there once.
CREATE TABLE delivery_paths (
  id           INTEGER PRIMARY KEY,
  router_id    INTEGER,
  transport_id INTEGER,
  host_id      INTEGER,
  ip_id        INTEGER,
  port         INTEGER,
  tls_id       INTEGER
) STRICT;
CREATE UNIQUE INDEX idx_delivery_paths_all ON delivery_paths (ip_id, host_id, transport_id, router_id, port, tls_id);

-- Why attempts fail, and what other lines say went wrong; each is there once.
CREATE TABLE delivery_problems (
  id          INTEGER PRIMARY KEY,
  is_timeout  INTEGER NOT NULL,
  smtp_code   INTEGER,
  enhanced_id INTEGER,
  phase_id    INTEGER,
  error_id    INTEGER,
  category_id INTEGER NOT NULL -- strings.id: why, by what the other side said and by whose server it is
) STRICT;
CREATE UNIQUE INDEX idx_delivery_problems_all ON delivery_problems (error_id, smtp_code, enhanced_id, phase_id, is_timeout, category_id);

-- One line about one recipient of one message: a row per => -> >> *> ** == line. Its message and its moment are in
-- stored_entries.
CREATE TABLE address_events (
  entry_id     INTEGER PRIMARY KEY,
  recipient_id INTEGER NOT NULL, -- the original address
  final_id     INTEGER,          -- where it really went, when not the same
  outcome      INTEGER NOT NULL, -- codes.outcome
  is_attempt   INTEGER NOT NULL, -- 0: a retry time not reached, a discard, an administrator's word
  path_id      INTEGER,          -- delivery_paths.id
  problem_id   INTEGER,          -- delivery_problems.id
  confirmation TEXT,             -- the remote reply
  queue_ms     INTEGER,          -- ms, from QT=
  duration_ms  INTEGER           -- ms, from DT=
) STRICT;
CREATE INDEX idx_address_events_given_up ON address_events (entry_id) WHERE outcome = 3 AND is_attempt = 0; -- bounced: a retry timeout

CREATE TABLE stored_entries (
  id         INTEGER PRIMARY KEY, -- entry id
  server_id  INTEGER NOT NULL,
  at         INTEGER,             -- moment; null for a line without a stamp
  event      INTEGER NOT NULL,    -- codes.event
  message_id INTEGER,
  seen_in    INTEGER NOT NULL,    -- bits: 1 main, 2 reject, 4 panic
  details_id INTEGER              -- strings.id: the fields without a column, a JSON array of key, value, key, value …
) STRICT;
CREATE INDEX idx_stored_entries_lone_at ON stored_entries (at) WHERE message_id IS NULL;
CREATE INDEX idx_stored_entries_host_error ON stored_entries (at) WHERE event = 18; -- host_error
CREATE INDEX idx_stored_entries_message_id ON stored_entries (message_id) WHERE message_id IS NOT NULL;

-- Further places of an entry: the same line in another log of the server.
CREATE TABLE duplicate_locations (
  location INTEGER PRIMARY KEY,   -- where, in the form of an entry id
  entry_id INTEGER NOT NULL,
  log_type INTEGER NOT NULL       -- codes.log_type
) STRICT;
CREATE INDEX idx_duplicate_locations_entry_id ON duplicate_locations (entry_id);

-- Keys of entries that their text does not tell: it has been pruned, or another log of the server says the same at the same place. All
-- others are told from the text (src/store/log-text/fact-keys.ts).
CREATE TABLE kept_keys (
  entry_id INTEGER PRIMARY KEY,
  fact_key BLOB NOT NULL -- 8 bytes
) STRICT;

-- Lines of an entry after its first one, in logs that came through syslog: lines of others may stand between them. A line is in another
-- block where a rotation has put the pieces of the entry into two logs; when its text is pruned first, the row stays.
CREATE TABLE entry_lines (
  location       INTEGER PRIMARY KEY, -- where, in the form of an entry id
  first_location INTEGER NOT NULL,    -- where the entry, or the duplicate location of it, begins
  alone          INTEGER NOT NULL DEFAULT 0 -- in another log than the first line, that log alone shows 1: a line of another program, 2: the rest of a line
) STRICT;
CREATE INDEX idx_entry_lines_first_location ON entry_lines (first_location);

-- The header lines that the reject log shows below an entry. The text of an entry may be in several logs, and that of its headers
-- in another one than the entry: the id says where the line is that they stand below, in the form of an entry id.
CREATE TABLE stored_headers (
  id       INTEGER PRIMARY KEY,
  entry_id INTEGER NOT NULL,
  headers  TEXT    NOT NULL, -- JSON: [[type, name in lower case, unfolded value], …]
  is_cut   INTEGER NOT NULL  -- 1: Exim had no room for all of the last one, nor for what may have followed
) STRICT;
CREATE INDEX idx_stored_headers_entry_id ON stored_headers (entry_id);

-- The envelope that the reject log shows above them: its recipients, and its sender where the line does not name it.
CREATE TABLE stored_envelopes (
  id           INTEGER PRIMARY KEY, -- a place of the text: addresses are in their order
  entry_id     INTEGER NOT NULL,
  is_recipient INTEGER NOT NULL,    -- 0: the sender
  address_id   INTEGER              -- null: more recipients than Exim shows
) STRICT;
CREATE INDEX idx_stored_envelopes_entry_id ON stored_envelopes (entry_id);

CREATE TABLE stored_rejections (
  entry_id     INTEGER PRIMARY KEY,
  phase        INTEGER NOT NULL, -- codes.phase
  is_permanent INTEGER NOT NULL,
  host_id      INTEGER,
  helo_id      INTEGER,
  ip_id        INTEGER,
  sender_id    INTEGER,
  recipient_id INTEGER,
  auth_id      INTEGER,
  category_id  INTEGER NOT NULL,
  reason_id    INTEGER,
  smtp_code    INTEGER           -- the reply to the client, where the line states it
) STRICT;

-- The remote side of a line that is no arrival, no rejection and not about a recipient, and what went wrong: sessions, TLS, host errors, panics.
CREATE TABLE stored_clients (
  entry_id     INTEGER PRIMARY KEY,
  host_id      INTEGER,
  helo_id      INTEGER,
  ip_id        INTEGER,
  sender_id    INTEGER,
  recipient_id INTEGER,
  auth_id      INTEGER,
  problem_id   INTEGER -- delivery_problems.id
) STRICT;

INSERT INTO codes (family, code, name) VALUES
  ('log_type', 0, 'main'),
  ('log_type', 1, 'reject'),
  ('log_type', 2, 'panic'),
  ('log_type', 3, 'syslog'),
  ('event', 0, 'other'),
  ('event', 1, 'unparsed'),
  ('event', 2, 'arrival'),
  ('event', 3, 'delivery'),
  ('event', 4, 'discard'),
  ('event', 5, 'deferral'),
  ('event', 6, 'failure'),
  ('event', 7, 'completed'),
  ('event', 8, 'frozen'),
  ('event', 9, 'thawed'),
  ('event', 10, 'removed'),
  ('event', 11, 'cancelled'),
  ('event', 12, 'queued'),
  ('event', 13, 'skipped'),
  ('event', 14, 'envelope_edit'),
  ('event', 15, 'error_ignored'),
  ('event', 16, 'recipients_ignored'),
  ('event', 17, 'not_accepted'),
  ('event', 18, 'host_error'),
  ('event', 19, 'queue_run'),
  ('event', 20, 'rejection'),
  ('event', 21, 'session'),
  ('event', 22, 'verification'),
  ('event', 23, 'tls'),
  ('event', 24, 'signature'),
  ('event', 25, 'scan'),
  ('event', 26, 'dns'),
  ('event', 27, 'daemon'),
  ('event', 28, 'invocation'),
  ('event', 29, 'spool'),
  ('event', 30, 'configuration'),
  ('event', 31, 'warning'),
  ('event', 32, 'output'),
  ('event', 33, 'panic'),
  ('event', 34, 'rewrite'),
  ('event', 35, 'prdr'),
  ('event', 36, 'identification'),
  ('message_status', 0, 'unknown'),
  ('message_status', 1, 'received'),
  ('message_status', 2, 'queued'),
  ('message_status', 3, 'delivered'),
  ('message_status', 4, 'deferred'),
  ('message_status', 5, 'bounced'),
  ('message_status', 6, 'frozen'),
  ('message_status', 7, 'rejected'),
  ('message_status', 8, 'removed'),
  ('message_status', 9, 'discarded'),
  ('message_status', 10, 'partial'),
  ('recipient_status', 0, 'unknown'),
  ('recipient_status', 1, 'pending'),
  ('recipient_status', 2, 'delivered'),
  ('recipient_status', 3, 'deferred'),
  ('recipient_status', 4, 'bounced'),
  ('recipient_status', 5, 'discarded'),
  ('recipient_status', 6, 'removed'),
  ('recipient_status', 7, 'rejected'),
  ('outcome', 0, 'delivered'),
  ('outcome', 1, 'suppressed'),
  ('outcome', 2, 'discarded'),
  ('outcome', 3, 'bounced'),
  ('outcome', 4, 'deferred'),
  ('outcome', 5, 'marked_delivered'),
  ('outcome', 6, 'rejected'),
  ('phase', 0, 'connect'),
  ('phase', 1, 'helo'),
  ('phase', 2, 'starttls'),
  ('phase', 3, 'auth'),
  ('phase', 4, 'mail'),
  ('phase', 5, 'rcpt'),
  ('phase', 6, 'data'),
  ('phase', 7, 'mime'),
  ('phase', 8, 'command'),
  ('phase', 9, 'non_smtp'),
  ('phase', 10, 'local_scan'),
  ('phase', 11, 'cutthrough'),
  ('posting', 0, 'address'),
  ('posting', 1, 'string'),
  ('posting', 2, 'message_id'),
  ('posting', 3, 'next_hop');
