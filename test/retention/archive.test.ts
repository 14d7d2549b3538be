/** Everything that prune removes is in the archive, whatever was there before: only bytes that were read back and compared count. */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { archiveFailure } from "../../src/retention/archive-piece.ts";
import type { PruneOptions, PruneReport } from "../../src/retention/prune.ts";
import { DAY_MS, epochMs, HOUR_MS } from "../../src/units.ts";
import { ingestInto, openDirectly, temporaryFolder } from "../support/database.ts";
import { errorOf } from "../support/pilot-error.ts";
import { pruneOptions, runPrune } from "../support/pruning.ts";
import { dumpViews, queryAll, readSources } from "../support/views.ts";

const RUNS = Number(process.env["EXIM_PILOT_TORTURE"] ?? 10);
const NOW = epochMs(Date.UTC(2026, 3, 1));

/** Ten lines, an hour apart, that end so long ago; `label` is in each of them but the first five. */
function linesOf(label: string, agoMs: number): string {
  return Array.from({ length: 10 }, (_, index) => {
    const at = new Date(NOW - agoMs - (9 - index) * HOUR_MS).toISOString().slice(0, 19).replace("T", " ");
    return `${at} a line about ${index < 5 ? "all of them, as long as it takes to fill the head of a log" : label}\n`;
  }).join("");
}

interface Stored {
  readonly folder: string;
  readonly path: string;
  readonly archive: string;
  /** By name. */
  readonly logs: Readonly<Record<string, string>>;
}

async function store(logs: Readonly<Record<string, string>>, batchLines = 3): Promise<Stored> {
  const folder = temporaryFolder();
  const path = join(folder, "pilot.db");
  for (const [name, text] of Object.entries(logs)) writeFileSync(join(folder, name), text);
  const paths = Object.keys(logs).map((name) => join(folder, name));
  await ingestInto(path, paths, { batchLines, logType: "main" });
  return { folder, path, archive: join(folder, "archive"), logs };
}

function prune({ path, archive }: Stored, logs: string, more: Partial<PruneOptions> = {}): Promise<PruneReport> {
  return runPrune(path, {
    ...pruneOptions(path, NOW, { logs, messages: "forever" }),
    archive,
    isForced: true,
    ...more,
  });
}

interface Written {
  readonly name: string;
  readonly position: number;
  readonly text: string;
}

/** The pieces that were written whole, read back. */
function piecesOf(archive: string): Written[] {
  return readdirSync(archive)
    .filter((name) => name.endsWith(".gz"))
    .map((name) => {
      const manifest = JSON.parse(readFileSync(join(archive, `${name}.json`), "utf8")) as { position: number };
      return {
        name,
        position: manifest.position,
        text: gunzipSync(readFileSync(join(archive, name))).toString("latin1"),
      };
    });
}

/** Each log is what pieces hold of its beginning, and what the database still has. */
function expectNothingLost({ path, logs, archive }: Stored, trusted: readonly Written[] = piecesOf(archive)): void {
  const pruned = queryAll<{ path: string; pruned: number }>(path, "SELECT path, pruned FROM stored_sources");
  expect(pruned).toHaveLength(Object.keys(logs).length);
  for (const { path: source, bytes } of readSources(path)) {
    const text = logs[source.slice(source.lastIndexOf("/") + 1)] ?? "";
    const end = pruned.find((row) => row.path === source)?.pruned ?? -1;
    expect(bytes.toString("latin1")).toBe(text.slice(end));
    let reached = 0;
    for (let before = -1; before < reached; ) {
      before = reached;
      for (const piece of trusted) {
        if (piece.position > reached || !text.startsWith(piece.text, piece.position)) continue;
        reached = Math.max(reached, piece.position + piece.text.length);
      }
    }
    expect(reached).toBeGreaterThanOrEqual(end);
  }
}

