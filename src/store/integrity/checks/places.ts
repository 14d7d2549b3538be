import type { IntegrityCheck } from "./check.ts";

export const PLACES: IntegrityCheck = {
  name: "places",
  question: "Does each entry stand on a line that is stored, on one of its own?",
  readsAllText: false,
  *run({ database }) {
    const outside = database.prepare<[], { location: number }>(
      // An entry of a message outlives its text when that is pruned. So does the place of a line that another log had of an entry.
      `SELECT p.location FROM (
         SELECT id AS location, message_id IS NOT NULL AND server_id IN (SELECT server_id FROM stored_sources WHERE pruned > 0) AS may_be_pruned
         FROM stored_entries
         UNION ALL SELECT location, FALSE FROM duplicate_locations
         UNION ALL
         SELECT location, location / 65536 <> first_location / 65536 AND (SELECT max(pruned) FROM stored_sources) > 0
         FROM entry_lines
       ) p
       LEFT JOIN raw_blocks b ON b.id = p.location / 65536
       WHERE b.id IS NULL AND NOT p.may_be_pruned OR p.location % 65536 >= max(b.lines, 1)`,
    );
    for (const { location } of outside.iterate())
      yield `There is no line ${location % 65536} in block ${Math.floor(location / 65536)}, where an entry should be.`;
    const twice = database.prepare<[], { location: number }>(
      `SELECT location FROM (
         SELECT id AS location FROM stored_entries
         UNION ALL SELECT location FROM duplicate_locations
         UNION ALL SELECT location FROM entry_lines
       ) GROUP BY location HAVING count(*) > 1`,
    );
    for (const { location } of twice.iterate()) yield `Two entries stand at ${location}.`;
  },
};
