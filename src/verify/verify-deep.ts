/** Compares what is stored with the lines: they are read again into a copy, and the public views of both are compared. */
import { PilotError } from "../errors.ts";
import { type CopyDifference, untilCaughtUp, type WorkingCopy } from "../store/working-copy.ts";
import type { CheckReport } from "./verify.ts";

const QUESTION = "Do the lines, read again by this exim-pilot, say what is stored?";

/**
 * `replay` reads into the copy what it lacks. Undefined when it was stopped. Errors: `busy`, those of the database.
 */
export async function verifyDeep(
  copy: WorkingCopy,
  replay: () => Promise<void>,
  { signal, onView }: { readonly signal: AbortSignal; readonly onView: (view: string) => void },
): Promise<CheckReport | undefined> {
  try {
    const compared = await untilCaughtUp(
      copy,
      replay,
      () => signal.aborted,
      () => copy.compare(onView),
    );
    if (compared === undefined) return undefined;
    const { differences, exclusions } = compared;
    const count = differences.reduce((sum, { rows }) => sum + rows, 0);
    const report = { name: "lines", question: QUESTION, count, findings: differences.flatMap(describe) };
    return exclusions.bytes === 0 ? report : { ...report, exclusions };
  } catch (error) {
    if (!(error instanceof PilotError) || error.code !== "corrupt") throw error;
    return { name: "lines", question: QUESTION, count: 1, findings: [error.message] };
  }
}

function describe({ view, side, rows, samples }: CopyDifference): readonly string[] {
  const what = side === "stored" ? "stored, and not what the lines say" : "what the lines say, and not stored";
  return [
    `${view}: ${rows} ${rows === 1 ? "row is" : "rows are"} ${what}.`,
    ...samples.map((sample) => `${view}, ${side}: ${sample}`),
  ];
}
