/**
 * README, the pages of docs, changelog and the documents for developers against the program: what is written is there, and what is
 * there is written. `UPDATE_GOLDEN=1` writes the pages that are made of the program again, and the outputs of examples.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command, Option } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readArgv } from "../src/cli/declare/argv.ts";
import { buildProgram } from "../src/cli/declare/program.ts";
import { EXIT_BUG, EXIT_STATUS } from "../src/errors.ts";
import { KIND_NAMES } from "../src/message/kinds.ts";
import { MESSAGE_STATUSES, RECIPIENT_STATUSES } from "../src/message/statuses.ts";
import { runCli } from "./support/cli.ts";
import { FIXTURES, temporaryFolder } from "./support/database.ts";
import { makeGoldenDatabase, parseCommand, runCase } from "./support/golden.ts";
import { renderCounting, renderReference } from "./support/reference.ts";
import { stillIo } from "./support/still-io.ts";
import { queryAll } from "./support/views.ts";

const README = readText("README.md");
const COOKBOOK = readText("docs/cookbook.md");
/** Pages that users read; CONTRIBUTING.md links the others. */
const PAGES = [
  "README.md",
  "docs/cookbook.md",
  "docs/operations.md",
  "docs/troubleshooting.md",
  "docs/reference.md",
  "docs/sql.md",
  "docs/counting.md",
  "docs/json.md",
];
/** Flags of npm, docker and others, which pages name. */
const FLAGS_OF_OTHERS: readonly string[] = [];
const CHANGELOG = readText("CHANGELOG.md");
const ARCHITECTURE = readText("docs/architecture.md");
const GRAMMAR = readText("docs/exim-log-grammar.md");
const PLACES = { FIXTURES: "", DB: "", NEW: "" };
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");

/** Spool of the examples, with retry records: `/var/spool/exim4` in the pages. */
const SPOOL = join(FOLDER, "spool");

beforeAll(async () => {
  await makeGoldenDatabase(DB);
  expect((await runCli(["incidents", "detect", "--quiet", "--db", DB])).status).toBe(0);
  cpSync(join(FIXTURES, "queue", "default"), SPOOL, { recursive: true });
  mkdirSync(join(SPOOL, "db"));
  cpSync(join(FIXTURES, "queue", "hints", "retry"), join(SPOOL, "db", "retry"));
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe("the README", () => {
  test("is short, and begins with both commands of a clone", () => {
    expect(README.split("\n").length).toBeLessThanOrEqual(151);
    for (const command of ["npm ci && npm run demo", "npm ci && npm test"]) expect(README).toContain(command);
  });

  test("links every page for users", () => {
    for (const path of PAGES) if (path !== "README.md") expect(README).toContain(`](${path})`);
  });

  test("answers six questions", () => {
    const rows = [...README.matchAll(/^\| [^|]*\? \| `(exim-pilot [^`]*)` \|$/gm)].map(([, command = ""]) => command);
    expect(rows).toHaveLength(6);
    for (const row of rows) expect(objectionsTo(parseCommand(row, PLACES).argv)).toEqual([]);
  });
});

describe("a page that is made of the program", () => {
  test.each([
    ["docs/reference.md", () => renderReference(newProgram())],
    ["docs/counting.md", renderCounting],
  ] as const)("%s is as it would be made now", (path, render) => {
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(join(rootOf(), path), render());
    expect(readText(path)).toBe(render());
  });

  test("package.json lists the manual page of each command", () => {
    const names = [
      "exim-pilot",
      ...newProgram()
        .commands.map((command) => `exim-pilot-${command.name()}`)
        .sort(),
    ];
    const pages = names.map((name) => `./dist/man/${name}.1`);
    if (process.env["UPDATE_GOLDEN"] === "1") {
      const manifest = readText("package.json");
      const written = manifest.replace(/"man": (\[[^\]]*\])/, (whole, list: string) =>
        whole.replace(list, JSON.stringify(pages, null, 2).replaceAll("\n", "\n  ")),
      );
      // NOTE: vite reads it while tests run, and must not meet it empty.
      if (written !== manifest) writeFileSync(join(rootOf(), "package.json"), written);
    }
    expect((JSON.parse(readText("package.json")) as { man: unknown }).man).toEqual(pages);
  });

  test("has every command, flag, exit code and status", () => {
    const reference = readText("docs/reference.md");
    for (const command of newProgram().commands.flatMap(withSubcommands)) {
      expect(reference).toContain(`\n${nameOf(command).includes(" ") ? "###" : "##"} ${nameOf(command)}\n`);
      for (const flag of flagsOf(command)) expect(hasWord(reference, flag), flag).toBe(true);
    }
    const codes = [...reference.matchAll(/^\| (\d+) \| \S/gm)].map(([, status]) => Number(status));
    for (const status of [0, EXIT_BUG, ...Object.values(EXIT_STATUS)]) expect(codes).toContain(status);
    for (const status of [...MESSAGE_STATUSES, ...RECIPIENT_STATUSES]) expect(reference).toContain(`| \`${status}\` |`);
  });
});

describe("the pages for users", () => {
  const texts = PAGES.map((path) => [path, readText(path)] as const);
  const written = texts.filter(([, text]) => !text.includes("<!-- Made of the program"));

  test.each(texts)("%s names and links files and parts that are there", (path, text) => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const missing = links
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [file = "", part] = target.split("#");
        const place = file === "" ? path : join(dirname(path), file);
        return !existsSync(join(rootOf(), place)) || (part !== undefined && !anchorsIn(readText(place)).includes(part));
      });
    expect(missing).toEqual([]);
    const named = [...text.matchAll(/`((?:fixtures|docs|schema|src|test|bin)\/[^`\s]*)`/g)].map(
      ([, name = ""]) => name,
    );
    expect(named.filter((name) => !existsSync(join(rootOf(), name)))).toEqual([]);
  });

  test.each(written)("%s names no flag that is not there", (_path, text) => {
    const known = new Set([
      "--help",
      ...[newProgram(), ...newProgram().commands.flatMap(withSubcommands)].flatMap(flagsOf),
    ]);
    const outsideCode = text.replace(/^```.*?^```$/gms, "");
    const named = [...outsideCode.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([flag]) => flag);
    expect(named.filter((flag) => !known.has(flag) && !FLAGS_OF_OTHERS.includes(flag))).toEqual([]);
  });

  test("say nothing twice", () => {
    const seen = new Map<string, string>();
    const twice: string[] = [];
    for (const [path, text] of written) {
      for (const sentence of sentencesIn(text)) {
        const before = seen.get(sentence);
        if (before !== undefined) twice.push(`${before}, ${path}: ${sentence}`);
        seen.set(sentence, path);
      }
    }
    expect(seen.size).toBeGreaterThan(100);
    expect(twice).toEqual([]);
  });

  test("name every public view", () => {
    const views = queryAll<{ name: string }>(DB, "SELECT name FROM sqlite_schema WHERE type = 'view'");
    expect(views.length).toBeGreaterThan(5);
    const sql = readText("docs/sql.md");
    expect(views.map(({ name }) => name).filter((name) => !sql.includes(`\`${name}\``))).toEqual([]);
  });
});

