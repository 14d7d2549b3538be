/** Builders of events and of small histories. Each makes a plain, valid event; a test names only what it is about. */
import { rankOf } from "../../src/message/order.ts";
import { isFrozen, type RecipientFate, resolveMessage, resolveRecipients } from "../../src/message/resolve.ts";
import {
  applyLine,
  type MessageState,
  messageUpdate,
  newMessageState,
  recipientEvent,
} from "../../src/message/state.ts";
import type { MessageStatus, RecipientStatus } from "../../src/message/statuses.ts";
import type {
  AddressPart,
  Arrival,
  Cancelled,
  Completed,
  Deferral,
  Delivery,
  Discard,
  EnvelopeEdit,
  ErrorIgnored,
  Failure,
  Frozen,
  Host,
  HostError,
  LogEvent,
  NotAccepted,
  Other,
  Prdr,
  Queued,
  QueueRun,
  RecipientsIgnored,
  Rejection,
  Removed,
  Session,
  Skipped,
  Thawed,
} from "../../src/parse/events.ts";
import { epochMs, type Moment, momentAt } from "../../src/units.ts";

export const ALICE = "alice@example.org";
export const BOB = "bob@example.org";

export function aHost(overrides: Partial<Host> = {}): Host {
  return {
    name: "mail.example.net",
    helo: undefined,
    ip: "203.0.113.7",
    port: undefined,
    secure: false,
    ...overrides,
  };
}

/** An original address, and what became of it when that differs. */
export function anAddress(original = ALICE, final = original): AddressPart {
  return { original, final, parents: [] };
}

export function anArrival(overrides: Partial<Arrival> = {}): Arrival {
  return {
    kind: "arrival",
    fakeReject: false,
    sender: "carol@example.net",
    parentId: undefined,
    host: aHost(),
    ident: undefined,
    protocol: "esmtp",
    tls: undefined,
    auth: undefined,
    sizeBytes: 1000,
    headerMessageId: undefined,
    subject: undefined,
    recipients: [ALICE],
    details: [],
    residue: "",
    ...overrides,
  };
}

const ADDRESS_LINE = {
  address: anAddress(),
  router: "dnslookup",
  transport: "remote_smtp",
  host: undefined,
  tls: undefined,
  deliveryMs: undefined,
  details: [],
  residue: "",
};

export function aDelivery(overrides: Partial<Delivery> = {}): Delivery {
  return {
    kind: "delivery",
    flag: "=>",
    ...ADDRESS_LINE,
    confirmation: undefined,
    queueMs: undefined,
    ...overrides,
  };
}

export function aDeferral(overrides: Partial<Deferral> = {}): Deferral {
  return {
    kind: "deferral",
    ...ADDRESS_LINE,
    errno: -44,
    error: "SMTP error from remote mail server after RCPT TO:<alice@example.org>: 451 later",
    isRetrySkip: false,
    reply: undefined,
    ...overrides,
  };
}

/** Exim looked at the retry time and left the address alone. */
export function aRetrySkip(overrides: Partial<Deferral> = {}): Deferral {
  return aDeferral({
    errno: -54,
    error: "retry time not reached for any host",
    isRetrySkip: true,
    ...overrides,
  });
}

export function aFailure(overrides: Partial<Failure> = {}): Failure {
  return {
    kind: "failure",
    ...ADDRESS_LINE,
    error: "SMTP error from remote mail server after RCPT TO:<alice@example.org>: 550 5.1.1 no such user",
    isRetryTimeout: false,
    reply: undefined,
    ...overrides,
  };
}

/** `retry timeout exceeded`, written beside the deferral of the same attempt. */
export function aRetryTimeout(overrides: Partial<Failure> = {}): Failure {
  return aFailure({ error: "retry timeout exceeded", isRetryTimeout: true, ...overrides });
}

export function aDiscard(overrides: Partial<Discard> = {}): Discard {
  return {
    kind: "discard",
    address: anAddress(ALICE, ":blackhole:"),
    router: "aliases",
    host: undefined,
    sender: undefined,
    reason: undefined,
    details: [],
    ...overrides,
  };
}

