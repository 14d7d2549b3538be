/** Stamps that no clock can have told: one of them decides neither what goes nor whether anything does. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type PruneOptions, pruneStatus } from "../../src/retention/prune.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS } from "../../src/units.ts";
import { ingestInto, NOW, temporaryFolder } from "../support/database.ts";
import { errorOf } from "../support/pilot-error.ts";
import { pruneOptions, runPrune, withPruner } from "../support/pruning.ts";
import { queryAll } from "../support/views.ts";

/** Logs are read at {@link NOW}. */
const daysAgo = (days: number): EpochMs => epochMs(NOW - days * DAY_MS);
const stampOf = (at: number): string => new Date(at).toISOString().slice(0, 19).replace("T", " ");
const OUTLIERS = ["9999-03-02 00:00:01", "2038-01-19 03:14:08", "1970-01-01 00:00:10", stampOf(NOW + 40 * DAY_MS)];

interface Lines {
  /** Days before now; a line for each. */
  readonly days: readonly number[];
  readonly outlier: string;
  /** Its place among them; undefined if it is in a log of its own. */
  readonly at: number | undefined;
}

async function store({ days, outlier, at }: Lines): Promise<string> {
  const folder = temporaryFolder();
  const path = join(folder, "pilot.db");
  const lines = days.map((day) => `${stampOf(daysAgo(day))} line of ${day} days ago\n`);
  const odd = `${outlier} 1vwqw6-009HFM-Uo == x@y.example R=a T=b defer (0): clock glitch\n`;
  if (at !== undefined) lines.splice(at, 0, odd);
  const logs = [lines.join(""), ...(at === undefined ? [odd] : [])].map((text, index) => {
    const log = join(folder, `log${index}`);
    writeFileSync(log, text);
    return log;
  });
  await ingestInto(path, logs, { batchLines: 1, logType: "main" });
  return path;
}

/** Days of the lines that have their text; a block has one line. */
const linesLeft = (path: string): string[] =>
  queryAll<{ ms: number }>(path, "SELECT first_ms AS ms FROM raw_blocks ORDER BY id").map(({ ms }) =>
    stampOf(ms).slice(0, 10),
  );
const dates = (...days: readonly number[]): string[] => days.map((day) => stampOf(daysAgo(day)).slice(0, 10));

describe.each(OUTLIERS)("a line stamped %s", (outlier) => {
  const DAYS = [100, 80, 60, 20, 1];

  test.each([0, 1, 2, 3, 4, 5, undefined])("at %s among others keeps nothing from being pruned", async (at) => {
    const path = await store({ days: DAYS, outlier, at });
    await runPrune(path, pruneOptions(path, NOW, { logs: "30d", messages: "30d" }));
    const ordinary = linesLeft(path).filter((date) => date !== outlier.slice(0, 10));
    expect(ordinary).toEqual(dates(20, 1));
    // NOTE: it counts as of when it was read: before the line behind it, or just now.
    const isLeft = linesLeft(path).includes(outlier.slice(0, 10));
    expect(isLeft).toBe(at === undefined || at > 2);
  });

  test("goes when it was read long ago, with its message", async () => {
    const path = await store({ days: [1], outlier, at: undefined });
    const later = epochMs(NOW + 35 * DAY_MS);
    const options: PruneOptions = { ...pruneOptions(path, later, { logs: "34d", messages: "35d", open: "35d" }) };
    const folder = temporaryFolder();
    writeFileSync(join(folder, "recent"), `${stampOf(later - HOUR_MS)} 1vx5YS-0006QZ-1J <= a@example.org S=3\n`);
    await ingestInto(path, [join(folder, "recent")], { logType: "main" });
    await runPrune(path, options);
    expect(linesLeft(path)).toEqual([stampOf(later - HOUR_MS).slice(0, 10)]);
    expect(queryAll(path, "SELECT id FROM messages")).toEqual([{ id: "1vx5YS-0006QZ-1J" }]);
  });

  test("does not take the place of all that would be left", async () => {
    const path = await store({ days: [100, 80, 60], outlier, at: undefined });
    expect(await errorOf(runPrune(path, pruneOptions(path, NOW, { logs: "30d" })))).toMatchObject({
      code: "check_failed",
      message: expect.stringContaining("all log text"),
    });
    expect(linesLeft(path)).toHaveLength(4);
  });

  test("is no oldest and no newest line", async () => {
    const path = await store({ days: DAYS, outlier, at: 2 });
    const options = pruneOptions(path, NOW);
    const { classes } = await withPruner(path, { isRehearsal: true }, (pruner) => pruneStatus(pruner, options));
    expect(classes[0]).toMatchObject({
      oldest: expect.stringContaining(dates(100)[0] ?? ""),
      newest: expect.stringContaining(dates(1)[0] ?? ""),
    });
  });

  test("does not keep a database from being made smaller, nor survives the rest of it", async () => {
    const path = await store({ days: DAYS, outlier, at: undefined });
    const options = { ...pruneOptions(path, NOW, { logs: "forever", messages: "forever" }), maxSize: 1000 };
    expect(await errorOf(runPrune(path, options))).toMatchObject({ code: "check_failed" });
    expect(linesLeft(path).filter((date) => date !== outlier.slice(0, 10)).length).toBeGreaterThan(0);
  });
});

test("a clock that is behind most lines is told, and one line that is ahead of it is not", async () => {
  const path = await store({ days: [3, 2, 1], outlier: "9999-03-02 00:00:01", at: undefined });
  expect(await errorOf(runPrune(path, pruneOptions(path, daysAgo(1000), { logs: "1d" })))).toMatchObject({
    code: "check_failed",
    message: expect.stringContaining("The clock says"),
  });
});
