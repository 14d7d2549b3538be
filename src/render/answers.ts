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
import type { IngestReport, LogReport } from "../ingest/ingest.ts";
import type { AccountAtRisk } from "../message/accounts-at-risk.ts";
import type { LogEvent } from "../parse/events.ts";
import type { QueueHealth } from "../queue/health.ts";
import type { QueueHistory } from "../queue/history.ts";
import type { Reconciliation } from "../queue/reconcile.ts";
import type { QueueEntry, QueueReport } from "../queue/report.ts";
import type { SnapshotReport } from "../queue/snapshot.ts";
import type { PruneReport, PruneStatus } from "../retention/prune.ts";
import type { SearchPage, SearchResult } from "../search/result.ts";
import type { Step } from "../setup/plan.ts";
import type { NextResult } from "../spool/next-try.ts";
import type { Eximstats } from "../stats/eximstats/eximstats.ts";
import type { Stats } from "../stats/stats.ts";
import type { ViewDescription } from "../store/public-views.ts";
import type { TagUse } from "../store/read/tag-reader.ts";
import type { MigrateReport } from "../store/store.ts";
import type { TagChange } from "../tags/tags.ts";
import type { Chain } from "../trace/chain.ts";
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
  readonly ingest: IngestAnswer;
  readonly migrate: MigrateAnswer;
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
  readonly server_removed: RemovedServerAnswer;
  readonly servers: ServersAnswer;
  readonly setup: SetupAnswer;
  readonly sources: SourcesAnswer;
  readonly sql: SqlAnswer;
  readonly stats: Stats;
  readonly tag: TagAnswer;
  readonly tags: TagsAnswer;
  readonly trace: TraceAnswer;
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

export interface AbuseAnswer extends Omit<Abuse, "accountsAtRisk"> {
  readonly accountsAtRisk: readonly JudgedAccount[];
  /** Coverage of the time; only there when nothing matches. */
  readonly coverage?: Coverage | undefined;
}

export interface JudgedAccount extends AccountAtRisk {
  /** A sentence that says what happened. */
  readonly verdict: string;
}

export interface TraceAnswer {
  /** One for each server that has the id. */
  readonly messages: readonly Trace[];
  /** Coverage of the time in which something can have happened to them. */
  readonly coverage: Coverage;
}

/** Answer of `trace --chain`. */
export interface ChainAnswer {
  readonly chains: readonly Chain[];
}

/** Answer of `trace` when there are several messages to choose from. */
export interface ChoicesAnswer {
  readonly choices: readonly Choice[];
  /** There are more than `--limit`. */
  readonly isMore: boolean;
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
  /** Time of the last line that was read of the log; null without any. */
  readonly logEnd: string | null;
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

export interface ServersAnswer {
  readonly servers: readonly ServerFacts[];
}

export interface ServerFacts {
  readonly name: string;
  readonly environment: string | null;
  readonly owner: string | null;
  /** Version of Exim. */
  readonly version: string | null;
  /** IANA name, of stamps without a zone. */
  readonly timeZone: string;
  readonly firstSeen: string | null;
  readonly lastSeen: string | null;
  readonly sources: number;
  readonly lines: number;
  readonly messages: number;
}

/** Answer of `servers rename` and `servers set`. */
export interface ServerAnswer {
  readonly previousName: string;
  readonly server: ServerSettings;
  /** Stored stamps were read in another time zone. */
  readonly needsRebuild: boolean;
}

/** Answer of `servers remove`. */
export interface RemovedServerAnswer {
  readonly name: string;
}

export interface ServerSettings {
  readonly name: string;
  readonly environment: string | null;
  readonly owner: string | null;
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
