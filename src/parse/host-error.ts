import { readAddressPart } from "./address-part.ts";
import { SPACE } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import type { HostError, Rejection } from "./events.ts";
import { fieldKeyAt } from "./fields.ts";
import { plainHost, readHost } from "./host.ts";
import {
  type Identity,
  newIdentity,
  readBareIdentity,
  readClientFields,
  readIdentity,
  takeDetail,
} from "./identity.ts";
import { findOldError } from "./old-error.ts";
import { unescapePrinted, unescapeReply } from "./quoting.ts";
import { buildRejection } from "./rejection.ts";
import { findSmtpReply } from "./smtp-reply.ts";

/**
 * Reads what one host of several said or did, the cursor after the host: other hosts may be tried. Which words follow depends on
 * the operating system and the remote side, so any do; lines about incoming sessions are known by their words before.
 *
 *     1vx2zF-00063H-2W H=127.0.0.1 [127.0.0.1]: SMTP timeout after EHLO myhost.test.ex: Connection timed out
 *                                             ^
 *     1vx2zF-00063H-2W H=thishost.test.ex [127.0.0.1] Connection refused
 * Source: exim-log-grammar §11.1.
 */
export function readHostError(cursor: Cursor, { host, details }: Identity): HostError | undefined {
  if (host?.ip === undefined) return undefined;
  if (!cursor.take(": ")) while (cursor.peek() === SPACE) cursor.position++;
  const error = unescapePrinted(cursor.rest());
  return error === "" ? undefined : { kind: "host_error", host, error, reply: findSmtpReply(error), details };
}

/**
 * Reads the same of Exim before 4.85, which names the host within the text.
 *
 *     1vx2zF-00063H-2W Failed to connect to mx.rules.example [203.0.113.14]: Connection refused
 *                      ^
 *     1vx2zF-00063H-2W mx.rules.example [203.0.113.14] Connection refused
 *     1vx2zF-00063H-2W SMTP error from remote mail server after initial connection: host mx.rules.example [203.0.113.14]: 421 busy
 * Source: exim-log-grammar §11.1.
 */
export function parseOldHostError(text: string, messageId: string | undefined): HostError | undefined {
  if (messageId === undefined) return undefined;
  const cursor = new Cursor(text);
  if (cursor.take("Failed to connect to ")) return readHostError(cursor, readBareIdentity(cursor));
  const [, name, ip, error] = NAMED_HOST.exec(text) ?? [];
  if (error !== undefined) {
    return { kind: "host_error", host: plainHost(name, ip), error, reply: findSmtpReply(error), details: [] };
  }
  const old = findOldError(text);
  return old === undefined ? undefined : { kind: "host_error", ...old, error: unescapePrinted(text), details: [] };
}

/** NOTE: text of an ACL may begin with a host, too; so only the usual errors of the operating system count. */
const NAMED_HOST =
  /^([\w.-]+) \[([\da-fA-F.:]+)\] ((?:Connection (?:refused|timed out|reset by peer)|Operation timed out|No route to host|Network is (?:unreachable|down)|Host is (?:unreachable|down)|Network Error).*)$/s;

const REJECTED = " rejected after DATA: ";
const DEFERRED = " tmp-reject from cutthrough after DATA: ";

/**
 * Reads the refusal of the next host of a cutthrough, the cursor at the recipient after the client. When it is permanent the
 * client is refused, too; when it is temporary Exim takes the message and queues it, so that it is an error of that host.
 *
 *     H=client.example [203.0.113.111] bad@cut.example.net F=<a@b.example> rejected after DATA: R=hub T=smtp_cut H=cut [203.0.113.33] C="550 no"
 *                                      ^
 *     … tmp@cut.example.net F=<a@b.example> tmp-reject from cutthrough after DATA: R=hub T=smtp_cut H=cut [203.0.113.33] C="451 later"
 * Source: exim-log-grammar §8.3.
 */
export function readCutthrough(cursor: Cursor, client: Identity): Rejection | HostError | undefined {
  const { text, position } = cursor;
  if (!text.includes(REJECTED, position) && !text.includes(DEFERRED, position)) return undefined;
  const { original } = readAddressPart(cursor);
  const { sender, details: named } = readIdentity(cursor);
  cursor.position--;
  const isPermanent = cursor.take(REJECTED);
  if (sender === undefined || (!isPermanent && !cursor.take(DEFERRED))) {
    cursor.position = position;
    return undefined;
  }
  const target = newIdentity();
  const start = cursor.position;
  readClientFields(cursor, target);
  const confirmation = takeDetail(target, "C");
  const said = confirmation === undefined ? undefined : unescapeReply(confirmation);
  const reply = said === undefined ? undefined : findSmtpReply(said);
  if (isPermanent) {
    const details = [...client.details, ...named, ...target.details, ...hostDetail(text, start)];
    const rejection = buildRejection("cutthrough", { ...client, sender, details }, said, false);
    return { ...rejection, recipient: original, code: reply?.code };
  }
  if (target.host === undefined || said === undefined) return undefined;
  return { kind: "host_error", host: target.host, error: said, reply, details: [...named, ...target.details] };
}

/** The host of a line whose other fields have been read: `H`, and its value as logged. */
function hostDetail(text: string, from: number): string[] {
  const start = text.indexOf("H=", from);
  if (start === -1 || fieldKeyAt(text, start) !== "H") return [];
  const cursor = new Cursor(text, start + 2);
  readHost(cursor);
  return ["H", text.slice(start + 2, cursor.position)];
}
