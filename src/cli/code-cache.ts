/** Chooses the directory in which Node.js keeps the program's compiled code, one for each user, so that the next start is quicker. */
import { lstatSync, mkdirSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";

const FOLDER = "exim-pilot";
const WRITABLE_BY_OTHERS = 0o022;
/** Sticky bit, as on /tmp: only the owner of a file may remove or rename it. */
const STICKY = 0o1000;
const ANY_RIGHT_OF_OTHERS = 0o077;

/**
 * Returns the directory for compiled code, `exim-pilot` in the user's cache directory, made when it is not there. What lies there
 * is run. The directory is therefore undefined when anybody but this user and the administrator could write to it or replace it.
 * It is also undefined when it cannot be made. `userId`: of the user whose rights the process has; undefined where there are no
 * such numbers.
 */
export function codeCacheDirectory(
  env: Readonly<Record<string, string | undefined>>,
  userId: number | undefined,
): string | undefined {
  const parent = cacheHome(env);
  if (parent === undefined || userId === undefined) return undefined;
  try {
    makePrivate(parent);
    const place = realpathSync.native(parent);
    if (!isTrusted(place, userId)) return undefined;
    const directory = join(place, FOLDER);
    makePrivate(directory);
    const status = lstatSync(directory);
    const isPrivate = status.uid === userId && (status.mode & ANY_RIGHT_OF_OTHERS) === 0;
    return status.isDirectory() && isPrivate ? directory : undefined;
  } catch {
    // NOTE: a home that is not there, is full or cannot be written costs time and nothing else.
    return undefined;
  }
}

function cacheHome({ XDG_CACHE_HOME: cache = "", HOME: home = "" }: Readonly<Record<string, string | undefined>>) {
  if (isAbsolute(cache)) return cache;
  return isAbsolute(home) ? join(home, ".cache") : undefined;
}

function makePrivate(directory: string): void {
  if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) mkdirSync(directory, { mode: 0o700 });
}

/** True when only this user and the administrator can change the directory and all that it is in. The path has no links. */
function isTrusted(directory: string, userId: number): boolean {
  for (let path = directory; ; path = dirname(path)) {
    const status = lstatSync(path);
    const isOwned = status.uid === userId || status.uid === 0;
    const isKept = (status.mode & WRITABLE_BY_OTHERS) === 0 || (status.mode & STICKY) !== 0;
    if (!status.isDirectory() || !isOwned || !isKept) return false;
    if (path === dirname(path)) return true;
  }
}
