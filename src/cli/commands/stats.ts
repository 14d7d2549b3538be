import { createHash } from "node:crypto";
import { EXIT_STATUS, PilotError } from "../../errors.ts";
import { formatBytes, formatTime } from "../../render/format.ts";
import { renderJson } from "../../render/json.ts";
import { renderAlarms } from "../../render/stats/check-text.ts";
import { toTables } from "../../render/stats/section-tables.ts";
import { toVisibleLine } from "../../render/terminal-text.ts";
import type { Condition } from "../../stats/conditions.ts";
import { type Comparison, DEFAULT_SECTIONS, SECTION_NAMES, type SectionName } from "../../stats/sections.ts";
import { computeStats, type Stats, type StatsRequest } from "../../stats/stats.ts";
import type { Filter as SearchFilter } from "../../store/filter.ts";
import type { AxisName, Rank } from "../../store/stats/axes.ts";
import type { StatsReader } from "../../store/stats-reader.ts";
import { toIso } from "../../units.ts";
import { type Bucket, parseWhen, type Span, WHEN_FORMS } from "../../when.ts";
import { columnsOf, type DatabaseFlags, paintFor, usingReader } from "../context.ts";
import { type FilterFlags, subjectsAsTyped, toFilter } from "../filter-flags.ts";
import type { Io } from "../io.ts";
import { replaceFile } from "../replace-file.ts";
import { commonTimeZone } from "../time-zone.ts";

export interface StatsFlags extends DatabaseFlags, Omit<FilterFlags, "event" | "kind" | "logType"> {
  readonly by?: readonly AxisName[];
  readonly rank?: Rank;
  readonly limit: number;
  readonly bucket?: Bucket;
  readonly compare?: Comparison;
  readonly timezone?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly markdown?: boolean;
  readonly html?: string;
  readonly eximstats?: boolean;
  readonly failIf?: readonly Condition[];
  readonly quiet?: boolean;
}

const DEFAULT_AXES: readonly AxisName[] = ["sender", "domain", "ip"];

/** Prints the figures; returns the exit status. Errors: `usage`, `not_found` (a server), those of the database. */
export async function runStats(sections: readonly SectionName[], flags: StatsFlags, io: Io): Promise<number> {
  if (flags.eximstats === true) return runEximstats(sections, flags, io);
  const chosen = chooseSections(sections, flags);
  const stats = await usingReader(flags, io, ({ stats: reader }) =>
    reader.atOneMoment(async () => computeStats(reader, await toRequest(chosen, flags, reader, io))),
  );
  if (flags.html !== undefined) await writePage(flags.html, stats, flags, io);
  io.stdout.write(await render(stats, flags, sections.length === 0 && flags.by === undefined, io));
  // A table has no room for it; everything else shows it.
  if (flags.csv === true && flags.quiet !== true)
    io.stderr.write(stats.filter.limits.map((limit) => `Note: ${limit}\n`).join(""));
  const alarms = renderAlarms(stats.checks);
  io.stderr.write(alarms);
  return alarms === "" ? 0 : EXIT_STATUS.check_failed;
}

/** The tables of eximstats instead of our own. */
async function runEximstats(sections: readonly SectionName[], flags: StatsFlags, io: Io): Promise<number> {
  if (sections.length > 0) {
    throw new PilotError("usage", "--eximstats has tables of its own, not sections.", {
      hint: "Leave the sections out, or leave out --eximstats.",
    });
  }
  const { computeEximstats } = await import("../../stats/eximstats/eximstats.ts");
  const { report, timeZone } = await usingReader(flags, io, ({ stats: reader }) =>
    reader.atOneMoment(async () => {
      const { filter, timeZone } = await toRequest([], flags, reader, io);
      const formatStamp = (iso: string): string => formatTime(iso, timeZone);
      return { report: await computeEximstats(reader, { filter, formatStamp, signal: io.signal }), timeZone };
    }),
  );
  if (flags.json === true) io.stdout.write(renderJson("eximstats", report));
  else if (flags.quiet !== true) {
    const screen = { columns: columnsOf(io.stdout, io), paint: paintFor(io.stdout, io), timeZone };
    const { renderEximstatsPage } = await import("../../render/stats/eximstats-page.ts");
    io.stdout.write(renderEximstatsPage(report, screen, flags.limit));
  }
  return 0;
}

function chooseSections(sections: readonly SectionName[], flags: StatsFlags): readonly SectionName[] {
  const { by, html } = flags;
  // Only conditions are to be checked.
  if (flags.quiet === true && html === undefined && !(flags.json ?? flags.csv ?? flags.markdown ?? false)) return [];
  if (sections.length === 0 && by === undefined) return html === undefined ? DEFAULT_SECTIONS : SECTION_NAMES;
  if (sections.length === 0) return ["top"];
  return by === undefined || sections.includes("top") ? sections : [...sections, "top"];
}

