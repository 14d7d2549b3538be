/** Incidents as people see them, and what they say about them. */
import { PilotError } from "../errors.ts";
import type { IncidentReader, StoredIncident } from "../store/incidents/incident-reader.ts";
import type { IncidentAction, IncidentSeverity, IncidentStatus, IncidentWord } from "../store/incidents/incidents.ts";
import type { StoredIncidentsTable } from "../store/schema/tables.ts";
import type { Transactor } from "../store/write/transactor.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, toIso } from "../units.ts";
import type { IncidentStep } from "./rule.ts";
import { ruleOf } from "./rules.ts";

/** An incident in a list. Times are ISO-8601. */
export interface IncidentSummary {
  readonly id: number;
  readonly server: string;
  /** Name of the rule. */
  readonly type: string;
  /** Empty: the server as a whole. */
  readonly subject: string;
  readonly severity: IncidentSeverity;
  readonly status: IncidentStatus;
  readonly title: string;
  readonly description: string;
  readonly start: string;
  /** The line with which the rule was met. */
  readonly fired: string;
  /** The last line that shows it. */
  readonly last: string;
  /** Null while it goes on. */
  readonly end: string | null;
  readonly found: string;
  readonly updated: string;
  /** The last one of the same kind and subject. */
  readonly previousId: number | null;
  /** Who gave it its status; null: nobody did. */
  readonly author: string | null;
  readonly resolution: string | null;
  readonly isMuted: boolean;
}

export interface IncidentWordSaid {
  readonly at: string;
  readonly action: IncidentAction;
  readonly author: string;
  readonly note: string | null;
}

/** All that is known of one incident. */
export interface IncidentDetails extends IncidentSummary {
  readonly figures: Readonly<Record<string, unknown>>;
  /** Usual figure of an hour; null where nothing is usual. */
  readonly usual: number | null;
  /** Its figure in each of 24 hours, the last of which is that of the last line. */
  readonly hours: readonly { readonly hour: string; readonly count: number }[];
  /** Ids of messages that show it, the first of them, and how many are named in all. */
  readonly messages: readonly string[];
  readonly messageCount: number;
  readonly steps: readonly IncidentStep[];
  readonly words: readonly IncidentWordSaid[];
}

const STRIP_HOURS = 24;
const SHOWN_MESSAGES = 10;

export function toSummary(row: StoredIncident): IncidentSummary {
  const iso = (ms: number): string => toIso(epochMs(ms));
  return {
    id: row.id,
    server: row.server,
    type: row.kind,
    subject: row.subject,
    severity: row.severity,
    status: row.status,
    title: row.title,
    description: row.description,
    start: iso(row.start_ms),
    fired: iso(row.fired_ms),
    last: iso(row.last_ms),
    end: row.end_ms === null ? null : iso(row.end_ms),
    found: iso(row.found_ms),
    updated: iso(row.updated_ms),
    previousId: row.previous_id,
    author: row.author,
    resolution: row.resolution,
    isMuted: row.is_muted === 1,
  };
}

/** Errors: `not_found`. */
export function findDetails(reader: IncidentReader, id: number, now: EpochMs): IncidentDetails {
  const row = reader.find(id, now);
  if (row === undefined) throw noIncident(id, reader.highestId());
  const { hours: counted = [], ...figures } = JSON.parse(row.figures) as Record<string, unknown> & {
    hours?: readonly (readonly [number, number])[];
  };
  const counts = new Map(counted);
  const lastHour = Math.floor(row.last_ms / HOUR_MS);
  const usual = figures["usual"] ?? figures["usualRecipients"];
  return {
    ...toSummary(row),
    figures,
    usual: typeof usual === "number" ? usual : null,
    hours: Array.from({ length: STRIP_HOURS }, (_, index) => {
      const hour = lastHour - STRIP_HOURS + 1 + index;
      return { hour: toIso(epochMs(hour * HOUR_MS)), count: counts.get(hour) ?? 0 };
    }),
    messages: reader.messages(id, SHOWN_MESSAGES),
    messageCount: reader.countMessages(id),
    steps: (ruleOf(row.kind)?.steps(row.subject, figures as never) ?? []).map((step) => atTimeOf(step, row)),
    words: reader.actions(id).map(({ at_ms, action, author, note }) => ({
      at: toIso(epochMs(at_ms)),
      action,
      author,
      note,
    })),
  };
}

function noIncident(id: number, highest: number): PilotError {
  return new PilotError("not_found", `There is no incident ${id}.`, {
    hint:
      highest === 0
        ? "None was found so far; `exim-pilot incidents detect` looks for some."
        : `The highest number is ${highest}; \`exim-pilot incidents\` lists them.`,
  });
}

export interface IncidentJudgement {
  readonly id: number;
  readonly title: string;
  readonly before: IncidentStatus;
  readonly status: IncidentStatus;
  /** False when it had this status already. */
  readonly isChanged: boolean;
}

/** Gives an incident a status. Errors: `not_found`. */
export function judge(transactor: Transactor, id: number, word: IncidentWord): IncidentJudgement {
  const stored = transactor.findIncident(id);
  if (stored === undefined) throw noIncident(id, transactor.highestIncident());
  const isChanged = transactor.judgeIncident(stored, word);
  const { status } = transactor.findIncident(id) ?? stored;
  return { id, title: stored.title, before: stored.status, status, isChanged };
}

const ORDER: readonly StoredIncidentsTable["severity"][] = ["warning", "serious", "critical"];

/** Severities of at least the one given. */
export function severitiesFrom(least: IncidentSeverity): readonly IncidentSeverity[] {
  return ORDER.slice(ORDER.indexOf(least));
}

/** Length of a unit of time in ms. */
const UNITS: Readonly<Record<string, number>> = { h: HOUR_MS, d: DAY_MS };

/** Has a command ask for the days of the incident, where it asks for the last ones: `--since 2d`. */
function atTimeOf(
  step: IncidentStep,
  { start_ms, end_ms }: Pick<StoredIncidentsTable, "start_ms" | "end_ms">,
): IncidentStep {
  if (step.command === undefined) return step;
  const day = (at: number): string => toIso(epochMs(at)).slice(0, "2026-03-02".length);
  const command = step.command.replace(/--since (\d+)([hd])$/, (_span, count: string, unit: string) => {
    const since = `--since ${day(start_ms - Number(count) * (UNITS[unit] ?? 0))}`;
    return end_ms === null ? since : `${since} --until ${day(end_ms + DAY_MS)}`;
  });
  return { ...step, command };
}
