/** The raw lines of what was found, as exigrep shows them: all lines of a message together. */
import type { FoundGroup } from "../store/search/group-reader.ts";
import { decodeLines } from "../text.ts";

export interface RawGroup {
  /** Set when the log does not show the end of the message: its id. A message that was refused will never be completed, and is finished. */
  readonly unfinishedId: string | undefined;
  /** Each with its continuation lines; undefined when its text has been pruned. */
  readonly lines: readonly (string | undefined)[];
}

export function toRawGroup({ unfinishedId, lines }: FoundGroup): RawGroup {
  return { unfinishedId, lines: lines.map((bytes) => (bytes === undefined ? undefined : decodeLines(bytes))) };
}
