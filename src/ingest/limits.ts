/** Lines of the largest block, and so of the largest batch: with its last record complete, its lines can still be counted in 16 bits. */
export const MOST_BLOCK_LINES = 64_000;
