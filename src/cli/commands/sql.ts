import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { PilotError } from "../../errors.ts";
import { renderJson } from "../../render/form/json.ts";
import type { RowFormat } from "../../render/form/row-formats.ts";
import { renderViews } from "../../render/view-list.ts";
import type { QueryParameters } from "../../store/read/query-runner.ts";
import { type AuditFlags, audited } from "../audited.ts";
import { type QueryEnd, runQuery } from "../children/query.ts";
import { type DatabaseFlags, hasColour, screenOf, toStoreSettings, usingReader } from "../context.ts";
import type { Io } from "../io.ts";
import { statusOfAbort } from "../terminal/output.ts";

export interface SqlFlags extends DatabaseFlags, AuditFlags {
  readonly file?: string;
  readonly format?: RowFormat;
  readonly json?: boolean;
  readonly param?: QueryParameters;
  readonly limit?: number;
  /** Milliseconds. */
  readonly timeout: number;
  readonly views?: boolean;
  readonly redact?: boolean;
}

/** More in a table is for another format: all of it has to be kept, for the widths of the columns. */
const MOST_TABLE_ROWS = 1000;
const STDIN = "-";

/** Prints the rows of a statement; returns the exit status. Errors: `usage`, `timeout`, those of the database. */
export async function runSql(statement: string | undefined, flags: SqlFlags, io: Io): Promise<number> {
  if (flags.views === true) return showViews(flags, io);
  const sql = await readStatement(statement, flags.file, io.stdin);
  const store = toStoreSettings(flags, io);
  const { now: _, ...settings } = store;
  const isTerminal = io.stdout.isTTY === true;
  const format = wantedFormat(flags) ?? (isTerminal ? "table" : "ndjson");
  const mostRows = flags.limit ?? (format === "table" ? MOST_TABLE_ROWS : undefined);
  const parameters = flags.param ?? {};
  const look = { format, mostRows, isTerminal, hasColour: hasColour(io.stdout, io) };
  const job = { settings, sql, parameters, ...look, isRedacted: flags.redact === true };
  const action = {
    action: "sql",
    parameters: { ...flags, statement: sql, format },
    affected: (ended: QueryEnd | undefined): object => ({ isWhole: ended !== undefined && !ended.hasMore }),
    takesOut: true,
  };
  // NOTE: a database that this version does not work with is not written to, so it is looked at before.
  await usingReader(flags, io, async () => {});
  const end = await audited(action, store, flags, io, () => runQuery(job, flags.timeout, io));
  if (end === undefined) return statusOfAbort(io);
  if (end.hasMore && flags.limit === undefined) {
    io.stderr.write(`note: these are the first ${mostRows} rows; --limit shows more, --format csv or ndjson all.\n`);
  }
  return 0;
}

function wantedFormat({ format, json }: SqlFlags): RowFormat | undefined {
  return json === true ? "json" : format;
}

async function showViews(flags: SqlFlags, io: Io): Promise<number> {
  const { describeViews } = await import("../../store/public-views.ts");
  const views = describeViews(toStoreSettings(flags, io));
  io.stdout.write(wantedFormat(flags) === "json" ? renderJson("views", { views }) : renderViews(views, screenOf(io)));
  return 0;
}

async function readStatement(
  statement: string | undefined,
  file: string | undefined,
  stdin: Readable,
): Promise<string> {
  if (statement !== undefined && file !== undefined) {
    throw new PilotError("usage", "Both a statement and a file with one were given.", {
      hint: "Leave one of them out.",
    });
  }
  if (file !== undefined && file !== STDIN) return readFile(file);
  if (statement !== undefined && statement !== STDIN) return statement;
  if ((stdin as { isTTY?: boolean }).isTTY === true) {
    throw new PilotError("usage", "No statement was given.", {
      hint: 'Give one in quotes, such as "SELECT * FROM messages LIMIT 5"; `exim-pilot sql --views` lists what can be asked.',
    });
  }
  return text(stdin);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new PilotError("unreadable", `"${path}" cannot be read (${(error as NodeJS.ErrnoException).code}).`, {
      hint: "Check the name and the rights of the file.",
      cause: error,
    });
  }
}
