/**
 * Backup, restore and export, killed at any instant. The database is sound, and is what it was or what it was to become. The next
 * run does what this one did not, and leaves nothing of it. EXIM_PILOT_TORTURE kills each 40 times and more.
 */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { notificationOf } from "../notify/outboxes.ts";
import { startProgram } from "../support/child.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, NOW, temporaryFolder, withWriter } from "../support/database.ts";
import { generateLog } from "../support/generate.ts";
import { killAgainAndAgain } from "../support/kills.ts";
import { differences, dumpSources, dumpViews, queryAll, readSources } from "../support/views.ts";

const TORTURE = process.env["EXIM_PILOT_TORTURE"];
const KILLS = TORTURE === undefined ? 2 : Math.max(40, Number(TORTURE) / 5);
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const [SOUND, OTHER, LOG] = [join(FOLDER, "sound.db"), join(FOLDER, "other.db"), join(FOLDER, "mainlog")];
const KEEP = ["--quiet", "--keep", "1d,1y"];

vi.setConfig({ testTimeout: 60_000 + KILLS * 20_000, hookTimeout: 60_000 });

let backup: string;

beforeAll(async () => {
  const lines = [...generateLog("main", { messages: 120, seed: 5 })];
  writeFileSync(LOG, lines.join(""));
  await ingestInto(SOUND, [LOG]);
  const tagged = queryAll<{ id: string }>(SOUND, "SELECT id FROM messages LIMIT 1")[0]?.id ?? "";
  await runCli(["tag", tagged, "ticket-4711", "--db", SOUND]);
  writeFileSync(LOG, lines.slice(0, lines.length / 3).join(""));
  await ingestInto(OTHER, [LOG]);
  await runCli(["backup", "--quiet", "--compress", "--db", OTHER, join(FOLDER, "backups")]);
  backup = join(FOLDER, "backups", readdirSync(join(FOLDER, "backups")).find((name) => name.endsWith(".gz")) ?? "");
});

afterAll(() => {
  rmSync(FOLDER, { recursive: true, force: true });
});

describe("a backup that is killed", () => {
  test.each([[[]], [["--compress"]]])(
    "with %j leaves whole ones only, and the next leaves no trace of it",
    async (flags) => {
      const argv = (path: string) => ["backup", ...flags, ...KEEP, "--db", path, join(path, "..", "backups")];
      await killAgainAndAgain(KILLS, {
        prepare: async () => {
          const path = copyOf(SOUND);
          await runDone(argv(path));
          return path;
        },
        argv,
        check: async (path) => {
          const directory = join(path, "..", "backups");
          await expectContent(path, SOUND);
          await expectWhole(directory, path);
          await runDone(argv(path));
          await expectWhole(directory, path);
          expect(temporaryIn(directory)).toEqual([]);
          expect(readdirSync(directory)).toHaveLength(2);
        },
      });
    },
  );
});

describe("a restore that is killed", () => {
  test("leaves the old database or that of the backup, and the next leaves no trace of it", async () => {
    const argv = (path: string) => ["restore", backup, "--db", path];
    const restored = dumpViews(OTHER);
    await killAgainAndAgain(KILLS, {
      prepare: () => copyOf(SOUND),
      argv,
      check: async (path) => {
        const isNew = differences(dumpViews(path), restored).length === 0;
        await expectContent(path, isNew ? OTHER : SOUND);
        await runDone(argv(path));
        await expectContent(path, OTHER);
        const names = readdirSync(join(path, ".."));
        expect(temporaryIn(join(path, ".."))).toEqual([]);
        const asides = names
          .filter((name) => /\.replaced-[^-]*(-\d+)?$/.test(name))
          .map((name) => join(path, "..", name));
        expect(asides).toHaveLength(isNew ? 2 : 1);
        const kept = asides.map((aside) => differences(dumpViews(aside), dumpViews(SOUND)).length === 0);
        expect(kept).toContain(true);
      },
    });
  });
});

