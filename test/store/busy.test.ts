/** Whoever waits for a lock asks again after pauses that differ from run to run, for about as long as it may. */
import Database from "better-sqlite3";
import { afterEach, expect, test, vi } from "vitest";
import { retryWhileBusy } from "../../src/store/database/busy.ts";

afterEach(() => vi.restoreAllMocks());

const BUSY = new Database.SqliteError("database is locked", "SQLITE_BUSY");

/** The pauses of one wait, in milliseconds; nothing sleeps. */
function pausesOf(waitMs: number): number[] {
  const pauses: number[] = [];
  vi.spyOn(Atomics, "wait").mockImplementation((_array, _index, _value, timeout) => {
    pauses.push(timeout ?? 0);
    return "timed-out";
  });
  const refuse = (): never => {
    throw BUSY;
  };
  expect(() => retryWhileBusy(waitMs, 0, refuse, "mail.db")).toThrow(/locked|another process/i);
  return pauses;
}

test("pauses grow, are at most 200 ms, differ, and end in time", () => {
  const runs = Array.from({ length: 20 }, () => pausesOf(3000));
  expect(new Set(runs.map((pauses) => pauses.join())).size).toBeGreaterThan(1);
  for (const pauses of runs) {
    expect(pauses[0]).toBeLessThanOrEqual(25);
    expect(Math.min(...pauses)).toBeGreaterThan(10);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(200);
    const total = pauses.reduce((sum, pause) => sum + pause, 0);
    expect(total).toBeLessThanOrEqual(3000);
    expect(total).toBeGreaterThan(2500);
  }
});
