-- The public SQL contract: views that only grow, re-created whenever this file has changed.
-- Timestamps are ISO-8601 UTC with milliseconds. All of it reads with the plain sqlite3 shell; the text of a line, which is
-- kept compressed, is the column raw_line that exim-pilot's own connections add to log_entries. So is fact_key, which they add to
-- log_entries, delivery_attempts and rejections: 16 hexadecimal digits that tell an entry from all others of its server. They stay the
-- same when its log is rotated, compressed, pruned or read again elsewhere; id is a place in this file.
-- Divisions count from the year 0, so that times before 1970 are not rounded up. A log's time that is more than a day (86,400,000 ms)
-- ahead of the clock that read it counts as of then: see src/store/schema/plausible-time.ts.
-- created_at says when the text of a row's first line was read: null once that text has been pruned. updated_at is the time of the last
-- line about a row. at_ms is the timestamp as a number, epoch ms: that of messages is indexed, the others through log_blocks.
-- A plus before the key of a code keeps SQLite from beginning with the codes, of which there are few, when ids are given.
-- The line above each view says what it holds; `exim-pilot sql --views` shows it.

-- The servers whose logs are stored.
CREATE VIEW servers AS
SELECT
  s.name,
  s.environment,
  s.version,
  s.owner,
  s.time_zone,
  (SELECT strftime('%Y-%m-%dT%H:%M:%S', (min(ms) + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (min(ms) + 62167219200000) % 1000)
   FROM (SELECT iif(first_ms > updated_ms + 86400000, updated_ms, first_ms) AS ms FROM stored_sources WHERE server_id = s.id)) AS first_seen,
  (SELECT strftime('%Y-%m-%dT%H:%M:%S', (max(ms) + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (max(ms) + 62167219200000) % 1000)
   FROM (SELECT iif(last_ms > updated_ms + 86400000, updated_ms, last_ms) AS ms FROM stored_sources WHERE server_id = s.id)) AS last_seen,
  s.id,
  strftime('%Y-%m-%dT%H:%M:%S', s.created_ms / 1000, 'unixepoch') || printf('.%03dZ', s.created_ms % 1000) AS created_at,
  s.owner_user_id
FROM stored_servers s;

-- The logs that were read, and how far.
CREATE VIEW sources AS
SELECT
  s.id,
  v.name AS server,
  s.path,
  t.name AS log_type,
  s.position AS size,
  s.position,
  s.lines,
  s.other,
  s.unparsed,
  strftime('%Y-%m-%dT%H:%M:%S', (iif(s.first_ms > s.updated_ms + 86400000, s.updated_ms, s.first_ms) + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (iif(s.first_ms > s.updated_ms + 86400000, s.updated_ms, s.first_ms) + 62167219200000) % 1000) AS first_timestamp,
  strftime('%Y-%m-%dT%H:%M:%S', (iif(s.last_ms > s.updated_ms + 86400000, s.updated_ms, s.last_ms) + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (iif(s.last_ms > s.updated_ms + 86400000, s.updated_ms, s.last_ms) + 62167219200000) % 1000) AS last_timestamp,
  strftime('%Y-%m-%dT%H:%M:%S', s.created_ms / 1000, 'unixepoch') || printf('.%03dZ', s.created_ms % 1000) AS created_at,
  strftime('%Y-%m-%dT%H:%M:%S', s.updated_ms / 1000, 'unixepoch') || printf('.%03dZ', s.updated_ms % 1000) AS updated_at,
  s.entries,
  substr(s.tail, -1) = x'0a' AS complete,
  s.pruned,
  strftime('%Y-%m-%dT%H:%M:%S', s.pruned_ms / 1000, 'unixepoch') || printf('.%03dZ', s.pruned_ms % 1000) AS pruned_at
FROM stored_sources s
JOIN stored_servers v ON v.id = s.server_id
JOIN codes t ON t.family = 'log_type' AND t.code = s.log_type;

-- One row a message and server: where it came from, and its state.
CREATE VIEW messages AS
SELECT
  m.exim_id AS id,
  v.name AS server,
  strftime('%Y-%m-%dT%H:%M:%S', (coalesce(m.arrival_at, m.first_at) + 62167219200000000) / 1000000 - 62167219200, 'unixepoch')
    || printf('.%03dZ', (coalesce(m.arrival_at, m.first_at) + 62167219200000000) / 1000 % 1000) AS timestamp,
  a.address AS sender,
  m.size,
  c.name AS status,
  m.subject,
  m.header_message_id,
  h.text AS host,
  e.text AS helo,
  i.text AS ip_address,
  m.port,
  p.text AS protocol,
  u.text AS auth,
  d.text AS ident,
  x.text AS tls,
  CASE
    WHEN m.arrival_at IS NULL THEN NULL
    WHEN m.ip_id IS NULL AND m.host_id IS NULL AND m.helo_id IS NULL
      THEN CASE WHEN m.parent_exim_id IS NOT NULL THEN 'generated' ELSE 'local' END
    WHEN m.auth_id IS NOT NULL THEN 'submitted'
    ELSE 'inbound'
  END AS direction,
  strftime('%Y-%m-%dT%H:%M:%S', (m.completed_at + 62167219200000000) / 1000000 - 62167219200, 'unixepoch')
    || printf('.%03dZ', (m.completed_at + 62167219200000000) / 1000 % 1000) AS completed_at,
  CASE
    WHEN m.queue_ms IS NOT NULL THEN m.queue_ms / 1000.0
    WHEN m.completed_at IS NOT NULL AND m.arrival_at IS NOT NULL THEN (m.completed_at / 1000 - m.arrival_at / 1000) / 1000.0
  END AS queue_seconds,
  z.frozen_at IS NOT NULL AND m.completed_at IS NULL AND z.frozen_at > coalesce(z.thawed_at, 0) AS frozen,
  m.parent_exim_id AS parent_id,
  m.fake_reject,
  (SELECT json_group_array(tag) FROM
    (SELECT g.tag FROM stored_tags g WHERE g.exim_id = m.exim_id AND g.server_id = m.server_id ORDER BY g.tag)) AS tags,
  (coalesce(m.arrival_at, m.first_at) + 62167219200000000) / 1000 - 62167219200000 AS at_ms,
  (SELECT strftime('%Y-%m-%dT%H:%M:%S', b.read_ms / 1000, 'unixepoch') || printf('.%03dZ', b.read_ms % 1000) FROM raw_blocks b WHERE b.id = (SELECT min(y.id) FROM stored_entries y WHERE y.message_id = m.id) / 65536) AS created_at,
  strftime('%Y-%m-%dT%H:%M:%S', (m.last_at + 62167219200000000) / 1000000 - 62167219200, 'unixepoch') || printf('.%03dZ', (m.last_at + 62167219200000000) / 1000 % 1000) AS updated_at
FROM stored_messages m
JOIN stored_servers v ON v.id = m.server_id
JOIN codes c ON c.family = 'message_status' AND c.code = m.status
LEFT JOIN stored_milestones z ON z.message_id = m.id
LEFT JOIN addresses a ON a.id = m.sender_id
LEFT JOIN strings h ON h.id = m.host_id
LEFT JOIN strings e ON e.id = m.helo_id
LEFT JOIN strings i ON i.id = m.ip_id
LEFT JOIN strings p ON p.id = m.protocol_id
LEFT JOIN strings u ON u.id = m.auth_id
LEFT JOIN strings d ON d.id = m.ident_id
LEFT JOIN strings x ON x.id = m.tls_id;

-- One row a tag of a message: what people call it.
CREATE VIEW message_tags AS
SELECT
  v.name || '/' || g.exim_id || '/' || g.tag AS id,
  g.exim_id AS message_id,
  v.name AS server,
  g.tag,
  strftime('%Y-%m-%dT%H:%M:%S', g.created_ms / 1000, 'unixepoch') || printf('.%03dZ', g.created_ms % 1000) AS created_at,
  n.colour AS color,
  g.user_id,
  g.author,
  n.about
FROM stored_tags g
JOIN stored_servers v ON v.id = g.server_id
LEFT JOIN tag_names n ON n.tag = g.tag;

-- One row a note of a message: what people wrote about it. is_public 0: meant for its author and admins.
CREATE VIEW message_notes AS
SELECT
  n.id,
  n.exim_id AS message_id,
  v.name AS server,
  n.user_id,
  n.author,
  n.note,
  n.is_public,
  strftime('%Y-%m-%dT%H:%M:%S', n.created_ms / 1000, 'unixepoch') || printf('.%03dZ', n.created_ms % 1000) AS created_at,
  strftime('%Y-%m-%dT%H:%M:%S', n.updated_ms / 1000, 'unixepoch') || printf('.%03dZ', n.updated_ms % 1000) AS updated_at
FROM stored_notes n
JOIN stored_servers v ON v.id = n.server_id;

-- The users of exim-pilot, without their passwords.
CREATE VIEW users AS
SELECT
  u.id,
  u.username,
  u.email,
  u.full_name,
  u.role,
  u.os_user,
  u.active,
  u.password_hash IS NOT NULL AS has_password,
  strftime('%Y-%m-%dT%H:%M:%S', u.last_login_ms / 1000, 'unixepoch') || printf('.%03dZ', u.last_login_ms % 1000) AS last_login,
  strftime('%Y-%m-%dT%H:%M:%S', u.created_ms / 1000, 'unixepoch') || printf('.%03dZ', u.created_ms % 1000) AS created_at,
  strftime('%Y-%m-%dT%H:%M:%S', u.updated_ms / 1000, 'unixepoch') || printf('.%03dZ', u.updated_ms % 1000) AS updated_at
FROM stored_users u;

-- One row a recipient of a message: what became of it.
CREATE VIEW recipients AS
SELECT
  m.exim_id AS message_id,
  v.name AS server,
  a.address AS recipient,
  c.name AS status,
  CASE WHEN c.name = 'delivered' THEN
    strftime('%Y-%m-%dT%H:%M:%S', (r.status_at + 62167219200000000) / 1000000 - 62167219200, 'unixepoch') || printf('.%03dZ', (r.status_at + 62167219200000000) / 1000 % 1000)
  END AS delivered_at,
  r.attempts,
  replace(t.text, char(2), a.address) AS last_error,
  v.name || '/' || m.exim_id || '/' || a.address AS id,
  -- The line that named it first: the arrival, or one about it alone.
  (SELECT strftime('%Y-%m-%dT%H:%M:%S', b.read_ms / 1000, 'unixepoch') || printf('.%03dZ', b.read_ms % 1000) FROM raw_blocks b WHERE b.id = (
    CASE WHEN r.announced THEN (SELECT min(y.id) FROM stored_entries y WHERE y.message_id = r.message_id)
    ELSE (SELECT min(y.id) FROM stored_entries y JOIN address_events n ON n.entry_id = y.id
      WHERE y.message_id = r.message_id AND n.recipient_id = r.address_id) END
  ) / 65536) AS created_at,
  strftime('%Y-%m-%dT%H:%M:%S', (coalesce(r.status_at, m.arrival_at, m.first_at) + 62167219200000000) / 1000000 - 62167219200, 'unixepoch') || printf('.%03dZ', (coalesce(r.status_at, m.arrival_at, m.first_at) + 62167219200000000) / 1000 % 1000) AS updated_at
FROM stored_recipients r
JOIN stored_messages m ON m.id = r.message_id
JOIN stored_servers v ON v.id = m.server_id
JOIN addresses a ON a.id = r.address_id
JOIN codes c ON c.family = 'recipient_status' AND c.code = r.status
LEFT JOIN strings t ON t.id = r.error_id;

-- One row each time a delivery was tried, whether it worked or not.
CREATE VIEW delivery_attempts AS
SELECT
  e.entry_id AS id,
  m.exim_id AS message_id,
  v.name AS server,
  a.address AS recipient,
  strftime('%Y-%m-%dT%H:%M:%S', (l.at + 62167219200000000) / 1000000 - 62167219200, 'unixepoch') || printf('.%03dZ', (l.at + 62167219200000000) / 1000 % 1000) AS timestamp,
  r.text AS router,
  t.text AS transport,
  h.text AS host,
  i.text AS ip_address,
  y.port,
  x.text AS tls,
  CASE
    WHEN o.name = 'delivered' THEN 'success'
    WHEN b.is_timeout THEN 'timeout'
    WHEN o.name = 'bounced' THEN 'bounce'
    ELSE 'defer'
  END AS status,
  coalesce(
    b.smtp_code,
    CASE WHEN e.confirmation || ' ' GLOB '[1-5][0-9][0-9][ -]*' THEN CAST(substr(e.confirmation, 1, 3) AS INTEGER) END
  ) AS smtp_code,
  n.text AS enhanced_code,
  p.text AS phase,
  replace(w.text, char(2), a.address) AS error_message,
  e.confirmation,
  e.duration_ms / 1000.0 AS duration_seconds,
  coalesce(f.address, a.address) AS final_address,
  e.queue_ms / 1000.0 AS queue_seconds,
  k.text AS category,
  (l.at + 62167219200000000) / 1000 - 62167219200000 AS at_ms,
  (SELECT strftime('%Y-%m-%dT%H:%M:%S', b.read_ms / 1000, 'unixepoch') || printf('.%03dZ', b.read_ms % 1000) FROM raw_blocks b WHERE b.id = e.entry_id / 65536) AS created_at
FROM address_events e
JOIN stored_entries l ON l.id = e.entry_id
JOIN stored_messages m ON m.id = l.message_id
JOIN stored_servers v ON v.id = m.server_id
JOIN addresses a ON a.id = e.recipient_id
JOIN codes o ON o.family = 'outcome' AND o.code = +e.outcome
LEFT JOIN addresses f ON f.id = e.final_id
LEFT JOIN delivery_paths y ON y.id = e.path_id
LEFT JOIN delivery_problems b ON b.id = e.problem_id
LEFT JOIN strings r ON r.id = y.router_id
LEFT JOIN strings t ON t.id = y.transport_id
LEFT JOIN strings h ON h.id = y.host_id
LEFT JOIN strings i ON i.id = y.ip_id
LEFT JOIN strings x ON x.id = y.tls_id
LEFT JOIN strings n ON n.id = b.enhanced_id
LEFT JOIN strings p ON p.id = b.phase_id
LEFT JOIN strings w ON w.id = b.error_id
LEFT JOIN strings k ON k.id = b.category_id
WHERE e.is_attempt;

-- One row each time something was refused: a connection, a recipient, a message.
CREATE VIEW rejections AS
SELECT
  j.entry_id AS id,
  strftime('%Y-%m-%dT%H:%M:%S', (e.at + 62167219200000000) / 1000000 - 62167219200, 'unixepoch') || printf('.%03dZ', (e.at + 62167219200000000) / 1000 % 1000) AS timestamp,
  v.name AS server,
  m.exim_id AS message_id,
  c.name AS phase,
  j.is_permanent AS permanent,
  h.text AS host,
  l.text AS helo,
  i.text AS ip_address,
  coalesce(
    s.address,
    (SELECT x.address FROM stored_envelopes y JOIN addresses x ON x.id = y.address_id
     WHERE y.entry_id = j.entry_id AND NOT y.is_recipient)
  ) AS sender,
  r.address AS recipient,
  u.text AS auth,
  k.text AS category,
  replace(replace(replace(w.text, char(1), coalesce(i.text, '')), char(2), coalesce(r.address, '')), char(3), coalesce(s.address, ''))
    AS reason,
  (
    SELECT json_group_array(address) FROM (
      SELECT r.address WHERE r.address IS NOT NULL
      UNION
      SELECT x.address FROM stored_envelopes y JOIN addresses x ON x.id = y.address_id
      WHERE y.entry_id = j.entry_id AND y.is_recipient
      ORDER BY 1
    )
  ) AS recipients,
  EXISTS (SELECT 1 FROM stored_envelopes y WHERE y.entry_id = j.entry_id AND y.address_id IS NULL) AS more_recipients,
  (e.at + 62167219200000000) / 1000 - 62167219200000 AS at_ms,
  (SELECT strftime('%Y-%m-%dT%H:%M:%S', b.read_ms / 1000, 'unixepoch') || printf('.%03dZ', b.read_ms % 1000) FROM raw_blocks b WHERE b.id = j.entry_id / 65536) AS created_at,
  j.smtp_code
FROM stored_rejections j
JOIN stored_entries e ON e.id = j.entry_id
JOIN stored_servers v ON v.id = e.server_id
JOIN codes c ON c.family = 'phase' AND c.code = +j.phase
JOIN strings k ON k.id = j.category_id
LEFT JOIN stored_messages m ON m.id = e.message_id
LEFT JOIN strings h ON h.id = j.host_id
LEFT JOIN strings l ON l.id = j.helo_id
LEFT JOIN strings i ON i.id = j.ip_id
LEFT JOIN addresses s ON s.id = j.sender_id
LEFT JOIN addresses r ON r.id = j.recipient_id
LEFT JOIN strings u ON u.id = j.auth_id
LEFT JOIN strings w ON w.id = j.reason_id;

-- One row an entry of the logs. raw_line is its text.
CREATE VIEW log_entries AS
SELECT
  e.id,
  strftime('%Y-%m-%dT%H:%M:%S', (e.at + 62167219200000000) / 1000000 - 62167219200, 'unixepoch') || printf('.%03dZ', (e.at + 62167219200000000) / 1000 % 1000) AS timestamp,
  v.name AS server,
  m.exim_id AS message_id,
  CASE WHEN e.seen_in & 1 THEN 'main' WHEN e.seen_in & 2 THEN 'reject' ELSE 'panic' END AS log_type,
  c.name AS event,
  CASE c.name WHEN 'arrival' THEN mh.text ELSE coalesce(ah.text, jh.text, ch.text) END AS host,
  CASE c.name
    WHEN 'arrival' THEN ms.address
    ELSE coalesce(
      js.address,
      cs.address,
      (SELECT x.address FROM stored_envelopes y JOIN addresses x ON x.id = y.address_id
       WHERE y.entry_id = e.id AND NOT y.is_recipient)
    )
  END AS sender,
  CASE
    WHEN a.recipient_id IS NOT NULL THEN json_array(ar.address)
    WHEN c.name = 'arrival' THEN (
      SELECT json_group_array(address) FROM (
        SELECT x.address FROM stored_recipients y JOIN addresses x ON x.id = y.address_id
        WHERE y.message_id = e.message_id AND y.announced
        ORDER BY x.address
      )
    )
    ELSE (
      SELECT json_group_array(address) FROM (
        SELECT coalesce(jr.address, cr.address) AS address WHERE coalesce(jr.address, cr.address) IS NOT NULL
        UNION
        SELECT x.address FROM stored_envelopes y JOIN addresses x ON x.id = y.address_id
        WHERE y.entry_id = e.id AND y.is_recipient
        ORDER BY 1
      )
    )
  END AS recipients,
  CASE c.name WHEN 'arrival' THEN m.size END AS size,
  CASE
    WHEN a.outcome IS NOT NULL THEN o.name
    WHEN j.entry_id IS NOT NULL THEN iif(j.is_permanent, 'rejected', 'rejected temporarily')
    WHEN c.name = 'arrival' THEN 'received'
  END AS status,
  coalesce(ab.smtp_code, j.smtp_code, kb.smtp_code) AS error_code,
  coalesce(
    replace(aw.text, char(2), ar.address),
    replace(replace(replace(jw.text, char(1), coalesce(ji.text, '')), char(2), coalesce(jr.address, '')), char(3), coalesce(js.address, '')),
    replace(replace(replace(kw.text, char(1), coalesce(ki.text, '')), char(2), coalesce(cr.address, '')), char(3), coalesce(cs.address, ''))
  ) AS error_text,
  rtrim(
    CASE WHEN e.seen_in & 1 THEN 'main,' ELSE '' END || CASE WHEN e.seen_in & 2 THEN 'reject,' ELSE '' END
      || CASE WHEN e.seen_in & 4 THEN 'panic,' ELSE '' END,
    ','
  ) AS seen_in,
  (e.at + 62167219200000000) / 1000 - 62167219200000 AS at_ms,
  (SELECT strftime('%Y-%m-%dT%H:%M:%S', b.read_ms / 1000, 'unixepoch') || printf('.%03dZ', b.read_ms % 1000) FROM raw_blocks b WHERE b.id = e.id / 65536) AS created_at,
  CASE
    WHEN c.name IN ('failure', 'panic', 'configuration') THEN 'error'
    WHEN c.name IN (
      'deferral', 'host_error', 'rejection', 'verification', 'tls', 'dns', 'scan', 'warning', 'frozen', 'not_accepted', 'error_ignored'
    ) THEN 'warning'
    ELSE 'info'
  END AS severity
FROM stored_entries e
JOIN stored_servers v ON v.id = e.server_id
JOIN codes c ON c.family = 'event' AND c.code = +e.event
LEFT JOIN stored_messages m ON m.id = e.message_id
LEFT JOIN addresses ms ON ms.id = m.sender_id
LEFT JOIN strings mh ON mh.id = coalesce(m.host_id, m.ip_id)
LEFT JOIN address_events a ON a.entry_id = e.id
LEFT JOIN addresses ar ON ar.id = a.recipient_id
LEFT JOIN delivery_paths ay ON ay.id = a.path_id
LEFT JOIN delivery_problems ab ON ab.id = a.problem_id
LEFT JOIN strings ah ON ah.id = coalesce(ay.host_id, ay.ip_id)
LEFT JOIN codes o ON o.family = 'outcome' AND o.code = a.outcome
LEFT JOIN strings aw ON aw.id = ab.error_id
LEFT JOIN stored_rejections j ON j.entry_id = e.id
LEFT JOIN strings jh ON jh.id = coalesce(j.host_id, j.ip_id)
LEFT JOIN strings ji ON ji.id = j.ip_id
LEFT JOIN addresses js ON js.id = j.sender_id
LEFT JOIN addresses jr ON jr.id = j.recipient_id
LEFT JOIN strings jw ON jw.id = j.reason_id
LEFT JOIN stored_clients k ON k.entry_id = e.id
LEFT JOIN strings ch ON ch.id = coalesce(k.host_id, k.ip_id)
LEFT JOIN strings ki ON ki.id = k.ip_id
LEFT JOIN delivery_problems kb ON kb.id = k.problem_id
LEFT JOIN strings kw ON kw.id = kb.error_id
LEFT JOIN addresses cs ON cs.id = k.sender_id
LEFT JOIN addresses cr ON cr.id = k.recipient_id;

-- Runs of ids of log_entries, delivery_attempts and rejections, and what time they may be of: the way to ask those for a time.
CREATE VIEW log_blocks AS
SELECT
  b.id * 65536 AS first_id,
  b.id * 65536 + 65535 AS last_id,
  b.first_ms AS first_at_ms,
  b.last_ms AS last_at_ms
FROM raw_blocks b
UNION ALL
-- Blocks missing in between lost their text to a prune, so they may have any time.
SELECT
  (g.id + 1) * 65536,
  g.next_id * 65536 - 1,
  -62167219200000,
  253402300799999
FROM (
  SELECT id, lead(id, 1, (SELECT max(id) / 65536 + 1 FROM stored_entries)) OVER (ORDER BY id) AS next_id
  FROM (SELECT -1 AS id UNION ALL SELECT id FROM raw_blocks)
) g
WHERE g.next_id > g.id + 1;

-- The fields of entries that no column holds.
CREATE VIEW log_metadata AS
SELECT
  e.id AS log_entry_id,
  k.value AS metadata_type,
  v.value AS metadata_value,
  e.id || '-' || (k.key / 2 + 1) AS id,
  o.version AS app_version
FROM stored_entries e
JOIN stored_servers o ON o.id = e.server_id
JOIN strings s ON s.id = e.details_id
JOIN json_each(s.text) k ON k.key % 2 = 0
JOIN json_each(s.text) v ON v.key = k.key + 1;

-- The header lines of refused messages, from the reject log. Names are in lower case; places count from 1 in each entry.
CREATE VIEW log_headers AS
SELECT
  s.entry_id AS log_entry_id,
  h.key + 1 AS place,
  json_extract(h.value, '$[0]') AS type,
  json_extract(h.value, '$[1]') AS name,
  json_extract(h.value, '$[2]') AS value,
  json_extract(h.value, '$[0]') = '*' AS deleted,
  s.is_cut AND h.key + 1 = json_array_length(s.headers) AS cut
FROM stored_headers s
JOIN json_each(s.headers) h;

-- Actions that changed the database or took something out of it: one row a command.
CREATE VIEW audit_log AS
SELECT
  id,
  request_id,
  strftime('%Y-%m-%dT%H:%M:%S', at_ms / 1000, 'unixepoch') || printf('.%03dZ', at_ms % 1000) AS timestamp,
  action,
  result,
  error,
  duration_ms / 1000.0 AS duration_seconds,
  user_name AS user,
  sudo_user,
  ssh_client,
  host,
  program,
  parameters,
  affected,
  CASE WHEN instr(ssh_client, ' ') > 0 THEN substr(ssh_client, 1, instr(ssh_client, ' ') - 1) ELSE ssh_client END AS ip_address,
  'exim-pilot/' || program AS user_agent,
  '/' || replace(action, ' ', '/') AS resource_path
FROM stored_audit;

-- One row a snapshot of a queue: how much waited.
CREATE VIEW queue_snapshots AS
SELECT
  q.id,
  strftime('%Y-%m-%dT%H:%M:%S', (q.at_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (q.at_ms + 62167219200000) % 1000) AS timestamp,
  v.name AS server,
  q.queue_name,
  q.messages AS total_messages,
  q.messages - q.frozen AS deferred_messages,
  q.frozen AS frozen_messages,
  max(0, (q.at_ms - q.oldest_ms) / 1000) AS oldest_message_age,
  q.recipients,
  q.bytes,
  q.bounces,
  q.damaged,
  q.came,
  q.went,
  q.is_complete AS complete,
  q.origin,
  q.author,
  (SELECT json_group_object(domain, messages) FROM
    (SELECT d.domain, d.messages FROM snapshot_domains d WHERE d.snapshot_id = q.id ORDER BY d.messages DESC, d.domain)) AS domains,
  q.at_ms,
  strftime('%Y-%m-%dT%H:%M:%S', (q.created_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (q.created_ms + 62167219200000) % 1000) AS created_at
FROM stored_snapshots q
JOIN stored_servers v ON v.id = q.server_id;

-- One row each time a message was on a queue, as snapshots saw it.
CREATE VIEW queue_messages AS
SELECT
  s.exim_id AS message_id,
  v.name AS server,
  s.queue_name,
  CASE s.sender WHEN '' THEN '<>' ELSE s.sender END AS sender,
  s.size,
  -- The time of the log is exact.
  coalesce(
    strftime('%Y-%m-%dT%H:%M:%S', (m.arrival_at + 62167219200000000) / 1000000 - 62167219200, 'unixepoch') || printf('.%03dZ', (m.arrival_at + 62167219200000000) / 1000 % 1000),
    strftime('%Y-%m-%dT%H:%M:%S', (s.arrived_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (s.arrived_ms + 62167219200000) % 1000)
  ) AS arrived_at,
  strftime('%Y-%m-%dT%H:%M:%S', (s.first_seen_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (s.first_seen_ms + 62167219200000) % 1000) AS first_seen,
  strftime('%Y-%m-%dT%H:%M:%S', (s.last_seen_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (s.last_seen_ms + 62167219200000) % 1000) AS last_seen,
  strftime('%Y-%m-%dT%H:%M:%S', (s.gone_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (s.gone_ms + 62167219200000) % 1000) AS gone_at,
  s.pending AS pending_recipients,
  s.is_frozen AS frozen,
  strftime('%Y-%m-%dT%H:%M:%S', (s.frozen_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (s.frozen_ms + 62167219200000) % 1000) AS frozen_at,
  s.warnings,
  c.name AS status,
  s.id
FROM queue_stays s
JOIN stored_servers v ON v.id = s.server_id
LEFT JOIN stored_messages m ON m.exim_id = s.exim_id AND m.server_id = s.server_id
LEFT JOIN codes c ON c.family = 'message_status' AND c.code = m.status;

-- When Exim tries again, as its hints told at the last snapshot of a spool.
CREATE VIEW retry_hints AS
SELECT
  v.name AS server,
  h.key,
  strftime('%Y-%m-%dT%H:%M:%S', (h.first_failed_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (h.first_failed_ms + 62167219200000) % 1000) AS first_failed,
  strftime('%Y-%m-%dT%H:%M:%S', (h.last_try_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (h.last_try_ms + 62167219200000) % 1000) AS last_try,
  strftime('%Y-%m-%dT%H:%M:%S', (h.next_try_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (h.next_try_ms + 62167219200000) % 1000) AS next_try,
  h.is_expired AS expired,
  h.errno,
  h.more_errno,
  h.reason,
  strftime('%Y-%m-%dT%H:%M:%S', (h.seen_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (h.seen_ms + 62167219200000) % 1000) AS seen_at
FROM stored_hints h
JOIN stored_servers v ON v.id = h.server_id;

-- The content of a message that was kept from the queue. content_safe says that nothing active was found, not that it is harmless.
CREATE VIEW message_content AS
SELECT
  t.exim_id AS message_id,
  v.name AS server,
  t.headers,
  t.text_content,
  t.html_content,
  (SELECT json_group_array(json_object('filename', filename, 'content_type', content_type, 'size', size, 'is_safe', is_safe, 'preview', preview))
   FROM (SELECT * FROM stored_attachments a WHERE a.content_id = t.id ORDER BY a.place)) AS attachments,
  t.content_safe,
  t.size_bytes,
  t.preview_limited,
  t.findings,
  lower(hex(t.sha256)) AS sha256,
  strftime('%Y-%m-%dT%H:%M:%S', (t.captured_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (t.captured_ms + 62167219200000) % 1000) AS captured_at,
  t.author,
  t.id
FROM stored_contents t
JOIN stored_servers v ON v.id = t.server_id;

-- The attachments of kept messages, without their bytes.
CREATE VIEW message_attachments AS
SELECT
  t.exim_id AS message_id,
  v.name AS server,
  a.place,
  a.filename,
  a.content_type,
  a.detected,
  a.size,
  lower(hex(a.sha256)) AS sha256,
  a.is_safe,
  a.preview
FROM stored_attachments a
JOIN stored_contents t ON t.id = a.content_id
JOIN stored_servers v ON v.id = t.server_id;

-- Incidents of the servers, as detection found them and people judged them: one row an incident.
CREATE VIEW correlated_incidents AS
SELECT
  i.id,
  i.kind AS type,
  i.title,
  i.description,
  i.severity,
  (SELECT json_group_array(exim_id) FROM
    (SELECT m.exim_id FROM incident_messages m WHERE m.incident_id = i.id ORDER BY m.exim_id)) AS message_ids,
  strftime('%Y-%m-%dT%H:%M:%S', (i.start_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (i.start_ms + 62167219200000) % 1000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', (i.end_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (i.end_ms + 62167219200000) % 1000) AS end_time,
  i.status,
  strftime('%Y-%m-%dT%H:%M:%S', (i.found_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (i.found_ms + 62167219200000) % 1000) AS created_at,
  strftime('%Y-%m-%dT%H:%M:%S', (i.updated_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (i.updated_ms + 62167219200000) % 1000) AS updated_at,
  v.name AS server,
  i.subject,
  i.figures,
  i.previous_id,
  i.author,
  i.resolution
FROM stored_incidents i
JOIN stored_servers v ON v.id = i.server_id;

-- Notifications that wait to be sent, or were.
CREATE VIEW notifications AS
SELECT
  n.id,
  n.channel AS chat_id,
  n.message_text,
  strftime('%Y-%m-%dT%H:%M:%S', (n.created_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (n.created_ms + 62167219200000) % 1000) AS timestamp,
  n.status,
  n.retry_count,
  n.remote_id AS telegram_message_id,
  n.event_data,
  iif(n.sent_ms IS NULL, NULL, n.tier + 1) AS tier_used,
  n.error_message,
  strftime('%Y-%m-%dT%H:%M:%S', (n.created_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (n.created_ms + 62167219200000) % 1000) AS created_at,
  strftime('%Y-%m-%dT%H:%M:%S', (n.updated_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (n.updated_ms + 62167219200000) % 1000) AS updated_at,
  n.number,
  n.reason,
  n.severity,
  n.event_data ->> '$.server' AS server,
  n.event_data ->> '$.title' AS title,
  n.incident_id,
  strftime('%Y-%m-%dT%H:%M:%S', (n.sent_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (n.sent_ms + 62167219200000) % 1000) AS sent_at,
  strftime('%Y-%m-%dT%H:%M:%S', (n.confirmed_ms + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (n.confirmed_ms + 62167219200000) % 1000) AS confirmed_at,
  n.confirmed_by,
  CASE WHEN n.status = 'pending' THEN strftime('%Y-%m-%dT%H:%M:%S', (max(n.next_try_ms, n.created_ms) + 62167219200000) / 1000 - 62167219200, 'unixepoch') || printf('.%03dZ', (max(n.next_try_ms, n.created_ms) + 62167219200000) % 1000) END AS next_try_at,
  n.digest_id
FROM stored_outbox n;
