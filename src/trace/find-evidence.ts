/** Finds the messages that evidence is about, and says of each how sure that is. */

import type { EvidencePart } from "../content/evidence-sections.ts";
import { normaliseAddress } from "../message/address.ts";
import type { LinkReader } from "../store/read/link-reader.ts";
import type { MessageKey, MessageReader, MessageRow } from "../store/read/message-reader.ts";
import type { Filter } from "../store/search/filter.ts";
import type { SearchReader } from "../store/search/search-reader.ts";
import { DAY_MS, epochMs, HOUR_MS, MINUTE_MS } from "../units.ts";
import type { Statement } from "./evidence.ts";

/**
 * - `direct`: both state the same id. `correlated`: time, and two or more of sender, recipient and subject agree, with one message alone.
 * - `guessed`: less agrees, or as much with several messages.
 */
export type Certainty = "direct" | "correlated" | "guessed";

export type AgreeingFact = "time" | "sender" | "recipient" | "subject";

/** Facts by which a message was found. */
export interface EvidenceLink {
  /** The part of the evidence: `message`, `bounce`, `returned`, `report` or `text`. */
  readonly part: EvidencePart;
  /** Key of the message. */
  readonly to: string;
  /**
   * `exim_id`: its id. `message_id`: its header Message-ID. `queue_id`: the id that the next server confirmed its delivery with.
   * `report`: the bounce in the database names it. `facts`: no id, but facts agree.
   */
  readonly basis: "exim_id" | "message_id" | "queue_id" | "report" | "facts";
  /** `direct`: both state an id. `correlated`: time and two or more other facts agree, with one message alone. `guessed`: anything less. */
  readonly certainty: Certainty;
  /** The id that both state; null where facts agree. */
  readonly statedId: string | null;
  /** Some of `time`, `sender`, `recipient`, `subject`; none where an id is stated. */
  readonly agreeing: readonly AgreeingFact[];
}

export interface EvidenceFindings {
  /** Messages of the mail itself, or of its bounce where nothing else was found; the surest ones, newest first. */
  readonly messages: readonly MessageRow[];
  /** To these messages, and to the bounce. */
  readonly links: readonly EvidenceLink[];
  readonly isMore: boolean;
}

export interface EvidenceReaders {
  readonly messages: MessageReader;
  readonly search: SearchReader;
  readonly links: LinkReader;
}

/** Messages with as much in common that are compared. */
const MOST_CANDIDATES = 200;
/** Addresses of the evidence that are looked for. */
const MOST_ADDRESSES = 20;
const NEWEST_FIRST = { key: "time", isAscending: false } as const;
/** Clocks of servers, and the time that a mail takes from one to the next, differ by so much. */
const SAME_TIME_MS = 5 * MINUTE_MS;
/** Exim gives up after four days, unless told otherwise. */
const LONGEST_WAY_MS = 7 * DAY_MS;

/** Finds at most `limit` messages that match the filter. `isDirectOnly`: facts that agree are not looked for. */
export async function findEvidence(
  readers: EvidenceReaders,
  statements: readonly Statement[],
  { filter = {}, limit, isDirectOnly = false }: { filter?: Filter; limit: number; isDirectOnly?: boolean },
): Promise<EvidenceFindings> {
  const finder = new Finder(readers);
  for (const statement of statements) await finder.findDirect(statement);
  await finder.findByQueueIds(statements);
  await finder.followBounces();
  if (!isDirectOnly && !finder.hasMail()) await finder.correlate(statements);
  return finder.finish(filter, limit);
}

function keyOf({ id, server }: MessageKey): string {
  return `${id} ${server}`;
}

class Finder {
  readonly #readers: EvidenceReaders;
  readonly #rows = new Map<string, MessageRow>();
  readonly #links = new Map<string, EvidenceLink>();

  constructor(readers: EvidenceReaders) {
    this.#readers = readers;
  }

  /** By ids of Exim's and Message-IDs. */
  async findDirect(statement: Statement): Promise<void> {
    const { messages, search, links } = this.#readers;
    const { part, eximIds, headerMessageIds } = statement;
    const known = new Set((await search.findKeys([...eximIds])).map(({ exim_id: id }) => id));
    for (const id of known) {
      const found = await messages.find(id);
      const same = found.filter((row) => headerMessageIds.includes(row.header_message_id ?? ""));
      const chosen = same.length > 0 ? same : found;
      // NOTE: an id is unique on one server only.
      const certainty = chosen.length === 1 ? "direct" : "guessed";
      for (const row of chosen) this.#add(row, { part, basis: "exim_id", certainty, statedId: id, agreeing: [] });
    }
    for (const id of eximIds) {
      for (const key of await links.deliveredAs(id)) await this.#addKey(key, part, "queue_id", id);
    }
    if (headerMessageIds.length === 0) return;
    const filter: Filter = { kind: ["message"], messageId: headerMessageIds };
    for (const row of await this.#search(filter, MOST_CANDIDATES)) {
      const statedId = row.header_message_id;
      this.#add(row, { part, basis: "message_id", certainty: "direct", statedId, agreeing: [] });
    }
  }

