/** The attempts to deliver a message, those that went alike in one row. */
import type { Trace, TracedAttempt } from "../../trace/result.ts";
import { formatHost, formatSeconds, formatTime } from "../form/format.ts";
import { greatest, renderColumns, renderHanging, widthOf } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { paintStatus } from "../form/status-colour.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

interface Group {
  readonly first: TracedAttempt;
  last: TracedAttempt;
  count: number;
}

/**
 * Columns, the more dispensable ones last: how long a try took and by what way it went is in the timeline all the same. Where not even the
 * others fit, each row becomes a paragraph. Empty when nothing was tried.
 */
export function renderAttempts({ attempts, message }: Trace, paint: Paint, columns: number): string {
  if (attempts.length === 0) return "";
  const groups = groupAlike(attempts);
  const days = new Set(attempts.map(({ timestamp }) => formatTime(timestamp, message.timeZone).slice(0, 10)));
  const isOneDay = days.size === 1;
  const show = ({ timestamp }: TracedAttempt): string =>
    formatTime(timestamp, message.timeZone).slice(isOneDay ? 11 : 0);
  const hasRepeated = groups.some(({ count }) => count > 1);
  const head = [hasRepeated ? "First" : "Time", "Last", "Tries", "Result", "Recipient", "Host", "Took", "Way"].map(
    (title) => paint.faint(title),
  );
  const rows = groups.map(({ first, last, count }) => [
    show(first),
    count === 1 ? "" : show(last),
    String(count),
    paintStatus(paint, first.status),
    toVisibleLine(first.recipient),
    toVisibleLine(formatHost(first.host, null, first.ipAddress, first.port)),
    count === 1 && first.durationSeconds !== null ? formatSeconds(first.durationSeconds) : "",
    toVisibleLine([first.router, first.transport].filter((step) => step !== null).join(" / ")),
  ]);
  const isUsed = head.map((_, index) =>
    rows.some((row) => row[index] !== "" && (index !== TRIES || row[index] !== "1")),
  );
  const used = (row: readonly string[]): readonly string[] => row.filter((_, index) => isUsed[index]);
  const needed = isUsed.slice(0, HOST + 1).filter(Boolean).length;
  const text =
    renderFitting([head, ...rows].map(used), needed, columns - 2) ??
    rows.map((row) => renderParagraph(row, columns - 2)).join("\n");
  return `${paint.strong("Attempts")}\n${text.replace(/^/gm, "  ")}`;
}

const TRIES = 2;
const HOST = 5;

/** One row where there is no room for columns: when and how it went, and below that to whom, where and by what way. */
function renderParagraph(row: readonly string[], columns: number): string {
  const [first = "", last = "", tries = "", result = "", ...rest] = row;
  const time = last === "" ? first : `${first} to ${last}, ${tries} tries`;
  const below = rest.filter((text) => text !== "").join("  ");
  return `${renderHanging("", `${time}: ${result}`, 4, columns)}\n${renderHanging("    ", below, 4, columns)}`;
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

/** The leftmost columns whose lines fit; undefined when that is fewer than `needed`. */
function renderFitting(rows: readonly (readonly string[])[], needed: number, columns: number): string | undefined {
  const cells = rows.map((row) => row.map(widthOf));
  const columnWidths = (cells[0] ?? []).map((_, index) => greatest(cells.map((row) => row[index] ?? 0)));
  const lengthOf = (row: readonly number[]): number => {
    const last = row.findLastIndex((width) => width > 0);
    return row[last] === undefined ? 0 : columnWidths.slice(0, last).reduce((sum, width) => sum + width + 2, row[last]);
  };
  let kept = columnWidths.length;
  while (kept >= needed && cells.some((row) => lengthOf(row.slice(0, kept)) > columns)) kept--;
  return kept < needed ? undefined : renderColumns(rows.map((row) => row.slice(0, kept)));
}
