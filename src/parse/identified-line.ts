import { SPACE } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import type { Discard, LogEvent } from "./events.ts";
import { readAngleBrackets } from "./fields.ts";
import { readCutthrough, readHostError } from "./host-error.ts";
import { type Identity, readIdentity } from "./identity.ts";
import { buildRejection, readRejection } from "./rejection.ts";
import { readIncompleteTransaction } from "./session.ts";
import { readSenderVerification } from "./verification.ts";
import { readWarning } from "./warning.ts";

/**
 * Reads a line that begins with who is at the other end. The words after it tell what it is about: a client's, in a list that is
 * closed; else, with a message id, what the host said to which the message was to go.
 *
 *     H=mail.sender1.example (x) [203.0.113.101] F=<x@partner.example> rejected RCPT <a@b.example>: no
 *     ^
 *     H=mta1.newsletters.example [203.0.113.107] Warning: listed in slow.dnsbl.example
 *     1vx2zF-00063H-2W H=mx.refused.example [203.0.113.17] Connection refused
 * Source: exim-log-grammar §11.1 and §12.1.
 */
export function parseIdentifiedLine(text: string, messageId: string | undefined): LogEvent | undefined {
  const cursor = new Cursor(text);
  const identity = readIdentity(cursor);
  const { position } = cursor;
  if (position === 0) return undefined;
  const incoming = readIncoming(cursor, identity);
  if (incoming !== undefined || messageId === undefined) return incoming;
  if (identity.sender === undefined) {
    cursor.position = position;
    const cutthrough = readCutthrough(cursor, identity);
    if (cutthrough !== undefined) return cutthrough;
    // NOTE: the fields that tell a client from a host to which the message was to go.
    if (identity.ident !== undefined || identity.host?.helo !== undefined) return undefined;
    cursor.position = text.charCodeAt(position - 1) === SPACE ? position - 1 : position;
    return readHostError(cursor, identity);
  }
  return undefined;
}

function readIncoming(cursor: Cursor, identity: Identity): LogEvent | undefined {
  switch (cursor.text.charAt(cursor.position)) {
    case "r":
    case "t":
      return readRejection(cursor, identity);
    case ":":
      return cursor.take(": rejected by DCC") ? buildRejection("data", identity, undefined, false) : undefined;
    case "W":
      return readWarning(cursor, identity);
    case "s":
      return readSenderVerification(cursor, identity);
    case "i":
      return readIncompleteTransaction(cursor, identity);
    case "d":
      return cursor.take("dropped by ")
        ? buildRejection("connect", identity, afterColon(cursor.rest()), false)
        : undefined;
    case "R":
      return readDiscard(cursor, identity);
    default:
      return undefined;
  }
}

/**
 * A recipient that an ACL accepted only to drop it.
 *
 *     H=out.sender2.example [203.0.113.102] F=<x@partner.example> RCPT <aclnull@example.org>: discarded by RCPT ACL: on purpose
 *                                                                 ^
 */
function readDiscard(cursor: Cursor, { host, sender, details }: Identity): Discard | undefined {
  if (!cursor.take("RCPT ")) return undefined;
  const recipient = readAngleBrackets(cursor);
  if (recipient === undefined || !cursor.take(": discarded by ")) return undefined;
  const address = { final: recipient, parents: [], original: recipient };
  return { kind: "discard", address, router: undefined, host, sender, reason: cursor.rest(), details };
}

function afterColon(text: string): string | undefined {
  const colon = text.indexOf(": ");
  return colon === -1 ? undefined : text.slice(colon + 2);
}
