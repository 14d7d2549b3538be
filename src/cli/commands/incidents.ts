import { PilotError } from "../../errors.ts";
import {
  findDetails,
  type IncidentJudgement,
  type IncidentSummary,
  judge,
  severitiesFrom,
  toSummary,
} from "../../incidents/incidents.ts";
import { KINDS, thresholdsFrom } from "../../incidents/rules.ts";
import { findWriter } from "../../people/actor.ts";
import { toNote } from "../../people/notes.ts";
import { formatTime } from "../../render/form/format.ts";
import { renderJson } from "../../render/form/json.ts";
import { toVisibleLine } from "../../render/form/terminal-text.ts";
import {
  renderDetection,
  renderIncident,
  renderIncidentRows,
  renderIncidents,
  renderMute,
  renderMutes,
} from "../../render/incidents/page.ts";
import type { IncidentAction, IncidentSeverity, IncidentStatus } from "../../store/incidents/incidents.ts";
import type { Reader } from "../../store/reader.ts";
import { epochMs, toIso } from "../../units.ts";
import { accountOf } from "../account.ts";
import { type AuditFlags, auditedEdit } from "../audited.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { assertSilenceHasCondition, findSilent } from "../coverage.ts";
import { findConfiguration } from "../flags/effective-options.ts";
import { unknownServer } from "../flags/filter-flags.ts";
import { toTimeRange } from "../flags/time-range.ts";
import { serverTimeZone } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { printLines } from "../terminal/print-lines.ts";
import { type DetectionFlags, runDetection } from "./detection.ts";

export interface IncidentFlags extends DatabaseFlags, AuditFlags {
  readonly status?: readonly IncidentStatus[];
  readonly kind?: readonly string[];
  readonly server?: readonly string[];
  readonly since?: string;
  readonly all?: boolean;
  readonly csv?: boolean;
  readonly config?: string;
  readonly redact?: boolean;
  readonly json?: boolean;
}

/** Lists incidents, also where there is none. Errors: `usage` for a kind that there is not; `not_found` for a server; those of the database. */
export async function runIncidents(flags: IncidentFlags, io: Io): Promise<void> {
  assertKinds(flags.kind ?? []);
  const { since } = toTimeRange(flags.since === undefined ? {} : { since: flags.since }, io);
  const found = await usingReader(flags, io, async (reader) => {
    const servers = (await reader.stats.servers()).map(({ name }) => name);
    const unknown = (flags.server ?? []).find((wanted) => !servers.includes(wanted));
    if (unknown !== undefined) throw unknownServer(unknown, servers);
    const filter = {
      statuses: flags.status ?? [],
      kinds: flags.kind ?? [],
      servers: flags.server ?? [],
      sinceMs: since,
      withMuted: flags.all === true,
    };
    const timeZone = await serverTimeZone(reader, filter.servers, io);
    return { incidents: reader.incidents.list(filter, io.now()).map(toSummary), timeZone };
  });
  const { incidents } = redactor(flags, io)({ incidents: found.incidents });
  io.stdout.write(renderList(incidents, found.timeZone, flags, io));
}

function renderList(incidents: readonly IncidentSummary[], timeZone: string, flags: IncidentFlags, io: Io): string {
  if (flags.json === true) return renderJson("incidents", { incidents });
  if (flags.csv === true) return renderIncidentRows(incidents);
  if (incidents.length > 0) return renderIncidents(incidents, { ...screenOf(io), timeZone });
  const others = flags.all === true ? "" : " Those that are muted are listed with --all.";
  return `No incident is known. \`exim-pilot incidents detect\` looks for some.${others}\n`;
}

function assertKinds(kinds: readonly string[]): void {
  const unknown = kinds.find((kind) => !KINDS.includes(kind));
  if (unknown === undefined) return;
  throw new PilotError("usage", `There is no kind of incident "${unknown}".`, {
    hint: `Kinds are ${KINDS.join(", ")}.`,
  });
}

export interface DetectFlags extends DetectionFlags {
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly redact?: boolean;
  readonly failIf?: IncidentCondition;
  /** The newest line may be so old, in ms: 0 is any age. */
  readonly silence?: number;
}

