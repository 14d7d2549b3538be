import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type BackupStep, makeBackup } from "../../src/backup/backup.ts";
import { listBackups } from "../../src/backup/catalogue.ts";
import { drill } from "../../src/backup/drill.ts";
import { NO_KEYS } from "../../src/backup/encryption.ts";
import { readManifest, writeManifest } from "../../src/backup/manifest.ts";
import { fingerprintOf } from "../../src/backup/packing.ts";
import { restoreBackup } from "../../src/backup/restore.ts";
import { verifyBackup } from "../../src/backup/verify.ts";
import type { PilotError } from "../../src/errors.ts";
import { epochMs } from "../../src/units.ts";
import { MIGRATIONS, made, options, smallDatabase, WORLD, writeSmallLogs } from "../support/backups.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { ingestInto, NOW, openDirectly, temporaryFolder } from "../support/database.ts";
import { Random } from "../support/generate.ts";
import { errorOf } from "../support/pilot-error.ts";
import { ENDED_MARK, FOREIGN_MARK, PROCESSES } from "../support/processes.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { differences, dumpSources, dumpViews, queryAll } from "../support/views.ts";

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
    expect((await verifyBackup(backup, { keys, ...WORLD })).counts).toEqual(manifest.database.counts);
    const restored = join(temporaryFolder(), "restored.db");
    await restoreBackup({ backup, path: restored, keys, ...WORLD, waitMs: 0 });
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
    const verify = (...identities: string[]) => verifyBackup(backup, { keys: { ...NO_KEYS, identities }, ...WORLD });
    await verify(stranger, IDENTITY);
    expect(await errorOf(verify(stranger))).toMatchObject({
      code: "check_failed",
      message: expect.stringMatching(/No key .* opens/),
    });
    expect(await errorOf(verify())).toMatchObject({ code: "usage", message: expect.stringMatching(/is encrypted/) });
    expect(await errorOf(verify("AGE-SECRET-KEY-x"))).toMatchObject({ code: "usage" });
  });

  test("opens with its passphrase and with no other", async () => {
    // The library slows guessing down by a large work factor, and the test with it.
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
    const verify = (passphrase: string) => verifyBackup(backup, { keys: { ...NO_KEYS, passphrase }, ...WORLD });
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
    expect(existsSync(join(dirname(path), "backups"))).toBe(false);
  });

  test("removes what killed runs have left, and nothing else", async () => {
    const path = await smallDatabase();
    const directory = join(dirname(path), "backups");
    const { path: made } = await makeBackup(options(path));
    const left = (kind: string, mark: string, ending = "") => `.exim-pilot-${kind}-${mark}-${randomUUID()}${ending}`;
    const [orphan] = [left("manifest", ENDED_MARK)];
    const removed = [
      ...["plain", "packed", "restore", "verify", "drill"].map((kind) => left(kind, ENDED_MARK)),
      left("plain", ENDED_MARK, "-journal"),
      orphan,
    ];
    const kept = [
      left("plain", PROCESSES.mark),
      left("packed", FOREIGN_MARK),
      left("other", ENDED_MARK),
      left("plain", ENDED_MARK, ".txt"),
      ".exim-pilot-plain-x.db",
      ".exim-pilot-notes",
      "pilot-20250101T000000Z.db.json",
      "pilot-20250101T000000Z.db",
      "notes.json",
    ];
    for (const name of [...removed, ...kept]) writeFileSync(join(directory, name), "");
    writeFileSync(join(directory, orphan), readFileSync(`${made}.json`, "utf8").replaceAll("20260401", "20250401"));
    const link = left("verify", ENDED_MARK);
    symlinkSync(dirname(path), join(directory, link));
    const longAgo = NOW / 1000 - 999_999;
    for (const name of kept.slice(2)) utimesSync(join(directory, name), longAgo, longAgo);
    await makeBackup(options(path, { now: () => epochMs(NOW + 1000), keep: [{ count: 1, period: "y" }] }));
    const names = readdirSync(directory);
    expect(names).toEqual(expect.arrayContaining([...kept, link]));
    expect(names.filter((name) => removed.includes(name))).toEqual([]);
    expect(existsSync(path)).toBe(true);
  });

  test("gets its manifest back when a run was killed between its two names", async () => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    renameSync(`${backup}.json`, join(dirname(backup), `.exim-pilot-manifest-${ENDED_MARK}-${randomUUID()}`));
    await makeBackup(options(path, { now: () => epochMs(NOW + 1000) }));
    expect(listBackups(dirname(backup), path).map(({ problem }) => problem)).toEqual([undefined, undefined]);
    await verifyBackup(backup, { keys: NO_KEYS, ...WORLD });
  });

  test.each([
    ["an empty file", () => Buffer.alloc(0)],
    ["an empty database", emptyDatabase],
    ["a database of another program", () => emptyDatabase("CREATE TABLE x (y); PRAGMA user_version = 1")],
    ["no database", () => Buffer.from("what is this?")],
  ])("is not made of %s, and none is removed", async (_what, content) => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    writeFileSync(path, content());
    const later = { now: () => epochMs(NOW + 86_400_000), keep: [{ count: 1, period: "d" as const }] };
    expect(await errorOf(makeBackup(options(path, later)))).toMatchObject({ code: "not_a_database" });
    expect(readdirSync(dirname(backup)).sort()).toEqual([basename(backup), `${basename(backup)}.json`]);
  });

  test("is not made of a database whose log text is not what was read", async () => {
    for (const sql of ["sha256 = zeroblob(32)", "size = size + 1", "data = zeroblob(9)"]) {
      const path = await smallDatabase();
      const database = openDirectly(path);
      database.exec(`UPDATE raw_blocks SET ${sql} WHERE id = 1`);
      database.close();
      const error = await errorOf(makeBackup(options(path)));
      expect(error).toMatchObject({ code: "corrupt", message: expect.stringMatching(/block 1\b/) });
      expect(error.message).not.toContain(".exim-pilot-");
      expect(readdirSync(join(dirname(path), "backups"))).toEqual([]);
    }
  });
});

