/** Keeping the database small: what is old goes, by policy, and the space it took goes back to the system. */
import { dirname } from "node:path";
import { traced } from "../diagnostics.ts";
import { PilotError } from "../errors.ts";
import { assertFreeSpace, type FreeBytes } from "../store/files/free-space.ts";
import type { PostingRow } from "../store/log-text/postings.ts";
import { finish } from "../store/prune/orphan-texts.ts";
import type { Cutoffs, KeptClass, Share } from "../store/prune/prune-plan.ts";
import type { ClassTotals, FileSize, Pruner, RemovedRows } from "../store/prune/pruner.ts";
import { type EpochMs, epochMs, toIso } from "../units.ts";
import { archiveExpired } from "./archive.ts";
import { cutoffOf, type Policy } from "./policy.ts";
import { Slices } from "./slices.ts";
import { removeUnusedTexts } from "./unused-texts.ts";
import { removeUnusedTuples } from "./unused-tuples.ts";

export interface PruneOptions {
  /** The database. */
  readonly path: string;
  readonly policy: Policy;
  /** Also what is not known to have left the queue or belongs to what stays; and whatever a look at the clock forbids. */
  readonly isForced: boolean;
  /** Bytes; the oldest goes until the file is no larger. */
  readonly maxSize: number | undefined;
  /** Directory to which expired text is written first; undefined if it is not archived. */
  readonly archive: string | undefined;
  /** Write the whole file again at the end. */
  readonly vacuum: boolean;
  readonly program: string;
  readonly now: () => EpochMs;
  readonly signal?: AbortSignal | undefined;
  /** Called when a step begins, and after each piece of it. */
  readonly onProgress?: ((progress: PruneProgress) => void) | undefined;
  /** Something that is wrong with the archive and keeps nothing from going on: a sentence, told once. */
  readonly onWarning?: ((sentence: string) => void) | undefined;
  readonly pauseMs?: number | undefined;
  readonly freeBytes?: FreeBytes;
}

/** Steps of a run: text and messages are removed first, then texts that only they named, then free space is returned. */
export type PruneStep = "planning" | "archive" | "text" | "messages" | "names" | "space" | "vacuum";

export interface PruneProgress {
  readonly step: PruneStep;
  readonly done: number;
  /** 0 while it is not known. */
  readonly total: number;
}

export interface PruneReport {
  readonly path: string;
  readonly isRehearsal: boolean;
  /** ISO-8601 UTC; what is older goes. Null: nothing does. */
  readonly cutoffs: Readonly<Record<ClassTotals["name"], string | null>>;
  /** Rows by table. */
  readonly removed: RemovedRows;
  /** Log text in bytes, uncompressed. */
  readonly textBytes: number;
  /** Old messages that stay because the log does not tell that they have left the queue. */
  readonly openMessages: number;
  readonly archived: readonly string[];
  /** Pieces of the archive that cannot be relied on: sentences. */
  readonly warnings: readonly string[];
  readonly before: FileSize;
  /** Size afterwards; of a rehearsal, an estimate. */
  readonly after: FileSize;
  /** The longest that another process had to wait for, in one piece. */
  readonly longestLockMs: number;
  /** True when space is free within the file that only a vacuum gives back. */
  readonly needsVacuum: boolean;
}

/** In memory at once. */
const POSTINGS_TOGETHER = 100_000;

/** Tells what {@link prune} would do; changes nothing. Errors: as there. */
export function rehearse(pruner: Pruner, options: PruneOptions): PruneReport {
  finish(pruner.quickCheck());
  assertClock(pruner, options);
  const before = pruner.size();
  const cutoffs = tightened(pruner, cutoffsOf(options), options);
  plan(pruner, cutoffs, options);
  const { rows, textBytes, bytes } = pruner.plan.counts(cutoffs);
  const usedBytes = Math.max(0, before.usedBytes - bytes);
  return {
    ...shownCutoffs(options, cutoffs),
    isRehearsal: true,
    removed: rows,
    textBytes,
    openMessages: pruner.plan.openMessages(cutoffs),
    archived: [],
    warnings: [],
    before,
    after: { bytes: usedBytes, usedBytes },
    longestLockMs: 0,
    needsVacuum: !pruner.canShrink,
  };
}

