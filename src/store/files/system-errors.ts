/** Errors of the operating system, as Node.js throws them, in words that a user can act on. */
import { getSystemErrorMessage } from "node:util";
import { type ErrorCode, PilotError } from "../../errors.ts";
import { isUnfinished } from "./remains.ts";

export interface SystemError extends Error {
  /** `ENOSPC`. */
  readonly code: string;
  /** Error number of libuv: negative. */
  readonly errno?: number;
  /** `open`, `spawn less`. */
  readonly syscall?: string;
  readonly path?: string;
}

interface Advice {
  readonly code: ErrorCode;
  readonly hint: string;
}

const CHECK_RIGHTS =
  "Check the rights of the file and of the directories above it, or run this as a user who has them.";
const CHECK_NAME = "Check the name: each part of it but the last must be a directory that exists.";
const FREE_SPACE = "Free some space, or give a name on another disk; then run the command again.";
const MORE_FILES = "Allow the process more open files (`ulimit -n`), or let it run when less else does.";
const MORE_MEMORY = "Let it run when less else does, or allow it more memory and processes.";
const LOOK_AT_DISK = "Look at the disk and at the system log; then run the command again.";

const ADVICE: Readonly<Record<string, Advice>> = {
  EACCES: { code: "io", hint: CHECK_RIGHTS },
  EPERM: { code: "io", hint: CHECK_RIGHTS },
  ENOENT: { code: "io", hint: CHECK_NAME },
  ENOTDIR: { code: "io", hint: CHECK_NAME },
  EISDIR: { code: "io", hint: "Name a file, not a directory." },
  ELOOP: { code: "io", hint: "Check the symbolic links in the path: they form a loop." },
  ENAMETOOLONG: { code: "io", hint: "Give a shorter name." },
  EEXIST: { code: "exists", hint: "Give another name, or remove that file first: it is not overwritten." },
  ENOTEMPTY: { code: "exists", hint: "Give another name, or empty the directory first." },
  ENOSPC: { code: "disk_full", hint: FREE_SPACE },
  EDQUOT: { code: "disk_full", hint: FREE_SPACE },
  EFBIG: { code: "disk_full", hint: "Allow larger files (`ulimit -f`), or give a name on another file system." },
  EROFS: { code: "read_only", hint: "Give a name on a file system that can be written." },
  EMFILE: { code: "io", hint: MORE_FILES },
  ENFILE: { code: "io", hint: MORE_FILES },
  ENOMEM: { code: "io", hint: MORE_MEMORY },
  EAGAIN: { code: "io", hint: MORE_MEMORY },
  EIO: { code: "io", hint: LOOK_AT_DISK },
};

/** Participles by the name of the system call that failed. */
const DEEDS: Readonly<Record<string, string>> = {
  open: "opened",
  read: "read",
  write: "written",
  fsync: "written",
  fdatasync: "written",
  ftruncate: "written",
  close: "written",
  copyfile: "copied",
  scandir: "listed",
  opendir: "listed",
  mkdir: "made",
  mkdtemp: "made",
  rename: "renamed",
  link: "given a second name",
  unlink: "removed",
  rm: "removed",
  rmdir: "removed",
  chmod: "given its rights",
  chown: "given its owner",
  spawn: "started",
};

/** True for what the operating system refused; errors of Node.js itself (`ERR_…`) are bugs. */
export function isSystemError(error: unknown): error is SystemError {
  if (!(error instanceof Error)) return false;
  const { code, errno, syscall } = error as NodeJS.ErrnoException;
  return typeof code === "string" && /^E[A-Z\d]+$/.test(code) && (errno !== undefined || syscall !== undefined);
}

/** `"mail.db" cannot be opened: permission denied (EACCES).` `path`: its name, where the error does not tell. */
export function translateSystemError(error: SystemError, path = error.path): PilotError {
  const { code, hint } = ADVICE[error.code] ?? { code: "io", hint: LOOK_AT_DISK };
  const [call = ""] = (error.syscall ?? "").split(" ");
  const subject = path === undefined ? "A file" : `"${path}"`;
  const sentence = `${subject} cannot be ${DEEDS[call] ?? "used"}: ${describeSystemError(error)}.`;
  return new PilotError(code, sentence, { hint, cause: error });
}

/** `no space left on device (ENOSPC)`: the system's own words. */
export function describeSystemError({ code, errno }: SystemError): string {
  return errno === undefined ? code : `${getSystemErrorMessage(errno)} (${code})`;
}

/** Runs `action`. `path`: the file that it makes, named in place of an unfinished one. Errors: as {@link translateSystemError}. */
export async function withSystemErrors<Result>(path: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw translateSystemError(error, error.path === undefined || isUnfinished(error.path) ? path : error.path);
  }
}
