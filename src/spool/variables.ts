/** The variables of a message, by the names of exipick: what its criteria ask and `--show-vars` shows. */
import { decodeUtf8 } from "../text.ts";
import type { EpochMs } from "../units.ts";
import { decodeEncodedWords } from "./encoded-words.ts";
import { formatShownSize } from "./mailq-text.ts";
import { pendingRecipients, type QueuedMessage } from "./queued-message.ts";
import type { SpoolHeader } from "./spool-header.ts";

/** Sources of the values. */
export interface VariableSource {
  readonly message: QueuedMessage;
  /** Undefined where only a listing or the log tells of the message. */
  readonly header: SpoolHeader | undefined;
  /** Body of the message on one line, read when it is asked for. */
  readonly body?: () => string;
  readonly now: EpochMs;
}

type Value = string | number | boolean | undefined;

/** Between the addresses of a list. */
export const LIST_SEPARATOR = ", ";

const FROM_MESSAGE: Readonly<Record<string, (source: VariableSource) => Value>> = {
  message_id: ({ message }) => message.id,
  message_exim_id: ({ message }) => message.id,
  message_age: ({ message, now }) =>
    message.arrivedAt === null ? undefined : Math.floor(now / 1000) - Math.floor(message.arrivedAt / 1000),
  message_size: ({ message }) => message.sizeBytes ?? undefined,
  shown_message_size: ({ message }) => formatShownSize(message.sizeBytes),
  received_time: ({ message }) => (message.arrivedAt === null ? undefined : Math.floor(message.arrivedAt / 1000)),
  sender_address: ({ message }) => message.sender ?? undefined,
  bracketed_sender: ({ message }) => (message.sender === null ? undefined : `<${message.sender}>`),
  sender_address_domain: ({ message }) => message.sender?.replace(/^.*@/s, ""),
  sender_address_local_part: ({ message }) => message.sender?.replace(/@[^@]*$/s, ""),
  recipients: ({ message }) => message.recipients.map(({ address }) => address).join(LIST_SEPARATOR),
  recipients_count: ({ message }) => message.recipients.length,
  recipients_undel: ({ message }) => pendingRecipients(message).join(LIST_SEPARATOR),
  recipients_undel_count: ({ message }) => pendingRecipients(message).length,
  recipients_del: ({ message }) => deliveredAddresses(message).join(LIST_SEPARATOR),
  recipients_del_count: ({ message }) => message.recipients.length - pendingRecipients(message).length,
  deliver_freeze: ({ message }) => message.isFrozen,
  deliver_frozen_at: ({ message }) => (message.frozenAt === null ? undefined : Math.floor(message.frozenAt / 1000)),
  warning_count: ({ message }) => message.warnings ?? undefined,
  queue_name: ({ message }) => message.queueName,
};

const fromFile =
  (name: string) =>
  ({ header }: VariableSource): Value =>
    header?.variables.get(name);
const isInFile =
  (name: string) =>
  ({ header }: VariableSource): Value =>
    header?.variables.has(name);
const host =
  (name: string) =>
  ({ header }: VariableSource): Value =>
    splitHost(header?.variables.get(name)).address;
const port =
  (name: string) =>
  ({ header }: VariableSource): Value =>
    splitHost(header?.variables.get(name)).port;

const FROM_HEADER_FILE: Readonly<Record<string, (source: VariableSource) => Value>> = {
  originator_login: ({ header }) => header?.login,
  originator_uid: ({ header }) => header?.uid,
  originator_gid: ({ header }) => header?.gid,
  received_protocol: fromFile("received_protocol"),
  sender_host_address: host("host_address"),
  sender_host_port: port("host_address"),
  sender_host_name: fromFile("host_name"),
  sender_host_authenticated: fromFile("host_auth"),
  sender_helo_name: fromFile("helo_name"),
  sender_ident: fromFile("ident"),
  interface_address: host("interface_address"),
  interface_port: port("interface_address"),
  received_ip_address: host("interface_address"),
  received_port: port("interface_address"),
  authenticated_id: fromFile("auth_id"),
  authenticated_sender: fromFile("auth_sender"),
  smtp_active_hostname: fromFile("active_hostname"),
  body_linecount: fromFile("body_linecount"),
  body_zerocount: fromFile("body_zerocount"),
  max_received_linelength: fromFile("max_received_linelength"),
  dsn_ret: fromFile("dsn_ret"),
  dsn_envid: fromFile("dsn_envid"),
  local_scan_data: fromFile("local_scan"),
  spam_bar: fromFile("spam_bar"),
  spam_score: fromFile("spam_score"),
  spam_score_int: fromFile("spam_score_int"),
  tls_cipher: fromFile("tls_cipher"),
  tls_peerdn: fromFile("tls_peerdn"),
  tls_sni: fromFile("tls_sni"),
  tls_ver: fromFile("tls_ver"),
  tls_ocsp: fromFile("tls_ocsp"),
  tls_resumption: fromFile("tls_resumption"),
  tls_certificate_verified: isInFile("tls_certificate_verified"),
  allow_unqualified_recipient: isInFile("allow_unqualified_recipient"),
  allow_unqualified_sender: isInFile("allow_unqualified_sender"),
  deliver_firsttime: isInFile("deliver_firsttime"),
  first_delivery: isInFile("deliver_firsttime"),
  deliver_manual_thaw: isInFile("manual_thaw"),
  manually_thawed: isInFile("manual_thaw"),
  dont_deliver: isInFile("N"),
  host_lookup_deferred: isInFile("host_lookup_deferred"),
  host_lookup_failed: isInFile("host_lookup_failed"),
  local_error_message: isInFile("localerror"),
  sender_local: isInFile("local"),
  sender_set_untrusted: isInFile("sender_set_untrusted"),
  spool_file_wireformat: isInFile("spool_file_wireformat"),
};

