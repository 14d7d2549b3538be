/** All rules over the facts of one server, in the order of time: the same facts and thresholds find the same episodes. */
import { HOUR_MS } from "../units.ts";
import { CountingWatch, type StateReader } from "./counting-watch.ts";
import type { Observation } from "./observation.ts";
import type { FoundEpisode } from "./rule.ts";
import { HACKED_ACCOUNT, HackedAccountWatch } from "./rules/hacked-account.ts";
import { QUEUE_GROWTH, QueueWatch } from "./rules/queue-growth.ts";
import { SILENCE, SilenceWatch } from "./rules/silence.ts";
import { type AllThresholds, COUNTING_RULES, RULES } from "./rules.ts";

interface Watch {
  take(observation: Observation, start: number): void;
  takeEpisodes(): FoundEpisode[];
  states(endMs: number): Iterable<readonly [key: string, state: unknown]>;
}

const FORGETFUL: StateReader = { read: () => undefined };

export class Detector {
  readonly #watches: readonly Watch[];
  readonly #silence: SilenceWatch;
  #start: number | undefined;

  /** `start`: first hour of the server's log, where the state of earlier runs is read. */
  constructor(server: string, thresholds: AllThresholds, memory: StateReader = FORGETFUL, start?: number) {
    const of = (kind: string) => thresholds.get(kind) ?? {};
    this.#start = start;
    this.#silence = new SilenceWatch(of(SILENCE.kind), memory);
    this.#watches = [
      new HackedAccountWatch(server, of(HACKED_ACCOUNT.kind), memory, start),
      ...COUNTING_RULES.map((rule) => new CountingWatch(rule, of(rule.kind), memory)),
      new QueueWatch(of(QUEUE_GROWTH.kind), memory),
      this.#silence,
    ];
  }

  /** First hour of the facts; undefined before there are any. */
  get start(): number | undefined {
    return this.#start;
  }

  take(observation: Observation): void {
    this.#start ??= Math.floor(observation.ms / HOUR_MS);
    for (const watch of this.#watches) watch.take(observation, this.#start);
  }

  /** Episodes that facts were about, as far as they are known; one that has ended is told once. `nowMs`: a silence that goes on ends there. */
  takeEpisodes(nowMs?: number): FoundEpisode[] {
    const found = this.#watches.flatMap((watch) => watch.takeEpisodes());
    const silence = nowMs === undefined ? undefined : this.#silence.goingOn(nowMs);
    return silence === undefined ? found : [...found, silence];
  }

  /** State at a time, in epoch ms, by key, of what facts were about: all before it were taken, and none after it. */
  *states(endMs: number): Generator<readonly [key: string, state: unknown]> {
    for (const watch of this.#watches) yield* watch.states(endMs);
  }
}

/** Form of the stored states. */
const STATES_VERSION = 2;

/** Versions of the rules and of what they store, and their thresholds: what was found with others is found again from the beginning. */
export function settingsKey(thresholds: AllThresholds): string {
  return JSON.stringify([STATES_VERSION, ...RULES.map(({ kind, version }) => [kind, version, thresholds.get(kind)])]);
}
