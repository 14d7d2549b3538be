/** Coverage beside the answers of commands. */
import { judgeCoverage } from "../coverage/coverage.ts";
import type { Coverage } from "../coverage/holes.ts";
import { allowedSilence, SILENCE_LOOKBACK_MS } from "../coverage/silence.ts";
import { PilotError } from "../errors.ts";
import type { LogEnd } from "../queue/report.ts";
import { describeCoverage, mendHoles } from "../render/coverage-text.ts";
import { toVisibleLine } from "../render/form/terminal-text.ts";
import { findActivity } from "../stats/activity.ts";
import type { ServerSilence } from "../stats/conditions.ts";
import type { Reader } from "../store/reader.ts";
import { type EpochMs, epochMs, toIso } from "../units.ts";
import type { Io } from "./io.ts";

interface Asked {
  readonly since?: EpochMs | undefined;
  readonly until?: EpochMs | undefined;
  readonly server?: readonly string[] | undefined;
}

export function coverageOf(reader: Reader, { since, until, server = [] }: Asked, io: Pick<Io, "now">): Coverage {
  return judgeCoverage(reader.coverage, { since, until, servers: server, now: io.now() });
}

/** Coverage of a time up to the last line of the servers: nobody can have read anything after it. */
export function coverageUpToLast(reader: Reader, { since, until, server }: Asked, io: Pick<Io, "now">): Coverage {
  const lasts = reader.coverage.servers(server ?? []).flatMap(({ lastMs }) => lastMs ?? []);
  const last = epochMs(Math.max(...lasts, since ?? 0) + 1);
  return coverageOf(reader, { since, until: until ?? last, server }, io);
}

/** Time of the newest line of the servers, of all when none is named; undefined when there is none. */
export function newestLine(reader: Reader, servers: readonly string[]): EpochMs | undefined {
  const lasts = reader.coverage.servers(servers).flatMap(({ lastMs }) => lastMs ?? []);
  return lasts.length === 0 ? undefined : epochMs(Math.max(...lasts));
}

/** How far the log of each server was read up to a moment, the earliest end first. `servers`: none for all. */
export function logEnds(reader: Reader, servers: readonly string[], until: EpochMs): readonly LogEnd[] {
  return reader.coverage
    .servers(servers)
    .flatMap(({ name, lastMs }) => (lastMs === undefined ? [] : [{ server: name, endMs: Math.min(lastMs, until) }]))
    .sort((left, right) => left.endMs - right.endMs)
    .map(({ server, endMs }) => ({ server, newestLine: toIso(epochMs(endMs)) }));
}

interface SilenceLimits {
  /** None for all. */
  readonly servers: readonly string[];
  /** End of the time that is asked for; undefined for now. */
  readonly until?: EpochMs | undefined;
  /** Undefined for what is usual; 0 for any age, so that none is returned. */
  readonly limitMs?: number | undefined;
}

/** How old the newest line of each server is. Servers without lines are told by the coverage. */
export async function findSilences(
  reader: Reader,
  { servers, until, limitMs }: SilenceLimits,
  io: Pick<Io, "now">,
): Promise<readonly ServerSilence[]> {
  if (limitMs === 0) return [];
  const now = Math.min(io.now(), until ?? Infinity);
  const silences: ServerSilence[] = [];
  for (const { id, name, lastMs } of reader.coverage.servers(servers)) {
    if (lastMs === undefined) continue;
    const span = { from: epochMs(lastMs - SILENCE_LOOKBACK_MS), until: epochMs(lastMs + 1) };
    const allowedMs =
      limitMs ??
      allowedSilence(
        await findActivity(reader.stats, reader.coverage.queueRuns(id, span), { server: name, span }),
        lastMs,
      );
    silences.push({ server: name, newestMs: lastMs, ageMs: now - lastMs, allowedMs });
  }
  return silences;
}

/** Refuses a limit that nothing would look at. Errors: `usage`. */
export function assertSilenceHasCondition(silence: number | undefined, hasCondition: boolean): void {
  if (silence === undefined || hasCondition) return;
  throw new PilotError("usage", "--silence belongs to --fail-if.", { hint: "Leave it out, or give a condition." });
}

/** Servers of {@link findSilences} whose newest line is older than it may be. */
export async function findSilent(
  reader: Reader,
  limits: SilenceLimits,
  io: Pick<Io, "now">,
): Promise<readonly ServerSilence[]> {
  return (await findSilences(reader, limits, io)).filter(({ ageMs, allowedMs }) => ageMs > allowedMs);
}

/** Lines below an answer that has nothing: what was read of the time, and how to read the rest. */
export function explainNothing(coverage: Coverage, timeZone: string): string {
  const hint = mendHoles(coverage.holes);
  const lines = [`Coverage: ${describeCoverage(coverage, timeZone)}`, ...(hint === "" ? [] : [`hint: ${hint}`])];
  return lines.map((line) => `${toVisibleLine(line)}\n`).join("");
}
