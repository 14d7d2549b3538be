/** Judges which part of a time was read, from the logs' own heartbeats. */
import { messageIdTime } from "../parse/message-id.ts";
import type { CoverageReader, ServerSpan, SourceSpan, UnpairedRejection } from "../store/read/coverage-reader.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, MINUTE_MS, SECOND_MS, toIso } from "../units.ts";
import {
  type Coverage,
  type CoverageHole,
  type CoverageState,
  type Hole,
  joinHoles,
  type LogCoverage,
  leftBeside,
} from "./holes.ts";
import { findRhythm, nextDue, type Rhythm, type SilentGap } from "./rhythm.ts";

export interface CoverageRequest {
  /** Undefined: from the first line on. */
  readonly since: EpochMs | undefined;
  /** Exclusive; undefined means up to now if `since` is given, else up to the last line. */
  readonly until: EpochMs | undefined;
  /** Empty: all. */
  readonly servers: readonly string[];
  readonly now: EpochMs;
}

interface JudgedSpan {
  readonly from: EpochMs;
  readonly until: EpochMs;
}

/** Holes longer than this are what `whole` denies. */
const FINE_RHYTHM_MS = HOUR_MS + 5 * MINUTE_MS;
/** A queue run a moment too late is no hole, nor is a quiet moment around one that did not come. */
const LEAST_HOLE_MS = 5 * MINUTE_MS;
/** A log without a rhythm begins and ends with any line. */
const QUIET_MS = HOUR_MS;
/** Heartbeats around the time asked for tell its rhythm, too. */
const AROUND_MS = 3 * DAY_MS;
/** Looked at in one gap. */
const MOST_DUE = 64;
const MOST_GAPS = 200;
/** A message that arrived is delivered or deferred within this, or its queue run says why not. */
const UNFINISHED_MS = 2 * DAY_MS;
/** A rejection whose neighbours are so near stands alone in its log since Exim wrote it there alone. */
const NEIGHBOUR_MS = 2 * MINUTE_MS;
const MOST_PROBES = 500;

/** Judges the time asked for, for each log. */
export function judgeCoverage(reader: CoverageReader, request: CoverageRequest): Coverage {
  const servers = reader.servers(request.servers);
  const span = judgedSpan(servers, request);
  if (span === undefined) {
    const logs = servers.filter(({ hasLines }) => hasLines).map(({ name }) => unreadMainLog(name));
    return { state: "none", from: null, until: null, logs, holes: [] };
  }
  const logs: LogCoverage[] = [];
  const holes: CoverageHole[] = [];
  for (const server of servers) {
    const judged = judgeServer(reader, server, span, request);
    logs.push(...judged.logs);
    holes.push(...judged.holes);
  }
  return { state: stateOfAll(logs), from: toIso(span.from), until: toIso(span.until), logs, holes };
}

/** Undefined while nothing is stored. */
function judgedSpan(servers: readonly ServerSpan[], { since, until, now }: CoverageRequest): JudgedSpan | undefined {
  const firsts = servers.flatMap(({ firstMs }) => firstMs ?? []);
  const lasts = servers.flatMap(({ lastMs }) => lastMs ?? []);
  const last = lasts.length === 0 ? undefined : Math.max(...lasts);
  const from = since ?? (firsts.length === 0 ? undefined : Math.min(...firsts));
  const end = Math.min(until ?? (since === undefined ? (last ?? now) : now), Math.max(now, last ?? now));
  return from === undefined ? undefined : { from: epochMs(from), until: epochMs(Math.max(end, from)) };
}

function stateOfAll(logs: readonly LogCoverage[]): CoverageState {
  const main = logs.filter(({ logType }) => logType === "main");
  if (main.every(({ state }) => state === "none")) return "none";
  if (logs.some(({ state }) => state === "partial" || state === "none")) return "partial";
  return logs.every(({ state }) => state === "whole") ? "whole" : "unknown";
}

