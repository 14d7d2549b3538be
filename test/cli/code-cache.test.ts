/** The compiled code that is kept: where nobody else can write, and never needed. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { codeCacheDirectory } from "../../src/cli/code-cache.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/exim-pilot.js", import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const USER = process.geteuid?.() ?? -1;

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

function newHome(): string {
  return mkdtempSync(join(FOLDER, "home-"));
}

/** A home with a directory for compiled code. */
function usedHome(): { readonly home: string; readonly directory: string } {
  const home = newHome();
  const directory = join(home, ".cache", "exim-pilot");
  expect(codeCacheDirectory({ HOME: home }, USER)).toBe(directory);
  return { home, directory };
}

describe("compiled code is kept", () => {
  test("in the user's cache directory, which is made for the user alone", () => {
    const { home, directory } = usedHome();
    for (const path of [join(home, ".cache"), directory]) expect(statSync(path).mode & 0o777).toBe(0o700);
    const cache = join(home, "elsewhere");
    expect(codeCacheDirectory({ HOME: home, XDG_CACHE_HOME: cache }, USER)).toBe(join(cache, "exim-pilot"));
    expect(codeCacheDirectory({ HOME: home, XDG_CACHE_HOME: "relative" }, USER)).toBe(directory);
  });

  test("where a link leads", () => {
    const { home, directory } = usedHome();
    const link = join(FOLDER, "link");
    symlinkSync(home, link);
    expect(codeCacheDirectory({ HOME: link }, USER)).toBe(directory);
  });
});

describe("compiled code is not kept", () => {
  test.each<[string, Readonly<Record<string, string>>, number | undefined]>([
    ["without a home", {}, USER],
    ["with an empty home", { HOME: "", XDG_CACHE_HOME: "" }, USER],
    ["in a home that is not there", { HOME: join(FOLDER, "nowhere") }, USER],
    ["in a home that is no directory", { HOME: PROGRAM }, USER],
    ["where users have no numbers", { HOME: newHome() }, undefined],
  ])("%s", (_what, env, user) => {
    expect(codeCacheDirectory(env, user)).toBeUndefined();
  });

  test.each([
    ["the directory", (home: string) => join(home, ".cache", "exim-pilot")],
    ["the one it lies in", (home: string) => join(home, ".cache")],
    ["the home", (home: string) => home],
  ])("when others can write to %s", (_what, pathIn) => {
    const { home } = usedHome();
    for (const mode of [0o720, 0o702, 0o777]) {
      chmodSync(pathIn(home), mode);
      expect(codeCacheDirectory({ HOME: home }, USER), mode.toString(8)).toBeUndefined();
    }
  });

  test("in a directory of another user", () => {
    const { home } = usedHome();
    expect(codeCacheDirectory({ HOME: home }, USER + 1)).toBeUndefined();
    // The administrator's parents are trusted, and then the directory itself must be one's own.
    expect(codeCacheDirectory({ HOME: home }, 0)).toBe(USER === 0 ? join(home, ".cache", "exim-pilot") : undefined);
  });

  test.each([
    ["a link", (path: string, home: string) => symlinkSync(mkdtempSync(join(home, "other-")), path)],
    ["a file", (path: string) => writeFileSync(path, "")],
  ])("when %s stands in the place of the directory", (_what, put) => {
    const { home, directory } = usedHome();
    rmSync(directory, { recursive: true });
    put(directory, home);
    expect(codeCacheDirectory({ HOME: home }, USER)).toBeUndefined();
  });
});

describe("the program", () => {
  const help = (env: Readonly<Record<string, string>>) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, "help", "statuses"], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], ...env },
    });
    return { status, stdout, stderr };
  };
  const expected = help({});

  test("says the same with and without compiled code", () => {
    expect(expected).toMatchObject({ status: 0, stderr: "" });
    expect(expected.stdout).toContain("delivered");
    const home = newHome();
    expect(help({ HOME: home })).toEqual(expected);
    const files = filesIn(join(home, ".cache", "exim-pilot"));
    expect(files).not.toEqual([]);
    const before = files.map((path) => statSync(path).mtimeMs);
    expect(help({ HOME: home })).toEqual(expected);
    // No file was compiled again.
    expect(files.map((path) => statSync(path).mtimeMs)).toEqual(before);
  });

  test.each<[string, (path: string) => void]>([
    ["is empty", (path) => truncateSync(path, 0)],
    ["is cut off", (path) => truncateSync(path, Math.floor(statSync(path).size / 2))],
    ["is garbage", (path) => writeFileSync(path, Buffer.alloc(statSync(path).size, "garbage"))],
    ["has other bits behind its beginning", flipBits],
    ["is a directory", replaceByDirectory],
  ])("does not mind compiled code that %s", (_what, damage) => {
    const home = newHome();
    expect(help({ HOME: home })).toEqual(expected);
    const files = filesIn(join(home, ".cache", "exim-pilot"));
    for (const path of files) damage(path);
    expect(help({ HOME: home })).toEqual(expected);
    expect(help({ HOME: home })).toEqual(expected);
  });

  test("does not mind a home in which it can make nothing", () => {
    const home = newHome();
    writeFileSync(join(home, ".cache"), "");
    expect(help({ HOME: home })).toEqual(expected);
    expect(help({ HOME: "/proc" })).toEqual(expected);
    expect(existsSync(join(home, ".cache", "exim-pilot"))).toBe(false);
  });
});

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function flipBits(path: string): void {
  const bytes = readFileSync(path);
  for (let at = 64; at < bytes.length; at += 97) bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  writeFileSync(path, bytes);
}

function replaceByDirectory(path: string): void {
  rmSync(path);
  mkdirSync(path);
}
