import { PARSER_VERSION } from "../../parse/parser-version.ts";
import { rebuild } from "../../rebuild/rebuild.ts";
import { renderJson } from "../../render/form/json.ts";
import { type RebuildReport, renderRebuild } from "../../render/rebuild-page.ts";
import type { Reader } from "../../store/reader.ts";
import { assertWhole, roomFor } from "../../store/working-copy.ts";
import { SECOND_MS } from "../../units.ts";
import { type AuditedAction, type AuditFlags, audited } from "../audited.ts";
import { type DatabaseFlags, toStoreSettings, usingReader, usingReaderOfWriter } from "../context.ts";
import type { Io } from "../io.ts";
import { statusOfAbort } from "../terminal/output.ts";
import { printLines } from "../terminal/print-lines.ts";
import { withProgress } from "../terminal/progress.ts";
import { usingCopy } from "../working-copy.ts";

export interface RebuildFlags extends DatabaseFlags, AuditFlags {
  readonly dryRun?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Derives all facts again and reports it; returns the exit status. Errors: `corrupt`, `disk_full`, `busy`, those of the database. */
export async function runRebuild(flags: RebuildFlags, io: Io): Promise<number> {
  const startedMs = io.now();
  const using = flags.dryRun === true ? usingReader : usingReaderOfWriter;
  return using(flags, io, async (reader) => {
    const plan = await planRebuild(reader, flags, io);
    const isApplied = flags.dryRun !== true && (await apply(reader, plan, flags, io));
    if (flags.dryRun !== true && !isApplied) return statusOfAbort(io);
    const report: RebuildReport = { ...plan, isApplied, seconds: (io.now() - startedMs) / SECOND_MS };
    if (flags.json === true) io.stdout.write(renderJson("rebuild", report));
    else if (flags.quiet !== true) printLines(renderRebuild(report), io);
    return 0;
  });
}

type Plan = Omit<RebuildReport, "isApplied" | "seconds">;

async function planRebuild(reader: Reader, flags: RebuildFlags, io: Io): Promise<Plan> {
  const sources = await reader.sources.list();
  const { path } = toStoreSettings(flags, io);
  assertWhole(sources.filter(({ pruned }) => pruned > 0).length, path);
  const sum = (figure: "lines" | "size"): number => sources.reduce((total, source) => total + source[figure], 0);
  return {
    path,
    logs: sources.length,
    lines: sum("lines"),
    bytes: sum("size"),
    parserVersions: reader.parserVersions,
    parserVersion: PARSER_VERSION,
    ...roomFor(path, "replace"),
  };
}

function apply(reader: Reader, { bytes, logs, lines }: Plan, flags: RebuildFlags, io: Io): Promise<boolean> {
  return withProgress(flags, io, (progress) => {
    const onProgress = (done: number): void =>
      progress.update(() => `reading the lines again: ${Math.floor(Math.min(1, done / bytes) * 100)} %`);
    const onSwap = (): void => progress.update(() => "storing the new facts");
    const affected = (isApplied: boolean): object | undefined => (isApplied ? { logs, lines } : undefined);
    const action: AuditedAction<boolean> = { action: "rebuild", parameters: flags, affected, ignoresFailure: true };
    return audited(action, toStoreSettings(flags, io), flags, io, () =>
      usingCopy(flags, io, { purpose: "replace", reader, onProgress }, (copy, bringUp) =>
        rebuild(copy, bringUp, { signal: io.signal, onSwap }),
      ),
    );
  });
}
