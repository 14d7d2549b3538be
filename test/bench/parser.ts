/** The parser alone: no reading, no storing. */
import { readFileSync } from "node:fs";
import { parseEntry, startsEntry } from "../../src/parse/record.ts";

export interface ParserFigures {
  readonly lines: number;
  /** Processor time for all lines; the least of the runs. */
  readonly seconds: number;
}

/** More lines would measure the memory. */
const MOST_BYTES = 50e6;

/** Parses the beginning of a log, held in memory, `runs` times after one that warms up. */
export function measureParser(path: string, runs: number): ParserFigures {
  const lines = readFileSync(path, "latin1").slice(0, MOST_BYTES).split("\n");
  const records: string[][] = [];
  for (const line of lines) {
    if (startsEntry(line)) records.push([line]);
    else records.at(-1)?.push(line);
  }
  parseAll(records);
  const seconds = Array.from({ length: runs }, () => parseAll(records));
  return { lines: lines.length, seconds: Math.min(...seconds) };
}

function parseAll(records: readonly (readonly string[])[]): number {
  const before = process.cpuUsage();
  for (const record of records) parseEntry(record);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
