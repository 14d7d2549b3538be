/** The same logs in another order, in other pieces, under other names, compressed or not: the same content, every line once. */
import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { startsEntry } from "../../src/parse/record.ts";
import { type Corpus, corpusProfiles } from "../support/corpus.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { Random } from "../support/generate.ts";
import { differences, dumpSources, dumpViews, queryAll, readSources } from "../support/views.ts";

const profiles = corpusProfiles().filter(({ name }) => name.includes("trimmed"));

test("there are logs to compare", () => {
  expect(profiles).toHaveLength(6);
});

describe.each(profiles)("$name", (corpus) => {
  const options = { timeZone: corpus.truth.timezone };
  const { main } = corpus.logs;
  const logs = Object.values(corpus.logs);

  test("ingested again adds nothing", async () => {
    const { views, sources } = await ingestPlainly(corpus);
    const database = join(temporaryFolder(), "pilot.db");
    await ingestInto(database, logs, options);
    const again = await ingestInto(database, logs, options);
    const backwards = await ingestInto(database, [...logs].reverse(), options);
    for (const report of [again, backwards]) {
      expect(report.logs.map(({ result }) => result)).toEqual(logs.map(() => "unchanged"));
      expect(Object.values(report.totals).every((figure) => figure === 0)).toBe(true);
    }
    expect(differences(dumpViews(database), views)).toEqual([]);
    expect(dumpSources(database)).toEqual(sources);
    expectBytesGivenBack(database, logs);
  });

  test("ingested again under names that tell nothing adds nothing", async () => {
    const { views } = await ingestPlainly(corpus);
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    await ingestInto(database, logs, options);
    const sources = dumpSources(database, ["path"]);
    const copies = logs.map((log, index) => {
      const path = join(folder, `copy-${index}`);
      writeFileSync(path, readFileSync(log));
      return path;
    });
    const { totals } = await ingestInto(database, copies, options);
    expect(totals.lines).toBe(0);
    expect(differences(dumpViews(database), views)).toEqual([]);
    expect(dumpSources(database, ["path"])).toEqual(sources);
    expect(readSources(database).map(({ path }) => path)).toEqual(copies);
  });

  test.each(ordersOf(["main", "reject", "panic"] as const))("read in the order %s, %s, %s", async (...order) => {
    const { views, sources } = await ingestPlainly(corpus);
    const database = join(temporaryFolder(), "pilot.db");
    const report = await ingestInto(
      database,
      order.flatMap((log) => corpus.logs[log] ?? []),
      options,
    );
    expect(report.totals.unparsed).toBe(0);
    expect(differences(dumpViews(database), views)).toEqual([]);
    expect(dumpSources(database)).toEqual(sources);
  });

  test("read by several runs, one log each, the main log last", async () => {
    const { views, sources } = await ingestPlainly(corpus);
    const database = join(temporaryFolder(), "pilot.db");
    for (const log of [...logs].reverse()) await ingestInto(database, [log], options);
    expect(differences(dumpViews(database), views)).toEqual([]);
    expect(dumpSources(database)).toEqual(sources);
  });

  test.each([1, 2, 7, 64_000])("read in batches of %i lines", async (batchLines) => {
    const { views, sources } = await ingestPlainly(corpus);
    const database = join(temporaryFolder(), "pilot.db");
    await ingestInto(database, logs, { ...options, batchLines });
    expect(differences(dumpViews(database), views)).toEqual([]);
    expect(dumpSources(database)).toEqual(sources);
    expectBytesGivenBack(database, logs);
  });

  test.each([1, 2, 3, 4])("rotated, and its pieces read in any order (%i)", async (seed) => {
    const { views } = await ingestPlainly(corpus);
    const folder = temporaryFolder();
    const random = new Random(seed);
    const pieces = shuffle(
      logs.flatMap((log) => rotate(folder, log, random)),
      random,
    );
    const database = join(folder, "pilot.db");
    const middle = random.upTo(pieces.length);
    const batchLines = random.pick([7, 500]);
    await ingestInto(database, pieces.slice(0, middle), { ...options, batchLines });
    await ingestInto(database, pieces.slice(middle), { ...options, batchLines });
    expect(differences(dumpViews(database), views)).toEqual([]);
    expectBytesGivenBack(database, pieces);
  });

  test("compressed, and then as it was: the second time adds nothing", async () => {
    const { views, sources } = await ingestPlainly(corpus);
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    const archives = logs.map((log) => compress(folder, log));
    await ingestInto(database, archives, options);
    expect(differences(dumpViews(database), views)).toEqual([]);
    expect(dumpSources(database, ["path"])).toEqual(withoutPath(sources));
    const { totals } = await ingestInto(database, logs, options);
    expect(totals.lines).toBe(0);
    expect(dumpSources(database, ["path"])).toEqual(withoutPath(sources));
  });

  test("read from standard input, plain and compressed, and then from its file", async () => {
    const { views, sources } = await ingestPlainly(corpus);
    for (const bytes of [readFileSync(main), gzipSync(readFileSync(main))]) {
      const database = join(temporaryFolder(), "pilot.db");
      await ingestInto(database, ["-"], options, inChunks(bytes, 1000));
      const { totals } = await ingestInto(database, ["-"], options, inChunks(bytes, 77));
      expect(totals.lines).toBe(0);
      await ingestInto(database, logs, options);
      expect(differences(dumpViews(database), views)).toEqual([]);
      expect(dumpSources(database, ["path"])).toEqual(withoutPath(sources));
    }
  });

  test("read while it grows, then grown, renamed and followed by a new log", async () => {
    const { views } = await ingestPlainly(corpus);
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    const [first = "", second = ""] = splitAtEntries(readFileSync(main, "latin1"), [0.6]);
    const path = join(folder, "mainlog");
    writeFileSync(path, first.slice(0, first.length / 2), "latin1");
    await ingestInto(database, [path, ...logs.slice(1)], options);
    appendFileSync(path, first.slice(first.length / 2), "latin1");
    renameSync(path, `${path}.1`);
    writeFileSync(path, second, "latin1");
    await ingestInto(database, [path, `${path}.1`], options);
    expect(differences(dumpViews(database), views)).toEqual([]);
    expectBytesGivenBack(database, [path, `${path}.1`, ...logs.slice(1)]);
  });
});

