/**
 * One bit that turns: in a database, in a backup of any form, in a manifest. Either somebody is told, or every answer is as before.
 * With EXIM_PILOT_TORTURE 300 turn in each.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import Database from "better-sqlite3";
import { describe, expect, test, vi } from "vitest";
import { runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { Random } from "../support/generate.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { dumpSources, dumpViews, queryAll, readSources } from "../support/views.ts";

const FLIPS = process.env["EXIM_PILOT_TORTURE"] === undefined ? 15 : 300;
const random = new Random(Number(process.env["EXIM_PILOT_SEED"] ?? 1));
const IDENTITY = await generateX25519Identity();
const RECIPIENT = await identityToRecipient(IDENTITY);

vi.setConfig({ testTimeout: 60_000 + FLIPS * 5000 });

describe("a bit that turns", () => {
  test("in a database is found, or changes no answer", async () => {
    const sound = await makeDatabase();
    const expected = await answersOf(sound);
    const bytes = readFileSync(sound);
    const path = join(temporaryFolder(), "pilot.db");
    const wrong: string[] = [];
    let found = 0;
    for (let flip = 0; flip < FLIPS; flip++) {
      const place = turnOneBit(bytes, path);
      const { status, stderr } = await runCli(["verify", "--deep", "--db", path]);
      if (stderr.includes("a bug")) wrong.push(`${place}: ${stderr}`);
      if (status !== 0) found++;
      else if ((await answersOf(path)) !== expected) wrong.push(place);
    }
    expect(wrong).toEqual([]);
    expect(found).toBeGreaterThan(0);
  });

  test.each([
    ["plain", []],
    ["compressed", ["--compress"]],
    ["encrypted", ["--recipient", RECIPIENT]],
    ["compressed and encrypted", ["--compress", "--recipient", RECIPIENT]],
  ])("in a backup that is %s is found", async (_what, flags) => {
    const { backup, verify } = await makeBackup(flags);
    const bytes = readFileSync(backup);
    for (let flip = 0; flip < FLIPS; flip++) {
      const place = turnOneBit(bytes, backup);
      expect((await verify()).status, place).toBe(1);
    }
    writeFileSync(backup, bytes);
    expect((await verify()).status).toBe(0);
  });

  test("in the manifest of a backup is found, or changes nothing that it says", async () => {
    const { backup, verify } = await makeBackup(["--compress"]);
    const bytes = readFileSync(`${backup}.json`);
    const said = JSON.parse(bytes.toString());
    let found = 0;
    for (let flip = 0; flip < FLIPS; flip++) {
      const place = turnOneBit(bytes, `${backup}.json`);
      const { status, stderr } = await verify();
      if (status === 0) expect(JSON.parse(readFileSync(`${backup}.json`, "utf8")), place).toEqual(said);
      else
        expect({ status, stderr }, place).toEqual({ status: 1, stderr: expect.stringMatching(/^error: .*\.\nhint: /) });
      if (status !== 0) found++;
    }
    expect(found).toBeGreaterThan(0);
  });
});

/** A backup of a small database, and how it is checked. */
async function makeBackup(flags: readonly string[]) {
  const path = await makeDatabase();
  const directory = join(path, "..", "backups");
  expect(await runCli(["backup", ...flags, "--db", path, directory])).toMatchObject({ status: 0 });
  const backup = join(directory, readdirSync(directory).find((name) => !name.endsWith(".json")) ?? "");
  const keys = join(directory, "keys");
  writeFileSync(keys, IDENTITY);
  const identity = flags.includes("--recipient") ? ["--identity-file", keys] : [];
  return { backup, verify: () => runCli(["backup", "--verify", backup, ...identity, "--db", path]) };
}

/** Writes `bytes` with one bit turned; tells which. */
function turnOneBit(bytes: Buffer, path: string): string {
  const turned = Buffer.from(bytes);
  const [at, bit] = [random.upTo(bytes.length), random.upTo(8)];
  turned[at] = (turned[at] ?? 0) ^ (1 << bit);
  writeFileSync(path, turned);
  return `byte ${at}, bit ${bit}`;
}

/** Everything that people ask, as one text. */
async function answersOf(path: string): Promise<string> {
  const commands = [
    ["stats", "--json"],
    ["search", "--json"],
    ["servers", "--json"],
    ["trace", "1vwwZU-0005VB-1y", "--json"],
  ];
  const printed = [];
  for (const command of commands) printed.push(await runCli([...command, "--db", path]));
  const read = (name: string, action: () => unknown): unknown => {
    try {
      return action();
    } catch (error) {
      return `${name}: ${error instanceof Error ? error.message : ""}`;
    }
  };
  return JSON.stringify([
    read("views", () => dumpViews(path)),
    read("sources", () => dumpSources(path)),
    read("texts", () => readSources(path).map(({ bytes, ...rest }) => [bytes.toString("latin1"), rest])),
    read("audit", () => queryAll(path, "SELECT * FROM audit_log")),
    printed,
  ]);
}

async function makeDatabase(): Promise<string> {
  const logs = Object.entries(SMALL_LOGS).map(([log, bytes]) => {
    const path = join(temporaryFolder(), `${log}log`);
    writeFileSync(path, bytes);
    return path;
  });
  const path = join(temporaryFolder(), "pilot.db");
  await ingestInto(path, logs);
  await runCli(["tag", "1vwwZU-0005VB-1y", "ticket-4711", "--db", path]);
  await runCli(["servers", "set", "mx1", "--owner", "joe", "--db", path]);
  const database = new Database(path);
  database.pragma("journal_mode = DELETE");
  database.close();
  return path;
}
