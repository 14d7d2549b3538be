/** A backup takes the place of a database: what was there stays, and what is in the way is refused. */
import { randomUUID } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeBackup } from "../../src/backup/backup.ts";
import { drill } from "../../src/backup/drill.ts";
import { NO_KEYS } from "../../src/backup/encryption.ts";
import { rehearseRestore, restoreBackup } from "../../src/backup/restore.ts";
import { differenceFrom, verifyBackup } from "../../src/backup/verify.ts";
import { stateOf } from "../../src/store/database/snapshot.ts";
import { MIGRATIONS, made, options, restore, smallDatabase, WORLD, writeSmallLogs } from "../support/backups.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { ingestInto, openDirectly, temporaryFolder } from "../support/database.ts";
import { errorOf } from "../support/pilot-error.ts";
import { ENDED_MARK } from "../support/processes.ts";
import { differences, dumpViews, queryAll } from "../support/views.ts";

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
    const user = openDirectly(path);
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

  test.each([
    ["with rows that its backup has not", "-wal"],
    ["of no use", "-journal"],
    ["of no use", "-shm"],
  ])("moves a file aside that has no database, %s: %s", async (_what, ending) => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    const expected = dumpViews(path);
    intoOneFile(path);
    if (ending === "-wal") writeFileSync(`${path}-wal`, await strayLog(path));
    else writeFileSync(path + ending, "left over");
    const stray = readFileSync(path + ending);
    rmSync(path);
    const aside = `${path}.replaced-20260401T000000Z${ending}`;
    const rehearsed = await rehearseRestore({ backup, path, keys: NO_KEYS, ...WORLD, waitMs: 0 });
    expect(rehearsed).toMatchObject({ keptAside: undefined, movedAside: [aside] });
    expect(existsSync(path + ending)).toBe(true);
    expect(await restore(backup, path)).toMatchObject({ keptAside: undefined, movedAside: [aside] });
    expect(readFileSync(aside).equals(stray)).toBe(true);
    expect(differences(dumpViews(path), expected)).toEqual([]);
    expect(await runCli(["verify", "--deep", "--db", path])).toMatchObject({ status: 0 });
  });

  test("keeps a log with what was committed to it in the database that is replaced", async () => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    const expected = dumpViews(path);
    const log = await strayLog(path);
    writeFileSync(`${path}-wal`, log);
    const { keptAside = "", movedAside } = await restore(backup, path);
    expect(movedAside).toEqual([]);
    expect(queryAll(keptAside, "SELECT count(*) AS n FROM stray")).toEqual([{ n: 1000 }]);
    expect(differences(dumpViews(path), expected)).toEqual([]);
  });

  test("keeps the log beside a database that was emptied, which SQLite would remove", async () => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    const log = await strayLog(path);
    writeFileSync(path, "");
    writeFileSync(`${path}-wal`, log);
    for (const command of ["stats", "ingest"])
      expectFailure(await runCli([command, "--db", path, ...(command === "ingest" ? [path] : [])]), {
        status: 3,
        says: "is empty, and",
      });
    const { status, stdout } = await runCli(["restore", backup, "--db", path]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining("-wal") });
    expect(readFileSync(`${path}.replaced-20260401T000000Z-wal`).equals(log)).toBe(true);
    expect(await runCli(["verify", "--db", path])).toMatchObject({ status: 0 });
  });

  test("says what stands there when it is not the backup", async () => {
    const path = await smallDatabase();
    const { path: backup, manifest } = await makeBackup(options(path));
    const target = join(temporaryFolder(), "target.db");
    copyFileSync(backup, target);
    const log = await strayLog(target);
    copyFileSync(backup, target);
    const check = () => {
      writeFileSync(`${target}-wal`, log);
      return differenceFrom(manifest, stateOf(target, MIGRATIONS));
    };
    expect(check()).toContain("other rows of stray");
  });

  test("goes through a link to the database, and not to where a link leads nowhere", async () => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    const folder = temporaryFolder();
    const [link, broken] = [join(folder, "link.db"), join(folder, "broken.db")];
    symlinkSync(path, link);
    symlinkSync(join(folder, "nowhere.db"), broken);
    const { keptAside } = await restore(backup, link);
    expect(keptAside).toBe(`${path}.replaced-20260401T000000Z`);
    expect(readdirSync(folder).sort()).toEqual(["broken.db", "link.db"]);
    expect(await errorOf(restore(backup, broken))).toMatchObject({ code: "io" });
    expect(await errorOf(restore(backup, backup))).toMatchObject({ code: "usage" });
  });

  test.each([
    ["itself", (backup: string) => backup],
    ["a link to it", (backup: string) => made(backup, symlinkSync)],
    ["a second name of it", (backup: string) => made(backup, linkSync)],
  ])("in the place of the backup leaves it whole: %s", async (_what, placeOfIt) => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    const bytes = readFileSync(backup);
    const place = placeOfIt(backup);
    for (const more of [[], ["--dry-run"]])
      expectFailure(await runCli(["restore", backup, "--db", place, ...more]), {
        status: 2,
        says: "is both the backup and the place to restore it to",
      });
    expect(readFileSync(backup).equals(bytes)).toBe(true);
  });

  test("moves what lies beside no database out of the way, whatever it is", async () => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    const target = join(temporaryFolder(), "target.db");
    symlinkSync("/nowhere/log", `${target}-wal`);
    symlinkSync(`${target}-wal`, `${target}-shm`);
    writeFileSync(`${target}-journal`, "no journal");
    const { movedAside } = await restore(backup, target);
    expect(movedAside.map((file) => file.slice(-4)).sort()).toEqual(["-shm", "-wal", "rnal"]);
    for (const file of movedAside) expect(lstatSync(file, { throwIfNoEntry: false })).toBeDefined();
    expect(readdirSync(dirname(target)).filter((name) => !name.includes(".replaced-"))).toEqual(["target.db"]);
    expect(differences(dumpViews(target), dumpViews(path))).toEqual([]);
  });

  test("can be done twice in a second, and each replaced database stays", async () => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    const asides = [];
    for (let times = 0; times < 3; times++) asides.push((await restore(backup, path)).keptAside);
    const first = `${path}.replaced-20260401T000000Z`;
    expect(asides).toEqual([first, `${first}-2`, `${first}-3`]);
    for (const aside of asides) expect(existsSync(aside ?? "")).toBe(true);
  });

  test("removes what a killed one has left: its file, and the second name of the database", async () => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path));
    const left = [
      join(dirname(path), `.exim-pilot-restore-${ENDED_MARK}-${randomUUID()}`),
      join(dirname(path), `.exim-pilot-restore-${ENDED_MARK}-${randomUUID()}-journal`),
    ];
    for (const file of left) writeFileSync(file, "");
    linkSync(path, `${path}.replaced-20250101T000000Z`);
    copyFileSync(path, `${path}.replaced-20250102T000000Z`);
    await restore(backup, path);
    expect(readdirSync(dirname(path)).sort()).toEqual([
      "backups",
      "pilot.db",
      "pilot.db.replaced-20250102T000000Z",
      "pilot.db.replaced-20260401T000000Z",
    ]);
  });

  test("that is told to stop changes nothing", async () => {
    const path = await smallDatabase();
    const { path: backup } = await makeBackup(options(path, { isCompressed: true }));
    intoOneFile(path);
    const before = readFileSync(path);
    const signal = AbortSignal.abort();
    const settings = { keys: NO_KEYS, ...WORLD, waitMs: 0, signal };
    for (const stopped of [
      restoreBackup({ backup, path, ...settings }),
      verifyBackup(backup, settings),
      drill({ directory: dirname(backup), path, ...settings }),
    ])
      expect(await errorOf(stopped)).toMatchObject({ code: "interrupted" });
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(dirname(path)).filter((name) => name.startsWith("."))).toEqual([]);
    expect(readdirSync(dirname(backup))).toHaveLength(2);
  });
});

/** Removes the log beside a database, which readers leave there. */
function intoOneFile(path: string): void {
  const database = openDirectly(path);
  database.pragma("journal_mode = DELETE");
  database.close();
}

/** The log of a database with a table in it that the database has not yet: of transactions that were committed before a kill. */
async function strayLog(path: string): Promise<Buffer> {
  const copy = join(temporaryFolder(), "copy.db");
  copyFileSync(path, copy);
  const database = openDirectly(copy);
  database.pragma("journal_mode = WAL");
  database.pragma("wal_autocheckpoint = 0");
  database.exec(`CREATE TABLE stray (text TEXT);
    INSERT INTO stray WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT hex(randomblob(40)) FROM n;
    DELETE FROM stored_tags;`);
  const log = readFileSync(`${copy}-wal`);
  database.close();
  return log;
}
