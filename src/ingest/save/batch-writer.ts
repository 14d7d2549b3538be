import type { SqlValue } from "../../store/database/bulk-insert.ts";
import { entryIdOf } from "../../store/log-text/blocks.ts";
import { type ColumnKind, ENTRY, offsetsOf, REJECTION } from "../../store/schema/records.ts";
import type { CountedEvent, EntryCounts } from "../../store/write/fresh-counts.ts";
import type { Transactor } from "../../store/write/transactor.ts";
import type { Moment } from "../../units.ts";
import {
  ARRIVAL_ROW,
  type EncodedBatch,
  EVENT_ROW,
  isNull,
  MILESTONE_NAMES,
  NULL,
  UPDATE_ROW,
  widthOf,
} from "../batch/encoded-batch.ts";
import { BatchDecoder } from "./batch-decoder.ts";
import type { MessageCache } from "./message-cache.ts";
import type { NumberedEvent } from "./plain-messages.ts";
import { ArrivalRow, KINDS, type RowSink } from "./stored-facts.ts";

const entry = offsetsOf(ENTRY);
const update = offsetsOf(UPDATE_ROW);
const event = offsetsOf(EVENT_ROW);
const arrival = offsetsOf(ARRIVAL_ROW);
const rejection = offsetsOf(REJECTION);

/** The block to which batches are stored. */
export interface BlockTarget {
  readonly blockId: number;
  readonly serverId: number;
  /** Lines that another log shows too; they are not stored again. */
  readonly duplicates: ReadonlySet<number>;
  /** Counts for the rollups; undefined if they are not counted now. */
  readonly counts: EntryCounts | undefined;
}

