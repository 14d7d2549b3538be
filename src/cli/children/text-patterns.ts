/** Runs patterns over texts: in a process of its own where one may look for years. See killable.ts. */
import { once } from "node:events";
import { PilotError } from "../../errors.ts";
import type { Candidate, Matches, QueueSelection } from "../../queue/selection.ts";
import { isLinear } from "../../search/pattern.ts";
import type { CriterionPattern } from "../../spool/criteria.ts";
import { SECOND_MS } from "../../units.ts";
import type { Io } from "../io.ts";
import { Killable } from "./killable.ts";
import type { TextPatternOutcome } from "./text-pattern-process.ts";

/** Tries the patterns of criteria on their texts. `timeoutMs`: 0 is no limit. Errors: `timeout`, `memory`, `interrupted`. */
export async function matchTexts(
  selection: QueueSelection,
  candidates: Iterable<Candidate>,
  timeoutMs: number,
  io: Io,
): Promise<Matches> {
  const matching = new Map<CriterionPattern, ReadonlySet<string>>();
  for (const [pattern, texts] of selection.openTexts(candidates)) {
    if (!isQuickPattern(pattern)) matching.set(pattern, await matchElsewhere(pattern, texts, timeoutMs, io));
  }
  return (pattern, text) => matching.get(pattern)?.has(text) ?? testPattern(pattern, text);
}

/** True for what surely ends at once, on any text. */
export function isQuickPattern({ source }: CriterionPattern): boolean {
  return isLinear(source, { isLiteral: false });
}

export function testPattern({ source, flags }: CriterionPattern, text: string): boolean {
  return new RegExp(source, flags).test(text);
}

async function matchElsewhere(
  { source, flags }: CriterionPattern,
  wanted: ReadonlySet<string>,
  timeoutMs: number,
  io: Io,
): Promise<ReadonlySet<string>> {
  const texts = [...wanted];
  const work = new Killable(
    "text-pattern-process.js",
    { source, flags, texts },
    ["ignore", "inherit", "inherit", "ipc"],
    timeoutMs,
    io,
  );
  let outcome: TextPatternOutcome | undefined;
  work.child.once("message", (message) => {
    outcome = message as TextPatternOutcome;
  });
  try {
    work.limit.start();
    await once(work.child, "close");
    if (io.signal.aborted) throw new PilotError("interrupted", "Interrupted while a pattern was tried.");
    if (work.limit.isOver) {
      throw new PilotError(
        "timeout",
        `The pattern /${source}/ had no answer after ${timeoutMs / SECOND_MS} s and was stopped.`,
        {
          hint: "Nested repetitions take long: simplify the pattern, or allow more time with --timeout 5m.",
        },
      );
    }
    if (outcome?.kind !== "done") throw work.failure(outcome, "The pattern");
    const matching = outcome.matching;
    return new Set(matching.map((index) => texts[index] ?? ""));
  } finally {
    work.end();
  }
}
