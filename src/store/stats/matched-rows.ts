/** Stores what `search` finds in tables of ids that last as long as the connection: a filter means the same in figures as in lists. */
import { type Kysely, sql } from "kysely";
import type { Schema } from "../schema/tables.ts";
import { ConditionBuilder } from "../search/conditions.ts";
import type { Filter, HitKind } from "../search/filter.ts";
import type { SearchReader } from "../search/search-reader.ts";

/** Limits of a filter: facts that it cannot select for some figures. */
export interface FilterLimits {
  /** False: what was refused before there was a message cannot match. */
  readonly hasLoneRejections: boolean;
  /** True: of the attempts for the messages found only those that match themselves are counted. */
  readonly narrowsAttempts: boolean;
}

const NEWEST_FIRST = { key: "time", isAscending: false } as const;

/**
 * Fills temp.matched_messages, matched_rejections and matched_events with the ids of what matches, of any time. With `event` among the
 * kinds, matched_rejections holds the other lines too that belong to no message. Errors: `usage`.
 */
export async function chooseRows(
  database: Kysely<Schema>,
  search: SearchReader,
  subjects: Filter,
  kind: readonly HitKind[] = ["message", "rejection"],
): Promise<FilterLimits> {
  for (const table of ["matched_messages", "matched_rejections", "matched_events"]) {
    await sql`DROP TABLE IF EXISTS ${sql.table(`temp.${table}`)}`.execute(database);
    await sql`CREATE TABLE ${sql.table(`temp.${table}`)} (id INTEGER PRIMARY KEY)`.execute(database);
  }
  const { attempt, entry } = await new ConditionBuilder(database).build(subjects);
  const filter: Filter = { ...subjects, kind };
  for await (const hits of search.findAll({ filter, order: NEWEST_FIRST, after: undefined })) {
    for (const [table, isMessage] of [["matched_messages", 1] as const, ["matched_rejections", 0] as const]) {
      const ids = JSON.stringify(hits.filter((hit) => hit.isMessage === isMessage).map(({ id }) => id));
      await sql`INSERT INTO ${sql.table(`temp.${table}`)} SELECT value FROM json_each(${ids})`.execute(database);
    }
  }
  await sql`
    INSERT INTO temp.matched_rejections
    SELECT l.id FROM temp.matched_messages c CROSS JOIN stored_entries l ON l.message_id = c.id
    JOIN stored_rejections j ON j.entry_id = l.id`.execute(database);
  await sql`
    INSERT INTO temp.matched_events
    SELECT a.entry_id FROM temp.matched_messages c CROSS JOIN stored_entries l ON l.message_id = c.id
    JOIN address_events a ON a.entry_id = l.id
    LEFT JOIN delivery_paths y ON y.id = a.path_id LEFT JOIN delivery_problems b ON b.id = a.problem_id
    WHERE ${sql.join([sql`1`, ...attempt], sql` AND `)}`.execute(database);
  return { hasLoneRejections: entry !== undefined, narrowsAttempts: attempt.length > 0 };
}
