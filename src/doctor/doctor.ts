/** Is all as it should be? Every check says what it saw; what is wrong comes with what to do about it. */
import { existsSync } from "node:fs";
import type { Coverage } from "../coverage/holes.ts";
import { PilotError } from "../errors.ts";
import { PARSER_VERSION } from "../parse/parser-version.ts";
import type { StoreSettings } from "../store/database/settings.ts";
import {
  type DatabaseHealth,
  databaseHealth,
  type FileHealth,
  fileHealth,
  type LastRun,
  type ServerHealth,
} from "../store/read/health-reader.ts";
import { offerRebuild } from "../store/schema/parser-age.ts";
import { DAY_MS, type EpochMs, MIB, MINUTE_MS, toIso } from "../units.ts";
import { isTimeZone } from "../when.ts";
import { type MissingSelector, missingSelectors } from "./log-selector.ts";
import { describeZoneShift, findZoneShift } from "./zone-shift.ts";

/** `problem`: something is wrong. `advice`: it could be better. */
export type Verdict = "ok" | "advice" | "problem";

export interface Finding {
  /** Subject of the check: `schema`, `backup`. */
  readonly check: string;
  readonly verdict: Verdict;
  /** The finding: a sentence. */
  readonly message: string;
  /** Advice: a sentence. */
  readonly hint?: string;
}

export interface DoctorReport {
  readonly path: string;
  readonly program: string;
  readonly node: string;
  readonly sqlite: string | undefined;
  readonly findings: readonly Finding[];
  /** Bytes on disk by table, the largest first. */
  readonly tables: Readonly<Record<string, number>>;
  /** Coverage of the time; absent if the content cannot be read. */
  readonly coverage?: Coverage;
}

export interface Examination extends DoctorReport {
  /** The database is sound and of this schema. */
  readonly isReadable: boolean;
}

export interface DoctorOptions extends StoreSettings {
  /** Version of Node. */
  readonly node: string;
  readonly formatBytes: (bytes: number) => string;
  /** A moment with its zone, for a sentence; `timeZones`: those of the servers. */
  readonly formatStamp: (at: EpochMs, timeZones: readonly string[]) => string;
  /** Milliseconds that `prune` keeps log text or messages, whichever are removed sooner; undefined: for ever. */
  readonly keptMs: number | undefined;
}

/** Looks at the database and at what surrounds it; changes nothing. Errors: none that a database can cause. */
export function examine(options: DoctorOptions): Examination {
  const { path, program, node, now, formatBytes, formatStamp, keptMs } = options;
  const report = { path, program, node, sqlite: undefined, tables: {}, isReadable: false };
  const file = existsSync(path) ? fileHealth(path) : undefined;
  const findings = (isAllExpired: boolean): Finding[] =>
    file === undefined ? [] : checkFile(file, isAllExpired, formatBytes);
  try {
    const health = databaseHealth(options);
    const { sqlite, tables, newestMs } = health;
    const isReadable = health.damage === undefined && health.schema.isCurrent;
    const timeZones = health.servers.map(({ timeZone }) => timeZone);
    const clock: Clock = {
      now: now(),
      show: (at) => formatStamp(at, timeZones),
      isAllExpired: newestMs !== undefined && keptMs !== undefined && newestMs < now() - keptMs,
    };
    const all = worstFirst([...findings(clock.isAllExpired), ...checkDatabase(health, clock)]);
    return { ...report, sqlite, tables, isReadable, findings: all };
  } catch (error) {
    if (!(error instanceof PilotError) || error.code === "interrupted") throw error;
    const { message, hint } = error;
    return { ...report, findings: worstFirst([...findings(false), problem("database", message, hint ?? "")]) };
  }
}

/** Time as the checks see it. */
interface Clock {
  readonly now: EpochMs;
  /** A moment with its zone. */
  readonly show: (at: EpochMs) => string;
  /** All that is stored is older than `prune` keeps: it would remove everything. */
  readonly isAllExpired: boolean;
}

/** Puts what has to be done before what is well; otherwise the order of the checks stays. */
export function worstFirst(findings: readonly Finding[]): readonly Finding[] {
  const order: readonly Verdict[] = ["problem", "advice", "ok"];
  return findings.toSorted((left, right) => order.indexOf(left.verdict) - order.indexOf(right.verdict));
}

const OTHERS = 0o077;
const LITTLE_SPACE = 500 * MIB;

function checkFile(file: FileHealth, isAllExpired: boolean, formatBytes: DoctorOptions["formatBytes"]): Finding[] {
  const { sizeBytes, freeBytes, network } = file;
  const needed = Math.max(LITTLE_SPACE, sizeBytes / 5);
  return [
    network === undefined
      ? ok("file system", "It is on a local file system.")
      : problem(
          "file system",
          `It is on ${network}, whose locks are unreliable.`,
          "Move the database to a local disk.",
        ),
    freeBytes >= needed
      ? ok("free space", `${formatBytes(freeBytes)} are free.`)
      : problem(
          "free space",
          `Only ${formatBytes(freeBytes)} are free.`,
          isAllExpired ? "Free some space." : "Free some space, or prune more: `exim-pilot prune --status`.",
        ),
    checkRights(file),
  ];
}

