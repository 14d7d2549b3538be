/** Largest batch: with its last record complete, its lines can still be counted in 16 bits. */
export const MOST_BATCH_LINES = 64_000;
