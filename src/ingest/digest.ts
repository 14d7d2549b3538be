/** What an entry says, as it is stored: a pure function of its lines, so that another thread can make it. */
import { normaliseAddress } from "../message/address.ts";
import { rankOf } from "../message/order.ts";
import { categoriseRejection } from "../message/rejection-category.ts";
import { type AddressWord, addressWord, type MessageNews, messageNews } from "../message/state.ts";
import type {
  AddressLine,
  Arrival,
  Authentication,
  Host,
  LogEvent,
  Rejection,
  RejectionPhase,
} from "../parse/events.ts";
import type { HeaderDump } from "../parse/header-dump.ts";
import type { ParsedEntry } from "../parse/record.ts";
import type { EntryKind } from "../store/codes.ts";
import type { DeliveryPath, DeliveryProblem } from "../store/rows.ts";
import { toTemplate } from "../store/templates.ts";
import { type EpochMs, type Moment, momentAt } from "../units.ts";
import { formatAuthentication, metadataOf } from "./metadata.ts";

/** An entry of a log, or a line that belongs to none: then it has no moment, and says nothing. */
export interface EntryDigest {
  readonly kind: EntryKind;
  readonly at: Moment | undefined;
  readonly eximId: string | undefined;
  /** Of Exim, as its daemon says. */
  readonly version: string | undefined;
  /** The fields without a column: a JSON array of key, value, key, value … */
  readonly details: string | undefined;
  /** About the message as a whole. */
  readonly news: MessageNews | undefined;
  /** About one recipient, its error as a template. */
  readonly word: AddressWord | undefined;
  /** How what the word tells came about; undefined without a word. */
  readonly attempt: AttemptFacts | undefined;
  readonly arrival: ArrivalFacts | undefined;
  readonly rejection: RejectionFacts | undefined;
  /** Who was at the other end, of lines that are none of the above. */
  readonly client: ClientFacts | undefined;
  /** What the reject log shows below the entry. */
  readonly headerDump: HeaderDumpFacts | undefined;
}

export interface ClientFacts {
  readonly host: string | undefined;
  readonly helo: string | undefined;
  readonly ip: string | undefined;
  readonly sender: string | undefined;
  readonly recipient: string | undefined;
  readonly auth: string | undefined;
}

export interface HeaderDumpFacts {
  /** The sender, where the entry does not name it. */
  readonly sender: string | undefined;
  readonly recipients: readonly string[];
  readonly hasMoreRecipients: boolean;
  /** A JSON array of [type, name in lower case, unfolded value]; undefined when there are none. */
  readonly headers: string | undefined;
  readonly isTruncated: boolean;
}

export interface AttemptFacts {
  readonly path: DeliveryPath;
  /** Undefined when the attempt succeeded. */
  readonly problem: DeliveryProblem | undefined;
  readonly confirmation: string | undefined;
  readonly queueMs: number | undefined;
  readonly deliveryMs: number | undefined;
}

export interface ArrivalFacts {
  readonly sender: string;
  readonly sizeBytes: number | undefined;
  readonly subject: string | undefined;
  readonly headerMessageId: string | undefined;
  readonly host: string | undefined;
  readonly helo: string | undefined;
  readonly ip: string | undefined;
  readonly port: number | undefined;
  readonly protocol: string | undefined;
  readonly auth: string | undefined;
  readonly ident: string | undefined;
  readonly tls: string | undefined;
  readonly parentId: string | undefined;
  readonly fakeReject: boolean;
}

export interface RejectionFacts {
  readonly phase: RejectionPhase;
  readonly isTemporary: boolean;
  readonly host: string | undefined;
  readonly helo: string | undefined;
  readonly ip: string | undefined;
  readonly sender: string | undefined;
  readonly recipient: string | undefined;
  readonly auth: string | undefined;
  readonly category: string;
  /** A template. */
  readonly reason: string | undefined;
}

/** A line without a stamp that continues no entry. */
export const UNPARSED: EntryDigest = {
  kind: "unparsed",
  at: undefined,
  eximId: undefined,
  version: undefined,
  details: undefined,
  news: undefined,
  word: undefined,
  attempt: undefined,
  arrival: undefined,
  rejection: undefined,
  client: undefined,
  headerDump: undefined,
};

/** The moment of an entry whose stamp is at `ms`. */
export function momentOf({ event, text }: ParsedEntry, ms: EpochMs): Moment {
  return momentAt(ms, rankOf(event, text));
}

export function digestEntry({ prefix, event, headerDump }: ParsedEntry, at: Moment): EntryDigest {
  const eximId = prefix.messageId;
  const word = eximId === undefined ? undefined : storedWord(event, at);
  const metadata = metadataOf(event);
  return {
    kind: event.kind,
    at,
    eximId,
    version: event.kind === "daemon" ? event.version : undefined,
    details: metadata.length === 0 ? undefined : JSON.stringify(metadata),
    news: eximId === undefined ? undefined : messageNews(event),
    word,
    attempt: word === undefined ? undefined : attemptFacts(event, word.error),
    arrival: event.kind === "arrival" ? arrivalFacts(event) : undefined,
    rejection: event.kind === "rejection" ? rejectionFacts(event) : undefined,
    client: clientFacts(event),
    headerDump: headerDump === undefined ? undefined : headerDumpFacts(headerDump, event),
  };
}

