/** States what a piece of evidence says of a mail: ids, addresses, times. Pure; what a stranger wrote is read in a time that grows with its length. */
import type { EvidencePart, EvidenceSection } from "../content/evidence-sections.ts";
import { normaliseAddress } from "../message/address.ts";
import { isMessageId, messageIdTime } from "../parse/message-id.ts";
import { type EpochMs, epochMs, HOUR_MS, toIso } from "../units.ts";

/** Ids, addresses and times in one part of the evidence. Addresses as in envelopes; times are ISO-8601 UTC. */
export interface Statement {
  /** `message`: headers of a mail. `bounce`: of a report about one. `returned`: of the mail in it. `report`: its text. `text`: any other. */
  readonly part: EvidencePart;
  /** Ids of the form of Exim's: of `Received`, of a Message-ID that Exim made, of a reply. */
  readonly eximIds: readonly string[];
  /** Without their angle brackets. */
  readonly headerMessageIds: readonly string[];
  /** Ids that other servers gave: of `Received`, of replies such as `queued as 4F2Zk1`. */
  readonly queueIds: readonly string[];
  readonly senders: readonly string[];
  readonly recipients: readonly string[];
  /** Addresses of which the part does not say what they are. */
  readonly addresses: readonly string[];
  readonly subject: string | null;
  /** Times of `Received` and `Date`. */
  readonly times: readonly string[];
}

/** Most of each kind that are looked for. */
const MOST = 50;
/** Text that is looked at for ids and addresses. */
const MOST_TEXT = 256 * 1024;

/** The statements of sections that state something, in their order. */
export function readStatements(sections: readonly EvidenceSection[]): readonly Statement[] {
  return sections.flatMap(withOriginal).map(readSection).filter(isTelling);
}

/** A report may name the mail that it is about in its own headers: `References`, `X-Failed-Recipients`. */
function withOriginal(section: EvidenceSection): readonly EvidenceSection[] {
  if (section.part !== "bounce") return [section];
  const about = section.headers.flatMap(({ name, value }) => {
    const field = name.toLowerCase();
    if (field === "x-failed-recipients") return [{ name: "To", value }];
    const isReference = field === "references" || field === "in-reply-to";
    return isReference ? value.split(" ").map((id) => ({ name: "Message-ID", value: id })) : [];
  });
  return about.length === 0 ? [section] : [section, { part: "returned", headers: about, text: "" }];
}

/** Statement of a text: a reply of a server, a line of a log of another program, an id. */
export function readTextStatement(text: string): Statement | undefined {
  const statement = readSection({ part: "text", headers: [], text });
  return isTelling(statement) ? statement : undefined;
}

function isTelling({ part: _part, subject, times: _times, ...lists }: Statement): boolean {
  return subject !== null || Object.values(lists).some((list) => list.length > 0);
}

/** Texts in their order, each once. */
class Collected {
  readonly #eximIds = new Set<string>();
  readonly #headerMessageIds = new Set<string>();
  readonly #queueIds = new Set<string>();
  readonly #senders = new Set<string>();
  readonly #recipients = new Set<string>();
  readonly #addresses = new Set<string>();
  readonly #times = new Set<string>();
  subject: string | null = null;

