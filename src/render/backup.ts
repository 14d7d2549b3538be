/** Renders reports about backups: a few lines for people. */
import type { BackupReport } from "../backup/backup.ts";
import type { ListedBackup } from "../backup/catalogue.ts";
import type { DrillReport } from "../backup/drill.ts";
import type { Manifest } from "../backup/manifest.ts";
import type { RestoreReport } from "../backup/restore.ts";
import type { Shrinkage } from "../backup/rotation.ts";
import type { VerifiedBackup } from "../backup/verify.ts";
import { renderFittingTable } from "./form/fitting-table.ts";
import { countOf, formatBytes, formatCount, formatTime } from "./form/format.ts";
import { renderHanging } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

export function renderBackup({ path, manifest, removed, spared, shrinkage }: BackupReport): string {
  const lines = [
    `Made ${quote(path)}: ${formatBytes(manifest.size)}, ${describeContent(manifest)}.`,
    ...removed.map((older) => `Removed ${quote(older)}.`),
    ...(spared === undefined
      ? []
      : [
          `Kept ${quote(spared)} beyond the rule: it has more than twice as many log entries. Remove it if they are not needed.`,
        ]),
    ...(shrinkage === undefined ? [] : [describeShrinkage(shrinkage)]),
  ];
  return `${lines.join("\n")}\n`;
}

function describeShrinkage({ before, entriesBefore, entries }: Shrinkage): string {
  return `Removed nothing: the database has ${countOf(entries, "log entry", "log entries")}, and ${quote(before)} has ${formatCount(entriesBefore)}. Find out what became of the others.`;
}

export function renderVerified({ path, manifest }: VerifiedBackup): string {
  return `${quote(path)} is whole: ${describeContent(manifest)}.\n`;
}

export function renderDrill({ backup, manifest, texts }: DrillReport): string {
  const text = `${formatBytes(texts.bytes)} of log text in ${countOf(texts.blocks, "block")}`;
  return `The test restore of ${quote(backup)} has ${describeContent(manifest)} and ${text}, all as they were. It was removed again.\n`;
}

/** `isRehearsal`: nothing was replaced. */
export function renderRestore(
  { backup, path, manifest, keptAside, movedAside, withdrawn }: RestoreReport,
  isRehearsal: boolean,
): string {
  const aside =
    keptAside === undefined
      ? ""
      : `The replaced database ${isRehearsal ? "would be" : "is"} kept as ${quote(keptAside)}.\n`;
  const what = `${quote(path)} ${isRehearsal ? "would become" : "is now"} the database of ${quote(backup)}: ${describeContent(manifest)}.\n`;
  const moved = movedAside.map(
    (file) =>
      `A file that belonged to no database ${isRehearsal ? "would be" : "was"} moved out of the way, to ${quote(file)}.\n`,
  );
  const cancelled =
    (withdrawn ?? 0) === 0
      ? ""
      : `${countOf(withdrawn ?? 0, "notification")} that waited ${withdrawn === 1 ? "is" : "are"} cancelled, since they may have been sent after the backup; \`exim-pilot notify --status cancelled\` lists them.\n`;
  return what + aside + moved.join("") + cancelled;
}

/** Lists the backups of the database at `database`, with times in `timeZone`. `timeZone`: whose clock the times show. */
export function renderBackupList(
  backups: readonly ListedBackup[],
  { directory, database }: { readonly directory: string; readonly database: string },
  timeZone: string,
  screen: { readonly columns: number; readonly paint: Paint },
): string {
  const { columns, paint } = screen;
  if (backups.length === 0) return `There is no backup of ${quote(database)} in ${quote(directory)}.\n`;
  const titles = [`Made (${timeZone})`, "Size", "Schema", "State", "Name"];
  const rows = backups.map(({ path, manifest, sizeBytes, problem }) => [
    manifest === undefined ? "" : formatTime(manifest.createdAt, timeZone),
    formatBytes(sizeBytes),
    manifest === undefined ? "" : String(manifest.database.schema),
    problem === undefined ? paint.good("whole") : paint.bad("damaged"),
    toVisibleLine(path.slice(path.lastIndexOf("/") + 1)),
  ]);
  const problems = backups.flatMap(({ problem }) =>
    problem === undefined ? [] : [renderHanging("", toVisibleLine(problem), 2, columns)],
  );
  return `${[renderFittingTable({ titles, rows, right: [1, 2] }, screen), ...problems].join("\n")}\n`;
}

function describeContent({ database }: Manifest): string {
  const rows = Object.values(database.counts).reduce((sum, count) => sum + count, 0);
  return `${countOf(rows, "row")} in ${countOf(Object.keys(database.counts).length, "table")} (schema ${database.schema})`;
}

function quote(path: string): string {
  return `"${toVisibleLine(path)}"`;
}
