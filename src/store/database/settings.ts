/** What the database is opened with. */
import type { EpochMs } from "../../units.ts";
import type { FreeBytes } from "../files/free-space.ts";
import type { Processes } from "../files/remains.ts";

export interface StoreSettings {
  readonly path: string;
  /** Where the migrations and the views are. */
  readonly schemaDirectory: string;
  /** How long to wait for another writer, in all. */
  readonly waitMs: number;
  /** Version of this program, for the record. */
  readonly program: string;
  readonly now: () => EpochMs;
  /** Told when a file is made that is there for a while. */
  readonly processes: () => Processes;
  /** Undefined: asks the file system. */
  readonly freeBytes?: FreeBytes;
}