function judgeServer(
  reader: CoverageReader,
  server: ServerSpan,
  span: JudgedSpan,
  request: CoverageRequest,
): { readonly logs: readonly LogCoverage[]; readonly holes: readonly CoverageHole[] } {
  const { id, name, firstMs, lastMs } = server;
  if (firstMs === undefined || lastMs === undefined) return { logs: [unreadMainLog(name)], holes: [] };
  const around = {
    from: epochMs(Math.max(span.from - AROUND_MS, firstMs)),
    until: epochMs(Math.min(span.until + AROUND_MS, lastMs) + 1),
  };
  const beats = around.from < around.until ? reader.queueRuns(id, around) : [];
  const rhythm = findRhythm(beats, around.from, epochMs(around.until - 1));
  const main = joinHoles([
    ...outside(server, span, rhythm, request),
    ...rhythm.gaps.slice(0, MOST_GAPS).flatMap((gap) => holesIn(reader, id, gap)),
    ...arrivalHoles(reader, id, server, span),
    ...unfinishedHoles(reader, id, lastMs, span),
    ...mainDuplicateHoles(reader, server, span),
  ]).filter(overlaps(span));
  const reject = server.hasRejectLog ? rejectHoles(reader, server, span) : { holes: [], isTold: true };
  const found = [...main, ...reject.holes];
  const sources = found.length === 0 ? [] : reader.sources(id);
  const rhythmSeconds = rhythm.lastMs === undefined ? null : Math.round(rhythm.lastMs / MINUTE_MS) * 60;
  const isFine = rhythm.slowestMs !== undefined && rhythm.slowestMs <= FINE_RHYTHM_MS;
  const state = stateOf(main, span, isFine, [firstMs, lastMs]);
  return {
    logs: [
      {
        server: name,
        logType: "main",
        state,
        rhythmSeconds,
        ...(state === "unknown" ? longestSilence(reader, server, span) : NOT_SILENT),
      },
      ...(server.hasRejectLog
        ? [
            {
              server: name,
              logType: "reject" as const,
              state: stateOf(reject.holes, span, reject.isTold && state === "whole", []),
              rhythmSeconds: null,
              ...NOT_SILENT,
            },
          ]
        : []),
    ],
    holes: found.map((hole) => ({
      server: name,
      logType: hole.logType,
      from: toIso(hole.from),
      until: toIso(hole.until),
      evidence: hole.evidence,
      count: hole.count,
      rhythmSeconds: hole.rhythmMs === undefined ? null : hole.rhythmMs / SECOND_MS,
      ...neighbours(sources, hole),
      endsWithStart: hole.logType === "main" && hasStart(reader, id, hole),
    })),
  };
}

function unreadMainLog(server: string): LogCoverage {
  return { server, logType: "main", state: "none", rhythmSeconds: null, ...NOT_SILENT };
}

const NOT_SILENT = { silentFrom: null, silentUntil: null, isSilent: false } as const;
/** Pieces of a time that are looked at for a silence: one that is shorter than two of them may be missed. */
const PIECES = 256;
/** Silences that are looked through for lines about messages, which no index has by time. */
const MOST_SILENCES = 8;

function longestSilence(
  reader: CoverageReader,
  server: ServerSpan,
  span: JudgedSpan,
): Pick<LogCoverage, "silentFrom" | "silentUntil" | "isSilent"> {
  const silences = findSilences(reader, server, span).sort((one, other) => lengthOf(other) - lengthOf(one));
  let longest: JudgedSpan = { from: span.from, until: span.from };
  for (const silence of silences.slice(0, MOST_SILENCES)) {
    if (lengthOf(silence) <= lengthOf(longest)) break;
    const gap = reader.longestGap(server.id, silence);
    if (lengthOf(gap) > lengthOf(longest)) longest = gap;
  }
  if (lengthOf(longest) < QUIET_MS) return NOT_SILENT;
  const isSilent = longest.from < span.from && longest.until >= span.until;
  return { silentFrom: toIso(longest.from), silentUntil: toIso(longest.until), isSilent };
}

function lengthOf({ from, until }: JudgedSpan): number {
  return until - from;
}

/** Goes from line to line in steps, so that what is read does not grow with the log. */
function findSilences(
  reader: CoverageReader,
  { id, firstMs = epochMs(0), lastMs = firstMs }: ServerSpan,
  { from, until }: JudgedSpan,
): JudgedSpan[] {
  const step = Math.max((until - from) / PIECES, MINUTE_MS);
  const silences: JudgedSpan[] = [];
  for (let at: number = from; at <= until; ) {
    const here = epochMs(Math.ceil(at));
    const next = reader.firstLine(id, { from: here, until: epochMs(lastMs + 1) }) ?? lastMs;
    if (next - here >= step)
      silences.push({ from: reader.lastLine(id, { from: firstMs, until: here }) ?? firstMs, until: next });
    at = Math.max(next, at) + step;
  }
  return silences;
}

/** `lines`: moments of lines of the log. A time that has one was read in part, even where holes lie close around it. */
function stateOf(
  holes: readonly Hole[],
  { from, until }: JudgedSpan,
  isTold: boolean,
  lines: readonly EpochMs[],
): CoverageState {
  if (holes.length === 0) return isTold ? "whole" : "unknown";
  // Messages are kept for longer than lines.
  const lost = holes.filter(({ evidence }) => evidence !== "pruned");
  const hasLine = lines.some((line) => line >= from && line < until);
  return until > from && !hasLine && leftBeside(lost, from, until) <= 0 ? "none" : "partial";
}

