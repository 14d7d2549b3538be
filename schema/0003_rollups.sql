-- Figures of many rows added up in advance, so that statistics of a large database need not read all of it.
--
-- A *chunk* is a range of message ids, or of entry ids; what is counted of it is in the rolled_… tables under its first id. It
-- counts only as long as it is in rolled_chunks: whatever changes or takes away one of its rows takes it out there, in the same
-- transaction, by the triggers below. What is in no chunk is counted from the rows themselves, so nothing depends on when
-- chunks are made: that is done when a run of ingest ends (src/store/write/rollups.ts), for ranges that no new row can fall into.
-- Runs in milliseconds: the tables are new. The index takes one walk through the entries.

CREATE TABLE rolled_chunks (
  kind     TEXT    NOT NULL CHECK (kind IN ('entries', 'messages')),
  first_id INTEGER NOT NULL, -- stored_entries.id or stored_messages.id
  last_id  INTEGER NOT NULL,
  first_at INTEGER,          -- moment of the earliest arrival, or attempt or rejection; null when there is none
  last_at  INTEGER,          -- moment of the latest one
  PRIMARY KEY (kind, first_id)
) STRICT, WITHOUT ROWID;

-- Messages that arrived.
CREATE TABLE rolled_messages (
  first_id  INTEGER NOT NULL, -- id of the chunk of messages
  server_id INTEGER NOT NULL,
  slot      INTEGER NOT NULL, -- quarter of an hour since the epoch
  status    INTEGER NOT NULL, -- codes.message_status
  messages  INTEGER NOT NULL,
  bytes     REAL    NOT NULL, -- whole, and REAL for made-up sizes whose sum no integer holds
  PRIMARY KEY (first_id, server_id, slot, status)
) STRICT, WITHOUT ROWID;

-- The recipients of messages that arrived.
CREATE TABLE rolled_recipients (
  first_id   INTEGER NOT NULL, -- id of the chunk of messages
  server_id  INTEGER NOT NULL,
  status     INTEGER NOT NULL, -- codes.recipient_status
  attempts   INTEGER NOT NULL, -- attempts for each recipient
  recipients INTEGER NOT NULL,
  bytes      REAL    NOT NULL, -- sizes of their messages, as above
  PRIMARY KEY (first_id, server_id, status, attempts)
) STRICT, WITHOUT ROWID;

-- Lines about recipients.
CREATE TABLE rolled_events (
  first_id   INTEGER NOT NULL, -- id of the chunk of entries
  server_id  INTEGER NOT NULL,
  slot       INTEGER NOT NULL, -- quarter of an hour since the epoch
  outcome    INTEGER NOT NULL, -- codes.outcome
  is_attempt INTEGER NOT NULL,
  events     INTEGER NOT NULL,
  PRIMARY KEY (first_id, server_id, slot, outcome, is_attempt)
) STRICT, WITHOUT ROWID;

-- Attempts that were deferred or bounced.
CREATE TABLE rolled_failures (
  first_id   INTEGER NOT NULL, -- id of the chunk of entries
  server_id  INTEGER NOT NULL,
  outcome    INTEGER NOT NULL, -- codes.outcome
  problem_id INTEGER NOT NULL, -- delivery_problems.id; 0: none
  failures   INTEGER NOT NULL,
  sample_id  INTEGER NOT NULL, -- the first of them
  PRIMARY KEY (first_id, server_id, outcome, problem_id)
) STRICT, WITHOUT ROWID;