describe("logs that begin alike", () => {
  test("are archived each, whatever their lengths and however often it prunes", async () => {
    const scenario = fc.record({
      days: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 2, maxLength: 4 }),
      batchLines: fc.constantFrom(1, 3, 50),
      spans: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ days, batchLines, spans }) => {
        const begin = linesOf("", 11 * DAY_MS)
          .split("\n")
          .slice(0, 5)
          .join("\n");
        const logs = Object.fromEntries(
          days.map((day, index) => [`log${index}`, `${begin}\n${linesOf(`log ${index}`, day * DAY_MS).slice(-150)}`]),
        );
        const stored = await store(logs, batchLines);
        for (const span of [...spans].sort((one, other) => other - one)) {
          const report = await prune(stored, `${span}d`);
          expect(report.warnings).toEqual([]);
          if (existsSync(stored.archive)) expectNothingLost(stored);
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("of one length are two files", async () => {
    const stored = await store({ one: linesOf("one", 50 * DAY_MS), two: linesOf("two", 50 * DAY_MS) });
    const { archived, warnings } = await prune(stored, "30d");
    expect({ files: archived.length, warnings }).toEqual({ files: 2, warnings: [] });
    expectNothingLost(stored);
    expect(
      piecesOf(stored.archive)
        .map(({ text }) => text)
        .sort(),
    ).toEqual(Object.values(stored.logs).sort());
  });
});

/** Each makes something else of a piece that is whole; `says`: what the warning is about, undefined when there is nothing to say. */
const DAMAGES: readonly (readonly [what: string, says: string | undefined, damage: (piece: string) => void])[] = [
  ["a file that is cut off", "is damaged", (piece) => truncateSync(piece, 100)],
  ["an empty file", "is damaged", (piece) => truncateSync(piece, 0)],
  [
    "a file with a wrong byte",
    "is damaged",
    (piece) => {
      const bytes = readFileSync(piece);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0x10;
      writeFileSync(piece, bytes);
    },
  ],
  ["a file with other text", "is damaged", (piece) => writeFileSync(piece, gzipSync("other text\n"))],
  [
    "a file that goes on",
    "is damaged",
    (piece) => writeFileSync(piece, Buffer.concat([readFileSync(piece), gzipSync(Buffer.alloc(1e7))])),
  ],
  [
    "a directory",
    "is damaged",
    (piece) => {
      rmSync(piece);
      mkdirSync(piece);
    },
  ],
  ["no file beside its manifest", undefined, (piece) => rmSync(piece)],
  ...["{", "", "null", "[]", "7", '{"version":2}'].map(
    (text) =>
      [
        `a manifest that is ${JSON.stringify(text)}`,
        "is missing or damaged",
        (piece: string) => writeFileSync(`${piece}.json`, text),
      ] as const,
  ),
  ["a pipe, which nobody writes to", "is damaged", (piece) => putPipe(piece)],
  ["a link that leads nowhere", "is damaged", (piece) => putLink(piece)],
  ["a pipe for a manifest", "is missing or damaged", (piece) => putPipe(`${piece}.json`)],
  ["a link to itself for a manifest", "is missing or damaged", (piece) => putLink(`${piece}.json`, `${piece}.json`)],
  ["the manifest of another file", "is missing or damaged", (piece) => changeManifest(piece, { file: "other.log.gz" })],
  ["a manifest with another size", "is damaged", (piece) => changeManifest(piece, { size: 1e6 })],
  ["a manifest with another hash", "is damaged", (piece) => changeManifest(piece, { sha256: "0".repeat(64) })],
  ["a manifest with another place", undefined, (piece) => changeManifest(piece, { position: 5 })],
  ["a manifest of another server", undefined, (piece) => changeManifest(piece, { server: "mx2" })],
];

function changeManifest(piece: string, change: object): void {
  const manifest = JSON.parse(readFileSync(`${piece}.json`, "utf8")) as object;
  writeFileSync(`${piece}.json`, JSON.stringify({ ...manifest, ...change }));
}

function putPipe(path: string): void {
  rmSync(path);
  execFileSync("mkfifo", [path]);
}

function putLink(path: string, target = "/nowhere"): void {
  rmSync(path);
  symlinkSync(target, path);
}

describe("what a killed prune has archived", () => {
  async function killedAfterArchiving(): Promise<{ stored: Stored; piece: string }> {
    const stored = await store({
      mainlog: linesOf("old", 60 * DAY_MS) + linesOf("older", 40 * DAY_MS) + linesOf("new", 0),
    });
    const killed = `${stored.path}.killed`;
    copyFileSync(stored.path, killed);
    const { archived } = await prune(stored, "50d");
    copyFileSync(killed, stored.path);
    for (const end of ["-wal", "-shm"]) rmSync(stored.path + end, { force: true });
    expect(archived).toHaveLength(1);
    return { stored, piece: archived[0] ?? "" };
  }

  test("is not archived again when it is whole, also as a part of what goes", async () => {
    const { stored } = await killedAfterArchiving();
    const { archived, warnings } = await prune(stored, "30d");
    expect({ files: archived.length, warnings }).toEqual({ files: 1, warnings: [] });
    expectNothingLost(stored);
    const texts = piecesOf(stored.archive).map(({ text }) => text);
    expect(texts.join("")).toBe((stored.logs["mainlog"] ?? "").slice(0, texts.join("").length));
  });

  test.each(DAMAGES)("is archived again under another name when it is %s", async (_what, says, damage) => {
    const { stored, piece } = await killedAfterArchiving();
    damage(piece);
    const left = existsSync(piece) ? readFileOrNothing(piece) : undefined;
    const { archived, warnings } = await prune(stored, "50d");
    expect(archived).toHaveLength(1);
    expect(archived).not.toContain(piece);
    expect(warnings).toEqual(says === undefined ? [] : [expect.stringContaining(says)]);
    for (const warning of warnings) expect(warning).toContain(piece);
    expect(existsSync(piece) ? readFileOrNothing(piece) : undefined).toEqual(left);
    const again = archived.map((path) => path.slice(stored.archive.length + 1));
    const trusted = again.map((name) => ({
      name,
      position: 0,
      text: gunzipSync(readFileSync(join(stored.archive, name))).toString("latin1"),
    }));
    expectNothingLost(stored, trusted);
    expect((await prune(stored, "30d")).archived).toHaveLength(1);
  });

  test("is told of when its text has gone from the database too", async () => {
    const stored = await store({ mainlog: linesOf("old", 60 * DAY_MS) + linesOf("new", 0) });
    const [piece = ""] = (await prune(stored, "50d")).archived;
    writeFileSync(`${piece}.json`, "{");
    writeFileSync(join(stored.folder, "second"), linesOf("second", 40 * DAY_MS));
    await ingestInto(stored.path, [join(stored.folder, "second")], { logType: "main" });
    const told: string[] = [];
    const { archived, warnings } = await prune(stored, "30d", { onWarning: (sentence) => told.push(sentence) });
    expect(warnings).toEqual([expect.stringContaining(`${piece}.json`)]);
    expect(told).toEqual(warnings);
    expect(archived).toHaveLength(1);
  });
});

/** The bytes of a regular file; undefined for anything else, a pipe among it, which would be waited for. */
function readFileOrNothing(path: string): Buffer | undefined {
  return statSync(path).isFile() ? readFileSync(path) : undefined;
}

describe("an archive that cannot be written", () => {
  const partOf = (archive: string): string =>
    join(archive, readdirSync(archive).find((name) => name.endsWith(".log.gz")) ?? "");

  test.each<readonly [string, string, (stored: Stored) => Partial<PruneOptions>]>([
    ["has no space", "disk_full", () => ({ freeBytes: () => 1000 })],
    [
      "is a file",
      "io",
      ({ archive }) => {
        writeFileSync(archive, "");
        return {};
      },
    ],
    [
      "does not read as it was written",
      "check_failed",
      ({ archive }) => ({
        now: () => {
          if (existsSync(archive) && partOf(archive) !== join(archive, "")) truncateSync(partOf(archive), 20);
          return NOW;
        },
      }),
    ],
    [
      "vanishes while it is written",
      "io",
      ({ archive }) => ({
        now: () => {
          if (existsSync(archive) && partOf(archive) !== join(archive, "")) rmSync(archive, { recursive: true });
          return NOW;
        },
      }),
    ],
  ])("because it %s keeps all text where it is", async (_what, code, prepare) => {
    const stored = await store({ mainlog: linesOf("old", 60 * DAY_MS) + linesOf("new", 0) });
    const before = dumpViews(stored.path);
    const error = await errorOf(prune(stored, "50d", prepare(stored)));
    expect(error).toMatchObject({ code, message: expect.stringMatching(/\.$/), hint: expect.stringMatching(/\.$/) });
    expect(dumpViews(stored.path)).toEqual(before);
    expect(readSources(stored.path)[0]?.bytes.toString("latin1")).toBe(stored.logs["mainlog"]);
  });

  test("because the stored text is damaged keeps all text where it is", async () => {
    const stored = await store({ mainlog: linesOf("old", 60 * DAY_MS) + linesOf("new", 0) });
    const database = openDirectly(stored.path);
    database.exec("UPDATE raw_blocks SET data = (SELECT data FROM raw_blocks WHERE id = 3) WHERE id = 2");
    database.close();
    expect(await errorOf(prune(stored, "50d"))).toMatchObject({ code: "corrupt" });
    expect(queryAll(stored.path, "SELECT pruned FROM stored_sources")).toEqual([{ pruned: 0 }]);
  });

  test.each([
    ["ENOSPC", "disk_full"],
    ["EDQUOT", "disk_full"],
    ["EACCES", "io"],
    ["EROFS", "io"],
    ["EIO", "io"],
  ])("%s is told as %s", (code, expected) => {
    const cause = Object.assign(new Error(code), { code, syscall: "write" });
    expect(archiveFailure(cause, "/archive", undefined)).toMatchObject({ code: expected, cause });
  });
});

describe("what a killed prune has left", () => {
  const begun = () => store({ mainlog: linesOf("old", 60 * DAY_MS) + linesOf("new", 0) });

  test("unfinished, is removed a day later", async () => {
    const stored = await begun();
    mkdirSync(stored.archive);
    const nameOf = (digit: string) => join(stored.archive, `.exim-pilot-${digit.repeat(24)}`);
    const [old, young, other] = [nameOf("a"), nameOf("b"), `${nameOf("c")}.txt`] as const;
    for (const path of [old, young, other]) writeFileSync(path, "begun");
    for (const path of [old, other]) utimesSync(path, new Date(NOW - 2 * DAY_MS), new Date(NOW - 2 * DAY_MS));
    utimesSync(young, new Date(NOW - HOUR_MS), new Date(NOW - HOUR_MS));
    await prune(stored, "50d");
    expect([old, young, other].map((path) => existsSync(path))).toEqual([false, true, true]);
  });

  test("without a manifest, gets one, and is not written again", async () => {
    const stored = await begun();
    const again = { ...stored, path: join(stored.folder, "killed.db") };
    copyFileSync(stored.path, again.path);
    const [piece = ""] = (await prune(stored, "50d")).archived;
    const manifest = readFileSync(`${piece}.json`, "utf8");
    rmSync(`${piece}.json`);
    expect(await prune(again, "50d")).toMatchObject({ archived: [], warnings: [] });
    expect(readFileSync(`${piece}.json`, "utf8")).toBe(manifest);
    expect(readdirSync(stored.archive)).toHaveLength(2);
  });

  test("without a manifest, and holds something else, is told of and stays as it is", async () => {
    const stored = await begun();
    const again = { ...stored, path: join(stored.folder, "killed.db") };
    copyFileSync(stored.path, again.path);
    const [piece = ""] = (await prune(stored, "50d")).archived;
    const text = gunzipSync(readFileSync(piece));
    text[text.length - 2] = (text.at(-2) ?? 0) ^ 1;
    writeFileSync(piece, gzipSync(text));
    const before = readFileSync(piece);
    rmSync(`${piece}.json`);
    const { archived, warnings } = await prune(again, "50d");
    expect(warnings).toEqual([expect.stringContaining(`"${piece}.json" is missing`)]);
    expect(archived).toEqual([piece.replace(".log.gz", "-2.log.gz")]);
    expect(readFileSync(piece).equals(before)).toBe(true);
  });
});

test("a link in the place of a piece or of its manifest is not followed, and files are their owner's alone", async () => {
  const stored = await store({ mainlog: linesOf("old", 60 * DAY_MS) + linesOf("new", 0) });
  const pathOf = (place: string) => join(stored.folder, `again${place}.db`);
  for (const place of ["", ".json"]) copyFileSync(stored.path, pathOf(place));
  const [piece = ""] = (await prune(stored, "50d")).archived;
  const aim = join(stored.folder, "aim");
  for (const place of ["", ".json"]) {
    for (const name of readdirSync(stored.archive)) rmSync(join(stored.archive, name));
    symlinkSync(aim, piece + place);
    const { archived } = await prune({ ...stored, path: pathOf(place) }, "50d");
    expect(archived).toEqual([piece.replace(".log.gz", "-2.log.gz")]);
    expect(existsSync(aim)).toBe(false);
    for (const file of archived.flatMap((name) => [name, `${name}.json`]))
      expect(statSync(file).mode & 0o777).toBe(0o600);
  }
});
