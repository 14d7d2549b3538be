/** Stores incidents: those that detection derives from lines, and what people say about them. */
import type Database from "better-sqlite3";
import { DAY_MS, type EpochMs, HOUR_MS } from "../../units.ts";
import { prepareOnce } from "../database/prepared.ts";
import type { DetectionProgressTable, IncidentActionsTable, StoredIncidentsTable } from "../schema/tables.ts";

export type IncidentSeverity = StoredIncidentsTable["severity"];
export type IncidentStatus = StoredIncidentsTable["status"];
export type IncidentAction = IncidentActionsTable["action"];

/** A stretch of time in which a rule found the same thing again and again, as the lines and the thresholds tell it. */
export interface Episode {
  readonly kind: string;
  readonly subject: string;
  readonly severity: IncidentSeverity;
  /** First line that shows it, the line with which the rule was met, and the last one that shows it. */
  readonly startMs: EpochMs;
  readonly firedMs: EpochMs;
  readonly lastMs: EpochMs;
  /** Nothing shows that it has ended. */
  readonly goesOn: boolean;
  /** Its main figure. */
  readonly count: number;
  /** Main figure by hour since the epoch, of the hours that met the rule. */
  readonly hours: readonly (readonly [hour: number, count: number])[];
  readonly figures: object;
  readonly title: string;
  readonly description: string;
  /** Ids of messages that show it. */
  readonly messages: readonly string[];
  readonly ruleVersion: number;
  /** A pause that does not end it, in ms. */
  readonly pauseMs: number;
  /** Incidents that it is the continuation of: they are not told beside it. */
  readonly absorbs?: IncidentSubject | undefined;
  /** Incident that it is a part of, where there is one at the time. */
  readonly absorbedBy?: (IncidentSubject & { readonly pauseMs: number }) | undefined;
}

interface IncidentSubject {
  readonly kind: string;
  readonly subject: string;
}

export interface ServerEpisodes {
  readonly serverId: number;
  /** Episodes that detection has looked at: all that reach into the time since `sinceMs`. */
  readonly episodes: readonly Episode[];
  /** Epoch ms; an incident that began later and is not among the episodes is withdrawn, unless people have judged it. */
  readonly sinceMs: number;
  /** Epoch ms of the last line that a clock can have told. */
  readonly newestMs: number;
  /** Pause, in ms, that ends an incident of each kind; one of a kind that is missing here ends with its episode alone. */
  readonly pauses: ReadonlyMap<string, number>;
  readonly now: EpochMs;
}

/** A change of an incident that somebody may want to hear of, in the transaction that makes it. */
export interface IncidentChange {
  readonly reason: "opened" | "worse" | "over" | "withdrawn";
  readonly incident: StoredIncidentsTable;
  /** Somebody does not want to hear of it. */
  readonly isMuted: boolean;
  /** False for what lines of an older log tell: it ended more than a day ago. */
  readonly isNews: boolean;
}

/** After a person has resolved an incident, what follows within this time is still the same. */
const SETTLING_MS = 6 * HOUR_MS;
/** A main figure that has grown so much since it was told is worse. */
const WORSE_TIMES = 4;
export const MOST_MESSAGES = 200;
const SEVERITIES: readonly IncidentSeverity[] = ["warning", "serious", "critical"];

/**
 * Brings the incidents of a server in line with its episodes; what people said stays. Returns the changes in the order of ids, for whoever
 * tells them to do so within the same transaction.
 */
export function saveEpisodes(database: Database.Database, server: ServerEpisodes): IncidentChange[] {
  const changes: IncidentChange[] = [];
  const kept = new Set<number>();
  for (const episode of [...server.episodes].sort((one, other) => one.firedMs - other.firedMs))
    if (!isAbsorbed(database, server, episode)) changes.push(...saveEpisode(database, server, episode, kept));
  for (const episode of server.episodes) changes.push(...absorb(database, server, episode, kept));
  changes.push(...withdraw(database, server, kept), ...endStale(database, server));
  return changes.sort((one, other) => one.incident.id - other.incident.id);
}

