/** Incidents as people see them, and what they say about them. */
import { PilotError } from "../errors.ts";
import { parseEntryText } from "../parse/record.ts";
import type { IncidentReader, StoredIncident } from "../store/incidents/incident-reader.ts";
import type { IncidentAction, IncidentSeverity, IncidentStatus, IncidentWord } from "../store/incidents/incidents.ts";
import type { StoredIncidentsTable } from "../store/schema/tables.ts";
import type { AbuseReader } from "../store/stats/abuse-reader.ts";
import { findScriptArrivals, LONGEST_CALL_MS } from "../store/stats/script-calls.ts";
import type { Transactor } from "../store/write/transactor.ts";
import { compareText } from "../text.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, toIso } from "../units.ts";
import type { IncidentStep } from "./rule.ts";
import { SCRIPT_MAIL } from "./rules/script-mail.ts";
import { type AllThresholds, ruleOf } from "./rules.ts";

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

export interface CallDirectory {
  readonly directory: string;
  readonly messages: number;
}

/** All that is known of one incident. */
export interface IncidentDetails extends IncidentSummary {
  readonly figures: Readonly<Record<string, unknown>>;
  /** Usual figure of an hour; null where nothing is usual. */
  readonly usual: number | null;
  /** Its figure in each of 24 hours, the last of which is that of the last line; `isMet`: the hour met the rule. */
  readonly hours: readonly { readonly hour: string; readonly count: number; readonly isMet: boolean }[];
  /** Thresholds of the rule, as they are now. */
  readonly thresholds: Readonly<Record<string, number>>;
  /** Ids of messages that show it, the first of them, and how many are named in all. */
  readonly messages: readonly string[];
  readonly messageCount: number;
  /** Directories in which Exim was called for the mail of a local user, the most frequent first; none where their lines are pruned. */
  readonly directories: readonly CallDirectory[];
  readonly steps: readonly IncidentStep[];
  readonly words: readonly IncidentWordSaid[];
}

const STRIP_HOURS = 24;
const SHOWN_MESSAGES = 10;
const SHOWN_DIRECTORIES = 5;

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
export async function findDetails(
  { incidents: reader, abuse }: { readonly incidents: IncidentReader; readonly abuse: AbuseReader },
  id: number,
  thresholds: AllThresholds,
  now: EpochMs,
): Promise<IncidentDetails> {
  const row = reader.find(id, now);
  if (row === undefined) throw noIncident(id, reader.highestId());
  const {
    hours: met = [],
    around = [],
    ...figures
  } = JSON.parse(row.figures) as Record<string, unknown> & {
    hours?: readonly (readonly [number, number])[];
    around?: readonly (readonly [number, number])[];
  };
  const [metHours, counts] = [new Map(met), new Map([...around, ...met])];
  const lastHour = Math.floor(row.last_ms / HOUR_MS);
  const usual = figures["usual"] ?? figures["usualRecipients"];
  return {
    ...toSummary(row),
    figures,
    usual: typeof usual === "number" ? usual : null,
    hours: Array.from({ length: STRIP_HOURS }, (_, index) => {
      const hour = lastHour - STRIP_HOURS + 1 + index;
      return { hour: toIso(epochMs(hour * HOUR_MS)), count: counts.get(hour) ?? 0, isMet: metHours.has(hour) };
    }),
    thresholds: thresholds.get(row.kind) ?? {},
    messages: reader.messages(id, SHOWN_MESSAGES),
    messageCount: reader.countMessages(id),
    directories: row.kind === SCRIPT_MAIL.kind ? await findDirectories(abuse, row) : [],
    steps: (ruleOf(row.kind)?.steps(row.subject, figures as never) ?? []).map((step) => atTimeOf(step, row)),
    words: reader.actions(id).map(({ at_ms, action, author, note }) => ({
      at: toIso(epochMs(at_ms)),
      action,
      author,
      note,
    })),
  };
}

async function findDirectories(abuse: AbuseReader, incident: StoredIncident): Promise<readonly CallDirectory[]> {
  const { server, subject, start_ms, last_ms } = incident;
  const period = { sinceMs: start_ms - LONGEST_CALL_MS, untilMs: last_ms + 1, servers: [server] };
  const counts = new Map<string, number>();
  for await (const { directory, message } of findScriptArrivals(abuse, period, parseEntryText))
    if (message.ident === subject) counts.set(directory, (counts.get(directory) ?? 0) + 1);
  return [...counts]
    .map(([directory, messages]) => ({ directory, messages }))
    .sort((one, other) => other.messages - one.messages || compareText(one.directory, other.directory))
    .slice(0, SHOWN_DIRECTORIES);
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
