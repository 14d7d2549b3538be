/** Are the states that are tried those that a power cut may leave, and all of these? On histories small enough to tell by hand. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/database.ts";
import { Random } from "../support/generate.ts";
import { type Choice, History, type Operation, ROOT, readTree, type State, type Tree } from "./file-system.ts";
import { powerCuts } from "./states.ts";
import { readTrace } from "./trace.ts";

const [OLD, NEW] = [1, 2];
const BEFORE: Tree = {
  files: new Map([[OLD, Buffer.from("old")]]),
  directories: new Map([[ROOT, new Map([["file", OLD]])]]),
};
const CREATE: Operation = { kind: "bind", at: { directory: ROOT, name: "new" }, inode: NEW };
const WRITE: Operation = { kind: "write", inode: NEW, offset: 0, data: Buffer.from("new") };
const RENAME: Operation = { kind: "bind", at: { directory: ROOT, name: "file" }, inode: NEW, from: CREATE.at };
const syncOf = (inode: number, begun: number): Operation => ({ kind: "sync", inode, begun });

/** `file=old new=`: every state that is tried at `end`, by default after all operations. */
function statesOf(operations: readonly Operation[], end = operations.length): readonly string[] {
  const history = new History(BEFORE, operations);
  const found = new Set<string>();
  let tries = 0;
  for (const cut of powerCuts(history, new Random(1))) {
    if (cut.end === end) found.add(toText(history.stateAt(cut.end, cut.choice)));
    if (tries++ > 2000) break;
  }
  return [...found].sort();
}

function toText(state: State): string {
  const names = [...state.keys()].sort();
  return names.map((name) => `${name}=${state.get(name)?.toString().replaceAll("\0", "0")}`).join(" ");
}

describe("a file that takes the place of another", () => {
  test("without a sync may be lost, empty, of zeros, or there", () => {
    expect(statesOf([CREATE, WRITE, RENAME])).toEqual([
      "file=",
      "file=000",
      "file=new",
      "file=old",
      "file=old new=",
      "file=old new=000",
      "file=old new=new",
    ]);
  });

  test("with its content synced is there whole, or not at all", () => {
    expect(statesOf([CREATE, WRITE, syncOf(NEW, 2), RENAME])).toEqual(["file=new", "file=old", "file=old new=new"]);
  });

  test("is there for sure when the directory is synced too", () => {
    expect(statesOf([CREATE, WRITE, syncOf(NEW, 2), RENAME, syncOf(ROOT, 4)])).toEqual(["file=new"]);
  });

  test("is not saved by a sync that began before it was written", () => {
    expect(statesOf([CREATE, WRITE, syncOf(NEW, 1), RENAME, syncOf(ROOT, 4)])).toEqual([
      "file=",
      "file=000",
      "file=new",
    ]);
  });

  test("is as if nothing had been synced when its syncs are taken away", () => {
    const synced = new History(BEFORE, [CREATE, WRITE, syncOf(NEW, 2), RENAME, syncOf(ROOT, 4)]);
    expect(synced.pendingAt(5)).toEqual([]);
    expect(synced.withoutSyncs().pendingAt(5)).toEqual([0, 1, 3]);
  });
});

test("names of two files are lost each for itself, those of one in order", () => {
  const [a, b] = [
    { directory: ROOT, name: "file" },
    { directory: ROOT, name: "b" },
  ];
  const unlink: Operation = { kind: "unbind", at: a };
  const other: Operation = { kind: "bind", at: b, inode: NEW };
  expect(statesOf([unlink, other])).toEqual(["", "b=", "b= file=old", "file=old"]);
  expect(statesOf([other, { kind: "unbind", at: b }])).toEqual(["file=old", "b= file=old"].sort());
});

test("a write is torn at whole sectors, and later bytes of a sector bring the earlier ones", () => {
  const write = (offset: number, length: number, text: string): Operation => ({
    kind: "write",
    inode: OLD,
    offset,
    data: Buffer.alloc(length, text),
  });
  const history = new History(BEFORE, [write(0, 1024, "a"), write(0, 256, "b")]);
  const torn: Choice = {
    keeps: (number) => number === 0,
    keepsSector: (_, sector) => sector === 1,
    sectorSize: 512,
    size: "with data",
  };
  expect(history.stateAt(2, torn).get("file")).toEqual(
    Buffer.concat([Buffer.from("old"), Buffer.alloc(509), Buffer.alloc(512, "a")]),
  );
  const second: Choice = { keeps: (number) => number === 1, sectorSize: 512, size: "with data" };
  expect(history.stateAt(2, second).get("file")?.subarray(0, 512)).toEqual(
    Buffer.concat([Buffer.alloc(256, "b"), Buffer.alloc(256, "a")]),
  );
});

