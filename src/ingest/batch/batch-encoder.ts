/** The reading side of batches: writes what entries say as rows of numbers, straight from their events. */
import { normaliseAddress } from "../../message/address.ts";
import { type MessageUpdate, messageUpdate, type RecipientEvent } from "../../message/state.ts";
import type { AddressLine, Arrival, Failure, LogEvent, Rejection } from "../../parse/events.ts";
import type { ParsedEntry } from "../../parse/record.ts";
import { nextHopId, textKey } from "../../store/log-text/postings.ts";
import { type EncodingCodes, type LogType, logTypeBit } from "../../store/schema/codes.ts";
import {
  CLIENT,
  DELIVERY_PATH,
  DELIVERY_PROBLEM,
  ENTRY,
  type Layout,
  offsetsOf,
  REJECTION,
} from "../../store/schema/records.ts";
import type { Moment } from "../../units.ts";
import {
  ARRIVAL_ROW,
  type BlockPostings,
  type EncodedBatch,
  EVENT_ROW,
  isNull,
  type LineExtras,
  MILESTONE_NAMES,
  NULL,
  ROW_LISTS,
  type RowList,
  textNumber,
  UPDATE_ROW,
  widthOf,
} from "./encoded-batch.ts";
import {
  type Client,
  clientOf,
  detailsOf,
  failureCategory,
  headerDumpFacts,
  reasonOf,
  storedEvent,
} from "./entry-facts.ts";
import { formatAuthentication } from "./metadata.ts";
import { NumberList, RowBuffer } from "./number-list.ts";
import { NumberedTexts, TextColumn } from "./numbered-texts.ts";
import { NumberedTuples } from "./numbered-tuples.ts";
import type { SyslogDuplicate } from "./syslog-duplicate.ts";

/** After so many texts of a kind all are forgotten, on both sides: a bound for memory, met once in many blocks. */
const MOST_TEXTS = 40_000;

const entry = offsetsOf(ENTRY);
const update = offsetsOf(UPDATE_ROW);
const event = offsetsOf(EVENT_ROW);
const arrival = offsetsOf(ARRIVAL_ROW);
const rejection = offsetsOf(REJECTION);
const client = offsetsOf(CLIENT);
const path = offsetsOf(DELIVERY_PATH);
const problem = offsetsOf(DELIVERY_PROBLEM);
const FAILURE = {
  is_timeout: "flag",
  smtp_code: "number?",
  enhanced_id: "string?",
  phase_id: "string?",
  error_id: "string?",
  host_id: "string?",
} as const satisfies Layout;
const failure = offsetsOf(FAILURE);

/** Facts about an entry beside its text. */
export interface EntryPlace {
  /** Its first line within the block. */
  readonly line: number;
  /** Its further lines, where they are stored. */
  readonly places: readonly number[];
  /** The log it was sent for by way of syslog; undefined when that is not known. */
  readonly logType: LogType | undefined;
  readonly syslogDuplicate: SyslogDuplicate | undefined;
}

/** Encodes the batches of one log, in their order. */
export class BatchEncoder {
  readonly #codes: EncodingCodes;
  readonly #seenIn: number;
  readonly #strings = new NumberedTexts();
  /** Texts of columns in which equal texts often follow one another. */
  readonly #router = new TextColumn(this.#strings);
  readonly #transport = new TextColumn(this.#strings);
  readonly #deliveryTls = new TextColumn(this.#strings);
  readonly #enhanced = new TextColumn(this.#strings);
  readonly #phase = new TextColumn(this.#strings);
  readonly #protocol = new TextColumn(this.#strings);
  readonly #arrivalTls = new TextColumn(this.#strings);
  readonly #category = new TextColumn(this.#strings);
  readonly #addresses = new NumberedTexts();
  readonly #messages = new NumberedTexts();
  readonly #paths = new NumberedTuples(widthOf("paths"));
  readonly #problems = new NumberedTuples(widthOf("problems"));
  /** Facts that decide the category of a failure, and the problem that it is. */
  readonly #failures = new NumberedTuples(Object.keys(FAILURE).length);
  #problemOfFailure: number[] = [];
  readonly #rows = Object.fromEntries(ROW_LISTS.map((list) => [list, new RowBuffer(widthOf(list))])) as Readonly<
    Record<RowList, RowBuffer>
  >;
  readonly #entries = this.#rows.entries;
  readonly #updates = this.#rows.updates;
  readonly #events = this.#rows.events;
  readonly #announced = new NumberList();
  readonly #messageIds = new NumberList();
  readonly #nextHops = new NumberList();
  #texts: string[] = [];
  #textLength = 0;
  #extras: LineExtras[] = [];
  #isFresh = true;

