import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { PilotError } from "../../src/errors.ts";
import { DECOMPRESSORS } from "../../src/ingest/source/codec.ts";
import type { OpenSource, ReadStoredBytes, SourceOptions } from "../../src/ingest/source/open-source.ts";
import { openSource } from "../../src/ingest/source/source.ts";
import { type Archiver, availableArchivers } from "../support/archivers.ts";
import { temporaryFolder } from "../support/database.ts";

const LINES = Array.from({ length: 5000 }, (_, index) => `2026-03-02 06:16:00 Start queue run: pid=${index} caf\xe9\n`);
const TEXT = LINES.join("");
const BYTES = Buffer.from(TEXT, "latin1");

const ARCHIVERS = availableArchivers();

const PLAIN: readonly (readonly [name: string, open: (bytes: Buffer) => Promise<OpenSource>])[] = [
  ["a file", (bytes) => openSource(write("mainlog", bytes), NO_STDIN)],
  ["standard input", (bytes) => openSource("-", { stdin: chunked(bytes), env: {} })],
];
const WAYS: typeof PLAIN = [
  ...PLAIN,
  ...ARCHIVERS.flatMap(({ codec, compress }): typeof PLAIN => [
    [`a ${codec} file, whatever its name`, (bytes) => openSource(write("mainlog", compress(bytes)), NO_STDIN)],
    [`${codec} standard input`, (bytes) => openSource("-", { stdin: chunked(compress(bytes)), env: {} })],
  ]),
  ...ARCHIVERS.filter(({ codec }) => codec !== "lzma").map(({ codec, compress }): (typeof PLAIN)[number] => [
    `a ${codec} file of several members`,
    (bytes) => openSource(write("mainlog.gz", inMembers(bytes, compress)), NO_STDIN),
  ]),
];

const NO_STDIN: SourceOptions = { stdin: Readable.from([]), env: {} };

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

describe.each(WAYS)("%s", (_, open) => {
  test("shows its beginning, then all of its text, one character a byte", async () => {
    const source = await open(BYTES);
    expect(source.head.equals(BYTES.subarray(0, 65_536))).toBe(true);
    expect((await text(source.read().setEncoding("latin1"))) === TEXT).toBe(true);
    source.close();
  });

  test("that is empty has no beginning and no text", async () => {
    const source = await open(Buffer.alloc(0));
    expect(source.head.length).toBe(0);
    expect(await text(source.read().setEncoding("latin1"))).toBe("");
    source.close();
  });

  test.each([0, 1, 255, 256, 257, 70_000, BYTES.length - 1])("goes on behind %i stored bytes", async (position) => {
    const source = await open(BYTES);
    expect(await source.compare(position, storedOf(TEXT))).toBe("continues");
    expect((await text(source.read().setEncoding("latin1"))) === TEXT.slice(position)).toBe(true);
    source.close();
  });

  test("is known when all of it, or more, is stored", async () => {
    for (const length of [BYTES.length, BYTES.length - 1, 70_000, 300, 1]) {
      const source = await open(BYTES.subarray(0, length));
      expect(await source.compare(BYTES.length, storedOf(TEXT))).toBe("known");
      source.close();
    }
  });

  test("goes on behind bytes of which only the last few are stored still", async () => {
    const source = await open(BYTES);
    expect(await source.compare(70_000, (end, length) => TEXT.slice(Math.max(end - length, 69_990), end))).toBe(
      "continues",
    );
    expect((await text(source.read().setEncoding("latin1"))) === TEXT.slice(70_000)).toBe(true);
    source.close();
  });
});

describe.each(WAYS.filter(([name]) => !name.includes("standard input")))("%s that is not the stored one", (_, open) => {
  test("is told by the bytes before the position, and can be compared again and read whole", async () => {
    const source = await open(BYTES);
    const other = `${TEXT.slice(0, 69_900)}X${TEXT.slice(69_901)}`;
    expect(await source.compare(70_000, storedOf(other))).toBe("different");
    expect(await source.compare(BYTES.length + 500, () => "x")).toBe("different");
    expect(await source.compare(300, storedOf(TEXT))).toBe("continues");
    expect((await text(source.read().setEncoding("latin1"))) === TEXT.slice(300)).toBe(true);
    source.close();
  });

  test("is read from its beginning after that", async () => {
    const source = await open(BYTES);
    expect(await source.compare(70_000, () => "x")).toBe("different");
    expect((await text(source.read().setEncoding("latin1"))) === TEXT).toBe(true);
    source.close();
  });
});

test("standard input that is not the stored log cannot be read again, and says so", async () => {
  const source = await openSource("-", { stdin: chunked(BYTES), env: {} });
  await expect(source.compare(70_000, () => "x")).rejects.toMatchObject({
    code: "unreadable",
    message: expect.stringContaining("begins like a log that is already stored"),
  });
});

