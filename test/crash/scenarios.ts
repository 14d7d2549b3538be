/** The commands that write, on what they are run, and what must hold after a power cut at any instant; those of small records are in record-scenarios.ts. */

import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { defineRowDigest } from "../../src/store/database/table-digests.ts";
import { HOUR_MS, SECOND_MS } from "../../src/units.ts";
import { archivesIn, auditOf, backupsIn, contentOf, flaws, isUnmade, textOf, unsoundness } from "./examine.ts";
import { run, runWell } from "./program.ts";
import { contents, detections, notifications, smallChanges } from "./record-scenarios.ts";
import { DATABASE, type Findings, failures, first, type Scenario, SERVER, SMALL_BATCHES, World } from "./world.ts";

const PAUSE_PIECES = 4;

/** All scenarios; what they have in common is made once. `program` runs in this process. */
export async function makeScenarios(home: string): Promise<readonly Scenario[]> {
  const world = await World.make(home);
  return [
    ...ingests(world),
    ...prunes(world),
    ...rebuilds(world),
    ...backups(world),
    ...restores(world),
    ...migrations(world),
    ...smallChanges(world),
    ...contents(world),
    ...detections(world),
    ...notifications(world),
  ];
}

function ingests(world: World): readonly Scenario[] {
  const examine =
    (isFresh: boolean, again: (database: string) => readonly [readonly string[], Buffer?], expected: () => string) =>
    async (folder: string): Promise<Findings> => {
      const database = join(folder, DATABASE);
      const text = textOf(database);
      const always: string[] = [];
      if (text === undefined && !isFresh) return { always: ["The database is empty."], at: () => [] };
      if (text !== undefined) {
        always.push(...(await unsoundness(database)));
        if (!isFresh) always.push(...(await world.losses(database, text)));
        for (const [log, bytes] of text)
          if (!sourceText(world, log).subarray(0, bytes.length).equals(bytes))
            always.push(`The text of ${log} is not a beginning of the log.`);
      }
      const stored = [...(text?.values() ?? [])].reduce((sum, bytes) => sum + bytes.length, 0);
      const hasAudit =
        text !== undefined &&
        (await auditOf(database)).filter((record) => record === "ingest done").length > (isFresh ? 0 : 1);
      const [argv, stdin] = again(database);
      always.push(...(await failures("The same ingest", argv, stdin)));
      if (contentOf(database) !== expected()) always.push("Ingesting the same logs again ends in other views.");
      always.push(...(await flaws(database)).map((problem) => `After ingesting again: ${problem}`));
      const due = argv.includes("-")
        ? first(world.late).length
        : [...world.late.values()].reduce((sum, bytes) => sum + bytes.length, 0);
      return {
        always,
        at: ({ hasPrinted, oldInput }) => [
          ...(hasPrinted && stored < due ? [`The summary was printed, and ${stored} of ${due} bytes are stored.`] : []),
          ...(hasPrinted && !hasAudit ? ["The summary was printed, and the audit log does not know of it."] : []),
          // An entry is stored when the next line shows that it is complete.
          ...(stored < oldInput - LONGEST_ENTRY
            ? [`${oldInput} bytes were taken from the pipe long ago, and ${stored} are stored.`]
            : []),
        ],
      };
    };
  const files = examine(
    false,
    (database) => [world.ingest(database)],
    () => contentOf(world.whole),
  );
  const fresh = examine(
    true,
    (database) => [world.ingest(database)],
    once(() => contentOfFresh),
  );
  const pipe = (database: string): readonly string[] => [
    "ingest",
    ...SERVER,
    "--log-type",
    "main",
    ...SMALL_BATCHES,
    "--db",
    database,
    "-",
  ];
  let contentOfFresh = "";
  let contentOfPipe = "";
  const useBase = async (folder: string): Promise<void> => copyFileSync(world.base, join(folder, DATABASE));
  return [
    {
      name: "ingest, append",
      prepare: useBase,
      argv: (folder) => world.ingest(join(folder, DATABASE)),
      examine: files,
    },
    {
      name: "ingest, append beside a reader",
      prepare: useBase,
      argv: (folder) => world.ingest(join(folder, DATABASE)),
      hasReader: true,
      examine: files,
    },
    {
      name: "ingest, new database",
      prepare: async () => {
        const database = join(world.scratch(), DATABASE);
        await runWell(world.ingest(database));
        contentOfFresh = contentOf(database);
      },
      argv: (folder) => world.ingest(join(folder, DATABASE)),
      examine: fresh,
    },
    {
      name: "ingest, pipe into a new database",
      prepare: async () => {
        const database = join(world.scratch(), DATABASE);
        await runWell(pipe(database), first(world.late));
        contentOfPipe = contentOf(database);
      },
      argv: (folder) => pipe(join(folder, DATABASE)),
      pieces: inPieces(first(world.late)),
      examine: examine(
        true,
        (database) => [pipe(database), first(world.late)],
        () => contentOfPipe,
      ),
    },
  ];
}

