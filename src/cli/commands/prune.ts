import { renderJson } from "../../render/form/json.ts";
import { toVisibleLine } from "../../render/form/terminal-text.ts";
import { renderPrune, renderPruneStatus } from "../../render/prune.ts";
import { parseSize, parseSpan } from "../../retention/policy.ts";
import {
  type PruneOptions,
  type PruneProgress,
  type PruneReport,
  type PruneStep,
  prune,
  pruneStatus,
  rehearse,
} from "../../retention/prune.ts";
import type { StoreSettings } from "../../store/database/settings.ts";
import type { Pruner } from "../../store/prune/pruner.ts";
import { openPruner } from "../../store/store.ts";
import { type AuditFlags, audited } from "../audited.ts";
import { columnsOf, type DatabaseFlags, screenOf, toStoreSettings } from "../context.ts";
import type { Io } from "../io.ts";
import { withProgress } from "../terminal/progress.ts";

export interface PruneFlags extends DatabaseFlags, AuditFlags {
  readonly logs: string;
  readonly messages: string;
  readonly open: string;
  readonly audit: string;
  readonly snapshots: string;
  readonly content: string;
  readonly outbox: string;
  readonly incidents: string;
  readonly notes: string;
  readonly maxSize?: string;
  readonly archive?: string;
  readonly status?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly vacuum?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Prunes, or reports what that would do; returns the exit status. Errors: those of {@link prune}, and `usage`. */
export async function runPrune(flags: PruneFlags, io: Io): Promise<number> {
  const settings = toStoreSettings(flags, io);
  const options = toPruneOptions(flags, settings, io);
  if (flags.status === true) await usingPruner(settings, true, (pruner) => showStatus(pruner, options, flags, io));
  else if (flags.dryRun === true)
    report(await usingPruner(settings, true, (pruner) => rehearse(pruner, options)), flags, io);
  else {
    const action = { action: "prune", parameters: flags, affected, isDrastic: true };
    report(await audited(action, settings, flags, io, () => pruneVisibly(settings, options, flags, io)), flags, io);
  }
  return 0;
}

const STEPS: Readonly<Record<PruneStep, string>> = {
  planning: "looking for expired text and messages",
  archive: "writing expired text to the archive",
  text: "removing log text",
  messages: "removing messages",
  names: "removing unused names",
  space: "returning free space",
  vacuum: "rewriting the file",
};

/** The others work through several lists one after the other. */
const HAVE_ONE_LIST: ReadonlySet<PruneStep> = new Set(["text", "messages"]);

function pruneVisibly(settings: StoreSettings, options: PruneOptions, flags: PruneFlags, io: Io): Promise<PruneReport> {
  const warnings: string[] = [];
  const onWarning = (sentence: string): void => void warnings.push(sentence);
  return withProgress(flags, io, (progress) => {
    const onProgress = ({ step, done, total }: PruneProgress): void => {
      if (done === 0) progress.begin(STEPS[step]);
      else if (HAVE_ONE_LIST.has(step)) progress.update(() => `${STEPS[step]}: ${Math.floor((done / total) * 100)} %`);
    };
    return usingPruner(settings, false, (pruner) => prune(pruner, { ...options, onProgress, onWarning }));
  }).finally(() => {
    for (const warning of warnings) io.stderr.write(`warning: ${toVisibleLine(warning)}\n`);
  });
}

async function usingPruner<Result>(
  settings: StoreSettings,
  isRehearsal: boolean,
  action: (pruner: Pruner) => Promise<Result> | Result,
): Promise<Result> {
  const pruner = openPruner(settings, { isRehearsal });
  try {
    return await action(pruner);
  } finally {
    pruner.close();
  }
}

function affected({ removed, cutoffs, archived }: PruneReport): object {
  return { removed, cutoffs, archived };
}

function report(result: PruneReport, flags: PruneFlags, io: Io): void {
  if (flags.json === true) io.stdout.write(renderJson("prune", result));
  else if (flags.quiet !== true) io.stdout.write(renderPrune(result, columnsOf(io.stdout, io)));
}

function showStatus(pruner: Pruner, options: PruneOptions, flags: PruneFlags, io: Io): void {
  const status = pruneStatus(pruner, options);
  const page = { timeZone: io.timeZone, ...screenOf(io) };
  io.stdout.write(flags.json === true ? renderJson("prune_status", status) : renderPruneStatus(status, page));
}

function toPruneOptions(flags: PruneFlags, { path, program, now }: StoreSettings, io: Io): PruneOptions {
  const { logs, messages, open, audit, snapshots, content, outbox, maxSize, incidents, notes } = flags;
  return {
    path,
    policy: {
      logs: parseSpan(logs),
      messages: parseSpan(messages),
      open: parseSpan(open),
      audit: parseSpan(audit),
      snapshots: parseSpan(snapshots),
      content: parseSpan(content),
      outbox: parseSpan(outbox),
      incidents: parseSpan(incidents),
      notes: parseSpan(notes),
    },
    isForced: flags.force === true,
    maxSize: maxSize === undefined ? undefined : parseSize(maxSize),
    archive: flags.archive,
    vacuum: flags.vacuum === true,
    program,
    now,
    signal: io.signal,
  };
}