describe("a log that is", () => {
  const [corpus] = profiles;
  const { main } = (corpus as Corpus).logs;
  const options = { timeZone: (corpus as Corpus).truth.timezone };
  const bytes = readFileSync(main);

  test("copied to another name adds nothing", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    const copy = join(folder, "copy-of-main");
    writeFileSync(copy, bytes);
    const report = await ingestInto(database, [main, copy], options);
    expect(report.logs.map(({ result }) => result)).toEqual(["read", "unchanged"]);
    expectBytesGivenBack(database, [main]);
  });

  test("grown by one line is read on from there, under its new name", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    await ingestInto(database, [main], options);
    const grown = join(folder, "mainlog.1");
    writeFileSync(grown, bytes);
    appendFileSync(grown, "2026-03-20 00:00:00 End queue run: pid=1\n");
    const { totals } = await ingestInto(database, [grown], options);
    expect(totals).toMatchObject({ lines: 1, entries: 1 });
    expectBytesGivenBack(database, [grown]);
  });

  test("cut off (copytruncate) and begun anew is another log", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    const path = join(folder, "mainlog");
    writeFileSync(path, bytes);
    await ingestInto(database, [path], options);
    const anew = Buffer.from("2026-03-20 00:00:00 Start queue run: pid=1\n");
    writeFileSync(path, anew);
    await ingestInto(database, [path], options);
    writeFileSync(path, Buffer.concat([anew, Buffer.from("2026-03-20 00:00:09 End queue run: pid=1\n")]));
    const { totals } = await ingestInto(database, [path], options);
    expect(totals.lines).toBe(1);
    expectBytesGivenBack(database, [main, path]);
  });

  test("a shorter copy of a stored one adds nothing", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    await ingestInto(database, [main], options);
    const copy = join(folder, "mainlog");
    for (const length of [bytes.length - 1, bytes.length >> 1, 1000]) {
      writeFileSync(copy, bytes.subarray(0, length));
      expect((await ingestInto(database, [copy], options)).logs[0]?.result).toBe("unchanged");
    }
    expectBytesGivenBack(database, [main]);
  });

  test("begun like a stored one and different from there is another log", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    const [start = "", end = ""] = splitAtEntries(bytes.toString("latin1"), [0.5]);
    const other = join(folder, "mainlog.other");
    writeFileSync(other, `${start}2026-03-20 00:00:00 Start queue run: pid=1\n${end}`, "latin1");
    await ingestInto(database, [main], options);
    const { totals } = await ingestInto(database, [other], options);
    expect(totals.lines).toBeGreaterThan(1);
    expectBytesGivenBack(database, [main, other]);
  });

  test("an archive that grew by another member is read on from there", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    const [start = "", end = ""] = splitAtEntries(bytes.toString("latin1"), [0.5]);
    const archive = join(folder, "mainlog.gz");
    writeFileSync(archive, gzipSync(Buffer.from(start, "latin1")));
    await ingestInto(database, [archive], options);
    appendFileSync(archive, gzipSync(Buffer.from(end, "latin1")));
    await ingestInto(database, [archive], options);
    const [source] = readSources(database);
    expect(source?.bytes.equals(bytes)).toBe(true);
    expect(readSources(database)).toHaveLength(1);
  });

  test("read from a named pipe adds nothing when its file is read, and the other way round", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    for (const paths of [[pipe], [main], [pipe]]) {
      const writer = paths.includes(pipe) ? spawn("/bin/sh", ["-c", 'cat "$1" > "$2"', "sh", main, pipe]) : undefined;
      await ingestInto(database, paths, options);
      writer?.kill();
    }
    expectBytesGivenBack(database, [main]);
  });

  test("another server's has the same ids and is kept apart", async () => {
    const database = join(temporaryFolder(), "pilot.db");
    const first = await ingestInto(database, [main], options);
    const second = await ingestInto(database, [main], { ...options, server: "mx2" });
    expect(second.totals).toEqual(first.totals);
    expectBytesGivenBack(database, [main, main]);
  });
});

