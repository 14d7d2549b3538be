/**
 * The answers of `--json`, each by its kind: the contract with programs. schema/json holds the same as JSON Schema, made of these
 * types; what is printed beside them does not compile.
 */
import type { Abuse } from "../abuse/abuse.ts";
import type { BackupReport } from "../backup/backup.ts";
import type { ListedBackup } from "../backup/catalogue.ts";
import type { DrillReport } from "../backup/drill.ts";
import type { RestoreReport } from "../backup/restore.ts";
import type { VerifiedBackup } from "../backup/verify.ts";
import type { ContentReport } from "../content/result.ts";
import type { Coverage } from "../coverage/holes.ts";
import type { DoctorReport } from "../doctor/doctor.ts";
import type { ErrorCode } from "../errors.ts";
import type { LineFacts } from "../explain/read-line.ts";
import type { Summary } from "../explain/tally.ts";
import type { IncidentDetails, IncidentJudgement, IncidentSummary } from "../incidents/incidents.ts";
import type { IngestReport, LogReport } from "../ingest/ingest.ts";
import type { AccountAtRisk } from "../message/accounts-at-risk.ts";
import type { NotificationChange } from "../notify/changes.ts";
import type { NotificationFacts } from "../notify/notification-facts.ts";
import type { RoundReport } from "../notify/send-round.ts";
import type { LogEvent } from "../parse/events.ts";
import type { NoteChange } from "../people/notes.ts";
import type { QueueHealth } from "../queue/health.ts";
import type { QueueHistory } from "../queue/history.ts";
import type { Reconciliation } from "../queue/reconcile.ts";
import type { LogEnd, QueueEntry, QueueReport } from "../queue/report.ts";
import type { SnapshotReport } from "../queue/snapshot.ts";
import type { PruneReport, PruneStatus } from "../retention/prune.ts";
import type { SearchPage, SearchResult } from "../search/result.ts";
import type { ServerRemoval } from "../servers/servers.ts";
import type { Step } from "../setup/plan.ts";
import type { NextResult } from "../spool/next-try.ts";
import type { Eximstats } from "../stats/eximstats/eximstats.ts";
import type { Stats } from "../stats/stats.ts";
import type { NotificationStatus } from "../store/outbox/notification.ts";
import type { NoteFacts, UserFacts } from "../store/people/people-reader.ts";
import type { TagMeaning, UserRow } from "../store/people/people-writer.ts";
import type { ViewDescription } from "../store/public-views.ts";
import type { TagUse } from "../store/read/tag-reader.ts";
import type { MigrateReport } from "../store/store.ts";
import type { TagChange } from "../tags/tags.ts";
import type { Chain } from "../trace/chain.ts";
import type { Statement } from "../trace/evidence.ts";
import type { EvidenceLink } from "../trace/find-evidence.ts";
import type { Trace, TracedMessage, TracedRecipient } from "../trace/result.ts";
import type { CheckReport } from "../verify/verify.ts";
import type { SettingRow } from "./configuration.ts";
import type { RebuildReport } from "./rebuild-page.ts";

/** Keys of each kind of answer beside `version` and `kind`. */
export interface Answers {
  readonly abuse: AbuseAnswer;
  readonly audit: AuditAnswer;
  readonly backup: BackupReport;
  readonly backup_drill: DrillReport;
  readonly backup_list: BackupListAnswer;
  readonly backup_verify: VerifiedBackup;
  readonly chain: ChainAnswer;
  readonly choices: ChoicesAnswer;
  readonly config: ConfigAnswer;
  readonly content: ContentReport;
  readonly count: CountAnswer;
  readonly doctor: DoctorReport;
  readonly error: ErrorAnswer;
  readonly eximstats: Eximstats;
  readonly export: ExportAnswer;
  readonly incident: IncidentDetails;
  readonly incident_judged: IncidentJudgement;
  readonly incident_mute: MuteAnswer;
  readonly incident_mutes: MutesAnswer;
  readonly incidents: IncidentsAnswer;
  readonly incidents_detected: DetectionAnswer;
  readonly ingest: IngestAnswer;
  readonly migrate: MigrateAnswer;
  readonly note: NoteChange;
  readonly notes: NotesAnswer;
  readonly notification: ShownNotification;
  readonly notifications: NotificationsAnswer;
  readonly notify_change: NotifyChangeAnswer;
  readonly notify_run: NotifyRunAnswer;
  readonly notify_stats: NotifyStatsAnswer;
  readonly notify_test: NotifyTestAnswer;
  readonly parse: ParseAnswer;
  readonly prune: PruneReport;
  readonly prune_status: PruneStatus;
  readonly queue: QueueReport;
  readonly queue_health: QueueHealth;
  readonly queue_history: QueueHistory;
  readonly queue_next: NextResult;
  readonly queue_reconciliation: ReconciliationAnswer;
  readonly queue_snapshot: SnapshotReport;
  readonly rebuild: RebuildReport;
  readonly restore: RestoreAnswer;
  readonly search: SearchAnswer;
  readonly server: ServerAnswer;
  readonly server_removed: ServerRemoval;
  readonly servers: ServersAnswer;
  readonly setup: SetupAnswer;
  readonly sources: SourcesAnswer;
  readonly sql: SqlAnswer;
  readonly stats: Stats;
  readonly tag: TagAnswer;
  readonly tags: TagsAnswer;
  readonly tag_description: TagDescriptionAnswer;
  readonly trace: TraceAnswer;
  readonly user: UserAnswer;
  readonly users: UsersAnswer;
  readonly verify: VerifyAnswer;
  readonly views: ViewsAnswer;
}

