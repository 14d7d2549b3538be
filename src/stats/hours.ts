/** The hours of the week: how much comes at each of them, on the clock of the page. */
import { type EpochMs, epochMs, HOUR_MS } from "../units.ts";
import { weekHourAt } from "../when.ts";
import type { Figures } from "./figures.ts";
import type { Period } from "./period.ts";

/** One hour of the week, such as Mondays from 09:00 to 10:00. */
export interface WeekHour {
  /** 1 is Monday, 7 is Sunday. */
  readonly weekday: number;
  /** Hour of the clock on the wall, from 0 to 23. */
  readonly hour: number;
  /** Hours of the time that were this one: 0 where it did not come, 2 on a night that has it twice. */
  readonly hours: number;
  /** Messages that arrived. */
  readonly received: number;
  /** Rejections, temporary ones too. */
  readonly rejected: number;
}

const DAYS = 7;
const DAY_HOURS = 24;

/** All hours from Monday 00:00 on; empty when nothing is covered. */
export async function computeWeekHours(
  figures: Figures,
  { from, until }: Period,
  timeZone: string,
): Promise<WeekHour[]> {
  if (from === undefined || until === undefined) return [];
  const week = Array.from({ length: DAYS * DAY_HOURS }, (_, place) => ({
    weekday: Math.floor(place / DAY_HOURS) + 1,
    hour: place % DAY_HOURS,
    hours: 0,
    received: 0,
    rejected: 0,
  }));
  const at = (moment: EpochMs): (typeof week)[number] | undefined => week[weekHourAt(moment, timeZone).place];
  for (let start = from; start < until; ) {
    const end = epochMs(Math.min(until, start + HOUR_MS - weekHourAt(start, timeZone).passedMs));
    const hour = at(start);
    if (hour !== undefined) hour.hours += (end - start) / HOUR_MS;
    start = end;
  }
  const { slotMs } = figures;
  for (const { slot, messages } of await figures.messages()) {
    const hour = at(epochMs(slot * slotMs));
    if (hour !== undefined) hour.received += messages;
  }
  for (const { slot, rejections } of await figures.rejections()) {
    const hour = at(epochMs(slot * slotMs));
    if (hour !== undefined) hour.rejected += rejections;
  }
  return week.map((hour) => ({ ...hour, hours: Number(hour.hours.toFixed(4)) }));
}
