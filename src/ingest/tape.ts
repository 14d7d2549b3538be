/**
 * Batches as numbers and a list of texts: what passes from one thread to another quickly. Objects would be copied one by one,
 * and each text again wherever it stands; here a text that repeats is sent once and then only its number.
 */
import type { AddressWord, Marks, MessageNews } from "../message/state.ts";
import type { Outcome } from "../message/statuses.ts";
import type { RejectionPhase } from "../parse/events.ts";
import type { EntryKind, LogType } from "../store/codes.ts";
import type { DeliveryPath, DeliveryProblem } from "../store/rows.ts";
import { detach } from "../text.ts";
import type { Moment } from "../units.ts";
import {
  type ArrivalFacts,
  type AttemptFacts,
  type ClientFacts,
  type EntryDigest,
  type HeaderDumpFacts,
  type RejectionFacts,
  UNPARSED,
} from "./digest.ts";
import type { BatchEntry } from "./reading.ts";
import type { SyslogTwin } from "./syslog-twin.ts";

export interface Tape {
  readonly numbers: Float64Array<ArrayBuffer>;
  /** Texts that may come again and stood on no earlier tape, in the order of their numbers. */
  readonly texts: readonly string[];
  /** The numbers of texts begin anew. */
  readonly isFresh: boolean;
  /** Texts that hardly come again, in the order in which they are met. */
  readonly singles: readonly string[];
}

/** Stands for undefined: no number and no text of a log is told by it. */
const NONE = Number.NaN;
/** So many texts are remembered on both sides, then all are forgotten: a bound for memory, met once in many batches. */
const REMEMBERED = 60_000;
const FIRST_LENGTH = 1 << 14;

/** Writes the entries of batches. */
export class TapeWriter {
  readonly #known = new Map<string, number>();
  readonly #paths = new Map<string, number>();
  #numbers = new Float64Array(FIRST_LENGTH);
  #length = 0;
  #texts: string[] = [];
  #singles: string[] = [];

  write(entries: readonly BatchEntry[]): Tape {
    const isFresh = this.#known.size === 0 || Math.max(this.#known.size, this.#paths.size) >= REMEMBERED;
    if (isFresh) {
      this.#known.clear();
      this.#paths.clear();
    }
    this.#length = 0;
    this.#texts = [];
    this.#singles = [];
    for (const entry of entries) this.#writeEntry(entry);
    return { numbers: this.#numbers.slice(0, this.#length), texts: this.#texts, isFresh, singles: this.#singles };
  }

  #writeEntry({ line, places, twinLine, logType, syslogTwin, digest }: BatchEntry): void {
    const { kind, at, eximId, version, details, news, word, arrival, rejection, client, headerDump } = digest;
    this.#number(line);
    this.#number(places.length);
    for (const place of places) this.#number(place);
    this.#number(at);
    if (at === undefined) return;
    this.#text(kind);
    this.#single(twinLine);
    this.#text(logType);
    this.#flag(syslogTwin !== undefined);
    if (syslogTwin !== undefined) this.#writeSyslogTwin(syslogTwin);
    this.#text(eximId);
    this.#text(version);
    this.#text(details);
    this.#flag(news !== undefined);
    if (news !== undefined) this.#writeNews(news);
    this.#flag(word !== undefined);
    if (word !== undefined) this.#writeWord(word, digest.attempt);
    this.#flag(arrival !== undefined);
    if (arrival !== undefined) this.#writeArrival(arrival);
    this.#flag(rejection !== undefined);
    if (rejection !== undefined) this.#writeRejection(rejection);
    this.#flag(client !== undefined);
    if (client !== undefined) this.#writeClient(client);
    this.#flag(headerDump !== undefined);
    if (headerDump !== undefined) this.#writeHeaderDump(headerDump);
  }