/** Open incidents of at least a severity. */
export interface IncidentCondition {
  readonly least: IncidentSeverity;
}

/** Brings the incidents in line with the stored lines; returns 1 when the condition holds. Errors: as {@link runDetection}. */
export async function runDetect(flags: DetectFlags, io: Io): Promise<number> {
  assertSilenceHasCondition(flags.silence, flags.failIf !== undefined);
  const { detected, timeZone, open, silent } = await runDetection(flags, io, async (servers, reader) => ({
    detected: servers,
    timeZone: await serverTimeZone(reader, undefined, io),
    ...(await alarmsOf(flags, reader, io)),
  }));
  const found = redactor(
    flags,
    io,
  )({
    servers: detected.map(({ server, newestMs, isOld, isFresh, changes }) => ({
      server,
      newest: newestMs === undefined ? null : toIso(newestMs),
      isOld,
      isFresh,
      changes: changes.map(({ reason, incident, isMuted, isNews }) => ({
        reason,
        isMuted,
        isNews,
        id: incident.id,
        type: incident.kind,
        subject: incident.subject,
        severity: incident.severity,
        status: incident.status,
        title: incident.title,
      })),
    })),
  });
  if (flags.json === true) io.stdout.write(renderJson("incidents_detected", found));
  else if (flags.quiet !== true) printLines(renderDetection(found.servers, timeZone), io);
  if (flags.failIf === undefined) return 0;
  const { least } = flags.failIf;
  const alarms = redactor(
    flags,
    io,
  )({
    silent: silent.map(({ server, newestMs }) => ({ server, newestLine: toIso(newestMs) })),
  });
  for (const { server, newestLine } of alarms.silent)
    io.stderr.write(
      `fail-if open>=${least}: the newest line of ${toVisibleLine(server)} is of ${formatTime(newestLine, timeZone)} (${timeZone}), so nothing later was looked at\n`,
    );
  if (open.length === 0) return silent.length === 0 ? 0 : 1;
  const { titles } = redactor(flags, io)({ titles: open.map(({ id, title }) => ({ id, title })) });
  for (const { id, title } of titles)
    io.stderr.write(`fail-if open>=${least}: incident ${id}: ${toVisibleLine(title)}\n`);
  return 1;
}

/** Open incidents that the condition is about, and servers that log nothing; none without a condition. */
async function alarmsOf({ failIf, silence }: DetectFlags, reader: Reader, io: Io) {
  if (failIf === undefined) return { open: [], silent: [] };
  const severities = severitiesFrom(failIf.least);
  const filter = { statuses: ["open"], kinds: [], servers: [], sinceMs: undefined, withMuted: false } as const;
  return {
    open: reader.incidents.list(filter, io.now()).filter(({ severity }) => severities.includes(severity)),
    silent: await findSilent(reader, { servers: [], limitMs: silence }, io),
  };
}

/** Shows an incident. Errors: `not_found`; `usage` for thresholds that there are not; those of the database. */
export async function runShowIncident(id: number, flags: IncidentFlags, io: Io): Promise<void> {
  const thresholds = thresholdsFrom(findConfiguration(flags.config, io).thresholds);
  const { details, timeZone } = await usingReader(flags, io, async (reader) => {
    const found = await findDetails(reader, id, thresholds, io.now());
    return { details: found, timeZone: await serverTimeZone(reader, [found.server], io) };
  });
  const shown = redactor(flags, io)(details);
  io.stdout.write(
    flags.json === true ? renderJson("incident", shown) : renderIncident(shown, { ...screenOf(io), timeZone }),
  );
}

