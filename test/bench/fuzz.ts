/** Mutated lines through the parser: none may throw, none may take long. */
import { parseEntryText } from "../../src/parse/record.ts";

export interface FuzzFigures {
  readonly lines: number;
  /** Processor time of the parser alone. */
  readonly seconds: number;
  readonly slowestMicros: number;
  readonly slowestSeed: number;
  /** Errors that were thrown, with the seeds of the lines. */
  readonly failures: readonly string[];
}

/** Enough for Node to have compiled what a line of a rare form needs. */
const REPEATS = 25;
/** Lines that are in memory at a time. */
const CHUNK = 100;

interface Slowest {
  readonly micros: number;
  readonly seed: number;
}

/** Parses the lines of `count` seeds, `firstSeed` the first. */
export function fuzzParser(count: number, firstSeed: number, lineOf: (seed: number) => string): FuzzFigures {
  const failures: string[] = [];
  let slowest: Slowest = { micros: 0, seed: firstSeed };
  let seconds = 0;
  for (let from = firstSeed; from < firstSeed + count; from += CHUNK) {
    const length = Math.min(CHUNK, firstSeed + count - from);
    const lines = Array.from({ length }, (_, index) => lineOf(from + index));
    const before = process.cpuUsage();
    for (const [index, line] of lines.entries()) slowest = parseTimed(line, from + index, slowest, failures);
    const { user, system } = process.cpuUsage(before);
    seconds += (user + system) / 1e6;
  }
  return { lines: count, seconds, slowestMicros: slowest.micros, slowestSeed: slowest.seed, failures };
}

function parseTimed(line: string, seed: number, slowest: Slowest, failures: string[]): Slowest {
  try {
    const started = performance.now();
    parseEntryText(line);
    const wallMicros = (performance.now() - started) * 1000;
    if (wallMicros <= slowest.micros) return slowest;
    const micros = leastMicros(line);
    return micros > slowest.micros ? { micros, seed } : slowest;
  } catch (error) {
    failures.push(`seed ${seed}: ${String(error)}`);
    return slowest;
  }
}

/** The least processor time of several: other processes and the collection of garbage are not the line's. */
function leastMicros(line: string): number {
  let least = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const before = process.cpuUsage();
    parseEntryText(line);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}
