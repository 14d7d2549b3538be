/** Lines of a log that were copied are the log's lines again. */
import { expect, test } from "vitest";
import { isPaste, PastedLines } from "../../src/parse/paste.ts";

const ENTRY = "2024-01-02 10:00:00 1rKc5E-000abc-01 Completed";
const SYSLOG = `Jan  2 10:00:00 mx1 exim[3]: ${ENTRY}`;

test.each([
  "    ",
  "\t",
  "> ",
  "> > ",
  ">> ",
  "mainlog:",
  "mainlog:123:",
  "123:",
  "mainlog.1.gz:",
  "mainlog-9-",
  "/var/log/exim4/mainlog:7:",
])("an entry is read behind %j", (mark) => {
  const pasted = new PastedLines();
  expect(pasted.strip(mark + ENTRY)).toBe(ENTRY);
  expect(isPaste(`${mark}${ENTRY}\n`)).toBe(true);
});

test.each(["  ", "> ", "mail.log:"])("a line of syslog is read behind %j", (mark) => {
  expect(new PastedLines().strip(mark + SYSLOG)).toBe(SYSLOG);
});

test("continuation lines lose what their entry lost, and no more", () => {
  const pasted = new PastedLines();
  expect([`> ${ENTRY}`, "> P Received: from a", "> \tby b", "no mark"].map((line) => pasted.strip(line))).toEqual([
    ENTRY,
    "P Received: from a",
    "\tby b",
    "no mark",
  ]);
});

test("a text that quotes no entry is no copy", () => {
  expect(isPaste("> hello\n  at 2024-01-02 10:00:00\n")).toBe(false);
});
