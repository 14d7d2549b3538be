/** Runs a pattern over the text of lines: in a process of its own where it may look for years. See killable.ts. */
import { on } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { PilotError } from "../../errors.ts";
import { formatCount } from "../../render/form/format.ts";
import { compilePattern, isLinear } from "../../search/pattern.ts";
import type { LineMatch, RawLines } from "../../store/log-text/line-scan.ts";
import { SECOND_MS } from "../../units.ts";
import type { Io } from "../io.ts";
import { Killable } from "./killable.ts";
import type { PatternJob, PatternMessage } from "./pattern-process.ts";

/** Signals are heard as often. */
const LONGEST_TURN_MS = 100;

/**
 * The lines that match, as they are found. `timeoutMs`: how long one block of lines may take; 0 for as long as it likes.
 * Errors: `timeout`, `memory`, `interrupted`, those of the database.
 */
export function matchLines(
  lines: RawLines,
  job: PatternJob,
  timeoutMs: number,
  io: Io,
): AsyncGenerator<readonly LineMatch[]> {
  return isLinear(job.pattern, job) ? matchHere(lines, job, io) : matchElsewhere(job, timeoutMs, io);
}

async function* matchHere(lines: RawLines, job: PatternJob, { signal }: Io): AsyncGenerator<readonly LineMatch[]> {
  const blocks = lines.countBlocks(job.sinceMs);
  let [searched, turnMs] = [0, performance.now()];
  for (const matches of lines.matching(compilePattern(job.pattern, job), job.sinceMs)) {
    searched++;
    yield matches;
    if (performance.now() - turnMs < LONGEST_TURN_MS) continue;
    await nextTurn();
    if (signal.aborted) throw interrupted(searched, blocks);
    turnMs = performance.now();
  }
}

async function* matchElsewhere(job: PatternJob, timeoutMs: number, io: Io): AsyncGenerator<readonly LineMatch[]> {
  const work = new Killable("pattern-process.js", job, ["ignore", "inherit", "inherit", "ipc"], timeoutMs, io);
  let outcome: Exclude<PatternMessage, { readonly kind: "found" }> | undefined;
  let [searched, blocks] = [0, 0];
  try {
    // NOTE: the first message comes before the first block.
    for await (const [value] of on(work.child, "message", { close: ["close"] })) {
      const message = value as PatternMessage;
      work.limit.restart();
      if (message.kind !== "found") {
        outcome = message;
        continue;
      }
      ({ searched, blocks } = message);
      yield message.matches;
    }
    if (io.signal.aborted) throw interrupted(searched, blocks);
    if (work.limit.isOver) throw timedOut(timeoutMs, searched, blocks);
    if (outcome?.kind !== "done") throw work.failure(outcome, "The search for the pattern");
  } finally {
    work.end();
  }
}

function timedOut(timeoutMs: number, searched: number, blocks: number): PilotError {
  return new PilotError(
    "timeout",
    `The pattern had no answer for one block of lines after ${timeoutMs / SECOND_MS} s and was stopped; ${extent(searched, blocks)}.`,
    {
      hint: "Nested repetitions take long: simplify the pattern, try --literal, or allow more time with --timeout 5m.",
    },
  );
}

function interrupted(searched: number, blocks: number): PilotError {
  return new PilotError("interrupted", `Interrupted before all lines were searched; ${extent(searched, blocks)}.`, {
    hint: "--since leaves out older lines.",
  });
}

/** `12 of 340 blocks were searched`. */
function extent(searched: number, blocks: number): string {
  return `${formatCount(searched)} of ${formatCount(blocks)} blocks were searched`;
}
