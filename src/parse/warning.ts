import type { Cursor } from "./cursor.ts";
import type { Warning } from "./events.ts";
import { type Identity, newIdentity } from "./identity.ts";
import { unescapePrinted } from "./quoting.ts";

/**
 * Reads the warning of an ACL, the cursor after the client; undefined when the word is not there.
 *
 *     H=mta1.newsletters.example [203.0.113.107] Warning: listed in slow.dnsbl.example
 *                                                ^
 * Source: exim-log-grammar §12.1.
 */
export function readWarning(cursor: Cursor, client: Identity): Warning | undefined {
  return cursor.take("Warning: ") ? { kind: "warning", ...client, reason: unescapePrinted(cursor.rest()) } : undefined;
}

/**
 * Reads that Exim continued although the next host hung up: the message may be lost.
 *
 *     1wP0Yy-000000006P2-3Ukl peer close after all rcpt responses; converting i/o-error to no-error
 *                             ^
 * Source: exim-log-grammar §11.1.
 */
export function parsePeerClose(text: string): Warning | undefined {
  return text.startsWith("peer close after ") ? { kind: "warning", ...newIdentity(), reason: text } : undefined;
}
