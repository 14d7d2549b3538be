import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type BackupOptions, type BackupStep, makeBackup } from "../../src/backup/backup.ts";
import { listBackups } from "../../src/backup/catalogue.ts";
import { drill } from "../../src/backup/drill.ts";
import { NO_KEYS } from "../../src/backup/encryption.ts";
import { restoreBackup } from "../../src/backup/restore.ts";
import { verifyBackup } from "../../src/backup/verify.ts";
import type { PilotError } from "../../src/errors.ts";
import { loadMigrations } from "../../src/store/migrations.ts";
import { epochMs } from "../../src/units.ts";
import { ingestInto, NOW, SCHEMA_DIRECTORY, temporaryFolder } from "../support/database.ts";
import { Random } from "../support/generate.ts";
import { errorOf } from "../support/pilot-error.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { differences, dumpSources, dumpViews } from "../support/views.ts";

const MIGRATIONS = loadMigrations(SCHEMA_DIRECTORY);
const IDENTITY = await generateX25519Identity();
const RECIPIENT = await identityToRecipient(IDENTITY);

describe("a backup", () => {
  test.each([
    ["plain", {}, ".db"],
    ["compressed", { isCompressed: true }, ".db.gz"],
    ["encrypted", { locks: { recipients: [RECIPIENT] } }, ".db.age"],
    ["compressed and encrypted", { isCompressed: true, locks: { recipients: [RECIPIENT] } }, ".db.gz.age"],
  ])("that is %s gives the same database again", async (_what, form, ending) => {
    const path = await smallDatabase();
    const { path: backup, manifest } = await makeBackup(options(path, form));
    expect(basename(backup)).toBe(`pilot-20260401T000000Z${ending}`);
    expect(readdirSync(dirname(backup)).sort()).toEqual([basename(backup), `${basename(backup)}.json`]);
    for (const file of [backup, `${backup}.json`]) expect(statSync(file).mode & 0o777).toBe(0o600);
    const keys = { ...NO_KEYS, identities: [IDENTITY] };
    expect((await verifyBackup(backup, { keys, migrations: MIGRATIONS })).counts).toEqual(manifest.database.counts);
    const restored = join(temporaryFolder(), "restored.db");
    await restoreBackup({ backup, path: restored, keys, migrations: MIGRATIONS, waitMs: 0, now: () => NOW });
    expect(differences(dumpViews(restored), dumpViews(path))).toEqual([]);
    expect(dumpSources(restored)).toEqual(dumpSources(path));
    expect(statSync(restored).mode & 0o777).toBe(0o600);
    await ingestInto(restored, writeSmallLogs());
    expect(differences(dumpViews(restored), dumpViews(path))).toEqual([]);
  });

  test("tells what it is at", async () => {
    const told: [BackupStep, number][] = [];
    const onProgress = (step: BackupStep, share: number) => void told.push([step, share]);
    await makeBackup({ ...options(await smallDatabase(), { isCompressed: true }), onProgress });
    expect([...new Set(told.map(([step]) => step))]).toEqual(["copy", "check", "pack"]);
    expect(told[0]).toEqual(["copy", 0]);
    expect(told.every(([, share]) => share >= 0 && share <= 1)).toBe(true);
  });

  test("opens with the secret key of its recipient and with no other", async () => {
    const stranger = await generateX25519Identity();
    const { path: backup } = await makeBackup(options(await smallDatabase(), { locks: { recipients: [RECIPIENT] } }));
    const verify = (...identities: string[]) =>
      verifyBackup(backup, { keys: { ...NO_KEYS, identities }, migrations: MIGRATIONS });
    await verify(stranger, IDENTITY);
    expect(await errorOf(verify(stranger))).toMatchObject({
      code: "check_failed",
      message: expect.stringMatching(/No key .* opens/),
    });
    expect(await errorOf(verify())).toMatchObject({ code: "usage", message: expect.stringMatching(/is encrypted/) });
    expect(await errorOf(verify("AGE-SECRET-KEY-x"))).toMatchObject({ code: "usage" });
  });

  test("opens with its passphrase and with no other", async () => {
    // What makes guessing slow is the library's, and slow.
    const { setPassphrase } = Encrypter.prototype;
    const spy = vi.spyOn(Encrypter.prototype, "setPassphrase").mockImplementation(function (
      this: Encrypter,
      passphrase,
    ) {
      setPassphrase.call(this, passphrase);
      this.setScryptWorkFactor(10);
    });
    onTestFinished(() => spy.mockRestore());
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path, { locks: { passphrase: "correct horse" } }));
    const verify = (passphrase: string) =>
      verifyBackup(backup, { keys: { ...NO_KEYS, passphrase }, migrations: MIGRATIONS });
    await verify("correct horse");
    expect(await errorOf(verify("battery staple"))).toMatchObject({
      code: "check_failed",
      message: expect.stringMatching(/No key .* opens/),
    });
  });

  test("does not show its log lines when it is encrypted, also not while it is made", async () => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path, { locks: { recipients: [RECIPIENT] } }));
    expect(readFileSync(backup, "latin1")).not.toContain("SQLite format 3");
    expect(readFileSync(path, "latin1")).toContain("SQLite format 3");
  });

  test("is not made over another one", async () => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    const before = readFileSync(backup);
    expect(await errorOf(makeBackup(options(path)))).toMatchObject({
      code: "exists",
      message: expect.stringMatching(/There is a backup/),
    });
    expect(readFileSync(backup).equals(before)).toBe(true);
    expect(readdirSync(dirname(backup))).toHaveLength(2);
  });

  test("is not begun when the disk has too little space", async () => {
    const path = await smallDatabase();
    const error = await errorOf(makeBackup(options(path, { freeBytes: () => 1000 })));
    expect(error).toMatchObject({ code: "disk_full", message: expect.stringMatching(/1 MiB left/) });
    expect(readdirSync(join(dirname(path), "backups"))).toEqual([]);
  });

  test("that is interrupted leaves nothing", async () => {
    const path = await smallDatabase();
    const controller = new AbortController();
    controller.abort();
    expect(await errorOf(makeBackup(options(path, { signal: controller.signal })))).toMatchObject({
      code: "interrupted",
    });
    expect(readdirSync(join(dirname(path), "backups"))).toEqual([]);
  });

  test("of a database that is damaged is not made", async () => {
    const path = await smallDatabase();
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 8192, 20_000);
    writeFileSync(path, bytes);
    const error = await errorOf(makeBackup(options(path)));
    expect(error.code).toBe("corrupt");
    expect(readdirSync(join(dirname(path), "backups"))).toEqual([]);
  });

  test("removes what killed runs have left, and nothing that may still be written", async () => {
    const path = await smallDatabase();
    const directory = join(dirname(path), "backups");
    await makeBackup(options(path));
    const names = [".exim-pilot-plain-x.db", "pilot-20250101T000000Z.db.json", ".exim-pilot-packed-y.db", "notes.json"];
    for (const name of names) writeFileSync(join(directory, name), "");
    const longAgo = NOW / 1000 - 7200;
    for (const name of names.slice(0, 2).concat("notes.json")) utimesSync(join(directory, name), longAgo, longAgo);
    utimesSync(join(directory, ".exim-pilot-packed-y.db"), NOW / 1000, NOW / 1000);
    await makeBackup(options(path, { now: () => epochMs(NOW + 1000) }));
    const left = readdirSync(directory).filter((name) => names.includes(name));
    expect(left.sort()).toEqual([".exim-pilot-packed-y.db", "notes.json"]);
  });
});

