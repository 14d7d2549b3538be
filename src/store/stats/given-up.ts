/** Recipients that were given up when their retry time was over: no attempt, but a bounce, for the reason of the last attempt. */
import { sql } from "kysely";
import type { Codes } from "../schema/codes.ts";
import type { BaseTables } from "../schema/tables.ts";
import { FilledTables } from "./filled-tables.ts";
import type { FilterLimits } from "./matched-rows.ts";
import type { Selection } from "./selection.ts";

/** Rows of temp.given_up: one for each `retry timeout exceeded`. */
export interface GivenUpRow {
  entry_id: number;
  /** Entry of the last attempt, which gives the reason; this entry itself if no attempt is known. */
  reason_id: number;
  /** Problem of the last attempt; null if none is known. */
  problem_id: number | null;
}

/** The tables, and those that last as long as the connection. */
export type WithGivenUp = BaseTables & { "temp.given_up": GivenUpRow };

/** The tables with temp.given_up of a selection. */
export function givenUpTables(
  selection: Selection,
  codes: Codes,
  choice: FilterLimits | undefined,
): FilledTables<WithGivenUp> {
  return new FilledTables(selection.tables, () => findGivenUp(selection, codes, choice));
}

/** Fills temp.given_up with what the selection has of them. */
async function findGivenUp(selection: Selection, codes: Codes, choice: FilterLimits | undefined): Promise<void> {
  const { tables } = selection;
  await sql`DROP TABLE IF EXISTS temp.given_up`.execute(tables);
  await sql`CREATE TABLE temp.given_up (entry_id INTEGER PRIMARY KEY, reason_id INTEGER, problem_id INTEGER)`.execute(
    tables,
  );
  const matched = choice === undefined ? [] : [sql`e.entry_id IN (SELECT id FROM temp.matched_events)`];
  const wanted = sql.join([sql`1`, ...selection.ofEntries(), ...matched], sql` AND `);
  await sql`
    INSERT INTO temp.given_up
    WITH ended AS MATERIALIZED (
      SELECT e.entry_id, e.recipient_id, l.message_id
      FROM address_events e INDEXED BY idx_address_events_given_up CROSS JOIN stored_entries l ON l.id = e.entry_id
      WHERE e.outcome = ${sql.lit(codes.outcome("bounced"))} AND e.is_attempt = 0 AND ${wanted}
    ),
    tried AS (
      -- NOTE: beside max(), the other columns are those of the row that has it.
      SELECT max(x.at), x.message_id, a.recipient_id, a.entry_id, a.problem_id
      FROM (SELECT DISTINCT message_id FROM ended) m
      CROSS JOIN stored_entries x ON x.message_id = m.message_id
      CROSS JOIN address_events a ON a.entry_id = x.id
      WHERE a.is_attempt AND a.problem_id IS NOT NULL
      GROUP BY x.message_id, a.recipient_id
    )
    SELECT e.entry_id, coalesce(t.entry_id, e.entry_id), t.problem_id
    FROM ended e LEFT JOIN tried t ON t.message_id = e.message_id AND t.recipient_id = e.recipient_id
  `.execute(tables);
}