function checkRights({ mode, isForGroup, hasEvenRights }: FileHealth): Finding {
  const isPrivate = (mode & OTHERS) === 0;
  if (!isPrivate && !isForGroup) {
    const message = `Users other than its owner can use it (mode ${mode.toString(8)}).`;
    const hint = "chmod 600; to let a group read it, 640, and 2750 with that group for the directory.";
    return advice("rights", message, hint);
  }
  if (!hasEvenRights) {
    const message = "The -wal or -shm beside it has other rights than the database.";
    return advice("rights", message, "Run a command that writes, as the owner of the database: it corrects them.");
  }
  return ok("rights", isPrivate ? "Only its owner can read it." : "Its owner can write it and its group can read it.");
}

function checkDatabase(health: DatabaseHealth, clock: Clock): Finding[] {
  const { schema, damage, journalMode, canShrink, unindexedTexts } = health;
  if (damage !== undefined)
    return [
      problem("soundness", `It is damaged: ${damage}.`, "Keep the file, restore a backup and ingest the logs again."),
    ];
  const sound = ok("soundness", "SQLite finds no damage.");
  if (!schema.isCurrent) {
    const message = `It has schema ${schema.current}, but this exim-pilot works with ${schema.latest}.`;
    return [sound, problem("schema", message, "Run `exim-pilot migrate`.")];
  }
  return [
    sound,
    ok("schema", `It has schema ${schema.current}, the one of this exim-pilot.`),
    journalMode === "wal"
      ? ok("journal", "Readers do not wait for writers (WAL).")
      : advice("journal", `Readers wait for writers (${journalMode}).`, "The next ingest changes that."),
    canShrink
      ? ok("space", "Pruned space is returned to the system.")
      : advice("space", "Pruned space is not returned to the system.", "Run `exim-pilot prune --vacuum` once."),
    unindexedTexts === 0
      ? ok("indexes", "They are up to date.")
      : advice(
          "indexes",
          `${unindexedTexts} texts are not indexed: an ingest is running, or was killed.`,
          "The next ingest indexes them.",
        ),
    checkParser(health),
    checkClock(health, clock),
    ...checkRuns(health, clock),
    ...health.servers.flatMap(checkServer),
  ];
}

function checkParser(health: DatabaseHealth): Finding {
  const offer = offerRebuild(health, PARSER_VERSION);
  if (offer === undefined) return ok("parser", "All lines are stored as this exim-pilot reads them.");
  return offer.hint === undefined ? ok("parser", offer.message) : advice("parser", offer.message, offer.hint);
}

function checkClock({ newestMs, aheadMs }: DatabaseHealth, { now, show }: Clock): Finding {
  if (newestMs === undefined || newestMs <= now + MINUTE_MS) {
    if (aheadMs === undefined) return ok("clock", "No line is stamped in the future.");
    return advice(
      "clock",
      `A line is stamped ${show(aheadMs)}, more than a day ahead of the clock when it was read; its log counts as read then.`,
      `\`exim-pilot search --since ${toIso(aheadMs)}\` shows it: a clock was wrong, or somebody forged the line.`,
    );
  }
  const message = `The newest line is from ${show(newestMs)}, and the clock says ${show(now)}.`;
  return problem("clock", message, "Set the clock, or look at the time zone of the server: `exim-pilot stats`.");
}

const STALE = { ingest: DAY_MS, backup: 8 * DAY_MS, prune: 35 * DAY_MS } as const;

function checkRuns({ lastIngest, lastBackup, lastPrune }: DatabaseHealth, clock: Clock): Finding[] {
  const { now, show, isAllExpired } = clock;
  const check = (name: keyof typeof STALE, run: LastRun | undefined): Finding => {
    if (name === "prune" && isAllExpired) {
      const last = run === undefined ? "No prune is recorded" : `The last prune was at ${show(run.at)}`;
      return ok(name, `${last}. All stored lines are older than \`prune\` keeps: none of them would be left.`);
    }
    if (run === undefined) {
      const message = `No ${name} is recorded.`;
      return name === "prune"
        ? advice(name, message, "Run it every night.")
        : problem(name, message, `Run \`exim-pilot ${name}\`.`);
    }
    const when = `The last ${name} was at ${show(run.at)}`;
    if (run.result === "failed")
      return problem(name, `${when} and failed: ${run.error ?? ""}`, `Run \`exim-pilot ${name}\` by hand.`);
    if (now - run.at <= STALE[name]) return ok(name, `${when}: ${run.result}.`);
    return problem(
      name,
      `${when}, ${formatDays(Math.floor((now - run.at) / DAY_MS))} ago.`,
      "Check that its timer or cron job still exists.",
    );
  };
  return [check("ingest", lastIngest), check("backup", lastBackup), check("prune", lastPrune)];
}

