/** The attempts to deliver a message, those that went alike in one row. */
import type { Trace, TracedAttempt } from "../../trace/result.ts";
import { renderColumns } from "../form/columns.ts";
import { formatHost, formatSeconds, formatTime } from "../form/format.ts";
import { greatest, renderHanging, widthOf } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { paintStatus } from "../form/status-colour.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

export interface AttemptOptions {
  readonly columns: number;
  readonly paint: Paint;
}

interface Group {
  readonly first: TracedAttempt;
  last: TracedAttempt;
  count: number;
}

/** A group in words. */
interface Row {
  /** Texts below {@link TITLES}. */
  readonly main: readonly string[];
  /** Router and transport, and the duration; empty where the log has neither. */
  readonly way: string;
  readonly took: string;
}

const TITLES = ["Time", "Last", "Tries", "Result", "Recipient", "Host"] as const;
const TRIES = TITLES.indexOf("Tries");
const INDENT = 2;
const DETAIL_INDENT = 4;

/**
 * Rows in columns. Where the last columns do not fit, they stand below each row, or once below all where they are the same. Where not even the
 * others fit, each row becomes a paragraph. Empty when nothing was tried.
 *
 *     Time      Result  Recipient           Host
 *     16:10:00  defer   young@rules.example  mx.rules.example [203.0.113.14]
 *         dnslookup / remote_smtp, took 0.3 s
 */
export function renderAttempts({ attempts, message }: Trace, { columns, paint }: AttemptOptions): string {
  if (attempts.length === 0) return "";
  const rows = toRows(attempts, message.timeZone, paint);
  const width = columns - INDENT;
  const text =
    renderWide(rows, paint, width) ??
    renderWithWaysBelow(rows, paint, width) ??
    rows.map((row) => renderParagraph(row, width)).join("\n");
  return `${paint.strong("Attempts")}\n${text.replace(/^/gm, " ".repeat(INDENT))}`;
}

function toRows(attempts: readonly TracedAttempt[], timeZone: string, paint: Paint): readonly Row[] {
  const days = new Set(attempts.map(({ timestamp }) => formatTime(timestamp, timeZone).slice(0, 10)));
  const show = ({ timestamp }: TracedAttempt): string =>
    formatTime(timestamp, timeZone).slice(days.size === 1 ? 11 : 0);
  return groupAlike(attempts).map(({ first, last, count }) => ({
    main: [
      show(first),
      count === 1 ? "" : show(last),
      String(count),
      paintStatus(paint, first.status),
      toVisibleLine(first.recipient),
      toVisibleLine(formatHost(first.host, null, first.ipAddress, first.port)),
    ],
    way: toVisibleLine([first.router, first.transport].filter((step) => step !== null).join(" / ")),
    took: count === 1 && first.durationSeconds !== null ? formatSeconds(first.durationSeconds) : "",
  }));
}

/** All columns that have a text in some row; undefined where they do not fit. */
function renderWide(rows: readonly Row[], paint: Paint, columns: number): string | undefined {
  const { head, cells } = mainColumns(rows);
  const titles = ["Took", "Router / transport"];
  const others = rows.map(({ way, took }) => [took, way]);
  const isUsed = (index: number): boolean => others.some((row) => row[index] !== "");
  const used = (row: readonly string[]): readonly string[] => row.filter((_, index) => isUsed(index));
  return fitting(
    [
      [...head, ...used(titles)].map((title) => paint.faint(title)),
      ...cells.map((row, index) => [...row, ...used(others[index] ?? [])]),
    ],
    columns,
  );
}

/** The first columns, and below them what is not in these; undefined where they do not fit. */
function renderWithWaysBelow(rows: readonly Row[], paint: Paint, columns: number): string | undefined {
  const { head, cells } = mainColumns(rows);
  const lines = fitting([head.map((title) => paint.faint(title)), ...cells], columns)?.split("\n");
  if (lines === undefined) return undefined;
  const below = rows.map(describeWay);
  const [heading = "", ...body] = lines;
  if (rows.length > 1 && new Set(below).size === 1)
    return [heading, ...body, ...renderBelow(below[0] === "" ? "" : `All: ${below[0]}`, 0, columns)].join("\n");
  return [
    heading,
    ...body.flatMap((line, index) => [line, ...renderBelow(below[index] ?? "", DETAIL_INDENT, columns)]),
  ].join("\n");
}

function renderBelow(text: string, indent: number, columns: number): readonly string[] {
  return text === "" ? [] : [renderHanging(" ".repeat(indent), text, indent, columns)];
}

/** The columns of {@link TITLES} that tell something. */
function mainColumns(rows: readonly Row[]): {
  readonly head: readonly string[];
  readonly cells: readonly (readonly string[])[];
} {
  const isUsed = TITLES.map((_, index) =>
    rows.some(({ main }) => main[index] !== "" && (index !== TRIES || main[index] !== "1")),
  );
  const used = (row: readonly string[]): readonly string[] => row.filter((_, index) => isUsed[index]);
  const isRepeated = isUsed[TRIES] === true;
  return {
    head: used(TITLES.map((title) => (title === "Time" && isRepeated ? "First" : title))),
    cells: rows.map(({ main }) => used(main)),
  };
}

function fitting(cells: readonly (readonly string[])[], columns: number): string | undefined {
  const text = renderColumns(cells);
  return greatest(text.split("\n").map(widthOf)) > columns ? undefined : text;
}

/** `dnslookup / remote_smtp, took 0.3 s` */
function describeWay({ way, took }: Row): string {
  return [way, took === "" ? "" : `took ${took}`].filter((part) => part !== "").join(", ");
}

/** One row where there is no room for columns: when and how it went, and below that to whom, where and by what way. */
function renderParagraph(row: Row, columns: number): string {
  const [first = "", last = "", tries = "", result = "", ...target] = row.main;
  const time = last === "" ? first : `${first} to ${last}, ${tries} tries`;
  const below = [target.filter((text) => text !== "").join("  "), describeWay(row)];
  return [
    renderHanging("", `${time}: ${result}`, DETAIL_INDENT, columns),
    ...below.flatMap((text) => renderBelow(text, DETAIL_INDENT, columns)),
  ].join("\n");
}

function groupAlike(attempts: readonly TracedAttempt[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const attempt of attempts) {
    const { status, recipient, finalAddress, host, ipAddress, router, transport } = attempt;
    const key = JSON.stringify([status, recipient, finalAddress, host, ipAddress, router, transport]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: attempt, last: attempt, count: 1 });
    else {
      group.last = attempt;
      group.count++;
    }
  }
  return [...groups.values()];
}
