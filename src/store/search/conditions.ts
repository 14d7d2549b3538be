/** A filter as SQL: what must hold of a row of `stored_messages m`, or of a line that belongs to no message. */
import { type Expression, type Kysely, type RawBuilder, type SqlBool, sql } from "kysely";
import { SECOND_MS } from "../../units.ts";
import { type PostingKind, textKey } from "../log-text/postings.ts";
import { isNoteFor } from "../people/people-reader.ts";
import { HAS_NO_ARRIVAL, IS_INDEXED_BY_STATUS } from "../schema/codes.ts";
import { templatesOf } from "../schema/error-templates.ts";
import { MESSAGE_MS_SQL } from "../schema/moment-sql.ts";
import type { Schema } from "../schema/tables.ts";
import type { Filter, Pattern, Range } from "./filter.ts";
import { ARRIVAL_SIGNATURES, DELIVERY_SENDERS, isPanic, PANICKING } from "./findings.ts";
import { containing, findIpIds, findTextIds, toLike } from "./text-lookup.ts";

export type Condition = RawBuilder<SqlBool>;

/** Posting keys of which every match has one, by which blocks are found. */
export interface PostingKeys {
  readonly kind: PostingKind;
  readonly keys: readonly number[];
}

/** Posting keys of a condition on messages and lines. */
export interface ConditionPostings extends PostingKeys {
  /** True where messages whose arrival no log showed may match without a posting. */
  readonly lacksUnarrived: boolean;
}

export interface Conditions {
  readonly message: readonly Condition[];
  /** Undefined when no line that belongs to no message can match. */
  readonly entry: readonly Condition[] | undefined;
  /** On a line about a recipient, as `address_events a` with `delivery_paths y` and `delivery_problems b`: what tells it from others of its message. */
  readonly attempt: readonly Condition[];
  /** One for each condition that names its matches. */
  readonly postings: readonly ConditionPostings[];
}

/** Arrival of a message, or the time of its first line if it never arrived in the log. */
export const MESSAGE_AT: Expression<number> = sql`coalesce(m.arrival_at, m.first_at)`;

/** The same in epoch milliseconds. */
export const MESSAGE_MS: Expression<number> = sql.raw(MESSAGE_MS_SQL);

/** Milliseconds a message was on the queue, as far as the log goes. */
export const QUEUE_MS: Expression<number> = sql`coalesce(m.queue_ms, (coalesce(m.completed_at, m.last_at) - m.arrival_at) / 1000)`;

/** Events that belong to no message and say nothing of mail. */
const HOUSEKEEPING = ["queue_run", "daemon", "configuration"];

export class ConditionBuilder {
  readonly #database: Kysely<Schema>;
  readonly #message: Condition[] = [];
  #entry: Condition[] | undefined = [];
  readonly #attempt: Condition[] = [];
  readonly #postings: ConditionPostings[] = [];

  constructor(database: Kysely<Schema>) {
    this.#database = database;
  }

  async build(filter: Filter): Promise<Conditions> {
    await this.#addPeople(filter);
    await this.#addHosts(filter);
    await this.#addMessageFields(filter);
    await this.#addDeliveries(filter);
    this.#addPlaces(filter);
    return { message: this.#message, entry: this.#entry, attempt: this.#attempt, postings: this.#postings };
  }

  async #addPeople({ sender, recipient, address, domain, auth }: Filter): Promise<void> {
    const given = (patterns: readonly Pattern[] | undefined) => this.#textIds("addresses", patterns);
    const senders = await given(sender);
    if (senders !== undefined) {
      this.#addPostings("address", senders.list, { lacksUnarrived: true });
      this.#add(either(isSentBy(senders, sender)), clientIn(senders, "sender_id"));
    }
    const recipients = await given(recipient);
    if (recipients !== undefined) {
      this.#addPostings("address", recipients.list);
      this.#add(either(isSentTo(recipients)), clientIn(recipients, "recipient_id"));
      this.#attempt.push(either([isIn("a.recipient_id", recipients), isIn("a.final_id", recipients)]));
    }
    for (const patterns of [address, domain?.map((name) => `*@${name}`)]) {
      const ids = await given(patterns);
      if (ids === undefined) continue;
      this.#addPostings("address", ids.list, { lacksUnarrived: true });
      this.#add(either(isSentByOrTo(ids, patterns)), clientIn(ids, "sender_id", "recipient_id"));
    }
    const logins = await this.#textIds("strings", auth?.flatMap(toLogins));
    if (logins === undefined) return;
    this.#addPostings("string", logins.list);
    this.#add(either([isIn("m.auth_id", logins), clientOfMessage(logins, "auth_id")]), clientIn(logins, "auth_id"));
  }

