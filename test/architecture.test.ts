/**
 * The layers of docs/architecture.md, the owners of libraries and what is not written here at all. Each rule is tried on small made-up
 * modules too: a check that cannot fail protects nothing.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "vite";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

describe("the program", () => {
  const source = readModules("src");
  const everything = new Map([...source, ...readModules("test"), ...readModules("bin")]);

  test("is looked at as a whole", () => {
    expect(source.size).toBeGreaterThan(50);
    for (const path of ["src/cli/commands/trace.ts", "src/errors.ts", "src/parse/fields.ts"]) {
      expect(source.has(path), path).toBe(true);
    }
  });

  test("is imported from the command line downwards only", () => {
    expect(checkDirection(source)).toEqual([]);
  });

  test("keeps every library with its owner", () => {
    expect(checkOwners(source)).toEqual([]);
    expect(importedLibraries(source)).toEqual(Object.keys(OWNERS).sort());
  });

  test("depends on the seven packages its owner named; all others are bundled", () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      dependencies: object;
      devDependencies: object;
    };
    const seven = ["better-sqlite3", "chalk", "cli-table3", "commander", "kysely", "ora", "split2"];
    expect(Object.keys(dependencies).sort()).toEqual(seven);
    const others = Object.keys(OWNERS).filter((library) => !seven.includes(library));
    expect(Object.keys(devDependencies)).toEqual(expect.arrayContaining(others));
  });

  test("keeps SQL in the store", () => {
    expect(checkSql(source)).toEqual([]);
    expect(checkSql(renameFolder(source, "store", "elsewhere")).length).toBeGreaterThan(10);
  });

  test("asks the process, the clock and the environment in the command line only", () => {
    expect(checkWorld(source)).toEqual([]);
    expect(checkWorld(renameFolder(source, "cli", "elsewhere")).length).toBeGreaterThan(5);
  });

  test("reads no file and opens no connection while it parses, folds or renders", () => {
    expect(checkPurity(source)).toEqual([]);
  });

  test("has no default exports, enums, any, barrels or files named for nothing", () => {
    expect(checkForms(everything)).toEqual([]);
  });

  test("is started by a shim that knows the command line only", () => {
    const imports = modulesIn(readModules("bin")).flatMap(({ imports }) => imports.map(({ specifier }) => specifier));
    expect(imports).toEqual(["../dist/start.js"]);
  });

  test("names no machine and no package registry", () => {
    const files = trackedFiles();
    expect(files).toContain("package-lock.json");
    expect(files.flatMap((path) => checkPlaces(path, readFileSync(join(ROOT, path), "latin1")))).toEqual([]);
  });
});

describe("the check of the direction", () => {
  const direction = (modules: Record<string, string>): string[] => checkDirection(graph(modules));

  test.each([
    ["src/cli/main.ts", "../ingest/ingest.ts"],
    ["src/cli/commands/help.ts", "../../message/statuses.ts"],
    ["src/cli/context.ts", "../store/store.ts"],
    ["src/cli/program.ts", "../render/json.ts"],
    ["src/ingest/ingest.ts", "../store/writer.ts"],
    ["src/search/search.ts", "../message/verdict.ts"],
    ["src/trace/trace.ts", "./describe.ts"],
    ["src/store/codes.ts", "../units.ts"],
  ])("%s may import %s", (from, to) => {
    expect(direction({ [from]: `import { x } from "${to}";`, [resolve(from, to)]: "" })).toEqual([]);
  });

  test.each([
    ["src/ingest/ingest.ts", "../cli/io.ts", "use cases may not import the command line"],
    ["src/ingest/ingest.ts", "../trace/trace.ts", "use cases do not import each other"],
    ["src/brandnew/new.ts", "../stats/stats.ts", "use cases do not import each other"],
    ["src/ingest/ingest.ts", "../render/format.ts", "use cases may not import the renderers"],
    ["src/store/writer.ts", "../parse/events.ts", "parse, message and store do not import one another"],
    ["src/message/state.ts", "../parse/events.ts", "parse, message and store do not import one another"],
    ["src/parse/record.ts", "../ingest/lines.ts", "parse, message and store may not import use cases"],
    ["src/message/state.ts", "../render/format.ts", "parse, message and store may not import the renderers"],
    ["src/errors.ts", "./store/codes.ts", "the leaves may not import parse, message and store"],
    ["src/errors.ts", "./units.ts", "the leaves do not import each other"],
    ["src/render/trace-page.ts", "../trace/trace.ts", "the renderers may not import use cases"],
    ["src/render/format.ts", "../units.ts", "the renderers may not import the leaves"],
    ["src/render/format.ts", "../cli/io.ts", "the renderers may not import the command line"],
  ])("%s may not import %s", (from, to, why) => {
    const target = resolve(from, to);
    for (const statement of [
      `import { x } from "${to}";`,
      `import { type A, x } from "${to}";`,
      `import "${to}";`,
      `export { x } from "${to}";`,
      `export * from "${to}";`,
      `export const later = () => import("${to}");`,
      `export const later = () => import(\`${to}\`);`,
    ]) {
      expect(direction({ [from]: statement, [target]: "" }), statement).toEqual([`${from}: ${why} (${target})`]);
    }
  });

  test("types may come from anywhere", () => {
    const modules = {
      "src/render/page.ts": `
        import type { Trace } from "../trace/trace.ts";
        import { type Attempt } from "../trace/trace.ts";
        export type { Verdict } from "../trace/trace.ts";
        export type Other = import("../trace/trace.ts").Other;`,
      "src/trace/trace.ts": "",
    };
    expect(direction(modules)).toEqual([]);
  });

  test("comments and strings import nothing", () => {
    const text = `// import { x } from "../cli/io.ts";\nexport const text = 'import { x } from "../cli/io.ts"';`;
    expect(direction({ "src/ingest/ingest.ts": text })).toEqual([]);
  });

  test("an import has to lead to a module of the program", () => {
    expect(direction({ "src/cli/main.ts": 'import { x } from "../../test/support/x.ts";' })).toEqual([
      "src/cli/main.ts: there is no module test/support/x.ts in src",
    ]);
    expect(direction({ "src/cli/main.ts": "export const x = (name) => import(name);" })).toEqual([
      "src/cli/main.ts: imports what cannot be told beforehand",
    ]);
  });

  test("a file at the top has to be a known leaf", () => {
    expect(direction({ "src/everything.ts": "export const x = 1;" })).toEqual([
      "src/everything.ts: belongs to no layer",
    ]);
  });
});

describe("the check of owners", () => {
  const owners = (modules: Record<string, string>): string[] => checkOwners(graph(modules));

  test("finds a library outside its owner, also as a type", () => {
    expect(owners({ "src/ingest/lines.ts": 'import split2 from "split2";' })).toEqual([]);
    expect(owners({ "src/ingest/source.ts": 'import split2 from "split2";' })).toEqual([
      "src/ingest/source.ts: split2 belongs to src/ingest/lines.ts",
    ]);
    expect(owners({ "src/trace/trace.ts": 'import type { Kysely } from "kysely";' })).toEqual([
      "src/trace/trace.ts: kysely belongs to src/store/",
    ]);
    expect(owners({ "src/cli/main.ts": 'export const spin = async () => (await import("ora")).default;' })).toEqual([
      "src/cli/main.ts: ora belongs to src/cli/progress.ts",
    ]);
  });

  test("lets main.ts know the error class of commander and nothing else of it", () => {
    expect(owners({ "src/cli/main.ts": 'import { CommanderError } from "commander";' })).toEqual([]);
    expect(owners({ "src/cli/main.ts": 'import { Command } from "commander";' })).toHaveLength(1);
  });

  test("finds a library without an owner, by its name without the path in it", () => {
    expect(owners({ "src/ingest/lines.ts": 'import pad from "left-pad/min.js";' })).toEqual([
      "src/ingest/lines.ts: left-pad has no owner",
    ]);
    expect(owners({ "src/parse/prefix.ts": 'import { x } from "@date-fns/tz/x";' })).toEqual([
      "src/parse/prefix.ts: @date-fns/tz belongs to src/ingest/clock.ts,src/when.ts",
    ]);
  });
});

describe("the check for SQL", () => {
  const sql = (text: string, path = "src/trace/trace.ts"): string[] => checkSql(graph({ [path]: text }));

  test.each([
    'export const q = "SELECT id FROM messages";',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a module's text.
    "export const q = `SELECT count(*)\n  FROM ${table}`;",
    'export const q = "SELECT 1";',
    'export const q = "insert into strings (text) values (?)";',
    'export const q = "UPDATE strings SET text = ?";',
    'export const q = "DELETE FROM strings";',
    'export const q = "create temp view v as select 1";',
    'export const q = "PRAGMA user_version";',
    'export const q = "BEGIN IMMEDIATE";',
    'export const q = (db) => db.selectFrom("messages");',
    'export const q = (db) => db.pragma("user_version");',
  ])("finds %s", (text) => {
    expect(sql(text)).toHaveLength(1);
    expect(sql(text, "src/store/reader.ts")).toEqual([]);
  });

  test.each([
    'export const text = "Select a server, or delete from the list what you do not want.";',
    "// SELECT id FROM messages",
    "export const help = 'exim-pilot sql \"SELECT id FROM messages\"';",
    'export const text = "updates set aside; begin where you like";',
  ])("leaves %s alone", (text) => {
    expect(sql(text)).toEqual([]);
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
  expect(checkPurity(graph({ "src/ingest/source.ts": 'import { readFileSync } from "node:fs";' }))).toEqual([]);
});

describe("the check of forms", () => {
  const forms = (text: string, path = "src/parse/record.ts"): string[] => checkForms(graph({ [path]: text }));

  test.each([
    ["export default 1;", "has a default export"],
    ["const x = 1;\nexport { x as default };", "has a default export"],
    ["export enum Kind { One }\nexport const x = 1;", "has an enum"],
    ["export declare const enum Kind { One }", "has an enum"],
    ["export const x = (value: any) => value;", "uses any"],
    ["export const x = (value: unknown) => value as any;", "uses any"],
    ['export * from "./prefix.ts";', "only re-exports"],
    ['import { x } from "./prefix.ts";\nexport { x };', "only re-exports"],
    ['export type { X } from "./prefix.ts";', "only re-exports"],
  ])("finds %s", (text, what) => {
    expect(forms(text)).toEqual([`src/parse/record.ts: ${what}`]);
  });

  test.each(["utils.ts", "string-utils.ts", "util.ts", "helpers.ts", "types.ts", "index.ts", "common.ts"])(
    "finds the name %s",
    (name) => {
      expect(forms("export const x = 1;", `src/parse/${name}`)).toEqual([`src/parse/${name}: has a name for anything`]);
    },
  );

  test.each([
    "export const text = 'any enum is a default';",
    'import type { X } from "./x.ts";\nexport type Y = X;',
    "export interface OnlyTypes { readonly x: number }",
    'export { x } from "./x.ts";\nexport const y = 1;',
  ])("leaves %s alone", (text) => {
    expect(forms(text)).toEqual([]);
    expect(forms(text, "src/parse/events.ts")).toEqual([]);
  });
});

describe("the check of places", () => {
  const place = (...parts: string[]): string => ["", ...parts].join("/");

  test.each([
    place("work", "main"),
    place("home", "somebody", "exim-pilot"),
    place("root"),
    place("root", ".npmrc"),
    place("Users", "somebody"),
    `https:${place("", "registry.example.org", "x.tgz")}`,
    `http:${place("", "npm.mirror.example:4873", "")}`,
    `registry${"="}http://somewhere`,
  ])("finds %s", (text) => {
    expect(checkPlaces("README.md", `see\n${text}\n`)).toHaveLength(1);
    expect(checkPlaces("src/x.ts", `"${text}"`.replace(/^"registry=/, "registry="))).toHaveLength(1);
  });

  test("leaves the homes of the lab's users, other paths and other hosts alone", () => {
    const text = `${place("home", "carol", "Maildir")} src${place("work", "x")} https://www.npmjs.com/package/x ${place("rooted")}`;
    expect(checkPlaces("README.md", text)).toEqual([]);
  });

  test("leaves what the logs of the corpus say alone", () => {
    expect(checkPlaces("fixtures/corpus/all/mainlog", `cwd=${place("root")}`)).toEqual([]);
    expect(checkPlaces("fixtures/corpus/all/mainlog", place("work", "main"))).toHaveLength(1);
  });
});

// ---- Modules, as far as the rules ask about them ----

interface Import {
  readonly specifier: string;
  readonly names: readonly string[];
  /** Gone when the program runs. */
  readonly isType: boolean;
}

