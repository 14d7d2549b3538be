import type { Sections } from "../../stats/sections.ts";
import { describeHole, mendHole } from "../coverage-text.ts";
import { column, type Table } from "./table.ts";

/** A row for each log, and one for each hole. */
export function coverageTables({ logs, holes }: Sections["coverage"], timeZone: string): Table[] {
  return [
    {
      name: "coverage",
      title: "Coverage",
      columns: [
        column("server", "Server", "text"),
        column("log", "Log", "word"),
        column("state", "Coverage", "word"),
        column("holes", "Holes", "count"),
        column("rhythmSeconds", "Queue runs every", "seconds"),
      ],
      rows: logs.map(({ server, logType, state, rhythmSeconds }) => [
        server,
        logType,
        state,
        holes.filter((hole) => hole.server === server && hole.logType === logType).length,
        rhythmSeconds,
      ]),
      empty: "No log has been read yet.",
    },
    {
      name: "holes",
      title: "Holes",
      columns: [
        column("server", "Server", "text"),
        column("log", "Log", "word"),
        column("from", "From", "time"),
        column("until", "Until", "time"),
        column("text", "In words", "text"),
        column("hint", "What to do", "text"),
      ],
      rows: holes.map((hole) => [
        hole.server,
        hole.logType,
        hole.from,
        hole.until,
        describeHole(hole, timeZone),
        mendHole(hole),
      ]),
      empty: "None was found.",
    },
  ];
}
