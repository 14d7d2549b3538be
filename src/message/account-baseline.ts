/** Mail of an account in the past: what is usual, and the most there ever was. */
import { FAMILIAR_HOURS } from "./account-risk.ts";

/** An account that sent nothing before has the usual volume of somebody who writes a letter. */
const SMALLEST_USUAL = 3;
/** History after which an hour is compared with the same hour of other weeks. */
const SEASON_HOURS = 21 * 24;
export const DAY_HOURS = 24;
export const WEEK_HOURS = 7 * DAY_HOURS;
const USUAL_QUANTILE = 0.9;

/** Sums of rows of one hour, or of two hours in a row. */
export interface Sums {
  readonly messages: number;
  readonly recipients: number;
  readonly refused: number;
}

export function sumsOf(rows: readonly Sums[]): Sums {
  const sums = { messages: 0, recipients: 0, refused: 0 };
  for (const { messages, recipients, refused } of rows) {
    sums.messages += messages;
    sums.recipients += recipients;
    sums.refused += refused;
  }
  return sums;
}

/** An hour that becomes a part of the baseline a day later: what grows within a day is no measure of itself. */
interface PastHour {
  readonly hour: number;
  readonly own: Sums;
  /** Recipients of it and of the hour before, and domains of the one that had more. */
  readonly recipients: number;
  readonly domains: number;
  readonly networks: number;
}

/** Stretches of mail: a day later each becomes a part of what is usual. */
export class Baseline {
  /** Recipients of a stretch → stretches. */
  #stretches = new Map<number, number>();
  #count = 0;
  #usual: number | undefined;
  #mostBySeason = new Map<number, number>();
  #most = 0;
  mostDomains = 0;
  mostNetworks = 0;
  messages = 0;
  activeDays = 0;
  #lastDay = Number.MIN_SAFE_INTEGER;
  #allRecipients = 0;
  #refused = 0;
  #firstHour: number | undefined;
  #waiting: PastHour[] = [];

  add(past: PastHour): void {
    this.#waiting.push(past);
  }

  /** Recipients by hour, of the hours after one that are no part of it yet. */
  recent(afterHour: number): readonly (readonly [hour: number, recipients: number])[] {
    return this.#waiting.flatMap(({ hour, own }) => (hour > afterHour ? [[hour, own.recipients] as const] : []));
  }

  /** Takes in what is old enough. */
  proceedTo(hour: number): void {
    const isOld = (past: PastHour): boolean => past.hour <= hour - FAMILIAR_HOURS;
    if (this.#waiting[0] === undefined || !isOld(this.#waiting[0])) return;
    for (const past of this.#waiting.filter(isOld)) this.#takeIn(past);
    this.#waiting = this.#waiting.filter((past) => !isOld(past));
  }

  #takeIn({ hour, own, recipients, domains, networks }: PastHour): void {
    this.#firstHour ??= hour;
    this.#stretches.set(recipients, (this.#stretches.get(recipients) ?? 0) + 1);
    this.#count++;
    this.#usual = undefined;
    this.#most = Math.max(this.#most, recipients);
    const season = hour % WEEK_HOURS;
    this.#mostBySeason.set(season, Math.max(this.#mostBySeason.get(season) ?? 0, recipients));
    this.mostDomains = Math.max(this.mostDomains, domains);
    this.mostNetworks = Math.max(this.mostNetworks, networks);
    this.messages += own.messages;
    const day = Math.floor(hour / DAY_HOURS);
    if (day > this.#lastDay) this.activeDays++;
    this.#lastDay = day;
    this.#allRecipients += own.recipients;
    this.#refused += own.refused;
  }

  /** Recipients that nine of ten stretches did not exceed. */
  get usual(): number | undefined {
    if (this.#count === 0) return undefined;
    this.#usual ??= valueAt(this.#stretches, Math.floor((this.#count - 1) * USUAL_QUANTILE));
    return this.#usual;
  }

  get refusedShare(): number {
    return this.#allRecipients === 0 ? 0 : this.#refused / this.#allRecipients;
  }

  /** Most recipients of a stretch so far; with enough history, of the same hour of the week and its neighbours, for clocks change. */
  mostAt(hour: number): number {
    const usual = Math.max(this.usual ?? 0, SMALLEST_USUAL);
    if (this.#firstHour === undefined || hour - this.#firstHour < SEASON_HOURS) return Math.max(this.#most, usual);
    const near = [-1, 0, 1].map((shift) => this.#mostBySeason.get((hour + shift + WEEK_HOURS) % WEEK_HOURS) ?? 0);
    return Math.max(...near, usual);
  }

  state() {
    return {
      stretches: [...this.#stretches],
      seasons: [...this.#mostBySeason],
      most: this.#most,
      mostDomains: this.mostDomains,
      mostNetworks: this.mostNetworks,
      messages: this.messages,
      activeDays: this.activeDays,
      lastDay: this.#lastDay,
      recipients: this.#allRecipients,
      refused: this.#refused,
      firstHour: this.#firstHour ?? null,
      waiting: this.#waiting,
    };
  }

  restore(state: ReturnType<Baseline["state"]>): void {
    this.#stretches = new Map(state.stretches);
    this.#count = sumOf(this.#stretches.values());
    this.#mostBySeason = new Map(state.seasons);
    this.#most = state.most;
    this.mostDomains = state.mostDomains;
    this.mostNetworks = state.mostNetworks;
    this.messages = state.messages;
    this.activeDays = state.activeDays;
    this.#lastDay = state.lastDay;
    this.#allRecipients = state.recipients;
    this.#refused = state.refused;
    this.#firstHour = state.firstHour ?? undefined;
    this.#waiting = [...state.waiting];
  }
}

/** The value at a place of the sorted values that the counts stand for. */
function valueAt(counts: ReadonlyMap<number, number>, place: number): number {
  let seen = 0;
  for (const [value, count] of [...counts].sort(([one], [other]) => one - other)) {
    seen += count;
    if (seen > place) return value;
  }
  return 0;
}

export function sumOf(numbers: Iterable<number>): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
}