/** More than the longest entry of the logs: what waits for its next line. */
const LONGEST_ENTRY = 2000;

function once<Value>(make: () => Value): () => Value {
  return make;
}

/** Text of a source: a pipe has the text of the main log. */
function sourceText(world: World, path: string): Buffer {
  return world.late.get(path) ?? first(world.late);
}

function inPieces(text: Buffer): readonly Buffer[] {
  const length = Math.ceil(text.length / PAUSE_PIECES);
  return Array.from({ length: PAUSE_PIECES }, (_, index) => text.subarray(index * length, (index + 1) * length));
}

function prunes(world: World): readonly Scenario[] {
  const ARCHIVE = "archive";
  // NOTE: counted from the clock, and so long ago that minutes do not matter.
  const cutoffMs = Date.UTC(2026, 2, 3, 8, 30);
  const span = `${Math.floor((Date.now() - cutoffMs) / HOUR_MS)}h`;
  const argv = (folder: string, more: readonly string[]): readonly string[] => [
    ...[
      "prune",
      "--db",
      join(folder, DATABASE),
      "--logs",
      span,
      "--messages",
      span,
      "--archive",
      join(folder, ARCHIVE),
    ],
    ...more,
  ];
  const variant = (name: string, more: readonly string[], hasReader = false): Scenario => {
    let expected = "";
    return {
      name,
      hasReader,
      prepare: async (folder) => {
        copyFileSync(world.whole, join(folder, DATABASE));
        const scratch = world.scratch();
        copyFileSync(world.whole, join(scratch, DATABASE));
        await runWell(argv(scratch, more));
        expected = contentOf(join(scratch, DATABASE));
        if (expected === contentOf(world.whole)) throw new Error("The prune removes nothing.");
      },
      argv: (folder) => argv(folder, more),
      examine: async (folder) => {
        const database = join(folder, DATABASE);
        const archive = join(folder, ARCHIVE);
        const text = textOf(database);
        if (text === undefined) return { always: ["The database is empty."], at: () => [] };
        const always = [...(await world.losses(database, world.early)), ...missingText(world, text, archive)];
        const unsound = await unsoundness(database);
        // A prune that was cut off may say so; what is to be done about it then must help.
        const isInterrupted = unsound.length > 0 && unsound.every((problem) => /interrupted prune/i.test(problem));
        if (!isInterrupted) always.push(...unsound);
        const isDone = contentOf(database) === expected;
        const isRecorded = (await auditOf(database)).includes("prune done");
        always.push(...(await failures("The same prune", argv(folder, more))));
        always.push(
          ...missingText(world, textOf(database) ?? new Map(), archive).map(
            (problem) => `After pruning again: ${problem}`,
          ),
        );
        always.push(...(await flaws(database)).map((problem) => `After pruning again: ${problem}`));
        if (contentOf(database) !== expected) always.push("Pruning again ends in other views.");
        return {
          always,
          at: ({ hasPrinted }) => [
            ...(hasPrinted && !isDone ? ["The report was printed, and what was pruned is back."] : []),
            ...(hasPrinted && !isRecorded ? ["The report was printed, and the audit log does not know of it."] : []),
          ],
        };
      },
    };
  };
  return [
    variant("prune --archive", []),
    variant("prune --archive beside a reader", [], true),
    variant("prune --archive --vacuum", ["--vacuum"]),
  ];
}

/** Text that is neither in the database nor in the archives. */
function missingText(world: World, text: ReadonlyMap<string, Buffer>, archive: string): readonly string[] {
  const { texts, problems } = archivesIn(archive);
  const missing = [...world.late].flatMap(([log, whole]) => {
    const left = text.get(log) ?? Buffer.of();
    if (!whole.subarray(whole.length - left.length).equals(left))
      return [`What is left of ${basename(log)} is not its end.`];
    const pieces = texts.filter((piece) => piece.log === log).sort((one, other) => one.from - other.from);
    let reached = 0;
    for (const { from, text: piece } of pieces) {
      if (!whole.subarray(from, from + piece.length).equals(piece))
        return [`An archive of ${basename(log)} holds something else.`];
      if (from <= reached) reached = Math.max(reached, from + piece.length);
    }
    const begin = whole.length - left.length;
    return reached >= begin
      ? []
      : [`Bytes ${reached} to ${begin} of ${basename(log)} are in neither the database nor the archive.`];
  });
  return [...problems, ...missing];
}

