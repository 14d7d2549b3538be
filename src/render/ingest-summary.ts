/** What an ingest did: a line for people, an object for programs. */
import type { IngestReport, LogReport } from "../ingest/ingest.ts";
import { countOf, formatCount } from "./format.ts";
import { renderJson } from "./json.ts";
import type { Paint } from "./paint.ts";

/** `Stored 420 lines: 103 new messages, 0 unparsed, 12 of no known form, 21,000 lines/s.` */
export function renderIngestSummary(report: IngestReport, seconds: number, paint: Paint): string {
  const { totals, logs, isInterrupted } = report;
  const stored = paint.strong(`Stored ${countOf(totals.lines, "new line")}`);
  const figures = [
    countOf(totals.messages, "new message"),
    `${formatCount(totals.unparsed)} unparsed`,
    `${formatCount(totals.other)} of no known form`,
    `${formatCount(Math.round(ratePerSecond(totals.lines, seconds)))} lines/s`,
  ];
  const notes = [
    noteOn(logs, "unchanged", "held nothing new"),
    noteOn(logs, "empty", "empty"),
    isInterrupted ? "interrupted: the next run goes on from here" : "",
  ].filter((note) => note !== "");
  return `${stored}: ${figures.join(", ")}${notes.length === 0 ? "" : ` (${notes.join("; ")})`}.\n`;
}

/** The contract of `exim-pilot ingest --json`. */
export function renderIngestJson(report: IngestReport, seconds: number): string {
  const { server, timeZone, totals, isInterrupted } = report;
  const logs = report.logs.map(({ error, ...log }) => ({
    ...log,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message, hint: error.hint } }),
  }));
  return renderJson("ingest", {
    server,
    timeZone,
    isInterrupted,
    seconds,
    linesPerSecond: Math.round(ratePerSecond(totals.lines, seconds)),
    totals,
    logs,
  });
}

function noteOn(logs: readonly LogReport[], result: LogReport["result"], what: string): string {
  const { length } = logs.filter((log) => log.result === result);
  if (length === 0) return "";
  return logs.length === 1 ? `the log ${what === "empty" ? "is empty" : what}` : `${countOf(length, "log")} ${what}`;
}

function ratePerSecond(count: number, seconds: number): number {
  return seconds <= 0 ? 0 : count / seconds;
}
