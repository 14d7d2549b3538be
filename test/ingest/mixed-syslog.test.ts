/** Logs whose lines came on different ways, and what a line of the same file tells of another one. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

async function entriesOf(
  lines: readonly string[],
  { timeZone, batchLines }: { readonly timeZone?: string; readonly batchLines?: number } = {},
): Promise<readonly string[]> {
  const folder = temporaryFolder();
  const path = join(folder, "mail.log");
  writeFileSync(path, `${lines.join("\n")}\n`, "latin1");
  const database = join(folder, "pilot.db");
  await ingestInto(database, [path], {
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(batchLines === undefined ? {} : { batchLines }),
  });
  return queryAll<{ timestamp: string | null; event: string; message_id: string | null; raw: string }>(
    database,
    "SELECT timestamp, event, message_id FROM log_entries ORDER BY id",
  ).map(({ timestamp, event, message_id }) => [timestamp, event, message_id].filter(Boolean).join(" "));
}

const PLAIN = [
  "2016-04-28 15:53:30 1avnJq-00039A-Aa <= a@example.com H=mx.example.com [192.0.2.1] P=esmtp S=100",
  "2016-04-28 15:53:31 1avnJq-00039A-Aa => b <b@example.org> R=local T=local",
  "2016-04-28 15:53:31 1avnJq-00039A-Aa Completed",
];
const SYSLOG = [
  "Apr 28 15:53:37 server exim[12105]: 2016-04-28 15:53:37 [12105] 1avnJx-00039F-Hs <= foi+request-1234@example.com H=mx.example.com [192.0.2.1] P=esmtp S=100",
  "Apr 28 15:53:38 server exim[12106]: 2016-04-28 15:53:38 [12106] 1avnJx-00039F-Hs => b <b@example.org> R=local T=local",
  "Apr 28 15:53:38 server exim[12106]: 2016-04-28 15:53:38 [12106] 1avnJx-00039F-Hs Completed",
];
const OF_PLAIN = [
  "2016-04-28T15:53:30.000Z arrival 1avnJq-00039A-Aa",
  "2016-04-28T15:53:31.000Z delivery 1avnJq-00039A-Aa",
  "2016-04-28T15:53:31.000Z completed 1avnJq-00039A-Aa",
];
const OF_SYSLOG = [
  "2016-04-28T15:53:37.000Z arrival 1avnJx-00039F-Hs",
  "2016-04-28T15:53:38.000Z delivery 1avnJx-00039F-Hs",
  "2016-04-28T15:53:38.000Z completed 1avnJx-00039F-Hs",
];

describe("a log with lines of Exim's own and of syslog", () => {
  test.each([
    ["plain lines first", [...PLAIN, ...SYSLOG], [...OF_PLAIN, ...OF_SYSLOG]],
    ["lines of syslog first", [...SYSLOG, ...PLAIN], [...OF_SYSLOG, ...OF_PLAIN]],
  ])("is read as both: %s", async (_name, lines, expected) => {
    for (const batchLines of [1, 500]) expect(await entriesOf(lines, { batchLines })).toEqual(expected);
  });

  test("counts a line of another program, and does not take it for the rest of an entry", async () => {
    const other = "Apr 28 15:53:32 server dovecot[5]: imap(al): Logged out";
    expect(await entriesOf([...PLAIN, other])).toEqual([...OF_PLAIN, "unparsed"]);
  });

  test("keeps the lines that continue an entry", async () => {
    const lines = [...PLAIN, "2016-04-28 15:53:32 Exim configuration error:", "  unknown option", ...SYSLOG];
    expect(await entriesOf(lines)).toEqual([...OF_PLAIN, "2016-04-28T15:53:32.000Z configuration", ...OF_SYSLOG]);
  });
});

test.each([
  ["plain", PLAIN, OF_PLAIN],
  ["of syslog", SYSLOG, OF_SYSLOG],
])("a byte order mark costs no line: %s", async (_name, lines, expected) => {
  const marked = lines.map((line) => `\xef\xbb\xbf${line}`);
  expect(await entriesOf([marked[0] ?? "", ...lines.slice(1)])).toEqual(expected);
  expect(await entriesOf(marked)).toEqual(expected);
});

describe("the stamp of another line of the file", () => {
  test("tells the year of those before it, and what belongs to an entry", async () => {
    const lines = [
      "Feb 04 18:48:06 hcp.example.com exim4[671269]:  * Starting MTA",
      "Feb 04 18:48:07 hcp.example.com exim4[671269]: ALERT: exim paniclog /var/log/exim4/paniclog has non-zero size, mail >",
      "Feb 04 18:48:07 hcp.example.com exim[671518]: 2025-02-04 18:48:07 exim 4.95 daemon started: pid=671518, -q30m, liste>",
      "Nov 03 16:24:24 dev-server exim4[250322]: 2025-11-03 16:24:24 Exim configuration error:",
      "Nov 03 16:24:24 dev-server exim4[250322]:   unknown log_selector setting: +dnsbl",
    ];
    for (const batchLines of [1, 500]) {
      expect(await entriesOf(lines, { batchLines })).toEqual([
        "2025-02-04T18:48:06.000Z other",
        "2025-02-04T18:48:07.000Z other",
        "2025-02-04T18:48:07.000Z daemon",
        "2025-11-03T16:24:24.000Z configuration",
      ]);
    }
  });

  test("tells the year across its end", async () => {
    const lines = [
      "Dec 31 23:59:59 mx1 exim[1]: begin",
      "Jan  1 00:00:01 mx1 exim[1]: 2019-01-01 00:00:01 Start queue run: pid=1",
    ];
    expect(await entriesOf(lines)).toEqual(["2018-12-31T23:59:59.000Z other", "2019-01-01T00:00:01.000Z queue_run"]);
  });

  test("tells the zone of lines of syslog without one", async () => {
    const lines = [
      "Jul  1 12:00:01 mx1 exim[1]: 2019-07-01 12:00:01 +0200 Start queue run: pid=1",
      "Jul  1 12:00:02 mx1 exim[1]: Hello",
    ];
    expect(await entriesOf(lines, { timeZone: "America/New_York" })).toEqual([
      "2019-07-01T10:00:01.000Z queue_run",
      "2019-07-01T10:00:02.000Z other",
    ]);
  });

  test.each([
    ["2019-07-01 12:00:01", "2019-07-01T10:00:01.000Z queue_run"],
    ["2019-07-01 10:00:01", "2019-07-01T10:00:01.000Z queue_run"],
    ["2019-07-01 12:07:00", "2019-07-01T16:07:00.000Z queue_run"],
  ])("of syslog tells the zone of Exim's, %s, where both are of one moment", async (stamp, expected) => {
    const line = `2019-07-01T12:00:01+02:00 mx1 exim[1]: ${stamp} Start queue run: pid=1`;
    expect(await entriesOf([line], { timeZone: "America/New_York" })).toEqual([expected]);
  });
});