  addId(text: string): void {
    const id = text.replace(/^[<(]+|[>),.;]+$/g, "");
    if (isMessageId(id)) put(this.#eximIds, id);
    else if (isQueueId(id)) put(this.#queueIds, id);
  }

  addHeaderMessageId(value: string): void {
    const id = /<([^<>\s]+)>/.exec(value)?.[1] ?? value.trim();
    if (id === "" || /\s/.test(id)) return;
    put(this.#headerMessageIds, id);
    const made = /^E([\w-]+)@/.exec(id)?.[1];
    if (made !== undefined && isMessageId(made)) put(this.#eximIds, made);
  }

  addSenders(value: string): void {
    for (const address of addressesIn(value)) put(this.#senders, address);
  }

  addRecipients(value: string): void {
    for (const address of addressesIn(value)) put(this.#recipients, address);
  }

  addAddresses(value: string): void {
    for (const address of addressesIn(value)) put(this.#addresses, address);
  }

  addTime(value: string): void {
    const at = readTime(value);
    if (at !== undefined) put(this.#times, toIso(at));
  }

  finish(part: EvidencePart): Statement {
    const isPlaced = (address: string): boolean => this.#senders.has(address) || this.#recipients.has(address);
    return {
      part,
      eximIds: [...this.#eximIds],
      headerMessageIds: [...this.#headerMessageIds],
      queueIds: [...this.#queueIds],
      senders: [...this.#senders],
      recipients: [...this.#recipients],
      addresses: [...this.#addresses].filter((one) => !isPlaced(one) && !this.#headerMessageIds.has(one)),
      subject: this.subject,
      times: [...this.#times],
    };
  }
}

function put(set: Set<string>, text: string): void {
  if (set.size < MOST) set.add(text);
}

function readSection({ part, headers, text }: EvidenceSection): Statement {
  const found = new Collected();
  for (const { name, value } of headers) readHeader(name.toLowerCase(), value, found);
  if (text !== "") readText(text.slice(0, MOST_TEXT), found);
  return found.finish(part);
}

/** Fields by what their addresses are. */
const SENDER_FIELDS = /^(?:from|sender|return-path|(?:x-)?envelope-from)$/;
const RECIPIENT_FIELDS = /^(?:to|cc|delivered-to|x-original-to|(?:x-)?envelope-to)$/;
const ID_FIELDS = /^(?:message-id|(?:x-)?original-message-id)$/;

function readHeader(name: string, value: string, found: Collected): void {
  if (ID_FIELDS.test(name)) found.addHeaderMessageId(value);
  else if (name === "received") readReceived(value, found);
  else if (name === "date" || name === "delivery-date") found.addTime(value);
  else if (name === "subject" && value !== "") found.subject ??= value;
  else if (SENDER_FIELDS.test(name)) found.addSenders(value);
  else if (RECIPIENT_FIELDS.test(name)) found.addRecipients(value);
  else if (name === "x-postfix-queue-id") found.addId(value);
}

/** `from x by y (envelope-from <a@b>) with esmtp (Exim 4.96) id 1vx5YS-0006Qu-2n for c@d; Mon, 02 Mar 2026 15:51:32 +0000` */
function readReceived(value: string, found: Collected): void {
  const end = value.lastIndexOf(";");
  if (end !== -1) found.addTime(value.slice(end + 1));
  const clauses = end === -1 ? value : value.slice(0, end);
  const words = clauses.split(/[\s()]+/);
  for (const [index, word] of words.entries()) {
    const next = words[index + 1] ?? "";
    if (word === "id" && next !== "") found.addId(next);
    else if (word === "for") found.addRecipients(next);
    else if (word === "envelope-from") found.addSenders(next);
    else if (word.startsWith("envelope-from=")) found.addSenders(word.slice("envelope-from=".length));
  }
}

/** Fields of a report, wherever they stand. Source: RFC 3464 §2, Postfix bounce(8). */
const REPORT_FIELD = /^[ \t]*(x-postfix-queue-id|x-postfix-sender|arrival-date|original-message-id):(.*)$/gim;
/**
 * Ids in the replies of servers and in their logs: Exim, Postfix, Sendmail, Exchange, Gmail, qmail. Source: exim-log-grammar §16 for
 * Exim; the other programs' own replies.
 */
const REPLY_IDS: readonly RegExp[] = [
  /\bqueued as[: ]{1,4}<?([\w.+/-]{1,100})/gi,
  /(?<![\w-])id=<?([\w.+/-]{1,100})(?!@)/g,
  /\b([\w-]{5,60}) Message accepted for delivery\b/g,
  /\bMessage-ID: ?\[?(\w{5,60})\]?/g,
  /\bInternalId=(\w{5,60})/g,
  /\bOK {1,4}(?:\d{5,20} )?([\w.-]{5,100}) - \w{0,20}smtp\b/g,
  /\bqp (\d{1,20})\b/g,
  /\bqueue ?id[:= ]{1,4}([\w-]{5,60})/gi,
];
const ANY_EXIM_ID =
  /(?<![0-9A-Za-z-])(?:E(?=\w{6}-\w{6,11}-\w{2,4}@))?([0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4}))(?![0-9A-Za-z-])/g;

/** `Message-ID: <20260302.4711@shop.example>`, `message-id=<…>` of Postfix, `id=…` of Exim. */
const NAMED_MESSAGE_ID = /\b(?:message-?id|msgid|id)[=:] {0,4}<?([^\s<>@]{1,250}@[^\s<>@,;]{1,250})/gi;

/** A reply of a server, or a line of a log. */
const LONGEST_REPLY = 2000;
/** In so short a text any word with a digit may be an id of some program. */
const LIKE_AN_ID = /(?<![\w.+/@:-])(?=[A-Za-z_-]*\d)(?!\d{4}-\d\d-\d\d)[\w-]{8,60}(?![\w+/@:-]|\.\w)/g;

function readText(text: string, found: Collected): void {
  for (const [, name = "", value = ""] of text.matchAll(REPORT_FIELD)) {
    if (/^arrival/i.test(name)) found.addTime(value);
    else if (/^original/i.test(name)) found.addHeaderMessageId(value);
    else if (/sender$/i.test(name)) found.addSenders(value.slice(value.indexOf(";") + 1));
    else found.addId(value.trim());
  }
  for (const [, id = ""] of text.matchAll(ANY_EXIM_ID)) found.addId(id);
  for (const form of REPLY_IDS) for (const [, id = ""] of text.matchAll(form)) found.addId(id);
  if (!/\s/.test(text)) found.addId(text);
  else if (text.length <= LONGEST_REPLY) for (const [id] of text.matchAll(LIKE_AN_ID)) found.addId(id);
  for (const [, id = ""] of text.matchAll(NAMED_MESSAGE_ID)) found.addHeaderMessageId(id);
  found.addAddresses(text);
}

/** Long enough, and with a digit, so that it is no word. */
function isQueueId(text: string): boolean {
  return /^[\w.+/-]{5,100}$/.test(text) && /\d/.test(text);
}

/** With what may stand before it. Source: RFC 5321 §4.5.3.1. */
const LONGEST_ADDRESS = 330;
/** No pattern: a `*` or `?` in it would stand for others. */
const ADDRESS = /^[^\s@*?\u0080-\u009f]+@[\p{L}\p{N}_.:[\]-]+$/u;

/** Addresses in a header or text, as in envelopes. */
function addressesIn(value: string): readonly string[] {
  return value.split(/[\s<>,;"'()[\]\\]+/).flatMap((token) => {
    if (token.length > LONGEST_ADDRESS) return [];
    const address = token.replace(/^(?:mailto:|for=|from=|to=)|[.:]+$/gi, "");
    const isAddress = ADDRESS.test(address);
    return isAddress ? [normaliseAddress(address)] : [];
  });
}

/** Longest time that a mail is on its way before the newest line. A clock that dates it may be wrong by as much. */
const EARLIEST_MS = Date.UTC(1990, 0, 1);
const LATEST_MS = Date.UTC(2200, 0, 1);

function readTime(value: string): EpochMs | undefined {
  // NOTE: without a zone it would be a time of this machine's.
  const text = value.trim().slice(0, 100);
  if (!/(?:[+-]\d{4}|\b(?:GMT|UTC?|Z|E[SD]T|C[SD]T|M[SD]T|P[SD]T))\b/.test(text)) return undefined;
  const at = Date.parse(text);
  return at > EARLIEST_MS && at < LATEST_MS ? epochMs(at) : undefined;
}

/** The time that the parts tell of: of dates and of ids of Exim's; undefined when they tell none. The end is not included. */
export function timeOf(
  statements: readonly Statement[],
): { readonly since: EpochMs; readonly until: EpochMs } | undefined {
  const moments = statements.flatMap(({ times, eximIds }) => [
    ...times.map((time) => Date.parse(time)),
    ...eximIds.map((id) => Number(messageIdTime(id))).filter((at) => at > EARLIEST_MS && at < LATEST_MS),
  ]);
  if (moments.length === 0) return undefined;
  return { since: epochMs(Math.min(...moments)), until: epochMs(Math.max(...moments) + HOUR_MS) };
}
