import type { RebuildOffer } from "../store/schema/parser-age.ts";
import type { MigrateReport } from "../store/store.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

/** Renders the steps of a migration, made or planned, a line each, then advice. */
export function renderMigration(
  report: MigrateReport & { readonly backup: string | undefined },
  offer: RebuildOffer | undefined,
): string {
  const { message, hint } = offer ?? {};
  return [renderSteps(report), ...[message, hint].flatMap((line) => (line === undefined ? [] : `${line}\n`))].join("");
}

function renderSteps(report: MigrateReport & { readonly backup: string | undefined }): string {
  const { path, before, latest, migrations, viewsChanged, isApplied, backup } = report;
  const name = `"${toVisibleLine(path)}"`;
  if (migrations.length === 0 && !viewsChanged) return `${name} is up to date (schema ${latest}).\n`;
  const lines = [
    describeState(name, before, latest, isApplied),
    ...(backup === undefined ? [] : [`  made the backup "${toVisibleLine(backup)}"`]),
    ...migrations.map((migration) => `  ${isApplied ? "applied" : "would apply"} ${migration}`),
    ...(viewsChanged ? [`  ${isApplied ? "made" : "would make"} the views`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function describeState(name: string, before: number, latest: number, isApplied: boolean): string {
  if (before > 0)
    return `${name} ${isApplied ? "had" : "has"} schema ${before}; this exim-pilot works with schema ${latest}.`;
  return isApplied
    ? `Made ${name} with schema ${latest}.`
    : `There is no database ${name} yet; it would get schema ${latest}.`;
}
