/** Decides whether a log can be left out because all of it was written before a moment. */
import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { parsePrefix } from "../../parse/prefix.ts";
import type { EpochMs } from "../../units.ts";
import { LogClock } from "../batch/clock.ts";
import { findCodec, MAGIC_BYTES } from "./codec.ts";
import { CHUNK_BYTES, readAt } from "./log-file.ts";

/**
 * True when nothing in a file is as young as `since`, by the stamps at its end. Of a compressed file the time of its last change is
 * taken instead: what compresses a log gives its archive the time of the log, which is that of its last line. False when that
 * cannot be told: for pipes, for files without a stamp at their end, for what cannot be opened.
 */
export function endsBefore(path: string, since: EpochMs, timeZone: string): boolean {
  let descriptor: number;
  try {
    // NOTE: to open a pipe and close it again would end its writer.
    if (!statSync(path).isFile()) return false;
    descriptor = openSync(path, "r");
  } catch {
    // NOTE: reading it says why.
    return false;
  }
  try {
    const status = fstatSync(descriptor);
    if (findCodec(readAt(path, descriptor, 0, MAGIC_BYTES)) !== undefined) return status.mtimeMs < since;
    const from = Math.max(0, status.size - CHUNK_BYTES);
    const youngest = youngestStamp(readAt(path, descriptor, from, CHUNK_BYTES).toString("latin1"), from > 0, timeZone);
    return youngest !== undefined && youngest < since;
  } finally {
    closeSync(descriptor);
  }
}

/** The lines of several processes may be out of order, so the last one need not be the youngest. */
function youngestStamp(text: string, isCut: boolean, timeZone: string): EpochMs | undefined {
  const clock = new LogClock(timeZone, undefined);
  let youngest: EpochMs | undefined;
  for (const line of text.split("\n").slice(isCut ? 1 : 0)) {
    const prefix = parsePrefix(line);
    if (prefix === undefined) continue;
    const at = clock.resolve(prefix);
    if (youngest === undefined || at > youngest) youngest = at;
  }
  return youngest;
}
