/** Evidence that strangers wrote, read in a process of its own; it is started by {@link readEvidenceFile} in evidence.ts. */
import { readEvidenceParts } from "../../content/evidence-parts.ts";
import type { EvidenceSection } from "../../content/evidence-sections.ts";
import { serveJob } from "./killable-process.ts";

export interface EvidenceJob {
  readonly base64: string;
}

export interface EvidenceOutcome {
  readonly kind: "done";
  readonly sections: readonly EvidenceSection[];
}

await serveJob(
  async ({ base64 }: EvidenceJob): Promise<EvidenceOutcome> => ({
    kind: "done",
    sections: await readEvidenceParts(Buffer.from(base64, "base64")),
  }),
);