/**
 * Removes what the policy does not keep, in short pieces. Errors: `check_failed` when it would remove everything, the clock is
 * behind most of the lines, or the size cannot be reached; `corrupt`, `busy`, `disk_full`, `io`, `interrupted`.
 */
export async function prune(pruner: Pruner, options: PruneOptions): Promise<PruneReport> {
  const { maxSize, now, signal, pauseMs } = options;
  const steps = new Steps(options.onProgress);
  steps.begin("planning");
  const slices = new Slices({
    now,
    signal,
    pauseMs,
    onPiece: steps.advance,
    lockMs: () => pruner.lockMs,
    checkpoint: () => pruner.checkpoint(),
  });
  await slices.through(pruner.quickCheck());
  assertClock(pruner, options);
  if (options.vacuum) assertFreeSpace(dirname(options.path), 2 * pruner.size().usedBytes, options.freeBytes);
  const before = pruner.size();
  const run = new Run(pruner, slices, steps, options);
  let cutoffs = cutoffsOf(options);
  await traced("remove what is old", () => run.remove(cutoffs));
  await traced("give space back", () => run.returnSpace());
  for (let excess = 0; maxSize !== undefined && pruner.size().usedBytes > maxSize; ) {
    const removedBefore = run.rows;
    excess += pruner.size().usedBytes - maxSize;
    cutoffs = advance(cutoffs, pruner.cutoffToFree(excess, cutoffs.nowMs), maxSize, options);
    await traced("remove the oldest", () => run.remove(cutoffs));
    await traced("give space back", () => run.returnSpace());
    // NOTE: open messages and chains may keep too much; then the next cutoff is a later one.
    if (run.rows > removedBefore) excess = 0;
  }
  if (options.vacuum) {
    steps.begin("vacuum");
    traced("vacuum", () => pruner.vacuum());
  }
  const after = pruner.size();
  return {
    ...shownCutoffs(options, cutoffs),
    isRehearsal: false,
    removed: run.removed,
    textBytes: run.textBytes,
    openMessages: pruner.plan.openMessages(cutoffs),
    archived: run.archived,
    warnings: [...run.warnings],
    before,
    after,
    longestLockMs: pruner.longestLockMs,
    needsVacuum: after.bytes > after.usedBytes && !pruner.canShrink,
  };
}

export interface PruneStatus {
  readonly path: string;
  readonly classes: readonly (ClassTotals & { readonly cutoff: string | null })[];
  readonly openMessages: number;
  readonly size: FileSize;
  /** ISO-8601 UTC, of the last prune that ended as it should; null when none is recorded. */
  readonly lastRun: string | null;
}

/** Size of each class, and how much of it a run would remove now. */
export function pruneStatus(pruner: Pruner, options: PruneOptions): PruneStatus {
  const cutoffs = cutoffsOf(options);
  pruner.plan.make(cutoffs, options.isForced);
  const lastRun = pruner.lastRunMs();
  const shown: Readonly<Record<string, string | null>> = shownCutoffs(options, cutoffs).cutoffs;
  return {
    path: options.path,
    classes: pruner.classes(cutoffs).map((totals) => ({ ...totals, cutoff: shown[totals.name] ?? null })),
    openMessages: pruner.plan.openMessages(cutoffs),
    size: pruner.size(),
    lastRun: lastRun === undefined ? null : toIso(lastRun),
  };
}

/** Tells what a run is at. */
class Steps {
  readonly #onProgress: PruneOptions["onProgress"];
  #step: PruneStep = "planning";

  constructor(onProgress: PruneOptions["onProgress"]) {
    this.#onProgress = onProgress;
  }

  begin(step: PruneStep): void {
    this.#step = step;
    this.advance(0, 0);
  }

  readonly advance = (done: number, total: number): void => this.#onProgress?.({ step: this.#step, done, total });
}

