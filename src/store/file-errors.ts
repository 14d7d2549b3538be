/** What the file system refuses, as users are told it. */
import { type ErrorCode, PilotError } from "../errors.ts";
import { isUnfinished } from "./remains.ts";

interface Translation {
  readonly code: ErrorCode;
  readonly sentence: (path: string) => string;
  readonly hint: string;
}

const FULL: Translation = {
  code: "disk_full",
  sentence: (path) => `The disk that holds "${path}" is full.`,
  hint: "Free some space and run the command again, or name a place on another disk.",
};
const FORBIDDEN: Translation = {
  code: "io",
  sentence: (path) => `"${path}" may not be read or written by this user.`,
  hint: "Check the rights of the file and of its directory.",
};
const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  // A limit on the size of files, which the system or the shell sets.
  EFBIG: FULL,
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
  EROFS: {
    code: "read_only",
    sentence: (path) => `"${path}" is on a file system that cannot be written.`,
    hint: "Name a place on another file system.",
  },
};

/** The error a user can act on, for one of the file system; any other error is returned as it is. `path`: where the error names none. */
export function translateFileError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof PilotError) return error;
  const { code, syscall, path: named = path } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  const place = isUnfinished(named) ? path : named;
  const {
    code: ours,
    sentence,
    hint,
  } = TRANSLATIONS[code] ?? {
    code: "io",
    sentence: (file: string) => `"${file}" cannot be used (${syscall}: ${code}).`,
    hint: "Check the name, the disk and the system log.",
  };
  return new PilotError(ours, sentence(place), { hint, cause: error });
}

/** Runs `action`. Errors: as {@link translateFileError}. */
export async function withFileErrors<Result>(path: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw translateFileError(error, path);
  }
}
