/** Reads what somebody has in hand of a mail: text at once, a mail with MIME parts in a process with limits of time and memory. */

import { type EvidenceSection, needsParser, splitEvidence } from "../../content/evidence-sections.ts";
import { PilotError } from "../../errors.ts";
import { MIB, SECOND_MS } from "../../units.ts";
import type { Io } from "../io.ts";
import type { EvidenceJob, EvidenceOutcome } from "./evidence-process.ts";
import { Killable } from "./killable.ts";
import type { ProcessFailure } from "./killable-process.ts";

const MOST_MEMORY_BYTES = 300 * MIB;
const TIMEOUT_MS = 10 * SECOND_MS;

export interface ReadSections {
  readonly sections: readonly EvidenceSection[];
  /** Why only its beginning was read, as a sentence; undefined: all of it was. */
  readonly limitation: string | undefined;
}

/** Sections of the evidence. One that takes too much is read as text, without its parts. Errors: `interrupted`, `io`. */
export async function readSections(bytes: Buffer, io: Io): Promise<ReadSections> {
  const latin1 = bytes.toString("latin1");
  if (!needsParser(latin1)) return { sections: splitEvidence(latin1), limitation: undefined };
  const job: EvidenceJob = { base64: bytes.toString("base64") };
  const stdio = ["ignore", "inherit", "inherit", "ipc"] as const;
  const work = new Killable("evidence-process.js", job, [...stdio], TIMEOUT_MS, io, MOST_MEMORY_BYTES);
  try {
    work.limit.start();
    const outcome = await new Promise<EvidenceOutcome | ProcessFailure | undefined>((resolve, reject) => {
      let last: EvidenceOutcome | ProcessFailure | undefined;
      work.child.on("message", (message) => {
        last = message as EvidenceOutcome | ProcessFailure;
      });
      work.child.on("error", reject);
      work.child.on("close", () => resolve(last));
    });
    if (io.signal.aborted) throw new PilotError("interrupted", "Interrupted before the evidence was read.");
    if (outcome?.kind === "done") return { sections: outcome.sections, limitation: undefined };
    const limitation = limitationOf(work);
    if (limitation === undefined) throw work.failure(outcome, "The reading of the evidence");
    return { sections: splitEvidence(latin1), limitation };
  } finally {
    work.end();
  }
}

/** Undefined: it did not end for what it took. */
function limitationOf(work: Killable): string | undefined {
  const rest = "Its parts were not read, only its beginning.";
  if (work.limit.isOver) return `Reading it took more than ${TIMEOUT_MS / SECOND_MS} s and was stopped. ${rest}`;
  if (work.isTooLarge)
    return `Reading it took more than ${MOST_MEMORY_BYTES / MIB} MiB of memory and was stopped. ${rest}`;
  return undefined;
}
