/** Every library is used in one place. Each rule is tried on small made-up modules too: a check that cannot fail protects nothing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { graph, type Import, isLibrary, libraryOf, modulesIn, ROOT, readModules } from "./modules.ts";

describe("the program", () => {
  const source = readModules("src");

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
});

describe("the check of owners", () => {
  const owners = (modules: Record<string, string>): string[] => checkOwners(graph(modules));

  test("finds a library outside its owner, also as a type", () => {
    expect(owners({ "src/ingest/source/find-logs.ts": 'import { glob } from "tinyglobby";' })).toEqual([]);
    expect(owners({ "src/ingest/source/source.ts": 'import { glob } from "tinyglobby";' })).toEqual([
      "src/ingest/source/source.ts: tinyglobby belongs to src/ingest/source/find-logs.ts",
    ]);
    expect(owners({ "src/trace/trace.ts": 'import type { Kysely } from "kysely";' })).toEqual([
      "src/trace/trace.ts: kysely belongs to src/store/",
    ]);
    expect(owners({ "src/cli/main.ts": 'export const spin = async () => (await import("ora")).default;' })).toEqual([
      "src/cli/main.ts: ora belongs to src/cli/terminal/progress.ts",
    ]);
  });

  test("lets main.ts know the error class of commander and nothing else of it", () => {
    expect(owners({ "src/cli/main.ts": 'import { CommanderError } from "commander";' })).toEqual([]);
    expect(owners({ "src/cli/main.ts": 'import { Command } from "commander";' })).toHaveLength(1);
  });

  test("finds a library without an owner, by its name without the path in it", () => {
    expect(owners({ "src/ingest/batch/lines.ts": 'import pad from "left-pad/min.js";' })).toEqual([
      "src/ingest/batch/lines.ts: left-pad has no owner",
    ]);
    expect(owners({ "src/parse/prefix.ts": 'import { x } from "@date-fns/tz/x";' })).toEqual([
      "src/parse/prefix.ts: @date-fns/tz belongs to src/ingest/batch/clock.ts,src/when.ts",
    ]);
  });
});

/** Owners of the libraries: a file, several, or a folder that ends in a slash. */
const OWNERS: Readonly<Record<string, string | readonly string[]>> = {
  // Stamps in logs, and times as users type them.
  "@date-fns/tz": ["src/ingest/batch/clock.ts", "src/when.ts"],
  "@observablehq/plot": "src/render/html/charts.ts",
  "age-encryption": "src/backup/encryption.ts",
  "better-sqlite3": "src/store/",
  chalk: "src/render/form/paint.ts",
  "cli-table3": "src/render/form/columns.ts",
  commander: [
    "src/cli/declare/command.ts",
    "src/cli/declare/content.ts",
    "src/cli/declare/about.ts",
    "src/cli/declare/incidents.ts",
    "src/cli/declare/program.ts",
    "src/cli/declare/questions.ts",
    "src/cli/declare/logs.ts",
    "src/cli/declare/people.ts",
    "src/cli/declare/notify.ts",
    "src/cli/declare/queue.ts",
    "src/cli/declare/upkeep.ts",
    "src/cli/declare/shared-flags.ts",
    "src/cli/declare/guessed-flags.ts",
    "src/cli/flags/flag-values.ts",
  ],
  "csv-stringify": "src/render/form/csv.ts",
  "fast-string-width": "src/render/form/layout.ts",
  "fast-wrap-ansi": "src/render/form/layout.ts",
  "html-to-text": "src/content/html-content.ts",
  htmlparser2: "src/content/html-content.ts",
  "ipaddr.js": "src/store/stats/key-functions.ts",
  kysely: "src/store/",
  linkedom: "src/render/html/charts.ts",
  mailparser: "src/content/parse-content.ts",
  nodemailer: "src/notify/smtp-channel.ts",
  ora: "src/cli/terminal/progress.ts",
  "smol-toml": "src/cli/flags/configuration.ts",
  split2: "src/ingest/batch/lines.ts",
  tinyglobby: "src/ingest/source/find-logs.ts",
  "tldts-icann": "src/store/stats/key-functions.ts",
  valibot: ["src/cli/flags/configuration.ts", "src/cli/flags/notify-settings.ts"],
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
