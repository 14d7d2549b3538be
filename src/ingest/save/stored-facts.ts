/** Facts of entries that are stored already, as their text tells them, one entry at a time. */
import { messageUpdate } from "../../message/state.ts";
import { type ParsedEntry, parseEntryText } from "../../parse/record.ts";
import type { SqlValue } from "../../store/database/bulk-insert.ts";
import type { RawTextReader } from "../../store/log-text/blocks.ts";
import {
  ADDRESS_EVENT,
  ARRIVAL,
  CLIENT,
  type ColumnKind,
  ENTRY,
  kindsOf,
  offsetsOf,
  REJECTION,
} from "../../store/schema/records.ts";
import type { OrphanedEntry } from "../../store/write/rows.ts";
import type { Transactor } from "../../store/write/transactor.ts";
import type { Moment } from "../../units.ts";
import { BatchEncoder } from "../batch/batch-encoder.ts";
import { ARRIVAL_ROW, type EncodedBatch, type RowList } from "../batch/encoded-batch.ts";
import { detailsOf } from "../batch/entry-facts.ts";
import { BatchDecoder } from "./batch-decoder.ts";

export const KINDS = {
  entries: kindsOf(ENTRY),
  events: kindsOf(ADDRESS_EVENT),
  rejections: kindsOf(REJECTION),
  clients: kindsOf(CLIENT),
} as const;
const ARRIVAL_KINDS = kindsOf(ARRIVAL);
const arrival = offsetsOf(ARRIVAL_ROW);

/** Receiver of the rows of a list: a table that is filled value by value. */
export interface RowSink {
  put(value: SqlValue): void;
  endRow(): void;
}

/** Facts of an arrival line, read from its batch; valid while the numbers of the decoder are those of the batch. */
export class ArrivalRow {
  readonly at: Moment;
  readonly #decoder: BatchDecoder;
  readonly #rows: Float64Array;
  readonly #start: number;
  readonly #texts: string;

  /** `start`: where the columns begin in `rows`. */
  constructor(decoder: BatchDecoder, { rows: { arrivals }, texts }: EncodedBatch, start: number) {
    this.at = arrivals[start] as Moment;
    this.#decoder = decoder;
    this.#rows = arrivals;
    this.#start = start;
    this.#texts = texts;
  }

  /** Puts the values in the order of the columns. */
  writeTo(table: Pick<RowSink, "put">): void {
    for (let column = 0; column < ARRIVAL_KINDS.length; column++)
      table.put(
        this.#decoder.valueOf(
          this.#rows[this.#start + column] as number,
          ARRIVAL_KINDS[column] as ColumnKind,
          this.#texts,
        ),
      );
  }
}

/** The batch of one entry, and the decoder that has taken it. */
function encodeAlone(transactor: Transactor, parsed: ParsedEntry, at: Moment): readonly [EncodedBatch, BatchDecoder] {
  const encoder = new BatchEncoder(transactor.codes.encoding, 0);
  encoder.add({ line: 0, places: [], logType: undefined, syslogDuplicate: undefined }, parsed, at);
  const batch = encoder.takeBatch();
  const decoder = new BatchDecoder();
  decoder.take(transactor, batch);
  return [batch, decoder];
}

/** Returns the facts of a stored arrival line; undefined when the entry is none. */
export function arrivalOf(transactor: Transactor, parsed: ParsedEntry, at: Moment): ArrivalRow | undefined {
  if (messageUpdate(parsed.event)?.isArrival !== true) return undefined;
  const [batch, decoder] = encodeAlone(transactor, parsed, at);
  return new ArrivalRow(decoder, batch, arrival.arrival_at);
}

/** Writes again what an entry says that was moved, as its text is there; nothing where that has been pruned. */
export function restoreFacts(transactor: Transactor, rawText: RawTextReader, { id, at }: OrphanedEntry): void {
  const parsed = parseEntryText(rawText.entryText(id) ?? "");
  if (parsed === undefined) return;
  addFacts(transactor, id, parsed, at);
  transactor.setDetails(id, detailsOf(parsed.event, parsed.text));
}

/** Adds the rows of what a stored entry says beyond the state of its message. */
function addFacts(transactor: Transactor, entryId: number, parsed: ParsedEntry, at: Moment): void {
  const [batch, decoder] = encodeAlone(transactor, parsed, at);
  const { addressEvents, rejections, clients } = transactor.rows;
  const tables: readonly (readonly [RowSink, Extract<RowList, keyof typeof KINDS>])[] = [
    [addressEvents, "events"],
    [rejections, "rejections"],
    [clients, "clients"],
  ];
  for (const [table, list] of tables) {
    if (batch.rows[list].length === 0) continue;
    for (const [column, kind] of KINDS[list].entries())
      table.put(kind === "entry" ? entryId : decoder.valueOf(batch.rows[list][column] as number, kind));
    table.endRow();
  }
}
