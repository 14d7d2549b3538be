/** How a queue did over time, as a table. */
import type { HistoryPoint, QueueHistory } from "../../queue/history.ts";
import { renderFittingTable } from "../form/fitting-table.ts";
import { countOf, formatBytes, formatCount, formatSeconds, formatTime } from "../form/format.ts";
import { renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

interface Screen {
  readonly columns: number;
  readonly paint: Paint;
  readonly timeZone: string;
}

const RIGHT = [1, 2, 3, 4, 5, 6, 7];

export function renderHistory(history: QueueHistory, { columns, paint, timeZone }: Screen): string {
  const { server, domain, looks, first, last, points } = history;
  const about = domain === null ? toVisibleLine(server) : `${toVisibleLine(domain)} on ${toVisibleLine(server)}`;
  if (looks === 0) return `No snapshot of the queue of ${about} was taken in this time.\n`;
  const count = (value: number | null): string => (value === null ? "" : formatCount(value));
  const titles = [`From (${timeZone})`, "Messages", "At most", "Frozen", "Size", "Oldest", "New", "Gone"];
  const rows = points.map((point) => [
    `${formatTime(point.from, timeZone).slice(0, "2026-03-02 05:40".length)}${point.isPartial ? " *" : ""}`,
    point.looks === 0 ? "–" : count(point.messages) || FEW,
    ...cellsOf(point, count),
  ]);
  const notes = [
    ...(domain === null ? ["Messages that came and left between two snapshots count neither as new nor as gone."] : []),
    ...(rows.some(([, messages]) => messages === FEW)
      ? [`${FEW}: not among the twenty domains for which most waited.`]
      : []),
    ...(points.some(({ isPartial }) => isPartial) ? ["* Not all of the queue could be read."] : []),
  ].map((note) => paint.faint(renderHanging("", note, 0, columns)));
  const head = [`${about}: ${describeEnds(looks, first, last)}`, ...describeRates(history)].map((line) =>
    renderHanging("", line, 0, columns),
  );
  const table = renderFittingTable({ titles, rows, right: RIGHT }, { columns, paint });
  return `${[...head, "", table, ...(notes.length === 0 ? [] : ["", ...notes])].join("\n")}\n`;
}

/** Messages of a domain that is not among those with the most. */
const FEW = "few";

/** `11 messages in the first of 2 snapshots, 9 in the last`. */
function describeEnds(looks: number, first: number | null, last: number | null): string {
  const messages = first === null ? `${FEW} messages` : countOf(first, "message");
  if (looks === 1) return `${messages} in the only snapshot`;
  return `${messages} in the first of ${formatCount(looks)} snapshots, ${last === null ? FEW : formatCount(last)} in the last`;
}

function cellsOf(point: HistoryPoint, count: (value: number | null) => string): readonly string[] {
  return [
    count(point.most),
    count(point.frozen),
    point.bytes === null ? "" : formatBytes(point.bytes),
    point.oldestSeconds === null ? "" : formatSeconds(point.oldestSeconds),
    count(point.came),
    count(point.went),
  ];
}

/** `On average per hour: 4 more on the queue, 6 new, 2 gone`. */
function describeRates({ growthPerHour, camePerHour, wentPerHour }: QueueHistory): readonly string[] {
  const rate = (perHour: number | null, name: string): readonly string[] =>
    perHour === null ? [] : [`${Math.abs(perHour).toLocaleString("en-US")} ${name}`];
  const rates = [
    ...(growthPerHour === 0
      ? ["no growth"]
      : rate(growthPerHour, growthPerHour !== null && growthPerHour < 0 ? "fewer" : "more")),
    ...rate(camePerHour, "new"),
    ...rate(wentPerHour, "gone"),
  ];
  return rates.length === 0 ? [] : [`On average per hour: ${rates.join(", ")}`];
}