  #writeSyslogTwin({ key, secondLog, earlierMs }: SyslogTwin): void {
    this.#single(key);
    this.#text(secondLog);
    this.#number(earlierMs);
  }

  #writeClient({ host, helo, ip, sender, recipient, auth }: ClientFacts): void {
    for (const text of [host, helo, ip, sender, recipient, auth]) this.#text(text);
  }

  #writeHeaderDump(dump: HeaderDumpFacts): void {
    this.#text(dump.sender);
    this.#number(dump.recipients.length);
    for (const recipient of dump.recipients) this.#text(recipient);
    this.#flag(dump.hasMoreRecipients);
    this.#single(dump.headers);
    this.#flag(dump.isTruncated);
  }

  #writeNews({ mark, isArrival, queueMs, announced }: MessageNews): void {
    this.#text(mark);
    this.#flag(isArrival);
    this.#number(queueMs);
    this.#number(announced.length);
    for (const recipient of announced) this.#text(recipient);
  }

  #writeWord({ recipient, target, outcome, isAttempt, error }: AddressWord, attempt: AttemptFacts | undefined): void {
    this.#text(recipient);
    this.#text(target);
    this.#text(outcome);
    this.#flag(isAttempt);
    this.#text(error);
    this.#flag(attempt !== undefined);
    if (attempt !== undefined) this.#writeAttempt(attempt);
  }

  #writeAttempt(attempt: AttemptFacts): void {
    this.#writePath(attempt.path);
    this.#flag(attempt.problem !== undefined);
    if (attempt.problem !== undefined) this.#writeProblem(attempt.problem);
    this.#single(attempt.confirmation);
    this.#number(attempt.queueMs);
    this.#number(attempt.deliveryMs);
  }

  /** The number of the path, behind it the path itself when it is new. */
  #writePath(path: DeliveryPath): void {
    const { router, transport, host, ip, port, tls } = path;
    const key = `${router}\n${transport}\n${host}\n${ip}\n${port}\n${tls}`;
    const known = this.#paths.get(key);
    this.#put(known ?? this.#paths.size);
    if (known !== undefined) return;
    this.#paths.set(key, this.#paths.size);
    this.#text(router);
    this.#text(transport);
    this.#text(host);
    this.#text(ip);
    this.#number(port);
    this.#text(tls);
  }

  #writeProblem(problem: DeliveryProblem): void {
    this.#flag(problem.isTimeout);
    this.#number(problem.smtpCode);
    this.#text(problem.enhancedCode);
    this.#text(problem.phase);
    this.#text(problem.error);
  }

  #writeArrival(arrival: ArrivalFacts): void {
    this.#text(arrival.sender);
    this.#number(arrival.sizeBytes);
    this.#single(arrival.subject);
    this.#single(arrival.headerMessageId);
    this.#text(arrival.host);
    this.#text(arrival.helo);
    this.#text(arrival.ip);
    this.#number(arrival.port);
    this.#text(arrival.protocol);
    this.#text(arrival.auth);
    this.#text(arrival.ident);
    this.#text(arrival.tls);
    this.#text(arrival.parentId);
    this.#flag(arrival.fakeReject);
  }

  #writeRejection(rejection: RejectionFacts): void {
    this.#text(rejection.phase);
    this.#flag(rejection.isTemporary);
    this.#text(rejection.host);
    this.#text(rejection.helo);
    this.#text(rejection.ip);
    this.#text(rejection.sender);
    this.#text(rejection.recipient);
    this.#text(rejection.auth);
    this.#text(rejection.category);
    this.#text(rejection.reason);
  }

  #flag(value: boolean): void {
    this.#put(value ? 1 : 0);
  }

  #number(value: number | undefined): void {
    this.#put(value ?? NONE);
  }

  #text(text: string | undefined): void {
    if (text === undefined) {
      this.#put(NONE);
      return;
    }
    let number = this.#known.get(text);
    if (number === undefined) {
      number = this.#known.size;
      const copy = detach(text);
      this.#known.set(copy, number);
      this.#texts.push(copy);
    }
    this.#put(number);
  }

  #single(text: string | undefined): void {
    this.#flag(text !== undefined);
    if (text !== undefined) this.#singles.push(text);
  }

  #put(value: number): void {
    if (this.#length === this.#numbers.length) {
      const longer = new Float64Array(this.#length * 2);
      longer.set(this.#numbers);
      this.#numbers = longer;
    }
    this.#numbers[this.#length++] = value;
  }
}

/** Reads the tapes of one {@link TapeWriter}, in their order. What was one text for the writer is one string here. */
export class TapeReader {
  #texts: string[] = [];
  #paths: DeliveryPath[] = [];
  #singles: readonly string[] = [];
  #nextSingle = 0;
  #numbers = new Float64Array(0);
  #at = 0;

  read({ numbers, texts, isFresh, singles }: Tape): BatchEntry[] {
    if (isFresh) {
      this.#texts = [];
      this.#paths = [];
    }
    for (const text of texts) this.#texts.push(text);
    this.#singles = singles;
    this.#nextSingle = 0;
    this.#numbers = numbers;
    this.#at = 0;
    const entries: BatchEntry[] = [];
    while (this.#at < numbers.length) entries.push(this.#readEntry());
    return entries;
  }

  #readEntry(): BatchEntry {
    const line = this.#next();
    const places: number[] = [];
    for (let count = this.#next(); count > 0; count--) places.push(this.#next());
    const at = this.#number() as Moment | undefined;
    if (at === undefined) {
      return { line, places, twinLine: undefined, logType: undefined, syslogTwin: undefined, digest: UNPARSED };
    }
    const kind = this.#text() as EntryKind;
    return {
      line,
      places,
      twinLine: this.#single(),
      logType: this.#optional() as LogType | undefined,
      syslogTwin: this.#flag() ? this.#readSyslogTwin() : undefined,
      digest: this.#readDigest(kind, at),
    };
  }

  #readSyslogTwin(): SyslogTwin {
    return { key: this.#single() ?? "", secondLog: this.#text() as LogType, earlierMs: this.#next() };
  }

  #readDigest(kind: EntryKind, at: Moment): EntryDigest {
    const eximId = this.#optional();
    const version = this.#optional();
    const details = this.#optional();
    const news = this.#flag() ? this.#readNews() : undefined;
    const word = this.#flag() ? this.#readWord(at) : undefined;
    const attempt = word !== undefined && this.#flag() ? this.#readAttempt() : undefined;
    const arrival = this.#flag() ? this.#readArrival() : undefined;
    const rejection = this.#flag() ? this.#readRejection() : undefined;
    const client = this.#flag() ? this.#readClient() : undefined;
    const headerDump = this.#flag() ? this.#readHeaderDump() : undefined;
    return { kind, at, eximId, version, details, news, word, attempt, arrival, rejection, client, headerDump };
  }

