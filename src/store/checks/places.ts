import { type Check, wasPruned } from "./check.ts";

export const PLACES: Check = {
  name: "places",
  question: "Does each entry stand on a line that is stored, on one of its own?",
  readsAllText: false,
  *run(context) {
    const { database } = context;
    // Of a message what is known stays when the text has gone.
    const isTextGone = wasPruned(context)
      ? "AND (b.id IS NOT NULL OR p.location NOT IN (SELECT id FROM stored_entries WHERE message_id IS NOT NULL))"
      : "";
    const outside = database.prepare<[], { location: number }>(
      `SELECT p.location FROM (
         SELECT id AS location FROM stored_entries
         UNION ALL SELECT location FROM sightings
         UNION ALL SELECT location FROM entry_lines
       ) p
       LEFT JOIN raw_blocks b ON b.id = p.location / 65536
       WHERE (b.id IS NULL OR p.location % 65536 >= max(b.lines, 1)) ${isTextGone}`,
    );
    for (const { location } of outside.iterate())
      yield `There is no line ${location % 65536} in block ${Math.floor(location / 65536)}, where an entry should stand.`;
    const twice = database.prepare<[], { location: number }>(
      `SELECT location FROM (
         SELECT id AS location FROM stored_entries
         UNION ALL SELECT location FROM sightings
         UNION ALL SELECT location FROM entry_lines
       ) GROUP BY location HAVING count(*) > 1`,
    );
    for (const { location } of twice.iterate()) yield `Two entries stand at ${location}.`;
  },
};
