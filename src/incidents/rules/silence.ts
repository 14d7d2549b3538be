/** A server that logs nothing for far longer than it ever did. */
import { type EpochMs, HOUR_MS, MINUTE_MS } from "../../units.ts";
import type { StateReader } from "../counting-watch.ts";
import type { Observation } from "../observation.ts";
import type { FoundEpisode, IncidentFigures, RuleHead, Thresholds } from "../rule.ts";
import { limit } from "./words.ts";

export const SILENCE: RuleHead = {
  kind: "silence",
  version: 1,
  about: "Nothing is logged for much longer than ever before: Exim is down, or its log is not read.",
  thresholds: {
    times: { value: 3, about: "how many times the longest pause before" },
    minutes: { value: 30, about: "minutes without a line, at least" },
    days: { value: 7, about: "days of the log without which nobody knows what is usual" },
  },
  describe: (_subject, { count, usual }) => ({
    title: `Nothing was logged for ${spanOf(count)}`,
    description: `The longest pause before was ${spanOf(usual)}. Exim was down, or a part of its log was not read.`,
  }),
  steps: () => [
    { text: "See whether the log was read to its end, and which part is missing.", command: "exim-pilot sources" },
    { text: "See whether Exim runs.", command: "systemctl status exim4" },
    { text: "Read what it logged last.", command: "exim-pilot tail -n 20" },
  ],
};

/** `90 min`, `7 h`. */
function spanOf(minutes: number): string {
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** Minutes in which something is logged until a silence counts as ended: one stray stamp ends none. */
const FEWEST_AFTER = 3;
const AFTER_MS = HOUR_MS;

interface SilenceState {
  readonly lastMs: number;
  readonly longest: number;
  readonly gap: GapState | null;
}

interface GapState {
  readonly startMs: number;
  readonly endMs: number;
  readonly longest: number;
  after: number;
}

export class SilenceWatch {
  readonly #thresholds: Thresholds;
  #lastMs: number | undefined;
  /** Longest pause before, in minutes. */
  #longest = 0;
  /** A pause that nobody knows yet to be one: what follows it may be stamped by a wrong clock. */
  #gap: GapState | undefined;
  #start = 0;
  readonly #found: FoundEpisode<IncidentFigures>[] = [];

  constructor(thresholds: Thresholds, memory: StateReader) {
    this.#thresholds = thresholds;
    const state = memory.read(SILENCE.kind) as SilenceState | undefined;
    if (state === undefined) return;
    this.#lastMs = state.lastMs;
    this.#longest = state.longest;
    this.#gap = state.gap === null ? undefined : { ...state.gap };
  }

  take(observation: Observation, start: number): void {
    if (observation.kind !== "line") return;
    this.#start = start;
    const { ms } = observation;
    const before = this.#lastMs;
    this.#lastMs = ms;
    if (this.#gap !== undefined) this.#settle(this.#gap, ms);
    if (before === undefined) return;
    const minutes = Math.floor((ms - before) / MINUTE_MS);
    if (this.#isSilence(minutes, before)) this.#gap = { startMs: before, endMs: ms, longest: this.#longest, after: 1 };
    else this.#longest = Math.max(this.#longest, minutes);
  }

  #isSilence(minutes: number, sinceMs: number): boolean {
    return (
      minutes >= limit(this.#thresholds, "minutes") &&
      minutes > limit(this.#thresholds, "times") * Math.max(this.#longest, 1) &&
      sinceMs / HOUR_MS - this.#start >= limit(this.#thresholds, "days") * 24
    );
  }

  #settle(gap: GapState, ms: number): void {
    if (ms - gap.endMs > AFTER_MS) this.#gap = undefined;
    else if (++gap.after >= FEWEST_AFTER) {
      this.#found.push(toEpisode(gap.startMs, gap.endMs, gap.longest));
      this.#gap = undefined;
    }
  }

  /** The silence that goes on by the clock; undefined while it is none. */
  goingOn(nowMs: number): FoundEpisode<IncidentFigures> | undefined {
    if (this.#lastMs === undefined) return undefined;
    const minutes = Math.floor((nowMs - this.#lastMs) / MINUTE_MS);
    return this.#isSilence(minutes, this.#lastMs) ? toEpisode(this.#lastMs, nowMs, this.#longest) : undefined;
  }

  takeEpisodes(): FoundEpisode<IncidentFigures>[] {
    return this.#found.splice(0);
  }

  *states(): Generator<readonly [key: string, state: SilenceState]> {
    if (this.#lastMs !== undefined)
      yield [SILENCE.kind, { lastMs: this.#lastMs, longest: this.#longest, gap: this.#gap ?? null }];
  }
}

function toEpisode(startMs: number, endMs: number, longest: number): FoundEpisode<IncidentFigures> {
  const count = Math.floor((endMs - startMs) / MINUTE_MS);
  return {
    kind: SILENCE.kind,
    subject: "",
    severity: "serious",
    startMs: startMs as EpochMs,
    firedMs: endMs as EpochMs,
    lastMs: endMs as EpochMs,
    pauseMs: 0,
    count,
    hours: [[Math.floor(startMs / HOUR_MS), count]],
    around: [],
    figures: {
      count,
      peak: count,
      usual: longest,
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
}
