-- Incidents of servers, words of people about them, and how far detection has come. Server ids are
-- stored_servers.id.
-- Runs in milliseconds: the tables are new.

-- One row an incident. Detection derives it from lines and thresholds; status, author and resolution come from people.
CREATE TABLE stored_incidents (
  id           INTEGER PRIMARY KEY,
  server_id    INTEGER NOT NULL,
  kind         TEXT    NOT NULL, -- name of the rule
  subject      TEXT    NOT NULL, -- account, address, domain, provider …; empty: the server as a whole
  severity     TEXT    NOT NULL CHECK (severity IN ('critical', 'serious', 'warning')),
  status       TEXT    NOT NULL CHECK (status IN ('open', 'acknowledged', 'over', 'resolved', 'false_alarm')),
  start_ms     INTEGER NOT NULL, -- epoch ms of the first line that shows it
  fired_ms     INTEGER NOT NULL, -- epoch ms of the line with which the rule was met
  last_ms      INTEGER NOT NULL, -- epoch ms of the last line that shows it
  end_ms       INTEGER,          -- epoch ms; null while it goes on
  found_ms     INTEGER NOT NULL, -- epoch ms of the run that found it
  updated_ms   INTEGER NOT NULL, -- epoch ms
  title        TEXT    NOT NULL,
  description  TEXT    NOT NULL,
  figures      TEXT    NOT NULL, -- a JSON object of the rule
  told_count   INTEGER NOT NULL, -- its main figure when it was last told as opened or worse
  rule_version INTEGER NOT NULL,
  previous_id  INTEGER REFERENCES stored_incidents (id) ON DELETE SET NULL, -- the last one of the same kind and subject
  author       TEXT,             -- who gave it its status; null: nobody did
  resolution   TEXT,             -- their words
  decided_ms   INTEGER,          -- epoch ms of that
  UNIQUE (server_id, kind, subject, start_ms)
) STRICT;
CREATE INDEX idx_stored_incidents_start_ms ON stored_incidents (start_ms);
CREATE INDEX idx_stored_incidents_goes_on ON stored_incidents (server_id) WHERE end_ms IS NULL;
CREATE INDEX idx_stored_incidents_previous_id ON stored_incidents (previous_id) WHERE previous_id IS NOT NULL;

-- The number given last, so that none is given twice.
CREATE TABLE incident_numbers (
  last_id INTEGER NOT NULL -- stored_incidents.id
) STRICT;
INSERT INTO incident_numbers (last_id) VALUES (0);

-- Messages that show it, 200 at most; figures have their count. They outlive the messages.
CREATE TABLE incident_messages (
  incident_id INTEGER NOT NULL REFERENCES stored_incidents (id) ON DELETE CASCADE,
  server_id   INTEGER NOT NULL,
  exim_id     TEXT    NOT NULL,
  PRIMARY KEY (incident_id, server_id, exim_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_incident_messages_exim_id ON incident_messages (exim_id, server_id);

-- Words of people about an incident, in their order.
CREATE TABLE incident_actions (
  id          INTEGER PRIMARY KEY,
  incident_id INTEGER NOT NULL REFERENCES stored_incidents (id) ON DELETE CASCADE,
  at_ms       INTEGER NOT NULL, -- epoch ms
  action      TEXT    NOT NULL CHECK (action IN ('acknowledge', 'resolve', 'reopen', 'false_alarm')),
  author      TEXT    NOT NULL,
  note        TEXT
) STRICT;
CREATE INDEX idx_incident_actions_incident_id ON incident_actions (incident_id);

-- Kinds and subjects that nobody wants to hear of: incidents of them are found, but are neither listed nor told.
CREATE TABLE incident_mutes (
  kind       TEXT    NOT NULL,
  subject    TEXT    NOT NULL,
  until_ms   INTEGER,          -- epoch ms; null: for good
  author     TEXT    NOT NULL,
  reason     TEXT    NOT NULL,
  created_ms INTEGER NOT NULL, -- epoch ms
  PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;

-- How far detection has come with the logs of a server. No row: it begins with the first line.
CREATE TABLE detection_progress (
  server_id  INTEGER PRIMARY KEY,
  hour       INTEGER NOT NULL, -- hours since the epoch; detection_states tell what was known at the end of it
  last_entry INTEGER NOT NULL, -- the greatest stored_entries.id or duplicate_locations.location that was seen
  settings   TEXT    NOT NULL, -- versions of the rules and their thresholds: others need a new beginning
  state      TEXT    NOT NULL  -- a JSON value: state of the server as a whole
) STRICT;

-- Knowledge of a key at the end of that hour: its usual figures, and an episode that goes on.
CREATE TABLE detection_states (
  server_id INTEGER NOT NULL,
  key       TEXT    NOT NULL, -- measure and key: account bob, client 192.0.2.1
  state     TEXT    NOT NULL, -- a JSON value
  PRIMARY KEY (server_id, key)
) STRICT, WITHOUT ROWID;