interface Module {
  readonly path: string;
  readonly imports: readonly Import[];
  /** Every node with the property of its parent that holds it. */
  readonly nodes: readonly Place[];
  readonly statements: readonly Node[];
}

interface Place {
  readonly node: Node;
  readonly parent: Node | undefined;
  readonly key: string;
}

/** A node of the syntax tree, in the form of ESTree. */
interface Node {
  readonly type: string;
  readonly [property: string]: unknown;
}

const parsed = new Map<string, Module>();

/** The modules of a path → text map, parsed. */
function modulesIn(files: ReadonlyMap<string, string>): Module[] {
  return [...files].map(([path, text]) => {
    const key = `${path}\n${text}`;
    const module = parsed.get(key) ?? parseModule(path, text);
    parsed.set(key, module);
    return module;
  });
}

function parseModule(path: string, text: string): Module {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const nodes: Place[] = [];
  collect(program as unknown as Node, undefined, "", nodes);
  return { path, nodes, imports: nodes.flatMap(toImports), statements: program.body as unknown as Node[] };
}

function collect(node: Node, parent: Node | undefined, key: string, places: Place[]): void {
  places.push({ node, parent, key });
  for (const [property, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value])
      if (isNode(child)) collect(child, node, property, places);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

function toImports({ node }: Place): Import[] {
  const isTypeKind = (item: Node): boolean => item["importKind"] === "type" || item["exportKind"] === "type";
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration": {
      const specifier = literalText(node["source"]);
      if (specifier === undefined) return [];
      const specifiers = (node["specifiers"] ?? []) as Node[];
      const values = specifiers.filter((item) => !isTypeKind(item));
      const isType = isTypeKind(node) || (specifiers.length > 0 && values.length === 0);
      const names = specifiers.map((item) => nameOf(item["imported"] ?? item["local"]) ?? "default");
      return [{ specifier, names, isType }];
    }
    case "ImportExpression":
      return [{ specifier: literalText(node["source"]) ?? "", names: [], isType: false }];
    case "TSImportType":
      return [{ specifier: literalText(node["source"] ?? node["argument"]) ?? "", names: [], isType: true }];
    default:
      return [];
  }
}