function emptyDatabase(sql = "PRAGMA user_version = 0; CREATE TABLE t (x); DROP TABLE t"): Buffer {
  const path = join(temporaryFolder(), "other.db");
  const database = openDirectly(path);
  database.exec(sql);
  database.close();
  return readFileSync(path);
}

describe("a backup that is given as the database", () => {
  test.each([
    ["ingest", "LOG"],
    ["sql", "SELECT 1"],
    ["export", "--raw", "1"],
    ["rebuild"],
    ["prune", "--force"],
    ["migrate"],
    ["restore", "OTHER"],
    ["servers", "set", "localhost", "--owner", "x"],
  ])("is not changed by %s", async (...argv) => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    const [log = ""] = writeSmallLogs();
    const { path: other } = await makeBackup({ ...options(path), directory: temporaryFolder() });
    const bytes = readFileSync(backup);
    const args = argv.map((word) => ({ LOG: log, OTHER: other })[word] ?? word);
    for (const name of [backup, made(backup, symlinkSync)])
      expectFailure(await runCli([...args, "--db", name]), {
        status: 2,
        says: "is a backup, with its manifest beside it",
      });
    expect(readFileSync(backup).equals(bytes)).toBe(true);
    expect(readdirSync(dirname(backup)).sort()).toEqual([basename(backup), `${basename(backup)}.json`]);
  });

  test("can be read", async () => {
    const { path: backup } = await makeBackup(options(await smallDatabase()));
    for (const command of ["stats", "servers", "verify", "search"])
      expect(await runCli([command, "--db", backup])).toMatchObject({ status: 0 });
    expect(await runCli(["backup", "--verify", backup])).toMatchObject({ status: 0 });
  });

  test("is a database like any other under another name, or without its manifest", async () => {
    const { path: backup } = await makeBackup(options(await smallDatabase()));
    const name = join(temporaryFolder(), "copy.db");
    copyFileSync(backup, name);
    for (const manifest of [undefined, `${backup}.json`, backup]) {
      if (manifest !== undefined) copyFileSync(manifest, `${name}.json`);
      expect(await runCli(["migrate", "--db", name])).toMatchObject({ status: 0 });
    }
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
    const settings = { keys: NO_KEYS, ...WORLD, waitMs: 0 };
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
        message: expect.stringMatching(/ends after \d+ of \d+ bytes/),
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
    for (const [from, to] of [
      [/\}\s*$/, ""],
      [/"raw_blocks": \d+/, '"raw_blocks": 9'],
      [/"compression": "gzip"/, '"compression": "none"'],
      [/2026-04-01/, "2026-04-02"],
      [/"checksum": "./, '"checksum": "x'],
      [/"id": "./, '"id": "x'],
    ] as const) {
      expect(await refuse(edit(from, to))).toMatchObject({
        code: "check_failed",
        message: expect.stringMatching(/manifest .* cannot be used/),
      });
    }
  });

  test.each([
    ["other rows of raw_blocks", { counts: { raw_blocks: 9 } }],
    ["another schema", { schema: 2 }],
    ["another database", { id: "0".repeat(32) }],
  ])("is refused when its manifest tells of %s", async (says, change) => {
    const error = await refuse((backup) => {
      const { version: _version, file: _file, ...content } = readManifest(backup);
      rmSync(`${backup}.json`);
      const counts = { ...content.database.counts, ...("counts" in change && change.counts) };
      writeManifest(`${backup}.json`, backup, { ...content, database: { ...content.database, ...change, counts } });
      return undefined;
    });
    expect(error).toMatchObject({ code: "check_failed", message: expect.stringContaining(says) });
  });

  test.each([
    ["the manifest", (backup: string) => `${backup}.json`, { status: 1, says: "cannot be used" }],
    ["the backup", (backup: string) => backup, { status: 3, says: "is not a file, so not a backup" }],
  ])("is refused when a pipe stands for %s, which would be waited for", async (_what, fileOf, expected) => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    rmSync(fileOf(backup));
    execFileSync("mkfifo", [fileOf(backup)]);
    expectFailure(await runCli(["backup", "--verify", backup]), expected);
    expectFailure(await runCli(["restore", backup, "--db", join(temporaryFolder(), "x.db")]), expected);
    expect(await runCli(["backup", "--list", dirname(backup), "--db", path])).toMatchObject({ status: 1 });
  });

  test("is refused when it holds a newer schema", async () => {
    const path = await smallDatabase();
    const database = openDirectly(path);
    database.pragma("user_version = 99");
    database.close();
    const newer = {
      steps: [...MIGRATIONS.steps, { version: 99, name: "x", sql: "", sha256: "" }],
      views: MIGRATIONS.views,
    };
    const { path: backup } = await makeBackup(options(path, { migrations: newer }));
    const error = await errorOf(verifyBackup(backup, { keys: NO_KEYS, ...WORLD }));
    expect(error).toMatchObject({ code: "schema_newer", message: expect.stringMatching(/has schema 99/) });
  });
});

