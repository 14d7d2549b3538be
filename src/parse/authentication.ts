import { isDigit, SPACE } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import type { Host, HostError, Rejection, SmtpReply } from "./events.ts";
import { readHost } from "./host.ts";
import { type Identity, readBareIdentity } from "./identity.ts";
import { unescapePrinted } from "./quoting.ts";
import { buildRejection } from "./rejection.ts";

const SET_ID = " (set_id=";

/**
 * Reads a login that failed. A client that failed is a rejection of the phase `auth`, like any other command it was refused;
 * Exim that failed at the next host is an error of that host.
 *
 *     login_server authenticator failed for (User) [203.0.113.103]: 535 Incorrect authentication data (set_id=yves)
 *     ^
 *     plain_server authenticator failed for H=(x) [203.0.113.7]: 435 Unable to authenticate at present (set_id=who): failed to open …
 *     1vx2zJ-000652-2F plain_client authenticator failed H=relay.example [203.0.113.31] 535 5.7.8 Error: authentication failed
 *     1vx2zJ-000652-2F login authenticator cancelled authentication H=relay.example [203.0.113.31] Invalid base64 string …
 * The words `H=` and `U=` are there since Exim 4.99.
 * Source: exim-log-grammar §11.1 and §12.2.
 */
export function parseAuthenticationFailure(
  text: string,
  messageId: string | undefined,
): Rejection | HostError | undefined {
  const blank = text.indexOf(" ");
  const authenticator = text.slice(0, blank);
  const cursor = new Cursor(text, blank);
  if (cursor.take(" authenticator failed for ")) return readServerFailure(cursor, authenticator);
  if (messageId === undefined) return undefined;
  if (!cursor.take(" authenticator failed H=") && !cursor.take(" authenticator cancelled authentication H="))
    return undefined;
  const verb = text.slice(0, cursor.position - " H=".length);
  const host = readHost(cursor);
  return host === undefined ? undefined : buildHostError(verb, host, cursor.rest());
}

function readServerFailure(cursor: Cursor, authenticator: string): Rejection | undefined {
  const identity = readFailedClient(cursor);
  if (identity === undefined) return undefined;
  const said = cursor.rest();
  const code = codeAt(said);
  const isTemporary = code !== undefined && code < 500;
  const { id, reason } = splitSetId(said, isTemporary);
  return { ...buildRejection("auth", identity, reason, isTemporary), auth: { authenticator, id }, code };
}

/**
 * Reads the client, and the colon after it. What it wrote is its HELO before its address, and the name behind `set_id`; where its
 * HELO holds these words, too, the name is after the last ones.
 */
function readFailedClient(cursor: Cursor): Identity | undefined {
  const { text, position } = cursor;
  const places = [text.indexOf(SET_ID, position), text.lastIndexOf(SET_ID)];
  for (const place of places) {
    cursor.position = position;
    const identity = readBareIdentity(cursor, place === -1 ? text.length : place);
    if (cursor.take(": ")) return identity;
  }
  return undefined;
}

function codeAt(text: string): number | undefined {
  for (let at = 0; at < 3; at++) if (!isDigit(text.charCodeAt(at))) return undefined;
  return text.charCodeAt(3) === SPACE || text.length === 3 ? Number(text.slice(0, 3)) : undefined;
}

/**
 * Parts the name a client tried to log in with from the reason: `535 Incorrect authentication data (set_id=user)`. The name may
 * hold parentheses; only a temporary failure has text after it.
 */
function splitSetId(said: string, isTemporary: boolean): { readonly id: string | undefined; readonly reason: string } {
  const start = said.indexOf(SET_ID);
  const from = start + SET_ID.length;
  const textAfter = start !== -1 && isTemporary ? said.indexOf("): ", from) : -1;
  const end = textAfter === -1 ? said.lastIndexOf(")") : textAfter;
  if (start === -1 || end < from) return { id: undefined, reason: said };
  return { id: said.slice(from, end), reason: said.slice(0, start) + said.slice(end + 1) };
}

/** The host is in the middle of the sentence; the error is the sentence without it. */
function buildHostError(verb: string, host: Host, rest: string): HostError {
  const message = rest.startsWith(" ") ? rest.slice(1) : rest;
  const code = codeAt(message);
  const enhanced = /^[245]\.\d{1,3}\.\d{1,3}(?= |$)/.exec(message.slice(4))?.[0];
  const reply: SmtpReply = {
    phase: "AUTH",
    code,
    enhancedCode: code === undefined ? undefined : enhanced,
    isTimeout: false,
  };
  return { kind: "host_error", host, error: `${verb}: ${unescapePrinted(message)}`, reply, details: [] };
}
