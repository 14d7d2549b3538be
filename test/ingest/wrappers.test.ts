/**
 * A log in a wrapper says what the log says without it, wherever it is cut, and is given back as it was. EXIM_PILOT_TORTURE cuts it at
 * every byte.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { differences, dumpViews, queryAll, readSources } from "../support/views.ts";

/** Every cut, not some. */
const TORTURE = process.env["EXIM_PILOT_TORTURE"] !== undefined;

const LINES = [
  "2024-01-02 10:00:00 1rKc5E-000abc-01 <= a@example.com H=mx.example.com [192.0.2.1] P=esmtp S=100 for b@example.org",
  '2024-01-02 10:00:01 1rKc5E-000abc-01 => b@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.2] C="250 OK"',
  "2024-01-02 10:00:01 1rKc5E-000abc-01 Completed",
  "2024-01-02 10:00:02 H=(x) [203.0.113.3] rejected EHLO or HELO x: no",
  "2024-01-02 10:00:03 1rKc5F-000abd-01 H=y.test [203.0.113.2] F=<x@y.test> rejected after DATA: no",
  "Envelope-from: <x@y.test>",
  "P Received: from y.test",
  "\tby b.test",
  "F From: <x@y.test>",
  "2024-01-02 10:00:04 Start queue run: pid=9",
];
/** Entries of the journal, which has no lines below an entry. */
const ENTRIES = LINES.filter((line) => line.startsWith("2024"));

const NANO = "2024-01-02T10:00:05.123456789Z";
const json = (log: string): string => JSON.stringify({ log, stream: "stdout", time: NANO });
const cutInTwo = (line: string): [string, string] => [line.slice(0, 30), line.slice(30)];

interface Form {
  readonly lines: readonly string[];
  readonly wrap: (line: string) => string;
  /** Line of another program in the same log. */
  readonly other: string;
}

const FORMS: Readonly<Record<string, Form>> = {
  "docker logs -t": { lines: LINES, wrap: (line) => `${NANO} ${line}\n`, other: `${NANO} cron: started\n` },
  "docker compose logs": {
    lines: LINES,
    wrap: (line) => `mx-1  | ${line}\n`,
    other: "db-1  | 2024-01-02 10:00:01.123 UTC [1] LOG:  database system is ready\n",
  },
  "docker compose logs -t": {
    lines: LINES,
    wrap: (line) => `mx-1  | ${NANO} ${line}\n`,
    other: `db-1  | ${NANO} P looks: like a header\n`,
  },
  "json-file": {
    lines: LINES,
    wrap: (line) => `${json(`${line}\n`)}\n`,
    other: `${JSON.stringify({ log: "x\n", stream: "stderr", time: NANO })}\n`,
  },
  "json-file in parts": {
    lines: LINES,
    wrap: (line) =>
      `${cutInTwo(`${line}\n`)
        .filter((part) => part !== "")
        .map(json)
        .join("\n")}\n`,
    other: `${JSON.stringify({ log: "x\n", stream: "stderr", time: NANO })}\n`,
  },
  CRI: {
    lines: LINES,
    wrap: (line) => `${NANO} stdout F ${line}\n`,
    other: `${NANO} stderr F P looks: like a header\n`,
  },
  "CRI in parts": {
    lines: LINES,
    wrap: (line) =>
      `${NANO} stdout P ${cutInTwo(line)[0]}\n${NANO} stderr P other\n${NANO} stdout F ${cutInTwo(line)[1]}\n`,
    other: `${NANO} stderr F goes on\n`,
  },
  "CRI with CRLF": { lines: LINES, wrap: (line) => `${NANO} stdout F ${line}\r\n`, other: `${NANO} stderr F x\r\n` },
  "journalctl -o json": {
    lines: ENTRIES,
    wrap: (line) =>
      `${JSON.stringify({ MESSAGE: [...Buffer.from(line)], SYSLOG_IDENTIFIER: "exim", __REALTIME_TIMESTAMP: "1704189605123456" })}\n`,
    other: `${JSON.stringify({ MESSAGE: null, SYSLOG_IDENTIFIER: "sshd", __REALTIME_TIMESTAMP: "1704189605123456" })}\n`,
  },
  "journalctl -o short-unix": {
    lines: ENTRIES,
    wrap: (line) => `1704189605.123456 mx1 exim: ${line}\n`,
    other: "1704189605.123456 mx1 sshd[9]: x\n",
  },
  "journalctl -o short-full": {
    lines: ENTRIES,
    wrap: (line) => `Tue 2024-01-02 11:00:05 CET mx1 exim: ${line}\n`,
    other: "Tue 2024-01-02 11:00:05 CET mx1 sshd[9]: x\n",
  },
  "journalctl -o short-monotonic": {
    lines: ENTRIES,
    wrap: (line) => `[    5.000000] mx1 exim: ${line}\n`,
    other: "[   15.000000] mx1 kernel: x\n",
  },
};

