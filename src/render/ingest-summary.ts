/** Renders the report of an ingest: a line for people, an object for programs. */
import type { IngestReport, LogReport } from "../ingest/ingest.ts";
import { countOf, formatBytes, formatCount } from "./form/format.ts";
import { renderJson } from "./form/json.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

/**
 * `Stored 420 lines in mail.db: 103 new messages, 12 of free text, 0 unparsed (21,000 lines/s).`, or what there was instead of new
 * lines; empty when no log could be read at all.
 */
export function renderIngestSummary(report: IngestReport, database: string, seconds: number, paint: Paint): string {
  const place = ` in ${toVisibleLine(database)}`;
  const { totals, logs, isInterrupted } = report;
  if (logs.length > 0 && logs.every(({ result }) => result === "failed") && totals.lines === 0) return "";
  const notes = [
    noteOn(logs, "unchanged", "unchanged"),
    noteOn(logs, "empty", "empty"),
    noteOn(logs, "older", "older and not read"),
  ].filter((note) => note !== "");
  const aside = notes.length === 0 ? "" : ` (${notes.join(", ")})`;
  const interruption = isInterrupted ? "Interrupted: the next run goes on from here.\n" : "";
  if (totals.lines === 0) {
    const begun = `Stored ${formatBytes(totals.bytes)} of lines that had begun${place}`;
    return isInterrupted ? interruption : `${totals.bytes === 0 ? `Nothing new${place}` : begun}${aside}.\n`;
  }
  const figures = [
    countOf(totals.messages, "new message"),
    `${formatCount(totals.other)} of free text`,
    `${formatCount(totals.unparsed)} unparsed`,
  ];
  const rate = `${formatCount(Math.round(ratePerSecond(totals.lines, seconds)))} lines/s`;
  const rest = notes.length === 0 ? "" : `; ${notes.join(", ")}`;
  return `${paint.strong(`Stored ${countOf(totals.lines, "line")}`)}${place}: ${figures.join(", ")} (${rate}${rest}).\n${interruption}`;
}

/** Most names that are printed. */
const MOST_NAMES = 5;

/** `note: not read, for they are no logs of Exim: a.conf, b.db and 3 others.`; empty when all that was found is a log. */
export function renderForeign({ logs }: IngestReport): string {
  const foreign = logs.filter(({ result }) => result === "foreign");
  if (foreign.length === 0) return "";
  const names = foreign.slice(0, MOST_NAMES).map(({ path }) => toVisibleLine(path));
  const others = foreign.length - names.length;
  const rest = others === 0 ? "" : ` and ${countOf(others, "other")}`;
  return `note: not read, as ${foreign.length === 1 ? "it is no log" : "they are no logs"} of Exim: ${names.join(", ")}${rest}\n`;
}

/** Exim's own logs have hardly any; a few come from what administrators let it log. */
const USUAL_SHARE = 0.05;
/** A share of fewer lines than this is not shown. */
const FEWEST_LINES = 100;

/** A warning when the share of lines that were not understood is not what one would expect; empty otherwise. */
export function renderUnusualShares({ totals }: IngestReport): string {
  if (totals.lines < FEWEST_LINES) return "";
  const shares = [
    describeShare(totals.other, totals.lines, "free text"),
    describeShare(totals.unparsed, totals.lines, "unparsed"),
  ];
  const unusual = shares.filter((share) => share !== "");
  if (unusual.length === 0) return "";
  return `note: ${unusual.join(" and ")}, more than a log of Exim should have; exim-pilot parse --summary shows samples.\n`;
}

/** A warning when `journalctl` left out texts of Exim's; empty otherwise. */
export function renderLost({ totals: { lost } }: IngestReport): string {
  if (lost === 0) return "";
  const whose = lost === 1 ? "1 line of Exim lacks its text" : `${formatCount(lost)} lines of Exim lack their text`;
  return `note: ${whose}, which journalctl left out; print the journal with journalctl --all -o json\n`;
}

function describeShare(count: number, lines: number, what: string): string {
  return count / lines > USUAL_SHARE ? `${Math.round((count / lines) * 100)} % of the lines are ${what}` : "";
}

/** The contract of `exim-pilot ingest --json`. */
export function renderIngestJson(report: IngestReport, database: string, seconds: number): string {
  const { server, timeZone, totals, isInterrupted } = report;
  const logs = report.logs.map(({ error, path, logType, result, ...figures }) => ({
    path,
    logType,
    result,
    ...figures,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message, hint: error.hint } }),
  }));
  return renderJson("ingest", {
    database,
    server,
    timeZone,
    isInterrupted,
    seconds,
    linesPerSecond: Math.round(ratePerSecond(totals.lines, seconds)),
    totals,
    logs,
  });
}

/** `2 logs unchanged`. */
function noteOn(logs: readonly LogReport[], result: LogReport["result"], what: string): string {
  const { length } = logs.filter((log) => log.result === result);
  return length === 0 ? "" : `${countOf(length, "log")} ${what}`;
}

function ratePerSecond(count: number, seconds: number): number {
  return seconds <= 0 ? 0 : count / seconds;
}
