import { TAB } from "./chars.ts";
import type { Panic } from "./events.ts";

/**
 * Reads that Exim itself is in trouble: it crashed, cannot write its logs, or lost a process.
 *
 *     1vx1hi-0005yl-09 SIGSEGV (22991 delivering 1vx1hi-0005yl-09 to mx.example [203.0.113.7]/198.51.100.25 (user@mx.example))
 *                      ^
 *     1vx1hi-0005yl-09 process 4711 crashed with signal 11 while delivering 1vx1hi-0005yl-09
 *     1vx1hi-0005yl-09 appendfile transport process returned non-zero status 0x0100: exit code 1
 *     Cannot open main log file "/var/log/exim4/mainlog": Permission denied: euid=0 egid=110
 * Source: exim-log-grammar §13.
 */
export function parsePanic(text: string): Panic | undefined {
  const match = PANIC.exec(text);
  if (match === null) return undefined;
  return { kind: "panic", signal: match[1] ?? SIGNAL.exec(text)?.[1], reason: text };
}

const PANIC =
  /^(?:(SIGSEGV) \(|SEGV_\w+$|backtrace$|---$|(?:queue run: )?process \d+ crashed with signal |Cannot open (?:main|reject|panic) log file |failed to write to (?:main|reject|panic) log: |Delivery status for |failed to read delivery status for |Child mail process returned status |\*\*\*\* SIGNAL|Failed writing |exim: )/;
const SIGNAL = /^(?:queue run: )?process \d+ crashed with signal (\d+)/;

/** A frame of a backtrace, each an entry of its own: a tab, then `/usr/sbin/exim4(+0x32351) [0x564ab5495351]`. */
export function parseBacktrace(text: string): Panic | undefined {
  if (text.charCodeAt(0) !== TAB || !/ ?\[0x[0-9a-f]+\]$/.test(text)) return undefined;
  return { kind: "panic", signal: undefined, reason: text.slice(1) };
}

/** `appendfile transport process returned non-zero status 0x0100: exit code 1`. */
export function parseTransportProcess(text: string): Panic | undefined {
  const match = /^\w+ transport process (?:returned non-zero status .*|vanished unexpectedly.*)$/s.exec(text);
  if (match === null) return undefined;
  return { kind: "panic", signal: /terminated by signal (\d+)/.exec(text)?.[1], reason: text };
}
