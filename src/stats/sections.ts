/** Sections of the statistics. Light: the command line lists it in every help. */
import type { Coverage } from "../coverage/holes.ts";
import type { AccountAtRisk } from "../message/accounts-at-risk.ts";
import type { Ranking } from "../store/stats/ranking.ts";
import type { Durations, Waits } from "./durations.ts";
import type { ForwardingView } from "./forwarding.ts";
import type { WeekHour } from "./hours.ts";
import type { Problem } from "./problems.ts";
import type { ProviderView, SlowHosts } from "./providers.ts";
import type { Blocklist, FailureReasons, RejectionReasons } from "./reasons.ts";
import type { Retries } from "./retries.ts";
import type { OriginShare, TlsShares } from "./security.ts";
import type { Series } from "./series.ts";
import type { Totals } from "./totals.ts";

export interface Sections {
  readonly problems: readonly Problem[];
  readonly accounts: readonly AccountAtRisk[];
  readonly incidents: readonly IncidentRow[];
  readonly totals: Totals;
  readonly series: Series;
  readonly hours: readonly WeekHour[];
  readonly bounces: FailureReasons;
  readonly deferrals: FailureReasons;
  readonly rejections: RejectionReasons;
  readonly blocklists: readonly Blocklist[];
  readonly top: readonly Ranking[];
  readonly queue: Durations;
  readonly waits: Waits;
  readonly delivery: Durations;
  readonly tls: TlsShares;
  readonly origins: readonly OriginShare[];
  readonly providers: ProviderView;
  readonly forwarding: ForwardingView;
  readonly slow: SlowHosts;
  readonly retries: Retries;
  readonly coverage: Coverage;
}

/** An incident that reaches into the time. Times are ISO-8601. */
export interface IncidentRow {
  readonly id: number;
  readonly server: string;
  readonly severity: "critical" | "serious" | "warning";
  readonly status: "open" | "acknowledged" | "over" | "resolved" | "false_alarm";
  readonly title: string;
  readonly start: string;
  /** Null while it goes on. */
  readonly end: string | null;
}

/** Sections that were asked for. */
export type SomeSections = Partial<Sections>;

export type SectionName = keyof Sections;

/** Sections in the order in which they are shown, each with a line for help. */
export const SECTIONS = {
  problems: "what to look at first",
  accounts: "accounts at risk: others seem to have their passwords",
  incidents: "incidents that `incidents detect` has found, the last ones first",
  totals: "messages, recipients, attempts, rejections: what became of them",
  series: "the same over time",
  hours: "what comes at each hour of the week",
  bounces: "why recipients bounced, with a sample each",
  deferrals: "why attempts were deferred",
  rejections: "what was refused, by phase and reason",
  blocklists: "the lists that clients were refused for",
  top: "who leads, see --by and --rank",
  queue: "how long messages were on the queue",
  waits: "the same over time: median, 90 % and 99 %",
  delivery: "how long deliveries took",
  tls: "how much was encrypted, by version and cipher",
  origins: "how messages were handed over: logins, protocols, local",
  providers: "how other servers take our mail, by the domain of their hosts",
  forwarding: "recipients whose mail goes on elsewhere, and how that is taken",
  slow: "hosts that are slow or silent",
  retries: "how often recipients were tried, and what came of it",
  coverage: "which part of the time was read, and the holes in it",
} as const satisfies Record<SectionName, string>;

export const SECTION_NAMES = Object.keys(SECTIONS) as SectionName[];

/** Sections that fit one screen. */
export const DEFAULT_SECTIONS: readonly SectionName[] = [
  "problems",
  "totals",
  "series",
  "bounces",
  "deferrals",
  "rejections",
];
