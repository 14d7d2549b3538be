/** The whole journey of a mail: the messages that came of it and those it came of, on every server that is known. */
import { normaliseAddress } from "../message/address.ts";
import type { MessageStatus } from "../message/statuses.ts";
import { isMessageId } from "../parse/message-id.ts";
import { nextHopId } from "../store/log-text/postings.ts";
import type { LinkReader } from "../store/read/link-reader.ts";
import type { AttemptRow, MessageKey, MessageReader, MessageRow } from "../store/read/message-reader.ts";
import type { SearchReader } from "../store/search/search-reader.ts";
import { DAY_MS, epochMs, KIB, SECOND_MS, toIso } from "../units.ts";
import type { Certainty } from "./find-evidence.ts";

/** Why one message came of another. */
export type LinkReason =
  /** `R=`, and a recipient of the other had failed, or it was refused, or not taken for all. */
  | "bounce"
  /** `R=`, and recipients of the other still waited. */
  | "delay_warning"
  /** `R=`, and the other had been frozen. */
  | "freeze_notice"
  /** `R=`, and the other had been delivered. */
  | "delivery_report"
  /** `R=`, to somebody else than its sender: of a broken forwarding, of a mailbox nearly full. */
  | "notice"
  /** `C="… id=…"`: the other was delivered to this Exim. */
  | "next_hop"
  /** `id=E…@…`: the other's Exim made its Message-ID. */
  | "created_by"
  /** The same header Message-ID, and nothing that says more. */
  | "same_message_id"
  /** An automatic reply: to who was sent one, and `R=`, or time and recipient alone. */
  | "autoreply";

export interface ChainLink {
  /** Key of the message that was there first. */
  readonly from: string;
  readonly to: string;
  /** `bounce`, `delay_warning`, `freeze_notice`, `delivery_report`, `notice`, `next_hop`, `created_by`, `same_message_id` or `autoreply`. */
  readonly reason: LinkReason;
  /**
   * `direct`: both state an id. `correlated`: time and addresses agree, with one message alone. `guessed`: they agree with several, or
   * less agrees.
   */
  readonly certainty: Certainty;
}

export interface ChainMessage {
  /** `id server`: Exim's ids are unique on one server only. */
  readonly key: string;
  readonly id: string;
  readonly server: string;
  readonly timeZone: string;
  readonly status: MessageStatus;
  readonly timestamp: string;
  /** Time it spent here; null while it is not finished. */
  readonly queueSeconds: number | null;
  readonly sender: string | null;
  readonly recipients: readonly string[];
  readonly subject: string | null;
  /** The one that was asked for. */
  readonly isStart: boolean;
}

export interface Chain {
  /** In the order of time. */
  readonly messages: readonly ChainMessage[];
  readonly links: readonly ChainLink[];
  /** The same mail came to one server again and again. */
  readonly isLoop: boolean;
  /** False when there are more messages than are followed. */
  readonly isComplete: boolean;
}

export interface ChainReaders {
  readonly messages: MessageReader;
  readonly search: SearchReader;
  readonly links: LinkReader;
}

const MOST_MESSAGES = 100;
/** A mail passes the same server so often before it is called a loop. */
const LOOP_PASSES = 3;
/** An automatic reply arrives so soon before or after the line of the delivery that made it: two processes write them. */
const AUTOREPLY_MS = 5 * SECOND_MS;

/** Clocks of two servers differ by so much, with the time that a mail takes from one to the other. */
const HOP_MS = 60 * SECOND_MS;
/** A mail may wait so long before it goes to the next server. */
const LONGEST_WAY_MS = 7 * DAY_MS;
/** Headers that a server adds, at most. */
const ADDED_BYTES = 8 * KIB;

export async function buildChain(readers: ChainReaders, start: MessageKey): Promise<Chain> {
  const builder = new ChainBuilder(readers);
  await builder.follow(start);
  return builder.finish(start);
}

function keyOf({ id, server }: MessageKey): string {
  return `${id} ${server}`;
}

class ChainBuilder {
  readonly #readers: ChainReaders;
  readonly #rows = new Map<string, MessageRow>();
  readonly #links = new Map<string, ChainLink>();
  #isComplete = true;

