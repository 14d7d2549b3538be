/** From an event to the rows that say the same: names interned, errors as templates, codes instead of words. */
import { normaliseAddress } from "../message/address.ts";
import { categoriseRejection } from "../message/rejection-category.ts";
import { type AddressWord, addressWord } from "../message/state.ts";
import type { AddressLine, Arrival, Authentication, Host, LogEvent, Rejection, SmtpReply } from "../parse/events.ts";
import type { ParsedEntry } from "../parse/record.ts";
import type { ArrivalRow } from "../store/rows.ts";
import { toTemplate } from "../store/templates.ts";
import type { Transactor } from "../store/transactor.ts";
import type { Moment } from "../units.ts";
import { formatAuthentication, metadataOf } from "./metadata.ts";

/** What the entry says about one recipient of its message, its error as a template; undefined when it speaks of none. */
export function storedWord({ prefix, event }: ParsedEntry, at: Moment): AddressWord | undefined {
  if (prefix.messageId === undefined) return undefined;
  const word = addressWord(event, at);
  if (word?.error === undefined) return word;
  return { ...word, error: toTemplate(word.error, { recipient: word.recipient }) };
}

/** Adds the rows of what an entry says beyond the state of its message. */
export function addFacts(
  transactor: Transactor,
  entryId: number,
  { event }: ParsedEntry,
  word: AddressWord | undefined,
): void {
  if (word !== undefined) addAddressEvent(transactor, entryId, event, word);
  if (event.kind === "rejection") addRejection(transactor, entryId, event);
  else addClient(transactor, entryId, event);
  const metadata = metadataOf(event);
  if (metadata.length > 0) transactor.addDetails(entryId, metadata);
}

/** Adds the row of a line about one recipient. */
function addAddressEvent(transactor: Transactor, entryId: number, event: LogEvent, word: AddressWord): void {
  const line = isAddressLine(event) ? event : undefined;
  const reply = replyOf(event);
  transactor.addAddressEvent({
    entry_id: entryId,
    at: word.at,
    recipient_id: transactor.address(word.recipient),
    final_id: word.target === word.recipient ? null : transactor.address(word.target),
    outcome: transactor.codes.outcome(word.outcome),
    is_attempt: word.isAttempt ? 1 : 0,
    router_id: transactor.optionalString(event.kind === "discard" ? event.router : line?.router),
    transport_id: transactor.optionalString(line?.transport),
    host_id: transactor.optionalString(line?.host?.name),
    ip_id: transactor.optionalString(line?.host?.ip),
    port: line?.host?.port ?? null,
    tls_id: transactor.optionalString(line?.tls),
    is_timeout: reply?.isTimeout === true ? 1 : 0,
    smtp_code: reply?.code ?? null,
    enhanced_id: transactor.optionalString(reply?.enhancedCode),
    phase_id: transactor.optionalString(reply?.phase),
    error_id: transactor.optionalString(word.error),
    confirmation: event.kind === "delivery" ? (event.confirmation ?? null) : null,
    queue_ms: event.kind === "delivery" ? (event.queueMs ?? null) : null,
    duration_ms: line?.deliveryMs ?? null,
  });
}

/** Adds the row of a rejection. */
function addRejection(transactor: Transactor, entryId: number, rejection: Rejection): void {
  const { host, sender, recipient, reason } = rejection;
  const values = {
    ip: host?.ip,
    sender: sender === undefined ? undefined : normaliseAddress(sender),
    recipient: recipient === undefined ? undefined : normaliseAddress(recipient),
  };
  transactor.addRejection({
    entry_id: entryId,
    phase: transactor.codes.phase(rejection.phase),
    is_permanent: rejection.isTemporary ? 0 : 1,
    host_id: transactor.optionalString(host?.name),
    helo_id: transactor.optionalString(host?.helo),
    ip_id: transactor.optionalString(host?.ip),
    sender_id: transactor.optionalAddress(values.sender),
    recipient_id: transactor.optionalAddress(values.recipient),
    auth_id: transactor.optionalString(formatAuthentication(rejection.auth)),
    category_id: transactor.string(categoriseRejection(reason)),
    reason_id: transactor.optionalString(reason === undefined ? undefined : toTemplate(reason, values)),
  });
}

/** Adds who was at the other end, of lines whose own rows do not say it. */
function addClient(transactor: Transactor, entryId: number, event: LogEvent): void {
  const client = clientOf(event);
  if (client === undefined || Object.values(client).every((part) => part === undefined)) return;
  const { host, sender, recipient, auth } = client;
  transactor.addClient({
    entry_id: entryId,
    host_id: transactor.optionalString(host?.name),
    helo_id: transactor.optionalString(host?.helo),
    ip_id: transactor.optionalString(host?.ip),
    sender_id: transactor.optionalAddress(sender === undefined ? undefined : normaliseAddress(sender)),
    recipient_id: transactor.optionalAddress(recipient === undefined ? undefined : normaliseAddress(recipient)),
    auth_id: transactor.optionalString(formatAuthentication(auth)),
  });
}

interface OtherEnd {
  readonly host: Host | undefined;
  readonly sender?: string | undefined;
  readonly recipient?: string | undefined;
  readonly auth?: Authentication | undefined;
}

function clientOf(event: LogEvent): OtherEnd | undefined {
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

/** What an arrival line tells of its message. */
export function toArrivalRow(transactor: Transactor, arrival: Arrival, at: Moment): ArrivalRow {
  const { host } = arrival;
  return {
    arrival_at: at,
    sender_id: transactor.address(normaliseAddress(arrival.sender)),
    size: arrival.sizeBytes ?? null,
    subject: arrival.subject ?? null,
    header_message_id: arrival.headerMessageId ?? null,
    host_id: transactor.optionalString(host?.name),
    helo_id: transactor.optionalString(host?.helo),
    ip_id: transactor.optionalString(host?.ip),
    port: host?.port ?? null,
    protocol_id: transactor.optionalString(arrival.protocol),
    auth_id: transactor.optionalString(formatAuthentication(arrival.auth)),
    ident_id: transactor.optionalString(arrival.ident),
    tls_id: transactor.optionalString(arrival.tls),
    parent_exim_id: arrival.parentId ?? null,
    fake_reject: arrival.fakeReject ? 1 : 0,
  };
}

function isAddressLine(event: LogEvent): event is LogEvent & AddressLine & { readonly host: Host | undefined } {
  return event.kind === "delivery" || event.kind === "deferral" || event.kind === "failure";
}

function replyOf(event: LogEvent): SmtpReply | undefined {
  return event.kind === "deferral" || event.kind === "failure" ? event.reply : undefined;
}