/** A line of each `--ndjson`; a failure is a last line, as {@link ErrorAnswer}. */
export interface Lines {
  readonly parse: EventLine;
  readonly queue: QueueEntry;
  readonly search: SearchResult;
}

/** A line of a log: the fields of its event, by its kind, beside where it is. What the line does not say is left out. */
export type EventLine = Partial<LineFacts> & {
  /** Server of a stored line, in place of its file. */
  readonly server?: string;
} & (LogEvent | UnparsedLine);

/** A line without a stamp that belongs to no entry. */
export interface UnparsedLine {
  readonly kind: "unparsed";
}

/** A command that failed; nothing else is printed then. */
export interface ErrorAnswer {
  readonly error: CommandFailure;
}

export interface CommandFailure {
  /** Tells the exit status too. */
  readonly code: ErrorCode | "bug";
  /** A full sentence. */
  readonly message: string;
  /** A sentence that says how to go on. */
  readonly hint: string | null;
}

/** Number of results, for `--count` of `search` and `queue`. */
export interface CountAnswer {
  readonly count: number;
}

export interface ShownNotification extends NotificationFacts {
  /** Plain text as it was last sent; null: it was not sent yet. */
  readonly text: string | null;
  /** Numbers of those that a digest stands for, or of the digest that one is part of. */
  readonly related: readonly number[];
}

export interface NotificationsAnswer {
  /** The newest first. */
  readonly notifications: readonly NotificationFacts[];
}

export interface NotifyChangeAnswer extends NotificationChange {
  readonly action: "retry" | "cancel";
}

export interface NotifyRunAnswer extends RoundReport {
  /** Notifications that wait to be sent. */
  readonly waiting: number;
  /** When the next of them is due: ISO-8601 UTC; null: none waits. */
  readonly nextTryAt: string | null;
  /** Channels that cannot be used, and why. */
  readonly unusable: readonly UnusableChannel[];
}

export interface UnusableChannel {
  readonly channel: string;
  /** A sentence. */
  readonly problem: string;
}

export interface NotifyTestAnswer {
  readonly channel: string;
  readonly notification: NotificationFacts;
}

export interface NotifyStatsAnswer {
  /** Notifications that are stored; a digest is not counted beside what is in it. */
  readonly enqueued: number;
  readonly byStatus: Readonly<Record<NotificationStatus, number>>;
  readonly confirmedByLog: number;
  /** Confirmed by the reply of a server of mail, as no log showed the delivery. */
  readonly confirmedUnseen: number;
  readonly retries: number;
  /** From being stored to confirmation; null: none was confirmed. */
  readonly meanSeconds: number | null;
  readonly tiers: readonly TierFigures[];
  readonly channels: readonly ChannelFigures[];
}

/** Notifications by the tier and the channel that they ended in. */
export interface TierFigures {
  /** 1 is the first. */
  readonly tier: number;
  readonly channel: string;
  readonly confirmed: number;
  readonly failed: number;
  readonly meanSeconds: number | null;
}

export interface ChannelFigures {
  readonly channel: string;
  /** Requests that it took. */
  readonly successes: number;
  /** Requests that it did not take. */
  readonly failures: number;
  /** Nothing is sent before: ISO-8601 UTC; null: it is not blocked. */
  readonly blockedUntil: string | null;
  /** It refused the credentials at the last try. */
  readonly isUnauthorized: boolean;
  readonly lastSuccess: string | null;
  readonly lastFailure: string | null;
  readonly lastError: string | null;
}

export interface AbuseAnswer extends Omit<Abuse, "accountsAtRisk"> {
  readonly accountsAtRisk: readonly JudgedAccount[];
  /** Coverage of the time; only there when nothing matches. */
  readonly coverage?: Coverage | undefined;
}