  constructor(readers: ChainReaders) {
    this.#readers = readers;
  }

  /** Breadth first, so that the nearest are there when there are too many. */
  async follow(start: MessageKey): Promise<void> {
    let next: readonly MessageKey[] = [start];
    while (next.length > 0) {
      const found: MessageKey[] = [];
      for (const message of next) {
        if (this.#rows.has(keyOf(message))) continue;
        if (this.#rows.size >= MOST_MESSAGES) this.#isComplete = false;
        else for (const other of await this.#visit(message)) found.push(other);
      }
      next = found;
    }
  }

  async finish(start: MessageKey): Promise<Chain> {
    const { messages } = this.#readers;
    const rows = [...this.#rows.values()].sort((one, other) => (one.timestamp < other.timestamp ? -1 : 1));
    this.#linkSameMail(rows);
    const known = await Promise.all(
      rows.map(async (row): Promise<ChainMessage> => {
        const recipients = (await messages.recipientsOf(row)).map(({ recipient }) => recipient);
        const refused = row.direction === null ? (await messages.rejectionsOf(row)).at(-1) : undefined;
        return {
          key: keyOf(row),
          id: row.id,
          server: row.server,
          timeZone: await messages.timeZoneOf(row.server),
          status: row.status as MessageStatus,
          timestamp: row.timestamp,
          queueSeconds: row.queue_seconds,
          sender: row.sender ?? refused?.sender ?? null,
          recipients: refused === undefined ? recipients : (JSON.parse(refused.recipients) as string[]),
          subject: row.subject,
          isStart: keyOf(row) === keyOf(start),
        };
      }),
    );
    const links = [...this.#links.values()].filter(({ from, to }) => this.#rows.has(from) && this.#rows.has(to));
    return { messages: known, links, isLoop: isLoop(rows), isComplete: this.#isComplete };
  }

  /** Adds a message and its links; returns the messages at their other ends. */
  async #visit(message: MessageKey): Promise<MessageKey[]> {
    const { messages } = this.#readers;
    const row = (await messages.find(message.id)).find(({ server }) => server === message.server);
    if (row === undefined) return [];
    this.#rows.set(keyOf(row), row);
    const attempts = await messages.attemptsOf(row);
    return [
      ...(await this.#followReports(row, attempts)),
      ...(await this.#followHops(row, attempts)),
      ...(await this.#followWithoutId(row, attempts)),
      ...(await this.#followMessageId(row)),
      ...(await this.#followAutoreplies(row, attempts)),
      ...(await this.#followAutoreplied(row)),
    ];
  }

  /** Bounces, warnings, delivery reports and automatic replies that name the message with `R=`, and what such a one is about. */
  async #followReports(row: MessageRow, attempts: readonly AttemptRow[]): Promise<MessageKey[]> {
    const { messages } = this.#readers;
    const { server } = row;
    const children = (await messages.childrenOf(row)).map(({ id, timestamp }) => ({ id, server, timestamp }));
    if (children.length > 0) {
      const entries = await messages.eventsOf(row);
      const replies = attempts.filter(isAutoreply);
      const meantimes = new Meantimes(entries);
      for (const [index, child] of children.entries()) {
        // NOTE: Exim logs an event a moment after it tells the postmaster.
        const meantime = meantimes.until(toIso(epochMs(Date.parse(child.timestamp) + SECOND_MS)));
        // NOTE: replies are made while the message is delivered, its bounce at the end.
        const isBounce = index === children.length - 1 && meantime.has("failure");
        const reply = isBounce ? -1 : replies.findIndex((one) => isSoon(one.timestamp, child.timestamp));
        const isToSender = await this.#isToSender(child, row);
        this.#link(row, child, reply === -1 ? reportReason(meantime, isToSender) : "autoreply");
        if (reply === -1) meantimes.beginAfter(child.timestamp);
        else replies.splice(reply, 1);
      }
    }
    return row.parent_id === null ? children : [...children, { id: row.parent_id, server }];
  }

  /** True also where the log does not name who it went to. */
  async #isToSender(report: MessageKey, { sender }: MessageRow): Promise<boolean> {
    const recipients = await this.#readers.messages.recipientsOf(report);
    const to = normaliseAddress(sender ?? "");
    return recipients.length === 0 || recipients.some(({ recipient }) => normaliseAddress(recipient) === to);
  }

  /** To the next Exim and from the one before. */
  async #followHops(row: MessageRow, attempts: readonly AttemptRow[]): Promise<MessageKey[]> {
    const { messages, links, search } = this.#readers;
    const nextIds = new Set(
      attempts.flatMap(({ confirmation }) => (confirmation === null ? [] : (nextHopId(confirmation) ?? []))),
    );
    const found: MessageKey[] = [];
    // Most of many ids are of other software, or of servers that are not stored.
    const known = new Set((await search.findKeys([...nextIds])).map(({ exim_id: id }) => id));
    for (const id of known) {
      for (const next of await messages.find(id)) {
        if (keyOf(next) === keyOf(row)) continue;
        this.#link(row, next, "next_hop");
        found.push(next);
      }
    }
    for (const before of await links.deliveredAs(row.id)) {
      if (keyOf(before) === keyOf(row)) continue;
      this.#link(before, row, "next_hop");
      found.push(before);
    }
    return found;
  }

  /** Other messages with the same Message-ID, and the Exim that made it: `E1vwz8c-0005eI-2Q@mx1.example.org`. */
  async #followMessageId(row: MessageRow): Promise<MessageKey[]> {
    const { messages } = this.#readers;
    const found = await this.#withMessageId(row.header_message_id);
    const maker = makerOf(row.header_message_id);
    if (maker === undefined) return found;
    const makers = (await messages.find(maker)).filter((one) => keyOf(one) !== keyOf(row));
    for (const one of makers) this.#link(one, row, "created_by");
    return [...found, ...makers];
  }

  async #withMessageId(headerMessageId: string | null): Promise<MessageRow[]> {
    if (headerMessageId === null || headerMessageId === "") return [];
    const { search } = this.#readers;
    const order = { key: "time", isAscending: true } as const;
    const filter = { messageId: [headerMessageId] };
    const found = await search.read(await search.find({ filter, order, after: undefined, limit: MOST_MESSAGES }));
    return found.flatMap((one) => (one.kind === "message" ? [one.message] : []));
  }

  /** `=> >bob@example.net`: an automatic reply was made, and nothing names its message. */
  async #followAutoreplies(row: MessageRow, attempts: readonly AttemptRow[]): Promise<MessageKey[]> {
    const found: MessageKey[] = [];
    for (const { final_address, timestamp } of attempts.filter(isAutoreply)) {
      const sentMs = Date.parse(timestamp);
      const near = await this.#localMessages(
        row.server,
        final_address.slice(1),
        sentMs - AUTOREPLY_MS,
        sentMs + AUTOREPLY_MS,
      );
      const [reply, ...others] = near
        .filter((one) => keyOf(one) !== keyOf(row) && one.parent_id === null)
        .sort((one, other) => distance(one.timestamp, timestamp) - distance(other.timestamp, timestamp));
      if (reply === undefined) continue;
      this.#link(row, reply, "autoreply", others.length === 0 ? "correlated" : "guessed");
      found.push(reply);
    }
    return found;
  }

  /** The other way round: a local message that nothing accounts for, and the delivery that made it. */
  async #followAutoreplied(row: MessageRow): Promise<MessageKey[]> {
    if (row.direction !== "local" || row.parent_id !== null) return [];
    const { messages, search } = this.#readers;
    const arrivedMs = Date.parse(row.timestamp);
    for (const { recipient } of await messages.recipientsOf(row)) {
      const filter = {
        recipient: [`>${recipient}`],
        server: [row.server],
        until: epochMs(arrivedMs + AUTOREPLY_MS),
        kind: ["message"] as const,
      };
      const hits = await search.find({ filter, order: NEWEST_FIRST, after: undefined, limit: MOST_MESSAGES });
      const makers: MessageRow[] = [];
      for (const one of await search.read(hits)) {
        if (one.kind !== "message" || keyOf(one.message) === keyOf(row)) continue;
        const attempts = await messages.attemptsOf(one.message);
        const isMaker = attempts.some(
          ({ final_address, timestamp }) => final_address === `>${recipient}` && isSoon(timestamp, row.timestamp),
        );
        if (isMaker) makers.push(one.message);
      }
      const [maker] = makers;
      if (maker === undefined) continue;
      this.#link(maker, row, "autoreply", makers.length === 1 ? "correlated" : "guessed");
      return [maker];
    }
    return [];
  }

  /**
   * To and from other servers where no id tells of it: a mail without a Message-ID. Time, sender and recipient agree, and the size,
   * to which each server adds its headers.
   */
  async #followWithoutId(row: MessageRow, attempts: readonly AttemptRow[]): Promise<MessageKey[]> {
    const { search } = this.#readers;
    if ((row.header_message_id ?? "") !== "" || (await search.timeZones()).size < 2) return [];
    const found: MessageKey[] = [];
    const tries = attempts.filter(({ status, host }) => status === "success" && host !== null);
    for (const { final_address, timestamp, confirmation } of tries) {
      if (confirmation !== null && nextHopId(confirmation) !== undefined) continue;
      const next = (await this.#nearby(row, final_address, Date.parse(timestamp))).filter((one) =>
        isSameMail(row, one),
      );
      for (const one of next) this.#link(row, one, "next_hop", next.length === 1 ? "correlated" : "guessed");
      found.push(...next);
    }
    if (row.host === null && row.ip_address === null) return found;
    for (const { recipient } of await this.#readers.messages.recipientsOf(row)) {
      const before: MessageRow[] = [];
      for (const one of await this.#nearby(row, recipient, Date.parse(row.timestamp), LONGEST_WAY_MS)) {
        if (isSameMail(one, row) && (await this.#wasDeliveredAt(one, recipient, row.timestamp))) before.push(one);
      }
      for (const one of before) this.#link(one, row, "next_hop", before.length === 1 ? "correlated" : "guessed");
      found.push(...before);
    }
    return found;
  }

  /** Messages of other servers for a recipient, that arrived near a time or `beforeMs` before it. */
  async #nearby(
    { server }: MessageRow,
    recipient: string,
    atMs: number,
    beforeMs: number = HOP_MS,
  ): Promise<MessageRow[]> {
    const { search } = this.#readers;
    const filter = {
      recipient: [recipient],
      since: epochMs(atMs - beforeMs),
      until: epochMs(atMs + HOP_MS + 1),
      kind: ["message"] as const,
    };
    const hits = await search.find({ filter, order: NEWEST_FIRST, after: undefined, limit: MOST_MESSAGES });
    return (await search.read(hits)).flatMap((one) =>
      one.kind === "message" && one.message.server !== server ? [one.message] : [],
    );
  }

  async #wasDeliveredAt(message: MessageRow, recipient: string, timestamp: string): Promise<boolean> {
    const attempts = await this.#readers.messages.attemptsOf(message);
    return attempts.some(
      (one) =>
        one.status === "success" &&
        one.host !== null &&
        normaliseAddress(one.final_address) === normaliseAddress(recipient) &&
        distance(one.timestamp, timestamp) <= HOP_MS,
    );
  }

  async #localMessages(server: string, recipient: string, fromMs: number, toMs: number): Promise<MessageRow[]> {
    const { search } = this.#readers;
    const filter = {
      recipient: [recipient],
      server: [server],
      since: epochMs(fromMs),
      until: epochMs(toMs + 1),
      kind: ["message"] as const,
    };
    const hits = await search.find({
      filter,
      order: { key: "time", isAscending: true },
      after: undefined,
      limit: MOST_MESSAGES,
    });
    const found = await search.read(hits);
    return found.flatMap((one) => (one.kind === "message" && one.message.direction === "local" ? [one.message] : []));
  }

  #link(from: MessageKey, to: MessageKey, reason: LinkReason, certainty: Certainty = "direct"): void {
    const link = { from: keyOf(from), to: keyOf(to), reason, certainty };
    const key = `${link.from} ${link.to}`;
    const known = this.#links.get(key);
    // NOTE: several messages may fit at one end alone.
    const isLessSure = known?.certainty === "correlated" && certainty === "guessed";
    if (known === undefined || isLessSure) this.#links.set(key, link);
  }