export function aCompletion(overrides: Partial<Completed> = {}): Completed {
  return { kind: "completed", queueMs: undefined, ...overrides };
}

export function aFreeze(overrides: Partial<Frozen> = {}): Frozen {
  return { kind: "frozen", by: undefined, ...overrides };
}

export function aThaw(overrides: Partial<Thawed> = {}): Thawed {
  return { kind: "thawed", by: "forced delivery", ...overrides };
}

export function aPrdrAnswer(changes: Partial<Prdr> = {}): Prdr {
  return { kind: "prdr", recipient: ALICE, verdict: "refusal", reason: undefined, ...changes };
}

export function aRemoval(overrides: Partial<Removed> = {}): Removed {
  return { kind: "removed", by: "root", ...overrides };
}

export function aCancellation(overrides: Partial<Cancelled> = {}): Cancelled {
  return { kind: "cancelled", by: "root", ...overrides };
}

/** `no immediate delivery`. */
export function aQueuing(overrides: Partial<Queued> = {}): Queued {
  return { kind: "queued", reason: "queued by ACL", ...overrides };
}

export function aSkip(overrides: Partial<Skipped> = {}): Skipped {
  return { kind: "skipped", reason: "Message is frozen", ...overrides };
}

export function anEdit(overrides: Partial<EnvelopeEdit> = {}): EnvelopeEdit {
  return { kind: "envelope_edit", action: "marked_delivered", address: ALICE, by: "root", ...overrides };
}

export function anIgnoredError(overrides: Partial<ErrorIgnored> = {}): ErrorIgnored {
  return { kind: "error_ignored", address: ALICE, ...overrides };
}

export function ignoredRecipients(): RecipientsIgnored {
  return { kind: "recipients_ignored" };
}

export function aNonAcceptance(overrides: Partial<NotAccepted> = {}): NotAccepted {
  return {
    kind: "not_accepted",
    host: undefined,
    reason: "rescind the above message-accept",
    details: [],
    ...overrides,
  };
}

export function aHostError(overrides: Partial<HostError> = {}): HostError {
  return {
    kind: "host_error",
    host: aHost(),
    error: "Connection refused",
    reply: undefined,
    details: [],
    ...overrides,
  };
}

export function aQueueRun(overrides: Partial<QueueRun> = {}): QueueRun {
  return {
    kind: "queue_run",
    action: "start",
    queue: undefined,
    pid: 1234,
    options: undefined,
    reason: undefined,
    ...overrides,
  };
}

export function aRejection(overrides: Partial<Rejection> = {}): Rejection {
  return {
    kind: "rejection",
    phase: "data",
    isTemporary: false,
    host: aHost(),
    ident: undefined,
    tls: undefined,
    auth: undefined,
    sender: "carol@example.net",
    recipient: undefined,
    command: undefined,
    code: undefined,
    reason: "not wanted",
    details: [],
    ...overrides,
  };
}

/** A connection that was closed. */
export function aSession(overrides: Partial<Session> = {}): Session {
  return {
    kind: "session",
    action: "closed",
    ...CLIENT,
    recipients: undefined,
    command: undefined,
    commands: undefined,
    connections: undefined,
    durationMs: undefined,
    reason: "QUIT",
    ...overrides,
  };
}

const CLIENT = {
  host: aHost(),
  ident: undefined,
  tls: undefined,
  auth: undefined,
  sender: undefined,
  details: [],
};

