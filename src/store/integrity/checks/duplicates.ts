import { blockOf, lineOf, type RawTextReader } from "../../log-text/blocks.ts";
import { SHOWN_ENTRIES } from "../shown-entries.ts";
import type { IntegrityCheck } from "./check.ts";

export const DUPLICATE_LOCATIONS: IntegrityCheck = {
  name: "locations",
  question: "Is what each entry says about the logs that show it true?",
  readsAllText: false,
  *run({ database }) {
    const wrong = database.prepare<[], { location: number; what: string }>(
      `SELECT g.location,
         CASE
           WHEN s.log_type <> g.log_type THEN 'is in a log of another type'
           WHEN o.log_type = s.log_type THEN 'is in a log of the type of its entry'
           ELSE 'is in a log of another server than its entry'
         END AS what
       FROM duplicate_locations g
       JOIN raw_blocks b ON b.id = g.location / 65536 JOIN stored_sources s ON s.id = b.source_id
       JOIN raw_blocks c ON c.id = g.entry_id / 65536 JOIN stored_sources o ON o.id = c.source_id
       JOIN codes k ON k.family = 'log_type' AND k.code = s.log_type
       WHERE k.name <> 'syslog' AND (s.log_type <> g.log_type OR o.log_type = s.log_type) OR o.server_id <> s.server_id`,
    );
    for (const { location, what } of wrong.iterate()) yield `The duplicate location ${location} ${what}.`;
    const wrongEntries = database.prepare<[], { id: number; is_stranger: number; marked: number; shown: number }>(
      `SELECT id, is_stranger, marked, shown FROM (${SHOWN_ENTRIES})
       WHERE is_stranger
          OR iif(server_id IN (SELECT server_id FROM stored_sources WHERE pruned > 0), marked & shown, marked) <> shown`,
    );
    for (const { id, is_stranger, marked, shown } of wrongEntries.iterate())
      yield is_stranger
        ? `Entry ${id} is of another server than its log.`
        : `Entry ${id} is marked as seen in ${marked}; the logs that show it are ${shown}.`;
  },
};

export const DUPLICATES: IntegrityCheck = {
  name: "duplicates",
  question: "Do two logs that show one entry have the same line?",
  readsAllText: true,
  *run({ database, rawText }) {
    const total = (database.prepare("SELECT count(*) AS count FROM duplicate_locations").get() as { count: number })
      .count;
    const duplicateLocations = database.prepare<[], { location: number; entry_id: number }>(
      // Lines that came through syslog are pieces, and differ.
      `SELECT g.location, g.entry_id FROM duplicate_locations g
       JOIN raw_blocks b ON b.id = g.location / 65536 JOIN stored_sources s ON s.id = b.source_id
       JOIN codes k ON k.family = 'log_type' AND k.code = s.log_type
       WHERE k.name <> 'syslog' ORDER BY g.location`,
    );
    let done = 0;
    for (const { location, entry_id } of duplicateLocations.iterate()) {
      if (lineAt(rawText, location) !== lineAt(rawText, entry_id))
        yield `The entries ${location} and ${entry_id} are stored as one and have different lines.`;
      yield { done: ++done, total };
    }
  },
};

function lineAt(rawText: RawTextReader, location: number): string | undefined {
  return rawText.block(blockOf(location))?.lineAt(lineOf(location));
}
