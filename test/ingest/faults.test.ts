/** Files that fail, or change, while they are read: what was in the log is stored once, what took its place never joins it. */
import { appendFileSync, copyFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { availableArchivers } from "../support/archivers.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { generateLog } from "../support/generate.ts";
import { differences, dumpViews, readSources } from "../support/views.ts";

/** What happens to readings: set by a test, called with the number of the reading, from 1. */
const faults = vi.hoisted(() => ({
  before: (_reading: number): void => {},
  /** The most bytes that a reading gives. */
  most: Number.POSITIVE_INFINITY,
  readings: 0,
}));

vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<typeof import("node:fs")>();
  type Done = (error: NodeJS.ErrnoException | null, count: number, bytes: Buffer) => void;
  const read = (
    descriptor: number,
    bytes: Buffer,
    offset: number,
    length: number,
    position: number,
    done: Done,
  ): void => {
    try {
      faults.before(++faults.readings);
    } catch (error) {
      done(error as NodeJS.ErrnoException, 0, bytes);
      return;
    }
    fs.read(descriptor, bytes, offset, Math.min(length, faults.most), position, done);
  };
  const readSync = (descriptor: number, bytes: Buffer, offset: number, length: number, position: number): number => {
    faults.before(++faults.readings);
    return fs.readSync(descriptor, bytes, offset, Math.min(length, faults.most), position);
  };
  return { ...fs, read, readSync, default: { ...fs, read, readSync } };
});

const TEXT = toLatin1(generateLog("main", { messages: 250, seed: 3 }));
const OTHER = toLatin1(generateLog("main", { messages: 250, seed: 4, startMs: Date.UTC(2026, 2, 9) }));

/** One that is inflated here, one that a program decompresses. */
const ARCHIVERS = availableArchivers().filter(({ codec }) => codec === "gzip" || codec === "xz");

let folder: string;
let path: string;
let database: string;

beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder, "mainlog");
  database = join(folder, "pilot.db");
  write(path, TEXT);
  healthy();
});

test("the logs are long enough for several readings", () => {
  expect(TEXT.length).toBeGreaterThan(120_000);
  expect(TEXT.slice(0, 300)).not.toBe(OTHER.slice(0, 300));
});

test("readings that give less than was asked for give the whole log", async () => {
  faults.most = 1000;
  const { logs } = await ingestInto(database, [path]);
  expect(faults.readings).toBeGreaterThan(TEXT.length / 1000);
  expect(logs).toMatchObject([{ result: "read" }]);
  expectSources(TEXT);
});

describe.each([
  { what: "a file", pack: (bytes: Buffer) => bytes },
  ...ARCHIVERS.map(({ codec, compress }) => ({ what: `an archive of ${codec}`, pack: compress })),
])("a disk that fails in the middle of $what", ({ pack }) => {
  test("is told; what came before is stored, and the next run has the rest", async () => {
    writeFileSync(path, pack(Buffer.from(TEXT, "latin1")));
    await ingestInto(join(folder, "whole.db"), [path]);
    const { readings } = faults;
    for (let reading = 1; reading <= readings; reading++) {
      database = join(folder, `${reading}.db`);
      healthy();
      faults.before = (number) => {
        if (number === reading) throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
      };
      const { logs } = await ingestInto(database, [path]);
      expect(logs).toMatchObject([
        {
          result: "failed",
          error: { code: "unreadable", message: `Reading "${path}" failed: EIO: i/o error, read.` },
        },
      ]);
      for (const { bytes } of readSources(database)) expect(TEXT.startsWith(bytes.toString("latin1"))).toBe(true);
      healthy();
      await ingestInto(database, [path]);
      expectSources(TEXT);
    }
    expect(differences(dumpViews(database), dumpViews(join(folder, "whole.db")))).toEqual([]);
  });
});