/** The text of a string, or of a template without values. */
function literalText(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === "Literal" && typeof value["value"] === "string") return value["value"];
  if (value.type === "TSLiteralType") return literalText(value["literal"]);
  if (value.type !== "TemplateLiteral") return undefined;
  const quasis = value["quasis"] as Node[];
  return quasis.length === 1 ? templateText(quasis[0]) : undefined;
}

function templateText(quasi: Node | undefined): string {
  return (quasi?.["value"] as { cooked?: string } | undefined)?.cooked ?? "";
}

function nameOf(value: unknown): string | undefined {
  return isNode(value) && value.type === "Identifier" ? (value["name"] as string) : undefined;
}

function graph(modules: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(modules));
}

function readModules(folder: string): Map<string, string> {
  return new Map(
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.m?[jt]s$/.test(path))
      .map((path) => [posix.join(folder, path.replaceAll("\\", "/")), readFileSync(join(ROOT, folder, path), "utf8")]),
  );
}

function renameFolder(modules: ReadonlyMap<string, string>, from: string, to: string): Map<string, string> {
  return new Map([...modules].map(([path, text]) => [path.replace(`src/${from}/`, `src/${to}/`), text]));
}

function trackedFiles(): string[] {
  return (
    execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" })
      .split("\0")
      // Removed from the working tree, a file can still be in the index.
      .filter((path) => path !== "" && existsSync(join(ROOT, path)))
  );
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier);
}

