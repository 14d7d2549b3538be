import { createHash } from "node:crypto";
import { EXIT_STATUS, PilotError } from "../../errors.ts";
import { redactEximstats } from "../../redact/redact-eximstats.ts";
import { redactReport } from "../../redact/redact-stats.ts";
import { formatBytes, formatTime } from "../../render/form/format.ts";
import { renderJson } from "../../render/form/json.ts";
import { toVisibleLine } from "../../render/form/terminal-text.ts";
import type { Report } from "../../render/html/report.ts";
import { renderAlarms } from "../../render/stats/check-text.ts";
import { toTables } from "../../render/stats/section-tables.ts";
import type { AlarmCondition } from "../../stats/conditions.ts";
import type { Comparison } from "../../stats/period.ts";
import type { StatsRequest } from "../../stats/request.ts";
import { DEFAULT_SECTIONS, SECTION_NAMES, type SectionName } from "../../stats/sections.ts";
import { computeStats, type Stats } from "../../stats/stats.ts";
import { writePrivateFile } from "../../store/files/private-file.ts";
import type { Reader } from "../../store/reader.ts";
import type { Filter as SearchFilter } from "../../store/search/filter.ts";
import type { AxisName, Rank } from "../../store/stats/axes.ts";
import type { StatsReader } from "../../store/stats/stats-reader.ts";
import { toIso } from "../../units.ts";
import type { Bucket } from "../../when.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { assertSilenceHasCondition, coverageOf, findSilences, newestLine } from "../coverage.ts";
import { type FilterFlags, subjectsAsTyped, toFilter, unknownServer } from "../flags/filter-flags.ts";
import { hintsOfMisplaced } from "../flags/misplaced-values.ts";
import { toTimeRange } from "../flags/time-range.ts";
import { assertTimeZone, commonTimeZone } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { readVersion } from "../package-root.ts";
import { namesOf } from "../redactor.ts";
import { riskRuleFor } from "./risk-rule.ts";

export interface StatsFlags extends DatabaseFlags, Omit<FilterFlags, "event" | "kind" | "logType"> {
  readonly by?: readonly AxisName[];
  readonly rank?: Rank;
  readonly limit: number;
  readonly bucket?: Bucket;
  readonly compare?: Comparison;
  readonly timezone?: string;
  readonly redact?: boolean;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly markdown?: boolean;
  readonly html?: string;
  readonly eximstats?: boolean;
  readonly failIf?: readonly AlarmCondition[];
  /** The newest line may be so old, in ms: 0 is any age. */
  readonly silence?: number;
  readonly notify?: boolean;
  readonly config?: string;
  readonly quiet?: boolean;
}

const DEFAULT_AXES: readonly AxisName[] = ["sender", "domain", "ip"];

/** Prints the figures; returns the exit status. Errors: `usage`, `not_found` (a server), those of the database. */
export async function runStats(sections: readonly SectionName[], flags: StatsFlags, io: Io): Promise<number> {
  if (flags.eximstats === true) return runEximstats(sections, flags, io);
  const chosen = chooseSections(sections, flags);
  if (flags.notify === true) {
    const { assertAlarms } = await import("../notify/alarms.ts");
    assertAlarms(flags.failIf?.length ?? 0, "exim-pilot stats --fail-if 'deferred>20%' --notify", flags, io);
  }
  const found = await usingReader(flags, io, (reader) =>
    reader.stats.atOneMoment(async () => {
      const request = await toRequest(chosen, flags, reader, io);
      await hintAtMisplaced(request, flags, reader, io);
      const stats = await computeStats(reader.stats, request);
      if (flags.html === undefined) return { stats, beside: undefined };
      const { countBeside } = await import("./stats-report.ts");
      return { stats, beside: await countBeside(reader, request, stats, chosen === SECTION_NAMES, io) };
    }),
  );
  const { stats, beside } = flags.redact === true ? redactReport(found.stats, found.beside, namesOf(io)) : found;
  if (flags.html !== undefined && beside !== undefined) await writePage(flags.html, { stats, ...beside }, flags, io);
  io.stdout.write(await render(stats, flags, sections.length === 0 && flags.by === undefined, io));
  // A table has no room for it; everything else shows it.
  if (flags.csv === true && flags.quiet !== true) {
    const { describeComparison } = await import("../../render/stats/comparison-note.ts");
    const notes = stats.before === undefined ? [] : describeComparison(stats.before, stats.timeZone);
    io.stderr.write([...stats.filter.limits, ...notes].map((note) => `Note: ${toVisibleLine(note)}\n`).join(""));
  }
  const alarms = renderAlarms(stats.checks, stats.timeZone);
  io.stderr.write(alarms);
  if (flags.notify === true) await notifyOf(found.stats, flags, io);
  return alarms === "" ? 0 : EXIT_STATUS.check_failed;
}

