/** A run of detection: for its own command, and after an ingest. */
import type { ServerDetection } from "../../incidents/detect.ts";
import type { IncidentChange } from "../../store/incidents/incidents.ts";
import type { NoticeSeverity } from "../../store/outbox/notification.ts";
import type { Reader } from "../../store/reader.ts";
import { type DatabaseFlags, usingReader, usingWriter } from "../context.ts";
import type { ConfigurationValues } from "../flags/configuration.ts";
import { findConfiguration } from "../flags/effective-options.ts";
import { readNotifySettings } from "../flags/notify-settings.ts";
import { toTimeRange } from "../flags/time-range.ts";
import type { Io } from "../io.ts";
import { hasReceivers } from "../notify/alarms.ts";

export interface DetectionFlags extends DatabaseFlags {
  readonly config?: string;
  readonly since?: string;
  /** Begin with the first line. */
  readonly again?: boolean;
}

/**
 * Brings the incidents in line with the stored lines, then asks `look` what else is wanted, of the database as it is now.
 * Errors: `usage` for rules and thresholds that there are not; those of the database.
 */
export async function runDetection<Result>(
  flags: DetectionFlags,
  io: Io,
  look: (servers: readonly ServerDetection[], reader: Reader) => Promise<Result>,
): Promise<Result> {
  const { detect } = await import("../../incidents/detect.ts");
  const { thresholdsFrom } = await import("../../incidents/rules.ts");
  const { tellIncidents } = await import("../../notify/incident-notices.ts");
  const configuration = findConfiguration(flags.config, io);
  const thresholds = thresholdsFrom(configuration.thresholds);
  const minimum = leastToldIn(configuration);
  const { since } = toTimeRange(flags.since === undefined ? {} : { since: flags.since }, io);
  return usingWriter(
    flags,
    io,
    (writer) =>
      usingReader(flags, io, async (reader) => {
        // NOTE: an incident that is told must be on the disk.
        writer.syncCommits();
        const wishes = { thresholds, now: io.now(), again: flags.again === true, sinceMs: since };
        const servers = detect(
          await reader.detection(),
          (step, episodes, server) =>
            writer.write((transactor): readonly IncidentChange[] | undefined => {
              if (!transactor.saveDetection(step)) return undefined;
              const changes = transactor.saveEpisodes(episodes);
              if (minimum !== undefined) tellIncidents(transactor.outbox, changes, { server, minimum, now: io.now() });
              return changes;
            }),
          wishes,
        );
        return look(servers, reader);
      }),
    { create: false },
  );
}

/** Returns the mildest severity that somebody is told of; undefined where there is nobody to tell. */
function leastToldIn(configuration: ConfigurationValues): NoticeSeverity | undefined {
  if (configuration.notify.notify === undefined) return undefined;
  const settings = readNotifySettings(configuration);
  return hasReceivers(settings) ? settings.minimum : undefined;
}