/** The work of one run, and what it has done so far. */
class Run {
  readonly removed: Record<string, number> = {};
  readonly archived: string[] = [];
  readonly warnings = new Set<string>();
  textBytes = 0;
  readonly #pruner: Pruner;
  readonly #slices: Slices;
  readonly #steps: Steps;
  readonly #options: PruneOptions;

  constructor(pruner: Pruner, slices: Slices, steps: Steps, options: PruneOptions) {
    this.#pruner = pruner;
    this.#slices = slices;
    this.#steps = steps;
    this.#options = options;
  }

  get rows(): number {
    return Object.values(this.removed).reduce((sum, count) => sum + count, 0);
  }

  async remove(cutoffs: Cutoffs): Promise<void> {
    const pruner = this.#pruner;
    const steps = this.#steps;
    steps.begin("planning");
    plan(pruner, cutoffs, this.#options);
    const { archive } = this.#options;
    steps.begin("archive");
    await this.#slices.rest();
    if (archive !== undefined && pruner.plan.blocks > 0)
      this.archived.push(
        ...(await archiveExpired(pruner, { ...this.#options, directory: archive, onWarning: this.#warn })),
      );
    await this.#slices.rest();
    for (const [, blocks] of pruner.expiredLogs()) for (const { size } of blocks) this.textBytes += size;
    steps.begin("text");
    await this.#slices.each(pruner.expiredBlocks(), (ids) => this.#count(pruner.removeBlocks(ids)));
    steps.begin("messages");
    await this.#slices.each(pruner.expiredMessages(), (ids) => this.#count(pruner.removeMessages(ids)));
    steps.begin("names");
    await this.#slices.rest();
    await removeUnusedTuples(pruner, this.#slices, (removed) => this.#count(removed));
    await this.#removePostings();
    await removeUnusedTexts(pruner, this.#slices, (removed) => this.#count(removed));
    this.#count(pruner.removeAudit(cutoffs.auditMs));
    await this.#removeKept("snapshots", cutoffs.snapshotsMs);
    await this.#removeKept("content", cutoffs.contentMs);
    await this.#removeKept("outbox", cutoffs.outboxMs);
    await this.#removeKept("incidents", cutoffs.incidentsMs);
    await this.#removeKept("notes", cutoffs.notesMs);
  }

  async #removeKept(name: KeptClass, before: EpochMs): Promise<void> {
    await this.#slices.repeat((amount) => {
      const removed = this.#pruner.removeKept(name, before, amount);
      if (removed !== undefined) this.#count(removed);
      return removed !== undefined;
    });
  }

  async #removePostings(): Promise<void> {
    const pruner = this.#pruner;
    const sweep = pruner.sweepPostings();
    let rows: PostingRow[] = [];
    const remove = async (): Promise<void> => {
      await this.#slices.each(rows, (piece) => pruner.removeStalePostings(sweep, piece));
      rows = [];
    };
    // NOTE: nobody waits for reading, so it is done without pauses; only signals are to be noticed.
    for (const stale of sweep.stale()) {
      rows.push(...stale);
      if (rows.length >= POSTINGS_TOGETHER) await remove();
      else await this.#slices.rest();
    }
    await remove();
  }

  async returnSpace(): Promise<void> {
    const pruner = this.#pruner;
    this.#steps.begin("space");
    if (pruner.canShrink) await this.#slices.repeat((pages) => pruner.returnPages(pages) > 0);
    pruner.checkpoint();
  }

  readonly #warn = (sentence: string): void => {
    if (this.warnings.has(sentence)) return;
    this.warnings.add(sentence);
    this.#options.onWarning?.(sentence);
  };

  #count(removed: RemovedRows): void {
    for (const [table, count] of Object.entries(removed)) this.removed[table] = (this.removed[table] ?? 0) + count;
  }
}