function overlaps({ from, until }: JudgedSpan): (hole: Hole) => boolean {
  return (hole) => hole.from < until && hole.until > from;
}

/** Before the first line and after the last one of the server. */
function outside(
  { firstMs, lastMs, prunedMs }: ServerSpan,
  { from, until }: JudgedSpan,
  { lastMs: rhythmMs }: Rhythm,
  { since, until: askedUntil }: CoverageRequest,
): Hole[] {
  if (firstMs === undefined || lastMs === undefined) return [];
  const tolerance = rhythmMs === undefined ? QUIET_MS : rhythmMs * 1.45;
  const hole = { logType: "main", evidence: "outside", count: 0, rhythmMs } as const;
  // NOTE: a server may be younger or older than others: without a rhythm only a time that is asked for is due.
  const isEndDue = since !== undefined || askedUntil !== undefined || rhythmMs !== undefined;
  return [
    ...(since !== undefined && firstMs - from > tolerance
      ? [
          {
            ...hole,
            evidence: prunedMs === undefined ? ("outside" as const) : ("pruned" as const),
            from,
            until: epochMs(Math.min(firstMs, until)),
          },
        ]
      : []),
    ...(isEndDue && until - lastMs > tolerance ? [{ ...hole, from: epochMs(Math.max(lastMs, from)), until }] : []),
  ];
}

/** Stretches of a gap without any line in which queue runs were due; a queue runner that was stopped leaves lines. */
function holesIn(reader: CoverageReader, server: number, gap: SilentGap): Hole[] {
  const holes: Hole[] = [];
  let due = nextDue(gap, gap.from);
  for (let looked = 0; due !== undefined && looked < MOST_DUE; looked++) {
    const stretch = silenceAround(reader, server, due, gap);
    if (stretch.until - stretch.from >= LEAST_HOLE_MS) {
      const count = Math.max(Math.floor((stretch.until - stretch.from) / gap.rhythmMs), 1);
      holes.push({ ...stretch, logType: "main", evidence: "queue-runs", count, rhythmMs: gap.rhythmMs });
    }
    due = nextDue(gap, epochMs(Math.max(due, stretch.until)));
  }
  return holes;
}

/** From the last line up to a moment until the first line after it, within bounds. */
function silenceAround(reader: CoverageReader, server: number, at: EpochMs, bounds: JudgedSpan): JudgedSpan {
  const from = reader.lastLine(server, { from: bounds.from, until: at }) ?? bounds.from;
  return { from, until: reader.firstLine(server, { from: at, until: bounds.until }) ?? bounds.until };
}

/** Messages that were delivered without having arrived: their ids tell when they did. */
function arrivalHoles(
  reader: CoverageReader,
  server: number,
  { firstMs = epochMs(0) }: ServerSpan,
  span: JudgedSpan,
): Hole[] {
  const around = { from: epochMs(Math.max(span.from, firstMs)), until: epochMs(span.until + AROUND_MS) };
  const holes: Hole[] = [];
  for (const { messageId, firstMs: seenMs } of reader.orphans(server, around)) {
    const bornMs = messageIdTime(messageId);
    // A message that is older than the log arrived before it began; one that is younger than its lines has a clock of another zone.
    if (bornMs < firstMs || bornMs > seenMs) continue;
    const known = holes.findLastIndex((hole) => bornMs >= hole.from && bornMs <= hole.until);
    const hole = holes[known];
    if (hole !== undefined) {
      holes[known] = { ...hole, count: hole.count + 1 };
      continue;
    }
    const bounds = { from: firstMs, until: epochMs(seenMs + 1) };
    const stretch = silenceAround(reader, server, bornMs, {
      ...bounds,
      from: epochMs(Math.max(firstMs, bornMs - AROUND_MS)),
    });
    holes.push({ ...stretch, logType: "main", evidence: "arrivals", count: 1, rhythmMs: undefined });
  }
  return holes;
}

/** Messages of which nothing followed their arrival, though the log goes on for days. */
function unfinishedHoles(reader: CoverageReader, server: number, lastMs: EpochMs, span: JudgedSpan): Hole[] {
  const before = { from: epochMs(span.from - DAY_MS), until: epochMs(Math.min(span.until, lastMs - UNFINISHED_MS)) };
  return reader
    .unfinished(server, before)
    .slice(0, MOST_PROBES)
    .flatMap((from): Hole[] => {
      const after = { from: epochMs(from + SECOND_MS), until: epochMs(from + AROUND_MS) };
      const until = reader.firstLine(server, after) ?? after.until;
      if (until - from < LEAST_HOLE_MS) return [];
      return [{ from, until, logType: "main", evidence: "ends", count: 1, rhythmMs: undefined }];
    });
}

