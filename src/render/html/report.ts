/** The parts of a report: the statistics, and what stands beside them on the page. */
import type { Actors } from "../../abuse/abuse.ts";
import type { CoverageState } from "../../coverage/holes.ts";
import type { Stats } from "../../stats/stats.ts";
import type { Totals } from "../../stats/totals.ts";

export interface Report {
  readonly stats: Stats;
  /** Names of the servers that the figures are of. */
  readonly servers: readonly string[];
  /** The time that the tiles compare with; undefined when no log covers the time of the report. */
  readonly earlier: EarlierTotals | undefined;
  /** Undefined: not asked for. */
  readonly actors: Actors | undefined;
}

export interface EarlierTotals {
  /** ISO-8601, the end exclusive. */
  readonly since: string;
  readonly until: string;
  /** Null when no log covers the time. */
  readonly totals: Totals | null;
  /** How much was read of that time, and of the time of the report. */
  readonly read: CoverageState;
  readonly readNow: CoverageState;
}
