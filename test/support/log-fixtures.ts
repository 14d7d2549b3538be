/**
 * Annotated log lines: `fixtures/logs/*.log`, one file per family of lines or per trap.
 *
 *     # lab default:365: a delivery to /dev/null, optimised away
 *     #> {"kind":"delivery","transport":"**bypassed**"}
 *     2026-03-02 09:00:25 1vwz8b-0005e3-2u => /dev/null <devnull@example.org> R=system_aliases T=**bypassed**
 *
 * A comment says where the record came from. `#>` begins a record and holds what is expected of its event; the physical lines
 * follow, up to the next line that begins with `#` or the end of the file.
 *
 * - Objects are compared by the keys that are given, lists whole; `null` means that the line does not tell.
 * - The reserved keys `prefix` (with `wall`, the stamp as an ISO string) and `text` are compared with those of the entry.
 * - The kind `unparsed` means that the first line begins no entry.
 * - `residue` is expected to be empty unless it is given.
 */
import { readdirSync, readFileSync } from "node:fs";

export interface LogFixture {
  readonly file: string;
  /** Number of the `#>` line, from 1. */
  readonly lineNumber: number;
  /** The comment lines above, without their `#`. */
  readonly comment: string;
  /** JSON as it stands in the file. */
  readonly expected: string;
  /** Physical lines, read as latin1 as the ingester does. */
  readonly lines: readonly string[];
}

const FOLDER = new URL("../../fixtures/logs/", import.meta.url);

/** Names of the fixture files, sorted. */
export function logFixtureFiles(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(".log"))
    .sort();
}

/** The records of one file, in their order. */
export function readLogFixtures(file: string): LogFixture[] {
  return parseLogFixtures(file, readFileSync(new URL(file, FOLDER)));
}

/** The records of every file. */
export function allLogFixtures(): LogFixture[] {
  return logFixtureFiles().flatMap(readLogFixtures);
}

const EXPECTATION = "#>";

/** Splits the bytes of a file into records; lines before the first expectation that are no comments are an error. */
export function parseLogFixtures(file: string, bytes: Buffer): LogFixture[] {
  const fixtures: { -readonly [Key in keyof LogFixture]: LogFixture[Key] }[] = [];
  let comment: string[] = [];
  let lines: string[] | undefined;
  const physical = bytes.toString("latin1").split("\n");
  if (physical.at(-1) === "") physical.pop();
  for (const [index, line] of physical.entries()) {
    if (line.startsWith(EXPECTATION)) {
      lines = [];
      const expected = Buffer.from(line.slice(EXPECTATION.length), "latin1").toString("utf8").trim();
      fixtures.push({ file, lineNumber: index + 1, comment: comment.join("\n"), expected, lines });
      comment = [];
    } else if (line.startsWith("#")) {
      lines = undefined;
      comment.push(line.slice(1).trim());
    } else if (lines !== undefined) {
      lines.push(line);
    } else {
      throw new Error(`${file}:${index + 1}: this line belongs to no record: ${line}`);
    }
  }
  return fixtures;
}
