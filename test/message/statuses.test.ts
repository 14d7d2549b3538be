import { describe, expect, test } from "vitest";
import {
  ATTEMPT_STATUS_RULES,
  ATTEMPT_STATUSES,
  MESSAGE_STATUS_RULES,
  MESSAGE_STATUSES,
  RECIPIENT_STATUS_RULES,
  RECIPIENT_STATUSES,
} from "../../src/message/statuses.ts";

describe.each([
  ["messages", MESSAGE_STATUSES, MESSAGE_STATUS_RULES],
  ["recipients", RECIPIENT_STATUSES, RECIPIENT_STATUS_RULES],
  ["attempts", ATTEMPT_STATUSES, ATTEMPT_STATUS_RULES],
] as const)("the statuses of %s", (_name, statuses, rules) => {
  test("have a rule each, a sentence, and no rule is left over", () => {
    expect(Object.keys(rules).sort()).toEqual([...statuses].sort());
    for (const rule of Object.values(rules)) expect(rule).toMatch(/^.{20,}\.$/);
  });

  test("are told apart by their names", () => {
    expect(new Set(statuses).size).toBe(statuses.length);
  });
});
