/** Small integers that stand for names in base tables, as the file itself lists them. */
import type Database from "better-sqlite3";
import type { MessageStatus, Outcome, RecipientStatus } from "../../message/statuses.ts";
import type { EntryKind, RejectionPhase } from "../../parse/events.ts";

/** The logs that Exim writes an entry to. */
export type LogType = "main" | "reject" | "panic";

/** Type of a file: one of the logs, or all of them by way of syslog. */
export type SourceType = LogType | "syslog";

/**
 * The messages for which stored_messages has an index by status: few are not delivered. The words are those of the index, by which
 * SQLite knows that it may take it; `m` is the table.
 */
export const IS_INDEXED_BY_STATUS = "m.status NOT IN (3, 10)";

/** The messages whose arrival no log showed and that were not refused, in the words of their index. */
export const HAS_NO_ARRIVAL = "m.arrival_at IS NULL AND m.status <> 7";

export interface Codes {
  readonly logType: (name: SourceType) => number;
  readonly logTypeName: (code: number) => SourceType;
  readonly event: (name: EntryKind) => number;
  readonly messageStatus: (name: MessageStatus) => number;
  readonly messageStatusName: (code: number) => MessageStatus;
  readonly recipientStatus: (name: RecipientStatus) => number;
  readonly recipientStatusName: (code: number) => RecipientStatus;
  readonly outcome: (name: Outcome) => number;
  readonly outcomeName: (code: number) => Outcome;
  readonly phase: (name: RejectionPhase) => number;
  readonly phaseName: (code: number) => RejectionPhase;
  readonly encoding: EncodingCodes;
}

/** Codes by name, for the side that reads logs, which has no database. */
export interface EncodingCodes {
  readonly event: Readonly<Record<EntryKind, number>>;
  readonly outcome: Readonly<Record<Outcome, number>>;
  readonly phase: Readonly<Record<RejectionPhase, number>>;
}

/** Reads the table `codes`; a name that the program knows and the file does not is a bug in the schema. */
export function loadCodes(database: Database.Database): Codes {
  const rows = database.prepare<[], CodeRow>("SELECT family, code, name FROM codes").all();
  const logType = familyOf<SourceType>(rows, "log_type");
  const messageStatus = familyOf<MessageStatus>(rows, "message_status");
  const recipientStatus = familyOf<RecipientStatus>(rows, "recipient_status");
  const outcome = familyOf<Outcome>(rows, "outcome");
  const phase = familyOf<RejectionPhase>(rows, "phase");
  return {
    logType: logType.code,
    logTypeName: logType.name,
    event: familyOf<EntryKind>(rows, "event").code,
    messageStatus: messageStatus.code,
    messageStatusName: messageStatus.name,
    recipientStatus: recipientStatus.code,
    recipientStatusName: recipientStatus.name,
    outcome: outcome.code,
    outcomeName: outcome.name,
    phase: phase.code,
    phaseName: phase.name,
    encoding: { event: tableOf(rows, "event"), outcome: tableOf(rows, "outcome"), phase: tableOf(rows, "phase") },
  };
}

function tableOf<Name extends string>(rows: readonly CodeRow[], family: string): Readonly<Record<Name, number>> {
  const members = rows.filter((row) => row.family === family).map(({ name, code }) => [name, code]);
  return Object.fromEntries(members) as Readonly<Record<Name, number>>;
}

interface CodeRow {
  readonly family: string;
  readonly code: number;
  readonly name: string;
}

interface Family<Name> {
  readonly code: (name: Name) => number;
  readonly name: (code: number) => Name;
}

function familyOf<Name extends string>(rows: readonly CodeRow[], family: string): Family<Name> {
  const members = rows.filter((row) => row.family === family);
  const codes = new Map(members.map(({ name, code }) => [name, code]));
  const names = new Map(members.map(({ name, code }) => [code, name as Name]));
  const missing = (what: string): Error => new Error(`The table codes has no ${family} ${what}.`);
  return {
    code: (name) => {
      const code = codes.get(name);
      if (code === undefined) throw missing(`"${name}"`);
      return code;
    },
    name: (code) => {
      const name = names.get(code);
      if (name === undefined) throw missing(String(code));
      return name;
    },
  };
}

const LOG_TYPE_BITS: Readonly<Record<SourceType, number>> = { main: 1, reject: 2, panic: 4, syslog: 0 };

/** The bit of a log type in `seen_in`; an entry of syslog is one of the other three. */
export function logTypeBit(logType: SourceType): number {
  return LOG_TYPE_BITS[logType];
}
