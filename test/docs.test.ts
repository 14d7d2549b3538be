/** README, changelog and the documents for developers against the program: what is written is there, and what is there is written. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command, Option } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT_CODES } from "../src/cli/commands/help.ts";
import { buildProgram } from "../src/cli/declare/program.ts";
import { EXIT_BUG, EXIT_STATUS } from "../src/errors.ts";
import { LINE_KINDS } from "../src/explain/kinds.ts";
import { MESSAGE_STATUSES, RECIPIENT_STATUSES } from "../src/message/statuses.ts";
import { FIXTURES, temporaryFolder } from "./support/database.ts";
import { makeGoldenDatabase, parseCommand, runCase } from "./support/golden.ts";
import { stillIo } from "./support/still-io.ts";
import { queryAll } from "./support/views.ts";

const README = readText("README.md");
const COOKBOOK = readText("docs/cookbook.md");
const CHANGELOG = readText("CHANGELOG.md");
const ARCHITECTURE = readText("docs/architecture.md");
const GRAMMAR = readText("docs/exim-log-grammar.md");
const PLACES = { FIXTURES: "", DB: "", NEW: "" };
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");

beforeAll(() => makeGoldenDatabase(DB));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe("the README names", () => {
  const commands = newProgram().commands.flatMap(withSubcommands);
  const shared = sharedFlags(commands);

  test.each(commands.map((command) => [nameOf(command), command] as const))(
    "the command %s and its flags",
    (name, command) => {
      const parts = partsAbout(README, name);
      expect(parts.length).toBeGreaterThan(0);
      const missing = flagsOf(command).filter(
        (flag) => !parts.some((part) => hasWord(part, flag)) && !shared.includes(flag),
      );
      expect(missing).toEqual([]);
    },
  );

  test("the flags that commands share", () => {
    expect(shared).toEqual(expect.arrayContaining(["--db", "--wait"]));
    expect(shared.filter((flag) => flag.startsWith("--") && !hasWord(README, flag))).toEqual([]);
  });

  test("the flags of the program itself", () => {
    const flags = newProgram().options.flatMap((option) => option.long ?? []);
    expect(["--help", ...flags].filter((flag) => !hasWord(README, flag))).toEqual([]);
  });

  test("no flag that is not there", () => {
    const known = new Set(["--help", ...[newProgram(), ...commands].flatMap(flagsOf)]);
    const outsideCode = README.replace(/^```.*?^```$/gms, "");
    const named = [...outsideCode.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([flag]) => flag);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((flag) => !known.has(flag))).toEqual([]);
  });

  test("every exit code in its table, and no other", () => {
    const rows = [...README.matchAll(/^\|\s*`?(\d+)`?\s*\|\s*\S/gm)].map(([, status]) => Number(status));
    expect(rows).toEqual(EXIT_CODES.map(([status]) => status));
    for (const status of [0, EXIT_BUG, ...Object.values(EXIT_STATUS)]) expect(rows).toContain(status);
  });

  test("every status of messages and recipients", () => {
    const statuses = new Set<string>([...MESSAGE_STATUSES, ...RECIPIENT_STATUSES]);
    expect([...statuses].filter((status) => !README.includes(`\`${status}\``))).toEqual([]);
  });

  test("every public view", () => {
    const views = queryAll<{ name: string }>(DB, "SELECT name FROM sqlite_schema WHERE type = 'view'");
    expect(views.length).toBeGreaterThan(5);
    expect(views.map(({ name }) => name).filter((name) => !README.includes(`\`${name}\``))).toEqual([]);
  });

  test("no file of the project that is missing", () => {
    const links = [...README.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target);
    const paths = [...README.matchAll(/`((?:fixtures|docs|schema|src|test|bin)\/[^`\s]*)`/g)].map(
      ([, path = ""]) => path,
    );
    const missing = [...links, ...paths].filter((path) => !existsSync(join(rootOf(), path)));
    expect(missing).toEqual([]);
  });
});

describe("an example of the README or the cookbook", () => {
  const examples = [...examplesIn(README), ...examplesIn(COOKBOOK)];

  test("is there for every command that does something", () => {
    const shown = new Set(examples.map(({ argv }) => argv[0]));
    for (const name of ["ingest", "trace", "search", "abuse", "stats"]) expect(shown).toContain(name);
  });

  test.each(examples.map((example) => [example.command, example] as const))(
    "%s can be typed like that",
    (_command, { argv }) => {
      expect(objectionsTo(argv)).toEqual([]);
    },
  );

  const withOutput = examples.filter(({ output }) => output !== "");

  test("has its output below it, here and there", () => {
    expect(withOutput.length).toBeGreaterThan(2);
  });

  test.each(withOutput.map((example) => [example.command, example] as const))(
    "%s prints what is shown",
    async (command, { argv, output }) => {
      const isIngest = argv[0] === "ingest";
      const where = isIngest ? "EXIM_PILOT_DB=$NEW " : "";
      const real = where + command.replace(/(?<=\s)(mainlog|rejectlog|paniclog)\b/g, "$$FIXTURES/corpus/default/$1");
      const golden = { name: command, directory: "", commands: [real] };
      const { stdout } = await runCase(golden, { FIXTURES, DB, NEW: join(temporaryFolder(), "new.db") });
      if (process.env["UPDATE_GOLDEN"] === "1" && !isIngest)
        updateOutput(command, output, stdout.replaceAll("$FIXTURES/corpus/default/", ""));
      expect(withoutSpeed(output)).toBe(withoutSpeed(stdout.replaceAll("$FIXTURES/corpus/default/", "")));
    },
  );

  test("answers fifteen questions and more in the cookbook", () => {
    const questions = COOKBOOK.split(/^## /m).slice(1);
    expect(questions.length).toBeGreaterThanOrEqual(15);
    expect(questions.filter((question) => !/^\$ exim-pilot .*\n[^`]/m.test(question))).toEqual([]);
  });

  test("in SQL finds what is shown", () => {
    const questions = [...README.matchAll(/^\$ sqlite3 .*?"([^"]+)"\n(.*?)^```/gms)];
    for (const [, sql = "", output = ""] of questions) {
      const rows = queryAll<Record<string, unknown>>(DB, sql);
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) {
        const cells = Object.values(row).map(String);
        const isShown = output.split("\n").some((line) => cells.every((cell) => line.includes(cell)));
        expect(isShown, cells.join(" ")).toBe(true);
      }
    }
  });
});

describe("the changelog", () => {
  test("has a section for what is not released yet, with something in it", () => {
    const section = /^## \[?Unreleased\]?[^\n]*\n(.*?)(?=^## |$(?![\s\S]))/ims.exec(CHANGELOG)?.[1] ?? "";
    expect(section).toMatch(/^- \S/m);
  });

  test("names every command", () => {
    const names = newProgram().commands.map((command) => `exim-pilot ${command.name()}`);
    expect(names.filter((name) => !CHANGELOG.includes(name))).toEqual([]);
  });
});

describe("the documents for developers", () => {
  test.each(["CONTRIBUTING.md", "docs/architecture.md", "docs/exim-log-grammar.md"])(
    "%s names and links files that are there",
    (document) => {
      const text = readText(document);
      const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) =>
        join(dirname(document), target),
      );
      expect(links.length + namedFiles(text).length).toBeGreaterThan(2);
      expect([...links, ...namedFiles(text)].filter((path) => !existsSync(join(rootOf(), path)))).toEqual([]);
    },
  );

  test("name no module by a name that no file has", () => {
    const names = new Set(["src", "test", "schema"].flatMap(filesIn).map((path) => basename(path)));
    for (const name of ["bundle.mjs", "build.mjs"]) names.add(name);
    const named = [...ARCHITECTURE.matchAll(/`([\w-]+\.(?:ts|mjs|sql))`/g)].map(([, name = ""]) => name);
    expect(named.length).toBeGreaterThan(30);
    expect([...new Set(named)].filter((name) => !names.has(name))).toEqual([]);
  });

  test("have the sections of the grammar that comments cite", () => {
    const cited = ["src", "test", "schema"].flatMap(filesIn).flatMap((path) => citedSections(readText(path)));
    expect(cited.length).toBeGreaterThan(50);
    const sections = [...GRAMMAR.matchAll(/^##+ (\d+(?:\.\d+)?)\b/gm)].map(([, number]) => number);
    expect([...new Set(cited)].filter((number) => !sections.includes(number))).toEqual([]);
  });

  test("say of every file of the parser and every kind of event where it belongs", () => {
    const table = GRAMMAR.slice(GRAMMAR.indexOf("\n## 18."));
    const files = readdirSync(join(rootOf(), "src", "parse"));
    const withoutRow = ["events.ts", "parser-version.ts"];
    expect(files.filter((file) => !withoutRow.includes(file) && !table.includes(`\`${file}\``))).toEqual([]);
    const kinds = Object.keys(LINE_KINDS).filter((kind) => kind !== "other" && kind !== "unparsed");
    expect(kinds.filter((kind) => !table.includes(`\`${kind}\``))).toEqual([]);
  });

  test("list the folders of the source as layers, and no others", () => {
    const listed = [...ARCHITECTURE.matchAll(/^ {4}src\/(\w+)\/ {2,}\S/gm)].map(([, name = ""]) => name);
    const folders = readdirSync(join(rootOf(), "src"), { withFileTypes: true }).filter((item) => item.isDirectory());
    expect(listed.toSorted()).toEqual(folders.map(({ name }) => name).toSorted());
  });

  test("name every table of the file", () => {
    const tables = queryAll<{ name: string }>(
      DB,
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'rolled_%'",
    );
    expect(tables.length).toBeGreaterThan(20);
    expect(tables.map(({ name }) => name).filter((name) => !ARCHITECTURE.includes(`\`${name}\``))).toEqual([]);
  });
});

describe("the checks above", () => {
  test("see the sections that a comment cites", () => {
    expect(citedSections("Source: exim-log-grammar §3.1 and §13.")).toEqual(["3.1", "13"]);
    expect(citedSections("Source: exim-log-grammar §3.1; RFC 3164 §4")).toEqual(["3.1"]);
    expect(citedSections("Source: RFC 3164 §4.")).toEqual([]);
  });

  test("see the files that a text names, but for made-up ones", () => {
    const text =
      "`src/a.ts` and `test/b/c.test.ts`, not `src/cli/commands/NAME.ts`, `schema/NNNN_name.sql` or `src/x/*.ts`";
    expect(namedFiles(text)).toEqual(["src/a.ts", "test/b/c.test.ts"]);
  });

  test("see a flag that a text lacks", () => {
    expect(hasWord("`--db-file` and --quiet.", "--db")).toBe(false);
    expect(hasWord("`--db-file` and --quiet.", "--quiet")).toBe(true);
    expect(hasWord("`-s, --server <name>`", "-s")).toBe(true);
    expect(hasWord("--dry-run -strict", "-s")).toBe(false);
  });

  test("see what cannot be typed", () => {
    expect(objectionsTo(["trace", "1vx5YS-0006QZ-1J", "--json"])).toEqual([]);
    expect(objectionsTo(["servers", "rename", "a"])).toEqual(["servers rename wants another number of arguments"]);
    expect(objectionsTo(["servers", "set", "a", "--onwer", "b"])).toEqual(["servers set knows no --onwer"]);
    expect(objectionsTo(["tarce"])).toEqual(["there is no command tarce"]);
    expect(objectionsTo(["trace", "--jsn", "1vx5YS-0006QZ-1J"])).toEqual(["trace knows no --jsn"]);
    expect(objectionsTo(["trace"])).toEqual(["trace wants another number of arguments"]);
    expect(objectionsTo(["help", "a", "b"])).toEqual(["help wants another number of arguments"]);
    expect(objectionsTo(["ingest", "--batch-size", "none", "x"])).toHaveLength(1);
    expect(objectionsTo(["--versoin"])).toEqual(["exim-pilot knows no --versoin"]);
  });

  test("find examples in code, after a prompt and after a pipe", () => {
    const text = [
      "```sh",
      "npm ci",
      "exim-pilot ingest a.log   # comment",
      "zcat x.gz | exim-pilot ingest -",
      'exim-pilot sql "SELECT 1 > 2" > x | wc',
      "```",
      "```console",
      "$ exim-pilot stats",
      "Messages  1",
      "$ exim-pilot help",
      "```",
      "```json",
      "exim-pilot nothing",
      "```",
    ].join("\n");
    expect(examplesIn(text).map(({ argv, output }) => [argv, output])).toEqual([
      [["ingest", "a.log"], ""],
      [["ingest", "-"], ""],
      [["sql", "SELECT 1 > 2"], ""],
      [["stats"], "Messages  1\n"],
      [["help"], ""],
    ]);
  });
});

interface Example {
  readonly command: string;
  readonly argv: readonly string[];
  /** Output shown below it; empty if there is none. */
  readonly output: string;
}