// ---- Rules: each returns what it objects to ----

type Layer = "the command line" | "use cases" | "parse, message and store" | "the leaves" | "the renderers";

const LEAVES = ["src/errors.ts", "src/units.ts", "src/text.ts", "src/when.ts"];
const DOMAIN_FOLDERS = ["parse", "message", "spool", "store"];

/** What a layer may import beside its own folder, when the program runs. */
const BELOW: Readonly<Record<Layer, readonly Layer[]>> = {
  "the command line": ["use cases", "parse, message and store", "the leaves", "the renderers"],
  "use cases": ["parse, message and store", "the leaves"],
  "parse, message and store": ["the leaves"],
  "the leaves": [],
  "the renderers": [],
};

function folderOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/** Undefined for a file at the top that is no leaf. */
function layerOf(path: string): Layer | undefined {
  if (LEAVES.includes(path)) return "the leaves";
  if (path.split("/").length < 3) return undefined;
  const folder = folderOf(path);
  if (folder === "cli") return "the command line";
  if (folder === "render") return "the renderers";
  return DOMAIN_FOLDERS.includes(folder) ? "parse, message and store" : "use cases";
}

function checkDirection(files: ReadonlyMap<string, string>): string[] {
  return modulesIn(files).flatMap(({ path, imports }) => {
    if (layerOf(path) === undefined) return [`${path}: belongs to no layer`];
    return imports
      .filter(({ specifier, isType }) => !isType && (specifier === "" || specifier.startsWith(".")))
      .flatMap(({ specifier }) => {
        if (specifier === "") return [`${path}: imports what cannot be told beforehand`];
        const target = resolve(path, specifier);
        if (!files.has(target)) return [`${path}: there is no module ${target} in src`];
        const objection = objectTo(path, target);
        return objection === undefined ? [] : [`${path}: ${objection} (${target})`];
      });
  });
}