describe("lines that two logs have in common are one, seen in both,", () => {
  const reject = (second: number, number: number): string =>
    `2026-03-02 06:16:${String(second).padStart(2, "0")} H=(x) [203.0.113.7] F=<a@b.example> rejected RCPT <u${number}@example.org>: Unknown user\n`;

  test("when there are many of a second, in small batches", async () => {
    const lines = Array.from({ length: 60 }, (_, index) => reject(1, index)).join("");
    await expectDuplicates(lines, lines, 60, 1);
  });

  test("when they are the same many times over", async () => {
    const lines = Array.from({ length: 60 }, (_, index) => reject(1, index % 3)).join("");
    await expectDuplicates(lines, lines, 60, 7);
  });

  test("when the clock was set back between them, so that one batch begins long before those around it", async () => {
    const lines = Array.from({ length: 300 }, (_, index) => reject(Math.floor(index / 6), index));
    lines.splice(250, 0, "2026-03-01 00:00:00 H=(x) [203.0.113.7] rejected EHLO or HELO x: no\n");
    await expectDuplicates(lines.join(""), lines.join(""), 301, 7);
  });

  test("when one log has more of them than the other", async () => {
    const line = reject(1, 1);
    const folder = temporaryFolder();
    for (const names of [["mainlog", "rejectlog"] as const, ["rejectlog", "mainlog"] as const]) {
      const database = join(folder, `${names[0]}.db`);
      const counts = { mainlog: 5, rejectlog: 3 };
      for (const name of names) writeFileSync(join(folder, name), line.repeat(counts[name]));
      await ingestInto(
        database,
        names.map((name) => join(folder, name)),
        { batchLines: 2 },
      );
      expect(seenIn(database)).toEqual([
        { seen_in: "main", count: 2 },
        { seen_in: "main,reject", count: 3 },
      ]);
    }
  });

  test("when a line stands in all three", async () => {
    const line = "2026-03-02 06:16:01 1vwwZU-0005VB-1y == t@panic.example R=p defer (-1): Tainted '/x' not permitted\n";
    const folder = temporaryFolder();
    for (const [index, names] of ordersOf(["mainlog", "rejectlog", "paniclog"]).entries()) {
      const database = join(folder, `${index}.db`);
      for (const name of names) writeFileSync(join(folder, name), line);
      await ingestInto(
        database,
        names.map((name) => join(folder, name)),
      );
      expect(seenIn(database)).toEqual([{ seen_in: "main,reject,panic", count: 1 }]);
    }
  });

  async function expectDuplicates(main: string, other: string, count: number, batchLines: number): Promise<void> {
    const folder = temporaryFolder();
    const paths = [
      [join(folder, "mainlog"), main],
      [join(folder, "rejectlog"), other],
    ] as const;
    for (const [path, text] of paths) writeFileSync(path, text);
    for (const [index, order] of ordersOf(paths.map(([path]) => path)).entries()) {
      const database = join(folder, `${index}.db`);
      await ingestInto(database, order, { batchLines });
      expect(seenIn(database)).toEqual([{ seen_in: "main,reject", count }]);
    }
  }

  function seenIn(database: string): { seen_in: string; count: number }[] {
    return queryAll(database, "SELECT seen_in, count(*) AS count FROM log_entries GROUP BY seen_in ORDER BY seen_in");
  }
});

