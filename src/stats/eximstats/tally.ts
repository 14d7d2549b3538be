/** Counts lines by the rules of eximstats, wrong ones too, so that its users can check us number by number. */
import { messageIdTime } from "../../parse/message-id.ts";
import { compareText, detach } from "../../text.ts";
import { type EpochMs, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../units.ts";
import { acceptLine, type CountedLine, type Dialect } from "./accept-line.ts";
import { firstWord, HOST_KEYS, type HostKey, keysOf, localDestination } from "./host-keys.ts";
import { addTo, type League, Leagues, newCounts } from "./leagues.ts";
import { rejectReasonOf } from "./reject-reason.ts";

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
  /** Counts by quarter of an hour of the day. */
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

const LOCAL = "local";
/** Length of a stamp without a zone. */
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
  /** Converts a moment to the wall clock of the log, as if that were UTC. */
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
  readonly #localSenders = new Leagues();
  readonly #localDestinations = new Leagues();
  readonly #transports = new Leagues();
  readonly #receivedByQuarter = new Array<number>(DAY_QUARTERS).fill(0);
  readonly #deliveredByQuarter = new Array<number>(DAY_QUARTERS).fill(0);
  readonly #queueTimes = new Map<number, number>();
  readonly #remoteQueueTimes = new Map<number, number>();
  /** Counts by origin and destination in one text: it takes half the memory of a map for each origin. */
  readonly #relays = new Map<string, number>();
  readonly #reasons = { permanent: new Leagues(), temporary: new Leagues() };
  readonly #ips = { permanent: new Leagues(), temporary: new Leagues() };
  readonly #errors = new Map<string, number>();
  #delayed = 0;
  #failed = 0;
  #first: string | null = null;
  #last: string | null = null;

  constructor(options: TallyOptions) {
    this.#options = options;
    const before = options.dialect === "4.99" ? " " : "\\b";
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
      rejects: totalsOf(this.#ips.permanent.list()),
      temporaryRejects: totalsOf(this.#ips.temporary.list()),
      senders: leadersOf(this.#senders),
      destinations: leadersOf(this.#destinations),
      localSenders: this.#localSenders.list(),
      localDestinations: this.#localDestinations.list(),
      transports: this.#transports
        .list()
        .map(({ key, messages, bytes }) => ({ transport: key, messages, bytes }))
        .sort((one, other) => compareText(one.transport, other.transport)),
      receivedByQuarter: this.#receivedByQuarter,
      deliveredByQuarter: this.#deliveredByQuarter,
      queueTimes: [...this.#queueTimes].sort(([one], [other]) => one - other),
      remoteQueueTimes: [...this.#remoteQueueTimes].sort(([one], [other]) => one - other),
      relays: [...this.#relays]
        .sort(([one], [other]) => compareText(one, other))
        .map(([relay, count]) => ({ ...endsOf(relay), count })),
      rejectReasons: this.#reasons.permanent.list(),
      temporaryRejectReasons: this.#reasons.temporary.list(),
      rejectedIps: this.#ips.permanent.list(),
      temporarilyRejectedIps: this.#ips.temporary.list(),
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
    const keys = keysOf(host, text);
    for (const key of HOST_KEYS) this.#senders[key].add(keys[key], 1, 0, size);
    const user = host === LOCAL ? LOCAL_USER.exec(text)?.[1] : undefined;
    if (user !== undefined) this.#localSenders.add(user, 1, 0, size);
    countQuarter(this.#receivedByQuarter, stamp);
  }

  #addDelivery(line: CountedLine): void {
    const { text, stamp } = line;
    const message = this.#messageOf(line);
    const transport = TRANSPORT.exec(text)?.[1] ?? NO_TRANSPORT;
    this.#transports.add(transport, 1, 0, message.size);
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
    for (const key of HOST_KEYS) this.#destinations[key].add(keys[key], deliveries, 1, bytes);
    if (found.host === LOCAL) this.#localDestinations.add(localDestination(text), deliveries, 1, bytes);
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

  /** Time at which the id was made, on the clock of the stamp. */
  #idMs(id: string, stamp: string): number {
    const at = messageIdTime(id);
    return stamp.length > STAMP_LENGTH ? at : this.#options.toWallMs(at);
  }

  #addReject({ text }: CountedLine): void {
    const { isTemporary, reason } = rejectReasonOf(text);
    const kind = isTemporary ? "temporary" : "permanent";
    const { ip } = this.#hostOf(text);
    const client = ip === LOCAL ? (/^rejected [HE][HE]LO from .*?(\[.+?\]):/.exec(text)?.[1] ?? ip) : ip;
    this.#reasons[kind].add(reason, 1, 0, 0);
    this.#ips[kind].add(client, 1, 0, 0);
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

function newTables(): Readonly<Record<HostKey, Leagues>> {
  return { host: new Leagues(), domain: new Leagues(), email: new Leagues(), edomain: new Leagues() };
}

function leadersOf({ host, domain, email, edomain }: Readonly<Record<HostKey, Leagues>>): EximstatsReport["senders"] {
  return { host: host.list(), domain: domain.list(), email: email.list(), edomain: edomain.list() };
}

function totalsOf(rejects: readonly League[]): { messages: number; hosts: number } {
  return { messages: rejects.reduce((sum, { messages }) => sum + messages, 0), hosts: rejects.length };
}
