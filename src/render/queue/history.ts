/** How a queue did over time, as a table. */
import type { HistoryPoint, QueueHistory } from "../../queue/history.ts";
import { formatBytes, formatCount, formatSeconds, formatTime } from "../form/format.ts";
import { renderColumns, renderHanging } from "../form/layout.ts";
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
  if (looks === 0) return `No look at the queue of ${about} was kept in this time.\n`;
  const count = (value: number | null): string => (value === null ? "" : formatCount(value));
  const head = `${about}: ${count(first) || "?"} messages at the first of ${formatCount(looks)} looks, ${count(last) || "?"} at the last`;
  const rates = [
    rate("growth", history.growthPerHour),
    rate("new", history.camePerHour),
    rate("gone", history.wentPerHour),
  ].filter((text) => text !== "");
  const heading = ["", "Messages", "Most", "Frozen", "Size", "Oldest", "New", "Gone"].map((title) =>
    paint.faint(title),
  );
  const rows = points.map((point) => [
    `${formatTime(point.from, timeZone).slice(0, "2026-03-02 05:40".length)}${point.isPartial ? " *" : ""}`,
    point.looks === 0 ? "–" : count(point.messages) || "few",
    ...cellsOf(point, count),
  ]);
  const notes = [
    domain === null
      ? "Messages that came and left between two looks are neither new nor gone."
      : "Few: not among the twenty domains that most messages waited for.",
    ...(points.some(({ isPartial }) => isPartial) ? ["* Not all of the queue could be read."] : []),
  ].map((note) => paint.faint(renderHanging("", note, 0, columns)));
  const table = renderColumns([heading, ...rows], { right: RIGHT });
  return `${[head, ...(rates.length === 0 ? [] : [`An hour: ${rates.join(", ")}`]), "", table, "", ...notes].join("\n")}\n`;
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

function rate(name: string, perHour: number | null): string {
  if (perHour === null) return "";
  const sign = name === "growth" ? (perHour < 0 ? "− " : "+ ") : "";
  return `${name} ${sign}${Math.abs(perHour).toLocaleString("en-US")}`;
}
