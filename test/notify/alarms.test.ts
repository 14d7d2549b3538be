/** `--fail-if … --notify`: an alarm is told once a day, and nobody is promised what cannot be told. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DAY_MS, epochMs, MINUTE_MS } from "../../src/units.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { NOW, temporaryFolder } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

const CHANNELS = '[notify]\ntiers = ["ops"]\n[channels.ops]\ntype = "webhook"\nurl = "http://127.0.0.1:9/"\n';

/** A message that waits, of five minutes ago. */
async function databaseWith(config: string): Promise<{ db: string; configFile: string }> {
  const folder = temporaryFolder();
  const [db, configFile] = [join(folder, "pilot.db"), join(folder, "exim-pilot.toml")];
  writeFileSync(configFile, config, { mode: 0o600 });
  const stamp = new Date(NOW - 5 * MINUTE_MS).toISOString().slice(0, 19).replace("T", " ");
  const log = `${stamp} 1vwwZU-0005V4-1s <= a@a.test H=(x) [203.0.113.9] P=esmtp S=400 for b@b.test\n${stamp} 1vwwZU-0005V4-1s == b@b.test R=r T=t defer (-1): later\n`;
  const argv = ["ingest", "--quiet", "--log-type", "main", "--server", "mx1", "--timezone", "UTC", "--db", db, "-"];
  expect(await runCli(argv, { stdin: log, now: () => NOW })).toMatchObject({ status: 0 });
  return { db, configFile };
}

/** Commands with a condition that holds, and with one that does not. */
const COMMANDS: readonly (readonly [name: string, met: readonly string[], unmet: readonly string[]])[] = [
  ["stats", ["stats", "--quiet", "--fail-if", "received>0"], ["stats", "--quiet", "--fail-if", "received>9"]],
  ["queue health", ["queue", "health", "--fail-if", "queue>0"], ["queue", "health", "--fail-if", "queue>9"]],
];

const keysIn = (db: string): readonly unknown[] =>
  queryAll(
    db,
    "SELECT reason, severity, status, json_extract(event_data, '$.title') AS title FROM stored_outbox ORDER BY number",
  );

describe.each(COMMANDS)("%s --notify", (_name, met, unmet) => {
  test("puts an alarm into the outbox once a day, and none where nothing is wrong", async () => {
    const { db, configFile } = await databaseWith(CHANNELS);
    const run = (argv: readonly string[], ms: number = NOW) =>
      runCli([...argv, "--notify", "--silence", "0", "--db", db], { configFile, now: () => epochMs(ms) });
    expect(await run(unmet)).toMatchObject({ status: 0 });
    expect(keysIn(db)).toEqual([]);
    for (const ms of [NOW, NOW + MINUTE_MS]) expect((await run(met, ms)).status).toBe(1);
    const [alarm, ...others] = keysIn(db);
    expect(others).toEqual([]);
    expect(alarm).toMatchObject({ reason: "alarm", severity: "serious", status: "pending" });
    expect((alarm as { title: string }).title).toMatch(/>0/);
    expect((await run(met, NOW + DAY_MS)).status).toBe(1);
    expect(keysIn(db)).toHaveLength(2);
  });

  test("is refused where nobody would be told, or of nothing, and then puts nothing into the outbox", async () => {
    const { db, configFile } = await databaseWith("");
    expectFailure(await runCli([...met, "--notify", "--db", db], { configFile, now: () => NOW }), {
      status: 2,
      says: "names no channel for notifications",
    });
    const bare = met.slice(0, met.indexOf("--fail-if"));
    expectFailure(await runCli([...bare, "--notify", "--db", db], { configFile, now: () => NOW }), {
      status: 2,
      says: "--notify tells of conditions, and none is given.",
    });
    expect(keysIn(db)).toEqual([]);
  });

  test("tells the same with and without --redact, and its outbox has the names", async () => {
    const { db, configFile } = await databaseWith(CHANNELS);
    const { status } = await runCli([...met, "--notify", "--redact", "--silence", "0", "--db", db], {
      configFile,
      now: () => NOW,
    });
    expect(status).toBe(1);
    expect(keysIn(db)).toHaveLength(1);
  });
});