  /** Links messages of the same Message-ID where nothing else says how a mail went on: each to the one that arrived next. */
  #linkSameMail(rows: readonly MessageRow[]): void {
    const last = new Map<string, MessageRow>();
    const isReached = new Set([...this.#links.values()].map(({ to }) => to));
    for (const row of rows) {
      const id = row.header_message_id;
      if (id === null || id === "") continue;
      const before = last.get(id);
      if (before !== undefined && !isReached.has(keyOf(row))) this.#link(before, row, "same_message_id");
      last.set(id, row);
    }
  }
}

const NEWEST_FIRST = { key: "time", isAscending: false } as const;

/** `=> >ann@example.net <bob@example.org>` */
function isAutoreply({ final_address }: AttemptRow): boolean {
  return final_address.startsWith(">");
}

/** True when nothing speaks against it that a mail of one server went on to another. */
function isSameMail(before: MessageRow, after: MessageRow): boolean {
  const isSmaller = before.size !== null && after.size !== null && after.size < before.size;
  const isLarger = before.size !== null && after.size !== null && after.size > before.size + ADDED_BYTES;
  const hasId = (after.header_message_id ?? "") !== "" || (before.header_message_id ?? "") !== "";
  const isSameSender = normaliseAddress(before.sender ?? "") === normaliseAddress(after.sender ?? "");
  return isSameSender && !isSmaller && !isLarger && !hasId;
}

function distance(one: string, other: string): number {
  return Math.abs(Date.parse(one) - Date.parse(other));
}

function isSoon(one: string, other: string): boolean {
  return distance(one, other) <= AUTOREPLY_MS;
}

type EventRow = Awaited<ReturnType<MessageReader["eventsOf"]>>[number];

/** Kinds of the events of a message between its reports. Both move on in time only, so that each line is looked at once or twice. */
class Meantimes {
  readonly #entries: readonly (EventRow & { readonly timestamp: string })[];
  readonly #all = new Set<string>();
  #fresh = new Set<string>();
  #since = "";
  #next = 0;

