/** The report of eximstats, made of the stored text of the main logs, or of what came through syslog in their place. */
import { setImmediate } from "node:timers/promises";
import { PilotError } from "../../errors.ts";
import type { StatsFilter } from "../../store/stats/selection.ts";
import type { StatsReader } from "../../store/stats/stats-reader.ts";
import { decodeUtf8 } from "../../text.ts";
import { toIso } from "../../units.ts";
import type { Dialect } from "./accept-line.ts";
import { MainLines } from "./main-lines.ts";
import { type EximstatsReport, EximstatsTally } from "./tally.ts";

/** After every stamp. */
const END_OF_TIME = "9999";

export interface Eximstats extends EximstatsReport {
  /** Logs that came through syslog beside main logs, which have the same lines: these are not counted. */
  readonly syslogLogs: number;
}

export interface EximstatsRequest {
  readonly filter: Pick<StatsFilter, "since" | "until" | "servers">;
  /** A moment as the log has it: `2026-03-02 06:13:49`. */
  readonly formatStamp: (iso: string) => string;
  readonly signal: AbortSignal;
}

/** That of the newest version, which the daemons of the servers log; without one, ids tell the generation only. */
export function dialectOf(versions: readonly string[], hasLongIds: boolean): Dialect {
  const minors = versions.map((version) => Number(/^4\.(\d+)/.exec(version)?.[1] ?? 0));
  if (minors.some((minor) => minor >= 99)) return "4.99";
  return hasLongIds || minors.some((minor) => minor >= 97) ? "4.97" : "4.96";
}

/**
 * Its numbers, defects included. Times are compared as its stamps are: as texts on the clock of the log. Messages are those of
 * all logs of a server, one after the other, as if they had been given to it in that order. Errors: `interrupted`.
 */
export async function computeEximstats(reader: StatsReader, request: EximstatsRequest): Promise<Eximstats> {
  const { filter, formatStamp, signal } = request;
  const tally = new EximstatsTally({
    dialect: dialectOf(await reader.eximVersions(filter.servers), await reader.hasLongIds()),
    from: filter.since === undefined ? "" : formatStamp(toIso(filter.since)),
    until: filter.until === undefined ? END_OF_TIME : formatStamp(toIso(filter.until)),
    toWallMs: (at) => Date.parse(`${formatStamp(toIso(at)).replace(" ", "T")}Z`),
  });
  const mainLines = new MainLines();
  const add = (line: string): void => {
    const text = mainLines.take(line);
    if (text !== undefined) tally.add(decodeUtf8(text));
  };
  let rest = "";
  for (const text of reader.mainLogText(filter.servers)) {
    // A turn of the event loop, in which a signal can come through.
    await setImmediate();
    if (signal.aborted) throw new PilotError("interrupted", "Interrupted before all was counted.");
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) add(line);
  }
  if (rest !== "") add(rest);
  return { ...tally.report(), syslogLogs: await reader.syslogLogs(filter.servers) };
}
