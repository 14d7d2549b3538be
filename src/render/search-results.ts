/** Results of a search, one after the other: lines for people, rows and objects for programs. */
import type { RawGroup } from "../search/raw-groups.ts";
import type { SearchResult } from "../search/result.ts";
import { renderVisibleCsvRow } from "./form/csv.ts";
import { formatBytes, formatHost, formatSeconds, formatTime } from "./form/format.ts";
import { greatest, renderHanging } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";
import { paintStatus } from "./form/status-colour.ts";
import { toVisible, toVisibleLine } from "./form/terminal-text.ts";
import { withoutPreamble } from "./trace/told-once.ts";

export interface ListOptions {
  readonly columns: number;
  readonly paint: Paint;
  /** Sort key, shown with each result. */
  readonly sort: "time" | "size" | "queue-time";
  /** Several servers are in the database: each result names its own. */
  readonly hasServers: boolean;
}

/** In less room than this addresses would be torn: the text then stands below. */
const NARROWEST_TEXT = 32;
const BELOW = 12;
const DAY_LENGTH = 10;
const TIME_LENGTH = 8;

/**
 * Results under the day they belong to:
 *
 *     2026-03-02 (UTC)
 *       15:51:32  1vx5YS-0006QZ-1J  delivered  app@partner.example → a@grey.example,
 *                                              b@grey.example
 */
export function renderSearchList(results: readonly SearchResult[], options: ListOptions): string {
  const { paint, columns } = options;
  const idWidth = greatest(results.map(({ id, event }) => (id ?? event ?? "").length));
  const statusWidth = greatest(results.map((result) => shortStatus(result).length));
  let day = "";
  return results
    .map((result) => {
      const time = result.timestamp === null ? "" : formatTime(result.timestamp, result.timeZone);
      const heading = time === "" ? "Without a time" : `${time.slice(0, DAY_LENGTH)} (${result.timeZone})`;
      const isNewDay = heading !== day;
      day = heading;
      const id = (result.id ?? result.event ?? "").padEnd(idWidth);
      const status = shortStatus(result);
      const label = `  ${paint.faint(time.slice(DAY_LENGTH + 1).padEnd(TIME_LENGTH))}  ${result.id === null ? paint.faint(id) : id}  ${paintStatus(paint, status)}${" ".repeat(statusWidth - status.length)}  `;
      const indent = 2 + TIME_LENGTH + 2 + idWidth + 2 + statusWidth + 2;
      const text = toVisibleLine(describe(result, options));
      const line =
        columns - indent < NARROWEST_TEXT
          ? `${label.trimEnd()}\n${renderHanging(" ".repeat(BELOW), text, BELOW, columns)}`
          : renderHanging(label, text, indent, columns);
      return `${isNewDay ? `${paint.strong(heading)}\n` : ""}${line}\n`;
    })
    .join("");
}

function shortStatus({ status }: SearchResult): string {
  return status === "rejected temporarily" ? "tempfail" : (status ?? "");
}

function describe(result: SearchResult, { sort, hasServers }: ListOptions): string {
  const { sender, recipients, subject, host, helo, ipAddress, kind, reason, cause, sizeBytes, queueSeconds, server } =
    result;
  const { tags } = result;
  const measure = sort === "size" ? sizeBytes : queueSeconds;
  const measured =
    sort === "time" || measure === null ? "" : sort === "size" ? formatBytes(measure) : formatSeconds(measure);
  if (kind === "event") return [measured, reason ?? formatHost(host, helo, ipAddress, null)].filter(isText).join("  ");
  const way = [sender, recipients.join(", ")].filter((part) => part !== null && part !== "").join(" → ");
  const client = kind === "rejection" ? `from ${formatHost(host, helo, ipAddress, null)}` : "";
  const title = subject === null ? "" : `“${subject}”`;
  const place = hasServers ? `(${server})` : "";
  const called = tags.map((tag) => `#${tag}`).join(" ");
  const text = [measured, way, title, client, place, called].filter(isText).join("  ");
  const why = [reason, cause].filter((one) => one !== null).map((one) => withoutPreamble(one));
  return why.length === 0 ? text : `${text}: ${why.join("; ")}`;
}

function isText(part: string): boolean {
  return part !== "";
}

const CSV_COLUMNS = [
  "kind",
  "id",
  "entryId",
  "server",
  "timestamp",
  "status",
  "event",
  "sender",
  "recipients",
  "subject",
  "sizeBytes",
  "queueSeconds",
  "headerMessageId",
  "tags",
  "host",
  "helo",
  "ipAddress",
  "auth",
  "reason",
  "cause",
] as const satisfies readonly (keyof SearchResult)[];

export function renderSearchCsvHeading(): string {
  return renderVisibleCsvRow(CSV_COLUMNS);
}

/** Recipients and tags are parted by blanks. */
export function renderSearchCsvRow(result: SearchResult): string {
  return renderVisibleCsvRow(
    CSV_COLUMNS.map((column) => {
      const value = result[column];
      if (typeof value === "number" || value === null) return value;
      return toVisible(typeof value === "string" ? value : value.join(" "));
    }),
  );
}

/** Renders a group in exigrep's form: a mark if the message has not completed, then its lines. */
export function renderRawGroup({ unfinishedId, lines }: RawGroup, paint: Paint): string {
  const mark = unfinishedId === undefined ? "" : `${paint.faint(`+++ ${unfinishedId} has not completed +++`)}\n`;
  const text = lines.map((line) => (line === undefined ? "(the text of this line has been pruned)" : toVisible(line)));
  return `${mark}${text.join("\n")}\n`;
}
