import { expect, test } from "vitest";
import { asking } from "../support/ask.ts";

const ENTRIES = [
  "2019-01-06 03:08:59 1gfiaO-0008Tb-OK spool file write error while delivering: No space left on device",
  "2019-01-06 03:09:00 1gfhBW-0006xH-3H failed to write journal for user@example.com\n: No space left on device",
  "2021-11-09 11:06:21 1mkO1F-0004dQ-4z spam acl condition: all spamd servers failed",
  "2021-11-09 11:06:22 Failed to create spool file /var/spool/exim4//input//1mkO1G-0004dQ-4z-D: Permission denied",
  "2025-11-03 16:24:24 Exim configuration error in line 12 of /etc/exim4/exim4.conf:\n  unknown log_selector setting: +dnsbl",
  "2025-11-03 16:25:24 socket bind() to port 25 for address 127.0.0.1 failed: Address already in use: daemon abandoned",
  '2025-11-03 16:26:25 Cannot open main log file "/var/log/exim4/mainlog": Permission denied: euid=106 egid=113',
  "2025-11-03 16:27:25 Start queue run: pid=4711",
  "2025-11-03 16:28:25 words that nobody knows",
  "2025-11-03 16:29:25 1mkO1F-0004dQ-4z == a@example.org R=out T=smtp defer (111): Connection refused",
  "2025-11-03 16:30:25 H=mx.example.org [192.0.2.3] Connection refused",
];

test.each(ENTRIES)("every entry of the panic log is a panic: %s", async (entry) => {
  const ask = await asking(`${entry}\n`, "panic");
  expect(await ask("stats", "problems")).toContain("serious Exim reported problems of its own in 1 entry");
  const found = (await ask("search", "--log-type", "panic", "--json")).trim();
  expect(found).not.toBe("");
});

test("all entries of the panic log are counted and found", async () => {
  const ask = await asking(`${ENTRIES.join("\n")}\n`, "panic");
  expect(await ask("stats", "problems")).toContain(`in ${ENTRIES.length} entries`);
});

test("few of these entries are panics in another log", async () => {
  const isTrouble =
    /^(?:\S+ ){2}(?:\S+-\S+ )?(?:spool file|failed to write|Failed to create|Exim conf|socket bind|Cannot open)/;
  const troubles = ENTRIES.filter((entry) => isTrouble.test(entry));
  expect(troubles).toHaveLength(6);
  const ask = await asking(`${ENTRIES.join("\n")}\n`, "main");
  expect(await ask("stats", "problems")).toContain(`in ${troubles.length} entries`);
  expect(JSON.parse(await ask("search", "--log-type", "panic", "--json")).results).toHaveLength(troubles.length);
});

test("a configuration error that comes through the journal is serious", async () => {
  const ask = await asking(
    "Nov 03 16:24:24 dev exim4[250322]: 2025-11-03 16:24:24 Exim configuration error:\nNov 03 16:24:24 dev exim4[250322]:   unknown log_selector setting: +dnsbl\n",
    "syslog",
  );
  expect(await ask("stats", "problems")).toContain("serious Exim reported problems of its own in 1 entry");
  expect(await ask("search", "--log-type", "panic")).toContain("unknown log_selector setting: +dnsbl");
});
