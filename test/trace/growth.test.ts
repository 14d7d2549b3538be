/** A message with many recipients: the time of what shows it grows as they do. */
import { expect, test } from "vitest";
import { resolveRecipients } from "../../src/message/resolve.ts";
import { applyEvent, newMessageState } from "../../src/message/state.ts";
import { renderColumns } from "../../src/render/form/layout.ts";
import type { Moment } from "../../src/units.ts";

/** 16 times as much takes 256 times as long where time grows with the square; the least processor time of five runs tells. */
function growth(action: (count: number) => void, count: number): number {
  const least = (size: number): number =>
    Math.min(
      ...[1, 2, 3, 4, 5].map(() => {
        const before = process.cpuUsage();
        action(size);
        return process.cpuUsage(before).user;
      }),
    );
  least(count);
  return least(16 * count) / least(count);
}

test("a table of many rows grows as they do, and keeps its columns", () => {
  const rows = (count: number): string[][] =>
    Array.from({ length: count }, (_, row) => [`${row}`, "x", `u${row}@d.example`]);
  expect(growth((count) => renderColumns(rows(count)), 1000)).toBeLessThan(64);
  const lines = renderColumns(rows(500), { right: [0] }).split("\n");
  expect(lines).toHaveLength(500);
  expect([lines[7], lines[499]]).toEqual(["  7  x  u7@d.example", "499  x  u499@d.example"]);
});

test("an alias that became many addresses is resolved in steps that grow as they do", () => {
  const steps = (count: number): number => {
    const state = newMessageState(0 as Moment);
    let looks = 0;
    for (let index = 0; index < count; index++)
      applyEvent(state, {
        recipient: "all@list.example",
        target: `u${index}@d.example`,
        outcome: "deferred",
        get at() {
          looks++;
          return index as Moment;
        },
        get isAttempt() {
          return true;
        },
        error: undefined,
      });
    const words = state.recipients.get("all@list.example")?.lastEvents;
    expect(words?.size).toBe(count);
    looks = 0;
    resolveRecipients(state);
    return looks;
  };
  expect(steps(8000)).toBeLessThan(5 * steps(2000));
});
