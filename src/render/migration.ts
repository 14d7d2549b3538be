import type { MigrateReport } from "../store/store.ts";
import { toVisibleLine } from "./terminal-text.ts";

/** What a migration did or would do, a line each. */
export function renderMigration({ path, before, latest, migrations, viewsChanged, isApplied }: MigrateReport): string {
  const name = toVisibleLine(path);
  if (migrations.length === 0 && !viewsChanged) return `"${name}" is up to date (schema ${latest}).\n`;
  const verb = isApplied ? "applied" : "would apply";
  const lines = [
    `"${name}" ${before === 0 ? "is new" : `had schema ${before}`}; this exim-pilot works with schema ${latest}.`,
    ...migrations.map((migration) => `  ${verb} ${migration}`),
    ...(viewsChanged ? [`  ${isApplied ? "created" : "would create"} the views anew`] : []),
  ];
  return `${lines.join("\n")}\n`;
}
