import type { Abuse } from "../../abuse/abuse.ts";
import { renderColumns } from "../form/columns.ts";
import { renderVisibleCsvRow } from "../form/csv.ts";
import { formatCount, formatTime } from "../form/format.ts";
import { greatest, renderHanging, widthOf } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisible, toVisibleLine } from "../form/terminal-text.ts";
import { NONE_AT_RISK } from "./risk-text.ts";
import { ABUSE_FIGURES, type AbuseFigure, type AbuseRow, type AbuseTable, toAbuseTables } from "./tables.ts";

export interface AbuseOptions {
  readonly columns: number;
  readonly paint: Paint;
  readonly timeZone: string;
}

const GAP = 2;

/** Tables with their rows, the worst first; the story of a row is below it. Tables without rows are left out, but for that of accounts at risk. */
export function renderAbusePage(abuse: Abuse, options: AbuseOptions): string {
  const tables = toAbuseTables(abuse).flatMap((table) => {
    if (table.rows.length > 0) return [renderTable(table, options)];
    return table.name === "accountsAtRisk" ? [renderNoneAtRisk(table, options)] : [];
  });
  return tables.join("\n");
}

function renderNoneAtRisk({ title }: AbuseTable, { columns, paint }: AbuseOptions): string {
  return `${paint.strong(title)}\n${renderHanging("   ", NONE_AT_RISK, 3, columns)}\n`;
}

/**
 *     Accounts at risk
 *     #  Account  Failures  Messages  Recipients  Refused  Verdict
 *     1  alice          86        16          16        0  likely stolen
 *        86 failed logins from 203.0.113.103, then a login from there, …
 */
function renderTable(table: AbuseTable, options: AbuseOptions): string {
  const { paint, columns, timeZone } = options;
  const { title, rows } = table;
  const indent = String(rows.length).length + GAP;
  const wide = alignRows(table, indent, true);
  // A name that has no room beside the figures gets a line of its own: nothing is cut.
  const isWide = greatest(wide.map(widthOf)) <= columns;
  const [figures = "", ...lines] = isWide ? wide : alignRows(table, indent, false);
  const heading = isWide ? figures : `${"#".padEnd(indent)}${table.subject}\n${figures}`;
  const blank = " ".repeat(indent);
  const body = rows.flatMap((row, index) => {
    const { name, verdict, tone } = row;
    const line = paintEnd(lines[index] ?? "", verdict, paint[tone]);
    const rank = String(index + 1).padEnd(indent);
    const head = isWide ? [line] : [renderHanging(rank, toVisibleLine(name), indent, columns), line];
    const story = describeRow(row, timeZone);
    return [...head, paint.faint(renderHanging(blank, toVisibleLine(story), indent, columns))];
  });
  return [
    `${paint.strong(title)} ${paint.faint(`(${timeZone})`)}`,
    ...heading.split("\n").map((line) => paint.faint(line)),
    ...body,
  ]
    .map((line) => `${line}\n`)
    .join("");
}

/** The heading and a line for each row: with ranks and names, or indented without. */
function alignRows({ subject, figures, rows }: AbuseTable, indent: number, hasNames: boolean): readonly string[] {
  const cells = rows.map((row, index) => [
    ...(hasNames ? [String(index + 1), toVisibleLine(row.name)] : []),
    ...figures.map((figure) => formatCount(row.figures[figure] ?? 0)),
    row.verdict,
  ]);
  const heading = [...(hasNames ? ["#", subject] : []), ...figures.map((figure) => ABUSE_FIGURES[figure]), "Verdict"];
  const first = hasNames ? 2 : 0;
  const right = figures.map((_, index) => index + first);
  const lines = renderColumns([heading, ...cells], { right }).split("\n");
  return hasNames ? lines : lines.map((line) => " ".repeat(indent) + line);
}

function paintEnd(line: string, end: string, paint: (text: string) => string): string {
  return end !== "" && line.endsWith(end) ? line.slice(0, -end.length) + paint(end) : line;
}

/** The story of a row and its period: `by www-data; as a@b.test; 2026-03-02 05:40:05 to 2026-03-02 06:13:49`. */
export function describeRow({ details, first, last }: AbuseRow, timeZone: string): string {
  return [...(details === "" ? [] : [details]), describePeriod(first, last, timeZone)].join("; ");
}

function describePeriod(first: string, last: string, timeZone: string): string {
  const [from, until] = [formatTime(first, timeZone), formatTime(last, timeZone)];
  return from === until ? from : `${from} to ${until}`;
}

const FIGURES = Object.keys(ABUSE_FIGURES) as AbuseFigure[];

/** All tables as one, each row with the name of its table. Times are ISO-8601. */
export function renderAbuseCsv(abuse: Abuse): string {
  const rows = toAbuseTables(abuse).flatMap(({ name, rows }) => rows.map((row, index) => csvRow(name, index + 1, row)));
  return [["table", "rank", "name", ...FIGURES, "verdict", "details", "first", "last"], ...rows]
    .map(renderVisibleCsvRow)
    .join("");
}

function csvRow(table: string, rank: number, row: AbuseRow): (string | number | null)[] {
  const { name, figures, verdict, details, first, last } = row;
  const amounts = FIGURES.map((figure) => figures[figure] ?? null);
  return [table, rank, toVisible(name), ...amounts, verdict, toVisible(details), first, last];
}
