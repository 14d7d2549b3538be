import { expect, test } from "vitest";
import { failedConditions, parseHealthCondition } from "../../src/queue/health.ts";

const TOTALS = {
  messages: 10,
  recipients: 12,
  bytes: 100,
  frozen: 2,
  bounces: 1,
  damaged: 0,
  oldest: null,
  oldestSeconds: 43_200,
};

test.each([
  ["queue>10", false],
  ["queue>=10", true],
  ["queue > 9", true],
  ["frozen>1", true],
  ["recipients>12", false],
  ["bounces>=1", true],
  ["damaged>0", false],
  ["bytes>99", true],
  ["oldest>12h", false],
  ["oldest>=12h", true],
  ["oldest>11h30m", true],
])("the condition %s is read", (text, expected) => {
  expect(failedConditions([parseHealthCondition(text)], TOTALS)).toEqual(expected ? [text] : []);
});

test.each(["", "queue", "queue>many", "queue<5", "oldest>12", "size>5", "toString>5"])("%s is no condition", (text) => {
  expect(() => parseHealthCondition(text)).toThrow(/is not a condition of a queue/);
});
