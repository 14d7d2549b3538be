/** The request for statistics. */
import type { Coverage } from "../coverage/holes.ts";
import type { RiskRule } from "../message/accounts-at-risk.ts";
import type { AxisName, Rank } from "../store/stats/axes.ts";
import type { StatsFilter } from "../store/stats/selection.ts";
import type { EpochMs } from "../units.ts";
import type { Bucket } from "../when.ts";
import type { AlarmCondition, ServerSilence } from "./conditions.ts";
import type { Comparison } from "./period.ts";
import type { SectionName } from "./sections.ts";

export interface StatsRequest {
  readonly filter: StatsFilter;
  /** The subjects of the filter, to be shown. */
  readonly subjects: AskedSubjects;
  readonly sections: readonly SectionName[];
  readonly timeZone: string;
  /** Undefined: as fits the time. */
  readonly bucket: Bucket | undefined;
  readonly axes: readonly AxisName[];
  /** Undefined: what fits the axis. */
  readonly rank: Rank | undefined;
  /** Most rows of rankings and hosts. */
  readonly limit: number;
  readonly compare: Comparison | undefined;
  readonly conditions: readonly AlarmCondition[];
  /** By which accounts are at risk. */
  readonly riskRule: RiskRule;
  /** How old the newest line of each server is; checked with the conditions. */
  readonly silences: readonly ServerSilence[];
  /** Time of the newest line of these servers; undefined when there is none. */
  readonly newestMs: EpochMs | undefined;
  /** Coverage of a time of the same servers. */
  readonly coverageOf: (since: EpochMs, until: EpochMs) => Coverage;
  /** Coverage of the time and the servers of the filter. */
  readonly coverage: Coverage;
  readonly now: EpochMs;
  /** Aborts between two sections. */
  readonly signal: AbortSignal;
}

/** Filters as typed: the name of the flag, and its values. */
export type AskedSubjects = Readonly<Record<string, readonly string[]>>;
