/** Brings the incidents in line with the lines that were read: from where an earlier run has come to, or from the first line. */
import type { DetectionStep, Episode, IncidentChange, ServerEpisodes } from "../store/incidents/incidents.ts";
import { isOldLog } from "../store/incidents/incidents.ts";
import type { DetectionProgressTable } from "../store/schema/tables.ts";
import type { DetectionReader, DetectionServer } from "../store/stats/detection-reader.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, MINUTE_MS } from "../units.ts";
import { Detector, settingsKey } from "./detector.ts";
import type { FoundEpisode } from "./rule.ts";
import { HACKED_ACCOUNT } from "./rules/hacked-account.ts";
import { accountSubject, attackedAccount, LOGIN_ATTACK } from "./rules/login-attack.ts";
import { SILENCE } from "./rules/silence.ts";
import { type AllThresholds, pausesOf, ruleOf } from "./rules.ts";

export interface DetectionWishes {
  readonly thresholds: AllThresholds;
  readonly now: EpochMs;
  /** Begin with the first line, whatever is known. */
  readonly again: boolean;
  /** Leave incidents as they are that ended before; undefined: none. */
  readonly sinceMs: number | undefined;
  readonly onDay?: (day: EpochMs) => void;
}

export interface ServerDetection {
  readonly server: string;
  /** Epoch ms of the newest line; undefined when there is none. */
  readonly newestMs: EpochMs | undefined;
  /** The newest line is older than a day. */
  readonly isOld: boolean;
  /** It began with the first line. */
  readonly isFresh: boolean;
  readonly changes: readonly IncidentChange[];
}

/** Stores what a run has found on a server, in one transaction; undefined when another run has come first. */
export type DetectionWriter = (
  step: DetectionStep,
  episodes: ServerEpisodes,
  server: string,
) => readonly IncidentChange[] | undefined;

/** Lines of the last minutes are read again by the next run, with those that come late: from another log, or another machine. */
const GRACE_MS = 10 * MINUTE_MS;
/** Where lines come later than that, so much is read again; for later ones detection begins with the first line. */
const LONGEST_GRACE_MS = 2 * HOUR_MS;
/** States are those of a multiple of this time: a run reads hardly more again than what is new. */
const STEP_MS = 5 * MINUTE_MS;
/** Another run may come first, and again. */
const MOST_TRIES = 5;

/** Detects for each server. What is stored depends on the lines and the thresholds alone, not on how many runs there were. */
export function detect(reader: DetectionReader, write: DetectionWriter, wishes: DetectionWishes): ServerDetection[] {
  return reader.servers().map((server) => {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const found = detectOf(server, reader, write, wishes);
      if (found !== undefined) return found;
    }
    throw new Error(`Detection for ${server.name} was overtaken by another run ${MOST_TRIES} times.`);
  });
}

/** True where a run goes on from what an earlier one has stored: else it begins with the first line. */
export function isResumable(
  reader: DetectionReader,
  progress: DetectionProgressTable | undefined,
  settings: string,
  now: EpochMs,
): progress is DetectionProgressTable {
  if (progress === undefined || progress.settings !== settings) return false;
  const firstNewMs = reader.firstNew(progress.server_id, progress.last_entry, now);
  return firstNewMs === undefined || firstNewMs >= settledUntil(progress);
}

interface ProgressState {
  /** First hour of the facts of the server. */
  readonly start: number;
  /** Epoch ms; the states are those of this time: facts before it were taken. */
  readonly settledMs: number;
  /** Lines that come so late are read with the others. */
  readonly graceMs: number;
}

function stateOf({ state }: Pick<DetectionProgressTable, "state">): ProgressState {
  return JSON.parse(state) as ProgressState;
}

/** Epoch ms; what is known of a server is known up to then, the end excluded. */
export function settledUntil(progress: Pick<DetectionProgressTable, "state">): number {
  return stateOf(progress).settledMs;
}

/** First hour of the facts of a server, in the state of its progress. */
export function startOf(progress: Pick<DetectionProgressTable, "state">): number {
  return stateOf(progress).start;
}

/** Milliseconds; more than before when lines have come later than that, so that the next ones do not need a new beginning. */
function graceAfter(
  reader: DetectionReader,
  before: DetectionProgressTable | undefined,
  settings: string,
  now: EpochMs,
): number {
  if (before === undefined || before.settings !== settings) return GRACE_MS;
  const { settledMs, graceMs } = stateOf(before);
  const firstNewMs = reader.firstNew(before.server_id, before.last_entry, now) ?? settledMs;
  const neededMs = graceMs + STEP_MS + settledMs - firstNewMs;
  return firstNewMs < settledMs && neededMs <= LONGEST_GRACE_MS ? neededMs : graceMs;
}

