import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PilotError } from "../../src/errors.ts";
import { createPrivateFile, writePrivateFile } from "../../src/store/files/private-file.ts";
import { temporaryFolder } from "../support/database.ts";

const RIGHTS = 0o777;

/** Error code of `action`; undefined if it succeeds. */
function codeOf(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (!(error instanceof PilotError)) throw error;
    return error.code;
  }
}

describe("a file that takes the place of what is there", () => {
  const replaces = { replaces: true };

  test.each([0o600, 0o644, 0o666, 0o777])("is for its owner only, whatever the rights of the old one: %s", (mode) => {
    const path = join(temporaryFolder(), "page.html");
    writeFileSync(path, "old", { mode });
    writePrivateFile(path, "new", replaces);
    expect([readFileSync(path, "utf8"), statSync(path).mode & RIGHTS]).toEqual(["new", 0o600]);
  });

  test.each(["target", "nowhere"])("replaces a link and leaves what it leads to: %s", (name) => {
    const folder = temporaryFolder();
    const [path, target] = [join(folder, "page.html"), join(folder, name)];
    if (name === "target") writeFileSync(target, "precious", { mode: 0o644 });
    symlinkSync(target, path);
    writePrivateFile(path, "new", replaces);
    expect([readFileSync(path, "utf8"), lstatSync(path).isFile(), statSync(path).mode & RIGHTS]).toEqual([
      "new",
      true,
      0o600,
    ]);
    expect(existsSync(target) ? readFileSync(target, "utf8") : "none").toBe(name === "target" ? "precious" : "none");
  });

  test("leaves the other names of the old one, and files that are not its own", () => {
    const folder = temporaryFolder();
    const path = join(folder, "page.html");
    writeFileSync(path, "old");
    linkSync(path, join(folder, "second"));
    for (const name of ["page.html.new", ".page.html.new", "page.html.part"]) writeFileSync(join(folder, name), "mine");
    writePrivateFile(path, "new", replaces);
    expect(readFileSync(join(folder, "second"), "utf8")).toBe("old");
    for (const name of ["page.html.new", ".page.html.new", "page.html.part"])
      expect(readFileSync(join(folder, name), "utf8")).toBe("mine");
    expect(readdirSync(folder)).toHaveLength(5);
  });

  test("can have the longest name there may be", () => {
    const path = join(temporaryFolder(), "n".repeat(255));
    writePrivateFile(path, "new", replaces);
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(codeOf(() => writePrivateFile(`${path}n`, "new", replaces))).toBe("io");
  });

  test("is not there, and the old one is, until it is whole; nothing else is left", () => {
    const folder = temporaryFolder();
    const path = join(folder, "page.html");
    writeFileSync(path, "old");
    const file = createPrivateFile(path, replaces);
    file.write(Buffer.from("half"));
    expect(readFileSync(path, "utf8")).toBe("old");
    const [temporary = ""] = readdirSync(folder).filter((name) => name !== "page.html");
    expect(statSync(join(folder, temporary)).mode & RIGHTS).toBe(0o600);
    file.discard();
    file.discard();
    expect(readdirSync(folder)).toEqual(["page.html"]);
    expect(readFileSync(path, "utf8")).toBe("old");
  });

  test("has another unfinished name each time", () => {
    const folder = temporaryFolder();
    const files = [1, 2, 3].map(() => createPrivateFile(join(folder, "page.html"), replaces));
    expect(new Set(readdirSync(folder)).size).toBe(3);
    for (const file of files) file.discard();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("never replaces a directory, a device or a socket, and no link to one", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "directory"));
    symlinkSync("/dev/null", join(folder, "link"));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, "socket"), resolve));
    for (const name of ["directory", "link", "socket"])
      expect(
        codeOf(() => writePrivateFile(join(folder, name), "new", replaces)),
        name,
      ).toBe("usage");
    for (const name of ["/dev/null", "", " "])
      expect(
        codeOf(() => writePrivateFile(name, "new", replaces)),
        name,
      ).toBe("usage");
    expect(readlinkSync(join(folder, "link"))).toBe("/dev/null");
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("a file that replaces nothing", () => {
  const replaces = { replaces: false };

  test("is refused at once where there is something, a link to nothing too", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "file"), "mine");
    symlinkSync("nowhere", join(folder, "link"));
    for (const name of ["file", "link"])
      expect(
        codeOf(() => void createPrivateFile(join(folder, name), replaces)),
        name,
      ).toBe("exists");
    expect(readdirSync(folder).sort()).toEqual(["file", "link"]);
  });

  test("does not take the place of what has come meanwhile", () => {
    const folder = temporaryFolder();
    const path = join(folder, "log");
    const file = createPrivateFile(path, replaces);
    file.write(Buffer.from("new"));
    writeFileSync(path, "faster");
    expect(codeOf(() => file.finish())).toBe("exists");
    file.discard();
    expect(readFileSync(path, "utf8")).toBe("faster");
    expect(readdirSync(folder)).toEqual(["log"]);
  });

  test("is whole, with one name, for its owner only", () => {
    const folder = temporaryFolder();
    const path = join(folder, "log");
    const file = createPrivateFile(path, replaces);
    for (const piece of ["a", "b", ""]) file.write(Buffer.from(piece));
    file.finish();
    file.discard();
    const { mode, nlink } = statSync(path);
    expect([readFileSync(path, "utf8"), mode & RIGHTS, nlink, readdirSync(folder)]).toEqual(["ab", 0o600, 1, ["log"]]);
  });
});

test.each([
  ["a directory that is not there", (folder: string) => join(folder, "none", "file"), "ENOENT"],
  ["a file for a directory", (folder: string) => join(folder, "file", "x"), "ENOTDIR"],
  ["links that lead in a circle", (folder: string) => join(folder, "circle", "x"), "ELOOP"],
])("a place where it cannot be made is told with the system's words: %s", (_what, place, code) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), "");
  symlinkSync("circle", join(folder, "circle"));
  for (const replaces of [true, false]) {
    const path = place(folder);
    expect(() => writePrivateFile(path, "x", { replaces })).toThrow(
      expect.objectContaining({ code: "io", message: expect.stringMatching(`"${path}" cannot be written: .*${code}`) }),
    );
  }
});