/** The views without what tells where an entry stands. */
async function viewsOf(text: string, cuts: readonly number[] = []): Promise<ReturnType<typeof dumpViews>> {
  const folder = temporaryFolder();
  const [path, database] = [join(folder, "container.log"), join(folder, "pilot.db")];
  const bytes = Buffer.from(text);
  for (const end of [...cuts, bytes.length]) {
    writeFileSync(path, bytes.subarray(0, end));
    await ingestInto(database, [path], { batchLines: 2 });
  }
  expect(readSources(database).map((source) => source.bytes.toString())).toEqual([text]);
  const again = await ingestInto(database, [path]);
  expect(again.logs.map(({ result }) => result)).toEqual(["unchanged"]);
  return dumpViews(database);
}

describe.each(Object.entries(FORMS))("%s", (_name, { lines, wrap, other }) => {
  const wrapped = lines.map((line) => wrap(line) + other).join("");

  test("says what the log itself says", async () => {
    const expected = await viewsOf(lines.map((line) => `${line}\n`).join(""));
    expect(expected["log_entries"]?.length).toBe(6);
    expect(differences(await viewsOf(wrapped), expected)).toEqual([]);
  });

  test("says the same when it was read while it grew", async () => {
    const expected = await viewsOf(wrapped);
    const { length } = Buffer.from(wrapped);
    const first = Buffer.from(wrapped).indexOf("\n") + 1;
    for (let cut = first; cut < length; cut += TORTURE ? 1 : 397)
      expect(differences(await viewsOf(wrapped, [cut, Math.min(length, cut + 31)]), expected)).toEqual([]);
  });

  test("says the same when its first line was cut at any byte, or was refused then", async () => {
    const text = lines.slice(0, 4).map(wrap).join("");
    const expected = await viewsOf(text);
    const first = text.indexOf("\n");
    for (let cut = 1; cut <= first; cut += TORTURE ? 1 : 23) {
      const folder = temporaryFolder();
      const [path, database] = [join(folder, "container.log"), join(folder, "pilot.db")];
      writeFileSync(path, text.slice(0, cut));
      const { logs } = await ingestInto(database, [path]);
      expect(["read", "empty", "failed"], `cut at ${cut}`).toContain(logs[0]?.result);
      expect([undefined, "not_a_log"]).toContain(logs[0]?.error?.code);
      writeFileSync(path, text);
      await ingestInto(database, [path]);
      expect(differences(dumpViews(database), expected), `cut at ${cut}`).toEqual([]);
    }
  });
});

async function refused(text: string): Promise<string | undefined> {
  const folder = temporaryFolder();
  const path = join(folder, "x");
  writeFileSync(path, text);
  const { logs } = await ingestInto(join(folder, "pilot.db"), [path]);
  return logs[0]?.error?.message.replace(path, "x");
}

test.each([
  [
    "LOG: MAIN\n  <= a@b.test U=a P=local S=1\n",
    '"x" is what exim -v prints: its entries have no time and no message id.',
  ],
  ["> 2024-01-02 10:00:00 Start queue run: pid=9\n", '"x" is a copy of log lines, with text before each.'],
  ["mainlog.1.gz:2024-01-02 10:00:00 Start queue run: pid=9\n", '"x" is a copy of log lines, with text before each.'],
  [
    "mx1-1  | 2024-01-02 10:00:00 Start queue run: pid=9\nmx2-1  | 2024-01-02 10:00:00 Start queue run: pid=9\n",
    '"x" holds the logs of Exim in 2 containers: mx1-1, mx2-1.',
  ],
  [
    "[    5.000000] mx1 exim[4]: 1rKc5E-000abc-01 Completed\n",
    '"x" has no times: journalctl -o short-monotonic counts from the start of the machine, and Exim wrote no stamp of its own.',
  ],
  ["__CURSOR=s=1\nMESSAGE=x\n", '"x" is a journal in an unsupported form.'],
  ["db-1  | starting\n", '"x" has the form of docker compose logs, and none of its first lines is of Exim.'],
])("what cannot be read is refused with the reason: %j", async (text, message) => {
  expect(await refused(text)).toBe(message);
});

test("lines without their text are counted, once", async () => {
  const folder = temporaryFolder();
  const [path, database] = [join(folder, "j"), join(folder, "pilot.db")];
  const line = (text: string): string => `1704189605.123456 mx1 exim[4]: ${text}\n`;
  writeFileSync(path, line("1rKc5E-000abc-01 Completed") + line("[5.2K blob data]"));
  expect((await ingestInto(database, [path])).totals).toMatchObject({ lines: 2, entries: 1, unparsed: 1, lost: 1 });
  writeFileSync(
    path,
    line("1rKc5E-000abc-01 Completed") + line("[5.2K blob data]") + line("[1\\2] 1rKc5E-000abc-01 x"),
  );
  expect((await ingestInto(database, [path])).totals).toMatchObject({ lines: 1, entries: 1, unparsed: 0, lost: 0 });
  expect(queryAll(database, "SELECT count(*) AS n FROM log_entries")).toEqual([{ n: 3 }]);
});
