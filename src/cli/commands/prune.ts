import { renderJson } from "../../render/json.ts";
import { renderPrune, renderPruneStatus } from "../../render/prune.ts";
import { parseSize, parseSpan } from "../../retention/policy.ts";
import { type PruneOptions, prune, pruneStatus, rehearse } from "../../retention/prune.ts";
import type { Pruner } from "../../store/pruner.ts";
import { openPruner, type StoreSettings } from "../../store/store.ts";
import { type DatabaseFlags, paintFor, toStoreSettings } from "../context.ts";
import type { Io } from "../io.ts";

export interface PruneFlags extends DatabaseFlags {
  readonly logs: string;
  readonly messages: string;
  readonly open: string;
  readonly maxSize?: string;
  readonly archive?: string;
  readonly status?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly vacuum?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Prunes, or tells what that would do; returns the exit status. Errors: those of {@link prune}, and `usage`. */
export async function runPrune(flags: PruneFlags, io: Io): Promise<number> {
  const settings = toStoreSettings(flags, io);
  const options = toPruneOptions(flags, settings, io);
  const pruner = openPruner(settings, { isRehearsal: flags.status === true || flags.dryRun === true });
  try {
    await run(pruner, options, flags, io);
    return 0;
  } finally {
    pruner.close();
  }
}

async function run(pruner: Pruner, options: PruneOptions, flags: PruneFlags, io: Io): Promise<void> {
  if (flags.status === true) {
    const status = pruneStatus(pruner, options);
    const page = { timeZone: io.timeZone, paint: paintFor(io.stdout, io) };
    io.stdout.write(flags.json === true ? renderJson("prune-status", status) : renderPruneStatus(status, page));
    return;
  }
  const report = flags.dryRun === true ? rehearse(pruner, options) : await prune(pruner, options);
  if (flags.json === true) io.stdout.write(renderJson("prune", report));
  else if (flags.quiet !== true) io.stdout.write(renderPrune(report));
}

function toPruneOptions(flags: PruneFlags, { path, program, now }: StoreSettings, io: Io): PruneOptions {
  const { logs, messages, open, maxSize } = flags;
  return {
    path,
    policy: { logs: parseSpan(logs), messages: parseSpan(messages), open: parseSpan(open) },
    isForced: flags.force === true,
    maxSize: maxSize === undefined ? undefined : parseSize(maxSize),
    archive: flags.archive,
    vacuum: flags.vacuum === true,
    program,
    now,
    signal: io.signal,
  };
}
