/** Folders stay small enough to read, and files large enough to look up. Each rule is tried on small made-up modules too: a check that cannot fail protects nothing. */
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { graph, modulesIn, readModules, resolve } from "./modules.ts";

const MOST_FILES = 20;
const FEWEST_LINES = 25;

/** One file for each family of log lines, and one for each command. */
const LARGE_FOLDERS = ["src/parse", "src/cli/commands"];

/** Each of its files is a command, however short. */
const COMMANDS = "src/cli/commands/";

/** Reasons for which a short file that only one other imports stands alone. */
const SHORT_FILES: Readonly<Record<string, string>> = {
  "src/cli/threads/checkpoint-thread.ts": "runs in a thread",
  "src/cli/children/evidence-process.ts": "starts a process",
  "src/cli/children/parent-watch.ts": "starts a thread",
  "src/cli/children/text-pattern-process.ts": "starts a process",
  "src/cli/threads/reading-thread.ts": "runs in a thread",
  "src/cli/threads/thread.ts": "is the body of a thread",
  "src/cli/terminal/redacted-errors.ts": "would be in a circle with the world whose output it changes",
  "src/content/limited-content.ts":
    "is all that the command line needs of a message, without the library that reads one",
  "src/parse/scan.ts": "is a family of log lines",
  "src/rebuild/rebuild.ts": "is a use case",
  "src/render/queue/snapshot.ts": "is the output of a command",
  "src/render/stats/csv.ts": "is an output of its own",
  "src/render/view-list.ts": "is an output of its own",
  "src/retention/unused-texts.ts": "is a step of prune with tests of its own",
  "src/store/database/kept-backup.ts": "knows the form of a file that another folder writes",
  "src/store/integrity/checks/digests.ts": "is a check",
  "src/store/integrity/checks/references.ts": "is a check",
  "src/store/outbox/own-mail.ts": "is a condition that rules of incidents ask for",
  "src/store/outbox/withdraw.ts": "opens a database that no command works on",
  "src/store/write/seen-texts.ts": "is a data structure",
};

describe("the program", () => {
  const source = readModules("src");

  test("has no folder with more than 20 files but for families of lines and commands", () => {
    expect(largeFolders(source)).toEqual([...LARGE_FOLDERS].sort());
  });

  test("has no short file with one importer but for a reason", () => {
    expect(
      shortFiles(source),
      "Received: short files with one importer. Expected: those that SHORT_FILES gives a reason. Join a file with its importer, name its reason, or remove the reason of one that is no longer short or alone.",
    ).toEqual(Object.keys(SHORT_FILES).sort());
  });
});

describe("the check of sizes", () => {
  test("finds a folder with 21 files, and counts its own files only", () => {
    const files = (folder: string, count: number): readonly (readonly [string, string])[] =>
      Array.from({ length: count }, (_, index) => [`${folder}/${index}.ts`, ""] as const);
    const source = graph(Object.fromEntries([...files("src/a", 20), ...files("src/a/b", 21)]));
    expect(largeFolders(source)).toEqual(["src/a/b"]);
  });

  test("finds a short file that one module or none imports, however it does", () => {
    const long = "export const x = 1;\n".repeat(FEWEST_LINES);
    const modules = {
      "src/a.ts": `import "./alone.ts";\nimport type { B } from "./both.ts";\nimport "./long.ts";\n${long}`,
      "src/c.ts": `export const both = () => import("./both.ts");\n${long}`,
      "src/alone.ts": "export const x = 1;\n",
      "src/both.ts": "export const x = 1;\n",
      "src/long.ts": long,
    };
    expect(shortFiles(graph(modules))).toEqual(["src/alone.ts"]);
  });
});

function largeFolders(files: ReadonlyMap<string, string>): readonly string[] {
  const folders = Map.groupBy(files.keys(), (path) => posix.dirname(path));
  return [...folders].flatMap(([folder, paths]) => (paths.length > MOST_FILES ? [folder] : [])).sort();
}

function shortFiles(files: ReadonlyMap<string, string>): readonly string[] {
  const importers = new Map<string, Set<string>>();
  for (const { path, imports } of modulesIn(files))
    for (const { specifier } of imports) {
      const target = resolve(path, specifier);
      importers.set(target, (importers.get(target) ?? new Set()).add(path));
    }
  return [...files]
    .filter(([path, text]) => text.split("\n").length <= FEWEST_LINES && (importers.get(path)?.size ?? 0) < 2)
    .map(([path]) => path)
    .filter((path) => !path.startsWith(COMMANDS))
    .sort();
}
