/**
 * Logs of any size, made up: a mail server's day as Exim would write it, from a seed. Lines come one by one, so that gigabytes
 * can be written; memory holds the messages on the queue and nothing else.
 *
 * About four and a half lines a message. Of a hundred messages: 45 are delivered to a local mailbox, 30 go out, 8 have several
 * recipients, 7 are deferred for a while. 4 are bounced, 1 gives up after many tries, 3 are thrown away, 2 are refused after
 * DATA. Beside them: refused recipients, failed log-ins, hosts without a name, queue runs.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/units.ts";

export type GeneratedLog = "main" | "reject";

export interface TrafficOptions {
  readonly messages: number;
  readonly seed?: number;
  /** Epoch milliseconds of the first arrival; by default 2026-03-02T00:00:00Z. Stamps are in UTC. */
  readonly startMs?: number;
  /** Mean time between two arrivals; by default 2 seconds. */
  readonly gapMs?: number;
}

/** An entry: its lines with their newlines, and where Exim writes it. The text differs where a log shows more than the others. */
export interface GeneratedEntry {
  readonly main: string | undefined;
  readonly reject: string | undefined;
}

const START_MS = Date.UTC(2026, 2, 2);
const GAP_MS = 2 * SECOND_MS;

/** The entries of one log, in order, each ending with a newline. */
export function* generateLog(log: GeneratedLog, options: TrafficOptions): Generator<string> {
  for (const entry of generateTraffic(options)) {
    const text = entry[log];
    if (text !== undefined) yield text;
  }
}

/** All entries, in the order of time. The same options give the same entries. */
export function* generateTraffic({ messages, seed = 1, startMs = START_MS, gapMs = GAP_MS }: TrafficOptions) {
  const random = new Random(seed);
  const agenda = new Agenda();
  let arrivalMs = startMs;
  agenda.add(startMs, "exim 4.96 daemon started: pid=812, -q30m, listening for SMTP on port 25 (IPv6 and IPv4)");
  let queueRunMs = startMs + 11 * MINUTE_MS;
  for (let index = 0; index < messages; index++) {
    arrivalMs += Math.round(random.exponential(gapMs));
    for (; queueRunMs < arrivalMs; queueRunMs += 30 * MINUTE_MS) addQueueRun(agenda, queueRunMs, random);
    yield* agenda.until(arrivalMs);
    addNoise(agenda, arrivalMs, random);
    addMessage(agenda, arrivalMs, random);
  }
  yield* agenda.until(Number.POSITIVE_INFINITY);
}

