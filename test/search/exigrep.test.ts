/**
 * `search --raw` against exigrep: the same messages with the same lines for the patterns that are kept beside the corpus.
 * Where it differs, exigrep is at fault in one of the known ways, and each way is counted here.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decodeLines } from "../../src/text.ts";
import { runCli } from "../support/cli.ts";
import { corpusProfiles, syslogCorpora } from "../support/corpus.ts";
import { corpusDatabase, mainLogDatabase } from "../support/corpus-database.ts";

/** One pattern in this number is tried; EXIM_PILOT_TORTURE tries all. */
const EACH = process.env["EXIM_PILOT_TORTURE"] === undefined ? 4 : 1;

/** The logs exigrep was run over. */
const PROFILES = [
  ...corpusProfiles().map((corpus) => ({
    ...corpus,
    log: corpus.logs.main,
    isSyslog: false,
    open: () => mainLogDatabase(corpus),
  })),
  ...syslogCorpora().map((corpus) => ({
    ...corpus,
    log: corpus.logs.syslog,
    isSyslog: true,
    open: () => corpusDatabase(corpus),
  })),
].filter(({ directory }) => existsSync(join(directory, "exigrep", "INDEX.txt")));

/** Why exigrep shows something else: known defects of it. */
type Defect =
  | "lines after the word Completed form a message of their own"
  | "a message on the queue is shown by -v though it matches"
  | "-t knows no fractions of seconds and leaves nothing out"
  | "a message refused after its data never ends"
  | "-M looks forward only"
  | "an entry that syslog got in pieces is left out";

if (PROFILES.length === 0) test.skip("the full corpus is not beside the project: nothing was compared with exigrep");

describe.skipIf(PROFILES.length === 0)("search --raw", () => {
  test.each(PROFILES.map((profile, number) => [profile.name, profile, number] as const))(
    "of %s shows what exigrep shows",
    { timeout: 300_000 },
    async (_name, { directory, log, truth, isSyslog, open }, number) => {
      const db = await open();
      const unexplained: string[] = [];
      const text = decodeLines(readFileSync(log, "latin1"));
      const all = readGroups(text, isSyslog);
      const pieces = isSyslog ? readPieces(text) : new Set<string>();
      for (const [index, { file, args }] of readIndex(directory).entries()) {
        if ((index + number) % EACH !== 0) continue;
        const { stdout } = await runCli(["search", "--db", db, "--raw", ...args], { timeZone: truth.timezone });
        const ours = readGroups(stdout, isSyslog);
        const theirs = readGroups(decodeLines(readFileSync(join(directory, "exigrep", file), "latin1")), isSyslog);
        for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
          const isRelated = isNamed(key, ours);
          const difference = explain(ours.get(key), theirs.get(key), all.get(key) ?? [], args, pieces, isRelated);
          if (difference !== undefined) unexplained.push(`${file} ${args.join(" ")}: ${difference} ${key}`);
        }
      }
      expect(unexplained).toEqual([]);
    },
  );
});

interface Case {
  readonly file: string;
  readonly args: readonly string[];
}

/** `01.txt	rc=0	96 lines	exigrep '-l' 'o'brien' mainlog` */
function readIndex(directory: string): Case[] {
  const lines = readFileSync(join(directory, "exigrep", "INDEX.txt"), "utf8")
    .trim()
    .split("\n");
  return lines.map((line) => {
    const [, file = "", list = ""] = /^(\S+)\t.*\texigrep '(.*)' \w+$/.exec(line) ?? [];
    return { file, args: list.split("' '") };
  });
}

const STAMPED = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})?(?: \[\d+\])? /;
const ID = /^(?:\w{6}-\w{6}-\w{2}|\w{6}-\w{11}-\w{4})(?= )/;

/** Prefix of syslog, with the number of a piece: `Dec 29 03:31:01 mx1 exim[21104]: [1/2] `; exigrep leaves it out. */
const SYSLOG_HEADER = /^[A-Z][a-z]{2} [ \d]\d [\d:]{8} \S+ exim\[\d+\]: (\[\d+[\\/]\d+\] )?/;

/** Stamped lines by message; a line without an id by itself. One that syslog got for two logs is one. */
function readGroups(output: string, isSyslog: boolean): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const text of output.split("\n")) {
    const line = text.replace(SYSLOG_HEADER, "");
    const stamp = STAMPED.exec(line)?.[0];
    if (stamp === undefined) continue;
    const key = ID.exec(line.slice(stamp.length))?.[0] ?? line;
    const group = groups.get(key) ?? [];
    if (!isSyslog || !group.includes(line)) groups.set(key, [...group, line]);
  }
  return groups;
}

/** The first lines of entries that came in pieces. */
function readPieces(log: string): ReadonlySet<string> {
  const lines = log.split("\n").filter((line) => SYSLOG_HEADER.exec(line)?.[1] !== undefined);
  return new Set(lines.map((line) => line.replace(SYSLOG_HEADER, "")));
}

/** A line of another message of the output names it, or one of its own names another. */
function isNamed(id: string, groups: ReadonlyMap<string, readonly string[]>): boolean {
  const own = (groups.get(id) ?? []).join("\n");
  return [...groups].some(
    ([other, lines]) => other !== id && (own.includes(other) || lines.some((line) => line.includes(id))),
  );
}

function explain(
  ours: readonly string[] | undefined,
  theirs: readonly string[] | undefined,
  lines: readonly string[],
  args: readonly string[],
  pieces: ReadonlySet<string>,
  isRelated: boolean,
): string | undefined {
  if (ours !== undefined && theirs !== undefined && sortedText(ours) === sortedText(theirs)) return undefined;
  return defectOf(ours, theirs, lines, args, pieces, isRelated) === undefined
    ? `exigrep ${theirs?.length ?? "no"} lines, search ${ours?.length ?? "none"}`
    : undefined;
}

function defectOf(
  ours: readonly string[] | undefined,
  theirs: readonly string[] | undefined,
  lines: readonly string[],
  args: readonly string[],
  pieces: ReadonlySet<string>,
  isRelated: boolean,
): Defect | undefined {
  const isFinished = lines.some((line) => / Completed(?: |$)/.test(line));
  const isCut = lines
    .slice(0, -1)
    .some((line) => /Completed|SMTP data timeout|^\S+ \S+(?: \S+)? \S+ rejected/.test(line));
  if (ours === undefined) {
    if (args.includes("-v") && isCut) return "lines after the word Completed form a message of their own";
    if (args.includes("-v") && !isFinished) return "a message on the queue is shown by -v though it matches";
    if (args.includes("-t") && lines.every((line) => /^\S+ \S+\.\d+ /.test(line)))
      return "-t knows no fractions of seconds and leaves nothing out";
    if (args.includes("-t") && lines.every((line) => !/ [<(]= /.test(line)))
      return "a message refused after its data never ends";
    return undefined;
  }
  if (theirs === undefined) return args.includes("-M") && isRelated ? "-M looks forward only" : undefined;
  const isPart = theirs.every((line) => ours.includes(line));
  const lacking = ours.filter((line) => !theirs.includes(line));
  if (isPart && lacking.every((line) => pieces.has(line))) return "an entry that syslog got in pieces is left out";
  return isPart && isCut ? "lines after the word Completed form a message of their own" : undefined;
}

function sortedText(lines: readonly string[]): string {
  return lines.toSorted().join("\n");
}