interface Plain {
  readonly views: Record<string, string[]>;
  readonly sources: string[];
}

const plain = new Map<string, Plain>();

/** Result of one run over whole logs, main, reject, panic: every other way is compared with it. */
async function ingestPlainly({ name, logs, truth }: Corpus): Promise<Plain> {
  let known = plain.get(name);
  if (known === undefined) {
    const database = join(temporaryFolder(), "plain.db");
    const { totals } = await ingestInto(database, Object.values(logs), { timeZone: truth.timezone });
    expect(totals.messages).toBeGreaterThan(10);
    known = { views: dumpViews(database), sources: dumpSources(database) };
    plain.set(name, known);
  }
  return known;
}

/** Expects that the stored sources are these logs, each once. */
function expectBytesGivenBack(database: string, logs: readonly string[]): void {
  const stored = readSources(database).map(({ bytes }) => bytes.toString("latin1"));
  const expected = logs.map((log) => readFileSync(log, "latin1"));
  expect(stored.length).toBe(expected.length);
  for (const text of expected) expect(stored.includes(text)).toBe(true);
}

function withoutPath(sources: readonly string[]): string[] {
  return sources
    .map((json) => {
      const { path: _, ...source } = JSON.parse(json) as Record<string, unknown>;
      return JSON.stringify(source);
    })
    .sort();
}

/** Cuts a log into up to four pieces, named as logrotate would. */
function rotate(folder: string, log: string, random: Random): string[] {
  const places = Array.from({ length: random.upTo(4) }, () => random.next()).sort((one, other) => one - other);
  const pieces = splitAtEntries(readFileSync(log, "latin1"), places);
  return pieces.map((text, index) => {
    const age = pieces.length - 1 - index;
    const path = join(folder, age === 0 ? basename(log) : `${basename(log)}.${age}`);
    writeFileSync(path, text, "latin1");
    return path;
  });
}

/** Splits a log where entries begin, at the given shares of its lines; pieces without a line are left out. */
function splitAtEntries(text: string, places: readonly number[]): string[] {
  const lines = text.split(/(?<=\n)/);
  const pieces: string[] = [];
  let from = 0;
  for (const place of [...places, 1]) {
    let to = Math.floor(place * lines.length);
    while (to < lines.length && !startsEntry(lines[to] ?? "")) to++;
    if (to > from) pieces.push(lines.slice(from, to).join(""));
    from = Math.max(from, to);
  }
  return pieces;
}

function compress(folder: string, log: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${basename(log)}.gz`);
  writeFileSync(path, gzipSync(readFileSync(log)));
  return path;
}

function inChunks(bytes: Buffer, size: number): Readable {
  const count = Math.ceil(bytes.length / size);
  return Readable.from(Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size)));
}

function shuffle<Item>(items: readonly Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, place: random.next() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item);
}

function ordersOf<Item>(items: readonly Item[]): Item[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item) => ordersOf(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}
