import type { Spool } from "./events.ts";

/**
 * Reads trouble with the files of the queue or the hints databases, and messages that were moved between queues.
 *
 *     1zzzzz-000000-ZZ Spool file 1zzzzz-000000-ZZ-D not found
 *                      ^
 *     1vxEXA-0007QL-01 Format error in spool file 1vxEXA-0007QL-01-H: size=415
 *     1vxEXA-0007QL-01 moved from (third) input, msglog to input, msglog
 *     1gfiaO-0008Tb-OK spool file write error while delivering: No space left on device
 *     1gfhBW-0006xH-3H failed to write journal for user@example.com
 *     Failed to create spool file /var/spool/exim4//input//1mkO1G-0004dQ-4z-D: Permission denied
 *     Berkeley DB error: BDB0210 /var/spool/exim4/db/retry: metadata page checksum error
 * Source: exim-log-grammar §11.
 */
export function parseSpool(text: string): Spool | undefined {
  const moved = MOVED.exec(text);
  if (moved !== null) return { kind: "spool", action: "moved", from: moved[1], to: moved[2], reason: text };
  const match = ERROR.exec(text);
  if (match === null) return undefined;
  return { kind: "spool", action: "error", from: match[1] ?? match[2] ?? match[3], to: undefined, reason: text };
}

const MOVED = /^moved from (.+?, \S*msglog) to (.+)$/;
const ERROR =
  /^(?:Spool(?: Q=\S+)? file (\S+) not found|Spool error for (\S+?):? |(?:Format error|Error reading|error reading|Failed to read) ?(?:in )?spool file ?(\S+?)?(?::? |$)|Spool (?:write|read|file) |spool file write error|[Ff]ailed to (?:write|open|create|unlink|sync|stat|rename|read) (?:the )?(?:spool|journal|message log|msglog)(?: file)?(?: |$)|Berkeley DB |Unable to get (?:shared|interim|exclusive)? ?lock|failed to (?:open|write|rename|create|read) (?:spool|DB file|database) )/;