-- Attempts at hosts.
CREATE TABLE rolled_hosts (
  first_id        INTEGER NOT NULL, -- id of the chunk of entries
  server_id       INTEGER NOT NULL,
  host_id         INTEGER NOT NULL, -- strings.id; of attempts that are there as long as the chunk is in rolled_chunks
  successes       INTEGER NOT NULL,
  deferrals       INTEGER NOT NULL,
  bounces         INTEGER NOT NULL,
  timeouts        INTEGER NOT NULL,
  last_success_at INTEGER,          -- moment
  last_attempt_at INTEGER NOT NULL, -- moment
  PRIMARY KEY (first_id, server_id, host_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE rolled_rejections (
  first_id     INTEGER NOT NULL, -- id of the chunk of entries
  server_id    INTEGER NOT NULL,
  slot         INTEGER NOT NULL, -- quarter of an hour since the epoch
  is_permanent INTEGER NOT NULL,
  rejections   INTEGER NOT NULL,
  PRIMARY KEY (first_id, server_id, slot, is_permanent)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER message_changes AFTER UPDATE ON stored_messages
BEGIN
  DELETE FROM rolled_chunks WHERE kind = 'messages' AND last_id >= new.id
    AND first_id = (SELECT max(first_id) FROM rolled_chunks WHERE kind = 'messages' AND first_id <= new.id);
END;

CREATE TRIGGER message_goes AFTER DELETE ON stored_messages
BEGIN
  DELETE FROM rolled_chunks WHERE kind = 'messages' AND last_id >= old.id
    AND first_id = (SELECT max(first_id) FROM rolled_chunks WHERE kind = 'messages' AND first_id <= old.id);
END;

-- An entry that moves takes what it says with it, or that is derived anew and is added at its new place.
CREATE TRIGGER entry_moves AFTER UPDATE OF id ON stored_entries
BEGIN
  DELETE FROM rolled_chunks WHERE kind = 'entries' AND last_id >= old.id
    AND first_id = (SELECT max(first_id) FROM rolled_chunks WHERE kind = 'entries' AND first_id <= old.id);
  DELETE FROM rolled_chunks WHERE kind = 'entries' AND last_id >= new.id
    AND first_id = (SELECT max(first_id) FROM rolled_chunks WHERE kind = 'entries' AND first_id <= new.id);
END;

CREATE TRIGGER address_event_goes AFTER DELETE ON address_events
BEGIN
  DELETE FROM rolled_chunks WHERE kind = 'entries' AND last_id >= old.entry_id
    AND first_id = (SELECT max(first_id) FROM rolled_chunks WHERE kind = 'entries' AND first_id <= old.entry_id);
END;

CREATE TRIGGER rejection_goes AFTER DELETE ON stored_rejections
BEGIN
  DELETE FROM rolled_chunks WHERE kind = 'entries' AND last_id >= old.entry_id
    AND first_id = (SELECT max(first_id) FROM rolled_chunks WHERE kind = 'entries' AND first_id <= old.entry_id);
END;

-- A block that is read anew gets the same id again when it was the last one. 65536: entry ids of a block.
CREATE TRIGGER block_goes AFTER DELETE ON raw_blocks
BEGIN
  DELETE FROM rolled_chunks WHERE kind = 'entries' AND last_id >= old.id * 65536
    AND first_id = (SELECT max(first_id) FROM rolled_chunks WHERE kind = 'entries' AND first_id <= old.id * 65536);
END;

-- Panics are few, and each is looked for. 33: codes, event 'panic'.
CREATE INDEX idx_stored_entries_panic ON stored_entries (at) WHERE event = 33;

-- Indexes for the coverage of a log (src/store/read/coverage-reader.ts); each holds few rows. 19: codes, event
-- 'queue_run'; the heartbeat of a main log.
CREATE INDEX idx_stored_entries_queue_run ON stored_entries (server_id, at) WHERE event = 19;
-- 20: event 'rejection'. 1 and 2 of seen_in: in the main log or the reject log alone, when Exim writes most of them to both.
CREATE INDEX idx_stored_entries_unpaired ON stored_entries (server_id, seen_in, at) WHERE event = 20 AND seen_in IN (1, 2);
-- 7: message_status 'rejected', which never has an arrival.
CREATE INDEX idx_stored_messages_no_arrival ON stored_messages (server_id, first_at) WHERE arrival_at IS NULL AND status <> 7;
