import type { CheckContext, IntegrityCheck } from "./check.ts";

const FIGURES = ["lines", "entries", "other", "unparsed", "first_ms", "last_ms"] as const;
type Figures = Readonly<Record<(typeof FIGURES)[number], number | null>>;

/** Compares the counts in the rows of sources with their blocks and entries. */
export const COUNTS: IntegrityCheck = {
  name: "counts",
  question: "Are there as many lines and entries as each log says?",
  readsAllText: false,
  *run(context) {
    const stated = context.database
      .prepare<[], Figures & { id: number; pruned: number }>(
        `SELECT id, pruned, ${FIGURES.join(", ")} FROM stored_sources ORDER BY id`,
      )
      .all();
    const counted = countAll(context);
    for (const source of stated) {
      const actual = counted.get(source.id);
      for (const figure of FIGURES) {
        const found = actual?.[figure] ?? (figure.endsWith("_ms") ? null : 0);
        if (!agrees(figure, source[figure], found, source.pruned > 0))
          yield `Source ${source.id} states ${figure} ${source[figure]}; there is ${found}.`;
      }
    }
  },
};

/** True if a stated count fits what was found; a log with pruned text may hold less than stated. */
function agrees(figure: keyof Figures, stated: number | null, found: number | null, isPruned: boolean): boolean {
  if (!isPruned || found === null || stated === null) return stated === found || (isPruned && found === null);
  return figure === "first_ms" ? stated <= found : stated >= found;
}

function countAll({ database }: CheckContext): ReadonlyMap<number, Figures> {
  const rows = database
    .prepare<[], Figures & { id: number }>(
      `WITH places AS (
         SELECT id AS location, event FROM stored_entries
         UNION ALL SELECT s.location, e.event FROM duplicate_locations s JOIN stored_entries e ON e.id = s.entry_id
       ),
       events AS (
         SELECT b.source_id AS id, k.name, count(*) AS entries
         FROM places p JOIN raw_blocks b ON b.id = p.location / 65536 JOIN codes k ON k.family = 'event' AND k.code = p.event
         GROUP BY b.source_id, k.name
       ),
       blocks AS (
         SELECT source_id AS id, sum(lines) AS lines, min(first_ms) AS first_ms, max(last_ms) AS last_ms
         FROM raw_blocks GROUP BY source_id
       )
       SELECT b.*,
         coalesce((SELECT sum(entries) FROM events e WHERE e.id = b.id AND e.name <> 'unparsed'), 0) AS entries,
         coalesce((SELECT sum(entries) FROM events e WHERE e.id = b.id AND e.name = 'other'), 0) AS other,
         coalesce((SELECT sum(entries) FROM events e WHERE e.id = b.id AND e.name = 'unparsed'), 0) AS unparsed
       FROM blocks b`,
    )
    .all();
  return new Map(rows.map((row) => [row.id, row]));
}
