/** Identifies the stored log that an open one continues: by its first bytes, and then by the bytes before the place where reading stopped. */
import type { SourceType } from "../../store/schema/codes.ts";
import { IDENTITY_BYTES, type SourceCatalogue, type SourceRow } from "../../store/write/source-catalogue.ts";
import type { OpenSource } from "./open-source.ts";

/** Facts that identify a log. */
export interface LogIdentity {
  readonly path: string;
  readonly head: Buffer;
  /** Undefined when neither content nor name tell. */
  readonly logType: SourceType | undefined;
}

export interface Recognition {
  /** The stored log; undefined for a new one. */
  readonly source: SourceRow | undefined;
  /** False when all of the log is stored. */
  readonly hasMore: boolean;
  /** Stored logs that begin alike and are others. */
  readonly notTheSame: ReadonlySet<number>;
}

const NEWLINE = 0x0a;

/** True when a stored log and an open one begin alike, as far as both go. A log without one whole line is known by its path only. */
export function couldBe(stored: SourceRow, { path, head, logType }: LogIdentity): boolean {
  if (logType !== undefined && stored.logType !== logType && hasWholeLine(stored)) return false;
  const length = Math.min(stored.head.length, head.length, IDENTITY_BYTES);
  if (!stored.head.subarray(0, length).equals(head.subarray(0, length))) return false;
  return stored.path === path || head.subarray(0, length).includes(NEWLINE) || length === IDENTITY_BYTES;
}

/** Before that its type may have been told wrongly. */
export function hasWholeLine({ head }: Pick<SourceRow, "head">): boolean {
  return head.includes(NEWLINE) || head.length >= IDENTITY_BYTES;
}

/** Finds the stored log that `open` is, and puts it where reading continues. */
export async function recognise(
  open: OpenSource,
  logType: SourceType | undefined,
  serverId: number,
  sources: SourceCatalogue,
): Promise<Recognition> {
  const identity = { path: open.path, head: open.head, logType };
  const notTheSame = new Set<number>();
  for (const source of sources.sourcesOf(serverId).filter((stored) => couldBe(stored, identity))) {
    const stored = (end: number, length: number): string =>
      end === source.position
        ? source.tail.toString("latin1").slice(-length)
        : sources.textBefore(source.id, end, length);
    const comparison = await open.compare(source.position, stored);
    if (comparison !== "different") return { source, hasMore: comparison === "continues", notTheSame };
    notTheSame.add(source.id);
  }
  return { source: undefined, hasMore: open.head.length > 0, notTheSame };
}