const FROM_HEADERS: Readonly<Record<string, (source: VariableSource) => Value>> = {
  received_count: ({ header }) => header?.headers.filter(({ kind }) => kind === "P").length,
  message_headers: (source) => decodeEncodedWords(rawHeaders(source)),
  message_headers_raw: rawHeaders,
  message_linecount: (source) =>
    countNewlines(rawHeaders(source)) + Number(source.header?.variables.get("body_linecount") ?? 0),
  reply_address: (source) => headerValue(source, "reply-to") ?? headerValue(source, "from"),
};

const FROM_BODY: Readonly<Record<string, (source: VariableSource) => Value>> = {
  message_body: ({ body }) => body?.(),
};

const ALL: Readonly<Record<string, (source: VariableSource) => Value>> = {
  ...FROM_MESSAGE,
  ...FROM_HEADER_FILE,
  ...FROM_HEADERS,
  ...FROM_BODY,
};

/** Names without `$`, those of headers and ACLs apart. */
export const VARIABLE_NAMES: readonly string[] = Object.keys(ALL).sort();

const HEADER_NAME = /^(r|b)?h(?:eader)?_([^:\s]+):?$/;
const ACL_NAME = /^acl_[cm]\w+$/;

/** `$Sender_Address:` as `sender_address`; a header and an ACL variable keep what they are named. */
export function toVariableName(text: string): string {
  const name = text.replace(/^\$/, "").replace(/:$/, "");
  return ACL_NAME.test(name) ? name : name.toLowerCase();
}

export function isVariable(name: string): boolean {
  return Object.hasOwn(ALL, name) || HEADER_NAME.test(name) || ACL_NAME.test(name);
}

/** True when the text of headers has to be kept for it. */
export function needsHeaders(name: string): boolean {
  return Object.hasOwn(FROM_HEADERS, name) || HEADER_NAME.test(name);
}

/** True when only a spool knows it. */
export function needsSpool(name: string): boolean {
  return !Object.hasOwn(FROM_MESSAGE, name);
}

/** Text of a variable, empty when the message has none; true is `1`, false is empty. */
export function variableText(source: VariableSource, name: string): string {
  const value = readVariable(source, name);
  if (typeof value === "boolean") return value ? "1" : "";
  return value === undefined ? "" : String(value);
}

function readVariable(source: VariableSource, name: string): Value {
  if (Object.hasOwn(ALL, name)) return ALL[name]?.(source);
  if (ACL_NAME.test(name)) return source.header?.variables.get(name);
  const [, form, header = ""] = HEADER_NAME.exec(name) ?? [];
  return form === "r" ? rawValue(source, header) : headerValue(source, header);
}

function deliveredAddresses({ recipients, generated }: QueuedMessage): readonly string[] {
  return [...recipients.filter(({ isDelivered }) => isDelivered).map(({ address }) => address), ...generated];
}

/** `[203.0.113.190]:45945`, `203.0.113.190.45945`, `2001:db8::1.25`. */
function splitHost(text: string | undefined): {
  readonly address: string | undefined;
  readonly port: number | undefined;
} {
  if (text === undefined) return { address: undefined, port: undefined };
  const [, address, digits] =
    /^\[([^\]]+)\](?::(\d+))?$/.exec(text) ??
    /^(\d{1,3}(?:\.\d{1,3}){3})(?:\.(\d+))?$/.exec(text) ??
    /^([\da-fA-F:]+)(?:\.(\d+))?$/.exec(text) ??
    [];
  return { address: address ?? text, port: Number(digits ?? 0) };
}

function rawHeaders({ header }: VariableSource): string {
  return (header?.headers ?? []).map(({ bytes }) => decodeUtf8(bytes.toString("latin1"))).join("");
}

function countNewlines(text: string): number {
  return text.split("\n").length - 1;
}

/** Values of a header that is sent, as they are. */
function rawValues(
  { header }: VariableSource,
  name: string,
): readonly { readonly kind: string; readonly text: string }[] {
  return (header?.headers ?? [])
    .map(({ kind, bytes }) => ({ kind, text: decodeUtf8(bytes.toString("latin1")) }))
    .filter(({ kind, text }) => kind !== "*" && text.slice(0, text.indexOf(":")).trim().toLowerCase() === name)
    .map(({ kind, text }) => ({ kind, text: text.slice(text.indexOf(":") + 1) }));
}

function rawValue(source: VariableSource, name: string): string | undefined {
  const values = rawValues(source, name);
  return values.length === 0 ? undefined : values.map(({ text }) => text).join("");
}

/** Kinds of headers that hold addresses: several of one name become one list. */
const LISTS = /^[BCFRST]$/;

function headerValue(source: VariableSource, name: string): string | undefined {
  const values = rawValues(source, name);
  if (values.length === 0) return undefined;
  const joiner = values.every(({ kind }) => LISTS.test(kind)) ? ",\n" : "\n";
  return decodeEncodedWords(values.map(({ text }) => text.trim()).join(joiner));
}
