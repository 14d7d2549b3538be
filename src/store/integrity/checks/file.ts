import type { IntegrityCheck } from "./check.ts";

/** The definitions in the file, and SQLite's own account of it; the quick form leaves out whether indexes fit their tables. */
export const FILE: IntegrityCheck = {
  name: "file",
  question: "Is the file sound, page by page?",
  readsAllText: false,
  *run({ database, isQuick, schemaDamage }) {
    yield* schemaDamage();
    const found = database.pragma(isQuick ? "quick_check" : "integrity_check") as Record<string, string>[];
    for (const row of found) for (const sentence of Object.values(row)) if (sentence !== "ok") yield sentence;
  },
};
