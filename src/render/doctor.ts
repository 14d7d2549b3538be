import type { DoctorReport, Verdict } from "../doctor/doctor.ts";
import { renderColumns } from "./form/columns.ts";
import { countOf, formatBytes } from "./form/format.ts";
import { renderHanging } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

const MARK_WIDTH = 9;

/** Renders a line for each finding, with its advice below, then the sizes of the tables. */
export function renderDoctor(
  { path, program, node, sqlite, findings, tables }: DoctorReport,
  columns: number,
  paint: Paint,
): string {
  const colours: Readonly<Record<Verdict, (text: string) => string>> = {
    ok: paint.good,
    advice: paint.waiting,
    problem: paint.bad,
  };
  const versions = `exim-pilot ${program}, Node ${node}${sqlite === undefined ? "" : `, SQLite ${sqlite}`}`;
  const lines = findings.flatMap(({ check, verdict, message, hint }) => {
    const mark = colours[verdict](verdict) + " ".repeat(MARK_WIDTH - verdict.length);
    const text = `${toVisibleLine(check)}: ${toVisibleLine(message)}`;
    const below =
      hint === undefined ? [] : [renderHanging(" ".repeat(MARK_WIDTH), toVisibleLine(hint), MARK_WIDTH, columns)];
    return [renderHanging(mark, text, MARK_WIDTH, columns), ...below];
  });
  const rows = Object.entries(tables)
    .slice(0, LARGEST)
    .map(([table, bytes]) => [`  ${toVisibleLine(table)}`, formatBytes(bytes)]);
  const sizes = rows.length === 0 ? [] : ["", paint.strong("Largest tables"), renderColumns(rows, { right: [1] })];
  const problems = findings.filter(({ verdict }) => verdict === "problem").length;
  const advices = findings.filter(({ verdict }) => verdict === "advice").length;
  const sum = `${countOf(problems, "problem")}, ${countOf(advices, "piece of advice", "pieces of advice")}.`;
  return `${[renderHanging("", `"${toVisibleLine(path)}", ${versions}`, 0, columns), "", ...lines, ...sizes, "", sum].join("\n")}\n`;
}

const LARGEST = 6;