describe("a drill", () => {
  test("restores the newest backup, reads all of its text, and leaves nothing", async () => {
    const path = await smallDatabase();
    await makeBackup(options(path));
    const { path: newest, manifest } = await makeBackup(options(path, { now: () => epochMs(NOW + 5000) }));
    const directory = dirname(newest);
    const before = readdirSync(directory);
    const report = await drill({ directory, path, keys: NO_KEYS, ...WORLD, waitMs: 0 });
    const bytes = Object.values(SMALL_LOGS).reduce((sum, log) => sum + log.length, 0);
    expect(report).toEqual({ backup: newest, manifest, texts: { blocks: expect.any(Number), bytes } });
    expect(readdirSync(directory)).toEqual(before);
  });

  test("finds text that is not what was read", async () => {
    const path = await smallDatabase();
    const { path: backup, manifest } = await makeBackup(options(path));
    const database = openDirectly(backup);
    database.exec("UPDATE raw_blocks SET sha256 = zeroblob(32) WHERE id = 1");
    database.close();
    // NOTE: imitates the backup of an exim-pilot that did not check the text.
    const { size, sha256 } = await fingerprintOf(backup);
    const { version: _version, file: _file, ...content } = manifest;
    rmSync(`${backup}.json`);
    writeManifest(`${backup}.json`, backup, {
      ...content,
      size,
      sha256,
      database: { ...content.database, size, sha256 },
    });
    const settings = {
      directory: dirname(backup),
      path,
      keys: NO_KEYS,
      ...WORLD,
      waitMs: 0,
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

  test("leaves the backups of other databases of that name, of copies, and what is no backup", async () => {
    const path = await smallDatabase();
    const directory = join(temporaryFolder(), "common");
    const keep = [{ count: 1, period: "d" as const }];
    const day = (number: number) => ({ directory, keep, now: () => epochMs(NOW + number * 86_400_000) });
    const copy = join(temporaryFolder(), "pilot.db");
    const other = await smallDatabase();
    copyFileSync(path, copy);
    const made = [];
    for (const [number, database] of [path, copy, other].entries())
      made.push((await makeBackup(options(database, day(number)))).path);
    const [ofPath = "", ofCopy = "", ofOther = ""] = made;
    for (const file of made) expect(existsSync(file)).toBe(true);
    const link = join(directory, "pilot-20260301T000000Z.db");
    symlinkSync(ofPath, link);
    const foreign = ["pilot-20260302T000000Z.db", "pilot-20260303T000000Z.db.json", "pilot.db", "notes.txt"];
    for (const name of foreign) writeFileSync(join(directory, name), "mine");
    expect((await makeBackup(options(copy, day(5)))).removed).toEqual([ofCopy]);
    expect((await makeBackup(options(path, day(6)))).removed).toEqual([ofPath]);
    const names = readdirSync(directory);
    expect(names).toEqual(expect.arrayContaining([basename(ofOther), basename(link), ...foreign]));
    const restored = join(temporaryFolder(), "pilot.db");
    await restoreBackup({ backup: ofOther, path: restored, keys: NO_KEYS, ...WORLD, waitMs: 0 });
    const idOf = (file: string) => queryAll(file, "SELECT id FROM database_identity");
    expect(idOf(restored)).toEqual(idOf(other));
    expect(idOf(copy)).toEqual(idOf(path));
    expect(idOf(other)).not.toEqual(idOf(path));
    const drilled = await drill({ directory, path: other, keys: NO_KEYS, ...WORLD, waitMs: 0 });
    expect(drilled.backup).toBe(ofOther);
  });

  test("removes nothing when more than half of the entries are gone, and keeps one with them for ever", async () => {
    const path = await smallDatabase();
    const directory = join(dirname(path), "backups");
    const day = (number: number) => ({ now: () => epochMs(NOW + number * 86_400_000) });
    const first = await makeBackup(options(path, day(0)));
    const second = await makeBackup(options(path, day(1)));
    const database = openDirectly(path);
    database.pragma("foreign_keys = OFF");
    database.exec(`DELETE FROM stored_rejections; DELETE FROM address_events;
      DELETE FROM stored_entries WHERE id NOT IN (SELECT id FROM stored_entries LIMIT 3)`);
    database.close();
    const keep = ["--keep", "1d", directory, "--db", path];
    const run = (number: number, ...more: string[]) => runCli(["backup", ...more, ...keep], day(number));
    const shrunk = await run(2);
    expect(shrunk).toMatchObject({ status: 1, stdout: expect.stringMatching(/Removed nothing: .* 3 log entries/) });
    expect(listBackups(directory, path)).toHaveLength(3);
    const { stdout } = await run(3, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ removed: [expect.anything(), first.path], spared: second.path });
    expect((await run(4)).stdout).toContain(`Kept "${second.path}" beyond the rule`);
    expect(listBackups(directory, path)).toHaveLength(2);
  });
});
