/** Header dumps of rejected messages, as the public views show them. */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

const LINE = "2026-03-02 06:16:02 1vwwZW-0005W7-1p H=y.test [203.0.113.2] F=<x@y.test> rejected after DATA: no\n";
const DUMP = `Envelope-from: <x@y.test>
Envelope-to: <a@B.TEST>
    <b@b.test>
    ...
P Received: from y.test
	by b.test
F From: X <x@y.test>
  Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=
* Subject: old
*** truncated ***
`;
/** An ACL may write whatever it likes to the reject log. */
const FREE_TEXT =
  "2026-03-02 06:16:03 1vwwZW-0005W8-1p score 7.3\nEnvelope-from: <>\nEnvelope-to: <c@b.test>\nI Message-ID: <1@y.test>\n";

const HEADERS = "SELECT type, name, value, deleted, cut FROM log_headers ORDER BY log_entry_id, place";
const ENTRIES = "SELECT event, sender, recipients, seen_in FROM log_entries ORDER BY timestamp";
const REJECTIONS = "SELECT sender, recipient, recipients, more_recipients FROM rejections ORDER BY timestamp";

const EXPECTED_HEADERS = [
  { type: "P", name: "received", value: "from y.test\tby b.test", deleted: 0, cut: 0 },
  { type: "F", name: "from", value: "X <x@y.test>", deleted: 0, cut: 0 },
  { type: " ", name: "subject", value: "=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=", deleted: 0, cut: 0 },
  { type: "*", name: "subject", value: "old", deleted: 1, cut: 1 },
];

describe("a header dump", () => {
  test.each([
    ["main log first", ["mainlog", "rejectlog"]],
    ["reject log first", ["rejectlog", "mainlog"]],
    ["reject log alone", ["rejectlog"]],
  ])("is in the views, %s", async (_, names) => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    writeFileSync(join(folder, "mainlog"), LINE);
    writeFileSync(join(folder, "rejectlog"), LINE + DUMP + FREE_TEXT);
    for (const name of names) await ingestInto(database, [join(folder, name)]);
    const seenIn = names.length === 1 ? "reject" : "main,reject";
    expect(queryAll(database, ENTRIES)).toEqual([
      { event: "rejection", sender: "x@y.test", recipients: '["a@b.test","b@b.test"]', seen_in: seenIn },
      { event: "other", sender: "<>", recipients: '["c@b.test"]', seen_in: "reject" },
    ]);
    expect(queryAll(database, REJECTIONS)).toEqual([
      { sender: "x@y.test", recipient: null, recipients: '["a@b.test","b@b.test"]', more_recipients: 1 },
    ]);
    expect(queryAll(database, `${HEADERS} LIMIT 4`)).toEqual(EXPECTED_HEADERS);
    expect(queryAll(database, "SELECT value FROM log_headers WHERE name = 'message-id'")).toEqual([
      { value: "<1@y.test>" },
    ]);
  });

  test("goes on in a later run, below an entry of the main log", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    const [main, reject] = [join(folder, "mainlog"), join(folder, "rejectlog")];
    writeFileSync(main, LINE);
    const half = DUMP.indexOf("ubject");
    writeFileSync(reject, LINE + DUMP.slice(0, half));
    await ingestInto(database, [main, reject]);
    expect(queryAll(database, HEADERS)).toHaveLength(2);
    appendFileSync(reject, DUMP.slice(half));
    await ingestInto(database, [reject]);
    expect(queryAll(database, HEADERS)).toEqual(EXPECTED_HEADERS);
  });

  test("stays with its entry when the main log's line of it is read anew", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    const [main, reject] = [join(folder, "mainlog"), join(folder, "rejectlog")];
    writeFileSync(main, LINE);
    writeFileSync(reject, LINE + DUMP);
    await ingestInto(database, [main, reject]);
    appendFileSync(main, "a second line\n");
    await ingestInto(database, [main]);
    expect(queryAll(database, HEADERS)).toEqual(EXPECTED_HEADERS);
    const orphans = "SELECT name FROM log_headers WHERE log_entry_id NOT IN (SELECT id FROM log_entries)";
    expect(queryAll(database, orphans)).toEqual([]);
  });

  test("names the recipients of a refusal together with the one of its line", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    const reject = join(folder, "rejectlog");
    writeFileSync(
      reject,
      "2026-03-02 06:16:02 H=y.test [203.0.113.2] rejected RCPT <z@b.test>: no\nEnvelope-to: <b@b.test>\nEnvelope-from: <>\n",
    );
    await ingestInto(database, [reject]);
    expect(queryAll(database, REJECTIONS)).toEqual([
      { sender: "<>", recipient: "z@b.test", recipients: '["b@b.test","z@b.test"]', more_recipients: 0 },
    ]);
  });
});