function saveEpisode(
  database: Database.Database,
  server: ServerEpisodes,
  episode: Episode,
  kept: Set<number>,
): IncidentChange[] {
  const { serverId } = server;
  const { kind, subject, startMs, lastMs, pauseMs } = episode;
  const matching = prepareOnce<unknown[], StoredIncidentsTable>(
    database,
    `SELECT * FROM stored_incidents WHERE server_id = ? AND kind = ? AND subject = ? AND start_ms <= ? AND last_ms >= ?
     ORDER BY start_ms, id`,
  ).all(serverId, kind, subject, lastMs + pauseMs, startMs - pauseMs);
  for (const { id } of matching) kept.add(id);
  const last = matching.at(-1);
  if (last === undefined) return [addIncident(database, server, episode, kept)];
  const settledHour = isSettled(last)
    ? Math.ceil(((last.decided_ms ?? last.last_ms) + SETTLING_MS) / HOUR_MS)
    : undefined;
  const later = settledHour === undefined ? [] : episode.hours.filter(([hour]) => hour >= settledHour);
  if (later.length > 0 && settledHour !== undefined) {
    const firstMs = ((later[0]?.[0] ?? settledHour) * HOUR_MS) as EpochMs;
    const count = later.reduce((sum, [, n]) => sum + n, 0);
    return [
      addIncident(database, server, { ...episode, startMs: firstMs, firedMs: firstMs, hours: later, count }, kept),
    ];
  }
  // NOTE: the first one keeps its number; of one that was found again with another beginning there is one row all the same.
  return updateIncident(database, server, episode, last, matching.length > 1 ? last.start_ms : startMs);
}