/** Puts the output of today below the command, in the documents that show it. */
function updateOutput(command: string, output: string, stdout: string): void {
  for (const path of ["README.md", "docs/cookbook.md"]) {
    const text = readText(path);
    const updated = text.replace(`${command}\n${output}`, () => `${command}\n${stdout}`);
    if (updated !== text) writeFileSync(join(rootOf(), path), updated);
  }
}

/** Commands of the program in fenced blocks of shell. */
function examplesIn(text: string): Example[] {
  const blocks = [...text.matchAll(/^```(?:console|sh|bash|shell)\n(.*?)^```/gms)].map(([, block = ""]) => block);
  return blocks.flatMap((block) => {
    const hasPrompt = block.startsWith("$ ");
    const entries = hasPrompt ? block.split(/^\$ /m).slice(1) : block.split("\n");
    return entries.flatMap((entry): Example[] => {
      const [line = "", ...output] = entry.split("\n");
      const command = /(?:^|\|\s*)((?:\w+=\S+ )*exim-pilot\b.*)$/
        .exec(line)?.[1]
        ?.replace(/\s+(?:#|[|>]\s|&&)[^"]*$/, "");
      if (command === undefined) return [];
      const { argv } = parseCommand(command, PLACES);
      return [{ command, argv, output: hasPrompt ? output.join("\n") : "" }];
    });
  });
}

/** Why the program would not take the arguments. */
function objectionsTo(argv: readonly string[]): string[] {
  const program = newProgram();
  const [name = "", ...rest] = argv;
  const command = program.commands.find((candidate) => candidate.name() === name);
  const subcommand = command?.commands.find((candidate) => candidate.name() === rest[0]);
  if (subcommand !== undefined) return objectionsOf(subcommand, rest.slice(1));
  if (command === undefined) {
    if (!name.startsWith("-")) return [`there is no command ${name}`];
    return flagsOf(program).includes(name) ? [] : [`exim-pilot knows no ${name}`];
  }
  return objectionsOf(command, rest);
}

function objectionsOf(command: Command, argv: readonly string[]): string[] {
  const name = nameOf(command);
  try {
    const { operands, unknown } = command.parseOptions([...argv]);
    if (unknown[0] !== undefined && unknown[0] !== "--help") return [`${name} knows no ${unknown[0]}`];
    const { registeredArguments } = command;
    const least = registeredArguments.filter(({ required }) => required).length;
    const most = registeredArguments.some(({ variadic }) => variadic)
      ? Number.POSITIVE_INFINITY
      : registeredArguments.length;
    const isRight = operands.length >= least && operands.length <= most;
    return isRight || unknown.length > 0 ? [] : [`${name} wants another number of arguments`];
  } catch (error) {
    return [String(error)];
  }
}

/** Never run: only looked at. */
function newProgram(): Command {
  return buildProgram(stillIo(), () => {});
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands];
}

/** `servers`, `servers rename`. */
function nameOf(command: Command): string {
  const above = command.parent?.name() ?? "";
  return above === "exim-pilot" || above === "" ? command.name() : `${above} ${command.name()}`;
}

function flagsOf({ options }: Command): string[] {
  return options.filter(({ hidden }) => !hidden).flatMap(namesOf);
}

function namesOf({ short, long }: Option): string[] {
  return [short, long].filter((name) => name !== undefined && name !== null) as string[];
}

/** The flags of every command that uses the database. */
function sharedFlags(commands: readonly Command[]): string[] {
  const [first, ...others] = commands.filter((command) => flagsOf(command).includes("--db")).map(flagsOf);
  return (first ?? []).filter((flag) => others.every((flags) => flags.includes(flag)));
}

/** The numbers of sections in citations: `exim-log-grammar §3 and §13`. */
function citedSections(text: string): string[] {
  const citations = text.matchAll(/exim-log-grammar ((?:(?:, | and )?§\d+(?:\.\d+)?)+)/g);
  return [...citations].flatMap(([, numbers = ""]) => numbers.match(/\d+(?:\.\d+)?/g) ?? []);
}

/** Files of the project in code; `NAME` and `NNNN` stand for any name. */
function namedFiles(text: string): string[] {
  const paths = [...text.matchAll(/`((?:fixtures|docs|schema|src|test|bin)\/[^`\s]*)`/g)].map(([, path = ""]) => path);
  return paths.filter((path) => !/[*⟨]|NAME|NNNN/.test(path));
}

/** Paths of all files below a folder. */
function filesIn(folder: string): string[] {
  const items = readdirSync(join(rootOf(), folder), { recursive: true, withFileTypes: true });
  return items
    .filter((item) => item.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(rootOf().length));
}

/** Paragraphs, table rows and items that speak of a command. */
function partsAbout(text: string, command: string): string[] {
  const parts = text.split(/\n{2,}|\n(?=\||- |\* |#)/);
  return parts.filter((part) => new RegExp(`\`(exim-pilot )?${command}\\b|exim-pilot ${command}\\b`).test(part));
}

function hasWord(text: string, flag: string): boolean {
  return new RegExp(`(?<![\\w-])${flag}(?![\\w-])`).test(text);
}

/** `5,189 lines/s` differs from run to run. */
function withoutSpeed(output: string): string {
  return output.replace(/[\d,]+ lines\/s/, "0 lines/s");
}

/** Empty when the file is missing. */
function readText(path: string): string {
  const file = join(rootOf(), path);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

function rootOf(): string {
  return fileURLToPath(new URL("..", import.meta.url));
}

test("the index of test/support names every file", () => {
  const folder = join(rootOf(), "test", "support");
  const named = [...readText("test/support/README.md").matchAll(/^\| `([\w-]+\.ts)`/gm)].map(([, name]) => name);
  expect(named).toEqual(
    readdirSync(folder)
      .filter((name) => name.endsWith(".ts"))
      .sort(),
  );
});
