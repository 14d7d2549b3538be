/** The form of a rule: which facts count for whom, and when their number is an incident. */
import type { Threshold } from "../message/account-risk.ts";
import type { IncidentSeverity } from "../store/incidents/incidents.ts";
import type { EpochMs } from "../units.ts";
import type { Observation } from "./observation.ts";

/** Part of a figure that one line adds, of one subject. */
export interface Contribution {
  readonly subject: string;
  /** Counts against the subject; 1 when left out, 0 for a line that only says what works. */
  readonly count?: number;
  /** Speaks for it: a delivery, a login. */
  readonly good?: number;
  /** Aggravates what counts: a recipient who bounced. */
  readonly bad?: number;
  /** Values of which the different ones count. */
  readonly one?: string | undefined;
  readonly other?: string | undefined;
  /** Text that is shown where it was seen most. */
  readonly text?: string | undefined;
  readonly messageId?: string | undefined;
}

/** Figures of a subject in the time that a rule looks back. */
export interface Window {
  readonly count: number;
  readonly good: number;
  readonly bad: number;
  /** Different values of {@link Contribution.one} and of {@link Contribution.other}. */
  readonly one: number;
  readonly other: number;
  /** Time between the first and the last that counts against the subject, in ms. */
  readonly spanMs: number;
}

/** Figures of a subject before the hour that is judged. */
export interface Past {
  /** Hours of the server's log before. */
  readonly hours: number;
  /** The measure of an hour that nine of ten hours did not exceed, hours without anything among them. */
  readonly usual: number;
  /** The greatest measure of an hour that was no incident. */
  readonly most: number;
  /** Everything good ever seen. */
  readonly good: number;
}

export type Thresholds = Readonly<Record<string, number>>;

/** Figures of an incident, as they are stored. */
export interface IncidentFigures {
  /** Measure in all. */
  readonly count: number;
  /** Most of it within the time that the rule looks back. */
  readonly peak: number;
  readonly usual: number;
  /** Most of what spoke for it, and of what aggravates it, within that time. */
  readonly good: number;
  readonly bad: number;
  readonly one: readonly string[];
  readonly oneCount: number;
  readonly other: readonly string[];
  readonly otherCount: number;
  /** Texts seen, the most frequent first. */
  readonly texts: readonly string[];
}

export interface RuleText {
  readonly title: string;
  readonly description: string;
}

/** A step against an incident, with the command that does it. */
export interface IncidentStep {
  readonly text: string;
  readonly command?: string;
}

/** Part of a rule that all of them have: its name, its thresholds and its words. */
export interface RuleHead<Figures = IncidentFigures> {
  readonly kind: string;
  /** Raised when the same lines give other incidents. */
  readonly version: number;
  /** Sentence that help shows. */
  readonly about: string;
  readonly thresholds: Readonly<Record<string, Threshold>>;
  readonly describe: (subject: string, figures: Figures) => RuleText;
  readonly steps: (subject: string, figures: Figures) => readonly IncidentStep[];
}

/** Rule whose figures are counts by subject. */
export interface CountingRule extends RuleHead {
  readonly severity: IncidentSeverity;
  /** Time that the rule looks back. */
  readonly windowMs: number;
  /** Pause that does not end an incident. */
  readonly pauseMs: number;
  /** Whether anything good was ever seen decides: it is remembered. */
  readonly remembersGood?: boolean;
  /** The measure of an hour: what counts, or how many different values. */
  readonly measure: "count" | "one";
  readonly contributionsOf: (observation: Observation) => readonly Contribution[];
  readonly isMet: (window: Window, past: Past, thresholds: Thresholds, subject: string) => boolean;
}

/** A stretch of time in which the rule was met again and again. */
export interface FoundEpisode<Figures = unknown> {
  readonly kind: string;
  readonly subject: string;
  readonly severity: IncidentSeverity;
  readonly startMs: EpochMs;
  readonly firedMs: EpochMs;
  readonly lastMs: EpochMs;
  readonly pauseMs: number;
  readonly count: number;
  /** Main figure by hour since the epoch, of the hours that met the rule. */
  readonly hours: readonly (readonly [hour: number, count: number])[];
  /** The same of other hours of the day up to the last of them. */
  readonly around: readonly (readonly [hour: number, count: number])[];
  readonly figures: Figures;
  readonly messages: readonly string[];
}
