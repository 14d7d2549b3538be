/** Chunks: ranges of ids whose figures are added up in advance. */
import { MINUTE_MS } from "../../units.ts";

export type ChunkKind = "messages" | "entries";

/** The time a figure is of, in all rolled tables: whole hours are made of it, and the days of every zone. */
export const SLOT_MS = 15 * MINUTE_MS;
/** The same in moments. */
export const SLOT = SLOT_MS * 1000;

/** Sizes of a chunk of rollups. */
export interface ChunkSizes {
  /** Message ids. */
  readonly messages: number;
  /** Entry ids: those of so many blocks. */
  readonly blocks: number;
}

/** Measured: smaller ones make more rows, larger ones leave more that is in none. */
export const CHUNK_SIZES: ChunkSizes = { messages: 8192, blocks: 32 };
