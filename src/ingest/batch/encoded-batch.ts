/**
 * Data that passes from the reading side to the storing side: the rows of a batch as numbers, table by table, in the order in which
 * they are bound. A text, a message, a path or a problem is sent once and then is its number; the storing side keeps arrays from such
 * numbers to ids of the database, so that it looks nothing up twice.
 */
import type { Milestones } from "../../message/state.ts";
import type { LogType } from "../../store/schema/codes.ts";
import {
  ADDRESS_EVENT,
  ARRIVAL,
  CLIENT,
  columnsOf,
  DELIVERY_PATH,
  DELIVERY_PROBLEM,
  ENTRY,
  type Layout,
  REJECTION,
} from "../../store/schema/records.ts";
import type { SyslogDuplicate } from "./syslog-duplicate.ts";

/** Stands for null in a row: no number of a log is stored as it. */
export const NULL = Number.NaN;

export function isNull(number: number): boolean {
  return Number.isNaN(number);
}

/** A line about one recipient: the row that is stored, and what the state of the message needs of it. */
export const EVENT_ROW = {
  ...ADDRESS_EVENT,
  message: "message",
  at: "number",
  error: "string?",
} as const satisfies Layout;

/** An arrival line: where it is, and the columns of its message. */
export const ARRIVAL_ROW = { line: "entry", message: "message", ...ARRIVAL } as const satisfies Layout;

/** Facts that a line gives about its message as a whole. */
export const UPDATE_ROW = {
  line: "entry",
  message: "message",
  at: "number",
  /** Its place in {@link MILESTONE_NAMES}. */
  mark: "number?",
  is_arrival: "flag",
  queue_ms: "number?",
  /** Number of addresses in {@link EncodedBatch.announced} for this row; they follow those of the rows before it. */
  announced: "number",
} as const satisfies Layout;

/** The layout of the rows of each list of a batch. */
export const ROW_LAYOUTS = {
  entries: ENTRY,
  updates: UPDATE_ROW,
  events: EVENT_ROW,
  arrivals: ARRIVAL_ROW,
  rejections: REJECTION,
  clients: CLIENT,
  paths: DELIVERY_PATH,
  problems: DELIVERY_PROBLEM,
} as const satisfies Readonly<Record<string, Layout>>;

export type RowList = keyof typeof ROW_LAYOUTS;
export const ROW_LISTS = Object.keys(ROW_LAYOUTS) as RowList[];

const WIDTHS = Object.fromEntries(ROW_LISTS.map((list) => [list, columnsOf(ROW_LAYOUTS[list]).length]));

/** Numbers in a row of a list. */
export function widthOf(list: RowList): number {
  return WIDTHS[list] ?? 0;
}

/** The marks of a message, by their numbers in {@link UPDATE_ROW}. */
export const MILESTONE_NAMES = [
  "completed",
  "frozen",
  "thawed",
  "removed",
  "cancelled",
  "rejected",
  "discarded",
  "notAccepted",
  "queued",
  "ignored",
] as const satisfies readonly (keyof Milestones)[];

/** Header dump that the reject log shows below an entry. */
export interface HeaderDumpFacts {
  /** The sender, where the entry does not name it. */
  readonly sender: string | undefined;
  readonly recipients: readonly string[];
  readonly hasMoreRecipients: boolean;
  /** A JSON array of [type, name in lower case, unfolded value]; undefined when there are none. */
  readonly headers: string | undefined;
  readonly isTruncated: boolean;
}

/** Facts that few lines have, as an object. */
export interface LineExtras {
  readonly line: number;
  /** Further lines of the entry, where these are stored: those of syslog, and below which headers stand. */
  readonly places: readonly number[];
  /** Version of Exim, as its daemon states it. */
  readonly version: string | undefined;
  /** The log that the line was sent for by way of syslog; undefined when that is not known. */
  readonly logType: LogType | undefined;
  /** Undefined in a log file, and when no other line of syslog says the same. */
  readonly syslogDuplicate: SyslogDuplicate | undefined;
  readonly headerDump: HeaderDumpFacts | undefined;
}

/** The lines of one batch and what they say. */
export interface EncodedBatch {
  /** All numbers begin again at 0: those of batches before are forgotten. */
  readonly isFresh: boolean;
  /** New ones, in the order of their numbers. */
  readonly strings: readonly string[];
  readonly addresses: readonly string[];
  /** Exim's ids of messages. */
  readonly messages: readonly string[];
  /** Texts that are not worth a number of their own, one after the other; see {@link textAt}. */
  readonly texts: string;
  readonly rows: Readonly<Record<RowList, Float64Array>>;
  /** Numbers of addresses, which {@link UPDATE_ROW} counts. */
  readonly announced: Float64Array;
  readonly extras: readonly LineExtras[];
}

/** Postings of a block, each once: numbers of addresses and strings, keys of Message-IDs and of next hops. */
export interface BlockPostings {
  readonly addresses: Float64Array;
  readonly strings: Float64Array;
  readonly messageIds: Float64Array;
  readonly nextHops: Float64Array;
}

/** More than the texts of a batch have characters. */
const MOST_TEXT = 2 ** 26;

/** The number that a row holds for a text of its batch. `start`: where it begins among all of them. */
export function textNumber(start: number, length: number): number {
  return start * MOST_TEXT + length;
}

/**
 * The text of a batch with that number. They are sent as one text, as many small ones would live until the block is stored: copying those
 * was half of what the garbage collector did.
 */
export function textAt(texts: string, number: number): string {
  const length = number % MOST_TEXT;
  const start = (number - length) / MOST_TEXT;
  return texts.slice(start, start + length);
}

/** The memory of a batch that is handed over to another thread and not copied. */
export function buffersOf({ rows, announced }: EncodedBatch): ArrayBuffer[] {
  return [...Object.values(rows), announced].map(({ buffer }) => buffer as ArrayBuffer);
}