async function render(stats: Stats, flags: StatsFlags, isBrief: boolean, io: Io): Promise<string> {
  if (flags.json === true) return renderJson("stats", stats);
  if (flags.markdown === true) {
    const { renderStatsMarkdown } = await import("../../render/stats/markdown.ts");
    return renderStatsMarkdown(stats);
  }
  if (flags.csv === true) return renderOneCsv(stats);
  if (flags.quiet === true || flags.html !== undefined) return "";
  const { renderStatsPage } = await import("../../render/stats/stats-page.ts");
  const screen = { columns: columnsOf(io.stdout, io), paint: paintFor(io.stdout, io), timeZone: stats.timeZone };
  return renderStatsPage(stats, screen, { isBrief });
}

/** The page takes the place of an older one at once, with its rights. */
async function writePage(path: string, stats: Stats, { quiet }: StatsFlags, io: Io): Promise<void> {
  const { renderStatsHtml } = await import("../../render/html/stats-html.ts");
  const hash = (text: string): string => createHash("sha256").update(text).digest("base64");
  const page = renderStatsHtml(stats, { hash, madeAt: toIso(io.now()) });
  replaceFile(path, page);
  if (quiet !== true) io.stderr.write(`Wrote ${toVisibleLine(path)} (${formatBytes(Buffer.byteLength(page))}).\n`);
}

async function renderOneCsv(stats: Stats): Promise<string> {
  const [table, ...others] = toTables(stats);
  if (table === undefined || others.length > 0) {
    throw new PilotError("usage", "CSV is one table.", {
      hint: "Name one section, or one axis: `exim-pilot stats series --csv`, `exim-pilot stats --by sender --csv`.",
    });
  }
  const { renderCsv } = await import("../../render/stats/csv.ts");
  return renderCsv(table);
}

async function toRequest(
  sections: readonly SectionName[],
  flags: StatsFlags,
  reader: StatsReader,
  io: Io,
): Promise<StatsRequest> {
  const { server = [], by = DEFAULT_AXES, rank, limit, bucket, compare, failIf = [] } = flags;
  const servers = await findServers(server, reader);
  const zones = servers.map((one) => one.timeZone);
  const timeZone = flags.timezone === undefined ? commonTimeZone(zones, io) : toTimeZone(flags.timezone);
  const since = toSpan("--since", flags.since, timeZone, io)?.from;
  const end = toSpan("--until", flags.until, timeZone, io);
  const until = end?.isDay === true ? end.until : end?.from;
  if (since !== undefined && until !== undefined && since >= until) {
    throw new PilotError("usage", "--since is not before --until.", {
      hint: "A day given to --until is included, a time is not.",
    });
  }
  return {
    filter: { since, until, servers: server, subjects: toSubjects(flags, io) },
    subjects: subjectsAsTyped(flags),
    sections,
    timeZone,
    bucket,
    axes: by,
    rank,
    limit,
    compare,
    conditions: failIf,
    now: io.now(),
    signal: io.signal,
  };
}

function toSubjects(flags: StatsFlags, io: Io): SearchFilter | undefined {
  const { since: _since, until: _until, server: _server, ...others } = flags;
  const subjects = toFilter(others, io);
  return Object.keys(subjects).length === 0 ? undefined : subjects;
}

type Servers = Awaited<ReturnType<StatsReader["servers"]>>;

/** Those asked about; all when none is named. */
async function findServers(wanted: readonly string[], reader: StatsReader): Promise<Servers> {
  const servers = await reader.servers();
  const known = servers.map(({ name }) => name);
  const missing = wanted.find((name) => !known.includes(name));
  if (missing !== undefined) {
    throw new PilotError("not_found", `The database knows no server "${missing}".`, {
      hint: known.length === 0 ? "Nothing is stored yet." : `It knows ${known.join(", ")}.`,
    });
  }
  return wanted.length === 0 ? servers : servers.filter(({ name }) => wanted.includes(name));
}

function toTimeZone(name: string): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch (error) {
    throw new PilotError("usage", `"${name}" is not a time zone.`, {
      hint: "Zones have names like Europe/Berlin or UTC.",
      cause: error,
    });
  }
}

function toSpan(flag: string, text: string | undefined, timeZone: string, io: Io): Span | undefined {
  if (text === undefined) return undefined;
  const span = parseWhen(text, { now: io.now(), timeZone });
  if (span === undefined) {
    throw new PilotError("usage", `${flag} cannot be "${text}".`, { hint: `Give ${WHEN_FORMS}.` });
  }
  return span;
}
