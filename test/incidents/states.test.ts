/** States of detection can be written down between any two facts and read again: later facts find the same. */
import { expect, test } from "vitest";
import { Detector } from "../../src/incidents/detector.ts";
import type { Observation } from "../../src/incidents/observation.ts";
import type { FoundEpisode } from "../../src/incidents/rule.ts";
import { MINUTE_MS } from "../../src/units.ts";
import { simulateAccounts } from "../support/accounts.ts";
import { Random } from "../support/generate.ts";
import { accountFacts } from "./accounts.ts";
import { EVERYTHING } from "./score.ts";
import { factsOf, simulateTraffic } from "./simulate.ts";

type Episodes = Map<string, FoundEpisode>;

/** The last that was told of each episode, in an order of its own. */
function sorted(episodes: Episodes): readonly unknown[] {
  return [...episodes].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, episode]) => toPlain(episode));
}

function toPlain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function addTo(episodes: Episodes, found: readonly FoundEpisode[]): void {
  for (const episode of found) episodes.set(`${episode.kind}\n${episode.subject}\n${episode.firedMs}`, episode);
}

/** Episodes that are found by detectors which take the facts between two of the times, and know what the ones before have written down. */
function findInTurns(facts: readonly Observation[], times: readonly number[]): Episodes {
  const stored = new Map<string, string>();
  const read = (key: string): unknown => {
    const state = stored.get(key);
    return state === undefined ? undefined : JSON.parse(state);
  };
  const episodes: Episodes = new Map();
  let [next, start]: [number, number | undefined] = [0, undefined];
  for (const endMs of [...times, Number.POSITIVE_INFINITY]) {
    const detector = new Detector("mx1", EVERYTHING, { read }, start);
    for (let fact = facts[next]; fact !== undefined && fact.ms < endMs; fact = facts[++next]) detector.take(fact);
    addTo(episodes, detector.takeEpisodes());
    start = detector.start;
    if (endMs !== Number.POSITIVE_INFINITY)
      for (const [key, state] of detector.states(endMs)) stored.set(key, JSON.stringify(state));
  }
  return episodes;
}

test.each([
  ["traffic", () => [...factsOf(simulateTraffic(6, 0.06, 12).happenings)]],
  ["accounts", () => accountFacts(simulateAccounts(8005, 0.2))],
])("the states of %s at any whole minutes", (_name, makeFacts) => {
  const facts = makeFacts();
  const [firstMs, lastMs] = [facts[0]?.ms ?? 0, facts.at(-1)?.ms ?? 0];
  const whole = findInTurns(facts, []);
  expect(whole.size).toBeGreaterThan(3);
  const random = new Random(6);
  // Within the hours of an episode, too: most of the others are quiet.
  const near = [...whole.values()].flatMap(({ startMs, lastMs: endMs }) => [
    startMs + random.upTo(endMs - startMs + 1),
    endMs + random.upTo(30 * MINUTE_MS),
  ]);
  const anywhere = Array.from({ length: 60 }, () => firstMs + random.upTo(lastMs - firstMs));
  const times = [...anywhere, ...near]
    .map((ms) => Math.floor(ms / MINUTE_MS) * MINUTE_MS)
    .sort((one, other) => one - other);
  expect(sorted(findInTurns(facts, times))).toEqual(sorted(whole));
});
