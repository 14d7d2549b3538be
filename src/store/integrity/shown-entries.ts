/**
 * SQL of each entry whose text is there: the logs it is marked as seen in, and those that show it, as bits (1 main, 2 reject,
 * 4 panic). Where text has been pruned less may show it than did.
 */
export const SHOWN_ENTRIES = `
  SELECT e.id, e.server_id <> s.server_id AS is_stranger, e.server_id, e.seen_in AS marked,
    -- Of an entry of syslog only its mark says what log it was for: it is one that no duplicate location is for.
    CASE WHEN k.name <> 'syslog' THEN 1 << s.log_type
         WHEN e.seen_in - coalesce(g.bits, 0) IN (1, 2, 4) THEN e.seen_in - coalesce(g.bits, 0)
         ELSE 0 END | coalesce(g.bits, 0) AS shown
  FROM main.stored_entries e
  JOIN main.raw_blocks b ON b.id = e.id / 65536 JOIN main.stored_sources s ON s.id = b.source_id
  JOIN main.codes k ON k.family = 'log_type' AND k.code = s.log_type
  LEFT JOIN (SELECT entry_id, sum(DISTINCT 1 << log_type) AS bits FROM main.duplicate_locations GROUP BY entry_id) g ON g.entry_id = e.id`;