function rebuilds(world: World): readonly Scenario[] {
  let [before, after] = ["", ""];
  const variant = (name: string, hasReader: boolean): Scenario => ({
    name,
    hasReader,
    prepare: async (folder) => {
      const database = join(folder, DATABASE);
      copyFileSync(world.base, database);
      await runWell(["servers", "set", "mx1", "--timezone", "Europe/Berlin", "--db", database]);
      const rebuilt = join(world.scratch(), DATABASE);
      copyFileSync(database, rebuilt);
      await runWell(["rebuild", "--db", rebuilt]);
      [before, after] = [contentOf(database), contentOf(rebuilt)];
      if (before === after) throw new Error("The rebuild changes nothing.");
    },
    argv: (folder) => ["rebuild", "--db", join(folder, DATABASE)],
    examine: async (folder) => {
      const database = join(folder, DATABASE);
      const text = textOf(database);
      if (text === undefined) return { always: ["The database is empty."], at: () => [] };
      const content = contentOf(database);
      const always = [...(await world.losses(database, text))];
      if (content !== before && content !== after) always.push("The content is neither the old nor the new one.");
      const isRecorded = (await auditOf(database)).includes("rebuild done");
      always.push(...(await failures("The same rebuild", ["rebuild", "--db", database])));
      if (contentOf(database) !== after) always.push("Rebuilding again ends in other views.");
      always.push(...(await unsoundness(database)));
      const left = readdirSync(folder).filter((file) => file.includes(".copy-"));
      always.push(...left.map((file) => `${file} is left when all is done.`));
      return {
        always,
        at: ({ hasPrinted }) => [
          ...(hasPrinted && content !== after ? ["The report was printed, and the old content is back."] : []),
          ...(hasPrinted && !isRecorded ? ["The report was printed, and the audit log does not know of it."] : []),
        ],
      };
    },
  });
  return [variant("rebuild", false), variant("rebuild beside a reader", true)];
}

function backups(world: World): readonly Scenario[] {
  const FOLDER = "backups";
  const variant = (name: string, flags: readonly string[], keepsOne: boolean): Scenario => {
    let content = "";
    return {
      name,
      prepare: async (folder) => {
        const database = join(folder, DATABASE);
        copyFileSync(world.base, database);
        if (keepsOne) {
          await runWell(["backup", "--db", database, join(folder, FOLDER)]);
          for (const file of readdirSync(join(folder, FOLDER))) oldBackups.add(file);
          // NOTE: backups are named by the second.
          await sleep(SECOND_MS);
        }
        content = contentOf(database);
      },
      argv: (folder) => ["backup", ...flags, "--db", join(folder, DATABASE), join(folder, FOLDER)],
      examine: async (folder) => {
        const [database, directory] = [join(folder, DATABASE), join(folder, FOLDER)];
        const text = textOf(database);
        const always = [...(await world.losses(database, text)), ...(await unsoundness(database))];
        if (contentOf(database) !== content) always.push("The database has changed.");
        const { whole, problems } = await backupsIn(directory);
        always.push(...problems);
        if (keepsOne && whole.length === 0) always.push("There was a backup before, and now there is none.");
        for (const backup of whole) {
          const restored = join(folder, "restored", basename(backup), DATABASE);
          mkdirSync(join(restored, ".."), { recursive: true });
          always.push(...(await failures("Restoring the backup", ["restore", "--db", restored, backup])));
          if (existsSync(restored) && contentOf(restored) !== content) always.push("The backup holds something else.");
        }
        const isRecorded =
          (await auditOf(database)).filter((record) => record === "backup done").length > (keepsOne ? 1 : 0);
        const isMade = whole.length > 0 && (!keepsOne || whole.some((path) => statIsNew(path)));
        always.push(...(await failures("Another backup", ["backup", "--db", database, join(folder, "others")])));
        return {
          always,
          at: ({ hasPrinted }) => [
            ...(hasPrinted && !isMade ? ["The report was printed, and there is no backup."] : []),
            ...(hasPrinted && !isRecorded ? ["The report was printed, and the audit log does not know of it."] : []),
          ],
        };
      },
    };
  };
  const oldBackups = new Set<string>();
  const statIsNew = (path: string): boolean => !oldBackups.has(basename(path));
  return [
    variant("backup", [], false),
    variant("backup --compress", ["--compress"], false),
    variant("backup --keep", ["--keep", "1d"], true),
  ];
}

