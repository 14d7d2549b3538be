/** The small integers that stand for names in base tables, as the file itself lists them. */
import type Database from "better-sqlite3";
import type { MessageStatus, Outcome, RecipientStatus } from "../message/statuses.ts";
import type { EventKind, RejectionPhase } from "../parse/events.ts";

/** The logs that Exim writes an entry to. */
export type LogType = "main" | "reject" | "panic";

/** What a file is: one of the logs, or all of them by way of syslog. */
export type SourceType = LogType | "syslog";

/** What an entry can be: an event, or a line without a stamp that belongs to no entry. */
export type EntryKind = EventKind | "unparsed";

export interface Codes {
  readonly logType: (name: SourceType) => number;
  readonly logTypeName: (code: number) => SourceType;
  readonly event: (name: EntryKind) => number;
  readonly messageStatus: (name: MessageStatus) => number;
  readonly recipientStatus: (name: RecipientStatus) => number;
  readonly outcome: (name: Outcome) => number;
  readonly outcomeName: (code: number) => Outcome;
  readonly phase: (name: RejectionPhase) => number;
}

/** Reads the table `codes`; a name that the program knows and the file does not is a bug in the schema. */
export function loadCodes(database: Database.Database): Codes {
  const family = loadFamilies(database);
  const logTypes = family("log_type");
  const outcomes = family("outcome");
  return {
    logType: lookUp("log_type", logTypes),
    logTypeName: lookUpName<SourceType>("log_type", logTypes),
    event: lookUp("event", family("event")),
    messageStatus: lookUp("message_status", family("message_status")),
    recipientStatus: lookUp("recipient_status", family("recipient_status")),
    outcome: lookUp("outcome", outcomes),
    outcomeName: lookUpName<Outcome>("outcome", outcomes),
    phase: lookUp("phase", family("phase")),
  };
}

/** The same the other way round, for readers. */
export interface CodeNames {
  readonly messageStatus: (code: number) => MessageStatus;
  readonly messageStatusCode: (name: MessageStatus) => number;
  readonly recipientStatus: (code: number) => RecipientStatus;
  readonly outcome: (code: number) => Outcome;
  readonly outcomeCode: (name: Outcome) => number;
  readonly phase: (code: number) => RejectionPhase;
  readonly eventCode: (name: EntryKind) => number;
}

/** As {@link loadCodes}. */
export function loadCodeNames(database: Database.Database): CodeNames {
  const family = loadFamilies(database);
  return {
    messageStatus: lookUpName<MessageStatus>("message_status", family("message_status")),
    messageStatusCode: lookUp("message_status", family("message_status")),
    recipientStatus: lookUpName<RecipientStatus>("recipient_status", family("recipient_status")),
    outcome: lookUpName<Outcome>("outcome", family("outcome")),
    outcomeCode: lookUp("outcome", family("outcome")),
    phase: lookUpName<RejectionPhase>("phase", family("phase")),
    eventCode: lookUp("event", family("event")),
  };
}

function loadFamilies(database: Database.Database): (wanted: string) => Map<string, number> {
  const rows = database.prepare("SELECT family, code, name FROM codes").all() as {
    family: string;
    code: number;
    name: string;
  }[];
  return (wanted) => new Map(rows.filter((row) => row.family === wanted).map((row) => [row.name, row.code]));
}

const LOG_TYPE_BITS: Readonly<Record<SourceType, number>> = { main: 1, reject: 2, panic: 4, syslog: 0 };

/** The bit of a log type in `seen_in`; an entry of syslog is one of the other three. */
export function logTypeBit(logType: SourceType): number {
  return LOG_TYPE_BITS[logType];
}

function lookUp(family: string, codes: ReadonlyMap<string, number>): (name: string) => number {
  return (name) => {
    const code = codes.get(name);
    if (code === undefined) throw new Error(`The table codes has no ${family} "${name}".`);
    return code;
  };
}

function lookUpName<Name extends string>(family: string, codes: ReadonlyMap<string, number>): (code: number) => Name {
  const names = new Map([...codes].map(([name, code]) => [code, name as Name]));
  return (code) => {
    const name = names.get(code);
    if (name === undefined) throw new Error(`The table codes has no ${family} ${code}.`);
    return name;
  };
}
