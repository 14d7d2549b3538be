/**
 * Golden cases of the command line: `fixtures/cli/<case>/{cmd,stdout,stderr,exit}`. A `cmd` holds a command a line, with its
 * environment in front as in a shell; a line that begins with `#` says what the case is for.
 *
 *     # a message whose two recipients fared differently
 *     COLUMNS=120 exim-pilot trace 1vx5YT-0006RL-10
 *
 * `$FIXTURES` stands for the fixtures, and `$DB` for a database of this case alone with the logs of `fixtures/corpus/default`. `$NEW`
 * stands for a file that is not there. Outputs are kept with the same names. Without `--db`, commands use `$DB`. Lines are
 * of 80 columns, or of `COLUMNS`; with `COLUMNS=` they are as in a pipe, as where a place is printed between other words. The world stands still: the time is UTC and fixed, the host is mx1,
 * nothing is a terminal. With several commands, each begins with `$ command`.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "./cli.ts";
import { readTruth } from "./corpus.ts";
import { copyDatabase, FIXTURES } from "./database.ts";
import { madeOnce } from "./made-once.ts";

export interface GoldenCase {
  readonly name: string;
  readonly directory: string;
  readonly commands: readonly string[];
}

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** A status a line. */
  readonly exit: string;
}

/** Values of `$NAME`. */
export type Places = Readonly<Record<"FIXTURES" | "DB" | "NEW", string>>;

const CASES = join(FIXTURES, "cli");
const CORPUS = join(FIXTURES, "corpus", "default");

export function goldenCases(): GoldenCase[] {
  return readdirSync(CASES)
    .sort()
    .map((name) => ({ name, directory: join(CASES, name), commands: readCommands(join(CASES, name, "cmd")) }));
}

/** Makes a database of the trimmed logs of the profile "default" as those of the server mx1. */
export async function makeGoldenDatabase(path: string): Promise<void> {
  copyDatabase(await madeOnce("golden.db", ingestCorpus), path);
}

async function ingestCorpus(path: string): Promise<void> {
  const logs = ["mainlog", "rejectlog", "paniclog"].map((log) => join(CORPUS, log));
  const { timezone } = readTruth(CORPUS);
  const argv = ["ingest", "--quiet", "--db", path, "--server", "mx1", "--timezone", timezone, ...logs];
  const { status, stdout, stderr } = await runCli(argv);
  if (status !== 0 || stdout + stderr !== "") throw new Error(`The logs cannot be ingested: ${stdout}${stderr}`);
}

/** Runs the commands of a case, one after the other. */
export async function runCase({ commands }: GoldenCase, places: Places): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  for (const command of commands) {
    const { argv, env } = parseCommand(command, places);
    const { COLUMNS = "80", ...others } = env;
    const width = COLUMNS === "" ? {} : { columns: Number(COLUMNS) };
    const { status, stdout, stderr } = await runCli(argv, { ...width, env: { EXIM_PILOT_DB: places.DB, ...others } });
    assertWhole(stdout, command, places);
    const heading = (output: string): string => (commands.length === 1 ? "" : `$ ${command}\n`) + output;
    outcomes.push({
      stdout: heading(nameThePlaces(stdout, places)),
      stderr: nameThePlaces(stderr, places),
      exit: `${status}\n`,
    });
  }
  const join = (part: keyof Outcome): string => outcomes.map((outcome) => outcome[part]).join("");
  return { stdout: join("stdout"), stderr: join("stderr"), exit: join("exit") };
}

/** Expected output of the case; empty where the file is missing. */
export function readOutcome({ directory }: GoldenCase): Outcome {
  const read = (part: keyof Outcome): string => {
    const path = join(directory, part);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  };
  return { stdout: read("stdout"), stderr: read("stderr"), exit: read("exit") };
}

export function writeOutcome({ directory }: GoldenCase, outcome: Outcome): void {
  for (const part of ["stdout", "stderr", "exit"] as const) writeFileSync(join(directory, part), outcome[part]);
}

export interface ParsedCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** `NAME=value … exim-pilot argument …`; quotes keep blanks together. */
export function parseCommand(command: string, places: Places): ParsedCommand {
  const words = splitWords(command).map((word) =>
    word.replace(/\$(FIXTURES|DB|NEW)\b/g, (_, name) => places[name as keyof Places]),
  );
  const program = words.indexOf("exim-pilot");
  if (program < 0) throw new Error(`A command of a golden case runs exim-pilot: ${command}`);
  const env = words.slice(0, program).map((word) => word.split("=", 2) as [string, string]);
  return { argv: words.slice(program + 1), env: Object.fromEntries(env) };
}

function splitWords(command: string): string[] {
  return [...command.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );
}

function readCommands(path: string): string[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

/** Refuses a page that ends a line within the path of a place: elsewhere that path has another length. */
function assertWhole(page: string, command: string, places: Places): void {
  const flat = page.replaceAll(/\s+/g, "");
  const torn = Object.values(places).filter((path) => path !== "" && flat.includes(path) && !page.includes(path));
  if (torn.length > 0) throw new Error(`The width of this page cuts a path; put COLUMNS= in front: ${command}`);
}

function nameThePlaces(output: string, places: Places): string {
  return Object.entries(places).reduce((text, [name, path]) => text.replaceAll(path, `$${name}`), output);
}
