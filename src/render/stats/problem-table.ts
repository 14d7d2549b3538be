import type { Sections } from "../../stats/sections.ts";
import { describeProblem } from "./problem-text.ts";
import { column, type Table } from "./table.ts";

export function problemTable(problems: Sections["problems"], timeZone: string): Table {
  return {
    name: "problems",
    title: "Problems",
    columns: [
      column("severity", "Severity", "word"),
      column("problem", "Problem", "word"),
      column("count", "Count", "count"),
      column("share", "Share", "share"),
      column("since", "Since", "time"),
      column("subjects", "About", "text"),
      column("text", "Details", "text"),
    ],
    rows: problems.map((problem) => [
      problem.severity,
      problem.name,
      problem.count,
      problem.share,
      problem.since,
      [...problem.subjects, ...problem.accounts.map(({ account }) => account)].join(" "),
      describeProblem(problem, timeZone),
    ]),
    empty: "None that exceeds its threshold (see `exim-pilot help counting`).",
  };
}