function restores(world: World): readonly Scenario[] {
  let [backup, replaced, restored] = ["", "", ""];
  const makeBackup = async (): Promise<void> => {
    if (backup !== "") return;
    const directory = world.scratch();
    await runWell(["backup", "--compress", "--db", world.base, directory]);
    const name = readdirSync(directory).find((file) => file.endsWith(".gz"));
    backup = join(directory, name ?? "");
    [replaced, restored] = [contentOf(world.whole), contentOf(world.base)];
  };
  const variant = (name: string, prepare: (folder: string) => Promise<void>, hasOld: boolean): Scenario => ({
    name,
    prepare: async (folder) => {
      await makeBackup();
      await prepare(folder);
    },
    argv: (folder) => ["restore", "--db", join(folder, DATABASE), backup],
    examine: async (folder) => {
      const database = join(folder, DATABASE);
      if (isUnmade(database)) {
        const always = hasOld ? ["There is no database any more."] : [];
        return {
          always: [...always, ...(await failures("The same restore", ["restore", "--db", database, backup]))],
          at: ({ hasPrinted }) => (hasPrinted ? ["The report was printed, and there is no database."] : []),
        };
      }
      const always = [...(await unsoundness(database))];
      const content = contentOf(database);
      if (content !== restored && (content !== replaced || !hasOld))
        always.push("The content is neither the old nor the new one.");
      if (hasOld && content === restored) {
        const kept = readdirSync(folder).filter((file) => /^mail\.db\.replaced-[^.]*Z$/.test(file));
        const isKept = kept.some((file) => contentOf(join(folder, file)) === replaced);
        if (!isKept) always.push("The database that was replaced is kept nowhere.");
      }
      const isRecorded = (await auditOf(database)).includes("restore done");
      // NOTE: databases that are replaced are named by the second.
      for (const file of readdirSync(folder)) if (file.includes(".replaced-")) rmSync(join(folder, file));
      always.push(...(await failures("The same restore", ["restore", "--db", database, backup])));
      if (contentOf(database) !== restored) always.push("Restoring again ends in other views.");
      always.push(...(await flaws(database)).map((problem) => `After restoring again: ${problem}`));
      return {
        always,
        at: ({ hasPrinted }) => [
          ...(hasPrinted && content !== restored ? ["The report was printed, and the old content is back."] : []),
          ...(hasPrinted && !isRecorded ? ["The report was printed, and the audit log does not know of it."] : []),
        ],
      };
    },
  });
  return [
    variant("restore", async (folder) => copyFileSync(world.whole, join(folder, DATABASE)), true),
    variant(
      "restore over a database with a log of writes",
      async (folder) => leaveUnclosed(world, join(folder, DATABASE)),
      true,
    ),
    variant("restore, no database before", async () => {}, false),
  ];
}

/** A copy of the whole database as a killed process leaves it: the last writes are in the log beside it. */
function leaveUnclosed(world: World, path: string): void {
  const scratch = join(world.scratch(), DATABASE);
  copyFileSync(world.whole, scratch);
  const database = new Database(scratch);
  try {
    defineRowDigest(database);
    database.pragma("journal_mode = WAL");
    database.pragma("wal_autocheckpoint = 0");
    database.exec("UPDATE stored_sources SET updated_ms = updated_ms + 1");
    copyFileSync(scratch, path);
    copyFileSync(`${scratch}-wal`, `${path}-wal`);
  } finally {
    database.close();
  }
}

function migrations(world: World): readonly Scenario[] {
  let content = "";
  const isUsable = async (database: string): Promise<boolean> =>
    (await run(["tag", "--json", "--db", database])).status === 0;
  return [
    {
      name: "migrate, new database",
      prepare: async () => {},
      argv: (folder) => ["migrate", "--db", join(folder, DATABASE)],
      examine: async (folder) => {
        const database = join(folder, DATABASE);
        const isMade = !isUnmade(database) && (await isUsable(database));
        const always = [
          ...(await failures("The same migration", ["migrate", "--db", database])),
          ...(await unsoundness(database)),
        ];
        return {
          always,
          at: ({ hasPrinted }) => (hasPrinted && !isMade ? ["The report was printed, and there is no database."] : []),
        };
      },
    },
    {
      name: "migrate, older views",
      prepare: async (folder) => {
        const database = join(folder, DATABASE);
        copyFileSync(world.base, database);
        content = contentOf(database);
        makeViewsOld(database);
      },
      argv: (folder) => ["migrate", "--db", join(folder, DATABASE)],
      examine: async (folder) => {
        const database = join(folder, DATABASE);
        const isDone = await isUsable(database);
        const always = [
          ...(await failures("The same migration", ["migrate", "--db", database])),
          ...(await unsoundness(database)),
        ];
        always.push(...(await world.losses(database, textOf(database))));
        if (contentOf(database) !== content) always.push("The content is another one.");
        const { problems } = await backupsIn(join(folder, "backups"));
        return {
          always: [...always, ...problems],
          at: ({ hasPrinted }) =>
            hasPrinted && !isDone ? ["The report was printed, and the old views are back."] : [],
        };
      },
    },
  ];
}

/** Removes the newest view, as an older exim-pilot would have left it. */
function makeViewsOld(path: string): void {
  const database = new Database(path);
  try {
    database.exec("DROP VIEW audit_log; UPDATE schema_views SET sha256 = 'older'");
  } finally {
    database.close();
  }
}
