/** A run of detection: for its own command, and after an ingest. */
import type { ServerDetection } from "../incidents/detect.ts";
import type { IncidentChange } from "../store/incidents/incidents.ts";
import { type DatabaseFlags, usingReader, usingWriter } from "./context.ts";
import { findConfiguration } from "./flags/effective-options.ts";
import { toTimeRange } from "./flags/time-range.ts";
import type { Io } from "./io.ts";

export interface DetectionFlags extends DatabaseFlags {
  readonly config?: string;
  readonly since?: string;
  /** Begin with the first line. */
  readonly again?: boolean;
}

/** Brings the incidents in line with the stored lines. Errors: `usage` for rules and thresholds that there are not; those of the database. */
export async function runDetection(flags: DetectionFlags, io: Io): Promise<readonly ServerDetection[]> {
  const { detect } = await import("../incidents/detect.ts");
  const { thresholdsFrom } = await import("../incidents/rules.ts");
  const thresholds = thresholdsFrom(findConfiguration(flags.config, io).thresholds);
  const { since } = toTimeRange(flags.since === undefined ? {} : { since: flags.since }, io);
  return usingWriter(
    flags,
    io,
    (writer) =>
      usingReader(flags, io, async (reader) => {
        // NOTE: an incident that is told must be on the disk.
        writer.syncCommits();
        const wishes = { thresholds, now: io.now(), again: flags.again === true, sinceMs: since };
        return detect(
          await reader.detection(),
          (step, episodes) =>
            writer.write((transactor): readonly IncidentChange[] | undefined => {
              if (!transactor.saveDetection(step)) return undefined;
              return transactor.saveEpisodes(episodes);
            }),
          wishes,
        );
      }),
    { create: false },
  );
}