describe("an example of a page", () => {
  const examples = PAGES.flatMap((path) => examplesIn(readText(path)));

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

  const withOutput = examples.filter(({ isShown }) => isShown);

  test("has its output below it, here and there", () => {
    expect(withOutput.length).toBeGreaterThan(2);
  });

  test.each(withOutput.map((example) => [example.command, example] as const))(
    "%s prints what is shown",
    async (command, { argv, output }) => {
      const isIngest = argv[0] === "ingest";
      const where = isIngest ? "EXIM_PILOT_DB=$NEW " : "";
      const real =
        where +
        command
          .replace(/(?<=\s)(mainlog|rejectlog|paniclog)\b/g, "$$FIXTURES/corpus/default/$1")
          .replaceAll("/var/spool/exim4", `'${SPOOL}'`);
      const places = { FIXTURES, DB, NEW: join(temporaryFolder(), "new.db") };
      const isOfPlaces = isIngest || argv[0] === "sources";
      const commands = [isOfPlaces ? `COLUMNS= ${real}` : real];
      const { stdout, stderr } = await runCase({ name: command, directory: "", commands }, places);
      // NOTE: a page with a path is laid out as in a pipe, since the path has another length elsewhere.
      expect(isOfPlaces).toBe(/\$(?:FIXTURES|DB|NEW)/.test(stdout));
      const printed = (stdout + stderr)
        .replaceAll("$FIXTURES/corpus/default/", "")
        .replaceAll("$NEW", "exim-pilot.db")
        .replaceAll(SPOOL, "/var/spool/exim4");
      if (process.env["UPDATE_GOLDEN"] === "1" && !isIngest) showAnew(command, output, printed);
      expect(withoutSpeed(output)).toBe(withoutSpeed(printed));
    },
  );

  const inTables = [...COOKBOOK.matchAll(/^\|.*\| `(exim-pilot [^`]*)` \|$/gm)].map(([, command = ""]) => command);

  test("is there for the tools of Exim that the queue stands for", () => {
    for (const tool of ["exim -bp", "exiqgrep", "exipick", "exiqsumm", "exinext"])
      expect(COOKBOOK).toContain(`\`${tool}`);
    expect(inTables.length).toBeGreaterThan(10);
  });

  test.each(inTables)("%s works", async (command) => {
    const { argv } = parseCommand(command.replaceAll("/var/spool/exim4", `'${SPOOL}'`), PLACES);
    const { status, stdout, stderr } = await runCli([...argv, "--db", DB]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).not.toBe("");
  });

  test("answers fifteen questions and more in the cookbook", () => {
    const questions = COOKBOOK.split(/^## /m).slice(1);
    expect(questions.length).toBeGreaterThanOrEqual(15);
    expect(questions.filter((question) => !/^\$ exim-pilot .*\n[^`]/m.test(question))).toEqual([]);
  });

  test("in SQL finds what is shown", () => {
    const questions = [...readText("docs/sql.md").matchAll(/^\$ sqlite3 .*?"([^"]+)"\n(.*?)^```/gms)];
    expect(questions.length).toBeGreaterThan(1);
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
    expect(
      names.filter((name) => !CHANGELOG.includes(name)),
      "A new command needs a line under Unreleased in CHANGELOG.md that names it.",
    ).toEqual([]);
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
    const kinds = KIND_NAMES.filter((kind) => kind !== "other" && kind !== "unparsed");
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
    expect(objectionsTo(["queue", "next", "a.example", "--spool", "/x", "--hints", "y"])).toEqual([]);
    expect(objectionsTo(["queue", "next", "a.example", "--spol", "/x"])).toEqual(["queue next knows no --spol"]);
    expect(objectionsTo(["tarce"])).toEqual([expect.stringContaining('There is no command "tarce"')]);
    expect(objectionsTo(["bob@example.org", "--jsn"])).toEqual(["search knows no --jsn"]);
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
      "```sh",
      "exim-pilot stats \\",
      "  --json",
      "```",
    ].join("\n");
    expect(examplesIn(text).map(({ argv, output }) => [argv, output])).toEqual([
      [["ingest", "a.log"], ""],
      [["ingest", "-"], ""],
      [["sql", "SELECT 1 > 2"], ""],
      [["stats"], "Messages  1\n"],
      [["help"], ""],
      [["stats", "--json"], ""],
    ]);
  });
});

