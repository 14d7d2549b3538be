/** Notifications of incidents, stored in the transaction that changes these. */
import type { IncidentChange } from "../store/incidents/incidents.ts";
import { isMilder, type NewNotification, type NoticeSeverity } from "../store/outbox/notification.ts";
import type { Outbox } from "../store/outbox/outbox.ts";
import { type EpochMs, toIso } from "../units.ts";

export interface IncidentNotices {
  /** Name of the server of the incidents. */
  readonly server: string;
  /** The mildest severity that somebody is told of. */
  readonly minimum: NoticeSeverity;
  readonly now: EpochMs;
}

/**
 * Stores a notification for each change that somebody is to hear of; returns how many. Nobody hears of what is muted or old. The end of an
 * incident is for those who heard of its beginning, and one that is withdrawn is not told any more.
 */
export function tellIncidents(
  outbox: Outbox,
  changes: readonly IncidentChange[],
  { server, minimum, now }: IncidentNotices,
): number {
  let told = 0;
  for (const change of changes) {
    const { reason, incident, isMuted, isNews } = change;
    if (reason === "withdrawn") {
      outbox.cancelPending(keyOf(incident.id, ""), now);
      continue;
    }
    if (isMuted || !isNews) continue;
    if (reason === "over" ? !outbox.hasKey(keyOf(incident.id, "opened")) : isMilder(incident.severity, minimum))
      continue;
    if (outbox.enqueue(toNotification(reason, incident, server), now) !== undefined) told++;
  }
  return told;
}

function toNotification(
  reason: Exclude<IncidentChange["reason"], "withdrawn">,
  incident: IncidentChange["incident"],
  server: string,
): NewNotification {
  const { id, severity, title, description, start_ms, end_ms, told_count } = incident;
  const iso = (at: number | null): string | null => (at === null ? null : toIso(at as EpochMs));
  const detail = reason === "opened" ? "" : reason === "worse" ? `:${severity}:${told_count}` : `:${end_ms}`;
  return {
    dedupKey: keyOf(id, `${reason}${detail}`),
    reason,
    severity,
    incidentId: id,
    event: {
      version: 1,
      server,
      title: title.replace(/\.$/, ""),
      notes: description === "" ? [] : description.split("\n"),
      since: iso(start_ms),
      until: iso(end_ms),
      command: `exim-pilot incidents show ${id}`,
    },
  };
}

function keyOf(incident: number, rest: string): string {
  return `incident:${incident}:${rest}`;
}
