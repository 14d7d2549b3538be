/** Facts of entries that are stored already, as their text tells them, one entry at a time. */
import { messageUpdate } from "../../message/state.ts";
import type { ParsedEntry } from "../../parse/record.ts";
import type { SqlValue } from "../../store/database/bulk-insert.ts";
import { ADDRESS_EVENT, ARRIVAL, CLIENT, ENTRY, kindsOf, offsetsOf, REJECTION } from "../../store/schema/records.ts";
import type { Transactor } from "../../store/write/transactor.ts";
import type { Moment } from "../../units.ts";
import { BatchEncoder } from "../batch/batch-encoder.ts";
import { ARRIVAL_ROW, type EncodedBatch, type RowList } from "../batch/encoded-batch.ts";
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

/** Values of an arrival, in the order of the columns. */
export function arrivalValues(decoder: BatchDecoder, rows: Float64Array, from: number): SqlValue[] {
  return ARRIVAL_KINDS.map((kind, column) => decoder.valueOf(rows[from + column] as number, kind));
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

/** Values of a stored arrival line, in the order of the columns; undefined for any other line. */
export function arrivalOf(transactor: Transactor, parsed: ParsedEntry, at: Moment): SqlValue[] | undefined {
  if (messageUpdate(parsed.event)?.isArrival !== true) return undefined;
  const [batch, decoder] = encodeAlone(transactor, parsed, at);
  return arrivalValues(decoder, batch.rows.arrivals, arrival.arrival_at);
}

/** Adds the rows of what a stored entry says beyond the state of its message. */
export function addFacts(transactor: Transactor, entryId: number, parsed: ParsedEntry, at: Moment): void {
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
