/** Rows of a statement for strangers: a text is hidden unless its content is public, whatever expression it comes from. */
import type { QueryCell } from "../store/read/query-runner.ts";
import { type Secret, secretOf } from "./fields.ts";
import { Redactor } from "./redactor.ts";
import { isTimeZone } from "./vocabulary.ts";

/** Texts that say nothing of anybody: numbers, times, enhanced status codes, protocols, versions of TLS, what a message is to the server. */
const PUBLIC: readonly RegExp[] = [
  /^[-+]?\d{1,15}(?:\.\d+)?%?$/,
  /^\d{4}-\d\d(?:-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)?$/,
  /^\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/,
  /^[245]\.\d{1,3}\.\d{1,3}$/,
  /^(?:utf8)?(?:local-)?(?:e?smtps?a?|lmtps?a?|b?smtp|local)$/i,
  /^(?:TLSv?1(?:\.[0-3])?|SSLv[23])(?::[A-Z0-9_+-]+(?::\d+)?)?$/,
  /^(?:inbound|local|submitted|generated)$/,
  /^#[0-9a-f]{6}$/,
  /^(?:admin|agent|viewer|datasource)$/,
];

/** Kinds whose names are made up as those of the same content elsewhere. */
const NAMED: ReadonlySet<Secret> = new Set<Secret>([
  "address",
  "host",
  "domain",
  "login",
  "argument",
  "subject",
  "tag",
  "path",
  "withheld",
]);

/** Columns that hold text with words of Exim's and of replies; any other column holds a value, which is hidden as a whole. */
const WITH_WORDS: ReadonlySet<string> = new Set(
  "last_error error_message reason confirmation raw_line router transport phase event category queue_name".split(" "),
);

/** Columns that have another name than the field of the same content. */
const FIELD_OF: Readonly<Record<string, string>> = { name: "server", author: "user" };

/** Returns the function that redacts the cells of each row. `codes`: names that the database lists as those of its codes. */
export function rowRedactor(
  columns: readonly string[],
  codes: ReadonlySet<string>,
): (cells: readonly QueryCell[]) => readonly QueryCell[] {
  const names = new Redactor();
  const isPublic = (text: string): boolean =>
    text === "" || codes.has(text) || PUBLIC.some((form) => form.test(text)) || isTimeZone(text);
  const redactText = (column: string, text: string): string => {
    const list = parseList(text);
    if (list !== undefined) return JSON.stringify(redactJson(column, list));
    const field = FIELD_OF[column] ?? fieldOf(column);
    if (NAMED.has(secretOf("", field))) return Object.values(names.redact({ [field]: text })).join();
    if (isPublic(text)) return text;
    if (WITH_WORDS.has(column) || column === "id" || column.endsWith("_id")) return names.redact({ text }).text;
    return names.redactUnknown(text);
  };
  const redactJson = (column: string, value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((item) => redactJson(column, item));
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [names.redact({ text: key }).text, redactJson(column, item)]),
      );
    return typeof value === "string" ? redactText(column, value) : value;
  };
  return (cells) =>
    cells.map((cell, index) => {
      const column = (columns[index] ?? "").replace(/:\d+$/, "");
      if (typeof cell === "string") return redactText(column, cell);
      return cell instanceof Uint8Array ? names.redactUnknown(Buffer.from(cell).toString("hex")) : cell;
    });
}

/** An array or an object in JSON, as `json_group_array` makes it. */
function parseList(text: string): object | undefined {
  if (!/^[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    // NOTE: a text that only begins like one.
    return undefined;
  }
}

/** `ip_address` is the field `ipAddress`. */
function fieldOf(column: string): string {
  return column.replace(/_(\p{L})/gu, (_, letter: string) => letter.toUpperCase());
}