export interface JudgedAccount extends AccountAtRisk {
  /** A sentence that says what happened. */
  readonly verdict: string;
}

/** A file or text that was given to `trace` in place of the name of a message, and how it led to messages. */
export interface Evidence {
  /** Ids, addresses and times in its parts. */
  readonly statements: readonly Statement[];
  readonly links: readonly EvidenceLink[];
}

export interface TraceAnswer {
  /** One for each server that has the id. */
  readonly messages: readonly Trace[];
  /** Coverage of the time in which something can have happened to them. */
  readonly coverage: Coverage;
  /** Only there when evidence was given. */
  readonly evidence?: Evidence | undefined;
}

/** Answer of `trace --chain`. */
export interface ChainAnswer {
  readonly chains: readonly Chain[];
  /** Only there when evidence was given. */
  readonly evidence?: Evidence | undefined;
}

/** Answer of `trace` when there are several messages to choose from. */
export interface ChoicesAnswer {
  readonly choices: readonly Choice[];
  /** There are more than `--limit`. */
  readonly isMore: boolean;
  /** Only there when evidence was given. */
  readonly evidence?: Evidence | undefined;
}

export interface Choice {
  /** Number for `--pick`. */
  readonly number: number;
  readonly verdict: string;
  readonly message: TracedMessage;
  readonly recipients: readonly TracedRecipient[];
}

export interface SearchAnswer extends SearchPage {
  /** Coverage of the time; only there when nothing matches. */
  readonly coverage?: Coverage | undefined;
}

export interface IngestAnswer {
  /** Its path. */
  readonly database: string;
  readonly server: string;
  readonly timeZone: string;
  /** The next run goes on where this one was. */
  readonly isInterrupted: boolean;
  readonly seconds: number;
  readonly linesPerSecond: number;
  readonly totals: IngestReport["totals"];
  readonly logs: readonly IngestedLog[];
}

export interface IngestedLog extends Omit<LogReport, "error"> {
  /** Why it was not read to its end. */
  readonly error?: IngestFailure | undefined;
}

export interface IngestFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Answer of `parse --summary`. */
export interface ParseAnswer extends Summary {
  readonly files: number;
  readonly lines: number;
}

export interface ReconciliationAnswer extends Reconciliation {
  readonly at: string;
  /** How far the logs were read, the earliest end first. */
  readonly logEnds: readonly LogEnd[];
}

export interface TagAnswer extends TagChange {
  readonly tags: readonly string[];
  /** They were taken away. */
  readonly isRemoval: boolean;
}

/** Answer of `tag` without an id. */
export interface TagsAnswer {
  readonly tags: readonly TagUse[];
}

/** Answer of `tag --describe`. */
export interface TagDescriptionAnswer extends TagMeaning {
  /** It had this colour and this meaning already. */
  readonly isUnchanged: boolean;
}

/** Answer of `note` that lists. */
export interface NotesAnswer {
  /** The oldest first. */
  readonly notes: readonly NoteFacts[];
}

export interface UsersAnswer {
  readonly users: readonly UserFacts[];
}

/** Answer of `users` with a change. */
export interface UserAnswer {
  readonly change: "added" | "changed" | "removed" | "unchanged";
  /** The user after it; before it when the user was removed. */
  readonly user: UserRow;
}

export interface ServersAnswer {
  readonly servers: readonly ServerFacts[];
}

export interface ServerFacts {
  readonly name: string;
  readonly environment: string | null;
  readonly owner: string | null;
  /** The user of exim-pilot whose name the owner is. */
  readonly ownerUserId: number | null;
  /** Version of Exim. */
  readonly version: string | null;
  /** IANA name, of stamps without a zone. */
  readonly timeZone: string;
  readonly firstSeen: string | null;
  readonly lastSeen: string | null;
  readonly sources: number;
  readonly lines: number;
  /** Messages that a line names, also refused ones and those that arrived before the stored logs. */
  readonly messages: number;
  /** Messages whose arrival a line states: `stats` counts these. */
  readonly received: number;
}

/** Answer of `servers rename` and `servers set`. */
export interface ServerAnswer {
  readonly previousName: string;
  readonly server: ServerSettings;
  /** Stored stamps were read in another time zone. */
  readonly needsRebuild: boolean;
}

export interface ServerSettings {
  readonly name: string;
  readonly environment: string | null;
  readonly owner: string | null;
  readonly ownerUserId: number | null;
  readonly timeZone: string;
}

export interface SourcesAnswer {
  readonly sources: readonly SourceFacts[];
  readonly coverage: Coverage;
}

