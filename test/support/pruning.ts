/** Options of prune for tests: nothing pauses, nothing is archived, and the clock is the test's. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_SPANS, parseSpan } from "../../src/retention/policy.ts";
import { type PruneOptions, type PruneReport, prune } from "../../src/retention/prune.ts";
import type { Slices } from "../../src/retention/slices.ts";
import { finish } from "../../src/store/prune/orphan-texts.ts";
import type { Pruner } from "../../src/store/prune/pruner.ts";
import { openPruner } from "../../src/store/store.ts";
import type { EpochMs } from "../../src/units.ts";
import { ingestInto, storeSettings, temporaryFolder } from "./database.ts";
import { queryAll } from "./views.ts";

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

/** A database of lines of a main log, in blocks of one line. */
export async function databaseOf(lines: readonly string[]): Promise<string> {
  const folder = temporaryFolder();
  const [path, log] = [join(folder, "pilot.db"), join(folder, "mainlog")];
  writeFileSync(log, lines.map((line) => `${line}\n`).join(""));
  await ingestInto(path, [log], { batchLines: 1, logType: "main" });
  return path;
}

/** Keys of rows in views. */
interface KeptKeys {
  readonly eximIds: ReadonlySet<string>;
  readonly entries: ReadonlySet<number>;
}

const ROWS: readonly (readonly [view: string, key: string, of: "eximIds" | "entries"])[] = [
  ["messages", "id", "eximIds"],
  ["recipients", "message_id", "eximIds"],
  ["delivery_attempts", "id", "entries"],
  ["rejections", "id", "entries"],
  ["log_entries", "id", "entries"],
  ["log_metadata", "log_entry_id", "entries"],
  ["log_headers", "log_entry_id", "entries"],
];

/** The rows of the views, or those of them that are kept, without the keys that depend on the order of reading. */
export function dumpRows(path: string, kept?: KeptKeys): Record<string, string[]> {
  return Object.fromEntries(
    ROWS.map(([view, key, of]) => {
      const rows = queryAll<Record<string, unknown>>(path, `SELECT * FROM ${view}`);
      const keys: ReadonlySet<unknown> | undefined = kept?.[of];
      return [
        view,
        rows
          .filter((row) => keys === undefined || keys.has(row[key]))
          // NOTE: when a line was read is known as long as its text is there.
          .map((row) => ({ ...row, created_at: undefined }))
          .map((row) => JSON.stringify(of === "entries" ? { ...row, [key]: undefined, id: undefined } : row))
          .sort(),
      ];
    }),
  );
}
