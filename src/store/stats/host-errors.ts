/** Hosts that could not be reached: Exim writes a line about each, and names none of them in the line about the recipient. */
import { sql } from "kysely";
import type { Codes } from "../schema/codes.ts";
import type { BaseTables } from "../schema/tables.ts";
import { FilledTables } from "./filled-tables.ts";
import type { FilterLimits } from "./matched-rows.ts";
import type { Selection } from "./selection.ts";

/** Moments within which a line about a recipient that names the host tells of the same attempt. */
const SAME_ATTEMPT = 60_000_000;

/** Rows of temp.host_errors: an attempt at a host that no line about a recipient names. */
export interface HostErrorRow {
  entry_id: number;
  /** Moment. */
  at: number;
  message_id: number;
  host_id: number | null;
  ip_id: number;
  is_timeout: 0 | 1;
}

/** The tables, and those that last as long as the connection. */
export type WithHostErrors = BaseTables & { "temp.host_errors": HostErrorRow };

/** The tables with temp.host_errors of a selection. */
export function hostErrorTables(
  selection: Selection,
  codes: Codes,
  choice: FilterLimits | undefined,
): FilledTables<WithHostErrors> {
  return new FilledTables(selection.tables, () => findHostErrors(selection, codes, choice));
}

/**
 * Fills temp.host_errors with what the selection has of them. An error that is followed by a line about a recipient with the same
 * address belongs to that attempt, and is not counted again: TLS that was not closed well, a reply to all recipients. A filter of single attempts leaves out all of them: it looks at
 * what only lines about recipients say.
 */
async function findHostErrors(selection: Selection, codes: Codes, choice: FilterLimits | undefined): Promise<void> {
  const { tables } = selection;
  await sql`DROP TABLE IF EXISTS temp.host_errors`.execute(tables);
  await sql`CREATE TABLE temp.host_errors (
    entry_id INTEGER PRIMARY KEY, at INTEGER, message_id INTEGER, host_id INTEGER, ip_id INTEGER, is_timeout INTEGER
  )`.execute(tables);
  if (choice?.narrowsAttempts === true) return;
  const matched = choice === undefined ? [] : [sql`l.message_id IN (SELECT id FROM temp.matched_messages)`];
  const wanted = sql.join([sql`1`, ...selection.ofEntries(), ...matched], sql` AND `);
  const event = sql.lit(codes.event("host_error"));
  await sql`
    INSERT INTO temp.host_errors
    WITH errors AS MATERIALIZED (
      SELECT l.id AS entry_id, l.at, l.message_id, k.host_id, k.ip_id, coalesce(d.text LIKE '["category","timeout"%', 0) AS is_timeout
      FROM stored_entries l INDEXED BY idx_stored_entries_host_error
      CROSS JOIN stored_clients k ON k.entry_id = l.id LEFT JOIN strings d ON d.id = l.details_id
      WHERE l.event = ${event} AND l.message_id IS NOT NULL AND k.ip_id IS NOT NULL AND ${wanted}
    ),
    lines AS (
      SELECT *, 0 AS is_said FROM errors
      UNION ALL
      SELECT x.id, x.at, x.message_id, p.host_id, p.ip_id, 0, 1
      FROM (SELECT DISTINCT message_id FROM errors) m
      CROSS JOIN stored_entries x ON x.message_id = m.message_id
      CROSS JOIN address_events e ON e.entry_id = x.id
      CROSS JOIN delivery_paths p ON p.id = e.path_id
      WHERE e.is_attempt AND p.ip_id IS NOT NULL
    ),
    followed AS (
      SELECT *, lead(is_said) OVER w AS is_said_next, lead(at) OVER w AS next_at
      FROM lines WINDOW w AS (PARTITION BY message_id, ip_id ORDER BY at, entry_id)
    )
    SELECT entry_id, at, message_id, host_id, ip_id, is_timeout
    FROM followed
    WHERE NOT is_said AND NOT (coalesce(is_said_next, 0) AND coalesce(next_at - at, 0) < ${sql.lit(SAME_ATTEMPT)})
  `.execute(tables);
}