function objectTo(path: string, target: string): string | undefined {
  const [from, to] = [layerOf(path), layerOf(target)];
  if (from === undefined || to === undefined) return "belongs to no layer";
  if (from === "the leaves" && to === from) return "the leaves do not import each other";
  if (folderOf(path) === folderOf(target)) return undefined;
  if (from === to)
    return from === "use cases" ? `${from} do not import each other` : `${from} do not import one another`;
  return BELOW[from].includes(to) ? undefined : `${from} may not import ${to}`;
}

/** Where each library is used: a file, several, or a folder that ends in a slash. */
const OWNERS: Readonly<Record<string, string | readonly string[]>> = {
  // Stamps in logs, and times as users type them.
  "@date-fns/tz": ["src/ingest/clock.ts", "src/when.ts"],
  "@observablehq/plot": "src/render/html/charts.ts",
  "age-encryption": "src/backup/encryption.ts",
  "better-sqlite3": "src/store/",
  chalk: "src/render/paint.ts",
  "cli-table3": "src/render/layout.ts",
  commander: [
    "src/cli/program.ts",
    "src/cli/queue-commands.ts",
    "src/cli/upkeep-commands.ts",
    "src/cli/shared-flags.ts",
    "src/cli/flag-values.ts",
  ],
  "csv-stringify": "src/render/csv.ts",
  "fast-string-width": "src/render/layout.ts",
  "fast-wrap-ansi": "src/render/layout.ts",
  "ipaddr.js": "src/store/stats/key-functions.ts",
  kysely: "src/store/",
  linkedom: "src/render/html/charts.ts",
  ora: "src/cli/progress.ts",
  "smol-toml": "src/cli/configuration.ts",
  split2: "src/ingest/lines.ts",
  tinyglobby: "src/ingest/find-logs.ts",
  "tldts-icann": "src/store/stats/key-functions.ts",
  valibot: "src/cli/configuration.ts",
};

