/** Long work in short pieces. */
import { setTimeout as sleep } from "node:timers/promises";
import { PilotError } from "../errors.ts";
import type { EpochMs } from "../units.ts";

/** How long one piece may hold the lock, about: an ingest that waits should not notice. */
const TARGET_MS = 40;
/** SQLite looks for a lock again at least so often: whoever waits gets it between two pieces. */
const PAUSE_MS = 110;
/** One: a block of text takes as long as a thousand names. */
const FIRST_PIECE = 1;
const LARGEST_PIECE = 100_000;

export interface SliceOptions {
  readonly now: () => EpochMs;
  readonly signal?: AbortSignal | undefined;
  /** Undefined: long enough for SQLite's own waiting. */
  readonly pauseMs?: number | undefined;
}

/** Does work in pieces as large as fit into a short time. */
export class Slices {
  readonly #options: SliceOptions;

  constructor(options: SliceOptions) {
    this.#options = options;
  }

  /** Errors: `interrupted` between two pieces, and those of `work`. */
  async each<Item>(items: readonly Item[], work: (piece: readonly Item[]) => void): Promise<void> {
    let size = FIRST_PIECE;
    for (let from = 0; from < items.length; ) {
      const piece = items.slice(from, from + size);
      const tookMs = this.#time(() => work(piece));
      from += piece.length;
      size = nextSize(size, tookMs);
      await this.#pause();
    }
  }

  /** The same for work without a list: `work` takes how much to do, and tells whether there is more. */
  async repeat(work: (amount: number) => boolean): Promise<void> {
    let amount = FIRST_PIECE;
    for (;;) {
      let hasMore = false;
      const tookMs = this.#time(() => {
        hasMore = work(amount);
      });
      if (!hasMore) return;
      amount = nextSize(amount, tookMs);
      await this.#pause();
    }
  }

  #time(work: () => void): number {
    const { now } = this.#options;
    const startedMs = now();
    work();
    return now() - startedMs;
  }

  async #pause(): Promise<void> {
    const { signal, pauseMs = PAUSE_MS } = this.#options;
    if (pauseMs > 0) await sleep(pauseMs);
    if (signal?.aborted === true) {
      throw new PilotError("interrupted", "Interrupted between two steps: the database is sound.", {
        hint: "What was removed is gone; the next run goes on.",
      });
    }
  }
}

/** At most twice as much, so that one quick piece does not make the next one long. */
function nextSize(size: number, tookMs: number): number {
  const fitting = tookMs === 0 ? 2 * size : (size * TARGET_MS) / tookMs;
  return Math.max(1, Math.min(Math.floor(fitting), 2 * size, LARGEST_PIECE));
}