describe("a restore that is killed as soon as its database is in place", () => {
  test("leaves nothing that is sent again", async () => {
    const [path, directory] = [copyOf(SOUND), temporaryFolder()];
    await withWriter(path, (writer) => writer.write(({ outbox }) => void outbox.enqueue(notificationOf("one"), NOW)));
    await runDone(["backup", "--quiet", "--db", path, directory]);
    const [backup = ""] = readdirSync(directory).filter((name) => name.endsWith(".db"));
    const { ino } = statSync(path);
    const run = startProgram(["restore", join(directory, backup), "--db", path]);
    while (run.child.exitCode === null && statSync(path).ino === ino) await pause(0);
    run.child.kill("SIGKILL");
    await run.ended;
    expect(statSync(path).ino).not.toBe(ino);
    expect(queryAll(path, "SELECT status FROM stored_outbox")).toEqual([{ status: "cancelled" }]);
  });
});

describe("a full disk", () => {
  const expectFull = async (argv: readonly string[], kib: number): Promise<void> => {
    const { status, stderr } = await startProgram(argv, `trap '' XFSZ; ulimit -f ${kib}`).ended;
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: expect.stringMatching(/^(?:note: .+\n)?error: .+\.\nhint: .+\n$/),
    });
    expect(stderr).not.toContain(".exim-pilot-");
  };

  test.each([
    [8, []],
    [8, ["--compress"]],
    [200, []],
    [1, ["--passphrase-file", LOG]],
  ])("of %i KiB ends a backup with a sentence, and nothing is left or removed (%j)", async (kib, flags) => {
    const path = copyOf(SOUND);
    const directory = join(path, "..", "backups");
    await runDone(["backup", ...KEEP, "--db", path, directory]);
    const before = readdirSync(directory);
    await expectFull(["backup", ...flags, ...KEEP, "--db", path, directory], kib);
    expect(readdirSync(directory)).toEqual(before);
    expect(temporaryIn(join(path, ".."))).toEqual([]);
    await expectContent(path, SOUND);
  });

  test.each([1, 8, 100])("of %i KiB ends a restore with a sentence, and the database is as it was", async (kib) => {
    const path = copyOf(SOUND);
    await expectFull(["restore", backup, "--db", path], kib);
    expect(temporaryIn(join(path, ".."))).toEqual([]);
    await expectContent(path, SOUND);
  });
});

describe("an export that is killed", () => {
  test("changes nothing, and the next gives all", async () => {
    const [source] = readSources(SOUND);
    await killAgainAndAgain(KILLS, {
      prepare: () => copyOf(SOUND),
      argv: (path) => ["export", "--raw", "1", "--output", join(path, "..", "killed.log"), "--db", path],
      check: async (path) => {
        await expectContent(path, SOUND);
        const whole = join(path, "..", "whole.log");
        await runDone(["export", "--raw", "1", "--output", whole, "--db", path]);
        expect(readFileSync(whole).equals(source?.bytes ?? Buffer.alloc(0))).toBe(true);
      },
    });
  });
});

function copyOf(database: string): string {
  const path = join(temporaryFolder(), "pilot.db");
  mkdirSync(join(path, "..", "backups"));
  copyFileSync(database, path);
  return path;
}

async function runDone(argv: readonly string[]): Promise<void> {
  for (;;) {
    const { status, stderr } = await startProgram(argv).ended;
    // NOTE: backups are named by the second.
    if (stderr.includes("There is a backup")) continue;
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return;
  }
}

/** Expects a sound database with the content of `expected`. */
async function expectContent(path: string, expected: string): Promise<void> {
  expect(differences(dumpViews(path), dumpViews(expected))).toEqual([]);
  expect(dumpSources(path)).toEqual(dumpSources(expected));
  expect(readSources(path)).toEqual(readSources(expected));
  const tags = "SELECT tag, exim_id FROM stored_tags";
  expect(queryAll(path, tags)).toEqual(queryAll(expected, tags));
  const { status, stdout } = await runCli(["verify", "--deep", "--db", path]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining("Sound") });
}

/** Expects that each backup that has its manifest can be used, and that there is at least one. */
async function expectWhole(directory: string, database: string): Promise<void> {
  const names = readdirSync(directory).filter((name) => name.endsWith(".json") && !name.startsWith("."));
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    const file = join(directory, name.slice(0, -".json".length));
    expect((await runCli(["backup", "--verify", file, "--db", database])).status).toBe(0);
  }
}

/** Names of files that are there for a while only. */
function temporaryIn(directory: string): readonly string[] {
  return readdirSync(directory).filter((name) => name.startsWith(".exim-pilot-"));
}
