/** The commands that write, on what they are run, and what must hold after a power cut at any instant. */

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { defineRowDigest } from "../../src/store/database/table-digests.ts";
import { openWriter } from "../../src/store/store.ts";
import { epochMs, HOUR_MS, SECOND_MS } from "../../src/units.ts";
import { generateTraffic } from "../support/generate.ts";
import { archivesIn, auditOf, backupsIn, contentOf, flaws, isUnmade, tagsOf, textOf, unsoundness } from "./examine.ts";
import { run, runWell } from "./program.ts";

/** Output and input of a command up to the power cut. */
export interface Moment {
  /** It had ended: what it says it did is done. */
  readonly hasEnded: boolean;
  /** Something had been printed. */
  readonly hasPrinted: boolean;
  /** A connection to another machine had been begun. */
  readonly hasAsked: boolean;
  /** Bytes it had taken from its pipe in all pieces but those of the last seconds. */
  readonly oldInput: number;
}

/** Faults of a state: those at any moment, and those that depend on the moment. */
export interface Findings {
  readonly always: readonly string[];
  readonly at: (moment: Moment) => readonly string[];
}

export interface Scenario {
  readonly name: string;
  /** Makes what the command finds, and what it is compared with, outside of the folder. */
  readonly prepare: (folder: string) => Promise<void>;
  readonly argv: (folder: string) => readonly string[];
  /** Pieces written to its standard input, with pauses between them. */
  readonly pieces?: readonly Buffer[];
  /** Another process has the database open meanwhile, so that nothing is checkpointed at the end. */
  readonly hasReader?: boolean;
  /** It connects to another machine, which its trace must show. */
  readonly asks?: boolean;
  /** Looks at a state; may go on with it. `folder` is not where it was recorded. */
  readonly examine: (folder: string) => Promise<Findings>;
}

const DATABASE = "mail.db";
const SERVER = ["--server", "mx1", "--timezone", "UTC"];
const SMALL_BATCHES = ["--batch-size", "20"];
const PAUSE_PIECES = 4;

/** Everything that the scenarios have in common, made once. `program` runs in this process. */
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

class World {
  readonly home: string;
  /** Logs as they were when the database was made, and as they are now. */
  readonly logs: readonly string[];
  readonly early: ReadonlyMap<string, Buffer>;
  readonly late: ReadonlyMap<string, Buffer>;
  /** The database that most commands find. */
  readonly base: string;
  /** It with everything of the logs. */
  readonly whole: string;
  readonly messageId: string;

  private constructor(home: string, early: ReadonlyMap<string, Buffer>, late: ReadonlyMap<string, Buffer>) {
    this.home = home;
    this.early = early;
    this.late = late;
    this.logs = [...late.keys()];
    this.base = join(home, "base", DATABASE);
    this.whole = join(home, "whole", DATABASE);
    // The last one, which is not old enough to be pruned.
    this.messageId =
      [
        ...first(early)
          .toString()
          .matchAll(/ (\w{6}-\w{6,11}-\w{2,4}) <= /g),
      ].at(-1)?.[1] ?? "";
  }

  static async make(home: string): Promise<World> {
    const entries = [...generateTraffic({ messages: 60, seed: 12, gapMs: HOUR_MS })];
    const paths = { main: join(home, "mainlog"), reject: join(home, "rejectlog") };
    const textUntil = (end: number, log: "main" | "reject"): Buffer =>
      Buffer.from(
        entries
          .slice(0, end)
          .map((entry) => entry[log] ?? "")
          .join(""),
      );
    const logsUntil = (end: number): Map<string, Buffer> =>
      new Map((["main", "reject"] as const).map((log) => [paths[log], textUntil(end, log)]));
    const world = new World(home, logsUntil(Math.floor(entries.length * 0.6)), logsUntil(entries.length));
    for (const folder of [world.base, world.whole]) mkdirSync(join(folder, ".."), { recursive: true });
    world.putLogs(world.early);
    await runWell(["ingest", ...SERVER, ...SMALL_BATCHES, "--db", world.base, ...world.logs]);
    await runWell(["tag", "--db", world.base, world.messageId, "ticket-1"]);
    await runWell(["users", "add", "kim", "--db", world.base]);
    copyFileSync(world.base, world.whole);
    world.putLogs(world.late);
    await runWell(["ingest", ...SERVER, ...SMALL_BATCHES, "--db", world.whole, ...world.logs]);
    return world;
  }

