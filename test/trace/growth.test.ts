/** A message with many recipients: the time of what shows it grows as they do. */
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { resolveRecipients } from "../../src/message/resolve.ts";
import { applyEvent, newMessageState } from "../../src/message/state.ts";
import { renderColumns } from "../../src/render/form/columns.ts";
import type { Moment } from "../../src/units.ts";
import { ingestInto, temporaryFolder, withReader } from "../support/database.ts";

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

test("the recipients of a message are read in a time that grows as they do, in trace and in search", async () => {
  const least = async (count: number): Promise<number> => {
    const path = join(temporaryFolder(), "pilot.db");
    await ingestInto(path, ["-"], { logType: "main" }, Readable.from([deliveries(count)], { objectMode: false }));
    const times: number[] = [];
    await withReader(path, async (reader) => {
      for (let run = 0; run < 3; run++) {
        const before = performance.now();
        expect(await reader.messages.recipientsOf({ id: ID, server: "mx1" })).toHaveLength(count);
        const [hit] = await reader.search.find({ filter: { eximId: [ID] }, ...NEWEST });
        const [found] = await reader.search.read(hit === undefined ? [] : [hit]);
        expect(found?.kind === "message" && found.message.recipients.length).toBe(count);
        times.push(performance.now() - before);
      }
    });
    return Math.min(...times);
  };
  expect((await least(8000)) / (await least(500))).toBeLessThan(64);
});

const ID = "1vx5YS-0006QZ-1J";
const NEWEST = { order: { key: "time", isAscending: false }, after: undefined, limit: 1 } as const;

/** The arrival names none of them, as with most `log_selector`s. */
function deliveries(count: number): string {
  const lines = Array.from(
    { length: count },
    (_, index) => `2026-03-02 08:00:01 ${ID} => u${index}@d.example R=r T=t H=mx.d.example [192.0.2.9] C="250 OK"\n`,
  );
  return `2026-03-02 08:00:00 ${ID} <= a@b.example H=h [192.0.2.1] P=esmtp S=300\n${lines.join("")}`;
}
