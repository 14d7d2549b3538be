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
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import { PilotError } from "../../src/errors.ts";
import { type OpenSource, openSource, type StoredText } from "../../src/ingest/source.ts";
import { temporaryFolder } from "../support/database.ts";

const LINES = Array.from({ length: 5000 }, (_, index) => `2026-03-02 06:16:00 Start queue run: pid=${index} caf\xe9\n`);
const TEXT = LINES.join("");
const BYTES = Buffer.from(TEXT, "latin1");

const WAYS: readonly (readonly [name: string, open: (bytes: Buffer) => Promise<OpenSource>])[] = [
  ["a file", (bytes) => openSource(write("mainlog", bytes), noStdin())],
  ["a compressed file, whatever its name", (bytes) => openSource(write("mainlog", gzipSync(bytes)), noStdin())],
  ["a compressed file of several members", (bytes) => openSource(write("mainlog.gz", inMembers(bytes)), noStdin())],
  ["standard input", (bytes) => openSource("-", chunked(bytes))],
  ["compressed standard input", (bytes) => openSource("-", chunked(gzipSync(bytes)))],
];

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

describe.each(WAYS)("%s", (_, open) => {
  test("shows its beginning, then all of its text, one character a byte", async () => {
    const source = await open(BYTES);
    expect(source.head.equals(BYTES.subarray(0, 65_536))).toBe(true);
    expect((await text(source.read())) === TEXT).toBe(true);
    source.close();
  });

  test("that is empty has no beginning and no text", async () => {
    const source = await open(Buffer.alloc(0));
    expect(source.head.length).toBe(0);
    expect(await text(source.read())).toBe("");
    source.close();
  });

  test.each([0, 1, 255, 256, 257, 70_000, BYTES.length - 1])("goes on behind %i stored bytes", async (position) => {
    const source = await open(BYTES);
    expect(await source.compare(position, storedOf(TEXT))).toBe("continues");
    expect((await text(source.read())) === TEXT.slice(position)).toBe(true);
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
    expect((await text(source.read())) === TEXT.slice(70_000)).toBe(true);
    source.close();
  });
});

describe.each(WAYS.slice(0, 3))("%s that is not the stored one", (_, open) => {
  test("is told by the bytes before the position, and can be compared again and read whole", async () => {
    const source = await open(BYTES);
    const other = `${TEXT.slice(0, 69_900)}X${TEXT.slice(69_901)}`;
    expect(await source.compare(70_000, storedOf(other))).toBe("different");
    expect(await source.compare(BYTES.length + 500, () => "x")).toBe("different");
    expect(await source.compare(300, storedOf(TEXT))).toBe("continues");
    expect((await text(source.read())) === TEXT.slice(300)).toBe(true);
    source.close();
  });

  test("is read from its beginning after that", async () => {
    const source = await open(BYTES);
    expect(await source.compare(70_000, () => "x")).toBe("different");
    expect((await text(source.read())) === TEXT).toBe(true);
    source.close();
  });
});

test("standard input that is not the stored log cannot be read again, and says so", async () => {
  const source = await openSource("-", chunked(BYTES));
  await expect(source.compare(70_000, () => "x")).rejects.toMatchObject({
    code: "unreadable",
    message: expect.stringContaining("begins like a log that is stored already"),
  });
});

test("a file that grows after it was opened is read to its new end", async () => {
  const path = write("mainlog", BYTES);
  const source = await openSource(path, noStdin());
  appendFileSync(path, "more\n");
  expect((await text(source.read())).endsWith("\nmore\n")).toBe(true);
  source.close();
});

describe("a source that cannot be opened", () => {
  test.each([
    ["is missing", () => join(folder, "nothing"), "There is no file"],
    ["is a directory", () => folder, "is a directory"],
    ["is below a file", () => join(write("file", Buffer.from("x")), "mainlog"), "cannot be opened (ENOTDIR)"],
    ["has a name that is too long", () => join(folder, "x".repeat(5000)), "cannot be opened (ENAMETOOLONG)"],
  ])("is unreadable: it %s", async (_, path, says) => {
    const error = await openSource(path(), noStdin()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PilotError);
    expect(error).toMatchObject({
      code: "unreadable",
      message: expect.stringContaining(says),
      hint: expect.stringMatching(/\.$/),
    });
  });

  test("is unreadable: it begins like an archive and is none", async () => {
    const path = write("mainlog.gz", Buffer.from([0x1f, 0x8b, 0xff, 1, 2, 3, 4]));
    await expect(openSource(path, noStdin())).rejects.toMatchObject({ code: "unreadable" });
  });
});

describe.each([
  ["a file", (bytes: Buffer) => bytes],
  ["an archive", (bytes: Buffer) => gzipSync(bytes)],
])("%s that is closed", (_, pack) => {
  test.each(["unread", "read in part", "compared and different", "read"])(
    "gives back its descriptor, once: %s",
    async (how) => {
      const path = write("mainlog", pack(BYTES));
      const before = openDescriptors();
      const source = await openSource(path, noStdin());
      if (how === "compared and different") await source.compare(70_000, () => "x");
      if (how === "read in part") for await (const chunk of source.read()) if (chunk.length > 0) break;
      if (how === "read") await text(source.read());
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

function storedOf(stored: string): StoredText {
  return (end, length) => stored.slice(Math.max(0, end - length), end);
}

function inMembers(bytes: Buffer): Buffer {
  const middle = bytes.length >> 1;
  return Buffer.concat([gzipSync(bytes.subarray(0, middle)), gzipSync(bytes.subarray(middle))]);
}

function chunked(bytes: Buffer): Readable {
  const chunks = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, index) =>
    bytes.subarray(index * 1000, (index + 1) * 1000),
  );
  return Readable.from(chunks);
}

function noStdin(): Readable {
  return Readable.from([]);
}

/** Numbers of open files, where the system tells them. */
function openDescriptors(): number {
  return existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
}
