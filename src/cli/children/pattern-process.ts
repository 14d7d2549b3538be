/** Lines that match a pattern, in a process of its own; it is started by {@link matchLines} in pattern-search.ts. */
import { compilePattern, type PatternOptions } from "../../search/pattern.ts";
import type { StoreSettings } from "../../store/database/settings.ts";
import type { LineMatch } from "../../store/log-text/line-scan.ts";
import { openReader } from "../../store/store.ts";
import { epochMs } from "../../units.ts";
import { type ProcessFailure, serveJob } from "./killable-process.ts";

export interface PatternJob extends PatternOptions {
  readonly settings: Omit<StoreSettings, "now">;
  readonly pattern: string;
  /** Blocks that end before are left out. */
  readonly sinceMs: number;
}

export type PatternMessage =
  | {
      readonly kind: "found";
      readonly matches: readonly LineMatch[];
      /** Blocks searched so far, and blocks to search. */
      readonly searched: number;
      readonly blocks: number;
    }
  | { readonly kind: "done" }
  | ProcessFailure;

/** Often enough for a limit of a second, seldom enough to cost nothing. */
const TELL_MS = 100;
const MOST_MATCHES = 10_000;

async function run(job: PatternJob): Promise<PatternMessage> {
  const reader = openReader({ ...job.settings, now: () => epochMs(Date.now()) });
  try {
    const blocks = reader.lines.countBlocks(job.sinceMs);
    let [searched, toldMs, matches]: [number, number, LineMatch[]] = [0, performance.now(), []];
    const tell = async (): Promise<void> => {
      await send({ kind: "found", matches, searched, blocks });
      [toldMs, matches] = [performance.now(), []];
    };
    await tell();
    for (const found of reader.lines.matching(compilePattern(job.pattern, job), job.sinceMs)) {
      searched++;
      for (const match of found) matches.push(match);
      if (matches.length >= MOST_MATCHES || performance.now() - toldMs >= TELL_MS) await tell();
    }
    await tell();
    return { kind: "done" };
  } finally {
    await reader.close();
  }
}

function send(message: PatternMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => (error === null ? resolve() : reject(error)));
  });
}

await serveJob(run);
