/**
 * Figures of the rules over simulated traffic and accounts. Thresholds were chosen while looking at seeds 1 to 8, and one of them once more after
 * seeds 101 to 108 had shown a false alarm; seeds 201 to 208 were never looked at. With EXIM_PILOT_TORTURE all of them are tried, and the tables are printed.
 */
import { describe, expect, test } from "vitest";
import { medianOf, RULE_NAMES, ruleTable, scoreRules } from "./accounts.ts";
import { scoreSeeds, tableOf } from "./score.ts";

const IS_LONG = process.env["EXIM_PILOT_TORTURE"] !== undefined;
const seedsFrom = (first: number): readonly number[] => Array.from({ length: 8 }, (_, index) => first + index);
const SEEDS = IS_LONG ? [...seedsFrom(1), ...seedsFrom(201)] : [201, 202];
const ACCOUNT_SEEDS = IS_LONG ? seedsFrom(101) : [101, 102, 103];

describe("episodes of every kind", { timeout: IS_LONG ? 900_000 : 120_000 }, () => {
  test("are found, and hardly anything else is", () => {
    const { scores, months } = scoreSeeds(SEEDS);
    if (IS_LONG) process.stdout.write(`${tableOf(scores, months)}\n`);
    expect(scores).toHaveLength(13);
    const sum = (figure: "clear" | "clearFound" | "subtle" | "subtleFound" | "found" | "false"): number =>
      scores.reduce((total, score) => total + score[figure], 0);
    expect(sum("clear")).toBeGreaterThanOrEqual(12 * SEEDS.length);
    expect(sum("clearFound") / sum("clear")).toBeGreaterThanOrEqual(0.97);
    expect(sum("subtleFound") / sum("subtle")).toBeGreaterThanOrEqual(0.8);
    expect(sum("found") / (sum("found") + sum("false"))).toBeGreaterThanOrEqual(0.95);
    for (const { kind, false: wrong } of scores) expect(wrong / months, kind).toBeLessThanOrEqual(1);
  });
});

describe("stolen accounts", { timeout: IS_LONG ? 900_000 : 120_000 }, () => {
  test("are named before their 50th recipient by half, more of them and sooner than by rules in use elsewhere", () => {
    const [ours, ...others] = scoreRules(ACCOUNT_SEEDS, IS_LONG ? RULE_NAMES : RULE_NAMES.slice(0, 4));
    if (ours === undefined) throw new Error("There is no rule.");
    if (IS_LONG) process.stdout.write(`${ruleTable([ours, ...others])}\n`);
    expect(ours.named / ours.thefts).toBeGreaterThanOrEqual(0.97);
    expect(medianOf(ours.recipients)).toBeLessThan(50);
    expect((ours.falseAlarms / ours.messages) * 1e6).toBeLessThanOrEqual(4);
    for (const other of others) {
      if (other.named >= ours.named) expect(other.falseAlarms, other.name).toBeGreaterThan(ours.falseAlarms);
      if (other.falseAlarms <= ours.falseAlarms) expect(other.named, other.name).toBeLessThanOrEqual(ours.named);
    }
  });
});