/** Lines yet to be written, by time; a binary heap. */
class Agenda {
  readonly #heap: {
    readonly ms: number;
    readonly order: number;
    readonly text: string;
    readonly reject: string | undefined;
  }[] = [];
  #count = 0;

  /** `reject` is the text of the reject log, when the entry stands there too. */
  add(ms: number, text: string, reject?: string): void {
    const heap = this.#heap;
    let place = heap.push({ ms, order: this.#count++, text, reject }) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isBefore(place, parent)) break;
      this.#swap(place, parent);
      place = parent;
    }
  }

  /** Takes out what is due before `ms`. */
  *until(ms: number): Generator<GeneratedEntry> {
    for (let next = this.#heap[0]; next !== undefined && next.ms < ms; next = this.#heap[0]) {
      this.#removeFirst();
      const stamp = formatStamp(next.ms);
      yield {
        main: `${stamp} ${next.text}\n`,
        reject: next.reject === undefined ? undefined : `${stamp} ${next.reject}\n`,
      };
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let place = 0; ; ) {
      let least = place;
      for (const child of [2 * place + 1, 2 * place + 2]) {
        if (child < heap.length && this.#isBefore(child, least)) least = child;
      }
      if (least === place) return;
      this.#swap(place, least);
      place = least;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [left, right] = [this.#heap[one], this.#heap[other]];
    if (left === undefined || right === undefined) return false;
    return left.ms < right.ms || (left.ms === right.ms && left.order < right.order);
  }

  #swap(one: number, other: number): void {
    const [left, right] = [this.#heap[one], this.#heap[other]];
    if (left === undefined || right === undefined) return;
    this.#heap[one] = right;
    this.#heap[other] = left;
  }
}

let stampSecond = -1;
let stamp = "";

/** `2026-03-02 05:40:05`, in UTC. */
function formatStamp(ms: number): string {
  const second = Math.floor(ms / SECOND_MS);
  if (second !== stampSecond) {
    stampSecond = second;
    stamp = new Date(second * SECOND_MS).toISOString().slice(0, 19).replace("T", " ");
  }
  return stamp;
}

const BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function base62(value: number, digits: number): string {
  let text = "";
  for (let rest = value; text.length < digits; rest = Math.floor(rest / 62)) text = BASE_62.charAt(rest % 62) + text;
  return text;
}

/** The id of a message whose reception began at `ms`. */
export function messageIdAt(ms: number, pid = 20_000, fraction = 0): string {
  return `${base62(Math.floor(ms / SECOND_MS), 6)}-${base62(pid, 6)}-${base62(fraction, 2)}`;
}

const NAMES = [
  "alice",
  "bob",
  "carol",
  "dave",
  "erin",
  "frank",
  "grace",
  "heidi",
  "ivan",
  "judy",
  "søren",
  "info",
  "sales",
];
const DOMAINS = [
  "partner",
  "bigmail",
  "university",
  "senders",
  "newsletters",
  "supplier",
  "bank",
  "shop",
  "club",
  "press",
];
const CIPHER = "TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256";
const REMOTE = "R=dnslookup T=remote_smtp";
const LOCAL = "R=local_user T=mail_spool";

/** Facts about one message, drawn once. */
interface Letter {
  readonly id: string;
  readonly sender: string;
  readonly host: string;
}

function addMessage(agenda: Agenda, ms: number, random: Random): void {
  const letter = { id: random.messageId(ms), sender: random.remoteAddress(), host: random.host() };
  const share = random.next() * 100;
  if (share < 45) addLocal(agenda, ms, random, letter);
  else if (share < 75) addOutgoing(agenda, ms, random, letter);
  else if (share < 83) addSeveral(agenda, ms, random, letter);
  else if (share < 90) addDeferred(agenda, ms, random, letter);
  else if (share < 94) addBounced(agenda, ms, random, letter);
  else if (share < 95) addGivenUp(agenda, ms, random, letter);
  else if (share < 98) addDiscarded(agenda, ms, random, letter);
  else addRefused(agenda, ms, random, letter);
}

function addArrival(agenda: Agenda, ms: number, random: Random, { id, sender, host }: Letter): void {
  const tls = random.isOneOf(3) ? "esmtp" : `esmtps X=${CIPHER} CV=no`;
  const key = random.bytes(7);
  agenda.add(ms, `${id} <= ${sender} ${host} P=${tls} S=${random.size()} id=${key}@${sender.split("@")[1]}`);
}

function addLocal(agenda: Agenda, ms: number, random: Random, letter: Letter): void {
  const name = random.pick(NAMES);
  addArrival(agenda, ms, random, letter);
  const end = ms + random.upTo(2 * SECOND_MS);
  agenda.add(end, `${letter.id} => ${name} <${name}@example.org> ${LOCAL}`);
  agenda.add(end, `${letter.id} Completed`);
}

function addOutgoing(agenda: Agenda, ms: number, random: Random, letter: Letter): void {
  addSubmission(agenda, ms, random, letter);
  const end = ms + random.upTo(9 * SECOND_MS);
  agenda.add(end, `${letter.id} => ${random.remoteAddress()} ${random.destination()}`);
  agenda.add(end, `${letter.id} Completed`);
}

function addSubmission(agenda: Agenda, ms: number, random: Random, { id }: Letter): void {
  const user = random.pick(NAMES);
  const host = `H=(${random.pick(["laptop", "phone", "[192.0.2.17]"])}) [${random.ip()}] P=esmtpsa X=${CIPHER} CV=no`;
  agenda.add(
    ms,
    `${id} <= ${user}@example.org ${host} A=plain_server:${user} S=${random.size()} id=${random.bytes(7)}@example.org`,
  );
}

function addSeveral(agenda: Agenda, ms: number, random: Random, letter: Letter): void {
  addArrival(agenda, ms, random, letter);
  const count = 2 + random.upTo(6);
  let end = ms;
  for (let index = 0; index < count; index++) {
    const name = `${random.pick(NAMES)}${index}`;
    end += random.upTo(SECOND_MS);
    if (random.isOneOf(4)) agenda.add(end, `${letter.id} -> ${name}@bigmail.example ${random.destination()}`);
    else agenda.add(end, `${letter.id} => ${name} <${name}@example.org> ${LOCAL}`);
  }
  agenda.add(end, `${letter.id} Completed`);
}

function addDeferred(agenda: Agenda, ms: number, random: Random, letter: Letter): void {
  const recipient = random.remoteAddress();
  addSubmission(agenda, ms, random, letter);
  let at = ms + random.upTo(30 * SECOND_MS);
  for (let tries = 1 + random.upTo(4); tries > 0; tries--) {
    addDeferral(agenda, at, random, letter.id, recipient);
    at += 10 * MINUTE_MS + random.upTo(2 * HOUR_MS);
  }
  agenda.add(at, `${letter.id} => ${recipient} ${random.destination()}`);
  agenda.add(at, `${letter.id} Completed`);
}

function addDeferral(agenda: Agenda, ms: number, random: Random, id: string, recipient: string): void {
  const [name, ip] = ["mx.refused.example", random.ip()];
  if (random.isOneOf(2)) {
    const said = `SMTP error from remote mail server after RCPT TO:<${recipient}>: 450 4.2.0 <${recipient}>: Greylisted, try later`;
    agenda.add(ms, `${id} == ${recipient} ${REMOTE} defer (-44) H=${name} [${ip}]: ${said}`);
    return;
  }
  agenda.add(ms, `${id} H=${name} [${ip}] Connection refused`);
  agenda.add(ms, `${id} == ${recipient} ${REMOTE} defer (111): Connection refused`);
}

function addBounced(agenda: Agenda, ms: number, random: Random, letter: Letter): void {
  const recipient = random.remoteAddress();
  addArrival(agenda, ms, random, letter);
  const at = ms + random.upTo(5 * SECOND_MS);
  const reply = `550-5.1.1 <${recipient}>: Recipient address rejected\\n550 5.1.1 User unknown`;
  const said = `SMTP error from remote mail server after RCPT TO:<${recipient}>: ${reply}`;
  agenda.add(
    at,
    `${letter.id} ** ${recipient} ${REMOTE} H=mx.bounces.example [${random.ip()}] X=${CIPHER} CV=yes: ${said}`,
  );
  addBounceMessage(agenda, at, random, letter);
  agenda.add(at, `${letter.id} Completed`);
}

function addBounceMessage(agenda: Agenda, ms: number, random: Random, { id, sender }: Letter): void {
  const bounce = random.messageId(ms);
  agenda.add(ms, `${bounce} <= <> R=${id} U=Debian-exim P=local S=${random.size()}`);
  agenda.add(ms + SECOND_MS, `${bounce} => ${sender} ${random.destination()}`);
  agenda.add(ms + SECOND_MS, `${bounce} Completed`);
}

function addGivenUp(agenda: Agenda, ms: number, random: Random, letter: Letter): void {
  const recipient = random.remoteAddress();
  addArrival(agenda, ms, random, letter);
  const tries = 6 + random.upTo(10);
  for (let index = 0; index < tries; index++) {
    addDeferral(agenda, ms + index * 3 * HOUR_MS + random.upTo(HOUR_MS), random, letter.id, recipient);
  }
  const end = ms + 4 * DAY_MS;
  agenda.add(end, `${letter.id} ** ${recipient}: retry timeout exceeded`);
  addBounceMessage(agenda, end, random, letter);
  agenda.add(end, `${letter.id} Completed`);
}

function addDiscarded(agenda: Agenda, ms: number, random: Random, letter: Letter): void {
  addArrival(agenda, ms, random, letter);
  agenda.add(ms, `${letter.id} => :blackhole: <devnull@example.org> R=system_aliases`);
  agenda.add(ms, `${letter.id} Completed`);
}

function addRefused(agenda: Agenda, ms: number, random: Random, { id, sender, host }: Letter): void {
  const text = `${id} ${host} F=<${sender}> rejected after DATA: this message scored ${random.upTo(30)} spam points`;
  const dump = [
    `Envelope-from: <${sender}>`,
    "Envelope-to: <alice@example.org>",
    `P Received: from ${host.slice(2)}`,
    "\tby mx1.example.org with esmtp (Exim 4.96)",
    `\tid ${id}; ${new Date(ms).toUTCString()}`,
    `I Message-ID: <${random.bytes(7)}@${sender.split("@")[1]}>`,
    `F From: <${sender}>`,
    "  Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?= or Grüße",
  ];
  agenda.add(ms, text, [text, ...dump].join("\n"));
}

function addNoise(agenda: Agenda, ms: number, random: Random): void {
  const share = random.next() * 100;
  if (share < 12) {
    const host = random.host();
    const listed = `${host.slice(host.indexOf("[") + 1, -1)} is listed at zen.example`;
    const reason = random.pick(["relay not permitted", "Unknown user", listed]);
    const text = `${host} F=<${random.remoteAddress()}> rejected RCPT <${random.pick(NAMES)}${random.upTo(999)}@example.org>: ${reason}`;
    agenda.add(ms, text, text);
  } else if (share < 16) {
    const text = `login_server authenticator failed for (User) [${random.ip()}]: 535 Incorrect authentication data (set_id=${random.pick(NAMES)})`;
    agenda.add(ms, text, text);
  } else if (share < 24) agenda.add(ms, `no host name found for IP address ${random.ip()}`);
  else if (share < 27)
    agenda.add(
      ms,
      `H=[${random.ip()}] SMTP protocol error in "AUTH LOGIN" H=(x) AUTH command used when not advertised`,
    );
}

function addQueueRun(agenda: Agenda, ms: number, random: Random): void {
  const pid = 1000 + random.upTo(30_000);
  agenda.add(ms, `Start queue run: pid=${pid}`);
  agenda.add(ms + random.upTo(20 * SECOND_MS), `End queue run: pid=${pid}`);
}

/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Random {
  #state: number;
  #messages = 0;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0, less than `limit`. */
  upTo(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  isOneOf(count: number): boolean {
    return this.upTo(count) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.upTo(items.length)];
    if (item === undefined) throw new Error("There is nothing to pick from.");
    return item;
  }

  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }

  ip(): string {
    return `${this.pick(["192.0.2", "198.51.100", "203.0.113"])}.${1 + this.upTo(254)}`;
  }

  host(): string {
    const ip = this.ip();
    return this.isOneOf(6)
      ? `H=(mail.${this.pick(DOMAINS)}.example) [${ip}]`
      : `H=mx${this.upTo(40)}.${this.pick(DOMAINS)}.example [${ip}]`;
  }

  remoteAddress(): string {
    return `${this.pick(NAMES)}${this.upTo(400)}@${this.pick(DOMAINS)}.example`;
  }

  /** Router, transport, host and the host's confirmation. */
  destination(): string {
    const domain = this.pick(DOMAINS);
    return `${REMOTE} H=mx1.${domain}.example [${this.ip()}] X=${CIPHER} CV=yes C="250 2.0.0 Ok: queued as ${this.bytes(5).toUpperCase()}"`;
  }

  size(): number {
    return 400 + Math.round(this.exponential(30_000));
  }

  /** Bytes as hexadecimal digits. */
  bytes(count: number): string {
    let text = "";
    for (let index = 0; index < count; index++) text += this.upTo(256).toString(16).padStart(2, "0");
    return text;
  }

  /** An id of the shorter form: the time, a process id that only grows, a fraction. */
  messageId(ms: number): string {
    this.#messages++;
    return messageIdAt(ms, 20_000 + this.#messages, this.upTo(62 * 31));
  }
}
