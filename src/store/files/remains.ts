/** Files that are temporary, named so that the next run can tell whose they are, and remove what a killed one has left. */
import { randomUUID } from "node:crypto";
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { PilotError } from "../../errors.ts";
import { type EpochMs, HOUR_MS } from "../../units.ts";

export interface Processes {
  /** Mark of this process, for use in names: machine, process, start; digits and `a` to `f`, with two hyphens. */
  readonly mark: string;
  /** True if the process with a mark still runs; undefined if unknown, as on another machine. */
  readonly isRunning: (mark: string) => boolean | undefined;
}

export type UnfinishedKind = "plain" | "packed" | "manifest" | "restore" | "verify" | "drill" | "database" | "logs";

/** Form of {@link Processes.mark}. */
export const MARK = String.raw`[0-9a-f]{8}-\d+-\d+`;

const PREFIX = ".exim-pilot-";
const NAME = new RegExp(
  `^\\.exim-pilot-(plain|packed|manifest|restore|verify|drill|database|logs)-(${MARK})-[0-9a-f-]{36}(?:-wal|-shm|-journal)?$`,
);

/** `.exim-pilot-plain-1f0c2a9b-4711-88231-…`: no other process, and no other call, has it. */
export function unfinishedName(kind: UnfinishedKind, { mark }: Processes): string {
  return `${PREFIX}${kind}-${mark}-${randomUUID()}`;
}

/** True for a file, or a file in a directory, that nobody knows who has not read this. */
export function isUnfinished(path: string): boolean {
  return [path, dirname(path)].some((part) => basename(part).startsWith(PREFIX));
}

export interface Remains {
  readonly kind: UnfinishedKind;
  readonly path: string;
}

/** Files that killed runs left in a directory. Links, and names of any other form, are never among them. Errors: `io`. */
export function findRemains(directory: string, processes: Processes, now: EpochMs): readonly Remains[] {
  return namesIn(directory).flatMap((name) => {
    const [, kind, mark] = NAME.exec(name) ?? [];
    const path = join(directory, name);
    if (kind === undefined || mark === undefined || !isLeft(path, mark, processes, now)) return [];
    return [{ kind: kind as UnfinishedKind, path }];
  });
}

export function removeRemains(directory: string, processes: Processes, now: EpochMs): void {
  for (const { path } of findRemains(directory, processes, now)) rmSync(path, { recursive: true, force: true });
}

/** Age after which an untouched file is abandoned. */
const ABANDONED_MS = HOUR_MS;

/** True for a file or a directory whose process has ended; of a process that cannot be asked, when it has not been touched for long. */
export function isLeft(path: string, mark: string, { isRunning }: Processes, now: EpochMs): boolean {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined || !(status.isFile() || status.isDirectory())) return false;
  return !(isRunning(mark) ?? now - status.mtimeMs <= ABANDONED_MS);
}

/** Names in a directory. Errors: `io`. */
export function namesIn(directory: string, hint = "Check that it exists, and its rights."): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    throw new PilotError("io", `The directory "${directory}" cannot be read.`, {
      hint,
      cause: error,
    });
  }
}