test("a file that grows after it was opened is read to its new end", async () => {
  const path = write("mainlog", BYTES);
  const source = await openSource(path, NO_STDIN);
  appendFileSync(path, "more\n");
  expect((await text(source.read().setEncoding("latin1"))).endsWith("\nmore\n")).toBe(true);
  source.close();
});

describe("a source that cannot be opened", () => {
  test.each([
    ["is missing", () => join(folder, "nothing"), "There is no file"],
    ["is a directory", () => folder, "is a directory"],
    ["is below a file", () => join(write("file", Buffer.from("x")), "mainlog"), "cannot be opened (ENOTDIR)"],
    ["has a name that is too long", () => join(folder, "x".repeat(5000)), "cannot be opened (ENAMETOOLONG)"],
  ])("is unreadable: it %s", async (_, path, says) => {
    const error = await openSource(path(), NO_STDIN).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PilotError);
    expect(error).toMatchObject({
      code: "unreadable",
      message: expect.stringContaining(says),
      hint: expect.stringMatching(/\.$/),
    });
  });

  test.each(ARCHIVERS)("is unreadable: it begins like an archive of $codec and is none", async ({ compress }) => {
    const before = openDescriptors();
    const bytes = compress("");
    const path = write("mainlog", Buffer.concat([bytes.subarray(0, 6), Buffer.alloc(3000, 0xa5)]));
    await expect(openSource(path, NO_STDIN)).rejects.toMatchObject({ code: "unreadable" });
    await expect.poll(openDescriptors).toEqual(before);
  });

  test.each(["bzip2", "xz", "zstd", "lzma"] as const)("is unreadable: the program for %s is missing", async (codec) => {
    const magics = { bzip2: "425a68", xz: "fd377a585a00", zstd: "28b52ffd", lzma: "5d00008000" };
    const path = write("mainlog.1", Buffer.concat([Buffer.from(magics[codec], "hex"), Buffer.alloc(100_000)]));
    const options = { stdin: Readable.from([]), env: { PATH: folder } };
    const { program, debianPackage } = DECOMPRESSORS[codec];
    await expect(openSource(path, options)).rejects.toMatchObject({
      code: "unreadable",
      message: `"${path}" is compressed, and the program to read it is not installed.`,
      hint: expect.stringContaining(`${program} of the package ${debianPackage}`),
    });
  });
});

test.each(["before it is opened", "at once after", "a while after"])(
  "a pipe that nobody writes to is given up at an interrupt: %s",
  async (when) => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const controller = new AbortController();
    if (when === "before it is opened") controller.abort();
    const opening = openSource(pipe, { ...NO_STDIN, signal: controller.signal });
    if (when === "a while after") await setImmediate();
    controller.abort();
    await expect(opening).rejects.toMatchObject({ code: "unreadable" });
  },
);

describe.each([
  { name: "a file", pack: (bytes: Buffer) => bytes },
  ...ARCHIVERS.map(({ codec, compress }) => ({ name: `an archive of ${codec}`, pack: compress })),
])("$name that is closed", ({ pack }) => {
  test.each(["unread", "read in part", "compared and different", "read"])(
    "gives back its descriptor, once: %s",
    async (how) => {
      const path = write("mainlog", pack(BYTES));
      const before = openDescriptors();
      const source = await openSource(path, NO_STDIN);
      if (how === "compared and different") await source.compare(70_000, () => "x");
      if (how === "read in part") for await (const chunk of source.read()) if (chunk.length > 0) break;
      if (how === "read") await text(source.read().setEncoding("latin1"));
      source.close();
      // NOTE: the next file opened gets the same number; a second close would close that one.
      const others = Array.from({ length: 4 }, () => openSync(path, "r"));
      await sleep(20);
      for (const other of others) {
        expect(fstatSync(other).isFile()).toBe(true);
        closeSync(other);
      }
      await expect.poll(openDescriptors).toEqual(before);
    },
  );
});

function write(name: string, bytes: Buffer): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function storedOf(stored: string): ReadStoredBytes {
  return (end, length) => stored.slice(Math.max(0, end - length), end);
}

function inMembers(bytes: Buffer, compress: Archiver["compress"]): Buffer {
  const middle = bytes.length >> 1;
  return Buffer.concat([compress(bytes.subarray(0, middle)), compress(bytes.subarray(middle))]);
}

function chunked(bytes: Buffer): Readable {
  const chunks = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, index) =>
    bytes.subarray(index * 1000, (index + 1) * 1000),
  );
  return Readable.from(chunks);
}

/** Numbers of open files, where the system tells them. */
function openDescriptors(): number {
  return existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
}