function detectOf(
  server: DetectionServer,
  reader: DetectionReader,
  write: DetectionWriter,
  { thresholds, now, again, sinceMs, onDay }: DetectionWishes,
): ServerDetection | undefined {
  const lastMs = reader.lastMs(server.id, now);
  if (lastMs === undefined)
    return { server: server.name, newestMs: undefined, isOld: false, isFresh: false, changes: [] };
  const settings = settingsKey(thresholds);
  const before = reader.progress(server.id);
  const lastEntry = reader.lastEntry();
  const known = !again && isResumable(reader, before, settings, now) ? before : undefined;
  const isFresh = known === undefined;
  const firstHour = Math.floor((isFresh ? reader.firstMs(server.id, now) : lastMs) / HOUR_MS);
  const fromMs = known === undefined ? firstHour * HOUR_MS : settledUntil(known);
  const graceMs = graceAfter(reader, before, settings, now);
  const settledMs = Math.max(fromMs, Math.floor((lastMs - graceMs) / STEP_MS) * STEP_MS);
  const memory = { read: (key: string) => (isFresh ? undefined : reader.state(server.id, key)) };
  const detector = new Detector(server.name, thresholds, memory, known === undefined ? undefined : startOf(known));
  const settle = () => ({
    start: detector.start ?? firstHour,
    // NOTE: states are written down at once, since the watches go on with what they are made of.
    states: settledMs > fromMs ? [...detector.states(settledMs)].map(toJson) : [],
  });
  let settled: ReturnType<typeof settle> | undefined;
  for (let day = fromMs; day <= lastMs; day += DAY_MS) {
    onDay?.(epochMs(day));
    for (const fact of reader.facts(server, day, Math.min(day + DAY_MS, lastMs + 1))) {
      if (fact.ms >= settledMs) settled ??= settle();
      detector.take(fact);
    }
  }
  const { start, states } = settled ?? settle();
  const isOld = isOldLog(lastMs, now);
  const episodes = detector
    .takeEpisodes(isOld ? undefined : now)
    .filter((episode) => sinceMs === undefined || episode.lastMs + episode.pauseMs >= sinceMs)
    .map((episode) => toStored(episode, lastMs, isOld, now));
  const step: DetectionStep = {
    before,
    after: {
      server_id: server.id,
      hour: Math.floor(settledMs / HOUR_MS) - 1,
      last_entry: lastEntry,
      settings,
      state: JSON.stringify({ start, settledMs, graceMs } satisfies ProgressState),
    },
    isFresh,
    states,
  };
  const changes = write(
    step,
    {
      serverId: server.id,
      episodes,
      sinceMs: Math.max(fromMs, sinceMs ?? fromMs),
      newestMs: lastMs,
      pauses: pausesOf(),
      now,
    },
    server.name,
  );
  if (changes === undefined) return undefined;
  return { server: server.name, newestMs: epochMs(lastMs), isOld, isFresh, changes };
}

function toJson([key, state]: readonly [key: string, state: unknown]): readonly [key: string, state: string] {
  return [key, JSON.stringify(state)];
}

/** Longest description that is stored: replies of others may be long. */
const MOST_TEXT = 600;

/** Hours of an episode whose figures are stored. */
const MOST_HOURS = 72;

function toStored(episode: FoundEpisode, newestMs: number, isOld: boolean, now: EpochMs): Episode {
  const { kind, subject, severity, startMs, firedMs, lastMs, pauseMs, count, hours, around, figures, messages } =
    episode;
  const rule = ruleOf(kind);
  if (rule === undefined) throw new Error(`There is no rule ${kind}.`);
  const { title, description } = rule.describe(subject, figures as never);
  const isSilence = kind === SILENCE.kind;
  const account = kind === LOGIN_ATTACK.kind ? attackedAccount(subject) : undefined;
  return {
    kind,
    subject,
    severity,
    startMs,
    firedMs,
    lastMs,
    goesOn: !isOld && (isSilence ? lastMs >= now : lastMs >= newestMs - pauseMs),
    count,
    hours,
    figures: { ...(figures as object), hours: hours.slice(-MOST_HOURS), around },
    title: title.slice(0, MOST_TEXT),
    description: description.slice(0, MOST_TEXT),
    messages,
    ruleVersion: rule.version,
    pauseMs,
    absorbs: kind === HACKED_ACCOUNT.kind ? { kind: LOGIN_ATTACK.kind, subject: accountSubject(subject) } : undefined,
    absorbedBy: account === undefined ? undefined : { kind: HACKED_ACCOUNT.kind, subject: account, pauseMs: DAY_MS },
  };
}
