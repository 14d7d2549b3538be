/** Results of signatures and scanners; each different result of a message counts once. */
import type Database from "better-sqlite3";
import { epochMs, MINUTE_MS, momentAt } from "../../units.ts";
import { ARRIVAL_SIGNATURES } from "../search/findings.ts";
import type { StatsFilter } from "./selection.ts";

/** A message is scanned so long before it has arrived. */
const BEFORE_ARRIVAL_MS = 10 * MINUTE_MS;

const SQL = {
  signature: `
    SELECT DISTINCT l.message_id, json_extract(d.text, '$[1]')
    FROM stored_entries l JOIN strings d ON d.id = l.details_id
    WHERE l.event = @signature AND l.message_id IS NOT NULL AND d.text LIKE '["signature",%' AND l.at >= @from AND l.at < @until
    UNION
    SELECT l.message_id, ${ARRIVAL_SIGNATURES.result}
    FROM stored_entries l JOIN strings d ON d.id = l.details_id JOIN ${ARRIVAL_SIGNATURES.from("d.text")}
    WHERE l.event = @arrival AND l.message_id IS NOT NULL AND l.at >= @from AND l.at < @until
      AND ${ARRIVAL_SIGNATURES.mayBeIn("d.text")}`,
  // NOTE: the highest of several scores is the one that decided.
  "spam-score": `
    SELECT l.message_id, max(CAST(json_extract(d.text, '$[1]') AS REAL))
    FROM stored_entries l JOIN strings d ON d.id = l.details_id
    WHERE l.message_id IS NOT NULL AND d.text LIKE '["spam_score",%' AND l.at >= @from AND l.at < @until
    GROUP BY l.message_id`,
} as const;

/** Fills temp.message_findings with the messages around the time, and what was found of them. */
export function findFindings(database: Database.Database, axis: keyof typeof SQL, { since, until }: StatsFilter): void {
  const code = (name: string): number =>
    database
      .prepare<[string], number>("SELECT code FROM codes WHERE family = 'event' AND name = ?")
      .pluck()
      .get(name) ?? -1;
  database.exec("DROP TABLE IF EXISTS temp.message_findings");
  database.exec("CREATE TABLE temp.message_findings (id INTEGER NOT NULL, text TEXT NOT NULL)");
  const times = {
    from: since === undefined ? 0 : momentAt(epochMs(since - BEFORE_ARRIVAL_MS), 0),
    until: until === undefined ? Number.MAX_SAFE_INTEGER : momentAt(until, 0),
  };
  const codes = axis === "signature" ? { signature: code("signature"), arrival: code("arrival") } : {};
  database.prepare(`INSERT INTO temp.message_findings ${SQL[axis]}`).run({ ...times, ...codes });
  database.exec("CREATE INDEX temp.message_findings_id ON message_findings (id)");
}
