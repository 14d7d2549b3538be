/** The audit log, for people and for spreadsheets. */
import type { AuditRow } from "../store/read/audit-reader.ts";
import { renderFittingTable } from "./form/fitting-table.ts";
import { formatSeconds, formatTime } from "./form/format.ts";
import { renderHanging } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";
import { toVisible, toVisibleLine } from "./form/terminal-text.ts";

export function renderAudit(
  rows: readonly AuditRow[],
  timeZone: string,
  screen: { readonly columns: number; readonly paint: Paint },
): string {
  const { columns, paint } = screen;
  if (rows.length === 0) return "Nothing of that kind is recorded.\n";
  const titles = [`Time (${timeZone})`, "Action", "Result", "User", "From", "Took"];
  const lines = rows.map((row) => [
    formatTime(row.timestamp, timeZone),
    toVisibleLine(row.action),
    (row.result === "done" ? paint.good : row.result === "started" ? paint.plain : paint.bad)(row.result),
    toVisibleLine(row.sudo_user === null ? row.user : `${row.sudo_user} as ${row.user}`),
    toVisibleLine(row.ssh_client?.split(" ", 1)[0] ?? row.host),
    row.duration_seconds === null ? "" : formatSeconds(row.duration_seconds),
  ]);
  const errors = rows.flatMap(({ error, action }) =>
    error === null ? [] : [renderHanging("", `${action}: ${toVisibleLine(error)}`, 2, columns)],
  );
  return `${[renderFittingTable({ titles, rows: lines }, screen), ...errors].join("\n")}\n`;
}

const COLUMNS = [
  "timestamp",
  "request_id",
  "user",
  "sudo_user",
  "ssh_client",
  "host",
  "action",
  "result",
  "error",
  "duration_seconds",
  "parameters",
  "affected",
  "ip_address",
  "user_agent",
  "resource_path",
] as const satisfies readonly (keyof AuditRow)[];

/** RFC 4180, with a heading. */
export function renderAuditCsv(rows: readonly AuditRow[]): string {
  const lines = [COLUMNS, ...rows.map((row) => COLUMNS.map((column) => String(row[column] ?? "")))];
  return lines.map((cells) => `${cells.map(toCell).join(",")}\r\n`).join("");
}

/** A cell that begins like a formula would be one in a spreadsheet; a quote in front makes it text. */
function toCell(value: string): string {
  const text = toVisible(/^[=+\-@\t]/.test(value) ? `'${value}` : value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
