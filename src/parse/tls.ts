import { SPACE } from "./chars.ts";
import { Cursor } from "./cursor.ts";
import type { Host, Tls, TlsProblem } from "./events.ts";
import { readHost, readInterface } from "./host.ts";
import { type Identity, newIdentity, readBareIdentity } from "./identity.ts";

/**
 * Reads an error of the TLS of a connection.
 *
 *     TLS error on connection from mail.sender1.example (x) [203.0.113.101] (gnutls_handshake): An unexpected TLS packet was received.
 *     ^
 *     TLS error on connection (recv): The TLS connection was non-properly terminated.
 *     TLS session: (SSL_connect): error: delivering unencrypted to H=mx.tlsbroken.example [203.0.113.26] (not in hosts_require_tls)
 *     TLS ALPN (smtp) rejected
 * Source: exim-log-grammar §11.1 and §12.3.
 */
export function parseTlsError(text: string): Tls | undefined {
  const cursor = new Cursor(text);
  if (cursor.take("TLS error on connection ")) {
    if (!cursor.take("from ") && !cursor.take("to ")) return buildTls("error", newIdentity(), cursor.rest());
    const client = readBareIdentity(cursor);
    return buildTls("error", client, cursor.rest().trimStart());
  }
  if (cursor.take("TLS session: ")) return readSessionError(cursor);
  return text.startsWith("TLS ALPN ") || text.startsWith("TLS error (")
    ? buildTls("error", newIdentity(), text)
    : undefined;
}

/** The host follows the last `unencrypted to`: what the other side said may hold these words, too. */
function readSessionError(cursor: Cursor): Tls {
  const { text } = cursor;
  const words = text.lastIndexOf(" unencrypted to ");
  if (words === -1) return buildTls("error", newIdentity(), cursor.rest());
  const at = words + " unencrypted to ".length;
  const hostCursor = new Cursor(text, text.startsWith("H=", at) ? at + 2 : at);
  const host = readHost(hostCursor);
  return buildTls("unencrypted", { ...newIdentity(), host }, cursor.rest());
}

/**
 * Reads a certificate that did not verify; Exim continued all the same.
 *
 *     [203.0.113.42] SSL verify error: depth=0 error=self-signed certificate cert=/CN=self-signed.example
 *     ^
 *     [203.0.113.16] SSL verify error: certificate name mismatch: DN="/CN=mx1" H="mx.tls12.example"
 * Source: exim-log-grammar §11.1.
 */
export function parseCertificateError(text: string): Tls | undefined {
  const cursor = new Cursor(text);
  const address = readInterface(cursor);
  if (address === undefined || !cursor.take(" SSL verify error: ")) return undefined;
  const host = readHost(new Cursor(text));
  const reason = cursor.rest();
  const match = DEPTH.exec(reason);
  const details = match === null ? [] : ["depth", match[1] ?? "", "error", match[2] ?? "", "cert", match[3] ?? ""];
  return { kind: "tls", problem: "certificate", host, ident: undefined, reason, details };
}

const DEPTH = /^depth=(\d+) error=(.*?) cert=(.*)$/;

/**
 * Reads why DANE, the status of a certificate, or a promise of TLS kept a connection from being used.
 *
 *     DANE attempt failed; TLS connection to mx.badtlsa.example [203.0.113.44]: (SSL_connect): certificate verify failed
 *     ^
 *     DANE error: TLSA lookup for mx.secure.example not DNSSEC
 *     Required TLS certificate status not received
 *     Server certificate revoked; reason: superseded
 *     Connection aborted; STARTTLS support by h [203.0.113.7] required by DNS SRV but STARTTLS not offered
 * Source: exim-log-grammar §11.1.
 */
export function parseTlsPolicy(text: string): Tls | undefined {
  for (const [start, problem] of POLICIES) {
    if (!text.startsWith(start)) continue;
    const host = readHostAfter(text, " connection to ") ?? readHostAfter(text, " support by ");
    return buildTls(problem, { ...newIdentity(), host }, text);
  }
  return undefined;
}

const POLICIES: readonly (readonly [string, TlsProblem])[] = [
  ["DANE attempt failed; ", "dane"],
  ["DANE error: ", "dane"],
  ["Required TLS certificate status not received", "ocsp"],
  ["Server certificate revoked; reason: ", "ocsp"],
  ["OCSP dates invalid", "ocsp"],
  ["Connection aborted; STARTTLS support by ", "error"],
];

function readHostAfter(text: string, words: string): Host | undefined {
  const at = text.indexOf(words);
  if (at === -1) return undefined;
  const host = readHost(new Cursor(text, at + words.length));
  return host?.ip === undefined ? undefined : host;
}

/**
 * Reads what the TLS library says of the files of this server, without any connection.
 *
 *     (SSL_CTX_use_certificate_chain_file file=/etc/exim4/missing.pem): error:80000002:system library::No such file or directory
 *     ^
 * Source: exim-log-grammar §12.3.
 */
export function parseTlsLibraryError(text: string): Tls | undefined {
  return LIBRARY_CALL.test(text) ? buildTls("error", newIdentity(), text) : undefined;
}

const LIBRARY_CALL = /^\((?:SSL_|gnutls_|cert\/key setup)[^)]*\): /;

function buildTls(problem: TlsProblem, { host, ident, details }: Identity, reason: string): Tls {
  const start = reason.startsWith(": ") ? 2 : reason.charCodeAt(0) === SPACE ? 1 : 0;
  return { kind: "tls", problem, host, ident, reason: reason.slice(start), details };
}