describe("a file that, between two readings,", () => {
  test.each([
    ["is cut off", () => truncateSync(path, 0)],
    ["shrinks", () => truncateSync(path, 70_000)],
    ["is cut off and begun anew", () => write(path, OTHER.slice(0, 5000))],
    ["is written anew and as long as before", () => write(path, OTHER)],
    ["is written anew and longer than before", () => write(path, OTHER + OTHER)],
    ["is written with zeros by a program that does not append", () => write(path, `${"\0".repeat(TEXT.length)}x`)],
  ])("%s: what came before is stored, and nothing of what took its place joins it", async (_, change) => {
    await ingestInto(join(folder, "count.db"), [path]);
    const { readings } = faults;
    expect(readings).toBeGreaterThan(2);
    for (let reading = 2; reading <= readings; reading++) {
      database = join(folder, `${reading}.db`);
      write(path, TEXT);
      const copy = `${path}.1`;
      write(copy, TEXT);
      healthy();
      faults.before = (number) => {
        if (number === reading) change();
      };
      const { logs } = await ingestInto(database, [path]);
      expect(logs.map(({ error }) => error)).toEqual([undefined]);
      for (const { bytes } of readSources(database)) expect(TEXT.startsWith(bytes.toString("latin1"))).toBe(true);
      // What rotation copied has it all, and what took its place is a log of its own.
      healthy();
      await ingestInto(database, [copy, path]);
      const now = readFileSync(path, "latin1");
      if (now.startsWith("\0") || TEXT.startsWith(now)) expectSources(TEXT);
      else expectSources(TEXT, now);
    }
  });

  test("is renamed and replaced: it is read to its end, and its successor at once after it", async () => {
    faults.before = (number) => {
      if (number !== 2) return;
      renameSync(path, `${path}.1`);
      write(path, OTHER);
    };
    await ingestInto(database, [path, path]);
    expectSources(TEXT, OTHER);
    expect((await ingestInto(database, [path, `${path}.1`])).totals.lines).toBe(0);
  });

  test("grows: it is read to its new end", async () => {
    const [more, most] = [OTHER.slice(0, 70_000), OTHER.slice(70_000)];
    faults.before = (number) => {
      if (number === 2) appendFileSync(path, more, "latin1");
    };
    await ingestInto(database, [path]);
    expectSources(TEXT + more);
    appendFileSync(path, most, "latin1");
    await ingestInto(database, [path]);
    expectSources(TEXT + OTHER);
  });

  test("is changed behind what was read: that is stored as it is when it is read", async () => {
    const changed = TEXT.slice(0, 100_000) + TEXT.slice(100_000).replaceAll("Completed", "completeD");
    faults.before = (number) => {
      if (number === 2) write(path, changed);
    };
    await ingestInto(database, [path]);
    expectSources(changed);
  });
});

test("the same content under two names in one run is stored once, whichever grows meanwhile", async () => {
  const copy = join(folder, "copy");
  copyFileSync(path, copy);
  faults.before = (number) => {
    if (number === 3) appendFileSync(copy, OTHER, "latin1");
  };
  const { logs } = await ingestInto(database, [path, copy, path]);
  expect(logs.map(({ result }) => result)).toEqual(["read", "read", "unchanged"]);
  expectSources(TEXT + OTHER);
});

/** One character a byte, as logs are read. */
function toLatin1(lines: Iterable<string>): string {
  return Buffer.from([...lines].join("")).toString("latin1");
}

function write(to: string, text: string): void {
  writeFileSync(to, text, "latin1");
}

function healthy(): void {
  faults.before = () => {};
  faults.most = Number.POSITIVE_INFINITY;
  faults.readings = 0;
}

/** Expects that these logs are stored, in this order, and no others. */
function expectSources(...logs: string[]): void {
  const stored = readSources(database).map(({ bytes }) => bytes.toString("latin1"));
  expect(stored.map(({ length }) => length)).toEqual(logs.map(({ length }) => length));
  expect(stored.every((text, index) => text === logs[index])).toBe(true);
}