/** Rejections that the reject log alone has, where the main log is silent. */
function mainDuplicateHoles(
  reader: CoverageReader,
  { id, hasRejectLog, firstMs = epochMs(0), lastMs = firstMs }: ServerSpan,
  span: JudgedSpan,
): Hole[] {
  if (!hasRejectLog) return [];
  const within = { from: epochMs(Math.max(span.from, firstMs)), until: epochMs(Math.min(span.until, lastMs)) };
  const holes: Hole[] = [];
  let probes = 0;
  for (const { atMs } of reader.unpaired(id, "reject", within)) {
    const last = holes.at(-1);
    if (last !== undefined && atMs >= last.from && atMs <= last.until) {
      holes[holes.length - 1] = { ...last, count: last.count + 1 };
      continue;
    }
    if (++probes > MOST_PROBES) break;
    const bounds = {
      from: epochMs(Math.max(firstMs, atMs - AROUND_MS)),
      until: epochMs(Math.min(lastMs, atMs + AROUND_MS)),
    };
    const stretch = silenceAround(reader, id, atMs, bounds);
    if (stretch.until - stretch.from >= LEAST_HOLE_MS)
      holes.push({ ...stretch, logType: "main", evidence: "rejections", count: 1, rhythmMs: undefined });
  }
  return holes;
}

/** Rejections that Exim writes to the main log alone; all others are in both logs. */
const MAIN_ALONE =
  /^(?:Connection from .* refused: too many connections|(?:overlong|ridiculously long) message header)/;

/** Rejections that the main log alone has, where the reject log has none nearby. */
function rejectHoles(
  reader: CoverageReader,
  { id }: ServerSpan,
  span: JudgedSpan,
): { readonly holes: Hole[]; readonly isTold: boolean } {
  const lacking = reader.unpaired(id, "main", span).filter(({ reason }) => !MAIN_ALONE.test(reason));
  const alone = new Set<string>();
  const missing: UnpairedRejection[] = [];
  let probes = 0;
  for (const rejection of lacking) {
    const { atMs, kind } = rejection;
    const previous = missing.at(-1);
    // One that lies a moment after another has its neighbours.
    if (previous !== undefined && atMs - previous.atMs < NEIGHBOUR_MS / 2) {
      missing.push(rejection);
      continue;
    }
    if (++probes > MOST_PROBES) break;
    if (reader.hasRejectLine(id, { from: epochMs(atMs - NEIGHBOUR_MS), until: epochMs(atMs + NEIGHBOUR_MS) }))
      alone.add(kind);
    else missing.push(rejection);
  }
  const holes = missing
    .filter(({ kind }) => !alone.has(kind))
    .map(
      ({ atMs }): Hole => ({
        from: atMs,
        until: epochMs(atMs + SECOND_MS),
        logType: "reject",
        evidence: "rejections",
        count: 1,
        rhythmMs: undefined,
      }),
    );
  // NOTE: lines that only the reject log has could be missing without a trace.
  return { holes: bridge(holes), isTold: reader.unpaired(id, "reject", span).length === 0 };
}

/** Joins those of a log with at most an hour between them. */
function bridge(holes: readonly Hole[]): Hole[] {
  const joined: Hole[] = [];
  for (const hole of holes) {
    const last = joined.at(-1);
    if (last !== undefined && hole.from - last.until <= HOUR_MS)
      joined[joined.length - 1] = { ...last, until: hole.until, count: last.count + hole.count };
    else joined.push(hole);
  }
  return joined;
}

/** The logs of the kind between whose last and first line the hole lies. */
function neighbours(
  sources: readonly SourceSpan[],
  { logType, from, until }: Hole,
): Pick<CoverageHole, "previousPath" | "nextPath"> {
  const alike = sources.filter((source) => source.logType === "syslog" || source.logType === logType);
  const isWithin = alike.some(({ firstMs, lastMs }) => firstMs < from && lastMs > until);
  if (isWithin) return { previousPath: null, nextPath: null };
  const ended = alike.filter(({ lastMs }) => lastMs <= from).sort((one, other) => other.lastMs - one.lastMs)[0];
  const begun = alike.find(({ firstMs }) => firstMs >= until);
  return { previousPath: ended?.path ?? null, nextPath: begun?.path ?? null };
}

function hasStart(reader: CoverageReader, server: number, { until }: Hole): boolean {
  return reader.hasDaemonStart(server, { from: until, until: epochMs(until + MINUTE_MS) });
}