function formatDays(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}

/** Logs of Exim have hardly any. */
const USUAL_SHARE = 0.05;
const FEWEST_LINES = 100;

function checkServer({ name, timeZone, lines, other, unparsed, sample, arrivals }: ServerHealth): Finding[] {
  const check = `server ${name}`;
  const share = lines < FEWEST_LINES ? 0 : (other + unparsed) / lines;
  const percent = `${(share * 100).toFixed(1)} % of its ${lines.toLocaleString("en-US")} lines`;
  const missing = missingSelectors(sample);
  return [
    share <= USUAL_SHARE
      ? ok(check, `${percent} were not understood.`)
      : problem(check, `${percent} were not understood.`, "`exim-pilot parse --summary` on its log shows samples."),
    ...(isTimeZone(timeZone)
      ? []
      : [problem(check, `This machine does not know its time zone ${timeZone}.`, "Update tzdata.")]),
    ...checkZone(check, name, timeZone, findZoneShift(arrivals)),
    ...adviseSelectors(check, missing),
  ];
}

/** One piece of advice a server, which adds to its setting and replaces nothing. */
function adviseSelectors(check: string, missing: readonly MissingSelector[]): Finding[] {
  if (missing.length === 0) return [];
  const facts = new Intl.ListFormat("en").format(missing.map(({ gives }) => gives));
  const items = missing.map(({ item }) => `+${item}`).join(" ");
  return [advice(check, `Its log does not show ${facts}.`, `Add to log_selector in Exim's configuration: ${items}`)];
}

function checkZone(check: string, name: string, timeZone: string, shiftMs: number | undefined): Finding[] {
  if (shiftMs === undefined) return [];
  if (shiftMs === 0) return [ok(check, "Its stamps agree with the times in its message ids.")];
  const message = `The times in its message ids show that its stamps, read as ${timeZone}, are taken ${describeZoneShift(shiftMs)}.`;
  const hint = `Give it the zone of its clock: \`exim-pilot servers set ${name} --timezone ZONE\`, then \`exim-pilot rebuild\`.`;
  return [problem(check, message, hint)];
}

/** The place of the spool, and the right that is missing. */
export interface SpoolHealth {
  readonly path: string;
  /** Undefined: it can be read. */
  readonly closed:
    | {
        readonly path: string;
        readonly isFile: boolean;
        readonly group: string;
        readonly isGroupEnough: boolean;
      }
    | undefined;
}

/** Says whether the queue can be looked at; nothing of it is a problem, as the log tells most of it. */
export function checkSpool({ path, closed }: SpoolHealth): Finding {
  if (closed === undefined)
    return ok("spool", `The spool ${path} can be read: \`queue --spool\`, \`queue snapshot\` and \`content\` work.`);
  const message = `The spool cannot be read: ${closed.path} is open to group ${closed.group} only.`;
  const hint = closed.isGroupEnough
    ? `To look at the queue, run it as root or add the user to that group; for a service, set \`SupplementaryGroups=${closed.group}\`.`
    : `To look at the queue, run it as root: not even the group of the ${closed.isFile ? "file may read" : "directory may list"} it.`;
  return advice(
    "spool",
    closed.isGroupEnough
      ? message
      : `The spool cannot be read: only its owner may ${closed.isFile ? "read" : "list"} ${closed.path}.`,
    hint,
  );
}

/** Facts about the channels of notifications. */
export interface ChannelHealth {
  readonly name: string;
  /** A sentence: why it cannot be used as it is configured; undefined: it can. */
  readonly problem: string | undefined;
  readonly hint: string | undefined;
  /** The error with which it refused the credentials at the last try. */
  readonly refusal: string | undefined;
  /** Its mail goes through a server whose own log is read here. */
  readonly isWatchedServer: boolean;
}

/** Says which channels cannot tell anybody anything. */
export function checkChannels(channels: readonly ChannelHealth[]): readonly Finding[] {
  return channels.map(({ name, problem: wrong, hint = "", refusal, isWatchedServer }) => {
    const check = `channel ${name}`;
    if (wrong !== undefined) return problem(check, wrong, hint);
    if (refusal !== undefined)
      return problem(
        check,
        `It refused the credentials at the last try: ${refusal}.`,
        `Give it other credentials, and try \`exim-pilot notify test ${name}\`.`,
      );
    return isWatchedServer
      ? advice(
          check,
          "Its mail goes through the server that is watched: when that server fails, nobody hears of it.",
          "Send through another server, or add a tier that needs no mail.",
        )
      : ok(check, "It is configured, and its secret can be read.");
  });
}

function ok(check: string, message: string): Finding {
  return { check, verdict: "ok", message };
}

function advice(check: string, message: string, hint: string): Finding {
  return { check, verdict: "advice", message, hint };
}

function problem(check: string, message: string, hint: string): Finding {
  return { check, verdict: "problem", message, hint };
}