function checkOwners(files: ReadonlyMap<string, string>): string[] {
  return modulesIn(files).flatMap(({ path, imports }) =>
    imports.filter(isLibrary).flatMap((statement) => {
      const library = libraryOf(statement.specifier);
      const owner = OWNERS[library];
      if (owner === undefined) return [`${path}: ${library} has no owner`];
      const isOwner = [owner].flat().some((place) => (place.endsWith("/") ? path.startsWith(place) : path === place));
      return isOwner || isErrorClass(path, statement) ? [] : [`${path}: ${library} belongs to ${owner}`];
    }),
  );
}

function importedLibraries(files: ReadonlyMap<string, string>): string[] {
  const all = modulesIn(files).flatMap(({ imports }) => imports.filter(isLibrary));
  return [...new Set(all.map(({ specifier }) => libraryOf(specifier)))].sort();
}

/** The one exception: what commander throws is caught in main.ts. */
function isErrorClass(path: string, { specifier, names }: Import): boolean {
  return path === "src/cli/main.ts" && specifier === "commander" && names.join() === "CommanderError";
}

function isLibrary({ specifier }: Import): boolean {
  return specifier !== "" && !/^\.|^node:/.test(specifier) && !NODE_MODULES.has(specifier);
}

function libraryOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

const NODE_MODULES = new Set([
  "fs",
  "fs/promises",
  "os",
  "path",
  "process",
  "child_process",
  "crypto",
  "zlib",
  "stream",
]);

const SQL_TEXT = [
  /^\s*SELECT\s/,
  /\bSELECT\s[^;]*\sFROM\s/,
  /\b(INSERT|REPLACE)\s+(OR\s+\w+\s+)?INTO\s/i,
  /\bUPDATE\s+\S+\s+SET\s/,
  /\bDELETE\s+FROM\s/,
  /\b(CREATE|DROP|ALTER)\s+(UNIQUE\s+|TEMP\s+|TEMPORARY\s+|VIRTUAL\s+)?(TABLE|VIEW|INDEX|TRIGGER)\b/i,
  /\bPRAGMA\s/,
  /\bBEGIN\s+(IMMEDIATE|EXCLUSIVE|DEFERRED)\b/,
];

/** What users are told to type. */
const EXAMPLE = /\bexim-pilot sql\b/;

/** Methods that build or run a query; nothing else here is called so. */
const QUERY_METHODS = new Set([
  "selectFrom",
  "insertInto",
  "updateTable",
  "deleteFrom",
  "mergeInto",
  "executeTakeFirst",
  "executeTakeFirstOrThrow",
  "pragma",
]);

function checkSql(files: ReadonlyMap<string, string>): string[] {
  return outside("src/store/", files).flatMap(({ path, nodes }) =>
    nodes.flatMap(({ node }) => {
      const text = stringText(node);
      if (text !== undefined && !EXAMPLE.test(text) && SQL_TEXT.some((form) => form.test(text)))
        return [`${path}: has SQL: ${text}`];
      const method = node.type === "CallExpression" ? calledMethod(node) : undefined;
      return method !== undefined && QUERY_METHODS.has(method) ? [`${path}: asks the database by ${method}()`] : [];
    }),
  );
}