  #readClient(): ClientFacts {
    return {
      host: this.#optional(),
      helo: this.#optional(),
      ip: this.#optional(),
      sender: this.#optional(),
      recipient: this.#optional(),
      auth: this.#optional(),
    };
  }

  #readHeaderDump(): HeaderDumpFacts {
    const sender = this.#optional();
    const recipients: string[] = [];
    for (let count = this.#next(); count > 0; count--) recipients.push(this.#text());
    return {
      sender,
      recipients,
      hasMoreRecipients: this.#flag(),
      headers: this.#single(),
      isTruncated: this.#flag(),
    };
  }

  #readNews(): MessageNews {
    const mark = this.#optional() as keyof Marks | undefined;
    const isArrival = this.#flag();
    const queueMs = this.#number();
    const announced: string[] = [];
    for (let count = this.#next(); count > 0; count--) announced.push(this.#text());
    return { mark, isArrival, queueMs, announced };
  }

  #readWord(at: Moment): AddressWord {
    return {
      recipient: this.#text(),
      target: this.#text(),
      outcome: this.#text() as Outcome,
      at,
      isAttempt: this.#flag(),
      error: this.#optional(),
    };
  }

  #readAttempt(): AttemptFacts {
    return {
      path: this.#readPath(),
      problem: this.#flag() ? this.#readProblem() : undefined,
      confirmation: this.#single(),
      queueMs: this.#number(),
      deliveryMs: this.#number(),
    };
  }

  #readPath(): DeliveryPath {
    const number = this.#next();
    const known = this.#paths[number];
    if (known !== undefined) return known;
    const path = {
      router: this.#optional(),
      transport: this.#optional(),
      host: this.#optional(),
      ip: this.#optional(),
      port: this.#number(),
      tls: this.#optional(),
    };
    this.#paths[number] = path;
    return path;
  }

  #readProblem(): DeliveryProblem {
    return {
      isTimeout: this.#flag(),
      smtpCode: this.#number(),
      enhancedCode: this.#optional(),
      phase: this.#optional(),
      error: this.#optional(),
    };
  }

  #readArrival(): ArrivalFacts {
    return {
      sender: this.#text(),
      sizeBytes: this.#number(),
      subject: this.#single(),
      headerMessageId: this.#single(),
      host: this.#optional(),
      helo: this.#optional(),
      ip: this.#optional(),
      port: this.#number(),
      protocol: this.#optional(),
      auth: this.#optional(),
      ident: this.#optional(),
      tls: this.#optional(),
      parentId: this.#optional(),
      fakeReject: this.#flag(),
    };
  }

  #readRejection(): RejectionFacts {
    return {
      phase: this.#text() as RejectionPhase,
      isTemporary: this.#flag(),
      host: this.#optional(),
      helo: this.#optional(),
      ip: this.#optional(),
      sender: this.#optional(),
      recipient: this.#optional(),
      auth: this.#optional(),
      category: this.#text(),
      reason: this.#optional(),
    };
  }

  #flag(): boolean {
    return this.#next() === 1;
  }

  #number(): number | undefined {
    const value = this.#next();
    return Number.isNaN(value) ? undefined : value;
  }

  #optional(): string | undefined {
    const number = this.#next();
    return Number.isNaN(number) ? undefined : this.#textAt(number);
  }

  #text(): string {
    return this.#textAt(this.#next());
  }

  #single(): string | undefined {
    return this.#flag() ? this.#singles[this.#nextSingle++] : undefined;
  }

  #textAt(number: number): string {
    const text = this.#texts[number];
    if (text === undefined) throw new Error(`No text ${number} has been sent.`);
    return text;
  }

  #next(): number {
    const value = this.#numbers[this.#at++];
    if (value === undefined) throw new Error("The tape ends within an entry.");
    return value;
  }
}
