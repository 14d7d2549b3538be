import type { Dns } from "./events.ts";

interface Form {
  readonly start: string;
  readonly problem: Dns["problem"];
  /** Text that ends the looked-up name; the end of the line if it is missing. */
  readonly end?: string;
}

/**
 * Reads what the name service did not answer, or not as it should.
 *
 *     no host name found for IP address 203.0.113.103
 *     ^
 *     lowest numbered MX record points to local host: selfloop.example (while routing <x@selfloop.example>)
 *     DNS list lookup defer (probably timeout) for 113.113.0.203.zen.dnsbl.example: assumed not in list
 * Source: exim-log-grammar §11.1 and §12.3.
 */
export function parseDns(text: string): Dns | undefined {
  for (const { start, problem, end } of FORMS) {
    if (!text.startsWith(start)) continue;
    const from = start.length;
    const at = end === undefined ? -1 : text.indexOf(end, from);
    const name = text.slice(from, at === -1 ? undefined : at);
    const reason = at === -1 ? undefined : text.slice(at).replace(/^'?:? /, "");
    return { kind: "dns", problem, name, reason: reason === "" ? undefined : reason };
  }
  return undefined;
}

const FORMS: readonly Form[] = [
  { start: "no host name found for IP address ", problem: "no_name" },
  { start: "no IP address found for host ", problem: "no_address", end: " (" },
  { start: "lowest numbered MX record points to local host: ", problem: "local_host", end: " (" },
  { start: "remote host address is the local host: ", problem: "local_host", end: " (" },
  { start: "CNAME loop for ", problem: "cname_loop", end: " " },
  { start: "Long host lookup for '", problem: "slow", end: "': " },
  { start: "DNS list lookup defer (probably timeout) for ", problem: "list", end: ": " },
  { start: "DNS list lookup for ", problem: "list", end: " " },
  { start: "failed to find host name for ", problem: "list", end: ": " },
  { start: "failed to find IP address for ", problem: "list", end: ": " },
  { start: "list matching forced to fail: failed to find host name for ", problem: "list", end: " (" },
  { start: "list matching forced to fail: failed to find IP address for ", problem: "list", end: " (" },
  { start: "list matching forced to fail: ", problem: "list", end: " (" },
];

const ACCEPTED = /: (accepted by \+include_(?:unknown|defer))$/;

/**
 * Reads that an item of a list matched although what it asks for could not be looked up.
 *
 *     host lookup deferred for reverse lookup check: accepted by +include_defer
 *     ^
 * Source: exim-log-grammar §12.3.
 */
export function parseListMatch(text: string): Dns | undefined {
  const accepted = ACCEPTED.exec(text);
  if (accepted === null) return undefined;
  return { kind: "dns", problem: "list", name: text.slice(0, accepted.index), reason: accepted[1] };
}