/** Stores the batches of one encoder, in their order. */
export class BatchWriter {
  readonly decoder = new BatchDecoder();
  readonly #messages: MessageCache;
  #duplicates: ReadonlySet<number> = new Set();
  #serverId = 0;
  /** Event of the line that is stored now; so is the next field. */
  readonly #event: NumberedEvent = {
    recipient: 0,
    final: NULL,
    outcome: "delivered",
    at: 0 as Moment,
    isAttempt: false,
    error: NULL,
  };
  readonly #counted: CountedEvent = {
    entryId: 0,
    at: 0 as Moment,
    outcome: 0,
    isAttempt: false,
    problemId: 0,
    hostId: 0,
    isTimeout: false,
  };
  /** Entry id of the first line of the block. */
  #first = 0;

  constructor(cache: MessageCache) {
    this.#messages = cache;
  }

  write(transactor: Transactor, batch: EncodedBatch, { blockId, serverId, duplicates, counts }: BlockTarget): void {
    this.decoder.take(transactor, batch);
    this.#messages.readFrom(this.decoder);
    this.#duplicates = duplicates;
    this.#serverId = serverId;
    this.#first = entryIdOf(blockId, 0);
    const { entries, addressEvents, rejections, clients } = transactor.rows;
    this.#meetMessages(transactor, batch.rows.entries);
    this.#foldArrivals(batch);
    this.#foldUpdates(transactor, batch);
    this.#foldEvents(transactor, batch.rows.events);
    this.#addRows(entries, "entries", batch);
    this.#addRows(addressEvents, "events", batch);
    this.#addRows(rejections, "rejections", batch);
    this.#addRows(clients, "clients", batch);
    if (counts === undefined) return;
    this.#countEvents(counts, batch.rows.events);
    this.#countEntries(counts, batch);
  }

  #meetMessages(transactor: Transactor, rows: Float64Array): void {
    const width = widthOf("entries");
    for (let start = 0; start < rows.length; start += width) {
      const message = rows[start + entry.message_id] as number;
      if (isNull(message) || this.#isDuplicate(rows[start] as number)) continue;
      const at = rows[start + entry.at] as Moment;
      this.#messages.meet(transactor, message, at);
    }
  }

  #foldArrivals(batch: EncodedBatch): void {
    const rows = batch.rows.arrivals;
    const width = widthOf("arrivals");
    for (let start = 0; start < rows.length; start += width) {
      if (this.#isDuplicate(rows[start] as number)) continue;
      const message = rows[start + arrival.message] as number;
      const from = start + arrival.arrival_at;
      if (this.#messages.isEarliest(message, rows[from] as Moment))
        this.#messages.arrive(message, new ArrivalRow(this.decoder, batch, from));
    }
  }

  #foldUpdates({ postings }: Transactor, { rows: { updates: rows }, announced }: EncodedBatch): void {
    const width = widthOf("updates");
    const { addresses } = this.decoder;
    let next = 0;
    for (let start = 0; start < rows.length; start += width) {
      const from = next;
      next += rows[start + update.announced] as number;
      if (this.#isDuplicate(rows[start] as number)) continue;
      const message = rows[start + update.message] as number;
      const isArrival = rows[start + update.is_arrival] === 1;
      const mark = rows[start + update.mark] as number;
      const name = MILESTONE_NAMES[mark];
      if (name !== undefined)
        this.#messages.mark(message, name, rows[start + update.at] as Moment, rows[start + update.queue_ms] as number);
      for (let at = from; at < next; at++) {
        const number = announced[at] as number;
        this.#messages.announce(message, number);
        // NOTE: the arrival line names them, too.
        if (!isArrival) postings.addLate(this.#messages.idOf(message), addresses.idOf(number));
      }
    }
  }

  #foldEvents({ codes }: Transactor, rows: Float64Array): void {
    const width = widthOf("events");
    const said = this.#event;
    for (let start = 0; start < rows.length; start += width) {
      if (this.#isDuplicate(rows[start] as number)) continue;
      said.recipient = rows[start + event.recipient_id] as number;
      said.final = rows[start + event.final_id] as number;
      said.outcome = codes.outcomeName(rows[start + event.outcome] as number);
      said.at = rows[start + event.at] as Moment;
      said.isAttempt = rows[start + event.is_attempt] === 1;
      said.error = rows[start + event.error] as number;
      this.#messages.applyRecipientEvent(rows[start + event.message] as number, said);
    }
  }

  #countEvents(counts: EntryCounts, rows: Float64Array): void {
    const width = widthOf("events");
    const counted = this.#counted;
    for (let start = 0; start < rows.length; start += width) {
      const line = rows[start] as number;
      if (this.#isDuplicate(line)) continue;
      const problem = rows[start + event.problem_id] as number;
      counted.entryId = this.#first + line;
      counted.at = rows[start + event.at] as Moment;
      counted.outcome = rows[start + event.outcome] as number;
      counted.isAttempt = rows[start + event.is_attempt] === 1;
      counted.problemId = this.decoder.problemIdOf(problem);
      counted.hostId = this.decoder.hostIdOf(rows[start + event.path_id] as number);
      counted.isTimeout = this.decoder.isTimeout(problem);
      counts.addEvent(counted);
    }
  }

  /** Counts entries, and the rejections among them: both lists are in the order of their lines. */
  #countEntries(counts: EntryCounts, { rows: { entries, rejections } }: EncodedBatch): void {
    const [width, rejectionWidth] = [widthOf("entries"), widthOf("rejections")];
    let next = 0;
    for (let start = 0; start < entries.length; start += width) {
      const line = entries[start + entry.id] as number;
      const at = entries[start + entry.at] as Moment;
      const isRejection = rejections[next + rejection.entry_id] === line;
      if (!isNull(at) && !this.#isDuplicate(line)) {
        counts.addEntry(at);
        if (isRejection) counts.addRejection(at, rejections[next + rejection.is_permanent] === 1);
      }
      if (isRejection) next += rejectionWidth;
    }
    if (next !== rejections.length) throw new Error("The rejections of a batch are not in the order of its entries.");
  }

  /** NOTE: the first column of each of these lists is the line. */
  #addRows(table: RowSink, list: keyof typeof KINDS, { rows }: EncodedBatch): void {
    const numbers = rows[list];
    const kinds = KINDS[list];
    const width = widthOf(list);
    for (let start = 0; start < numbers.length; start += width) {
      if (this.#isDuplicate(numbers[start] as number)) continue;
      for (let column = 0; column < kinds.length; column++)
        table.put(this.#valueOf(numbers[start + column] as number, kinds[column] as ColumnKind));
      table.endRow();
    }
  }

  #valueOf(number: number, kind: ColumnKind): SqlValue {
    switch (kind) {
      case "entry":
        return this.#first + number;
      case "server":
        return this.#serverId;
      case "message":
        return isNull(number) ? null : this.#messages.idOf(number);
      default:
        return this.decoder.valueOf(number, kind);
    }
  }

  #isDuplicate(line: number): boolean {
    return this.#duplicates.size > 0 && this.#duplicates.has(line);
  }
}
