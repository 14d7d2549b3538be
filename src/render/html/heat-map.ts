/** The hours of the week as coloured cells. It is a table: who cannot see colours reads its figures. */
import type { Sections } from "../../stats/sections.ts";
import { formatCount } from "../form/format.ts";
import { formatHour, type HourFigure, hourlyMean, WEEKDAYS } from "../stats/hour-table.ts";
import { escapeHtml } from "./markup.ts";

const LEVELS = 8;
const DAY_HOURS = 24;
const TITLES: Readonly<Record<HourFigure, string>> = {
  received: "Messages received",
  rejected: "Rejections",
};

/** Two maps: with the hours side by side for a screen, and below each other for a phone. */
export function renderHeatMap(hours: Sections["hours"], figure: HourFigure, timeZone: string): string {
  const means = new Map(hours.map((hour) => [placeOf(hour.weekday, hour.hour), hourlyMean(hour, figure)]));
  const most = [...means.values()].reduce<number>((greatest, mean) => Math.max(greatest, mean ?? 0), 0);
  const caption = `${TITLES[figure]} at each hour of the week (${timeZone})`;
  if (most === 0) return `<figure><figcaption>${escapeHtml(caption)}</figcaption><p>None.</p></figure>`;
  const cell = (day: number, hour: number): string => {
    const mean = means.get(placeOf(day, hour)) ?? null;
    if (mean === null) return `<td class="none" title="${titleOf(day, hour)}: the time has no such hour"></td>`;
    const level = Math.ceil((mean / most) * LEVELS);
    const colour = level === 0 ? "" : ` class="l${level}"`;
    return `<td${colour} title="${titleOf(day, hour)}: ${formatMean(mean)} an hour">${formatShort(mean)}</td>`;
  };
  const days = WEEKDAYS.map((name, index) => ({ name, short: name.slice(0, "Mon".length), day: index + 1 }));
  const clock = Array.from({ length: DAY_HOURS }, (_, hour) => hour);
  const column = (content: string): string => `<th scope="col">${content}</th>`;
  const row = (head: string, cells: readonly string[]): string =>
    `<tr><th scope="row">${head}</th>${cells.join("")}</tr>`;
  const wide = [
    `<thead><tr><td></td>${clock.map((hour) => column(String(hour))).join("")}</tr></thead><tbody>`,
    ...days.map(({ short, day }) =>
      row(
        short,
        clock.map((hour) => cell(day, hour)),
      ),
    ),
  ];
  const narrow = [
    `<thead><tr><td></td>${days.map(({ short }) => column(short)).join("")}</tr></thead><tbody>`,
    ...clock.map((hour) =>
      row(
        formatHour(hour),
        days.map(({ day }) => cell(day, hour)),
      ),
    ),
  ];
  const table = (size: string, lines: readonly string[]): string =>
    `<table class="heat ${size} ${figure}"><caption>${escapeHtml(caption)}</caption>${lines.join("\n")}</tbody></table>`;
  return `<figure>${table("wide", wide)}${table("narrow", narrow)}<p class="note">The average for each hour, at most ${formatMean(most)}.${hours.some((hour) => hour.hours === 0) ? " Empty: the time has no such hour." : ""}</p></figure>`;
}

function placeOf(weekday: number, hour: number): number {
  return weekday * DAY_HOURS + hour;
}

function titleOf(day: number, hour: number): string {
  return `${WEEKDAYS[day - 1] ?? ""} ${formatHour(hour)}`;
}

function formatMean(mean: number): string {
  return formatCount(mean < 10 ? Number(mean.toFixed(1)) : Math.round(mean));
}

/** `7`, `240`, `1.2k`, `34k`: three characters, as the cells have room for. */
function formatShort(mean: number): string {
  const whole = Math.round(mean);
  if (whole < 1000) return String(whole);
  if (whole < 9950) return `${(whole / 1000).toFixed(1)}k`;
  return whole < 999_500 ? `${Math.round(whole / 1000)}k` : `${Math.round(whole / 1_000_000)}M`;
}
