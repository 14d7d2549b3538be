/** Counts lines by the rules of eximstats, wrong ones too, so that its users can check us number by number. */
import { messageIdTime } from "../../parse/message-id.ts";
import { compareText, detach } from "../../text.ts";
import { type EpochMs, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../units.ts";
import { acceptLine, type CountedLine, type Dialect } from "./accept-line.ts";
import { rejectReasonOf } from "./reject-reason.ts";

export interface League {
  readonly key: string;
  readonly messages: number;
  /** Zero where they are not counted. */
  readonly addresses: number;
  readonly bytes: number;
}

/** What senders and destinations can be told apart by. */
export const HOST_KEYS = ["host", "domain", "email", "edomain"] as const;
export type HostKey = (typeof HOST_KEYS)[number];
type Keys = Readonly<Record<HostKey, string>>;

export interface TransportCount {
  readonly transport: string;
  readonly messages: number;
  readonly bytes: number;
}

export interface Relay {
  /** `host[ip] sender`, and the same of where it went; in lower case. */
  readonly from: string;
  readonly to: string;
  readonly count: number;
}

export interface EximstatsReport {
  readonly dialect: Dialect;
  /** First and last stamp that was counted, as logged; null when nothing was. */
  readonly from: string | null;
  readonly until: string | null;
  readonly received: { readonly messages: number; readonly bytes: number };
  readonly delivered: { readonly messages: number; readonly addresses: number; readonly bytes: number };
  readonly delayed: number;
  readonly failed: number;
  readonly rejects: { readonly messages: number; readonly hosts: number };
  readonly temporaryRejects: { readonly messages: number; readonly hosts: number };
  readonly senders: Readonly<Record<HostKey, readonly League[]>>;
  readonly destinations: Readonly<Record<HostKey, readonly League[]>>;
  readonly localSenders: readonly League[];
  readonly localDestinations: readonly League[];
  readonly transports: readonly TransportCount[];
  /** By quarter of an hour of the day. */
  readonly receivedByQuarter: readonly number[];
  readonly deliveredByQuarter: readonly number[];
  /** Seconds, and how many messages were on the queue so long; shortest first. */
  readonly queueTimes: readonly (readonly [seconds: number, messages: number])[];
  /** The same of messages with a delivery to another host. */
  readonly remoteQueueTimes: readonly (readonly [seconds: number, messages: number])[];
  readonly relays: readonly Relay[];
  readonly rejectReasons: readonly League[];
  readonly temporaryRejectReasons: readonly League[];
  readonly rejectedIps: readonly League[];
  readonly temporarilyRejectedIps: readonly League[];
  /** Text of `**` lines. */
  readonly errors: readonly { readonly text: string; readonly count: number }[];
}

interface OpenMessage {
  size: number;
  hasArrived: boolean;
  arrivedAt: string | undefined;
  /** `host[ip] sender` of a message from another host. */
  origin: string | undefined;
  isDelayed: boolean;
  isFailed: boolean;
  isRemote: boolean;
}

interface Counts {
  messages: number;
  addresses: number;
  bytes: number;
}

interface MutableLeague extends Counts {
  readonly key: string;
}

const LOCAL = "local";
/** Without a zone. */
const STAMP_LENGTH = "2026-03-02 06:13:49".length;
const QUARTER_MINUTES = 15;
const DAY_QUARTERS = 24 * 4;
const NO_TRANSPORT = ":blackhole:";
/** In no line, and before all that is: relays in the order of this are in that of where from, then of where to. */
const BETWEEN_ENDS = "\n";
const SIZE = /\sS=(\d+)/;
const TRANSPORT = /\sT=(\S+)/;
const LOCAL_USER = /\sU=(\S+)/;

export interface TallyOptions {
  readonly dialect: Dialect;
  /** Stamps to count: from the first up to, and without, the second, compared as texts. */
  readonly from: string;
  readonly until: string;
  /** What the clock of the log showed at a moment, as if that were UTC. */
  readonly toWallMs: (at: EpochMs) => number;
}

export class EximstatsTally {
  readonly #options: TallyOptions;
  readonly #hostForm: RegExp;
  readonly #ipForm: RegExp;
  readonly #open = new Map<string, OpenMessage>();
  readonly #received = newCounts();
  readonly #delivered = newCounts();
  readonly #senders = newTables();
  readonly #destinations = newTables();
  readonly #localSenders = new Map<string, MutableLeague>();
  readonly #localDestinations = new Map<string, MutableLeague>();
  readonly #transports = new Map<string, MutableLeague>();
  readonly #receivedByQuarter = new Array<number>(DAY_QUARTERS).fill(0);
  readonly #deliveredByQuarter = new Array<number>(DAY_QUARTERS).fill(0);
  readonly #queueTimes = new Map<number, number>();
  readonly #remoteQueueTimes = new Map<number, number>();
  /** How many, by where from and where to: one text takes half the memory of a map for each where from. */
  readonly #relays = new Map<string, number>();
  readonly #reasons = { permanent: new Map<string, MutableLeague>(), temporary: new Map<string, MutableLeague>() };
  readonly #ips = { permanent: new Map<string, MutableLeague>(), temporary: new Map<string, MutableLeague>() };
  readonly #errors = new Map<string, number>();
  #delayed = 0;
  #failed = 0;
  #first: string | null = null;
  #last: string | null = null;

  constructor(options: TallyOptions) {
    this.#options = options;
    const before = options.dialect === "4.96" ? "\\b" : " ";
    this.#hostForm = new RegExp(`${before}H=(\\S+)`);
    this.#ipForm = new RegExp(`${before}H=(?:|.*? )(\\[[^\\]]+\\])`);
  }

  /** One line of a main log, without its newline. */
  add(text: string): void {
    const line = acceptLine(text, this.#options.dialect);
    if (line === undefined || line.stamp < this.#options.from || line.stamp >= this.#options.until) return;
    if (this.#first === null || line.stamp < this.#first) this.#first = detach(line.stamp);
    if (this.#last === null || line.stamp > this.#last) this.#last = detach(line.stamp);
    this.#count(line);
    if (line.flag === "Re" || (line.flag === "=>" && !TRANSPORT.test(line.text))) this.#addReject(line);
  }

  report(): EximstatsReport {
    return {
      dialect: this.#options.dialect,
      from: this.#first,
      until: this.#last,
      received: { messages: this.#received.messages, bytes: this.#received.bytes },
      delivered: { ...this.#delivered },
      delayed: this.#delayed,
      failed: this.#failed,
      rejects: rejectTotals(this.#ips.permanent),
      temporaryRejects: rejectTotals(this.#ips.temporary),
      senders: toLeagueTables(this.#senders),
      destinations: toLeagueTables(this.#destinations),
      localSenders: toLeagues(this.#localSenders),
      localDestinations: toLeagues(this.#localDestinations),
      transports: [...this.#transports]
        .map(([transport, { messages, bytes }]) => ({ transport, messages, bytes }))
        .sort((one, other) => compareText(one.transport, other.transport)),
      receivedByQuarter: this.#receivedByQuarter,
      deliveredByQuarter: this.#deliveredByQuarter,
      queueTimes: [...this.#queueTimes].sort(([one], [other]) => one - other),
      remoteQueueTimes: [...this.#remoteQueueTimes].sort(([one], [other]) => one - other),
      relays: [...this.#relays]
        .sort(([one], [other]) => compareText(one, other))
        .map(([relay, count]) => ({ ...endsOf(relay), count })),
      rejectReasons: toLeagues(this.#reasons.permanent),
      temporaryRejectReasons: toLeagues(this.#reasons.temporary),
      rejectedIps: toLeagues(this.#ips.permanent),
      temporarilyRejectedIps: toLeagues(this.#ips.temporary),
      errors: [...this.#errors]
        .map(([text, count]) => ({ text, count }))
        .sort((one, other) => compareText(one.text, other.text)),
    };
  }

  #count(line: CountedLine): void {
    switch (line.flag) {
      case "<=":
        this.#addArrival(line);
        return;
      case "=>":
        this.#addDelivery(line);
        return;
      case "->":
        this.#addAddress(line, 0);
        return;
      case "==": {
        const message = this.#messageOf(line);
        if (!message.hasArrived || message.isDelayed) return;
        message.isDelayed = true;
        this.#delayed++;
        return;
      }
      case "**":
        this.#addFailure(line);
        return;
      case "Co":
        this.#addCompletion(line);
        return;
      default:
        return;
    }
  }

  #addArrival(line: CountedLine): void {
    const { text, stamp } = line;
    const message = this.#messageOf(line);
    const size = Number(SIZE.exec(text)?.[1] ?? 0);
    const { host, ip } = this.#hostOf(text);
    message.size = size;
    message.hasArrived = true;
    message.arrivedAt = detach(stamp);
    message.origin = host === LOCAL ? undefined : detach(`${host}${ip} ${firstWord(text)}`.toLowerCase());
    addTo(this.#received, 1, 0, size);
    for (const key of HOST_KEYS) addTo(entryOf(this.#senders[key], keysOf(host, text)[key]), 1, 0, size);
    const user = host === LOCAL ? LOCAL_USER.exec(text)?.[1] : undefined;
    if (user !== undefined) addTo(entryOf(this.#localSenders, user), 1, 0, size);
    countQuarter(this.#receivedByQuarter, stamp);
  }

  #addDelivery(line: CountedLine): void {
    const { text, stamp } = line;
    const message = this.#messageOf(line);
    const transport = TRANSPORT.exec(text)?.[1] ?? NO_TRANSPORT;
    addTo(entryOf(this.#transports, transport), 1, 0, message.size);
    countQuarter(this.#deliveredByQuarter, stamp);
    const host = this.#addAddress(line, 1);
    if (host.host === LOCAL) return;
    message.isRemote = true;
    if (message.origin !== undefined) this.#addRelay(message.origin, host, text);
  }

  /** One more recipient; `deliveries` is 1 for `=>`, 0 for those delivered with it. */
  #addAddress(line: CountedLine, deliveries: 0 | 1): { readonly host: string; readonly ip: string } {
    const { text } = line;
    const bytes = deliveries * this.#messageOf(line).size;
    const found = this.#hostOf(text);
    const keys = keysOf(found.host, text);
    addTo(this.#delivered, deliveries, 1, bytes);
    for (const key of HOST_KEYS) addTo(entryOf(this.#destinations[key], keys[key]), deliveries, 1, bytes);
    if (found.host === LOCAL) addTo(entryOf(this.#localDestinations, localDestination(text)), deliveries, 1, bytes);
    return found;
  }

  #addRelay(origin: string, { host, ip }: { readonly host: string; readonly ip: string }, text: string): void {
    const [address = "", original] = /^(\S+)(?: \([^)]\))? <([^<>]+)>/.exec(text)?.slice(1) ?? [firstWord(text)];
    if (original !== undefined && original.toLowerCase() !== address.toLowerCase()) return;
    const relay = `${origin}${BETWEEN_ENDS}${`${host}${ip} ${address}`.toLowerCase()}`;
    const count = this.#relays.get(relay);
    this.#relays.set(count === undefined ? detach(relay) : relay, (count ?? 0) + 1);
  }

  #addFailure(line: CountedLine): void {
    const message = this.#messageOf(line);
    const count = this.#errors.get(line.text);
    this.#errors.set(count === undefined ? detach(line.text) : line.text, (count ?? 0) + 1);
    if (!message.hasArrived || message.isFailed) return;
    message.isFailed = true;
    this.#failed++;
  }

  #addCompletion({ id, stamp }: CountedLine): void {
    if (id === undefined) return;
    const message = this.#open.get(id);
    this.#open.delete(id);
    const arrived = message?.arrivedAt;
    const since = arrived === undefined ? this.#idMs(id, stamp) : stampMs(arrived);
    const seconds = Math.floor((stampMs(stamp) - since) / SECOND_MS);
    this.#queueTimes.set(seconds, (this.#queueTimes.get(seconds) ?? 0) + 1);
    if (message?.isRemote === true) this.#remoteQueueTimes.set(seconds, (this.#remoteQueueTimes.get(seconds) ?? 0) + 1);
  }

  /** When the id was made, on the clock that the stamp is of. */
  #idMs(id: string, stamp: string): number {
    const at = messageIdTime(id);
    return stamp.length > STAMP_LENGTH ? at : this.#options.toWallMs(at);
  }

  #addReject({ text }: CountedLine): void {
    const { isTemporary, reason } = rejectReasonOf(text);
    const kind = isTemporary ? "temporary" : "permanent";
    const { ip } = this.#hostOf(text);
    const client = ip === LOCAL ? (/^rejected [HE][HE]LO from .*?(\[.+?\]):/.exec(text)?.[1] ?? ip) : ip;
    addTo(entryOf(this.#reasons[kind], reason), 1, 0, 0);
    addTo(entryOf(this.#ips[kind], client), 1, 0, 0);
  }

  #hostOf(text: string): { readonly host: string; readonly ip: string } {
    const ip =
      this.#ipForm.exec(text)?.[1] ??
      /Connection from (\[\S+\])/.exec(text)?.[1] ??
      /SMTP call from .*?(\[\S+\])/.exec(text)?.[1] ??
      LOCAL;
    return { host: this.#hostForm.exec(text)?.[1] ?? LOCAL, ip };
  }

  #messageOf({ id = "" }: CountedLine): OpenMessage {
    let message = this.#open.get(id);
    if (message === undefined) {
      message = {
        size: 0,
        hasArrived: false,
        arrivedAt: undefined,
        origin: undefined,
        isDelayed: false,
        isFailed: false,
        isRemote: false,
      };
      this.#open.set(detach(id), message);
    }
    return message;
  }
}

function keysOf(host: string, text: string): Keys {
  const email = firstWord(text);
  return { host, domain: domainOf(host), email, edomain: emailDomainOf(email) };
}

/** What is left of a host's name without its first label, if it has three or more; an address as it is. */
function domainOf(host: string): string {
  if (/^\[?\d+\.\d+\.\d+\.\d+/.test(host)) return host;
  const [, parenthesis = "", rest] = /^(\(?)[^.]+\.([^.]+\..*)/.exec(host) ?? [];
  if (rest === undefined) return "localdomain";
  return (parenthesis === "" ? rest : `${parenthesis}.${rest}`).toLowerCase();
}

function emailDomainOf(email: string): string {
  if (email === "<>" || email.startsWith("blackhole")) return email;
  const at = email.indexOf("@");
  return at === -1 ? "" : email.slice(at + 1).toLowerCase();
}

/** `alice` of `alice <alice@example.org> R=…`; of a pipe or a file with the address it belongs to. */
function localDestination(text: string): string {
  const end = text.indexOf(" <");
  const name = end === -1 ? firstWord(text) : text.slice(0, end);
  if (!name.startsWith("|") && !name.startsWith("/")) return name;
  return `${name}${/ <[^<>]*>/.exec(text)?.[0] ?? ""}`;
}

function firstWord(text: string): string {
  return /^\S+/.exec(text)?.[0] ?? "";
}

/** A stamp without a zone is taken for UTC: eximstats knows no change of clocks. */
function stampMs(stamp: string): number {
  const [, time = "", sign, hours, minutes] = /^(.{19})(?: ([-+])(\d\d)(\d\d))?/.exec(stamp) ?? [];
  const wall = Date.parse(`${time.replace(" ", "T")}Z`);
  if (sign === undefined) return wall;
  return wall - (sign === "-" ? -1 : 1) * (Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS);
}

function countQuarter(quarters: number[], stamp: string): void {
  const quarter = Number(stamp.slice(11, 13)) * 4 + Math.floor(Number(stamp.slice(14, 16)) / QUARTER_MINUTES);
  quarters[quarter] = (quarters[quarter] ?? 0) + 1;
}

function endsOf(relay: string): Pick<Relay, "from" | "to"> {
  const end = relay.indexOf(BETWEEN_ENDS);
  return { from: relay.slice(0, end), to: relay.slice(end + 1) };
}

function newCounts(): Counts {
  return { messages: 0, addresses: 0, bytes: 0 };
}

function newTables(): Record<HostKey, Map<string, MutableLeague>> {
  return { host: new Map(), domain: new Map(), email: new Map(), edomain: new Map() };
}

function entryOf(leagues: Map<string, MutableLeague>, key: string): MutableLeague {
  let league = leagues.get(key);
  if (league === undefined) {
    league = { key: detach(key), messages: 0, addresses: 0, bytes: 0 };
    leagues.set(league.key, league);
  }
  return league;
}

function addTo(counts: Counts, messages: number, addresses: number, bytes: number): void {
  counts.messages += messages;
  counts.addresses += addresses;
  counts.bytes += bytes;
}

function toLeagueTables(tables: Record<HostKey, Map<string, MutableLeague>>): Record<HostKey, League[]> {
  return {
    host: toLeagues(tables.host),
    domain: toLeagues(tables.domain),
    email: toLeagues(tables.email),
    edomain: toLeagues(tables.edomain),
  };
}

/** By count, then volume, then name. */
function toLeagues(leagues: ReadonlyMap<string, MutableLeague>): League[] {
  return [...leagues.values()].sort(
    (one, other) => other.messages - one.messages || other.bytes - one.bytes || compareText(one.key, other.key),
  );
}

function rejectTotals(ips: ReadonlyMap<string, MutableLeague>): { messages: number; hosts: number } {
  return { messages: [...ips.values()].reduce((sum, { messages }) => sum + messages, 0), hosts: ips.size };
}
