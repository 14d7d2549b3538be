import { Cursor } from "./cursor.ts";
import type { Verification } from "./events.ts";
import { readAngleBrackets, readToken } from "./fields.ts";
import { type Identity, newIdentity, readIdentity } from "./identity.ts";
import { unescapePrinted } from "./quoting.ts";

/**
 * Reads why a sender could not be verified, the cursor after the client; undefined when the words are not there.
 *
 *     H=mail.sender1.example [203.0.113.101] sender verify fail for <x@nodomain.example>: Unrouteable address
 *                                            ^
 * Source: exim-log-grammar §12.1.
 */
export function readSenderVerification(cursor: Cursor, client: Identity): Verification | undefined {
  const start = cursor.position;
  const isTemporary = cursor.take("sender verify defer for ");
  const address = isTemporary || cursor.take("sender verify fail for ") ? readAngleBrackets(cursor) : undefined;
  if (address === undefined) {
    cursor.position = start;
    return undefined;
  }
  const reason = cursor.take(": ") ? unescapePrinted(cursor.rest()) : undefined;
  return { kind: "verification", subject: "sender", isTemporary, address, ...client, reason };
}

/**
 * Reads a verification that failed before there was anything to say of an address.
 *
 *     recipient verify defer (making callout connection): T=smtp Network Error
 *     ^
 * Source: exim-log-grammar §9.
 */
export function parseCalloutFailure(text: string): Verification | undefined {
  const match = CALLOUT.exec(text);
  if (match === null) return undefined;
  const cursor = new Cursor(text, match[0].length);
  const client = readIdentity(cursor);
  return {
    kind: "verification",
    subject: match[1] === "sender" ? "sender" : "recipient",
    isTemporary: match[2] === "defer",
    address: undefined,
    ...client,
    reason: unescapePrinted(cursor.rest()),
  };
}

const CALLOUT = /^(sender|recipient) verify (defer|fail) \(making callout connection\): /;

/**
 * Reads a VRFY command that was answered with no.
 *
 *     VRFY failed for nobody-here@example.org H=mail.sender1.example (client.partner.example) [203.0.113.101]
 *     ^
 * Source: exim-log-grammar §12.2.
 */
export function parseVrfyFailure(text: string): Verification | undefined {
  const cursor = new Cursor(text);
  if (!cursor.take("VRFY failed for ")) return undefined;
  const address = readAngleBrackets(cursor) ?? readToken(cursor);
  const client = cursor.atEnd ? newIdentity() : readIdentity(cursor);
  const rest = cursor.rest().trimStart();
  return {
    kind: "verification",
    subject: "recipient",
    isTemporary: false,
    address,
    ...client,
    reason: rest === "" ? undefined : rest,
  };
}