  putLogs(texts: ReadonlyMap<string, Buffer>): void {
    for (const [path, text] of texts) writeFileSync(path, text);
  }

  /** A scratch place outside of the folders whose states are examined. */
  scratch(): string {
    return mkdtempSync(join(this.home, "scratch-"));
  }

  ingest(database: string): readonly string[] {
    return ["ingest", ...SERVER, ...SMALL_BATCHES, "--db", database, ...this.logs];
  }

  /** Losses of the base that a state must keep: its text, tags and audit log. */
  async losses(database: string, text: ReadonlyMap<string, Buffer> | undefined): Promise<readonly string[]> {
    const lost = this.logs.filter((log) => (text?.get(log)?.length ?? 0) < (this.early.get(log)?.length ?? 0));
    const audit = await auditOf(database);
    return [
      ...lost.map((log) => `Text of ${basename(log)} that was stored before is lost.`),
      ...((await tagsOf(database)).includes("ticket-1") ? [] : ["A tag that was there before is lost."]),
      ...(["ingest done", "tag done"].every((record) => audit.includes(record))
        ? []
        : ["The audit log has lost records."]),
    ];
  }
}

function first(texts: ReadonlyMap<string, Buffer>): Buffer {
  return [...texts.values()][0] ?? Buffer.of();
}

