/** Imports lead downwards only, and every module belongs to a layer. Each rule is tried on small made-up modules too: a check that cannot fail protects nothing. */
import { describe, expect, test } from "vitest";
import { folderOf, graph, LEAVES, modulesIn, readModules, resolve } from "./modules.ts";

describe("the program", () => {
  const source = readModules("src");

  test("is looked at as a whole", () => {
    expect(source.size).toBeGreaterThan(50);
    for (const path of ["src/cli/commands/trace.ts", "src/errors.ts", "src/parse/fields.ts"]) {
      expect(source.has(path), path).toBe(true);
    }
  });

  test("is imported from the command line downwards only", () => {
    expect(checkDirection(source)).toEqual([]);
  });
});

describe("the check of the direction", () => {
  const direction = (modules: Record<string, string>): string[] => checkDirection(graph(modules));

  test.each([
    ["src/cli/main.ts", "../ingest/ingest.ts"],
    ["src/cli/commands/help.ts", "../../message/statuses.ts"],
    ["src/cli/context.ts", "../store/store.ts"],
    ["src/cli/declare/program.ts", "../render/json.ts"],
    ["src/ingest/ingest.ts", "../store/writer.ts"],
    ["src/search/search.ts", "../message/verdict.ts"],
    ["src/trace/trace.ts", "./describe.ts"],
    ["src/store/schema/codes.ts", "../units.ts"],
  ])("%s may import %s", (from, to) => {
    expect(direction({ [from]: `import { x } from "${to}";`, [resolve(from, to)]: "" })).toEqual([]);
  });

  test.each([
    ["src/ingest/ingest.ts", "../cli/io.ts", "use cases may not import the command line"],
    ["src/ingest/ingest.ts", "../trace/trace.ts", "use cases do not import each other"],
    ["src/brandnew/new.ts", "../stats/stats.ts", "use cases do not import each other"],
    ["src/ingest/ingest.ts", "../render/format.ts", "use cases may not import the renderers"],
    ["src/store/write/writer.ts", "../../parse/events.ts", "parse, message and store do not import one another"],
    ["src/message/state.ts", "../parse/events.ts", "parse, message and store do not import one another"],
    ["src/parse/record.ts", "../ingest/lines.ts", "parse, message and store may not import use cases"],
    ["src/message/state.ts", "../render/format.ts", "parse, message and store may not import the renderers"],
    ["src/errors.ts", "./store/codes.ts", "the leaves may not import parse, message and store"],
    ["src/errors.ts", "./units.ts", "the leaves do not import each other"],
    ["src/render/trace/page.ts", "../../trace/trace.ts", "the renderers may not import use cases"],
    ["src/render/form/format.ts", "../../units.ts", "the renderers may not import the leaves"],
    ["src/render/form/format.ts", "../../cli/io.ts", "the renderers may not import the command line"],
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

type Layer = "the command line" | "use cases" | "parse, message and store" | "the leaves" | "the renderers";

const DOMAIN_FOLDERS = ["parse", "message", "spool", "store"];

/** Layers that a layer may import at run time, beside its own folder. */
const BELOW: Readonly<Record<Layer, readonly Layer[]>> = {
  "the command line": ["use cases", "parse, message and store", "the leaves", "the renderers"],
  "use cases": ["parse, message and store", "the leaves"],
  "parse, message and store": ["the leaves"],
  "the leaves": [],
  "the renderers": [],
};

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