/** Puts what is an alarm into the outbox. */
async function notifyOf({ checks, timeZone }: Stats, flags: StatsFlags, io: Io): Promise<void> {
  const { enqueueAlarms } = await import("../notify/alarms.ts");
  const { server: servers = [] } = flags;
  const [server = null] = servers;
  const alarms = checks
    .filter(({ isMet }) => isMet)
    .map((check) => ({
      key: `stats ${check.condition} ${servers.join(" ")}`,
      title: renderAlarms([check], timeZone)
        .replace(/^fail-if /, "")
        .trim(),
      server: servers.length === 1 ? server : null,
      command: "exim-pilot stats",
    }));
  await enqueueAlarms(alarms, flags, io);
}

/** The tables of eximstats instead of our own. */
async function runEximstats(sections: readonly SectionName[], flags: StatsFlags, io: Io): Promise<number> {
  if (sections.length > 0) {
    throw new PilotError("usage", "--eximstats has tables of its own, not sections.", {
      hint: "Leave the sections out, or leave out --eximstats.",
    });
  }
  const { computeEximstats } = await import("../../stats/eximstats/eximstats.ts");
  const { found, timeZone } = await usingReader(flags, io, (reader) =>
    reader.stats.atOneMoment(async () => {
      const { filter, timeZone } = await toRequest([], flags, reader, io);
      const formatStamp = (iso: string): string => formatTime(iso, timeZone);
      return { found: await computeEximstats(reader.stats, { filter, formatStamp, signal: io.signal }), timeZone };
    }),
  );
  const report = flags.redact === true ? redactEximstats(found, namesOf(io)) : found;
  if (flags.json === true) io.stdout.write(renderJson("eximstats", report));
  else if (flags.quiet !== true) {
    const screen = { ...screenOf(io), timeZone };
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
  const screen = { ...screenOf(io), timeZone: stats.timeZone };
  return renderStatsPage(stats, screen, { isBrief });
}

/** The page takes the place of an older one at once; it is for its owner only. */
async function writePage(path: string, report: Report, { quiet }: StatsFlags, io: Io): Promise<void> {
  const { renderStatsHtml } = await import("../../render/html/stats-html.ts");
  const hash = (text: string): string => createHash("sha256").update(text).digest("base64");
  const page = renderStatsHtml(report, { hash, madeAt: toIso(io.now()), program: readVersion() });
  writePrivateFile(path, page, { replaces: true });
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
  reader: Reader,
  io: Io,
): Promise<StatsRequest> {
  const { server = [], by = DEFAULT_AXES, rank, limit, bucket, compare, failIf = [], silence } = flags;
  assertSilenceHasCondition(silence, failIf.length > 0);
  const servers = await findServers(server, reader.stats);
  assertTimeZone(flags.timezone);
  const timeZone =
    flags.timezone ??
    commonTimeZone(
      servers.map((one) => one.timeZone),
      io,
    );
  const { since, until } = toTimeRange(flags, { now: io.now, timeZone });
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
    riskRule: riskRuleFor(reader, { config: flags.config, servers: server }, io),
    silences: failIf.length === 0 ? [] : await findSilences(reader, { servers: server, until, limitMs: silence }, io),
    newestMs: newestLine(reader, server),
    coverageOf: (from, to) => coverageOf(reader, { since: from, until: to, server }, io),
    coverage: coverageOf(reader, { since, until, server }, io),
    now: io.now(),
    signal: io.signal,
  };
}

/** Says where a value belongs that nothing matches, since figures of zero would be believed. */
async function hintAtMisplaced({ filter }: StatsRequest, flags: StatsFlags, reader: Reader, io: Io): Promise<void> {
  const hints = hintsOfMisplaced(flags);
  if (hints === "" || filter.subjects === undefined) return;
  const order = { key: "time", isAscending: false } as const;
  const hits = await reader.search.find({ filter: filter.subjects, order, after: undefined, limit: 1 });
  if (hits.length === 0) io.stderr.write(hints);
}

function toSubjects(flags: StatsFlags, io: Io): SearchFilter | undefined {
  const { since: _since, until: _until, server: _server, ...others } = flags;
  const subjects = toFilter(others, io);
  return Object.keys(subjects).length === 0 ? undefined : subjects;
}

type Servers = Awaited<ReturnType<StatsReader["servers"]>>;

/** The wanted servers, or all if none is named. */
async function findServers(wanted: readonly string[], reader: StatsReader): Promise<Servers> {
  const servers = await reader.servers();
  const known = servers.map(({ name }) => name);
  const missing = wanted.find((name) => !known.includes(name));
  if (missing !== undefined) throw unknownServer(missing, known);
  return wanted.length === 0 ? servers : servers.filter(({ name }) => wanted.includes(name));
}
