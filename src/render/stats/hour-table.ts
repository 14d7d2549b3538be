/** The hours of the week as a list, and as a week with a column for each day. */
import type { Sections } from "../../stats/sections.ts";
import { type Cell, column, orderedColumn, type Table } from "./table.ts";

export const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] as const;

type WeekHour = Sections["hours"][number];
export type HourFigure = "received" | "rejected";

/** Mean of an hour; of less than a whole hour what came. Null where the time has no such hour. */
export function hourlyMean(hour: WeekHour, figure: HourFigure): number | null {
  if (hour.hours === 0) return null;
  return hour[figure] / Math.max(hour.hours, 1);
}

/** `09:00` */
export function formatHour(hour: number): string {
  return `${String(hour).padStart(2, "0")}:00`;
}

/** One row for each hour that the time has; means are rounded. */
export function hourTable(hours: Sections["hours"], timeZone: string): Table {
  const mean = (hour: WeekHour, figure: HourFigure): Cell => {
    const found = hourlyMean(hour, figure);
    return found === null ? null : Number(found.toFixed(1));
  };
  return {
    name: "hours",
    title: `Hours of the week (${timeZone})`,
    columns: [
      orderedColumn("weekday", "Weekday"),
      column("hour", "Hour", "word"),
      column("hours", "Hours", "count"),
      column("received", "Received", "count", true),
      column("rejected", "Rejected", "count"),
    ],
    rows: hours
      .filter((hour) => hour.hours > 0)
      .map((hour) => [
        WEEKDAYS[hour.weekday - 1] ?? "",
        formatHour(hour.hour),
        Number(hour.hours.toFixed(2)),
        mean(hour, "received"),
        mean(hour, "rejected"),
      ]),
    note: "Hours: how often that hour is in the time. Received and rejected: average for each such hour.",
    empty: "The logs do not cover that time.",
  };
}

/** Received messages for a page: a row for each hour of the day, a column for each weekday. */
export function weekTable(hours: Sections["hours"], timeZone: string): Table {
  const days = WEEKDAYS.map((day) => day.slice(0, "Mon".length));
  const rows = Array.from({ length: 24 }, (_, hour): Cell[] => [
    formatHour(hour),
    ...days.map((_day, index) => {
      const found = hours.find((one) => one.hour === hour && one.weekday === index + 1);
      const mean = found === undefined ? null : hourlyMean(found, "received");
      return mean === null ? null : Math.round(mean);
    }),
  ]);
  return {
    name: "hours",
    title: `Messages received at each hour of the week (${timeZone})`,
    columns: [orderedColumn("hour", "Hour"), ...days.map((day) => column(day.toLowerCase(), day, "count"))],
    rows: hours.length === 0 ? [] : rows,
    note: "Average for each such hour. `--json` and `--csv` also have the rejections, and how often the hour is in the time.",
    empty: "The logs do not cover that time.",
  };
}
