/** Long work in short pieces. */
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { PilotError } from "../errors.ts";
import type { EpochMs } from "../units.ts";

/** Target for the time that one piece holds the lock, in milliseconds: a waiting ingest should not notice. */
const TARGET_MS = 25;
/**
 * The pauses of SQLite's busy timeout (sqliteDefaultBusyCallback) are 1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50 and then 100 ms. A
 * waiting process looks for the lock at least every 25 ms for 128 ms, and at least every 50 ms for 228. So it finds the lock free
 * after the first piece. When it comes late to that one, for want of a processor, it finds it free after the second or the third.
 */
const PAUSES_MS = [30, 30, 60] as const;
/** Pieces are short, so the log of the transactions stays at some tens of megabytes. */
const PIECES_PER_CHECKPOINT = 8;
/** One: a block of text takes as long as a thousand names. */
const FIRST_PIECE = 1;
const LARGEST_PIECE = 100_000;

export interface SliceOptions {
  readonly now: () => EpochMs;
  /** Returns how long the last piece held the lock. */
  readonly lockMs: () => number;
  /** Writes what pieces have left in the log of the transactions to the file; others can write meanwhile. */
  readonly checkpoint: () => void;
  readonly signal?: AbortSignal | undefined;
  /** After each piece of a list. */
  readonly onPiece?: ((done: number, total: number) => void) | undefined;
  /** Undefined: long enough for SQLite's own waiting. */
  readonly pauseMs?: number | undefined;
}

/** Does work in pieces as large as fit into a short time. */
export class Slices {
  readonly #options: SliceOptions;
  #pieces = 0;

  constructor(options: SliceOptions) {
    this.#options = options;
  }

  /** Errors: `interrupted` between two pieces, and those of `work`. */
  async each<Item>(items: readonly Item[], work: (piece: readonly Item[]) => void): Promise<void> {
    let size = FIRST_PIECE;
    for (let from = 0; from < items.length; ) {
      const piece = items.slice(from, from + size);
      work(piece);
      from += piece.length;
      this.#options.onPiece?.(from, items.length);
      size = nextSize(size, this.#options.lockMs());
      await this.#pause();
    }
  }

  /** The same for work without a list: `work` takes how much to do, and tells whether there is more. */
  async repeat(work: (amount: number) => boolean): Promise<void> {
    let amount = FIRST_PIECE;
    for (;;) {
      if (!work(amount)) return;
      amount = nextSize(amount, this.#options.lockMs());
      await this.#pause();
    }
  }

  /** Takes steps that need no lock, one after the other; returns what they lead to. Errors: `interrupted` between two of them. */
  async through<Result>(steps: Generator<undefined, Result>): Promise<Result> {
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
      await this.rest();
    }
  }

  /** Lets signals in. Errors: `interrupted`. */
  async rest(): Promise<void> {
    await turn();
    this.#assertGoesOn();
  }

  /** The lock is free: what needs none is done first, and only the rest of the time is slept. */
  async #pause(): Promise<void> {
    const { now, checkpoint, pauseMs = PAUSES_MS[this.#pieces % PAUSES_MS.length] ?? 0 } = this.#options;
    const fromMs = now();
    if (++this.#pieces % PIECES_PER_CHECKPOINT === 0) checkpoint();
    const leftMs = pauseMs - (now() - fromMs);
    if (leftMs > 0) await sleep(leftMs);
    this.#assertGoesOn();
  }

  #assertGoesOn(): void {
    if (this.#options.signal?.aborted === true) {
      throw new PilotError("interrupted", "Interrupted between two steps: the database is sound.", {
        hint: "Removed rows stay removed; the next run continues.",
      });
    }
  }
}

/** At most twice as much, so that one quick piece does not make the next one long. */
function nextSize(size: number, tookMs: number): number {
  const fitting = tookMs === 0 ? 2 * size : (size * TARGET_MS) / tookMs;
  return Math.max(1, Math.min(Math.floor(fitting), 2 * size, LARGEST_PIECE));
}