function cutoffsOf({ policy, now }: PruneOptions): Cutoffs {
  const { logs, messages, open, audit, snapshots, content, outbox, incidents, notes } = policy;
  const nowMs = now();
  return {
    nowMs,
    logsMs: cutoffOf(logs, nowMs),
    messagesMs: cutoffOf(messages, nowMs),
    openMs: open === undefined ? undefined : cutoffOf(open, nowMs),
    auditMs: cutoffOf(audit, nowMs),
    snapshotsMs: cutoffOf(snapshots, nowMs),
    contentMs: cutoffOf(content, nowMs),
    outboxMs: cutoffOf(outbox, nowMs),
    incidentsMs: cutoffOf(incidents, nowMs),
    notesMs: cutoffOf(notes, nowMs),
  };
}

/** The cutoffs of a rehearsal to a size: those of the first round. */
function tightened(pruner: Pruner, cutoffs: Cutoffs, options: PruneOptions): Cutoffs {
  const excess = options.maxSize === undefined ? 0 : pruner.size().usedBytes - options.maxSize;
  return excess <= 0
    ? cutoffs
    : advance(cutoffs, pruner.cutoffToFree(excess, cutoffs.nowMs), options.maxSize ?? 0, options);
}

/** Text and messages alike: what is left of the one without the other would take up the space. */
function advance(cutoffs: Cutoffs, to: EpochMs | undefined, maxSize: number, { isForced }: PruneOptions): Cutoffs {
  if (to === undefined) {
    throw new PilotError(
      "check_failed",
      `The database cannot be made as small as ${maxSize} bytes: nothing of it would be left.`,
      {
        hint: "Everything that could be removed before was removed. Allow more, or see with --status what takes the space.",
      },
    );
  }
  const later = (cutoff: EpochMs): EpochMs => epochMs(Math.max(cutoff, to));
  const openMs = isForced ? cutoffs.nowMs : cutoffs.openMs;
  return { ...cutoffs, logsMs: later(cutoffs.logsMs), messagesMs: later(cutoffs.messagesMs), openMs };
}

/** Errors: `check_failed` when nothing would be left. */
function plan(pruner: Pruner, cutoffs: Cutoffs, { isForced }: PruneOptions): void {
  pruner.plan.make(cutoffs, isForced);
  if (isForced) return;
  const { blocks, messages } = pruner.plan.shares(cutoffs);
  const isAll = ({ going, all }: Share): boolean => going > 0 && going === all;
  const what = isAll(blocks) ? "all log text" : isAll(messages) ? "all messages" : "";
  if (what === "") return;
  throw new PilotError("check_failed", `This would remove ${what}, which is more than age explains.`, {
    hint: "Check the clock, and that new lines are ingested. If it is intended, --force --dry-run shows what would go, and --force removes it.",
  });
}

/** Errors: `check_failed` when the clock cannot be right. */
function assertClock(pruner: Pruner, { isForced, now }: PruneOptions): void {
  const newestMs = isForced ? undefined : pruner.newestAheadOfClock(now());
  if (newestMs === undefined) return;
  throw new PilotError(
    "check_failed",
    `The clock says ${toIso(now())}, and most lines were written and read later, up to ${toIso(newestMs)}: their age cannot be told.`,
    { hint: "Set the clock; --force prunes all the same." },
  );
}

function shownCutoffs(
  { path, policy }: PruneOptions,
  { logsMs, messagesMs, auditMs, snapshotsMs, contentMs, outboxMs, incidentsMs, notesMs }: Cutoffs,
): Pick<PruneReport, "path" | "cutoffs"> {
  const shown = (span: number | undefined, at: EpochMs): string | null =>
    span === undefined && at === cutoffOf(undefined, at) ? null : toIso(at);
  return {
    path,
    cutoffs: {
      logs: shown(policy.logs, logsMs),
      messages: shown(policy.messages, messagesMs),
      audit: shown(policy.audit, auditMs),
      snapshots: shown(policy.snapshots, snapshotsMs),
      content: shown(policy.content, contentMs),
      outbox: shown(policy.outbox, outboxMs),
      incidents: shown(policy.incidents, incidentsMs),
      notes: shown(policy.notes, notesMs),
    },
  };
}
