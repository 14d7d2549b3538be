/** From what a user names to the logs it stands for: files as they are, directories and patterns as the files in them. */
import { type Dirent, readdirSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { PilotError } from "../../errors.ts";
import { compareText } from "../../text.ts";
import { STDIN_PATH } from "./source.ts";

/** Files that one argument stands for. */
export interface FoundLogs {
  readonly argument: string;
  /** Oldest first where they were found. */
  readonly paths: readonly string[];
  /** False when they were found in a directory or by a pattern, so that some may be other things than logs. */
  readonly isNamed: boolean;
  /** Why there are none. */
  readonly error: PilotError | undefined;
}

/**
 * A name of a file is taken as it is, whatever characters it has; a directory stands for the files in it, not those in its own
 * directories, nor hidden ones; a pattern (`mainlog*`, `{main,reject}log`) for the files that match it.
 */
export async function findLogs(argument: string): Promise<FoundLogs> {
  if (argument === STDIN_PATH) return named(argument);
  const status = statusOf(argument);
  if (status?.isDirectory() === true) return findInDirectory(argument);
  return status === undefined ? findMatches(argument) : named(argument);
}

/** Builds the error for files that were found, none of them a log. */
export function noLogAmong({ argument, paths }: FoundLogs, hint: string): PilotError {
  const which = paths.length === 1 ? "The only file" : `None of the ${paths.length} files`;
  const isLog = paths.length === 1 ? "is no log of Exim" : "is a log of Exim";
  return new PilotError("not_a_log", `${which} that "${argument}" stands for ${isLog}.`, { hint });
}

function named(argument: string): FoundLogs {
  return { argument, paths: [argument], isNamed: true, error: undefined };
}

function findInDirectory(argument: string): FoundLogs {
  let entries: Dirent[];
  try {
    entries = readdirSync(argument, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return nothing(argument, `The directory "${argument}" cannot be read (${code}).`, {
      hint: "Check its rights, or name the logs in it.",
      cause: error,
    });
  }
  const names = entries.map(({ name }) => name).filter((name) => !name.startsWith("."));
  const paths = inOrderOfAge(names.map((name) => join(argument, name)));
  if (paths.length > 0) return { argument, paths, isNamed: false, error: undefined };
  return nothing(argument, `There is no file in the directory "${argument}".`, {
    hint: "Its subdirectories are not searched: name them, or give a pattern.",
  });
}

/** An argument that is no pattern is a name; a missing file shows when it is opened. */
async function findMatches(argument: string): Promise<FoundLogs> {
  // Loaded here only: runs from cron name files, and need not wait for it.
  const { glob, isDynamicPattern } = await import("tinyglobby");
  if (!isDynamicPattern(argument)) return named(argument);
  const matches = await glob(argument, { expandDirectories: false, absolute: argument.startsWith("/") });
  const paths = inOrderOfAge(matches);
  if (paths.length > 0) return { argument, paths, isNamed: false, error: undefined };
  return nothing(argument, `No file matches "${argument}".`, {
    hint: "Check the pattern, and the rights of the directory: a pattern finds files this user can see.",
  });
}

function nothing(argument: string, sentence: string, options: { hint: string; cause?: unknown }): FoundLogs {
  return { argument, paths: [], isNamed: false, error: new PilotError("unreadable", sentence, options) };
}

/** By the time of their last change: logs are written one after the other, and what compresses them keeps it. Files only. */
function inOrderOfAge(paths: readonly string[]): string[] {
  return paths
    .flatMap((path) => {
      const status = statusOf(path);
      return status === undefined || !status.isFile() ? [] : [{ path, modifiedMs: status.mtimeMs }];
    })
    .sort((one, other) => one.modifiedMs - other.modifiedMs || compareText(one.path, other.path))
    .map(({ path }) => path);
}

/** Undefined for what is not there or cannot be looked at. */
function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
