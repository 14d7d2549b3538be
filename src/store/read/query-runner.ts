/** Statements of users: read-only, one at a time, row by row. */
import Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";
import { translateSqliteError } from "../database/sqlite-errors.ts";

export type QueryCell = string | number | bigint | null | Uint8Array;

/** Values by the names of parameters, without their `:`, `@` or `$`. */
export type QueryParameters = Readonly<Record<string, string | number>>;

export interface QueryRows {
  /** Each once: a name that comes again has its place behind it, as SQLite itself does it (`server:1`). */
  readonly columns: readonly string[];
  /** To be gone through once. Integers that a number cannot hold are bigints. Errors: `usage` for what SQLite objects to. */
  readonly rows: Iterable<readonly QueryCell[]>;
}

export class QueryRunner {
  readonly #database: Database.Database;
  readonly #path: string;

  /** `database` must have been opened read-only. `path`: as people name it. */
  constructor(database: Database.Database, path: string) {
    this.#database = database;
    this.#path = path;
  }

  /** Names that the file lists for its codes: statuses, kinds, phases, outcomes. */
  codeNames(): ReadonlySet<string> {
    return new Set(this.#database.prepare<[], string>("SELECT name FROM codes").pluck().all());
  }

  /** Errors: `usage` when it is not one statement that only reads, names the table of passwords, or SQLite objects to it; those of the database. */
  run(sql: string, parameters: QueryParameters): QueryRows {
    const path = this.#path;
    if (PASSWORDS.test(sql)) throw aboutPasswords();
    const statement = explaining(path, () => this.#database.prepare<unknown[], QueryCell[]>(sql));
    // NOTE: ATTACH and BEGIN count as reading, but give no rows; PRAGMAs that set something do not count as reading.
    if (!statement.readonly || !statement.reader) throw notReading();
    statement.raw().safeIntegers();
    const columns = toUniqueNames(statement.columns().map(({ name }) => name));
    return { columns, rows: iterate(path, statement, parameters) };
  }
}

function* iterate(
  path: string,
  statement: Database.Statement<unknown[], QueryCell[]>,
  parameters: QueryParameters,
): Generator<readonly QueryCell[]> {
  const values = Object.entries(parameters).map(([name, value]) => [name, toInteger(value)]);
  const rows = explaining(path, () => statement.iterate(...(values.length === 0 ? [] : [Object.fromEntries(values)])));
  try {
    for (;;) {
      const next = explaining(path, () => rows.next());
      if (next.done === true) return;
      yield next.value.map(toNumber);
    }
  } finally {
    rows.return?.();
  }
}

/** The driver gives a number to SQLite as one with a fraction. */
function toInteger(value: string | number): string | number | bigint {
  return Number.isInteger(value) ? BigInt(value) : value;
}

function toNumber(cell: QueryCell): QueryCell {
  return typeof cell === "bigint" && Number.isSafeInteger(Number(cell)) ? Number(cell) : cell;
}

function toUniqueNames(names: readonly string[]): readonly string[] {
  const unique = new Set<string>();
  for (const name of names) {
    let candidate = name;
    for (let count = 1; unique.has(candidate); count++) candidate = `${name}:${count}`;
    unique.add(candidate);
  }
  return [...unique];
}

const VIEWS_HINT = "`exim-pilot sql --views` lists the views and their columns.";

function explaining<Result>(path: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    const translated = translateSqliteError(error, path);
    if (translated instanceof PilotError) throw translated;
    throw explain(error);
  }
}

/** Translates an error of SQLite into a sentence that a user can act on; anything else is a bug and passes unchanged. */
function explain(error: unknown): unknown {
  if (error instanceof Database.SqliteError) {
    return new PilotError("usage", `SQLite says: ${error.message}.`, { hint: VIEWS_HINT, cause: error });
  }
  if (!(error instanceof RangeError || error instanceof TypeError)) return error;
  if (/more than one statement/.test(error.message)) {
    return new PilotError("usage", "There is more than one statement.", { hint: "Give one at a time.", cause: error });
  }
  if (/no statements/.test(error.message)) {
    return new PilotError("usage", "No statement was given.", {
      hint: "Give one, such as SELECT * FROM messages LIMIT 5.",
      cause: error,
    });
  }
  if (/parameter/.test(error.message)) {
    return new PilotError("usage", "A parameter of the statement has no value.", {
      hint: "Write parameters as :name and give each with --param name=value.",
      cause: error,
    });
  }
  return error;
}

/** However it is quoted, its name stands in a statement that reads it: SQL has no escapes in names. */
const PASSWORDS = /stored_users/i;

function aboutPasswords(): PilotError {
  return new PilotError("usage", "The table stored_users has hashes of passwords, which are not given out.", {
    hint: "Ask the view users, which has all the rest.",
  });
}

function notReading(): PilotError {
  return new PilotError("usage", "This statement does more than read.", {
    hint: "SELECT, WITH, VALUES, EXPLAIN of those and PRAGMAs that only tell something are taken; `exim-pilot servers` and others change things.",
  });
}
