-- Snapshots of queues, retry times of their messages, and contents that somebody asked to keep. No line of a log states them, so a
-- rebuild keeps them. Server ids are stored_servers.id.
-- Runs in milliseconds: the tables are new.

-- One look at one queue of a server.
CREATE TABLE stored_snapshots (
  id          INTEGER PRIMARY KEY,
  server_id   INTEGER NOT NULL,
  queue_name  TEXT    NOT NULL, -- name of the queue; empty: the default one
  at_ms       INTEGER NOT NULL, -- epoch ms
  origin      TEXT    NOT NULL CHECK (origin IN ('spool', 'bp')), -- files of a spool, or what exim -bp printed
  is_complete INTEGER NOT NULL, -- 1: all of it could be read, so that a message that was not there has left
  messages    INTEGER NOT NULL,
  recipients  INTEGER NOT NULL, -- that wait
  bytes       INTEGER NOT NULL,
  frozen      INTEGER NOT NULL,
  bounces     INTEGER NOT NULL, -- from the null sender
  damaged     INTEGER NOT NULL, -- files that could not be read
  came        INTEGER NOT NULL, -- messages that no look before had seen
  went        INTEGER NOT NULL, -- messages that the look before had seen
  oldest_ms   INTEGER,          -- epoch ms; arrival of the oldest message
  author      TEXT    NOT NULL, -- user of the operating system
  created_ms  INTEGER NOT NULL, -- epoch ms
  UNIQUE (server_id, queue_name, at_ms)
) STRICT;
CREATE INDEX idx_stored_snapshots_at_ms ON stored_snapshots (at_ms);

-- The domains that most messages waited for, twenty at most, and '' for all others together.
CREATE TABLE snapshot_domains (
  snapshot_id INTEGER NOT NULL, -- stored_snapshots.id
  domain      TEXT    NOT NULL,
  messages    INTEGER NOT NULL, -- sum over the domains in the row '': a message counts for each that it waits for
  bytes       INTEGER NOT NULL,
  oldest_ms   INTEGER,          -- epoch ms; arrival of the oldest message
  PRIMARY KEY (snapshot_id, domain)
) STRICT, WITHOUT ROWID;

-- A message for as long as looks saw it on a queue: one row a stay, however often it was seen.
CREATE TABLE queue_stays (
  id            INTEGER PRIMARY KEY,
  server_id     INTEGER NOT NULL,
  queue_name    TEXT    NOT NULL,
  exim_id       TEXT    NOT NULL,
  first_seen_ms INTEGER NOT NULL, -- epoch ms
  last_seen_ms  INTEGER NOT NULL, -- epoch ms
  gone_ms       INTEGER,          -- epoch ms; of the first complete look that did not see it any more
  arrived_ms    INTEGER,          -- epoch ms; null where damage hides it
  is_exact      INTEGER NOT NULL, -- 0: arrived_ms is told from an age that exim -bp printed
  sender        TEXT,             -- empty: the null sender; null where damage hides it
  size          INTEGER,          -- bytes
  pending       INTEGER NOT NULL, -- recipients that waited when it was last seen
  frozen_ms     INTEGER,          -- epoch ms; state at the last look that saw it
  is_frozen     INTEGER NOT NULL, -- state at the last look that saw it
  warnings      INTEGER           -- warnings of a delay that were sent until it was last seen
) STRICT;
CREATE UNIQUE INDEX idx_queue_stays_open ON queue_stays (server_id, queue_name, exim_id) WHERE gone_ms IS NULL;
CREATE INDEX idx_queue_stays_exim_id ON queue_stays (exim_id, server_id);
CREATE INDEX idx_queue_stays_last_seen_ms ON queue_stays (last_seen_ms);

-- When Exim tries again, as its hints told at the last look at the spool of a server.
CREATE TABLE stored_hints (
  server_id       INTEGER NOT NULL,
  key             TEXT    NOT NULL, -- Exim's: R:domain, R:address:<sender>, T:host:ip
  first_failed_ms INTEGER NOT NULL, -- epoch ms
  last_try_ms     INTEGER NOT NULL, -- epoch ms
  next_try_ms     INTEGER NOT NULL, -- epoch ms; not before
  is_expired      INTEGER NOT NULL, -- 1: past the final cut-off
  errno           INTEGER NOT NULL,
  more_errno      INTEGER NOT NULL,
  reason          TEXT    NOT NULL,
  seen_ms         INTEGER NOT NULL, -- epoch ms, of the look
  PRIMARY KEY (server_id, key)
) STRICT, WITHOUT ROWID;

-- The content of a message when somebody had it kept.
CREATE TABLE stored_contents (
  id              INTEGER PRIMARY KEY,
  server_id       INTEGER NOT NULL,
  exim_id         TEXT    NOT NULL,
  headers         TEXT    NOT NULL, -- JSON: [[name, decoded value], …] in their order
  text_content    TEXT,             -- null: not kept, or there is none
  html_content    TEXT,             -- text of the HTML part: its markup is never kept
  content_safe    INTEGER NOT NULL, -- 1: all of it was read and nothing active was found
  preview_limited INTEGER NOT NULL, -- 1: something was cut or left out
  findings        TEXT    NOT NULL, -- JSON: sentences, why it is not called safe
  size_bytes      INTEGER NOT NULL, -- bytes of headers and body
  sha256          BLOB    NOT NULL, -- hash of headers and body as they were read
  captured_ms     INTEGER NOT NULL, -- epoch ms
  author          TEXT    NOT NULL, -- user of the operating system
  UNIQUE (server_id, exim_id)
) STRICT;
CREATE INDEX idx_stored_contents_captured_ms ON stored_contents (captured_ms);

CREATE TABLE stored_attachments (
  content_id   INTEGER NOT NULL, -- stored_contents.id
  place        INTEGER NOT NULL, -- 1 is the first
  filename     TEXT,
  content_type TEXT    NOT NULL, -- the type that the message declares
  detected     TEXT,             -- kind by its first bytes; null: of no known kind
  size         INTEGER NOT NULL, -- bytes, decoded
  sha256       BLOB    NOT NULL, -- hash of the decoded bytes
  is_safe      INTEGER NOT NULL, -- 1: nothing active was found
  preview      TEXT,             -- the beginning of a text; null: of none
  PRIMARY KEY (content_id, place)
) STRICT, WITHOUT ROWID;