/** Gives an incident a status. Errors: `not_found`; `usage` for what cannot be a note; `read_only`; those of the database. */
export async function runJudge(
  id: number,
  action: IncidentAction,
  words: readonly string[],
  flags: IncidentFlags,
  io: Io,
): Promise<void> {
  const note = textOf(words.join(" "), "note");
  const judged = await auditedEdit<IncidentJudgement>(
    {
      action: `incidents ${action.replace("_", "-")}`,
      parameters: { ...flags, id, note },
      affected: ({ isChanged, before, status }) => (isChanged ? { incident: id, before, status } : undefined),
      edit: (transactor) => {
        const { author } = findWriter(transactor.people, accountOf(io));
        return judge(transactor, id, { action, author, note, now: io.now() });
      },
    },
    flags,
    io,
  );
  const shown = redactor(flags, io)(judged);
  if (flags.json === true) io.stdout.write(renderJson("incident_judged", shown));
  else {
    const status = shown.status.replace("_", " ");
    printLines(
      shown.isChanged
        ? `Incident ${id} is ${status}: ${toVisibleLine(shown.title)}\n`
        : `Incident ${id} is ${status} already; nothing was changed.\n`,
      io,
    );
  }
}

export interface MuteFlags extends IncidentFlags {
  /** Milliseconds. */
  readonly for?: number;
  readonly reason?: string;
  readonly off?: boolean;
}

/** Mutes a kind and subject, or lists what is muted. Errors: `usage`, `not_found`, `read_only`, those of the database. */
export async function runMute(
  kind: string | undefined,
  subject: string | undefined,
  flags: MuteFlags,
  io: Io,
): Promise<void> {
  const given = (["for", "reason", "off"] as const).find((name) => flags[name] !== undefined);
  if (kind === undefined && given !== undefined)
    throw new PilotError("usage", `--${given} belongs to a kind and a subject.`, {
      hint: "Name them: `exim-pilot incidents mute KIND SUBJECT`; without any, what is muted is listed.",
    });
  if (kind === undefined) return listMutes(flags, io);
  assertKinds([kind]);
  if (subject === undefined)
    throw new PilotError("usage", "A subject is missing.", {
      hint: 'Give the one that `exim-pilot incidents show` prints, or "" for the server as a whole.',
    });
  const reason = textOf(flags.reason ?? "", "reason");
  if (flags.off !== true && reason === undefined)
    throw new PilotError("usage", "A reason is missing.", {
      hint: 'Say why, for whoever comes next: --reason "mailing".',
    });
  const untilMs = flags.for === undefined ? undefined : epochMs(io.now() + flags.for);
  const isMuted = await auditedEdit<boolean>(
    {
      action: flags.off === true ? "incidents unmute" : "incidents mute",
      parameters: { ...flags, kind, subject },
      affected: (isChanged) => (isChanged ? { kind, subject } : undefined),
      edit(transactor) {
        if (flags.off === true) return transactor.unmuteIncidents(kind, subject);
        const { author } = findWriter(transactor.people, accountOf(io));
        transactor.muteIncidents({ kind, subject, untilMs, author, reason: reason ?? "" }, io.now());
        return true;
      },
    },
    flags,
    io,
  );
  if (!isMuted)
    throw new PilotError("not_found", `Nothing is muted of ${kind} and "${subject}".`, {
      hint: "`exim-pilot incidents mute` lists what is.",
    });
  const until = untilMs === undefined ? null : toIso(untilMs);
  const shown = redactor(flags, io)({ type: kind, subject, until, isMuted: flags.off !== true });
  if (flags.json === true) io.stdout.write(renderJson("incident_mute", shown));
  else printLines(renderMute(shown, io.timeZone), io);
}

async function listMutes(flags: MuteFlags, io: Io): Promise<void> {
  const mutes = await usingReader(flags, io, async ({ incidents }) =>
    incidents.mutes().map(({ kind, subject, until_ms, author, reason, created_ms }) => ({
      type: kind,
      subject,
      until: until_ms === null ? null : toIso(epochMs(until_ms)),
      author,
      reason,
      created: toIso(epochMs(created_ms)),
    })),
  );
  const shown = redactor(flags, io)({ mutes });
  if (flags.json === true) io.stdout.write(renderJson("incident_mutes", shown));
  else io.stdout.write(renderMutes(shown.mutes, { ...screenOf(io), timeZone: io.timeZone }));
}

/** Text of people, by the rule of notes; undefined when there is none. Errors: `usage`. */
function textOf(text: string, name: string): string | undefined {
  return text.trim() === "" ? undefined : toNote(text, name);
}
