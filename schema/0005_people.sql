-- People: users of exim-pilot, their notes on messages, and the looks and meanings of tags. No line of a log states them, so a rebuild
-- keeps them. Server ids are stored_servers.id.
-- Runs in milliseconds: the tables are new.

CREATE TABLE stored_users (
  id            INTEGER PRIMARY KEY,
  username      TEXT    NOT NULL UNIQUE COLLATE NOCASE,
  password_hash TEXT,             -- scrypt$N$r$p$salt$key, the last two in base64; null: no password, so no login
  email         TEXT,
  full_name     TEXT,
  role          TEXT    NOT NULL CHECK (role IN ('admin', 'agent', 'viewer', 'datasource')),
  os_user       TEXT    UNIQUE,   -- account of the operating system whose commands are this user's
  active        INTEGER NOT NULL, -- 0: disabled
  last_login_ms INTEGER,          -- epoch ms
  created_ms    INTEGER NOT NULL, -- epoch ms
  updated_ms    INTEGER NOT NULL  -- epoch ms
) STRICT;

-- Notes of messages. The message is named by its server and Exim's id, which stay when it is derived again.
CREATE TABLE stored_notes (
  id         INTEGER PRIMARY KEY,
  server_id  INTEGER NOT NULL,
  exim_id    TEXT    NOT NULL,
  author     TEXT    NOT NULL, -- name of the user, else os_user; it stays when the user is removed
  user_id    INTEGER,          -- stored_users.id; null: of no user, or of one that was removed
  os_user    TEXT    NOT NULL, -- account of the operating system that wrote it
  note       TEXT    NOT NULL,
  is_public  INTEGER NOT NULL, -- 0: shown to its author and to admins
  created_ms INTEGER NOT NULL, -- epoch ms
  updated_ms INTEGER NOT NULL  -- epoch ms
) STRICT;
CREATE INDEX idx_stored_notes_exim_id ON stored_notes (exim_id, server_id);
CREATE INDEX idx_stored_notes_user_id ON stored_notes (user_id) WHERE user_id IS NOT NULL;

-- Colour and meaning of a tag, wherever it is given.
CREATE TABLE tag_names (
  tag        TEXT    NOT NULL COLLATE NOCASE PRIMARY KEY,
  colour     TEXT,             -- #rrggbb
  about      TEXT,             -- its meaning, in people's words
  author     TEXT    NOT NULL, -- who described it last
  user_id    INTEGER,          -- stored_users.id of that user
  created_ms INTEGER NOT NULL, -- epoch ms
  updated_ms INTEGER NOT NULL  -- epoch ms
) STRICT, WITHOUT ROWID;
