import type { Scan } from "./events.ts";

/**
 * Reads what a scanner found, or why it could not look.
 *
 *     malware acl condition: clamd [127.0.0.1]:3310 : unable to read from socket (EOF)
 *     ^
 *     spam acl condition: warning - spamd connection to 127.0.0.1 failed: Connection refused
 *     SA: Action: permanently rejected message: score=17.3 required=5.0
 * Source: exim-log-grammar §13.
 */
export function parseScan(text: string): Scan | undefined {
  for (const [start, scanner] of SCANNERS) {
    if (text.startsWith(start)) return { kind: "scan", scanner, reason: text.slice(start.length) };
  }
  return undefined;
}

const SCANNERS: readonly (readonly [string, Scan["scanner"]])[] = [
  ["malware acl condition: ", "malware"],
  ["internal scanner error ", "malware"],
  ["spam acl condition: ", "spam"],
  ["SA: ", "spam"],
];
