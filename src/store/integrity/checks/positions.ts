import type { IntegrityCheck } from "./check.ts";

export const POSITIONS: IntegrityCheck = {
  name: "positions",
  question: "Do the blocks of each log follow one another without a gap, to where it was read?",
  readsAllText: false,
  *run({ database }) {
    const gaps = database.prepare<[], { id: number; source_id: number; position: number; expected: number }>(
      `SELECT * FROM (
         SELECT b.id, b.source_id, b.position, 
           coalesce(lag(b.position + b.size) OVER (PARTITION BY source_id ORDER BY b.position), s.pruned) AS expected
         FROM raw_blocks b JOIN stored_sources s ON s.id = b.source_id
       ) WHERE position <> expected`,
    );
    for (const { id, source_id, position, expected } of gaps.iterate())
      yield `Block ${id} of source ${source_id} begins at byte ${position}, not at ${expected}.`;
    const ends = database.prepare<[], { id: number; position: number; end: number }>(
      `SELECT s.id, s.position, coalesce(max(b.position + b.size), s.pruned) AS end
       FROM stored_sources s LEFT JOIN raw_blocks b ON b.source_id = s.id
       GROUP BY s.id HAVING s.position <> end`,
    );
    for (const { id, position, end } of ends.iterate())
      yield `Source ${id} was read up to byte ${position} and its text ends at ${end}.`;
  },
};
