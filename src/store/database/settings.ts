/** Settings with which a database is opened. */
import type { EpochMs } from "../../units.ts";
import type { FreeBytes } from "../files/free-space.ts";
import type { Processes } from "../files/remains.ts";

export interface StoreSettings {
  readonly path: string;
  /** Directory of the migrations and the views. */
  readonly schemaDirectory: string;
  /** Longest wait for another writer, in milliseconds. */
  readonly waitMs: number;
  /** Version of this program, for the record. */
  readonly program: string;
  readonly now: () => EpochMs;
  /** Told when a file is made that is there for a while. */
  readonly processes: () => Processes;
  /** Undefined: asks the file system. */
  readonly freeBytes?: FreeBytes;
}