describe("a backup that is not as it was made", () => {
  const refuse = async (change: (backup: string) => string | undefined): Promise<PilotError> => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path, { isCompressed: true }));
    const changed = change(backup) ?? backup;
    const target = join(temporaryFolder(), "target.db");
    copyFileSync(path, target);
    const before = readFileSync(target);
    const settings = { keys: NO_KEYS, migrations: MIGRATIONS, waitMs: 0, now: () => NOW };
    const refusals = [
      await errorOf(verifyBackup(changed, settings)),
      await errorOf(restoreBackup({ backup: changed, path: target, ...settings })),
    ];
    expect(refusals[0]?.message).toBe(refusals[1]?.message);
    expect(readFileSync(target).equals(before)).toBe(true);
    expect(readdirSync(dirname(target))).toEqual(["target.db"]);
    return refusals[0] as PilotError;
  };

  test("is refused when it is cut off anywhere", async () => {
    const random = new Random(3);
    for (let round = 0; round < 6; round++) {
      const error = await refuse((backup) => {
        const bytes = readFileSync(backup);
        writeFileSync(backup, bytes.subarray(0, random.upTo(bytes.length)));
        return undefined;
      });
      expect(error).toMatchObject({
        code: "check_failed",
        message: expect.stringMatching(/was cut off after \d+ of \d+ bytes/),
      });
    }
  });

  test("is refused when one bit of it has turned", async () => {
    const random = new Random(4);
    for (let round = 0; round < 6; round++) {
      const error = await refuse((backup) => {
        const bytes = readFileSync(backup);
        const place = random.upTo(bytes.length);
        bytes[place] = (bytes[place] ?? 0) ^ (1 << random.upTo(8));
        writeFileSync(backup, bytes);
        return undefined;
      });
      expect(error).toMatchObject({
        code: "check_failed",
        message: expect.stringMatching(/was changed since it was made/),
      });
    }
  });

  test("is refused under another name, with its manifest or without", async () => {
    const rename = (withManifest: boolean) => (backup: string) => {
      const other = join(dirname(backup), "mail-20260401T000000Z.db.gz");
      renameSync(backup, other);
      if (withManifest) renameSync(`${backup}.json`, `${other}.json`);
      return other;
    };
    expect(await refuse(rename(true))).toMatchObject({
      message: expect.stringMatching(/was made as "pilot-.*" and renamed/),
    });
    expect(await refuse(rename(false))).toMatchObject({ message: expect.stringMatching(/has no manifest/) });
  });

  test("is refused when its manifest is not as it was", async () => {
    const edit = (from: RegExp, to: string) => (backup: string) => {
      const text = readFileSync(`${backup}.json`, "utf8");
      writeFileSync(`${backup}.json`, text.replace(from, to));
      expect(readFileSync(`${backup}.json`, "utf8")).not.toBe(text);
      return undefined;
    };
    expect(await refuse(edit(/\}\s*$/, ""))).toMatchObject({
      message: expect.stringMatching(/manifest .* cannot be used/),
    });
    expect(await refuse(edit(/"raw_blocks": \d+/, '"raw_blocks": 9'))).toMatchObject({
      message: expect.stringMatching(/other rows of raw_blocks/),
    });
    expect(await refuse(edit(/"compression": "gzip"/, '"compression": "none"'))).toMatchObject({
      code: "check_failed",
    });
  });

  test("is refused when it holds a newer schema", async () => {
    const path = await smallDatabase();
    const database = new Database(path);
    database.pragma("user_version = 99");
    database.close();
    const newer = {
      steps: [...MIGRATIONS.steps, { version: 99, name: "x", sql: "", sha256: "" }],
      views: MIGRATIONS.views,
    };
    const { path: backup } = await makeBackup(options(path, { migrations: newer }));
    const error = await errorOf(verifyBackup(backup, { keys: NO_KEYS, migrations: MIGRATIONS }));
    expect(error).toMatchObject({ code: "schema_newer", message: expect.stringMatching(/has schema 99/) });
  });
});

