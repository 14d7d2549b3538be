/** Renders the stored logs and how far each was read. */
import type { StoredSource } from "../store/read/source-reader.ts";
import type { SourceFacts } from "./answers.ts";
import { renderFacts } from "./form/fitting-table.ts";
import { countOf, formatBytes, formatCount, formatTime, formatZonedTime } from "./form/format.ts";
import { renderHanging } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

/** A log as `--json` shows it. */
export function toSourceFacts(source: StoredSource): SourceFacts {
  const { id, server, path, lines, entries, other, unparsed } = source;
  return {
    id,
    server,
    path,
    logType: source.log_type,
    bytes: source.position,
    lines,
    entries,
    other,
    unparsed,
    isComplete: source.complete === 1,
    prunedBytes: source.pruned,
    prunedAt: source.pruned_at,
    firstTimestamp: source.first_timestamp,
    lastTimestamp: source.last_timestamp,
    firstReadAt: source.created_at,
    lastReadAt: source.updated_at,
  };
}

interface Screen {
  readonly columns: number;
  readonly paint: Paint;
}

/** Servers with a line of figures and a line of times for each log. */
export function renderSources(sources: readonly StoredSource[], timeZone: string, screen: Screen): string {
  if (sources.length === 0) return "No log is stored.\n";
  const servers = [...new Set(sources.map(({ server }) => server))];
  const sections = servers.map((server) => {
    const logs = sources.filter((source) => source.server === server);
    const title = `${screen.paint.strong(toVisibleLine(server))}  ${countOf(logs.length, "log")}`;
    return [title, ...logs.map((log) => renderSource(log, timeZone, screen))].join("\n");
  });
  return `${sections.join("\n\n")}\n`;
}

function renderSource(source: StoredSource, timeZone: string, screen: Screen): string {
  const { columns, paint } = screen;
  const { id, path, lines, other, unparsed, position, first_timestamp: first, last_timestamp: last } = source;
  const free = other + unparsed === 0 ? "" : `; ${formatCount(other)} of free text, ${formatCount(unparsed)} unparsed`;
  const covered =
    first === null || last === null
      ? "no entry with a time"
      : `${formatTime(first, timeZone)} to ${formatTime(last, timeZone)} (${timeZone})`;
  const pruned: [string, string][] =
    source.pruned_at === null
      ? []
      : [["Pruned", `the first ${formatBytes(source.pruned)}, last on ${formatZonedTime(source.pruned_at, timeZone)}`]];
  const end: [string, string][] =
    source.complete === 1 ? [] : [["Ends", paint.waiting("within a line, whose rest is awaited")]];
  const facts = renderFacts(
    [
      ["Read", `${countOf(lines, "line")} (${formatBytes(position)})${free}`],
      ["Covers", covered],
      ["Last read", formatZonedTime(source.updated_at, timeZone)],
      ...pruned,
      ...end,
    ],
    screen,
    4,
  );
  const name = `${toVisibleLine(path)}  ${paint.faint(`(${source.log_type})`)}`;
  return `${renderHanging(`  ${id}  `, name, 4, columns)}\n${facts}`;
}
