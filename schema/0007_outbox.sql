-- Notifications that wait to be sent, or were. A row is stored in the transaction of what it is about, and is sent by `notify run`. No line
-- of a log states them, so a rebuild keeps them.
-- Runs in milliseconds: the tables are new.

CREATE TABLE stored_outbox (
  number         INTEGER PRIMARY KEY,
  id             TEXT    NOT NULL UNIQUE, -- UUID: the left side of the Message-ID, the idempotency key, the transaction id
  dedup_key      TEXT    NOT NULL UNIQUE, -- subject and reason; a second notification with the same key is not stored
  incident_id    INTEGER REFERENCES stored_incidents (id) ON DELETE SET NULL, -- null: of no incident, or it was withdrawn
  reason         TEXT    NOT NULL CHECK (reason IN ('opened', 'worse', 'over', 'alarm', 'digest', 'test')),
  severity       TEXT    NOT NULL CHECK (severity IN ('critical', 'serious', 'warning')),
  event_data     TEXT    NOT NULL, -- JSON object with a version: what the text is made of when it is sent
  only_channel   TEXT,             -- the one channel it is for; null: the tiers of its severity
  digest_id      TEXT,             -- stored_outbox.id: the digest that it is sent in, whose status it shares
  status         TEXT    NOT NULL CHECK (status IN ('pending', 'sent', 'confirmed', 'failed', 'cancelled')),
  tier           INTEGER NOT NULL, -- 0 is the first
  channel        TEXT,             -- name of the channel it was last sent to; null: of none yet
  retry_count    INTEGER NOT NULL, -- times it went back to pending
  tier_tries     INTEGER NOT NULL, -- times it was sent in this tier
  tier_began_ms  INTEGER,          -- epoch ms, of the first try in this tier
  is_uncertain   INTEGER NOT NULL, -- 1: a try without a known result may have arrived
  next_try_ms    INTEGER NOT NULL, -- epoch ms; 0: first in line
  lease_until_ms INTEGER,          -- epoch ms; until then only the run that sent it may touch it
  lease_owner    TEXT,             -- stored_audit.request_id of that run
  accepted_ms    INTEGER,          -- epoch ms; a server of mail took it, and its delivery is awaited in a log
  confirmed_by   TEXT CHECK (confirmed_by IN ('reply', 'log', 'fallback')), -- reply of the receiver; delivery in a log; reply, as no log showed it
  remote_id      TEXT,             -- the receiver's name of it, or its Message-ID without < and >
  message_text   TEXT,             -- plain text as it was last sent
  error_message  TEXT,             -- why the last try failed, or what is to be known of the confirmation
  created_ms     INTEGER NOT NULL, -- epoch ms
  updated_ms     INTEGER NOT NULL, -- epoch ms
  sent_ms        INTEGER,          -- epoch ms, of the last try
  confirmed_ms   INTEGER           -- epoch ms
) STRICT;
CREATE INDEX idx_stored_outbox_open ON stored_outbox (next_try_ms) WHERE status IN ('pending', 'sent');
CREATE INDEX idx_stored_outbox_incident_id ON stored_outbox (incident_id) WHERE incident_id IS NOT NULL;
CREATE INDEX idx_stored_outbox_digest_id ON stored_outbox (digest_id) WHERE digest_id IS NOT NULL;
CREATE INDEX idx_stored_outbox_remote_id ON stored_outbox (remote_id) WHERE remote_id IS NOT NULL;

-- State of a channel of the configuration.
CREATE TABLE channel_states (
  channel          TEXT    PRIMARY KEY,
  blocked_until_ms INTEGER,          -- epoch ms; nothing is sent before
  successes        INTEGER NOT NULL, -- notifications that it took
  failures         INTEGER NOT NULL, -- tries that failed
  total_ms         INTEGER NOT NULL, -- ms from creation to confirmation, of all that were confirmed
  last_success_ms  INTEGER,          -- epoch ms
  last_failure_ms  INTEGER,          -- epoch ms
  is_unauthorized  INTEGER NOT NULL, -- 1: it refused the credentials at the last try
  last_error       TEXT
) STRICT, WITHOUT ROWID;