  /** `entries`: in the order of time. */
  constructor(entries: readonly EventRow[]) {
    this.#entries = entries.flatMap(({ timestamp, event }) => (timestamp === null ? [] : [{ timestamp, event }]));
  }

  /** Events up to `end` since the last beginning, or all of them if there are none since. */
  until(end: string): ReadonlySet<string> {
    for (; this.#next < this.#entries.length; this.#next++) {
      const entry = this.#entries[this.#next];
      if (entry === undefined || entry.timestamp > end) break;
      this.#all.add(entry.event);
      if (entry.timestamp > this.#since) this.#fresh.add(entry.event);
    }
    return this.#fresh.size > 0 ? this.#fresh : this.#all;
  }

  beginAfter(since: string): void {
    this.#since = since;
    this.#fresh = new Set();
    for (let index = this.#next - 1; index >= 0; index--) {
      const entry = this.#entries[index];
      if (entry === undefined || entry.timestamp <= since) return;
      this.#fresh.add(entry.event);
    }
  }
}

/** By what had happened since the report before. */
function reportReason(events: ReadonlySet<string>, isToSender: boolean): LinkReason {
  // NOTE: nothing else names the sender of a message that was refused.
  if (events.has("rejection") || events.has("not_accepted")) return "bounce";
  if (!isToSender && events.has("frozen")) return "freeze_notice";
  if (events.has("failure") || events.has("cancelled")) return "bounce";
  if (!isToSender) return "notice";
  if (events.has("deferral")) return "delay_warning";
  if (events.has("frozen")) return "freeze_notice";
  return events.has("delivery") ? "delivery_report" : "bounce";
}

/** Exim's id in a Message-ID that Exim made. Source: exim-log-grammar §16. */
function makerOf(headerMessageId: string | null): string | undefined {
  const id = /^E([\w-]+)@/.exec(headerMessageId ?? "")?.[1];
  return id !== undefined && isMessageId(id) ? id : undefined;
}

function isLoop(rows: readonly MessageRow[]): boolean {
  const passes = new Map<string, number>();
  for (const { header_message_id, server } of rows) {
    if (header_message_id === null || header_message_id === "") continue;
    const key = `${server} ${header_message_id}`;
    passes.set(key, (passes.get(key) ?? 0) + 1);
  }
  return [...passes.values()].some((count) => count >= LOOP_PASSES);
}
