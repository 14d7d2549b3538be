/** Options of prune for tests: nothing pauses, nothing is archived, and the clock is the test's. */
import { DEFAULT_SPANS, parseSpan } from "../../src/retention/policy.ts";
import { type PruneOptions, type PruneReport, prune } from "../../src/retention/prune.ts";
import type { Slices } from "../../src/retention/slices.ts";
import { finish } from "../../src/store/prune/orphan-texts.ts";
import type { Pruner } from "../../src/store/prune/pruner.ts";
import { openPruner } from "../../src/store/store.ts";
import type { EpochMs } from "../../src/units.ts";
import { storeSettings } from "./database.ts";

/** The program's defaults, but for these spans. */
export function pruneOptions(
  path: string,
  now: EpochMs,
  spans: Partial<Record<"logs" | "messages" | "open", string>> = {},
): PruneOptions {
  const { logs, messages, open } = { ...DEFAULT_SPANS, ...spans };
  return {
    path,
    policy: {
      logs: parseSpan(logs),
      messages: parseSpan(messages),
      open: parseSpan(open),
      audit: undefined,
      snapshots: undefined,
      content: undefined,
      outbox: undefined,
      incidents: undefined,
      notes: undefined,
    },
    isForced: false,
    maxSize: undefined,
    archive: undefined,
    vacuum: false,
    program: "0.0.0-test",
    now: () => now,
    pauseMs: 0,
  };
}

export function runPrune(path: string, options: PruneOptions): Promise<PruneReport> {
  return withPruner(path, { isRehearsal: false }, (pruner) => prune(pruner, options));
}

export async function withPruner<Result>(
  path: string,
  kind: { readonly isRehearsal: boolean },
  action: (pruner: Pruner) => Promise<Result> | Result,
): Promise<Result> {
  const pruner = openPruner(storeSettings(path), kind);
  try {
    return await action(pruner);
  } finally {
    pruner.close();
  }
}

/** Does each piece of work alone; `turn` is called before each of them and after the last one of a list. */
export function oneByOne(turn: () => Promise<void>): Pick<Slices, "each" | "through"> {
  return {
    through: (steps) => Promise.resolve(finish(steps)),
    each: async (items, work) => {
      for (const item of items) {
        await turn();
        work([item]);
      }
      await turn();
    },
  };
}