export interface SourceFacts {
  readonly id: number;
  readonly server: string;
  readonly path: string;
  readonly logType: string;
  /** Read so far, decompressed. */
  readonly bytes: number;
  readonly lines: number;
  readonly entries: number;
  /** Entries of free text. */
  readonly other: number;
  readonly unparsed: number;
  /** It will not grow: an archive, or one that was rotated. */
  readonly isComplete: boolean;
  readonly prunedBytes: number;
  readonly prunedAt: string | null;
  readonly firstTimestamp: string | null;
  readonly lastTimestamp: string | null;
  readonly firstReadAt: string;
  readonly lastReadAt: string;
}

/** Answer of `export --json --output`. */
export interface ExportAnswer {
  /** The log, as it was named when it was read. */
  readonly path: string;
  readonly server: string;
  readonly output: string;
  readonly bytes: number;
  /** Bytes of its beginning that had been pruned. */
  readonly prunedBytes: number;
}

export interface SqlAnswer {
  readonly columns: readonly string[];
  /** By the names of columns. Integers beyond 2^53 are strings of digits, blobs `x'00ff'`. */
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
  /** There are more than `--limit`. */
  readonly hasMore: boolean;
}

/** Answer of `sql --views`. */
export interface ViewsAnswer {
  readonly views: readonly ViewDescription[];
}

export interface VerifyAnswer {
  /** Nothing was found. */
  readonly isSound: boolean;
  readonly checks: readonly CheckReport[];
}

export interface BackupListAnswer {
  readonly directory: string;
  readonly backups: readonly ListedBackup[];
}

export interface RestoreAnswer extends RestoreReport {
  /** Nothing was changed. */
  readonly isRehearsal: boolean;
}

export interface MigrateAnswer extends MigrateReport {
  /** Path of the backup that was made before. */
  readonly backup?: string | undefined;
  /** Parser version of this program. */
  readonly parserVersion: number;
  /** A `rebuild` would read more of the lines. */
  readonly canRebuild: boolean;
}

export interface AuditAnswer {
  readonly entries: readonly AuditEntry[];
}

/** A row of the view `audit_log`. */
export interface AuditEntry {
  readonly id: number;
  /** The same for the beginning and the end of a command. */
  readonly request_id: string;
  readonly timestamp: string;
  readonly action: string;
  readonly result: "started" | "done" | "failed" | "interrupted";
  readonly error: string | null;
  readonly duration_seconds: number | null;
  readonly user: string;
  readonly sudo_user: string | null;
  readonly ssh_client: string | null;
  readonly host: string;
  readonly program: string;
  readonly parameters: unknown;
  readonly affected: unknown;
  /** Address of the SSH client. */
  readonly ip_address: string | null;
  /** The program and its version. */
  readonly user_agent: string;
  /** The action as a path: `/tag/remove`. */
  readonly resource_path: string;
}

export interface ConfigAnswer {
  /** The configuration; null where none is in use. */
  readonly file: string | null;
  readonly settings: readonly SettingRow[];
}

export interface SetupAnswer {
  /** Steps were taken, where something was to do. */
  readonly applied: boolean;
  readonly steps: readonly SetupStep[];
}

export interface SetupStep extends Pick<Step, "about" | "state" | "message"> {
  readonly hint?: string | undefined;
}

export interface IncidentsAnswer {
  readonly incidents: readonly IncidentSummary[];
}

/** Answer of `incidents detect`. */
export interface DetectionAnswer {
  readonly servers: readonly DetectedServer[];
}

export interface DetectedServer {
  readonly server: string;
  /** Its newest line; null when there is none. */
  readonly newest: string | null;
  /** That is older than a day: nothing is said to go on. */
  readonly isOld: boolean;
  /** Detection began with the first line. */
  readonly isFresh: boolean;
  readonly changes: readonly DetectedChange[];
}

export interface DetectedChange {
  /** `withdrawn`: lines that were read later do not show it, and it is there no more. */
  readonly reason: "opened" | "worse" | "over" | "withdrawn";
  readonly id: number;
  readonly type: string;
  readonly subject: string;
  readonly severity: IncidentSummary["severity"];
  readonly status: IncidentSummary["status"];
  readonly title: string;
  readonly isMuted: boolean;
  /** False for one that ended more than a day ago. */
  readonly isNews: boolean;
}

/** Answer of `incidents mute` with a kind. */
export interface MuteAnswer {
  readonly type: string;
  readonly subject: string;
  /** Null: for good. */
  readonly until: string | null;
  readonly isMuted: boolean;
}

/** Answer of `incidents mute` without one. */
export interface MutesAnswer {
  readonly mutes: readonly Mute[];
}

export interface Mute {
  readonly type: string;
  readonly subject: string;
  readonly until: string | null;
  readonly author: string;
  readonly reason: string;
  readonly created: string;
}