/** Runs `argv`, which must end with 0, and tells when it does not. */
async function failures(what: string, argv: readonly string[], stdin?: Buffer): Promise<readonly string[]> {
  const { status, stderr } = await run(argv, stdin);
  return status === 0 ? [] : [`${what} ends with ${status}: ${stderr.trim().slice(0, 300)}`];
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

function smallChanges(world: World): readonly Scenario[] {
  const useBase = async (folder: string): Promise<void> => copyFileSync(world.base, join(folder, DATABASE));
  const variant = (
    name: string,
    argv: (database: string) => readonly string[],
    {
      record,
      isDone,
      hasReader,
      prepare,
      again,
    }: {
      record: string;
      isDone?: (database: string) => Promise<boolean>;
      hasReader: boolean;
      /** Adds what the command finds to the base. */
      prepare?: (database: string) => Promise<void>;
      /** Arguments after a change that is done, where the same ones would be refused. */
      again?: (database: string) => readonly string[];
    },
  ): Scenario => ({
    name,
    hasReader,
    prepare: async (folder) => {
      await useBase(folder);
      await prepare?.(join(folder, DATABASE));
    },
    argv: (folder) => argv(join(folder, DATABASE)),
    examine: async (folder) => {
      const database = join(folder, DATABASE);
      const audit = (await auditOf(database)).slice();
      const ofAction = audit.filter((entry) => entry.startsWith(record.split(" ").slice(0, -1).join(" ")));
      const isRecorded = ofAction.filter((entry) => entry === record).length > (record === "tag done" ? 1 : 0);
      const isChanged = isDone === undefined || (await isDone(database));
      const always = [...(await world.losses(database, textOf(database))), ...(await unsoundness(database))];
      const next = isDone !== undefined && isChanged && again !== undefined ? again : argv;
      always.push(...(await failures("The same again", next(database))));
      return {
        always,
        at: ({ hasPrinted, hasEnded }) => [
          ...(hasPrinted && !isChanged ? ["The change was reported, and is not there."] : []),
          ...(hasEnded && !isRecorded ? ["The command had ended, and the audit log does not know of it."] : []),
          ...(hasPrinted && ofAction.length <= (record === "tag done" ? 1 : 0)
            ? ["Something was printed, and the audit log does not know of it."]
            : []),
        ],
      };
    },
  });
  const tag = (database: string): readonly string[] => ["tag", "--db", database, world.messageId, "ticket-2"];
  const isTagged = async (database: string): Promise<boolean> => (await tagsOf(database)).includes("ticket-2");
  const set = (database: string): readonly string[] => [
    "servers",
    "set",
    "mx1",
    "--owner",
    "postmaster@example.org",
    "--db",
    database,
  ];
  const isSet = async (database: string): Promise<boolean> =>
    (await run(["servers", "--json", "--db", database])).stdout.includes("postmaster@example.org");
  const note = (database: string): readonly string[] => ["note", "--db", database, world.messageId, "was told"];
  const isNoted = async (database: string): Promise<boolean> =>
    (await run(["note", "--json", "--db", database])).stdout.includes("was told");
  const add = (database: string): readonly string[] => ["users", "set", "kim", "--role", "admin", "--db", database];
  const isAdmin = async (database: string): Promise<boolean> =>
    (await run(["users", "--json", "--db", database])).stdout.includes('"role": "admin"');
  const look = (database: string): readonly string[] => [
    "queue",
    "snapshot",
    ...["--spool", SPOOL, "--server", "mx1", "--content", "headers", "--db", database],
  ];
  const isKept = async (database: string): Promise<boolean> =>
    (await run(["sql", "SELECT count(*) > 0 AS n FROM queue_snapshots", "--db", database])).stdout.includes("1");
  const knows = async (database: string, server: string): Promise<boolean> =>
    (await run(["servers", "--names", "--db", database])).stdout.split("\n").includes(server);
  const rename = (database: string): readonly string[] => ["servers", "rename", "mx1", "mx2", "--db", database];
  const remove = (database: string): readonly string[] => ["servers", "remove", "mx9", "--db", database];
  const list = (database: string): readonly string[] => ["servers", "--db", database];
  const renaming = {
    record: "servers rename done",
    isDone: (database: string) => knows(database, "mx2"),
    again: list,
  };
  const removal = {
    record: "servers remove done",
    isDone: async (database: string) => !(await knows(database, "mx9")),
    again: list,
    // Nothing but looks at its queue, which go with it.
    prepare: async (database: string): Promise<void> => {
      const looked = ["queue", "snapshot", "--spool", SPOOL, "--server", "mx9", "--content", "preview"];
      await runWell([...looked, "--db", database]);
    },
  };
  const read = (database: string): readonly string[] => ["content", "--file", LETTER, "--db", database];
  const take = (database: string): readonly string[] => ["export", "--raw", world.logs[0] ?? "", "--db", database];
  return [
    variant("tag", tag, { record: "tag done", isDone: isTagged, hasReader: false }),
    variant("tag beside a reader", tag, { record: "tag done", isDone: isTagged, hasReader: true }),
    variant("note", note, { record: "note done", isDone: isNoted, hasReader: false }),
    variant("users set beside a reader", add, { record: "users set done", isDone: isAdmin, hasReader: true }),
    variant("servers set beside a reader", set, { record: "servers set done", isDone: isSet, hasReader: true }),
    variant("queue snapshot", look, { record: "queue snapshot done", isDone: isKept, hasReader: false }),
    variant("queue snapshot beside a reader", look, { record: "queue snapshot done", isDone: isKept, hasReader: true }),
    variant("servers rename", rename, { ...renaming, hasReader: false }),
    variant("servers rename beside a reader", rename, { ...renaming, hasReader: true }),
    variant("servers remove", remove, { ...removal, hasReader: false }),
    variant("servers remove beside a reader", remove, { ...removal, hasReader: true }),
    variant("content, audited", read, { record: "content done", hasReader: false }),
    variant("export, audited", take, { record: "export done", hasReader: false }),
  ];
}

const SPOOL = fileURLToPath(new URL("../../fixtures/queue/generated", import.meta.url));
const LETTER = fileURLToPath(new URL("../../fixtures/content/invoice.eml", import.meta.url));

/** Rows of a view that do not depend on the moment, each as JSON. */
function rowsOf(database: string, sql: string): readonly string[] {
  const opened = new Database(database, { readonly: true });
  try {
    return opened
      .prepare(sql)
      .all()
      .map((row) => JSON.stringify(row));
  } finally {
    opened.close();
  }
}

/** A look that keeps what is in the messages: the look is one transaction, and the contents are others. */
function contents(world: World): readonly Scenario[] {
  const argv = (database: string): readonly string[] => [
    ...["queue", "snapshot", "--spool", SPOOL, "--server", "mx1", "--content", "preview", "--db", database],
  ];
  const staysOf = (database: string): readonly string[] =>
    rowsOf(database, "SELECT message_id, sender, size, frozen FROM queue_messages ORDER BY message_id");
  const contentsOf = (database: string): readonly string[] =>
    rowsOf(
      database,
      "SELECT message_id, headers, text_content, attachments, sha256 FROM message_content ORDER BY message_id",
    );
  const variant = (name: string, hasReader: boolean): Scenario => {
    let [stays, all]: (readonly string[])[] = [[], []];
    return {
      name,
      hasReader,
      prepare: async (folder) => {
        copyFileSync(world.base, join(folder, DATABASE));
        const scratch = join(world.scratch(), DATABASE);
        copyFileSync(world.base, scratch);
        await runWell(argv(scratch));
        [stays, all] = [staysOf(scratch), contentsOf(scratch)];
        if (all.length === 0) throw new Error("The look keeps no content.");
      },
      argv: (folder) => argv(join(folder, DATABASE)),
      examine: async (folder) => {
        const database = join(folder, DATABASE);
        const text = textOf(database);
        if (text === undefined) return { always: ["The database is empty."], at: () => [] };
        const always = [...(await world.losses(database, text)), ...(await unsoundness(database))];
        const [seen, kept] = [staysOf(database), contentsOf(database)];
        if (seen.length > 0 && JSON.stringify(seen) !== JSON.stringify(stays))
          always.push("The look is there in part.");
        if (kept.some((content) => !all?.includes(content))) always.push("A content is there in part.");
        if (kept.length > 0 && seen.length === 0) always.push("Contents are there without the look.");
        const isRecorded = (await auditOf(database)).includes("queue snapshot done");
        always.push(...(await failures("The same look", argv(database))));
        if (JSON.stringify(contentsOf(database)) !== JSON.stringify(all))
          always.push("Looking again keeps other contents.");
        always.push(...(await flaws(database)).map((problem) => `After looking again: ${problem}`));
        return {
          always,
          at: ({ hasPrinted }) => [
            ...(hasPrinted && (seen.length === 0 || kept.length < (all?.length ?? 0))
              ? ["The report was printed, and what it says was kept is not there."]
              : []),
            ...(hasPrinted && !isRecorded ? ["The report was printed, and the audit log does not know of it."] : []),
          ],
        };
      },
    };
  };
  return [
    variant("queue snapshot --content preview", false),
    variant("queue snapshot --content preview beside a reader", true),
  ];
}

/** Detection finds what Exim wrote to its panic log, and says so once it is on the disk. */
function detections(world: World): readonly Scenario[] {
  const argv = (database: string): readonly string[] => ["incidents", "detect", "--db", database];
  const incidentsIn = (database: string): readonly string[] =>
    rowsOf(
      database,
      "SELECT type, subject, title, severity, status, start_time, end_time FROM correlated_incidents ORDER BY 1, 2, 6",
    );
  const variant = (name: string, hasReader: boolean): Scenario => {
    let found: readonly string[] = [];
    return {
      name,
      hasReader,
      prepare: async (folder) => {
        const database = join(folder, DATABASE);
        copyFileSync(world.base, database);
        const log = join(world.scratch(), "paniclog");
        writeFileSync(
          log,
          "2026-03-03 12:00:00 Failed to open database lock file /var/spool/exim/db/retry: Permission denied\n",
        );
        await runWell(["ingest", ...SERVER, "--db", database, log]);
        const scratch = join(world.scratch(), DATABASE);
        copyFileSync(database, scratch);
        await runWell(argv(scratch));
        found = incidentsIn(scratch);
        if (found.length === 0) throw new Error("No incident is found.");
      },
      argv: (folder) => argv(join(folder, DATABASE)),
      examine: async (folder) => {
        const database = join(folder, DATABASE);
        const text = textOf(database);
        if (text === undefined) return { always: ["The database is empty."], at: () => [] };
        const always = [...(await world.losses(database, text)), ...(await unsoundness(database))];
        const isDone = JSON.stringify(incidentsIn(database)) === JSON.stringify(found);
        always.push(...(await failures("The same detection", argv(database))));
        if (JSON.stringify(incidentsIn(database)) !== JSON.stringify(found))
          always.push("Detecting again finds other incidents.");
        always.push(...(await flaws(database)).map((problem) => `After detecting again: ${problem}`));
        return {
          always,
          at: ({ hasPrinted }) => (hasPrinted && !isDone ? ["An incident was told, and is not there."] : []),
        };
      },
    };
  };
  return [variant("incidents detect", false), variant("incidents detect beside a reader", true)];
}

/** A notification that has left cannot be called back: "sent" is on the disk before the request. */
function notifications(world: World): readonly Scenario[] {
  const argv = (database: string): readonly string[] => [
    ...["notify", "run", "--config", join(world.home, "notify.toml"), "--db", database],
  ];
  const statusesIn = (database: string): readonly string[] =>
    rowsOf(database, "SELECT status FROM notifications ORDER BY number").map(
      (row) => (JSON.parse(row) as { status: string }).status,
    );
  const variant = (name: string, hasReader: boolean): Scenario => ({
    name,
    hasReader,
    asks: true,
    prepare: async (folder) => {
      const database = join(folder, DATABASE);
      copyFileSync(world.base, database);
      enqueue(database);
      // NOTE: it takes everything, from the runs after the power cut too.
      const receiver = createServer((request, response) => request.resume().on("end", () => response.end("ok")));
      receiver.unref();
      await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
      const { port } = receiver.address() as AddressInfo;
      writeFileSync(
        join(world.home, "notify.toml"),
        `[notify]\ntiers = ["hook"]\n[channels.hook]\ntype = "webhook"\nurl = "http://127.0.0.1:${port}"\n`,
        { mode: 0o600 },
      );
    },
    argv: (folder) => argv(join(folder, DATABASE)),
    examine: async (folder) => {
      const database = join(folder, DATABASE);
      const text = textOf(database);
      if (text === undefined) return { always: ["The database is empty."], at: () => [] };
      const always = [...(await world.losses(database, text)), ...(await unsoundness(database))];
      const statuses = statusesIn(database);
      if (statuses.length !== 1) always.push("The notification is lost.");
      always.push(...(await failures("The next run", argv(database))));
      always.push(...(await flaws(database)).map((problem) => `After running again: ${problem}`));
      return {
        always,
        at: ({ hasAsked, hasPrinted }) => [
          ...(hasAsked && statuses.includes("pending")
            ? ["It left the machine, and is not known to have been sent."]
            : []),
          ...(hasPrinted && !statuses.includes("confirmed")
            ? ["The report was printed, and the notification is not confirmed."]
            : []),
        ],
      };
    },
  });
  return [variant("notify run", false), variant("notify run beside a reader", true)];
}

/** Puts a notification into the outbox, as detection does. */
function enqueue(path: string): void {
  const writer = openWriter({
    path,
    schemaDirectory: fileURLToPath(new URL("../../schema", import.meta.url)),
    waitMs: SECOND_MS,
    program: "0.0.0-test",
    now: () => epochMs(Date.now()),
    processes: () => ({ mark: `0000000a-${process.pid}-1`, isRunning: () => undefined }),
  });
  try {
    const event = {
      version: 1 as const,
      server: "mx1",
      title: "Test",
      notes: [],
      since: null,
      until: null,
      command: null,
    };
    writer.write(({ outbox }) =>
      outbox.enqueue({ dedupKey: "one", reason: "opened", severity: "serious", event }, epochMs(Date.now())),
    );
  } finally {
    writer.close();
  }
}
