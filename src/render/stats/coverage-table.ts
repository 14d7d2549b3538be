import type { Sections } from "../../stats/sections.ts";
import { describeHole, describeSilence, mendHole } from "../coverage-text.ts";
import { type Cell, column, proseColumn, type Table } from "./table.ts";

/** A row for each hole, and one for each log without any. */
export function coverageTable({ logs, holes }: Sections["coverage"], timeZone: string): Table {
  return {
    name: "coverage",
    title: "Coverage",
    columns: [
      column("server", "Server", "text"),
      column("log", "Log", "word"),
      column("coverage", "Coverage", "word"),
      column("from", "From", "time"),
      column("until", "Until", "time"),
      column("rhythmSeconds", "Queue runs", "seconds"),
      proseColumn("text", "Details", "text"),
      proseColumn("hint", "What to do", "text"),
    ],
    rows: logs.flatMap((log) => {
      const { server, logType, state, rhythmSeconds } = log;
      const found = holes.filter((hole) => hole.server === server && hole.logType === logType);
      const row = (...rest: readonly [Cell, Cell, Cell, Cell, Cell]): Cell[] => [server, logType, state, ...rest];
      if (found.length === 0) return [row(null, null, rhythmSeconds, describeSilence(log, timeZone) ?? null, null)];
      return found.map((hole) =>
        row(hole.from, hole.until, hole.rhythmSeconds, describeHole(hole, timeZone), mendHole(hole)),
      );
    }),
    empty: "No log has been read yet.",
  };
}