  /** By ids that other servers gave, of all parts at once: each look goes through all deliveries. */
  async findByQueueIds(statements: readonly Statement[]): Promise<void> {
    const parts = new Map(statements.flatMap(({ part, queueIds }) => queueIds.map((id) => [id, part] as const)));
    for (const found of await this.#readers.links.confirmedAs([...parts.keys()])) {
      await this.#addKey(found, parts.get(found.queueId) ?? "text", "queue_id", found.queueId);
    }
  }

  /** A bounce that Exim made names its message. */
  async followBounces(): Promise<void> {
    if (this.hasMail()) return;
    for (const bounce of [...this.#rows.values()]) {
      if (bounce.parent_id === null) continue;
      const { server, parent_id: id } = bounce;
      await this.#addKey({ id, server }, "report", "report", id);
    }
  }

  /** True when a message of the mail itself was found, and not its bounce alone. */
  hasMail(): boolean {
    return [...this.#links.values()].some(({ part }) => part !== "bounce");
  }

  /** By facts: the mail that a bounce is about, or the one whose headers there are. */
  async correlate(statements: readonly Statement[]): Promise<void> {
    const wanted = toWanted(statements);
    const [first = [], second = []] = [wanted.recipients, wanted.senders];
    const addresses = [...(first.length > 0 ? first : second)].slice(0, MOST_ADDRESSES);
    if (addresses.length === 0) return;
    const { earliestMs, latestMs } = wanted;
    const filter: Filter = {
      kind: ["message"],
      address: addresses,
      ...(earliestMs !== undefined && { since: epochMs(earliestMs) }),
      ...(latestMs !== undefined && { until: epochMs(latestMs) }),
    };
    const judged: { readonly row: MessageRow; readonly agreeing: readonly AgreeingFact[] }[] = [];
    for (const row of await this.#search(filter, MOST_CANDIDATES)) {
      const isAnother = row.header_message_id !== null && wanted.headerMessageIds.length > 0;
      // NOTE: a message with the same Message-ID was found by that.
      if (isAnother || this.#rows.has(keyOf(row))) continue;
      const agreeing = await this.#agreeing(row, wanted);
      if (agreeing.length > 0) judged.push({ row, agreeing });
    }
    const best = judged.reduce((most, { agreeing }) => Math.max(most, agreeing.length), 0);
    const chosen = judged.filter(({ agreeing }) => agreeing.length === best);
    for (const { row, agreeing } of chosen) {
      const isSure = chosen.length === 1 && best >= 3 && agreeing.includes("time");
      const certainty = isSure ? "correlated" : "guessed";
      this.#add(row, { part: wanted.part, basis: "facts", certainty, statedId: null, agreeing });
    }
  }

  async finish(filter: Filter, limit: number): Promise<EvidenceFindings> {
    const links = await this.#matching(filter);
    const mail = links.filter(({ part }) => part !== "bounce");
    const shown = mail.length > 0 ? mail : links;
    const best = CERTAINTIES.find((certainty) => shown.some((link) => link.certainty === certainty));
    const keys = new Set(shown.flatMap((link) => (link.certainty === best ? [link.to] : [])));
    const rows = [...keys].flatMap((key) => this.#rows.get(key) ?? []);
    rows.sort((one, other) => (one.timestamp < other.timestamp ? 1 : -1));
    const messages = rows.slice(0, limit);
    const shownKeys = new Set(messages.map(keyOf));
    return {
      messages,
      links: links.filter(({ part, to }) => part === "bounce" || shownKeys.has(to)),
      isMore: rows.length > limit,
    };
  }

  /** Links to messages that match the filter. */
  async #matching(filter: Filter): Promise<readonly EvidenceLink[]> {
    const links = [...this.#links.values()];
    if (Object.keys(filter).length === 0 || links.length === 0) return links;
    const eximId = [...this.#rows.values()].map(({ id }) => id);
    const found = await this.#search({ ...filter, kind: ["message"], eximId }, MOST_CANDIDATES);
    const keys = new Set(found.map(keyOf));
    return links.filter(({ to }) => keys.has(to));
  }

  async #agreeing(row: MessageRow, wanted: Wanted): Promise<readonly AgreeingFact[]> {
    const recipients = (await this.#readers.messages.recipientsOf(row)).map(({ recipient }) => recipient);
    const isNear = (iso: string | null): boolean =>
      iso !== null && wanted.times.some((time) => Math.abs(Date.parse(iso) - time) <= SAME_TIME_MS);
    const isOne = (address: string | null, some: readonly string[]): boolean =>
      address !== null && some.some((one) => one.toLowerCase() === normaliseAddress(address).toLowerCase());
    const facts: readonly (readonly [AgreeingFact, boolean])[] = [
      ["time", isNear(row.timestamp) || (wanted.isOfBounce && isNear(row.completed_at))],
      ["sender", isOne(row.sender, wanted.senders)],
      ["recipient", recipients.some((one) => isOne(one, wanted.recipients))],
      ["subject", wanted.subjects.length > 0 && wanted.subjects.includes(row.subject ?? "")],
    ];
    return facts.flatMap(([fact, agrees]) => (agrees ? [fact] : []));
  }

  async #search(filter: Filter, limit: number): Promise<MessageRow[]> {
    const { search } = this.#readers;
    const hits = await search.find({ filter, order: NEWEST_FIRST, after: undefined, limit });
    return (await search.read(hits)).flatMap((one) => (one.kind === "message" ? [one.message] : []));
  }

  async #addKey(key: MessageKey, part: EvidencePart, basis: EvidenceLink["basis"], statedId: string): Promise<void> {
    const rows = await this.#readers.messages.find(key.id);
    for (const row of rows) {
      if (row.server === key.server) this.#add(row, { part, basis, certainty: "direct", statedId, agreeing: [] });
    }
  }

  /** The first link of a part to a message is kept, unless another is surer. */
  #add(row: MessageRow, link: Omit<EvidenceLink, "to">): void {
    const to = keyOf(row);
    const place = `${link.part} ${to}`;
    const before = this.#links.get(place);
    this.#rows.set(to, row);
    if (before === undefined || isSurer(link, before)) this.#links.set(place, { ...link, to });
  }
}

const CERTAINTIES: readonly Certainty[] = ["direct", "correlated", "guessed"];

function isSurer(one: Pick<EvidenceLink, "certainty">, other: Pick<EvidenceLink, "certainty">): boolean {
  return CERTAINTIES.indexOf(one.certainty) < CERTAINTIES.indexOf(other.certainty);
}

/** Facts of the mail to be found. */
interface Wanted {
  readonly part: EvidencePart;
  readonly isOfBounce: boolean;
  readonly senders: readonly string[];
  readonly recipients: readonly string[];
  readonly headerMessageIds: readonly string[];
  readonly subjects: readonly string[];
  /** Epoch ms. */
  readonly times: readonly number[];
  readonly earliestMs: number | undefined;
  readonly latestMs: number | undefined;
}

/** Facts about the mail: a bounce goes to its sender, and was made when it failed. */
function toWanted(statements: readonly Statement[]): Wanted {
  const bounce = statements.find(({ part }) => part === "bounce");
  const own = statements.filter(({ part }) => part !== "bounce");
  const all = (
    of: (statement: Statement) => readonly string[],
    some: readonly Statement[] = own,
  ): readonly string[] => [...new Set(some.flatMap(of))];
  const times = all(({ times: stated }) => stated, statements).map((time) => Date.parse(time));
  const unplaced = all(({ addresses }) => addresses);
  const [senders, recipients] = [all(({ senders: some }) => some), all(({ recipients: some }) => some)];
  const isOfBounce = bounce !== undefined;
  return {
    part: own[0]?.part ?? "report",
    isOfBounce,
    senders: [...senders, ...(bounce?.recipients ?? []), ...(isOfBounce ? [] : unplaced)],
    recipients: [...recipients, ...unplaced.filter((one) => bounce?.recipients.includes(one) !== true)],
    headerMessageIds: all(
      ({ headerMessageIds }) => headerMessageIds,
      own.filter(({ part }) => part !== "text"),
    ),
    subjects: own.flatMap(({ subject }) => subject ?? []),
    times,
    earliestMs: times.length === 0 ? undefined : Math.min(...times) - (isOfBounce ? LONGEST_WAY_MS : HOUR_MS),
    latestMs: times.length === 0 ? undefined : Math.max(...times) + HOUR_MS,
  };
}
