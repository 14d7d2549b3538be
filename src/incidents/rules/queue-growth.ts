/** The queue of a server, as its log tells it: what came and has not left. */
import { type EpochMs, HOUR_MS } from "../../units.ts";
import { type StateReader, usualOf } from "../counting-watch.ts";
import type { Observation } from "../observation.ts";
import type { FoundEpisode, IncidentFigures, RuleHead, Thresholds } from "../rule.ts";
import { countOf, limit, SHORT_PAUSE_MS } from "./words.ts";

export const QUEUE_GROWTH: RuleHead = {
  kind: "queue_growth",
  version: 1,
  about: "The queue is far longer than usual, and grows hour by hour.",
  thresholds: {
    times: { value: 2, about: "how many times the usual length" },
    messages: { value: 40, about: "messages on the queue, at least" },
    hours: { value: 3, about: "hours in a row in which it grows" },
  },
  describe: (_subject, { count, usual }) => ({
    title: `The queue grows: ${countOf(count, "message")}, usually ${usual}`,
    description: `${countOf(count, "message")} wait, as far as the log tells, and there are more from hour to hour. Nine of ten hours had ${usual} at most.`,
  }),
  steps: () => [
    { text: "See what waits, for whom and why.", command: "exim-pilot queue" },
    { text: "See whether it is one provider.", command: "exim-pilot stats providers deferrals --since 6h" },
    { text: "See whether somebody here sends far more than usual.", command: "exim-pilot abuse --since 6h" },
  ],
};

/** A week shows which length is usual; a log begins with an empty queue. */
const FEWEST_HOURS = 48;
const DAY_HOURS = 24;
export const QUEUE_PAUSE_MS = 2 * SHORT_PAUSE_MS;

interface QueueState {
  readonly length: number;
  readonly hour: number;
  readonly lengths: readonly (readonly [length: number, hours: number])[];
  /** Lengths at the ends of the last hours, the oldest first. */
  readonly last: readonly number[];
  /** Lengths at the ends of the hours of the last day. */
  readonly recent: readonly (readonly [hour: number, length: number])[];
  readonly episode: QueueEpisode | null;
}

interface QueueEpisode {
  startMs: number;
  readonly firedMs: number;
  lastMs: number;
  readonly usual: number;
  hours: [hour: number, length: number][];
  around: readonly (readonly [hour: number, length: number])[];
}

export class QueueWatch {
  readonly #thresholds: Thresholds;
  #length = 0;
  #hour = Number.MIN_SAFE_INTEGER;
  #lengths = new Map<number, number>();
  #last: number[] = [];
  #recent: QueueState["recent"] = [];
  #episode: QueueEpisode | undefined;
  readonly #ended: QueueEpisode[] = [];
  #isTouched = false;

  constructor(thresholds: Thresholds, memory: StateReader) {
    this.#thresholds = thresholds;
    const state = memory.read(QUEUE_GROWTH.kind) as QueueState | undefined;
    if (state === undefined) return;
    this.#length = state.length;
    this.#hour = state.hour;
    this.#lengths = new Map(state.lengths);
    this.#last = [...state.last];
    this.#recent = state.recent;
    this.#episode = state.episode === null ? undefined : { ...state.episode };
  }

  take(observation: Observation, start: number): void {
    if (observation.kind !== "arrived" && observation.kind !== "left" && observation.kind !== "line") return;
    this.#isTouched = true;
    const hour = Math.floor(observation.ms / HOUR_MS);
    if (this.#hour === Number.MIN_SAFE_INTEGER) this.#hour = hour;
    while (this.#hour < hour) this.#closeHour(start, hour);
    if (observation.kind === "line") return;
    // A message that came before the log began is none of those that are counted.
    this.#length = Math.max(0, this.#length + (observation.kind === "arrived" ? 1 : -1));
  }

  /** Judges an hour at its end. */
  #closeHour(start: number, next: number): void {
    const hours = this.#hour - start;
    const usual = usualOf(this.#lengths, hours);
    const grown = this.#last.slice(-limit(this.#thresholds, "hours"));
    const isGrowing =
      grown.length === limit(this.#thresholds, "hours") &&
      [...grown, this.#length].every((length, index, all) => index === 0 || length > (all[index - 1] ?? 0));
    const isLong =
      hours >= FEWEST_HOURS &&
      this.#length >= limit(this.#thresholds, "messages") &&
      this.#length > limit(this.#thresholds, "times") * usual;
    const endMs = (this.#hour + 1) * HOUR_MS;
    const isOpen = this.#episode !== undefined && endMs - this.#episode.lastMs <= QUEUE_PAUSE_MS;
    // Once it was found, a queue that stays as long has not got better.
    if (isLong && (isGrowing || isOpen)) this.#meet(endMs, usual, isOpen, grown.length);
    this.#lengths.set(this.#length, (this.#lengths.get(this.#length) ?? 0) + 1);
    this.#last = [...this.#last, this.#length].slice(-limit(this.#thresholds, "hours"));
    this.#recent = [...this.#recent.slice(1 - DAY_HOURS), [this.#hour, this.#length]];
    // NOTE: hours without a line change nothing; far jumps of the clock are not walked through.
    this.#hour = next - this.#hour > FEWEST_HOURS ? next : this.#hour + 1;
  }

  #meet(endMs: number, usual: number, isOpen: boolean, grownHours: number): void {
    if (this.#episode !== undefined && !isOpen) this.#ended.push(this.#episode);
    const episode =
      this.#episode !== undefined && isOpen
        ? this.#episode
        : { startMs: endMs - grownHours * HOUR_MS, firedMs: endMs, lastMs: endMs, usual, hours: [], around: [] };
    episode.lastMs = endMs;
    episode.hours.push([this.#hour, this.#length]);
    episode.around = this.#recent;
    this.#episode = episode;
  }

  takeEpisodes(): FoundEpisode<IncidentFigures>[] {
    const open = this.#episode === undefined || !this.#isTouched ? [] : [this.#episode];
    return [...this.#ended.splice(0), ...open].map(({ startMs, firedMs, lastMs, hours, around, usual }) => {
      const count = Math.max(...hours.map(([, length]) => length));
      return {
        kind: QUEUE_GROWTH.kind,
        subject: "",
        severity: "serious",
        startMs: startMs as EpochMs,
        firedMs: firedMs as EpochMs,
        lastMs: lastMs as EpochMs,
        pauseMs: QUEUE_PAUSE_MS,
        count,
        hours: [...hours],
        around: around.filter(([hour]) => hours.every(([met]) => met !== hour)),
        figures: {
          count,
          peak: count,
          usual,
          good: 0,
          bad: 0,
          one: [],
          oneCount: 0,
          other: [],
          otherCount: 0,
          texts: [],
        },
        messages: [],
      };
    });
  }

  *states(): Generator<readonly [key: string, state: QueueState]> {
    if (!this.#isTouched) return;
    const episode = this.#episode ?? null;
    yield [
      QUEUE_GROWTH.kind,
      {
        length: this.#length,
        hour: this.#hour,
        lengths: [...this.#lengths],
        last: this.#last,
        recent: this.#recent,
        episode,
      },
    ];
  }
}
