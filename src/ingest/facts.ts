/** From what an entry says to the rows that hold it: names interned, codes instead of words. */
import type { AddressWord } from "../message/state.ts";
import type { ArrivalRow } from "../store/rows.ts";
import type { Transactor } from "../store/transactor.ts";
import type { Moment } from "../units.ts";
import type {
  ArrivalFacts,
  AttemptFacts,
  ClientFacts,
  EntryDigest,
  HeaderDumpFacts,
  RejectionFacts,
} from "./digest.ts";

/** Adds the rows of what an entry says beyond the state of its message. */
export function addFacts(
  transactor: Transactor,
  entryId: number,
  { word, attempt, rejection, client }: EntryDigest,
): void {
  if (word !== undefined && attempt !== undefined) addAddressEvent(transactor, entryId, word, attempt);
  if (rejection !== undefined) addRejection(transactor, entryId, rejection);
  if (client !== undefined) addClient(transactor, entryId, client);
}

/** Adds who was at the other end, of lines whose own rows do not say it. */
function addClient(transactor: Transactor, entryId: number, client: ClientFacts): void {
  transactor.addClient({
    entry_id: entryId,
    host_id: transactor.optionalString(client.host),
    helo_id: transactor.optionalString(client.helo),
    ip_id: transactor.optionalString(client.ip),
    sender_id: transactor.optionalAddress(client.sender),
    recipient_id: transactor.optionalAddress(client.recipient),
    auth_id: transactor.optionalString(client.auth),
  });
}

/** Adds what stands below the line of an entry. `places` are those of its lines: where the entry is, or where another log shows it too. */
export function addHeaderDump(
  transactor: Transactor,
  entryId: number,
  places: readonly [number, ...number[]],
  { sender, recipients, hasMoreRecipients, headers, isTruncated }: HeaderDumpFacts,
): void {
  const [location, ...others] = places;
  // Each address has a line of its own, so that the places suffice; pieces of syslog may have come in any order.
  const free = others.sort((one, other) => one - other).values();
  const addAddress = (isRecipient: 0 | 1, address: string | undefined): void =>
    transactor.addEnvelopeAddress({
      id: free.next().value ?? location,
      entry_id: entryId,
      is_recipient: isRecipient,
      address_id: transactor.optionalAddress(address),
    });
  if (sender !== undefined) addAddress(0, sender);
  for (const recipient of recipients) addAddress(1, recipient);
  if (hasMoreRecipients) addAddress(1, undefined);
  if (headers === undefined) return;
  transactor.addHeaders({ id: location, entry_id: entryId, headers, is_cut: isTruncated ? 1 : 0 });
}

/** Adds the row of a line about one recipient. */
function addAddressEvent(transactor: Transactor, entryId: number, word: AddressWord, attempt: AttemptFacts): void {
  transactor.addAddressEvent({
    entry_id: entryId,
    recipient_id: transactor.address(word.recipient),
    final_id: word.target === word.recipient ? null : transactor.address(word.target),
    outcome: transactor.codes.outcome(word.outcome),
    is_attempt: word.isAttempt ? 1 : 0,
    path_id: transactor.path(attempt.path),
    problem_id: attempt.problem === undefined ? null : transactor.problem(attempt.problem),
    confirmation: attempt.confirmation ?? null,
    queue_ms: attempt.queueMs ?? null,
    duration_ms: attempt.deliveryMs ?? null,
  });
}

/** Adds the row of a rejection. */
function addRejection(transactor: Transactor, entryId: number, rejection: RejectionFacts): void {
  transactor.addRejection({
    entry_id: entryId,
    phase: transactor.codes.phase(rejection.phase),
    is_permanent: rejection.isTemporary ? 0 : 1,
    host_id: transactor.optionalString(rejection.host),
    helo_id: transactor.optionalString(rejection.helo),
    ip_id: transactor.optionalString(rejection.ip),
    sender_id: transactor.optionalAddress(rejection.sender),
    recipient_id: transactor.optionalAddress(rejection.recipient),
    auth_id: transactor.optionalString(rejection.auth),
    category_id: transactor.string(rejection.category),
    reason_id: transactor.optionalString(rejection.reason),
  });
}

/** What an arrival line tells of its message. */
export function toArrivalRow(transactor: Transactor, arrival: ArrivalFacts, at: Moment): ArrivalRow {
  return {
    arrival_at: at,
    sender_id: transactor.address(arrival.sender),
    size: arrival.sizeBytes ?? null,
    subject: arrival.subject ?? null,
    header_message_id: arrival.headerMessageId ?? null,
    host_id: transactor.optionalString(arrival.host),
    helo_id: transactor.optionalString(arrival.helo),
    ip_id: transactor.optionalString(arrival.ip),
    port: arrival.port ?? null,
    protocol_id: transactor.optionalString(arrival.protocol),
    auth_id: transactor.optionalString(arrival.auth),
    ident_id: transactor.optionalString(arrival.ident),
    tls_id: transactor.optionalString(arrival.tls),
    parent_exim_id: arrival.parentId ?? null,
    fake_reject: arrival.fakeReject ? 1 : 0,
  };
}
