/** Runs checks over one connection, all of them on one state of the database. */
import type Database from "better-sqlite3";
import { PilotError } from "../../errors.ts";
import { translateSqliteError } from "../database/sqlite-errors.ts";
import { RawTextReader } from "../log-text/blocks.ts";
import { StoredText } from "../log-text/log-export.ts";
import type { CheckStep, IntegrityCheck } from "./checks/check.ts";
import { COUNTS } from "./checks/counts.ts";
import { DIGESTS } from "./checks/digests.ts";
import { DUPLICATE_LOCATIONS, DUPLICATES } from "./checks/duplicates.ts";
import { FILE } from "./checks/file.ts";
import { MESSAGES } from "./checks/messages.ts";
import { PEOPLE } from "./checks/people.ts";
import { PLACES } from "./checks/places.ts";
import { POSITIONS } from "./checks/positions.ts";
import { RAW_TEXT } from "./checks/raw-text.ts";
import { REFERENCES } from "./checks/references.ts";
import { ROLLUPS } from "./checks/rollups.ts";
import { TEXT_INDEXES } from "./checks/text-indexes.ts";

/** The cheap ones first, so that what is plainly wrong is found early. */
export const CHECKS: readonly IntegrityCheck[] = [
  FILE,
  POSITIONS,
  REFERENCES,
  PLACES,
  COUNTS,
  DIGESTS,
  PEOPLE,
  MESSAGES,
  ROLLUPS,
  DUPLICATE_LOCATIONS,
  TEXT_INDEXES,
  RAW_TEXT,
  DUPLICATES,
];

export class CheckRunner {
  readonly #database: Database.Database;
  readonly #schemaDamage: () => readonly string[];

  /** `schemaDamage`: see {@link CheckContext}. */
  constructor(database: Database.Database, schemaDamage: () => readonly string[] = () => []) {
    this.#database = database;
    this.#schemaDamage = schemaDamage;
  }

  /** From here on everything is read of one state, until {@link CheckRunner.end}. */
  begin(): void {
    this.#database.exec("BEGIN");
  }

  end(): void {
    if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
  }

  /** The steps of a check. Damage that keeps it from continuing is a finding. */
  *run(check: IntegrityCheck, isQuick: boolean): Generator<CheckStep> {
    const database = this.#database;
    try {
      yield* check.run({
        database,
        text: new StoredText(database),
        rawText: new RawTextReader(database),
        isQuick,
        schemaDamage: this.#schemaDamage,
      });
    } catch (error) {
      const translated = translateSqliteError(error, database.name);
      const isDamage = translated instanceof PilotError && translated.code === "corrupt";
      // NOTE: where a definition is damaged, statements that use it are refused as if they were wrong.
      if (!isDamage && this.#schemaDamage().length === 0) throw error;
      yield `This check could not finish: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}
