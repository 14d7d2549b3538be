/** The process, the clock and the environment are asked in the command line only; what parses, folds or renders asks nothing. Each rule is tried on small made-up modules too: a check that cannot fail protects nothing. */
import { describe, expect, test } from "vitest";
import {
  graph,
  isNode,
  LEAVES,
  modulesIn,
  NODE_MODULES,
  type Node,
  nameOf,
  outside,
  type Place,
  readModules,
  renameFolder,
} from "./modules.ts";

describe("the program", () => {
  const source = readModules("src");

  test("asks the process, the clock and the environment in the command line only", () => {
    expect(checkWorld(source)).toEqual([]);
    expect(checkWorld(renameFolder(source, "cli", "elsewhere")).length).toBeGreaterThan(5);
  });

  test("reads no file and opens no connection while it parses, folds or renders", () => {
    expect(checkPurity(source)).toEqual([]);
  });
});

describe("the check of the world outside", () => {
  const world = (text: string, path = "src/ingest/ingest.ts"): string[] => checkWorld(graph({ [path]: text }));

  test.each([
    ["export const x = process.platform;", "process"],
    ["export const x = globalThis.process;", "globalThis"],
    ["export const x = Date.now();", "Date.now"],
    ["export const { now } = Date;", "Date"],
    ["export const x = new Date();", "new Date()"],
    ["export const x = Date();", "Date()"],
    ["export const x = performance.now();", "performance"],
    ["export const x = console.log;", "console"],
    ["export const x = import.meta.env;", "import.meta.env"],
    ['import { hostname } from "node:os";', "node:os"],
    ['import process from "node:process";', "node:process"],
    ['import { performance } from "node:perf_hooks";', "node:perf_hooks"],
  ])("finds %s", (text, what) => {
    expect(world(text)).toContain(`src/ingest/ingest.ts: ${what} is for src/cli`);
    expect(world(text, "src/cli/io.ts")).toEqual([]);
  });

  test.each([
    "export const x = new Date(0).toISOString();",
    "export const x = Date.UTC(2026, 1, 1);",
    "export const x = (date: Date) => date;",
    "export const x = (report) => report.process + report.performance.now();",
    "export const x = { process: 1, env: 2 };",
    "export interface Report { readonly performance: number; process(): void }",
    "export class Report { process() {} performance = 1; }",
  ])("leaves %s alone", (text) => {
    expect(world(text)).toEqual([]);
  });
});

test("the check of purity finds modules of Node", () => {
  expect(checkPurity(graph({ "src/parse/prefix.ts": 'import { readFileSync } from "node:fs";' }))).toEqual([
    "src/parse/prefix.ts: is pure and imports node:fs",
  ]);
  expect(checkPurity(graph({ "src/units.ts": 'import { x } from "fs";' }))).toEqual([
    "src/units.ts: is pure and imports fs",
  ]);
  expect(checkPurity(graph({ "src/units.ts": 'import { isUtf8 } from "node:buffer";' }))).toEqual([]);
  expect(checkPurity(graph({ "src/ingest/source/source.ts": 'import { readFileSync } from "node:fs";' }))).toEqual([]);
});

const WORLD = new Set(["process", "performance", "console", "globalThis", "global"]);

const WORLD_MODULES = new Set(["process", "os", "perf_hooks", "child_process", "tty", "readline", "worker_threads"]);

/** The one place each of them is used besides; what it needs of the environment is given to it. */
const WORLD_OWNERS: Readonly<Record<string, string>> = { "src/ingest/source/run-decompressor.ts": "child_process" };

function checkWorld(files: ReadonlyMap<string, string>): string[] {
  return outside("src/cli/", files).flatMap(({ path, nodes, imports }) => {
    const modules = imports
      .map(({ specifier }) => specifier)
      .filter(
        (name) => WORLD_MODULES.has(name.replace("node:", "")) && WORLD_OWNERS[path] !== name.replace("node:", ""),
      );
    const found = nodes.flatMap((place) => worldOf(place) ?? []);
    return [...modules, ...found].map((what) => `${path}: ${what} is for src/cli`);
  });
}

/** The part of the outside world that a node uses. */
function worldOf({ node, parent, key }: Place): string | undefined {
  if (node.type === "MemberExpression" && nameOf(node["property"]) === "env" && isMeta(node["object"]))
    return "import.meta.env";
  const name = nameOf(node);
  if (name === undefined || isOnlyAName(parent, key)) return undefined;
  if (WORLD.has(name)) return name;
  return name === "Date" ? clockOf(parent, key) : undefined;
}

function clockOf(parent: Node | undefined, key: string): string | undefined {
  if (parent?.type === "NewExpression" && key === "callee") {
    return (parent["arguments"] as unknown[]).length === 0 ? "new Date()" : undefined;
  }
  if (parent?.type === "CallExpression" && key === "callee") return "Date()";
  if (parent?.type === "MemberExpression") return nameOf(parent["property"]) === "now" ? "Date.now" : undefined;
  return parent?.type.startsWith("TS") === true || parent?.type === "BinaryExpression" ? undefined : "Date";
}

function isMeta(value: unknown): boolean {
  return isNode(value) && value.type === "MetaProperty";
}

/** The name of a property or a member says nothing of the thing so called. */
function isOnlyAName(parent: Node | undefined, key: string): boolean {
  if (parent === undefined) return false;
  if (parent.type === "MemberExpression") return key === "property" && parent["computed"] !== true;
  if (parent.type === "Property") return key === "key" && parent["computed"] !== true && parent["shorthand"] !== true;
  return key === "key" || key === "imported" || key === "exported";
}

const PURE = ["src/parse/", "src/message/", "src/spool/", "src/render/", ...LEAVES];

/** It knows bytes, and nothing of the world. */
const PURE_MODULE = "node:buffer";

function checkPurity(files: ReadonlyMap<string, string>): string[] {
  return modulesIn(files)
    .filter(({ path }) => PURE.some((place) => path.startsWith(place)))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier, isType }) => !isType && specifier !== PURE_MODULE)
        .filter(({ specifier }) => specifier.startsWith("node:") || NODE_MODULES.has(specifier))
        .map(({ specifier }) => `${path}: is pure and imports ${specifier}`),
    );
}
