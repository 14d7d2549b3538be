import { expect, test } from "vitest";
import { judge, parseHealthCondition } from "../../src/queue/health.ts";

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
const FIGURES = { totals: TOTALS, messagesHourAgo: 7, arrivedInHour: 5, completedInHour: null };

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
  ["growth>2", true],
  ["growth>3", false],
  ["in>=5", true],
])("the condition %s holds: %s", (text, expected) => {
  expect(judge([parseHealthCondition(text)], FIGURES)).toEqual({ failed: expected ? [text] : [], unknown: [] });
});

test("a condition about what nobody tells neither holds nor does not", () => {
  const conditions = ["out>5", "growth>1", "queue>1"].map(parseHealthCondition);
  expect(judge(conditions, { ...FIGURES, messagesHourAgo: null })).toEqual({
    failed: ["queue>1"],
    unknown: ["out>5", "growth>1"],
  });
});

test.each(["", "queue", "queue>many", "queue<5", "oldest>12", "size>5", "toString>5"])("%s is no condition", (text) => {
  expect(() => parseHealthCondition(text)).toThrow(/is not a condition of a queue/);
});