function storedWord(event: LogEvent, at: Moment): AddressWord | undefined {
  const word = addressWord(event, at);
  if (word?.error === undefined) return word;
  return { ...word, error: toTemplate(word.error, { recipient: word.recipient }) };
}

/** `error`: as a template. */
function attemptFacts(event: LogEvent, error: string | undefined): AttemptFacts {
  const line = isAddressLine(event) ? event : undefined;
  return {
    path: {
      router: event.kind === "discard" ? event.router : line?.router,
      transport: line?.transport,
      host: line?.host?.name,
      ip: line?.host?.ip,
      port: line?.host?.port,
      tls: line?.tls,
    },
    problem: problemOf(event, error),
    confirmation: event.kind === "delivery" ? event.confirmation : undefined,
    queueMs: event.kind === "delivery" ? event.queueMs : undefined,
    deliveryMs: line?.deliveryMs,
  };
}

function arrivalFacts(arrival: Arrival): ArrivalFacts {
  const { host } = arrival;
  return {
    sender: normaliseAddress(arrival.sender),
    sizeBytes: arrival.sizeBytes,
    subject: arrival.subject,
    headerMessageId: arrival.headerMessageId,
    host: host?.name,
    helo: host?.helo,
    ip: host?.ip,
    port: host?.port,
    protocol: arrival.protocol,
    auth: formatAuthentication(arrival.auth),
    ident: arrival.ident,
    tls: arrival.tls,
    parentId: arrival.parentId,
    fakeReject: arrival.fakeReject,
  };
}

function rejectionFacts({ phase, isTemporary, host, sender, recipient, auth, reason }: Rejection): RejectionFacts {
  const values = {
    ip: host?.ip,
    sender: sender === undefined ? undefined : normaliseAddress(sender),
    recipient: recipient === undefined ? undefined : normaliseAddress(recipient),
  };
  return {
    ...values,
    phase,
    isTemporary,
    host: host?.name,
    helo: host?.helo,
    auth: formatAuthentication(auth),
    category: categoriseRejection(reason),
    reason: reason === undefined ? undefined : toTemplate(reason, values),
  };
}

function clientFacts(event: LogEvent): ClientFacts | undefined {
  const end = otherEnd(event);
  if (end === undefined || Object.values(end).every((part) => part === undefined)) return undefined;
  const { host, sender, recipient, auth } = end;
  return {
    host: host?.name,
    helo: host?.helo,
    ip: host?.ip,
    sender: sender === undefined ? undefined : normaliseAddress(sender),
    recipient: recipient === undefined ? undefined : normaliseAddress(recipient),
    auth: formatAuthentication(auth),
  };
}

interface OtherEnd {
  readonly host: Host | undefined;
  readonly sender?: string | undefined;
  readonly recipient?: string | undefined;
  readonly auth?: Authentication | undefined;
}

function otherEnd(event: LogEvent): OtherEnd | undefined {
  switch (event.kind) {
    case "session":
    case "warning":
      return { host: event.host, sender: event.sender, auth: event.auth };
    case "verification":
      return {
        host: event.host,
        auth: event.auth,
        sender: event.subject === "sender" ? event.address : event.sender,
        recipient: event.subject === "recipient" ? event.address : undefined,
      };
    case "tls":
    case "host_error":
    case "not_accepted":
    case "identification":
      return { host: event.host };
    default:
      return undefined;
  }
}

function headerDumpFacts(dump: HeaderDump, event: LogEvent): HeaderDumpFacts {
  const { envelopeSender, envelopeRecipients, hasMoreRecipients, headers, isTruncated } = dump;
  const isNamed = "sender" in event && event.sender !== undefined;
  return {
    sender: envelopeSender === undefined || isNamed ? undefined : normaliseAddress(envelopeSender),
    recipients: envelopeRecipients.map(normaliseAddress),
    hasMoreRecipients,
    headers:
      headers.length === 0
        ? undefined
        : JSON.stringify(headers.map(({ type, name, value }) => [type, name.toLowerCase(), value])),
    isTruncated,
  };
}

function isAddressLine(event: LogEvent): event is LogEvent & AddressLine & { readonly host: Host | undefined } {
  return event.kind === "delivery" || event.kind === "deferral" || event.kind === "failure";
}

function problemOf(event: LogEvent, error: string | undefined): DeliveryProblem | undefined {
  if (event.kind !== "deferral" && event.kind !== "failure") return undefined;
  const { reply } = event;
  return {
    isTimeout: reply?.isTimeout === true,
    smtpCode: reply?.code,
    enhancedCode: reply?.enhancedCode,
    phase: reply?.phase,
    error,
  };
}
