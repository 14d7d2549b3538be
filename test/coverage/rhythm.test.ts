/** Heartbeats that are due, and those that are not: a rhythm may change, and others come between its beats. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findRhythm, nextDue } from "../../src/coverage/rhythm.ts";
import { type EpochMs, epochMs, HOUR_MS, MINUTE_MS } from "../../src/units.ts";

const START = Date.UTC(2026, 2, 2);

/** Instants at these distances, in minutes, from the start on. */
function beats(...minutes: readonly number[]): EpochMs[] {
  let at = START;
  const later = minutes.map((distance) => {
    at += distance * MINUTE_MS;
    return epochMs(at);
  });
  return [epochMs(START), ...later];
}

function times(count: number, minutes: number): number[] {
  return Array.from({ length: count }, () => minutes);
}

function gapsOf(found: readonly EpochMs[]): number[][] {
  const [first = epochMs(START), last = first] = [found[0], found.at(-1)];
  return findRhythm(found, first, last).gaps.map(({ from, until, rhythmMs }) => [
    (from - START) / MINUTE_MS,
    (until - START) / MINUTE_MS,
    rhythmMs / MINUTE_MS,
  ]);
}

describe("a gap", () => {
  test.each<[string, EpochMs[], number[][]]>([
    ["is found where a queue run is missing", beats(...times(10, 30), 60, ...times(10, 30)), [[300, 360, 30]]],
    ["is found where a day is missing", beats(...times(10, 30), 1440, ...times(10, 30)), [[300, 1740, 30]]],
    [
      "is found between beginnings and ends of long queue runs",
      beats(...times(10, 0).flatMap(() => [5, 25]), 60, ...times(10, 0).flatMap(() => [5, 25])),
      [[300, 360, 25]],
    ],
    ["is not where the rhythm becomes slower for good", beats(...times(20, 30), ...times(20, 240)), []],
    ["is not where it becomes faster for good", beats(...times(20, 240), ...times(20, 30)), []],
    ["is not where others come between", beats(...times(10, 60), 20, 1, 0, 1, 38, ...times(10, 60)), []],
    ["is not among queue runs by hand", beats(13, 240, 700, 2, 95, 1, 1, 380, 1700, 44, 9, 520, 3100, 7, 160, 36), []],
    ["is not where there are hardly any", beats(30, 30, 300, 30), []],
  ])("%s", (_what, found, expected) => {
    expect(gapsOf(found)).toEqual(expected);
  });

  test("is found wherever beats of an even rhythm are taken out, and nowhere else", () => {
    const parameters = [
      fc.integer({ min: 2, max: 240 }),
      fc.integer({ min: 10, max: 80 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 130, maxLength: 130 }),
    ] as const;
    fc.assert(
      fc.property(...parameters, (minutes, before, lost, jitter) => {
        const all = beats(...times(before + lost + 12, minutes)).map((at, index) => epochMs(at + (jitter[index] ?? 0)));
        expect(gapsOf(all)).toEqual([]);
        const left = all.filter((_, index) => index < before || index >= before + lost);
        const [gap, ...others] = findRhythm(left, epochMs(START), left.at(-1) ?? epochMs(START)).gaps;
        expect(others).toEqual([]);
        expect(gap).toMatchObject({ from: all[before - 1], until: all[before + lost], rhythmMs: minutes * MINUTE_MS });
      }),
    );
  });
});

test("a rhythm is told as its slowest, and as that at its end", () => {
  const found = beats(...times(20, 240), ...times(20, 30));
  expect(findRhythm(found, epochMs(START), found.at(-1) ?? epochMs(0))).toEqual({
    slowestMs: 4 * HOUR_MS,
    lastMs: 30 * MINUTE_MS,
    gaps: [],
  });
});

test("what is due in a gap comes at the distance of the rhythm, and not just before the next one", () => {
  const gap = { from: epochMs(START), until: epochMs(START + 125 * MINUTE_MS), rhythmMs: 30 * MINUTE_MS };
  const due: number[] = [];
  for (let at = nextDue(gap, gap.from); at !== undefined; at = nextDue(gap, at)) due.push((at - START) / MINUTE_MS);
  expect(due).toEqual([30, 60, 90]);
});
