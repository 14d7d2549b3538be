/**
 * Finds the entries and messages that cannot be compared with the lines, because text of them was pruned: entries shown in fewer
 * places than before, and messages with such an entry. Lines that are the same may be paired differently when fewer of them are
 * left. What shares a line or a message with such an entry, in one of the two databases, cannot be compared either.
 */
import type Database from "better-sqlite3";
import { LINES_PER_BLOCK } from "../log-text/blocks.ts";
import { SHOWN_ENTRIES } from "./shown-entries.ts";

export interface Exclusions {
  /** Bytes of log text that were pruned. */
  readonly bytes: number;
  /** Entries of the compared database, not of what its lines say. */
  readonly entries: number;
  readonly messages: number;
}

/**
 * Fills temp.unchecked_entries (schema, id) and temp.unchecked_messages (exim_id, server) of the two databases of a connection,
 * `main` and `other`: the one that is compared, and what the lines say that it still has.
 */
export function findExclusions(database: Database.Database): Exclusions {
  database.exec(`
    CREATE TEMP TABLE excluded_entries (schema TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (schema, id)) WITHOUT ROWID;
    CREATE TEMP TABLE excluded_messages (exim_id TEXT NOT NULL, server TEXT NOT NULL, PRIMARY KEY (exim_id, server)) WITHOUT ROWID;
    CREATE TEMP TABLE text_blocks (
      schema TEXT NOT NULL, source_id INTEGER NOT NULL, first_line INTEGER NOT NULL, lines INTEGER NOT NULL, id INTEGER NOT NULL,
      PRIMARY KEY (schema, source_id, first_line)
    ) WITHOUT ROWID;`);
  const bytes = database.prepare<[], number>("SELECT total(pruned) FROM main.stored_sources").pluck().get() ?? 0;
  if (bytes === 0) return { bytes, entries: 0, messages: 0 };
  for (const schema of ["main", "other"]) {
    database.exec(`
      INSERT OR IGNORE INTO temp.text_blocks (schema, source_id, first_line, lines, id)
        SELECT '${schema}', source_id, sum(lines) OVER (PARTITION BY source_id ORDER BY position) - lines, lines, id
        FROM ${schema}.raw_blocks WHERE lines > 0`);
  }
  database.exec(`
    CREATE UNIQUE INDEX temp.idx_text_blocks_id ON text_blocks (schema, id);
    INSERT INTO temp.excluded_entries (schema, id)
      SELECT 'main', e.id FROM main.stored_entries e WHERE e.id / ${LINES_PER_BLOCK} NOT IN (SELECT id FROM main.raw_blocks)
      UNION SELECT 'main', id FROM (${SHOWN_ENTRIES}) WHERE marked <> shown
      -- Lines that another log had of an entry which a rotation has cut.
      UNION SELECT 'main', coalesce(s.entry_id, l.first_location)
        FROM main.entry_lines l LEFT JOIN main.duplicate_locations s ON s.location = l.first_location
        WHERE l.location / ${LINES_PER_BLOCK} NOT IN (SELECT id FROM main.raw_blocks)`);
  const spread = ["main", "other"].flatMap((schema) => [messagesOf(schema), entriesOf(schema), sharersOf(schema)]);
  const statements = spread.map((sql) => database.prepare(sql));
  for (;;) if (statements.reduce((added, statement) => added + statement.run().changes, 0) === 0) break;
  const count = (sql: string): number => database.prepare<[], number>(sql).pluck().get() ?? 0;
  return {
    bytes,
    entries: count("SELECT count(*) FROM temp.excluded_entries WHERE schema = 'main'"),
    messages: count(
      `SELECT count(*) FROM temp.excluded_messages u
       JOIN main.stored_servers v ON v.name = u.server JOIN main.stored_messages m ON m.exim_id = u.exim_id AND m.server_id = v.id`,
    ),
  };
}

function messagesOf(schema: string): string {
  return `INSERT OR IGNORE INTO temp.excluded_messages (exim_id, server)
    SELECT m.exim_id, v.name
    FROM temp.excluded_entries u JOIN ${schema}.stored_entries e ON e.id = u.id
    JOIN ${schema}.stored_messages m ON m.id = e.message_id JOIN ${schema}.stored_servers v ON v.id = m.server_id
    WHERE u.schema = '${schema}'`;
}

function entriesOf(schema: string): string {
  return `INSERT OR IGNORE INTO temp.excluded_entries (schema, id)
    SELECT '${schema}', e.id
    FROM temp.excluded_messages u JOIN ${schema}.stored_servers v ON v.name = u.server
    JOIN ${schema}.stored_messages m ON m.exim_id = u.exim_id AND m.server_id = v.id
    JOIN ${schema}.stored_entries e ON e.message_id = m.id`;
}

/** Entries of the other database at the lines of those of this one. */
function sharersOf(schema: string): string {
  const other = schema === "main" ? "other" : "main";
  return `INSERT OR IGNORE INTO temp.excluded_entries (schema, id)
    WITH places (location) AS (
      SELECT id FROM temp.excluded_entries WHERE schema = '${schema}'
      UNION ALL
      SELECT s.location FROM temp.excluded_entries u JOIN ${schema}.duplicate_locations s ON s.entry_id = u.id WHERE u.schema = '${schema}'
    ),
    text_lines (source_id, line) AS (
      SELECT b.source_id, b.first_line + p.location % ${LINES_PER_BLOCK}
      FROM places p JOIN temp.text_blocks b ON b.schema = '${schema}' AND b.id = p.location / ${LINES_PER_BLOCK}
    ),
    same_places (location) AS (
      SELECT (SELECT b.id * ${LINES_PER_BLOCK} + l.line - b.first_line FROM temp.text_blocks b
              WHERE b.schema = '${other}' AND b.source_id = l.source_id AND b.first_line <= l.line
              ORDER BY b.first_line DESC LIMIT 1)
      FROM text_lines l
    )
    SELECT '${other}', e.id FROM same_places p JOIN ${other}.stored_entries e ON e.id = p.location
    UNION
    SELECT '${other}', s.entry_id FROM same_places p JOIN ${other}.duplicate_locations s ON s.location = p.location`;
}