/** Of a string, or of a template whose values are left out. */
function stringText(node: Node): string | undefined {
  if (node.type === "Literal") return literalText(node);
  if (node.type !== "TemplateLiteral") return undefined;
  return (node["quasis"] as Node[]).map(templateText).join("x");
}

function calledMethod(call: Node): string | undefined {
  const callee = call["callee"];
  return isNode(callee) && callee.type === "MemberExpression" ? nameOf(callee["property"]) : undefined;
}

const WORLD = new Set(["process", "performance", "console", "globalThis", "global"]);
const WORLD_MODULES = new Set(["process", "os", "perf_hooks", "child_process", "tty", "readline", "worker_threads"]);
/** The one place each of them is used besides; what it needs of the environment is given to it. */
const WORLD_OWNERS: Readonly<Record<string, string>> = { "src/ingest/run-decompressor.ts": "child_process" };

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

/** What a node takes from the world outside. */
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

function checkPurity(files: ReadonlyMap<string, string>): string[] {
  return modulesIn(files)
    .filter(({ path }) => PURE.some((place) => path.startsWith(place)))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier, isType }) => !isType && (specifier.startsWith("node:") || NODE_MODULES.has(specifier)))
        .map(({ specifier }) => `${path}: is pure and imports ${specifier}`),
    );
}

const VAGUE_NAME = /(^|[-.])(utils?|helpers?|types|interfaces|index|common|misc|shared)\.m?[jt]s$/;
function checkForms(files: ReadonlyMap<string, string>): string[] {
  return modulesIn(files).flatMap(({ path, nodes, statements }) => {
    const has = (isIt: (place: Place) => boolean): boolean => nodes.some(isIt);
    const objections: readonly (readonly [isTrue: boolean, what: string])[] = [
      [VAGUE_NAME.test(posix.basename(path)), "has a name for anything"],
      [has(isDefaultExport), "has a default export"],
      [has(({ node }) => node.type === "TSEnumDeclaration"), "has an enum"],
      [has(({ node }) => node.type === "TSAnyKeyword"), "uses any"],
      [isBarrel(statements), "only re-exports"],
    ];
    return objections.flatMap(([isTrue, what]) => (isTrue ? [`${path}: ${what}`] : []));
  });
}

function isDefaultExport({ node }: Place): boolean {
  if (node.type === "ExportDefaultDeclaration") return true;
  return node.type === "ExportSpecifier" && nameOf(node["exported"]) === "default";
}

function isBarrel(statements: readonly Node[]): boolean {
  const isExport = ({ type, declaration }: Node): boolean =>
    type === "ExportAllDeclaration" || (type === "ExportNamedDeclaration" && !isNode(declaration));
  return (
    statements.some(isExport) &&
    statements.every((statement) => isExport(statement) || statement.type === "ImportDeclaration")
  );
}

function outside(folder: string, files: ReadonlyMap<string, string>): Module[] {
  return modulesIn(files).filter(({ path }) => !path.startsWith(folder));
}

/** Users of the machine the corpus was made on; their homes are in its logs. */
const LAB_USERS = "archive|bob|carol|vmail";
const OWN_MACHINE = new RegExp(`(?<![\\w.])/(?:work/|(?:home|Users)/(?!(?:${LAB_USERS})\\b))`);
const ADMIN_HOME = new RegExp(`(?<![\\w.])/${"root"}\\b`);
const REGISTRY =
  /https?:\/\/(?:[^/\s"]*\.)?(?:registry|npm|artifactory|nexus|verdaccio|mirrors?)[.:][^\s"]*|^\s*(?:@\S+:)?registry\s*=/m;

/** A log may speak of the home of root: Exim runs as root. */
function checkPlaces(path: string, text: string): string[] {
  const forms = path.startsWith("fixtures/") ? [OWN_MACHINE, REGISTRY] : [OWN_MACHINE, ADMIN_HOME, REGISTRY];
  return forms.flatMap((form) => {
    const found = form.exec(text);
    return found === null ? [] : [`${path}: names ${found[0]}`];
  });
}
