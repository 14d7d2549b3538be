/** Compares what rules found with the labels of a simulation. */
import { Detector } from "../../src/incidents/detector.ts";
import type { FoundEpisode } from "../../src/incidents/rule.ts";
import { thresholdsFrom } from "../../src/incidents/rules.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/units.ts";
import { DAYS, factsOf, type Label, simulateTraffic } from "./simulate.ts";

export interface Score {
  readonly kind: string;
  clear: number;
  clearFound: number;
  subtle: number;
  subtleFound: number;
  found: number;
  false: number;
  /** From the beginning to the alarm, in minutes, of what was found. */
  readonly minutes: number[];
}

/** Kinds that an episode also shows itself as: they are no false alarms. */
const CONSEQUENCES: Readonly<Record<string, readonly string[]>> = {
  throttled: ["queue_growth"],
  dns_outage: ["queue_growth", "remote_down"],
  remote_down: ["queue_growth"],
  blocklisted: ["bounce_wave"],
  script_mail: ["bounce_wave"],
  bounce_wave: ["script_mail"],
  queue_growth: ["throttled"],
  frozen_pile: ["queue_growth", "backscatter"],
  hacked_account: ["bounce_wave", "login_attack"],
};

export const EVERYTHING = thresholdsFrom();

/** Everything that the rules find in the traffic of a seed, the facts taken one after the other. */
export function detectAll(seed: number): {
  readonly labels: readonly Label[];
  readonly found: readonly FoundEpisode[];
} {
  const { happenings, labels } = simulateTraffic(seed);
  const detector = new Detector("mx1", EVERYTHING);
  for (const fact of factsOf(happenings)) detector.take(fact);
  return { labels, found: detector.takeEpisodes() };
}

export function scoreSeeds(
  seeds: readonly number[],
  onFalse: (seed: number, episode: FoundEpisode) => void = () => {},
): {
  readonly scores: readonly Score[];
  readonly months: number;
} {
  const scores = new Map<string, Score>();
  const of = (kind: string): Score => {
    const known = scores.get(kind);
    if (known !== undefined) return known;
    const score = { kind, clear: 0, clearFound: 0, subtle: 0, subtleFound: 0, found: 0, false: 0, minutes: [] };
    scores.set(kind, score);
    return score;
  };
  for (const seed of seeds) {
    const { labels, found } = detectAll(seed);
    for (const label of labels) {
      const score = of(label.kind);
      score[label.level]++;
      const hit = found.filter((episode) => isOf(episode, label)).sort((one, other) => one.firedMs - other.firedMs)[0];
      if (hit === undefined) continue;
      score[label.level === "clear" ? "clearFound" : "subtleFound"]++;
      score.minutes.push((hit.firedMs - label.startMs) / MINUTE_MS);
    }
    for (const episode of found) {
      const score = of(episode.kind);
      if (labels.some((label) => isOf(episode, label))) score.found++;
      else if (!labels.some((label) => isNear(episode, label) && CONSEQUENCES[label.kind]?.includes(episode.kind))) {
        score.false++;
        onFalse(seed, episode);
      }
    }
  }
  return { scores: [...scores.values()], months: (seeds.length * DAYS * DAY_MS) / (30 * DAY_MS) };
}

function isOf(episode: FoundEpisode, label: Label): boolean {
  return episode.kind === label.kind && episode.subject.includes(label.subject) && isNear(episode, label);
}

function isNear({ startMs, lastMs }: FoundEpisode, label: Label): boolean {
  return startMs <= label.endMs + 4 * HOUR_MS && lastMs >= label.startMs - HOUR_MS;
}

export function tableOf(scores: readonly Score[], months: number): string {
  const percent = (part: number, all: number): string => (all === 0 ? "–" : (part / all).toFixed(2));
  const rows = scores.map(({ kind, clear, clearFound, subtle, subtleFound, found, false: wrong, minutes }) => {
    const sorted = minutes.toSorted((one, other) => one - other);
    const median = sorted[Math.floor(sorted.length / 2)];
    return [
      kind,
      percent(clearFound, clear),
      percent(subtleFound, subtle),
      percent(found, found + wrong),
      median === undefined ? "–" : median.toFixed(0),
      sorted.at(-1)?.toFixed(0) ?? "–",
      (wrong / months).toFixed(2),
    ];
  });
  const head = ["rule", "clear", "subtle", "precision", "minutes", "worst", "false/month"];
  return [head, ...rows]
    .map((row) => row.map((cell, index) => (index === 0 ? cell.padEnd(16) : cell.padStart(11))).join(""))
    .join("\n");
}