describe("restore", () => {
  test("keeps the replaced database, with all that was committed to it", async () => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    await ingestInto(path, writeSmallLogs(), { server: "another" });
    chmodSync(path, 0o640);
    const before = dumpViews(path);
    const report = await restore(backup, path);
    expect(report.keptAside).toBe(`${path}.replaced-20260401T000000Z`);
    expect(differences(dumpViews(report.keptAside ?? ""), before)).toEqual([]);
    expect(dumpViews(path)["servers"]).toHaveLength(1);
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  test("does not take a database away from those who use it", async () => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    const user = new Database(path);
    user.pragma("journal_mode = WAL");
    user.prepare("SELECT count(*) FROM raw_blocks").get();
    const before = dumpViews(path);
    expect(await errorOf(restore(backup, path))).toMatchObject({ code: "busy" });
    expect(differences(dumpViews(path), before)).toEqual([]);
    user.close();
    await restore(backup, path);
  });

  test.each([
    ["damaged", (bytes: Buffer) => bytes.fill(0x5a, 100, 40_000)],
    ["no database at all", () => Buffer.from("what is this?")],
  ])("replaces a file that is %s, with what is beside it", async (_what, damage) => {
    const path = await smallDatabase();
    const expected = dumpViews(path);
    const { path: backup } = await makeBackup(options(path));
    writeFileSync(path, damage(readFileSync(path)));
    writeFileSync(`${path}-wal`, "left over");
    const { keptAside } = await restore(backup, path);
    expect(differences(dumpViews(path), expected)).toEqual([]);
    expect(existsSync(`${path}-wal`)).toBe(false);
    expect(existsSync(keptAside ?? "")).toBe(true);
  });
});