/** One of each kind that says nothing of what became of a message. */
export const REMARKS = [
  aSession(),
  {
    kind: "verification",
    subject: "sender",
    isTemporary: false,
    address: BOB,
    ...CLIENT,
    reason: "Unrouteable address",
  },
  { kind: "tls", problem: "error", host: aHost(), ident: undefined, reason: "(recv): closed", details: [] },
  {
    kind: "signature",
    mechanism: "dkim",
    result: "pass",
    domain: "example.net",
    selector: "s1",
    reason: undefined,
    details: [],
  },
  { kind: "scan", scanner: "malware", reason: "clamd: unable to read from socket" },
  { kind: "dns", problem: "no_name", name: "203.0.113.7", reason: undefined },
  { kind: "daemon", action: "started", version: "4.98", pid: 1234, reason: undefined },
  { kind: "invocation", directory: "/srv", command: "exim -q", args: ["exim", "-q"] },
  { kind: "spool", action: "error", from: undefined, to: undefined, reason: "Format error in spool file" },
  { kind: "configuration", subject: undefined, reason: "failed to expand" },
  { kind: "warning", ...CLIENT, reason: "listed" },
  { kind: "output", address: "|/bin/x", transport: "address_pipe", line: "stored" },
  { kind: "panic", signal: "SIGSEGV", reason: "SIGSEGV (null pointer indirection)" },
  { kind: "rewrite", address: BOB, place: "env-to", result: ALICE, by: "rule 1", reason: undefined },
  { kind: "prdr", recipient: BOB, verdict: "acceptance", reason: undefined },
  { kind: "identification", host: undefined, user: "bob", sender: BOB, details: [] },
] as const satisfies readonly LogEvent[];

export function anythingElse(): Other {
  return { kind: "other" };
}

/** One of each kind of event. */
export const ONE_OF_EACH = [
  anArrival(),
  aDelivery(),
  aDiscard(),
  aDeferral(),
  aFailure(),
  aCompletion(),
  aFreeze(),
  aThaw(),
  aRemoval(),
  aCancellation(),
  aQueuing(),
  aSkip(),
  anEdit(),
  anIgnoredError(),
  ignoredRecipients(),
  aNonAcceptance(),
  aHostError(),
  aQueueRun(),
  aRejection(),
  ...REMARKS,
  anythingElse(),
] as const satisfies readonly LogEvent[];

/** An event with its second; the text matters only for what an administrator did by hand. */
export interface Happening {
  readonly second: number;
  readonly event: LogEvent;
  readonly text?: string;
}

export function at(second: number, event: LogEvent, text?: string): Happening {
  return text === undefined ? { second, event } : { second, event, text };
}

const START = Date.UTC(2026, 2, 2, 5, 40, 5);

/** The moment a happening is folded at, its rank included. */
export function momentOf({ second, event, text }: Happening): Moment {
  return momentAt(epochMs(START + second * 1000), rankOf(event, text ?? ""));
}

/** Folds a history of one message, in the order it is given. */
export function fold(history: readonly Happening[]): MessageState {
  const [first] = history;
  if (first === undefined) throw new Error("a history has at least one event");
  const state = newMessageState(momentOf(first));
  for (const happening of history) {
    const moment = momentOf(happening);
    applyLine(state, moment, messageUpdate(happening.event), recipientEvent(happening.event, moment));
  }
  return state;
}

export interface Fates {
  readonly message: MessageStatus;
  readonly isFrozen: boolean;
  readonly recipients: Readonly<Record<string, RecipientStatus>>;
}

/** Fates that a history leads to. */
export function fatesOf(history: readonly Happening[]): Fates {
  const state = fold(history);
  const fates = recipientFates(state);
  const recipients = Object.fromEntries([...fates].map(([address, { status }]) => [address, status]));
  return {
    message: resolveMessage(state, Object.values(recipients)),
    isFrozen: isFrozen(state.milestones),
    recipients,
  };
}

/** The fates of the recipients by their addresses. */
export function recipientFates(state: MessageState): ReadonlyMap<string, RecipientFate> {
  const fates = resolveRecipients(state);
  return new Map([...state.recipients.keys()].map((address, index) => [address, fateAt(fates, index)]));
}

function fateAt(fates: readonly RecipientFate[], index: number): RecipientFate {
  const fate = fates[index];
  if (fate === undefined) throw new Error(`recipient ${index} has no fate`);
  return fate;
}