function addIncident(
  database: Database.Database,
  { serverId, now }: ServerEpisodes,
  episode: Episode,
  kept: Set<number>,
): IncidentChange {
  const { kind, subject } = episode;
  const previous = prepareOnce<unknown[], number>(
    database,
    "SELECT id FROM stored_incidents WHERE server_id = ? AND kind = ? AND subject = ? AND start_ms < ? ORDER BY start_ms DESC LIMIT 1",
  )
    .pluck()
    .get(serverId, kind, subject, episode.startMs);
  const id = nextNumber(database);
  kept.add(id);
  prepareOnce(
    database,
    `INSERT INTO stored_incidents (id, server_id, kind, subject, severity, status, start_ms, fired_ms, last_ms, end_ms, found_ms, updated_ms,
       title, description, figures, told_count, rule_version, previous_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    id,
    serverId,
    kind,
    subject,
    episode.severity,
    episode.goesOn ? "open" : "over",
    episode.startMs,
    episode.firedMs,
    episode.lastMs,
    episode.goesOn ? null : episode.lastMs,
    now,
    now,
    episode.title,
    episode.description,
    JSON.stringify(episode.figures),
    episode.count,
    episode.ruleVersion,
    previous ?? null,
  );
  putMessages(database, id, serverId, episode.messages);
  return changeOf(database, id, "opened", now);
}

function nextNumber(database: Database.Database): number {
  return prepareOnce<[], number>(
    database,
    `UPDATE incident_numbers SET last_id = max(last_id, (SELECT coalesce(max(id), 0) FROM stored_incidents)) + 1 RETURNING last_id`,
  )
    .pluck()
    .get() as number;
}

function updateIncident(
  database: Database.Database,
  { serverId, now }: ServerEpisodes,
  episode: Episode,
  stored: StoredIncidentsTable,
  startMs: number,
): IncidentChange[] {
  const isWorse =
    !isSettled(stored) &&
    (SEVERITIES.indexOf(episode.severity) > SEVERITIES.indexOf(stored.severity) ||
      episode.count >= WORSE_TIMES * Math.max(stored.told_count, 1));
  const hasEnded = stored.end_ms === null && !episode.goesOn;
  const figures = JSON.stringify(episode.figures);
  const endMs = episode.goesOn ? null : episode.lastMs;
  const next: StoredIncidentsTable = {
    ...stored,
    severity: episode.severity,
    status: statusOf(database, stored, endMs),
    start_ms: startMs,
    fired_ms: episode.firedMs,
    last_ms: episode.lastMs,
    end_ms: endMs,
    title: episode.title,
    description: episode.description,
    figures,
    told_count: isWorse ? episode.count : stored.told_count,
    rule_version: episode.ruleVersion,
  };
  putMessages(database, stored.id, serverId, episode.messages);
  const isSame = (Object.keys(next) as (keyof StoredIncidentsTable)[]).every((name) => next[name] === stored[name]);
  if (isSame) return [];
  prepareOnce(
    database,
    `UPDATE stored_incidents SET severity = ?, status = ?, start_ms = ?, fired_ms = ?, last_ms = ?, end_ms = ?, title = ?, description = ?,
       figures = ?, told_count = ?, rule_version = ?, updated_ms = ? WHERE id = ?`,
  ).run(
    next.severity,
    next.status,
    next.start_ms,
    next.fired_ms,
    next.last_ms,
    next.end_ms,
    next.title,
    next.description,
    next.figures,
    next.told_count,
    next.rule_version,
    now,
    stored.id,
  );
  if (isWorse) return [changeOf(database, stored.id, "worse", now)];
  return hasEnded && !isSettled(stored) ? [changeOf(database, stored.id, "over", now)] : [];
}

/** Judged by a person: what the lines tell changes its status no more. */
function isSettled({ status }: Pick<StoredIncidentsTable, "status">): boolean {
  return status === "resolved" || status === "false_alarm";
}

/** Status of an incident that nobody has settled: over when it has ended, else as the last word about it was. */
function statusOf(
  database: Database.Database,
  stored: Pick<StoredIncidentsTable, "id" | "status">,
  endMs: number | null,
): IncidentStatus {
  if (isSettled(stored)) return stored.status;
  if (endMs !== null) return "over";
  return lastAction(database, stored.id) === "acknowledge" ? "acknowledged" : "open";
}

function lastAction(database: Database.Database, id: number): IncidentAction | undefined {
  const sql = "SELECT action FROM incident_actions WHERE incident_id = ? ORDER BY id DESC LIMIT 1";
  return prepareOnce<[number], IncidentAction>(database, sql).pluck().get(id);
}

/** True when an incident of another kind tells of the episode. */
function isAbsorbed(database: Database.Database, { serverId, episodes }: ServerEpisodes, episode: Episode): boolean {
  const { absorbedBy: by, startMs, lastMs } = episode;
  if (by === undefined) return false;
  const [firstMs, untilMs] = [startMs - by.pauseMs, lastMs + by.pauseMs];
  const isNow = episodes.some(
    (other) =>
      other.kind === by.kind && other.subject === by.subject && other.startMs <= untilMs && other.lastMs >= firstMs,
  );
  const sql =
    "SELECT 1 FROM stored_incidents WHERE server_id = ? AND kind = ? AND subject = ? AND start_ms <= ? AND last_ms >= ?";
  return isNow || prepareOnce(database, sql).get(serverId, by.kind, by.subject, untilMs, firstMs) !== undefined;
}

/** Withdraws incidents that the episode is the continuation of, unless a person has said something about them. */
function absorb(
  database: Database.Database,
  { serverId, now }: ServerEpisodes,
  { absorbs, startMs, lastMs, pauseMs }: Episode,
  kept: Set<number>,
): IncidentChange[] {
  if (absorbs === undefined) return [];
  const rows = prepareOnce<unknown[], { id: number }>(
    database,
    `SELECT id FROM stored_incidents i WHERE server_id = ? AND kind = ? AND subject = ? AND start_ms <= ? AND last_ms >= ?
       AND NOT EXISTS (SELECT 1 FROM incident_actions a WHERE a.incident_id = i.id)`,
  ).all(serverId, absorbs.kind, absorbs.subject, lastMs + pauseMs, startMs - pauseMs);
  for (const { id } of rows) kept.delete(id);
  return rows.map(({ id }) => removeIncident(database, id, now));
}

function removeIncident(database: Database.Database, id: number, now: EpochMs): IncidentChange {
  const change = changeOf(database, id, "withdrawn", now);
  prepareOnce(database, "DELETE FROM stored_incidents WHERE id = ?").run(id);
  return change;
}

/** Removes incidents that the lines, as they are read now, do not show, unless a person has said something about them. */
function withdraw(
  database: Database.Database,
  { serverId, sinceMs, now }: ServerEpisodes,
  kept: ReadonlySet<number>,
): IncidentChange[] {
  const rows = prepareOnce<unknown[], { id: number }>(
    database,
    `SELECT id FROM stored_incidents i WHERE server_id = ? AND start_ms >= ?
       AND NOT EXISTS (SELECT 1 FROM incident_actions a WHERE a.incident_id = i.id)`,
  ).all(serverId, sinceMs);
  return rows.filter(({ id }) => !kept.has(id)).map(({ id }) => removeIncident(database, id, now));
}

/** Ends incidents that no line has shown for the pause of their kind, or while no line was read for a day. */
function endStale(database: Database.Database, { serverId, newestMs, pauses, now }: ServerEpisodes): IncidentChange[] {
  const rows = prepareOnce<unknown[], StoredIncidentsTable>(
    database,
    "SELECT * FROM stored_incidents WHERE server_id = ? AND end_ms IS NULL",
  ).all(serverId);
  return rows.flatMap((row) => {
    const pauseMs = pauses.get(row.kind);
    if (pauseMs === undefined || (row.last_ms >= newestMs - pauseMs && !isOldLog(newestMs, now))) return [];
    prepareOnce(database, "UPDATE stored_incidents SET end_ms = last_ms, status = ?, updated_ms = ? WHERE id = ?").run(
      statusOf(database, row, row.last_ms),
      now,
      row.id,
    );
    return isSettled(row) ? [] : [changeOf(database, row.id, "over", now)];
  });
}

/** Nothing is known of a day or more: what its lines tell is not said to go on. */
export function isOldLog(newestMs: number, now: EpochMs): boolean {
  return newestMs < now - DAY_MS;
}

function putMessages(database: Database.Database, id: number, serverId: number, messages: readonly string[]): void {
  const known = prepareOnce<[number], number>(database, "SELECT count(*) FROM incident_messages WHERE incident_id = ?")
    .pluck()
    .get(id) as number;
  const sql = "INSERT OR IGNORE INTO incident_messages (incident_id, server_id, exim_id) VALUES (?, ?, ?)";
  let room = MOST_MESSAGES - known;
  for (const eximId of messages) {
    if (room <= 0) return;
    room -= prepareOnce(database, sql).run(id, serverId, eximId).changes;
  }
}

function changeOf(
  database: Database.Database,
  id: number,
  reason: IncidentChange["reason"],
  now: EpochMs,
): IncidentChange {
  const incident = findIncident(database, id);
  if (incident === undefined) throw new Error(`Incident ${id} has just been stored and is not there.`);
  const { kind, subject, end_ms } = incident;
  const isMuted = prepareOnce<unknown[], number>(
    database,
    "SELECT 1 FROM incident_mutes WHERE kind = ? AND subject = ? AND (until_ms IS NULL OR until_ms > ?)",
  )
    .pluck()
    .get(kind, subject, now);
  return { reason, incident, isMuted: isMuted === 1, isNews: end_ms === null || end_ms >= now - DAY_MS };
}

export function findIncident(database: Database.Database, id: number): StoredIncidentsTable | undefined {
  return prepareOnce<[number], StoredIncidentsTable>(database, "SELECT * FROM stored_incidents WHERE id = ?").get(id);
}

/** Word of a person about an incident. */
export interface IncidentWord {
  readonly action: IncidentAction;
  readonly author: string;
  readonly note: string | undefined;
  readonly now: EpochMs;
}

const STATUS_OF: Readonly<Record<Exclude<IncidentAction, "reopen">, IncidentStatus>> = {
  acknowledge: "acknowledged",
  resolve: "resolved",
  false_alarm: "false_alarm",
};

/** Records the word and gives the incident its status; returns false, and changes nothing, when it has that status already. */
export function judgeIncident(
  database: Database.Database,
  incident: StoredIncidentsTable,
  { action, author, note, now }: IncidentWord,
): boolean {
  const undecided: IncidentStatus = incident.end_ms === null ? "open" : "over";
  const status = action === "reopen" ? undecided : STATUS_OF[action];
  if (status === incident.status) return false;
  prepareOnce(
    database,
    "INSERT INTO incident_actions (incident_id, at_ms, action, author, note) VALUES (?, ?, ?, ?, ?)",
  ).run(incident.id, now, action, author, note ?? null);
  prepareOnce(
    database,
    "UPDATE stored_incidents SET status = ?, author = ?, resolution = ?, decided_ms = ?, updated_ms = ? WHERE id = ?",
  ).run(status, author, note ?? null, now, now, incident.id);
  return true;
}

export interface IncidentMute {
  readonly kind: string;
  readonly subject: string;
  /** Undefined: for good. */
  readonly untilMs: EpochMs | undefined;
  readonly author: string;
  readonly reason: string;
}

export function muteIncidents(database: Database.Database, mute: IncidentMute, now: EpochMs): void {
  prepareOnce(
    database,
    `INSERT INTO incident_mutes (kind, subject, until_ms, author, reason, created_ms) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (kind, subject) DO UPDATE SET until_ms = excluded.until_ms, author = excluded.author, reason = excluded.reason,
       created_ms = excluded.created_ms`,
  ).run(mute.kind, mute.subject, mute.untilMs ?? null, mute.author, mute.reason, now);
}

/** False when it was not muted. */
export function unmuteIncidents(database: Database.Database, kind: string, subject: string): boolean {
  const sql = "DELETE FROM incident_mutes WHERE kind = ? AND subject = ?";
  return prepareOnce(database, sql).run(kind, subject).changes > 0;
}

/** How far a run of detection has come with a server, and what it knows there. */
export interface DetectionStep {
  /** The progress that the run began with; undefined: there was none, or it began anew. */
  readonly before: DetectionProgressTable | undefined;
  readonly after: DetectionProgressTable;
  /** It began with the first line: what was known before is forgotten. */
  readonly isFresh: boolean;
  /** By key; JSON. */
  readonly states: Iterable<readonly [key: string, state: string]>;
}

/** Stores a step; false, and nothing is stored, when another run has stored one meanwhile. */
export function saveDetection(database: Database.Database, step: DetectionStep): boolean {
  const { before, after, isFresh, states } = step;
  const stored = prepareOnce<[number], DetectionProgressTable>(
    database,
    "SELECT * FROM detection_progress WHERE server_id = ?",
  ).get(after.server_id);
  if (stored?.state !== before?.state || stored?.last_entry !== before?.last_entry) return false;
  if (isFresh) prepareOnce(database, "DELETE FROM detection_states WHERE server_id = ?").run(after.server_id);
  const put = prepareOnce(
    database,
    `INSERT INTO detection_states (server_id, key, state) VALUES (?, ?, ?)
     ON CONFLICT (server_id, key) DO UPDATE SET state = excluded.state`,
  );
  for (const [key, state] of states) put.run(after.server_id, key, state);
  prepareOnce(
    database,
    `INSERT INTO detection_progress (server_id, hour, last_entry, settings, state) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (server_id) DO UPDATE SET hour = excluded.hour, last_entry = excluded.last_entry, settings = excluded.settings,
       state = excluded.state`,
  ).run(after.server_id, after.hour, after.last_entry, after.settings, after.state);
  return true;
}
