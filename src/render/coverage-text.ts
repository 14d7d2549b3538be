/** Holes in what was read, in words for whoever runs the server; text of strangers is not made safe here. */
import type { Coverage, CoverageHole, LogCoverage } from "../coverage/holes.ts";
import { countOf, formatCount, formatSeconds, formatTime } from "./form/format.ts";
import { renderHanging } from "./form/layout.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

/** Told one by one; the others are counted. */
const MOST_TOLD = 3;

/** `No line of mx1's main log was read between … and … (UTC), where a queue run was due every 30 min.` */
export function describeHole(hole: CoverageHole, timeZone: string): string {
  const { server, logType, evidence, count, rhythmSeconds, endsWithStart } = hole;
  const span = `between ${formatTime(hole.from, timeZone)} and ${formatTime(hole.until, timeZone)} (${timeZone})`;
  const messages = countOf(count, "message");
  const lacking = `No line of ${server}'s ${logType} log was read ${span}`;
  const rhythm = rhythmSeconds === null ? "" : `, where a queue run was due every ${formatSeconds(rhythmSeconds)}`;
  const start = endsWithStart ? " Exim was started then, so it may not have run before." : "";
  switch (evidence) {
    case "pruned":
      return `The lines of ${server}'s ${logType} log up to ${formatTime(hole.until, timeZone)} (${timeZone}) have been pruned.`;
    case "queue-runs":
    case "outside":
      return `${lacking}${rhythm}.${start}`;
    case "arrivals":
      return `${lacking}, when ${messages} arrived that ${count === 1 ? "was" : "were"} handled later.${start}`;
    case "ends":
      return `${lacking}, and nothing more was read of ${messages} that arrived just before.${start}`;
    case "rejections":
      return logType === "main"
        ? `${lacking}, when the reject log has ${countOf(count, "rejection")}.${start}`
        : `${server}'s reject log lacks ${countOf(count, "rejection")} that the main log has ${span}.`;
  }
}

/** The command that mends a hole. */
export function mendHole({ server, logType, previousPath, nextPath, evidence }: CoverageHole): string {
  const file =
    previousPath !== null && nextPath !== null
      ? `the rotated ${logType} log between ${previousPath} and ${nextPath}`
      : `the ${logType} log of that time, rotated ones too`;
  return evidence === "pruned"
    ? "A backup or an archive may still have them."
    : `Ingest ${file}: \`exim-pilot ingest --server ${server} FILE\`.`;
}

/** The same once for several holes; empty without any. */
export function mendHoles(holes: readonly CoverageHole[]): string {
  return [...new Set(holes.slice(0, MOST_TOLD).map(mendHole))].join(" ");
}

/** Describes in one line which part of a time was read: `partial. No line of …`. */
export function describeCoverage(coverage: Coverage, timeZone: string): string {
  const isOfNothing = coverage.from === null || coverage.until === null;
  return `${isOfNothing ? "none" : coverage.state}. ${explainCoverage(coverage, timeZone)}`;
}

/** The same without the word for it. */
export function explainCoverage({ state, from, until, logs, holes }: Coverage, timeZone: string): string {
  const unread = logs
    .filter(
      (log) =>
        log.state === "none" && !holes.some(({ server, logType }) => server === log.server && logType === log.logType),
    )
    .map(({ server, logType }) => `No ${logType} log of ${server} has been read.`);
  const told = holes.slice(0, MOST_TOLD).map((hole) => describeHole(hole, timeZone));
  const more = holes.length - told.length;
  const rest =
    more === 0
      ? []
      : [`There ${more === 1 ? "is" : "are"} ${formatCount(more)} more: see \`exim-pilot stats coverage\`.`];
  if (from === null || until === null) return unread.length === 0 ? "No log has been read yet." : unread.join(" ");
  switch (state) {
    case "none":
      return ["Nothing was read of that time.", ...unread, ...told, ...rest].join(" ");
    case "partial":
      return [...unread, ...told, ...rest].join(" ");
    case "whole":
      return "No due queue run is missing, and the logs agree.";
    case "unknown":
      return [
        "No hole was found, but these logs would not show every hole: they have too few queue runs.",
        ...logs.flatMap((log) => describeSilence(log, timeZone) ?? []),
      ].join(" ");
  }
}

/** The longest time without a line; undefined where that tells nothing. */
export function describeSilence(
  { server, silentFrom, silentUntil, isSilent }: LogCoverage,
  timeZone: string,
): string | undefined {
  if (silentFrom === null || silentUntil === null) return undefined;
  const span = `between ${formatTime(silentFrom, timeZone)} and ${formatTime(silentUntil, timeZone)} (${timeZone})`;
  return isSilent
    ? `${server}'s main log has no line at all ${span}: Exim logged nothing, or what it logged was not read.`
    : `The longest time without a line in ${server}'s main log is ${span}.`;
}

/** The same as lines of a page, with what to do below. */
export function renderCoverage(coverage: Coverage, timeZone: string, columns: number): string {
  const label = "Coverage  ";
  const hint = mendHoles(coverage.holes);
  return [
    renderHanging(label, toVisibleLine(describeCoverage(coverage, timeZone)), label.length, columns),
    ...(hint === "" ? [] : [renderHanging(" ".repeat(label.length), toVisibleLine(hint), label.length, columns)]),
  ]
    .map((line) => `${line}\n`)
    .join("");
}