interface Example {
  readonly command: string;
  readonly argv: readonly string[];
  /** Output shown below it; empty if there is none. */
  readonly output: string;
  /** It stands after a prompt, so that its output is below it. */
  readonly isShown: boolean;
}

/** Puts what is printed now below the command, in the documents that show it. */
function showAnew(command: string, output: string, stdout: string): void {
  for (const path of PAGES) {
    const text = readText(path);
    const updated = text.replace(`${command}\n${output}`, () => `${command}\n${stdout}`);
    if (updated !== text) writeFileSync(join(rootOf(), path), updated);
  }
}

/** Commands of the program in fenced blocks of shell; a backslash at the end of a line joins it with the next. */
function examplesIn(text: string): Example[] {
  const blocks = [...text.matchAll(/^```(?:console|sh|bash|shell)\n(.*?)^```/gms)].map(([, block = ""]) => block);
  return blocks.flatMap((block) => {
    const hasPrompt = block.startsWith("$ ");
    const entries = hasPrompt ? block.split(/^\$ /m).slice(1) : block.replaceAll(/\\\n\s*/g, "").split("\n");
    return entries.flatMap((entry): Example[] => {
      const [line = "", ...output] = entry.split("\n");
      const command = /(?:^|\|\s*|^sudo (?:-u \S+ )?)((?:\w+=\S+ )*exim-pilot\b.*)$/
        .exec(line)?.[1]
        ?.replace(/\s+(?:#|[|>]\s|&&)[^"]*$/, "");
      if (command === undefined) return [];
      const { argv } = parseCommand(command, PLACES);
      return [{ command, argv, output: hasPrompt ? output.join("\n") : "", isShown: hasPrompt }];
    });
  });
}

/** Why the program would not take the arguments. */
function objectionsTo(typed: readonly string[]): string[] {
  const program = newProgram();
  let argv: readonly string[];
  try {
    argv = readArgv(typed, (name) => /log|^\//.test(name));
  } catch (error) {
    return [String(error)];
  }
  const [name = "", ...rest] = argv;
  const command = program.commands.find((candidate) => candidate.name() === name);
  const subcommand = command?.commands.find((candidate) => candidate.name() === rest[0]);
  if (command !== undefined && subcommand !== undefined) {
    // The command takes its own flags wherever they stand.
    const { operands, unknown } = command.parseOptions(rest.slice(1));
    return objectionsOf(subcommand, [...operands, ...unknown]);
  }
  if (command === undefined) {
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

/** Names of headings, as links have them. */
function anchorsIn(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, "")
      .replaceAll(" ", "-"),
  );
}

/** Sentences of some length outside code, tables and headings. */
function sentencesIn(text: string): string[] {
  const prose = text.replace(/^```.*?^```$/gms, "").replace(/^(?:\||#| {4}).*$/gm, "");
  const paragraphs = prose.split(/\n{2,}/).map((paragraph) => paragraph.replaceAll(/\s+/g, " ").trim());
  return paragraphs.flatMap((paragraph) => paragraph.split(/(?<=[.:;]) /)).filter((sentence) => sentence.length > 50);
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