  async #addHosts({ host, ip, helo }: Filter): Promise<void> {
    const hosts = await this.#textIds("strings", host);
    const ips = isGiven(ip) ? new Ids(await findIpIds(this.#database, ip)) : undefined;
    for (const [ids, column] of [[hosts, "host_id"] as const, [ips, "ip_id"] as const]) {
      if (ids === undefined) continue;
      this.#addPostings("string", ids.list);
      const isMet = [isIn(`m.${column}`, ids), delivery(isIn(`y.${column}`, ids)), clientOfMessage(ids, column)];
      this.#add(either(isMet), clientIn(ids, column));
    }
    const greetings = await this.#textIds("strings", helo);
    if (greetings === undefined) return;
    const isMet = [isIn("m.helo_id", greetings), clientOfMessage(greetings, "helo_id")];
    this.#add(either(isMet), clientIn(greetings, "helo_id"));
  }

  async #addMessageFields({
    ident,
    subject,
    eximId,
    messageId,
    tag,
    note,
    notedBy,
    noteReader,
    status,
    tls,
    size,
    queueSeconds,
    signature,
    spamScore,
  }: Filter): Promise<void> {
    const idents = await this.#textIds("strings", ident);
    if (idents !== undefined) this.#add(isIn("m.ident_id", idents));
    if (isGiven(subject)) this.#add(either(subject.map((part) => isLike("m.subject", containing(part)))));
    if (isGiven(eximId)) this.#add(sql`m.exim_id IN (SELECT value FROM json_each(${JSON.stringify(eximId)}))`);
    if (isGiven(messageId)) {
      const plain = messageId.map((id) => id.replace(/^<(.*)>$/, "$1"));
      this.#addPostings("message_id", plain.map(textKey));
      this.#add(either(plain.map((id) => sql<SqlBool>`m.header_message_id = ${id}`)));
    }
    if (isGiven(tag)) {
      const names = either(tag.map((pattern) => isLike("g.tag", pattern)));
      this.#add(sql`m.id IN (SELECT t.id FROM stored_tags g JOIN stored_messages t
        ON t.exim_id = g.exim_id AND t.server_id = g.server_id WHERE ${names})`);
    }
    if (isGiven(note) || isGiven(notedBy)) {
      const isMet: Condition[] = [isNoteFor(noteReader ?? "", "g")];
      if (isGiven(note)) isMet.push(either(note.map((part) => isLike("g.note", containing(part)))));
      if (isGiven(notedBy)) isMet.push(either(notedBy.map((pattern) => isLike("g.author", pattern))));
      this.#add(sql`m.id IN (SELECT t.id FROM stored_notes g JOIN stored_messages t
        ON t.exim_id = g.exim_id AND t.server_id = g.server_id WHERE ${sql.join(isMet, sql` AND `)})`);
    }
    if (isGiven(status)) {
      const names = JSON.stringify(status);
      // NOTE: the second half lets SQLite take the index of those that are not delivered.
      const isRare = status.every((name) => name !== "delivered" && name !== "partial");
      this.#add(
        sql`m.status IN (SELECT code FROM codes WHERE family = 'message_status' AND name IN (SELECT value FROM json_each(${names})))${
          isRare ? sql` AND ${sql.raw(IS_INDEXED_BY_STATUS)}` : sql``
        }`,
        status.includes("rejected") ? sql`j.entry_id IS NOT NULL` : undefined,
      );
    }
    const ciphers = await this.#textIds("strings", tls?.map(containing));
    if (ciphers !== undefined) this.#add(either([isIn("m.tls_id", ciphers), delivery(isIn("y.tls_id", ciphers))]));
    if (isGiven(signature)) this.#addSignatures(signature);
    if (isGiven(spamScore)) {
      const score = sql<number>`CAST(json_extract(d.text, '$[1]') AS REAL)`;
      const ranges = spamScore.map(
        ({ least, most }) => sql<SqlBool>`${score} BETWEEN ${least ?? -MOST_SCORE} AND ${most ?? MOST_SCORE}`,
      );
      this.#addFinding(sql`d.text LIKE '["spam_score",%' AND ${either(ranges)}`);
    }
    if (isGiven(size)) this.#add(either(size.map((range) => isWithin(sql`m.size`, range, 1))));
    if (isGiven(queueSeconds)) this.#add(either(queueSeconds.map((range) => isWithin(QUEUE_MS, range, SECOND_MS))));
  }

  /** `results`: the beginning of one, and `"` where it is whole: `dkim=`, `dkim=fail"`. */
  #addSignatures(results: readonly string[]): void {
    const said = either(results.map((result) => isLike("d.text", `["signature","${result}*`)));
    const { mayBeIn, from, result } = ARRIVAL_SIGNATURES;
    const isOne = either(
      results.map((one) => sql<SqlBool>`(${sql.raw(result)} || '"') LIKE ${toLike(`${one}*`)} ESCAPE '\\'`),
    );
    this.#addFinding(sql`(${said} OR (l.event = ${codeOf("event", "arrival")} AND ${sql.raw(mayBeIn("d.text"))}
      AND EXISTS (SELECT 1 FROM ${sql.raw(from("d.text"))} WHERE ${isOne})))`);
  }

  /** Requires a line that says something, of the message or as the hit itself. */
  #addFinding(condition: Condition): void {
    this.#add(
      sql`EXISTS (SELECT 1 FROM stored_entries l JOIN strings d ON d.id = l.details_id
        WHERE l.message_id = m.id AND ${condition})`,
      sql`EXISTS (SELECT 1 FROM stored_entries l JOIN strings d ON d.id = l.details_id WHERE l.id = e.id AND ${condition})`,
    );
  }

  async #addDeliveries({ code, reason, transport, router }: Filter): Promise<void> {
    if (isGiven(code)) {
      const enhanced = (await this.#textIds("strings", code)) ?? new Ids([]);
      const replies = code.map((pattern) => isLike("b.smtp_code", pattern));
      const isReply = either([...replies, isIn("b.enhanced_id", enhanced)]);
      this.#add(delivery(isReply));
      this.#attempt.push(isReply);
    }
    if (isGiven(reason)) {
      const errors: Condition[] = [];
      const refusals: Condition[] = [];
      for (const part of reason) {
        const ids = (await this.#textIds("strings", templatesOf(part).map(containing))) ?? new Ids([]);
        errors.push(sql`(${isIn("b.error_id", ids)} AND ${FULL_ERROR} LIKE ${toLike(containing(part))} ESCAPE '\\')`);
        refusals.push(
          sql`(${isIn("j.reason_id", ids)} AND ${FULL_REASON} LIKE ${toLike(containing(part))} ESCAPE '\\')`,
        );
      }
      const isRefused = sql<SqlBool>`EXISTS (SELECT 1 FROM stored_entries l JOIN stored_rejections j ON j.entry_id = l.id
        WHERE l.message_id = m.id AND ${either(refusals)})`;
      this.#add(either([delivery(either(errors)), isRefused]), either(refusals));
      this.#attempt.push(either(errors));
    }
    for (const [patterns, column] of [[transport, "y.transport_id"] as const, [router, "y.router_id"] as const]) {
      const ids = await this.#textIds("strings", patterns);
      if (ids === undefined) continue;
      this.#add(delivery(isIn(column, ids)));
      this.#attempt.push(isIn(column, ids));
    }
  }

  #addPlaces({ server, event, logType, kind, since, until, slowerThanSeconds, withHousekeeping }: Filter): void {
    if (isGiven(server)) {
      const names = isServer(server);
      const isThere = (column: string): Condition =>
        sql`${sql.ref(column)} IN (SELECT id FROM stored_servers WHERE ${names})`;
      this.#add(isThere("m.server_id"), isThere("e.server_id"));
    }
    const codesOf = (names: readonly string[]): RawBuilder<unknown> =>
      sql`(SELECT code FROM codes WHERE family = 'event' AND name IN (SELECT value FROM json_each(${JSON.stringify(names)})))`;
    if (isGiven(event)) {
      this.#add(
        sql`EXISTS (SELECT 1 FROM stored_entries l WHERE l.message_id = m.id AND l.event IN ${codesOf(event)})`,
        sql`e.event IN ${codesOf(event)}`,
      );
    } else if (withHousekeeping !== true) {
      // A line of the panic log is never housekeeping when that log is asked for.
      const isPanicking = logType?.includes("panic") === true ? sql` OR ${isOfLog(["panic"], "e")}` : sql``;
      this.#entry?.push(sql`(e.event NOT IN ${codesOf(HOUSEKEEPING)}${isPanicking})`);
    }
    if (isGiven(logType)) {
      this.#add(
        sql`EXISTS (SELECT 1 FROM stored_entries l WHERE l.message_id = m.id AND ${isOfLog(logType, "l")})`,
        isOfLog(logType, "e"),
      );
    }
    if (isGiven(kind)) {
      if (!kind.includes("message")) this.#message.push(sql`0`);
      if (!kind.includes("rejection") && !kind.includes("event")) this.#entry = undefined;
      else if (!kind.includes("rejection")) this.#entry?.push(sql`j.entry_id IS NULL`);
      else if (!kind.includes("event")) this.#entry?.push(sql`j.entry_id IS NOT NULL`);
    }
    if (slowerThanSeconds !== undefined) {
      const end = sql`coalesce(m.completed_at, iif(m.status = ${codeOf("message_status", "rejected")}, m.last_at, NULL))`;
      this.#message.push(sql`(${end} IS NULL OR ${end} - m.first_at > ${slowerThanSeconds * SECOND_MS * 1000})`);
    }
    if (since !== undefined) this.#add(sql`${MESSAGE_MS} >= ${since}`, sql`e.at >= ${since * 1000}`);
    if (until !== undefined) this.#add(sql`${MESSAGE_MS} < ${until}`, sql`e.at < ${until * 1000}`);
  }

  #add(message: Condition, entry?: Condition): void {
    this.#message.push(message);
    if (entry === undefined) this.#entry = undefined;
    else this.#entry?.push(entry);
  }

  #addPostings(kind: PostingKind, keys: readonly number[], { lacksUnarrived } = { lacksUnarrived: false }): void {
    this.#postings.push({ kind, keys, lacksUnarrived });
  }

  async #textIds(texts: "addresses" | "strings", patterns: readonly Pattern[] | undefined): Promise<Ids | undefined> {
    return isGiven(patterns) ? new Ids(await findTextIds(this.#database, texts, patterns)) : undefined;
  }
}

/** No scanner gives more. */
const MOST_SCORE = 1e9;

const LOG_BITS = { main: 1, reject: 2, panic: 4 } as const;

/** That an entry is seen in one of the logs; in the panic log also what counts as a panic in another one. */
function isOfLog(logTypes: readonly (keyof typeof LOG_BITS)[], entry: "e" | "l"): Condition {
  const bits = logTypes.reduce((sum, name) => sum | LOG_BITS[name], 0);
  const isSeen = sql<SqlBool>`${sql.ref(`${entry}.seen_in`)} & ${bits}`;
  if (!logTypes.includes("panic")) return isSeen;
  const kinds = PANICKING.map((kind) => codeOf("event", kind));
  const event = sql.ref(`${entry}.event`);
  return sql`(${isSeen} OR ${event} = ${codeOf("event", "panic")}
    OR ${event} IN (${sql.join(kinds)}) AND ${isPanic(`${entry}.details_id`)})`;
}

function codeOf(family: string, name: string): RawBuilder<number> {
  return sql`(SELECT code FROM codes WHERE family = ${family} AND name = ${name})`;
}

/** Ids that a column may have. */
class Ids {
  readonly list: readonly number[];
  readonly json: string;

  constructor(list: readonly number[]) {
    this.list = list;
    this.json = JSON.stringify(list);
  }
}

function isGiven<Value>(values: readonly Value[] | undefined): values is readonly Value[] {
  return values !== undefined && values.length > 0;
}

/** The full error or reason of a row: a template leaves out what the row has in columns of its own (see error-templates.ts). */
const FULL_ERROR = sql`(SELECT replace(t.text, char(2), (SELECT address FROM addresses WHERE id = a.recipient_id))
  FROM strings t WHERE t.id = b.error_id)`;
const FULL_REASON = sql`(SELECT replace(replace(replace(t.text,
    char(1), coalesce((SELECT text FROM strings WHERE id = j.ip_id), '')),
    char(2), coalesce((SELECT address FROM addresses WHERE id = j.recipient_id), '')),
    char(3), coalesce((SELECT address FROM addresses WHERE id = j.sender_id), ''))
  FROM strings t WHERE t.id = j.reason_id)`;

/** `bob` is the account of `PLAIN:bob`. */
function toLogins(login: Pattern): Pattern[] {
  return login.includes(":") ? [login] : [login, `*:${login}`];
}

function isIn(column: string, { list, json }: Ids): Condition {
  if (list.length === 0) return sql`0`;
  return list.length === 1
    ? sql`${sql.ref(column)} = ${list[0]}`
    : sql`${sql.ref(column)} IN (SELECT value FROM json_each(${json}))`;
}

function isLike(column: string, pattern: Pattern): Condition {
  return sql`${sql.ref(column)} LIKE ${toLike(pattern)} ESCAPE '\\'`;
}

function isWithin(value: Expression<unknown>, { least, most }: Range, unit: number): Condition {
  return sql`${value} BETWEEN ${least === undefined ? 0 : least * unit} AND ${most === undefined ? Number.MAX_SAFE_INTEGER : most * unit}`;
}

/** Condition that the row of a server has one of these names. */
export function isServer(names: readonly Pattern[]): Condition {
  return either(names.map((pattern) => isLike("name", pattern)));
}

function either(conditions: readonly Condition[]): Condition {
  return sql`(${sql.join(conditions, sql` OR `)})`;
}

/** A line about a recipient of the message, for which something holds. */
function delivery(condition: Condition): Condition {
  return sql`EXISTS (SELECT 1 FROM stored_entries l JOIN address_events a ON a.entry_id = l.id
    LEFT JOIN delivery_paths y ON y.id = a.path_id LEFT JOIN delivery_problems b ON b.id = a.problem_id
    WHERE l.message_id = m.id AND ${condition})`;
}

/** The conditions that are quick to check stand first, since SQLite ends at one that holds. */
function isSentBy(ids: Ids, patterns: readonly Pattern[] = []): readonly Condition[] {
  return [isIn("m.sender_id", ids), isDeliveredFrom(patterns), clientOfMessage(ids, "sender_id")];
}

function isSentTo(ids: Ids): readonly Condition[] {
  return [isRecipient(ids), lineOfMessage(ids, "a.final_id", "j.recipient_id", "k.recipient_id")];
}

/** Either of the two, with one look at the lines of a message. */
function isSentByOrTo(ids: Ids, patterns: readonly Pattern[] = []): readonly Condition[] {
  const columns = ["a.final_id", "j.sender_id", "j.recipient_id", "k.sender_id", "k.recipient_id"] as const;
  return [isIn("m.sender_id", ids), isRecipient(ids), isDeliveredFrom(patterns), lineOfMessage(ids, ...columns)];
}

/** That a delivery names the sender, where the arrival was not read. Such addresses may be in no table of texts. */
function isDeliveredFrom(patterns: readonly Pattern[]): Condition {
  const { mayBeIn, from, sender } = DELIVERY_SENDERS;
  const isOne = either(patterns.map((one) => sql<SqlBool>`${sql.raw(sender)} LIKE ${toLike(one)} ESCAPE '\\'`));
  return sql`(${sql.raw(HAS_NO_ARRIVAL)} AND EXISTS (SELECT 1 FROM stored_entries l JOIN strings d ON d.id = l.details_id
    WHERE l.message_id = m.id AND ${sql.raw(mayBeIn("d.text"))}
    AND EXISTS (SELECT 1 FROM ${sql.raw(from("d.text"))} WHERE ${isOne})))`;
}

/** With more ids than this, a message's few recipients are cheaper to check than the ids are to look up. */
const MOST_LOOKED_UP = 8;

function isRecipient(ids: Ids): Condition {
  // NOTE: the plus keeps SQLite from looking up each of the ids among the recipients of each message.
  const isAmong =
    ids.list.length > MOST_LOOKED_UP
      ? sql`+r.address_id IN (SELECT value FROM json_each(${ids.json}))`
      : isIn("r.address_id", ids);
  return sql`EXISTS (SELECT 1 FROM stored_recipients r WHERE r.message_id = m.id AND ${isAmong})`;
}

/** A line of the message that names one: about a recipient as `a`, a rejection as `j`, another client as `k`. */
function lineOfMessage(ids: Ids, ...columns: readonly `${"a" | "j" | "k"}.${string}`[]): Condition {
  return sql`EXISTS (SELECT 1 FROM stored_entries l LEFT JOIN address_events a ON a.entry_id = l.id
    LEFT JOIN stored_rejections j ON j.entry_id = l.id LEFT JOIN stored_clients k ON k.entry_id = l.id
    WHERE l.message_id = m.id AND ${either(columns.map((column) => isIn(column, ids)))})`;
}

type ClientColumn = "host_id" | "helo_id" | "ip_id" | "sender_id" | "recipient_id" | "auth_id";

/** The remote side of a line that is no arrival: a rejection after DATA, or a host that failed. */
function clientOfMessage(ids: Ids, column: ClientColumn): Condition {
  return sql`EXISTS (SELECT 1 FROM stored_entries l LEFT JOIN stored_rejections j ON j.entry_id = l.id
    LEFT JOIN stored_clients k ON k.entry_id = l.id
    WHERE l.message_id = m.id AND (${isIn(`j.${column}`, ids)} OR ${isIn(`k.${column}`, ids)}))`;
}

/** The same of a line that belongs to no message. */
function clientIn(ids: Ids, ...columns: readonly ClientColumn[]): Condition {
  return either(columns.flatMap((column) => [isIn(`j.${column}`, ids), isIn(`k.${column}`, ids)]));
}
