import { type Check, wasPruned } from "./check.ts";

export const POSITIONS: Check = {
  name: "positions",
  question: "Do the blocks of each log follow one another without a gap, to where it was read?",
  readsAllText: false,
  *run(context) {
    const { database } = context;
    const isBeginningKept = !wasPruned(context);
    const gaps = database.prepare<[], { id: number; source_id: number; position: number; expected: number }>(
      `SELECT * FROM (
         SELECT id, source_id, position, coalesce(lag(position + size) OVER (PARTITION BY source_id ORDER BY position),
           ${isBeginningKept ? "0" : "position"}) AS expected
         FROM raw_blocks
       ) WHERE position <> expected`,
    );
    for (const { id, source_id, position, expected } of gaps.iterate())
      yield `Block ${id} of source ${source_id} begins at byte ${position}, not at ${expected}.`;
    const ends = database.prepare<[], { id: number; position: number; end: number }>(
      `SELECT s.id, s.position, coalesce(max(b.position + b.size), 0) AS end
       FROM stored_sources s LEFT JOIN raw_blocks b ON b.source_id = s.id
       GROUP BY s.id HAVING s.position <> end${isBeginningKept ? "" : " AND count(b.id) > 0"}`,
    );
    for (const { id, position, end } of ends.iterate())
      yield `Source ${id} was read up to byte ${position} and its text ends at ${end}.`;
  },
};
