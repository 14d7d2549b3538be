/** Logs that came through syslog give what the log files of Exim would have given. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { epochMs } from "../../src/units.ts";
import { corpusProfiles } from "../support/corpus.ts";
import { ingestInto, NOW, temporaryFolder } from "../support/database.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { type SyslogForm, toSyslog } from "../support/syslog.ts";
import { differences, dumpViews, queryAll, readSources } from "../support/views.ts";

const FORMS: Readonly<Record<string, SyslogForm>> = {
  "as Exim sends it by default": { header: "3164", hasPriority: false, hasStamp: true, pieceBytes: 870 },
  "with priorities": { header: "3164", hasPriority: true, hasStamp: true, pieceBytes: 870 },
  "with full stamps, cut into small pieces": { header: "3339", hasPriority: true, hasStamp: true, pieceBytes: 90 },
  structured: { header: "5424", hasPriority: true, hasStamp: true, pieceBytes: 300 },
  "without stamps of Exim": { header: "3164", hasPriority: true, hasStamp: false, pieceBytes: 870 },
  "without stamps and priorities": { header: "3164", hasPriority: false, hasStamp: false, pieceBytes: 870 },
};

const [corpus] = corpusProfiles().filter(({ profile }) => profile === "default");

describe("the default corpus by way of syslog", () => {
  test.each(Object.entries(FORMS))("%s", async (_name, form) => {
    const folder = temporaryFolder();
    const logs = Object.fromEntries(
      Object.entries(corpus?.logs ?? {}).map(([log, path]) => [log, readFileSync(path, "latin1")]),
    );
    const plain = join(folder, "plain.db");
    await ingestInto(plain, Object.values(corpus?.logs ?? {}));
    const expected = dumpViews(plain);
    expect(expected["log_entries"]?.length).toBeGreaterThan(400);
    const path = join(folder, "mail.log");
    writeFileSync(path, toSyslog(logs, form), "latin1");
    for (const batchLines of [500, 7]) {
      const database = join(folder, `syslog-${batchLines}.db`);
      const report = await ingestInto(database, [path], { batchLines, now: () => NOW });
      expect(report.logs.map(({ logType, result }) => [logType, result])).toEqual([["syslog", "read"]]);
      expect(differences(dumpViews(database), expected)).toEqual([]);
      expect(readSources(database)[0]?.bytes.equals(readFileSync(path))).toBe(true);
      const again = await ingestInto(database, [path], { batchLines });
      expect(again.logs.map(({ result }) => result)).toEqual(["unchanged"]);
    }
  });
});

describe("a log of syslog", () => {
  test("crosses the new year, joins what was cut, and leaves lines of other programs alone", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "mail.log");
    writeFileSync(path, SMALL_LOGS.syslog);
    const database = join(folder, "pilot.db");
    const { totals } = await ingestInto(database, [path], { now: () => epochMs(Date.UTC(2027, 0, 2)) });
    expect(totals).toMatchObject({ lines: 17, entries: 9, unparsed: 1, repeated: 3, messages: 2 });
    expect(queryAll(database, "SELECT timestamp, event, seen_in FROM log_entries ORDER BY id")).toEqual([
      { timestamp: "2026-12-31T23:59:58.000Z", event: "arrival", seen_in: "main" },
      { timestamp: "2026-12-31T23:59:59.000Z", event: "rejection", seen_in: "main,reject" },
      { timestamp: "2026-12-31T23:59:59.000Z", event: "rejection", seen_in: "main,reject" },
      { timestamp: "2027-01-01T00:00:00.000Z", event: "rejection", seen_in: "main,reject" },
      { timestamp: "2027-01-01T00:00:00.000Z", event: "delivery", seen_in: "main" },
      { timestamp: "2027-01-01T00:00:01.000Z", event: "completed", seen_in: "main" },
      { timestamp: null, event: "unparsed", seen_in: "main" },
    ]);
    expect(queryAll(database, "SELECT recipient, status FROM recipients")).toEqual([
      { recipient: "al@b.test", status: "delivered" },
    ]);
    expect(queryAll(database, "SELECT transport, queue_seconds FROM delivery_attempts")).toEqual([
      { transport: "m", queue_seconds: 3 },
    ]);
  });

  test("that names no message is of the year before it was read", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "mail.log");
    writeFileSync(
      path,
      [
        "Apr  3 10:00:00 mx1 exim[5]: Start queue run: pid=5",
        "Dec 31 23:59:59 mx1 exim[5]: End queue run: pid=5",
        "Jan  1 00:00:00 mx1 exim[6]: Start queue run: pid=6",
        "Mar 31 10:00:00 mx1 exim[6]: End queue run: pid=6",
        "",
      ].join("\n"),
    );
    const database = join(folder, "pilot.db");
    await ingestInto(database, [path], { batchLines: 1 });
    expect(queryAll<{ timestamp: string }>(database, "SELECT timestamp FROM log_entries ORDER BY id")).toEqual([
      { timestamp: "2025-04-03T10:00:00.000Z" },
      { timestamp: "2025-12-31T23:59:59.000Z" },
      { timestamp: "2026-01-01T00:00:00.000Z" },
      { timestamp: "2026-03-31T10:00:00.000Z" },
    ]);
  });

  test("without a line of Exim is refused, unless it is said to be one", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "mail.log");
    writeFileSync(path, "Dec 31 23:59:59 mx1 dovecot: imap(al): Logged out\n");
    const database = join(folder, "pilot.db");
    const refused = await ingestInto(database, [path]);
    expect(refused.logs.map(({ error }) => error?.code)).toEqual(["not_a_log"]);
    const forced = await ingestInto(database, [path], { logType: "syslog" });
    expect(forced.totals).toMatchObject({ lines: 1, entries: 0, unparsed: 0 });
  });

  test("does not wait for ever for a piece that got lost", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "mail.log");
    const line = (text: string): string => `Dec 29 04:06:00 mx1 exim[9]: ${text}\n`;
    const other = "Dec 29 04:06:00 mx1 exim[8]: 2026-12-29 04:06:00 Start queue run: pid=8\n";
    writeFileSync(
      path,
      line("[1\\3] 2026-12-29 04:06:00 H=(x) rejected EHLO or HELO x: no") + other.repeat(3000) + line("[3/3] late"),
    );
    const database = join(folder, "pilot.db");
    const { totals } = await ingestInto(database, [path], { batchLines: 10 });
    expect(totals).toMatchObject({ lines: 3002, entries: 3001, unparsed: 1 });
    const sizes = queryAll<{ lines: number }>(database, "SELECT lines FROM raw_blocks ORDER BY id");
    expect(sizes[0]?.lines).toBeLessThan(1000);
    expect(sizes[1]?.lines).toBe(10);
  });
});