describe("a trace", () => {
  test("of threads is read in the order in which calls ended; a sync covers what had ended when it began", async () => {
    const { operations } = await read([
      '10 openat(AT_FDCWD<HOME>, "IN/new", O_RDWR|O_CREAT, 0600) = 20<IN/new>',
      "10 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, exit_signal=0}, 88) = 11",
      '10 pwrite64(20<IN/new>, "ab", 2, 0) = 2',
      "11 fsync(20<IN/new> <unfinished ...>",
      '10 pwrite64(20<IN/new>, "c", 1, 2) = 1',
      "11 <... fsync resumed>) = 0",
      '10 read(0<pipe>, "in", 65536) = 2',
      '10 write(1<pipe>, "done", 4) = 4',
      '10 rename("IN/new", "IN/file") = 0',
      '10 unlink("IN/none") = -1 ENOENT (No such file or directory)',
    ]);
    const inode = operations[0]?.kind === "bind" ? operations[0].inode : undefined;
    expect(operations).toEqual([
      { kind: "bind", at: { directory: ROOT, name: "new" }, inode },
      { kind: "write", inode, offset: 0, data: Buffer.from("ab") },
      { kind: "write", inode, offset: 2, data: Buffer.from("c") },
      { kind: "sync", inode, begun: 2 },
      { kind: "input", bytes: 2, atMs: 1774000000000.001 },
      { kind: "output", bytes: 4 },
      { kind: "bind", at: { directory: ROOT, name: "file" }, inode, from: { directory: ROOT, name: "new" } },
    ]);
  });

  test("with a call that is not followed is refused, as is a descriptor that came from nowhere", async () => {
    const open = '10 openat(AT_FDCWD<HOME>, "IN/file", O_RDWR) = 20<IN/file>';
    await expect(read([open, "10 fallocate(20<IN/file>, 0, 0, 4096) = 0"])).rejects.toThrow(
      "is not followed: fallocate",
    );
    await expect(read(['10 write(21<IN/file>, "x", 1) = 1'])).rejects.toThrow("descriptor is not known");
    await expect(read(["10 fallocate(22<HOME/file>, 0, 0, 4096) = 0"])).resolves.toMatchObject({ operations: [] });
  });
});

/** Strings and paths stand in the lines as text, `IN` for the folder. */
async function read(lines: readonly string[]): Promise<{ readonly operations: readonly Operation[] }> {
  const home = temporaryFolder();
  const folder = join(home, "in");
  mkdirSync(folder);
  writeFileSync(join(folder, "file"), "old");
  const hex = (text: string): string =>
    [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  const encoded = lines.map((line) =>
    line
      .replace(" ", " 1774000000.000001 ")
      .replaceAll("IN", folder)
      .replaceAll("HOME", home)
      .replaceAll(/<(\/[^>]*)>|"([^"]*)"/g, (_, path?: string, text?: string) =>
        path === undefined ? `"${hex(text ?? "")}"` : `<${hex(path)}>`,
      ),
  );
  const trace = join(home, "trace");
  writeFileSync(trace, `${encoded.join("\n")}\n`);
  return { operations: await readTrace(trace, folder, readTree(folder, "-shm"), "-shm") };
}

test("a file that was cut off and has grown again has zeros where nothing was written anew", () => {
  const at = (offset: number, text: string): Operation => ({
    kind: "write",
    inode: OLD,
    offset,
    data: Buffer.from(text),
  });
  const states = statesOf([at(1024, "long"), { kind: "truncate", inode: OLD, size: 0 }, at(2048, "end")]);
  const tails = states.filter((state) => state.length === "file=".length + 2051).map((state) => state.slice(-1027));
  expect(new Set(tails.map((tail) => tail.replaceAll("0", "")))).toEqual(new Set(["", "end", "long", "longend"]));
});