describe("a drill", () => {
  test("restores the newest backup, reads all of its text, and leaves nothing", async () => {
    const path = await smallDatabase();
    await makeBackup(options(path));
    const { path: newest, manifest } = await makeBackup(options(path, { now: () => epochMs(NOW + 5000) }));
    const directory = dirname(newest);
    const before = readdirSync(directory);
    const report = await drill({ directory, path, keys: NO_KEYS, migrations: MIGRATIONS, waitMs: 0, now: () => NOW });
    const bytes = Object.values(SMALL_LOGS).reduce((sum, log) => sum + log.length, 0);
    expect(report).toEqual({ backup: newest, manifest, texts: { blocks: expect.any(Number), bytes } });
    expect(readdirSync(directory)).toEqual(before);
  });

  test("finds text that is not what was read", async () => {
    const path = await smallDatabase();
    const database = new Database(path);
    database.exec("UPDATE raw_blocks SET sha256 = zeroblob(32) WHERE id = 1");
    database.close();
    const { path: backup } = await makeBackup(options(path));
    const settings = {
      directory: dirname(backup),
      path,
      keys: NO_KEYS,
      migrations: MIGRATIONS,
      waitMs: 0,
      now: () => NOW,
    };
    expect(await errorOf(drill(settings))).toMatchObject({
      code: "corrupt",
      message: expect.stringMatching(/block 1/),
    });
    expect(await errorOf(drill({ ...settings, path: "other.db" }))).toMatchObject({ code: "not_found" });
  });
});

describe("rotation", () => {
  test("removes only whole backups of the same database, and tells of damaged ones", async () => {
    const path = await smallDatabase();
    const day = (number: number) => () => epochMs(NOW + number * 86_400_000);
    const made = [];
    for (const number of [0, 1, 2]) made.push((await makeBackup(options(path, { now: day(number) }))).path);
    const [first = "", second = ""] = made;
    const directory = dirname(first);
    writeFileSync(second, "damaged");
    writeFileSync(join(directory, "other-20260401T000000Z.db"), "of another database");
    const report = await makeBackup(options(path, { now: day(3), keep: [{ count: 1, period: "d" }] }));
    expect(report.removed).toEqual([made[2], first]);
    expect(listBackups(directory, path).map((backup) => [backup.path, backup.problem === undefined])).toEqual([
      [report.path, true],
      [second, false],
    ]);
    expect(existsSync(join(directory, "other-20260401T000000Z.db"))).toBe(true);
  });
});

async function smallDatabase(): Promise<string> {
  const path = join(temporaryFolder(), "pilot.db");
  await ingestInto(path, writeSmallLogs());
  return path;
}

function writeSmallLogs(): string[] {
  const folder = temporaryFolder();
  return Object.entries(SMALL_LOGS).map(([log, bytes]) => {
    const path = join(folder, `${log}log`);
    writeFileSync(path, bytes);
    return path;
  });
}

function options(path: string, more: Partial<BackupOptions> = {}): BackupOptions {
  return {
    path,
    directory: join(dirname(path), "backups"),
    isCompressed: false,
    locks: undefined,
    keep: undefined,
    migrations: MIGRATIONS,
    program: "0.0.0-test",
    waitMs: 200,
    now: () => NOW,
    ...more,
  };
}

function restore(backup: string, path: string) {
  return restoreBackup({ backup, path, keys: NO_KEYS, migrations: MIGRATIONS, waitMs: 100, now: () => NOW });
}