  /** `seenIn`: the bit of the log that an entry is of, unless its place states another. */
  constructor(codes: EncodingCodes, seenIn: number) {
    this.#codes = codes;
    this.#seenIn = seenIn;
  }

  /** Adds a line that belongs to no entry. */
  addUnparsed({ line, places }: Pick<EntryPlace, "line" | "places">): void {
    const at = this.#entries.open();
    const row = this.#entries.values;
    row[at + entry.id] = line;
    row[at + entry.event] = this.#codes.event.unparsed;
    row[at + entry.seen_in] = this.#seenIn;
    if (places.length > 0)
      this.#extras.push({
        line,
        places,
        version: undefined,
        logType: undefined,
        syslogDuplicate: undefined,
        headerDump: undefined,
      });
  }

  /** Adds an entry of the moment `at`. */
  add(place: EntryPlace, parsed: ParsedEntry, at: Moment): void {
    const { line, logType } = place;
    const { event: said, prefix, text } = parsed;
    const message = this.#messages.numberOf(prefix.messageId);
    const details = this.#strings.numberOf(detailsOf(said, parsed.text));
    const start = this.#entries.open();
    const row = this.#entries.values;
    row[start + entry.id] = line;
    row[start + entry.at] = at;
    row[start + entry.event] = this.#codes.event[said.kind];
    row[start + entry.message_id] = message;
    row[start + entry.seen_in] = logType === undefined ? this.#seenIn : logTypeBit(logType);
    row[start + entry.details_id] = details;
    this.#addExtras(place, parsed);
    if (!isNull(message)) this.#addAboutMessage(line, message, at, said);
    if (said.kind === "rejection") this.#addRejection(line, said);
    else this.#addClient(line, clientOf(said, text));
  }

  /** The batch of what was added since the last one. */
  takeBatch(): EncodedBatch {
    const rows = this.#rows;
    const batch: EncodedBatch = {
      isFresh: this.#isFresh,
      strings: this.#strings.takeAdded(),
      addresses: this.#addresses.takeAdded(),
      messages: this.#messages.takeAdded(),
      texts: this.#texts.join(""),
      rows: {
        entries: rows.entries.take(),
        updates: rows.updates.take(),
        events: rows.events.take(),
        arrivals: rows.arrivals.take(),
        rejections: rows.rejections.take(),
        clients: rows.clients.take(),
        paths: this.#paths.takeAdded(),
        problems: this.#problems.takeAdded(),
      },
      announced: this.#announced.take(),
      extras: this.#extras,
    };
    this.#isFresh = false;
    this.#texts = [];
    this.#textLength = 0;
    this.#extras = [];
    return batch;
  }

  /** Takes the postings of the batches since the last call, which form a block; the next block begins. */
  takePostings(): BlockPostings {
    const postings = {
      addresses: this.#addresses.takePostings(),
      strings: this.#strings.takePostings(),
      messageIds: this.#messageIds.take(),
      nextHops: this.#nextHops.take(),
    };
    const sizes = [this.#strings, this.#addresses, this.#messages, this.#paths, this.#failures].map(({ size }) => size);
    if (Math.max(...sizes) >= MOST_TEXTS) this.#forget();
    return postings;
  }

  #forget(): void {
    this.#isFresh = true;
    for (const texts of [this.#strings, this.#addresses, this.#messages]) texts.clear();
    for (const tuples of [this.#paths, this.#problems, this.#failures]) tuples.clear();
    this.#problemOfFailure = [];
  }

  #addExtras({ line, places, logType, syslogDuplicate }: EntryPlace, { event: said, headerDump }: ParsedEntry): void {
    const version = said.kind === "daemon" ? said.version : undefined;
    const isPlain = places.length === 0 && logType === undefined && syslogDuplicate === undefined;
    if (isPlain && version === undefined && headerDump === undefined) return;
    const dump = headerDump === undefined ? undefined : headerDumpFacts(headerDump, said);
    this.#extras.push({ line, places, version, logType, syslogDuplicate, headerDump: dump });
  }

  #addAboutMessage(line: number, message: number, at: Moment, said: LogEvent): void {
    const update = messageUpdate(said);
    if (update !== undefined) this.#addUpdate(line, message, at, update);
    const facts = storedEvent(said, at);
    if (facts !== undefined) this.#addEvent(line, message, said, facts);
    if (said.kind === "arrival") this.#addArrival(line, message, at, said);
  }

  #addUpdate(line: number, message: number, at: Moment, { mark, isArrival, queueMs, announced }: MessageUpdate): void {
    const start = this.#updates.open();
    const row = this.#updates.values;
    row[start + update.line] = line;
    row[start + update.message] = message;
    row[start + update.at] = at;
    row[start + update.mark] = mark === undefined ? NULL : MILESTONE_NAMES.indexOf(mark);
    row[start + update.is_arrival] = isArrival ? 1 : 0;
    row[start + update.queue_ms] = queueMs ?? NULL;
    row[start + update.announced] = announced.length;
    for (const recipient of announced) this.#announced.push(this.#addresses.mention(recipient));
  }

  #addEvent(line: number, message: number, said: LogEvent, facts: RecipientEvent): void {
    const { recipient, target, outcome, at, isAttempt } = facts;
    const error = this.#strings.numberOf(facts.error);
    const recipientNumber = this.#addresses.mention(recipient);
    const final = target === recipient ? NULL : this.#addresses.mention(target);
    const start = this.#events.open();
    const row = this.#events.values;
    row[start + event.entry_id] = line;
    row[start + event.recipient_id] = recipientNumber;
    row[start + event.final_id] = final;
    row[start + event.outcome] = this.#codes.outcome[outcome];
    row[start + event.is_attempt] = isAttempt ? 1 : 0;
    row[start + event.message] = message;
    row[start + event.at] = at;
    row[start + event.error] = error;
    switch (said.kind) {
      case "delivery":
        row[start + event.path_id] = this.#pathOf(said, said.router);
        row[start + event.confirmation] = this.#textOf(said.confirmation);
        row[start + event.queue_ms] = said.queueMs ?? NULL;
        row[start + event.duration_ms] = said.deliveryMs ?? NULL;
        if (said.confirmation !== undefined) this.#postingNextHop(said.confirmation);
        return;
      case "deferral":
      case "failure":
        row[start + event.path_id] = this.#pathOf(said, said.router);
        row[start + event.problem_id] = this.#problemOf(said, error, facts.error);
        row[start + event.duration_ms] = said.deliveryMs ?? NULL;
        return;
      case "discard":
        row[start + event.path_id] = this.#pathOf(undefined, said.router);
    }
  }

  #postingNextHop(confirmation: string): void {
    const id = confirmation.includes("id=") ? nextHopId(confirmation) : undefined;
    if (id !== undefined) this.#nextHops.push(textKey(id));
  }

  #addArrival(line: number, message: number, at: Moment, said: Arrival): void {
    const strings = this.#strings;
    const { host, headerMessageId } = said;
    const start = this.#rows.arrivals.open();
    const row = this.#rows.arrivals.values;
    row[start + arrival.line] = line;
    row[start + arrival.message] = message;
    row[start + arrival.arrival_at] = at;
    row[start + arrival.sender_id] = this.#addresses.mention(normaliseAddress(said.sender));
    row[start + arrival.size] = said.sizeBytes ?? NULL;
    row[start + arrival.subject] = this.#textOf(said.subject);
    row[start + arrival.header_message_id] = this.#textOf(headerMessageId);
    if (host !== undefined) {
      row[start + arrival.host_id] = strings.mention(host.name);
      row[start + arrival.helo_id] = strings.numberOf(host.helo);
      row[start + arrival.ip_id] = strings.mention(host.ip);
      row[start + arrival.port] = host.port ?? NULL;
    }
    row[start + arrival.protocol_id] = this.#protocol.numberOf(said.protocol);
    row[start + arrival.auth_id] = strings.mention(formatAuthentication(said.auth));
    row[start + arrival.ident_id] = strings.numberOf(said.ident);
    row[start + arrival.tls_id] = this.#arrivalTls.numberOf(said.tls);
    row[start + arrival.parent_exim_id] = this.#textOf(said.parentId);
    row[start + arrival.fake_reject] = said.fakeReject ? 1 : 0;
    if (headerMessageId !== undefined) this.#messageIds.push(textKey(headerMessageId));
  }

  #addRejection(line: number, said: Rejection): void {
    const strings = this.#strings;
    const { host } = said;
    const sender = said.sender === undefined ? undefined : normaliseAddress(said.sender);
    const recipient = said.recipient === undefined ? undefined : normaliseAddress(said.recipient);
    const { category, reason } = reasonOf(said, { ip: host?.ip, sender, recipient });
    const start = this.#rows.rejections.open();
    const row = this.#rows.rejections.values;
    row[start + rejection.entry_id] = line;
    row[start + rejection.phase] = this.#codes.phase[said.phase];
    row[start + rejection.is_permanent] = said.isTemporary ? 0 : 1;
    row[start + rejection.host_id] = strings.mention(host?.name);
    row[start + rejection.helo_id] = strings.numberOf(host?.helo);
    row[start + rejection.ip_id] = strings.mention(host?.ip);
    row[start + rejection.sender_id] = this.#addresses.mention(sender);
    row[start + rejection.recipient_id] = this.#addresses.mention(recipient);
    row[start + rejection.auth_id] = strings.mention(formatAuthentication(said.auth));
    row[start + rejection.category_id] = this.#category.numberOf(category);
    row[start + rejection.reason_id] = strings.numberOf(reason);
    row[start + rejection.smtp_code] = said.code ?? NULL;
  }

  #addClient(line: number, said: Client | undefined): void {
    if (said === undefined) return;
    const strings = this.#strings;
    const start = this.#rows.clients.open();
    const row = this.#rows.clients.values;
    row[start + client.entry_id] = line;
    row[start + client.host_id] = strings.mention(said.host?.name);
    row[start + client.helo_id] = strings.numberOf(said.host?.helo);
    row[start + client.ip_id] = strings.mention(said.host?.ip);
    row[start + client.sender_id] = this.#addresses.mention(said.sender);
    row[start + client.recipient_id] = this.#addresses.mention(said.recipient);
    row[start + client.auth_id] = strings.mention(said.auth);
    row[start + client.problem_id] = this.#problemOf(said, strings.numberOf(said.error), said.error);
  }

  #pathOf(said: Omit<AddressLine, "address"> | undefined, router: string | undefined): number {
    const strings = this.#strings;
    const host = said?.host;
    const row = this.#paths.next;
    const hostNumber = strings.mention(host?.name);
    const ipNumber = strings.mention(host?.ip);
    row[path.router_id] = this.#router.numberOf(router);
    row[path.transport_id] = this.#transport.numberOf(said?.transport);
    row[path.host_id] = hostNumber;
    row[path.ip_id] = ipNumber;
    row[path.port] = host?.port ?? NULL;
    row[path.tls_id] = this.#deliveryTls.numberOf(said?.tls);
    return this.#paths.numberOfNext();
  }

  /** `error`: the number of its template. */
  #problemOf({ reply, host }: Pick<Failure, "reply" | "host">, error: number, template: string | undefined): number {
    const isTimeout = reply?.isTimeout === true;
    if (isNull(error) && !isTimeout && reply?.code === undefined) return NULL;
    const code = reply?.code ?? NULL;
    const enhanced = this.#enhanced.numberOf(reply?.enhancedCode);
    const phase = this.#phase.numberOf(reply?.phase);
    const signs = this.#failures.next;
    signs[failure.is_timeout] = isTimeout ? 1 : 0;
    signs[failure.smtp_code] = code;
    signs[failure.enhanced_id] = enhanced;
    signs[failure.phase_id] = phase;
    signs[failure.error_id] = error;
    signs[failure.host_id] = this.#strings.numberOf(host?.name);
    const number = this.#failures.numberOfNext();
    const known = this.#problemOfFailure[number];
    if (known !== undefined) return known;
    const row = this.#problems.next;
    row[problem.is_timeout] = isTimeout ? 1 : 0;
    row[problem.smtp_code] = code;
    row[problem.enhanced_id] = enhanced;
    row[problem.phase_id] = phase;
    row[problem.error_id] = error;
    row[problem.category_id] = this.#strings.numberOf(failureCategory(reply, template, host?.name));
    const added = this.#problems.numberOfNext();
    this.#problemOfFailure[number] = added;
    return added;
  }

  #textOf(text: string | undefined): number {
    if (text === undefined) return NULL;
    const start = this.#textLength;
    this.#textLength += text.length;
    this.#texts.push(text);
    return textNumber(start, text.length);
  }
}
