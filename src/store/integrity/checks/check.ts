import type Database from "better-sqlite3";
import type { RawTextReader } from "../../log-text/blocks.ts";
import type { StoredText } from "../../log-text/log-export.ts";

/** Progress of a check, in its own unit. */
export interface CheckProgress {
  readonly done: number;
  readonly total: number;
}

/** A sentence about something that is not as it should be, or how far the check is. */
export type CheckStep = string | CheckProgress;

export interface CheckContext {
  readonly database: Database.Database;
  readonly text: StoredText;
  readonly rawText: RawTextReader;
  readonly isQuick: boolean;
  /** A sentence for each definition in the file that is not as it should be. */
  readonly schemaDamage: () => readonly string[];
}

/** A question about the whole database, which every database answers with nothing. */
export interface IntegrityCheck {
  readonly name: string;
  readonly question: string;
  /** Left out by a quick verification. */
  readonly readsAllText: boolean;
  readonly run: (context: CheckContext) => Iterable<CheckStep>;
}

/** `1 row of x`, `3 rows of x`. */
export function rowsOf(count: number, table: string): string {
  return `${count} ${count === 1 ? "row" : "rows"} of ${table}`;
}
