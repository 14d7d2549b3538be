-- Changes of the database and removals from it: who, when, from where, with what result. Rows are only ever added; they go
-- when they are older than the audit log is kept, which prune says in audit_retention first. Runs in milliseconds: the tables
-- are new.

CREATE TABLE stored_audit (
  id          INTEGER PRIMARY KEY,
  request_id  TEXT    NOT NULL, -- the same in all rows of one run of the program
  at_ms       INTEGER NOT NULL, -- epoch ms, of the end; of the beginning where the result is 'started'
  action      TEXT    NOT NULL, -- ingest, prune, backup, restore, migrate …
  result      TEXT    NOT NULL CHECK (result IN ('started', 'done', 'failed', 'interrupted')),
  error       TEXT,
  duration_ms INTEGER,          -- ms; null where the result is 'started'
  user_name   TEXT    NOT NULL, -- login on the operating system
  sudo_user   TEXT,             -- who became that user
  ssh_client  TEXT,             -- address, port, and those of the server
  host        TEXT    NOT NULL,
  program     TEXT    NOT NULL, -- version of exim-pilot
  parameters  TEXT    NOT NULL, -- a JSON object: arguments and flags
  affected    TEXT    NOT NULL  -- a JSON object: what was changed or taken out
) STRICT;
CREATE INDEX idx_stored_audit_at_ms ON stored_audit (at_ms);

CREATE TABLE audit_retention (
  keep_from_ms INTEGER NOT NULL -- epoch ms; older rows may go
) STRICT;
INSERT INTO audit_retention (keep_from_ms) VALUES (0);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON stored_audit
BEGIN
  SELECT raise(ABORT, 'the audit log is append-only');
END;

-- INSERT OR REPLACE would be a way around the trigger above.
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON stored_audit WHEN EXISTS (SELECT 1 FROM stored_audit WHERE id = new.id)
BEGIN
  SELECT raise(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_is_kept BEFORE DELETE ON stored_audit
WHEN old.at_ms >= (SELECT keep_from_ms FROM audit_retention)
BEGIN
  SELECT raise(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_retention_stays BEFORE DELETE ON audit_retention
BEGIN
  SELECT raise(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_retention_only_grows BEFORE UPDATE ON audit_retention WHEN new.keep_from_ms < old.keep_from_ms
BEGIN
  SELECT raise(ABORT, 'the audit log is append-only');
END;
