/**
 * Logs of a few minutes, small enough to be cut at every byte. They have two messages interleaved, a deferral, a bounce, entries
 * of several lines, blank lines, a panic, UTF-8 and Latin-1. They have rejections in two logs: one of them twice within a second,
 * two with header dumps. One more is of syslog: lines that were cut, with pieces of two processes and lines of another program
 * between them.
 */

export interface SmallLogs {
  readonly main: Buffer;
  readonly reject: Buffer;
  readonly panic: Buffer;
  readonly syslog: Buffer;
}

const REFUSED_RCPT = "2026-03-02 06:16:01 H=(x) [203.0.113.3] F=<caf{E9}@x.test> rejected RCPT <n{F6}@b.test>: no user";
const REFUSED_DATA = "2026-03-02 06:16:02 1vwwZW-0005W7-1p H=y.test [203.0.113.2] F=<x@y.test> rejected after DATA: no";
const REFUSED_FURTHER_ON = `2026-03-02 06:16:03 1vwwZX-0005W9-1q H=z.test [203.0.113.1] F=<a@z.test> rejected after DATA: C="550-no
550 never"`;
const PANIC = "2026-03-02 06:16:03 1vwwZU-0005VB-1y == t@p.test R=p T=t defer (-1): Tainted '/t'";

const MAIN = `2026-03-02 06:16:00 1vwwZU-0005V4-1s <= jürgen@müller.test H=r.test [203.0.113.4] P=esmtp S=464
2026-03-02 06:16:00 1vwwZU-0005VB-1y <= bob@b.test U=bob P=local S=430 T="Grüße" for x@r.test t@p.test
2026-03-02 06:16:01 1vwwZU-0005V4-1s => al <al@b.test> R=u T=m
${REFUSED_RCPT}
${REFUSED_RCPT}
2026-03-02 06:16:01 1vwwZU-0005VB-1y == x@r.test R=q defer (-1): the query said:

not now

2026-03-02 06:16:02 1vwwZU-0005V4-1s ** søren@g.test R=d T=s H=m.test [203.0.113.5]: 550 no
${REFUSED_DATA}
2026-03-02 06:16:02 1vwwZW-0005WD-2V <= <> R=1vwwZU-0005V4-1s U=exim P=local S=1671
2026-03-02 06:16:02 1vwwZU-0005V4-1s Completed
2026-03-02 06:16:03 1vwwZW-0005WD-2V => jürgen@müller.test R=d T=s C="250 OK"
${REFUSED_FURTHER_ON}
${PANIC}
2026-03-02 06:16:04 1vwwZU-0005VB-1y SIGSEGV (22
)
2026-03-02 06:26:00 1vwwZU-0005VB-1y => x@r.test R=q T=s H=m.test [203.0.113.5] QT=10m
2026-03-02 06:26:00 1vwwZU-0005VB-1y ** t@p.test: retry timeout exceeded
2026-03-02 06:26:01 1vwwZU-0005VB-1y Completed QT=10m1s
`;

const REJECT = `${REFUSED_RCPT}
${REFUSED_RCPT}
${REFUSED_DATA}
Envelope-from: <x@y.test>
Envelope-to: <a@b.test>
    <n{F6}@b.test>
    ...
P Received: from y.test
	by b.test
  Subject: Grüße, caf{E9}
* To: all
*** truncated ***

${REFUSED_FURTHER_ON}
F From: <a@z.test>
2026-03-02 06:16:05 H=(y) [203.0.113.4] rejected EHLO or HELO y: no
`;

const SYSLOG = `Dec 31 23:59:58 mx1 exim[81]: 1xjQ3q-00000O-1s <= a@a.test H=r.test [203.0.113.4] P=esmtp S=464
Dec 31 23:59:59 mx1 dovecot: imap(al): Logged out
Dec 31 23:59:59 mx1 exim[82]: H=(x) [203.0.113.3] rejected EHLO or HELO x: no
Dec 31 23:59:59 mx1 exim[82]: H=(x) [203.0.113.3] rejected EHLO or HELO x: no
Dec 31 23:59:59 mx1 exim[82]: H=(x) [203.0.113.3] rejected EHLO or HELO x: no
Jan  1 00:00:00 mx1 exim[82]: H=(x) [203.0.113.3] rejected EHLO or HELO x: no
Jan  1 00:00:00 mx1 exim[83]: 1xjQ3s-00000Q-0r F=<{E9}@y.test> rejected after DATA: no
Jan  1 00:00:00 mx1 exim[83]: [1\\5] 1xjQ3s-00000Q-0r F=<{E9}@y.test> rejected after DATA: no
Jan  1 00:00:00 mx1 exim[81]: [1/2] 1xjQ3q-00000O-1s => al <al@b.test> R=u T=
Jan  1 00:00:00 mx1 exim[83]: [2\\5] Envelope-from: <{E9}@y.test>
Jan  1 00:00:00 mx1 dovecot: imap(al): Logged in
Jan  1 00:00:00 mx1 exim[83]: [4\\5]   Subject: late, before the third
Jan  1 00:00:00 mx1 exim[83]: [3\\5] P Received: from y.test
Jan  1 00:00:01 mx1 exim[81]: [2/2] m QT=3s
Jan  1 00:00:01 mx1 exim[83]: [5/5] F From: <x@y.test>
Jan  1 00:00:01 mx1 exim[81]: 1xjQ3q-00000O-1s Completed
Jan  1 00:00:01 mx1 exim[84]: [2/2] lost its beginning
`;

export const SMALL_LOGS: SmallLogs = {
  main: toBytes(MAIN),
  reject: toBytes(REJECT),
  panic: toBytes(`${PANIC}\n`),
  syslog: toBytes(SYSLOG),
};

/** UTF-8, but for the bytes that stand as `{E9}`. */
function toBytes(text: string): Buffer {
  const latin1 = Buffer.from(text).toString("latin1");
  const withBytes = latin1.replace(/\{([0-9A-F]{2})\}/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(withBytes, "latin1");
}
