/** By which versions of the parser was read what is stored? */
import type Database from "better-sqlite3";
import { hasTable } from "./has-table.ts";

export interface ParserAge {
  /** Versions of the parser that have read what is stored. */
  readonly parserVersions: readonly number[];
  /** Logs that have lost text, so that they cannot be read again. */
  readonly prunedLogs: number;
}

/** Returns nothing for a database that is still empty. */
export function readParserAge(database: Database.Database): ParserAge {
  if (!hasTable(database, "parser_versions")) return { parserVersions: [], prunedLogs: 0 };
  const versions = database.prepare<[], number>("SELECT version FROM parser_versions ORDER BY version").pluck();
  const pruned = database.prepare<[], number>("SELECT count(*) FROM stored_sources WHERE pruned > 0").pluck();
  return { parserVersions: versions.all(), prunedLogs: pruned.get() ?? 0 };
}

export interface RebuildOffer {
  /** A sentence. */
  readonly message: string;
  /** Advice; undefined if nothing can be done. */
  readonly hint: string | undefined;
}

/** `parserVersion`: that of this program. Undefined when this parser, or a younger one, has read all that is stored. */
export function offerRebuild(
  { parserVersions, prunedLogs }: ParserAge,
  parserVersion: number,
): RebuildOffer | undefined {
  const older = parserVersions.filter((version) => version < parserVersion);
  if (older.length === 0) return undefined;
  const message = `Lines are stored as parser ${older.join(" and ")} read them; this exim-pilot has parser ${parserVersion}.`;
  return prunedLogs > 0
    ? { message: `${message} Text has been pruned, so they stay as they are.`, hint: undefined }
    : { message, hint: "`exim-pilot rebuild` reads them again; `exim-pilot rebuild --dry-run` tells what that takes." };
}
