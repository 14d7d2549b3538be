/** Filters, orders and pages of `search`, on logs small enough to know by heart and on the trimmed corpus. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectFailure, runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder, withReader } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const CORPUS = join(FOLDER, "corpus.db");

const MAIN = `2026-03-30 06:16:00 1vwwZU-0005V4-1s <= Ann@a.test H=r.test (helo.test) [203.0.113.4] P=esmtpsa X=TLS1.3:AES:256 A=PLAIN:ann S=464 id=one@a.test T="Hello 100%" for bob@b.test
2026-03-30 06:16:01 1vwwZU-0005V4-1s => bob <bob@b.test> R=local T=mbox QT=1s
2026-03-30 06:16:01 1vwwZU-0005V4-1s Completed QT=1s
2026-03-30 07:00:00 1vwwZV-0005V4-1s <= <> R=1vwwZU-0005V4-1s U=exim P=local S=90000 for ann@a.test
2026-03-30 07:00:01 1vwwZV-0005V4-1s == ann@a.test R=out T=smtp defer (-44) H=mx.a.test [2001:db8::7]: SMTP error from remote mail server after RCPT TO:<ann@a.test>: 451 4.7.1 greylisted
2026-03-30 08:00:00 H=(x) [203.0.113.200] F=<spam@evil.test> rejected RCPT <bob@b.test>: relay not permitted
2026-03-30 08:00:01 SMTP connection from bad.test (y) [198.51.100.9] lost while reading message data
2026-03-30 08:00:02 1vwwZW-0005W7-1p H=y.test [203.0.113.2] F=<x@y.test> rejected after DATA: too spammy
2026-03-30 08:00:03 Start queue run: pid=1
2026-03-31 09:00:00 1vwwZX-0005V4-1s <= carl@b.test U=carl P=local S=2000 T="Bye" for d@d.test e@e.test
2026-03-31 09:00:02 1vwwZX-0005V4-1s => d@d.test R=out T=smtp H=mx.d.test [198.51.100.1] C="250 OK id=1vwwZY-0005V4-1s"
2026-03-31 09:00:03 1vwwZX-0005V4-1s ** e@e.test R=out T=smtp H=mx.e.test [198.51.100.2]: SMTP error from remote mail server after RCPT TO:<e@e.test>: 550 5.1.1 no
2026-03-31 09:00:04 1vwwZX-0005V4-1s Completed
`;
const [DELIVERED, DEFERRED, REFUSED, PARTIAL] = [
  "1vwwZU-0005V4-1s",
  "1vwwZV-0005V4-1s",
  "1vwwZW-0005W7-1p",
  "1vwwZX-0005V4-1s",
];

beforeAll(async () => {
  writeFileSync(join(FOLDER, "mainlog"), MAIN);
  await ingestInto(DB, [join(FOLDER, "mainlog")]);
  await makeGoldenDatabase(CORPUS);
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const VALUES: Readonly<Record<string, string>> = { size: "sizeBytes", "queue-time": "queueSeconds" };

/** Results, newest first: ids, and the kinds of lines that have none. */
async function find(...args: string[]): Promise<string[]> {
  const { stdout } = await runCli(["search", "--db", DB, "--ndjson", ...args]);
  return rowsOf(stdout).map(({ id, event }) => id ?? event ?? "");
}

function rowsOf(ndjson: string): { readonly id: string | null; readonly event: string | null }[] {
  return ndjson
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

test("a page tells how many match in all, of messages and of other lines, and how to go on", async () => {
  const count = (await runCli(["search", "--db", DB, "--count"])).stdout.trim();
  const { stdout } = await runCli(["search", "--db", DB, "--limit", "2"]);
  expect(stdout).toMatch(new RegExp(`^2 of ${count} shown\\. Next page: --after \\S+$`, "m"));
  expect((await runCli(["search", "--db", DB, "--limit", count])).stdout).not.toContain("Next page");
});

test.each([
  [1, 1],
  [4, 4],
  [5, 5],
  [1000, 6],
])("a count of %i at most comes to an end there", async (most, expected) => {
  expect(await withReader(DB, (reader) => reader.search.count({}, most))).toBe(expected);
});

test("a reason is found by addresses in it, which are not stored with its text", async () => {
  const db = join(temporaryFolder(), "pilot.db");
  const log =
    "2026-03-30 08:00:00 H=(x) [198.51.100.9] F=<spam@evil.test> rejected RCPT <bob@b.test>: 198.51.100.9 is listed at bl.test for bob@b.test by spam@evil.test\n";
  await ingestInto(db, ["-"], { logType: "main" }, Readable.from([Buffer.from(log)]));
  const count = async (reason: string): Promise<string> =>
    (await runCli(["search", "--db", db, "--count", "--reason", reason])).stdout;
  for (const part of [
    "198.51.100.9 is listed",
    "198.51.100.9 * for bob@b.test by spam@evil",
    "at BL.test for BOB@b.test",
    "spam@evil.test",
  ])
    expect([part, await count(part)]).toEqual([part, "1\n"]);
  for (const part of ["198.51.100.8 is listed", "for spam@evil.test", "by bob@b.test"])
    expect([part, await count(part)]).toEqual([part, "0\n"]);
});

describe("a message whose arrival no log shows", () => {
  const db = join(FOLDER, "unarrived.db");
  /** Deliveries as the selectors +sender_on_delivery and +return_path_on_delivery have them. */
  const log = `2026-03-30 08:00:00 1vwwZU-0005V4-1s => bob@b.test F=<ann@A.test> P=<ann+bounce@a.test> R=out T=smtp H=mx.b.test [198.51.100.2] C="250 OK"
2026-03-30 08:00:01 1vwwZU-0005V4-1s Completed
2026-03-30 08:00:02 1vwwZV-0005V4-1s ** carl@b.test F=<> P=<> R=out T=smtp: no
2026-03-30 08:00:03 1vwwZW-0005W7-1p => dora@b.test R=out T=smtp H=mx.b.test [198.51.100.2] C="250 F=<ann@a.test>"
2026-03-30 08:00:04 1vwwZX-0005V4-1s <= eve@c.test H=r.test [203.0.113.4] P=esmtp S=464
2026-03-30 08:00:05 1vwwZX-0005V4-1s => fay@b.test F=<other@c.test> R=out T=smtp H=mx.b.test [198.51.100.2] C="250 OK"
`;
  beforeAll(() => ingestInto(db, ["-"], { logType: "main" }, Readable.from([Buffer.from(log)])));

  test.each([
    [["--sender", "ann@a.test"], [DELIVERED]],
    [["--sender", "a*@a.test"], [DELIVERED]],
    [["--sender", "ann@a.test", "--recipient", "bob@b.test"], [DELIVERED]],
    [["--sender", "ann@a.test", "--recipient", "carl@b.test"], []],
    [["--sender", "ann+bounce@a.test"], []],
    [["--sender", "<>"], [DEFERRED]],
    [["--address", "ANN@a.test"], [DELIVERED]],
    [["--domain", "a.test"], [DELIVERED]],
    [["--sender", "eve@c.test"], [PARTIAL]],
    [["--sender", "other@c.test"], []],
  ])("is found by the sender that a delivery states: %j", async (args, expected) => {
    const search = async (...more: string[]): Promise<string> =>
      (await runCli(["search", "--db", db, ...args, ...more])).stdout;
    expect(rowsOf(await search("--ndjson")).map(({ id }) => id)).toEqual(expected);
    expect(rowsOf(await search("--ndjson", "--reverse", "--limit", "1")).map(({ id }) => id)).toEqual(expected);
    expect(await search("--count")).toBe(`${expected.length}\n`);
  });

  test("is counted by the same filter", async () => {
    const { stdout } = await runCli(["stats", "totals", "--db", db, "--sender", "ann@a.test", "--json"]);
    expect(JSON.parse(stdout).sections.totals).toMatchObject({ attempts: { delivered: 1 } });
  });
});

describe("a value of another kind than its flag compares", () => {
  const ip = "an IP address was given. Give it to --ip.";
  test.each([
    ["--host", "203.0.113.250", `--host compares the name of a host, and ${ip}`],
    ["--host", "[203.0.113.250]", ip],
    ["--host", "203.0.113.*", ip],
    ["--host", "2001:db8::/32", ip],
    ["--host", "nobody@a.test", "an address was given. Give it to --sender, --recipient or --address."],
    ["--host", DELIVERED, "Exim's id of a message was given. Give it to `exim-pilot trace`."],
    ["--domain", "nobody@a.test", "--domain compares a domain, and an address was given."],
    ["--domain", "203.0.113.0/24", ip],
    ["--domain", "@a.test", "a domain with an @ was given. Leave the @ out"],
    ["--sender", "a.test", "a domain or the name of a host was given. Give it to --domain or --host."],
    ["--sender", DELIVERED, "Give it to `exim-pilot trace`."],
    ["--recipient", "<bob@b.test>", "Leave the brackets out."],
    ["--address", "203.0.113.250", ip],
    ["--helo", "ann@a.test", "--helo compares the name in a HELO, and an address was given."],
    ["--auth", "203.0.113.250", ip],
    ["--message-id", DELIVERED, "--message-id compares the Message-ID of a header"],
    ["--transport", "203.0.113.250", ip],
  ])("%s %s is told where it belongs when nothing matches", async (flag, value, hint) => {
    for (const argv of [["search"], ["search", "--count"], ["abuse"], ["stats", "--quiet"]]) {
      const { stderr } = await runCli([...argv, "--db", DB, flag, value]);
      expect(stderr.match(/^hint: --.*$/gm)).toEqual([expect.stringContaining(hint)]);
    }
    const { stderr } = await runCli(["trace", DELIVERED, "--db", DB, flag, value]);
    expect(stderr).toMatch(/^hint: Leave filters out to see it\. --/m);
    expect(stderr).toContain(hint);
  });

  test.each([
    ["--host", "mx.f.test"],
    ["--host", "*"],
    ["--sender", "nobody@a.test"],
    ["--sender", "nobody"],
    ["--sender", "*.g.test"],
    ["--domain", "g.test"],
    ["--helo", "[203.0.113.250]"],
    ["--auth", "nobody@a.test"],
    ["--message-id", "<two@a.test>"],
    ["--subject", "203.0.113.250"],
  ])("%s %s is of the right kind, and gets no such hint", async (flag, value) => {
    expect((await runCli(["search", "--db", DB, flag, value])).stderr).not.toMatch(/^hint: --/m);
  });

  test("that matches all the same gets no hint: a host may be named by its IP address", async () => {
    const db = join(temporaryFolder(), "pilot.db");
    const log =
      '2026-03-30 07:00:01 1vwwZV-0005V4-1s => ann@a.test R=out T=smtp H=198.51.100.7 [198.51.100.7] C="250 OK"\n';
    await ingestInto(db, ["-"], { logType: "main" }, Readable.from([Buffer.from(log)]));
    for (const argv of [["search"], ["stats", "totals"]])
      expect((await runCli([...argv, "--db", db, "--host", "198.51.100.7"])).stderr).toBe("");
  });

  test("is not repeated by the hint, which --redact could not hide", async () => {
    const { stderr } = await runCli(["search", "--db", DB, "--host", "203.0.113.250", "--redact"]);
    expect(stderr).toContain("Give it to --ip.");
    expect(stderr).not.toContain("203.0.113.250");
  });
});

describe("a filter", () => {
  test.each([
    [["--sender", "ann@a.test"], [DELIVERED]],
    [["--sender", "ANN@A.TEST"], [DELIVERED]],
    [["--sender", "<>"], [DEFERRED]],
    [["--sender", "x@y.test"], [REFUSED]],
    [["--sender", "spam@evil.test"], ["rejection"]],
    [
      ["--sender", "*@?.test"],
      [PARTIAL, REFUSED, DELIVERED],
    ],
    [
      ["--recipient", "bob@b.test"],
      ["rejection", DELIVERED],
    ],
    [["--recipient", "bob"], [DELIVERED]],
    [
      ["--address", "ann@a.test"],
      [DEFERRED, DELIVERED],
    ],
    [
      ["--domain", "b.test"],
      [PARTIAL, "rejection", DELIVERED],
    ],
    [
      ["--domain", "*.test"],
      [PARTIAL, REFUSED, "rejection", DEFERRED, DELIVERED],
    ],
    [["--host", "mx.d.test"], [PARTIAL]],
    [["--host", "bad.test"], ["session"]],
    [["--host", "R.TEST"], [DELIVERED]],
    [["--ip", "203.0.113.4"], [DELIVERED]],
    [
      ["--ip", "203.0.113.0/24"],
      [REFUSED, "rejection", DELIVERED],
    ],
    [
      ["--ip", "198.51.100.0/31", "--ip", "2001:db8::/32"],
      [PARTIAL, DEFERRED],
    ],
    [["--ip", "2001:DB8:0::7"], [DEFERRED]],
    [["--ip", "198.51.100.9"], ["session"]],
    [["--helo", "helo.test"], [DELIVERED]],
    [["--helo", "y"], ["session"]],
    [["--auth", "ann"], [DELIVERED]],
    [["--auth", "plain:ann"], [DELIVERED]],
    [["--auth", "nn"], []],
    [["--ident", "carl"], [PARTIAL]],
    [["--subject", "hello"], [DELIVERED]],
    [["--subject", "100%"], [DELIVERED]],
    [["--subject", "H%o"], []],
    [["--message-id", "<one@a.test>"], [DELIVERED]],
    [["--status", "partial"], [PARTIAL]],
    [
      ["--status", "rejected"],
      [REFUSED, "rejection"],
    ],
    [
      ["--status", "deferred", "--status", "delivered"],
      [DEFERRED, DELIVERED],
    ],
    [["--event", "queue_run"], ["queue_run"]],
    [["--event", "failure"], [PARTIAL]],
    [["--code", "451"], [DEFERRED]],
    [["--code", "5*"], [PARTIAL]],
    [["--code", "5xx"], [PARTIAL]],
    [["--code", "4.7.1"], [DEFERRED]],
    [["--reason", "GREYLIST"], [DEFERRED]],
    [["--reason", "after RCPT TO:<ANN@a.test>: 451"], [DEFERRED]],
    [["--reason", "e@e.test"], [PARTIAL]],
    [["--reason", "TO:<e@e.tes"], [PARTIAL]],
    [["--reason", "TO:<ann@b.test>"], []],
    [["--reason", "relay"], ["rejection"]],
    [["--reason", "spammy"], [REFUSED]],
    [
      ["--transport", "smtp"],
      [PARTIAL, DEFERRED],
    ],
    [["--router", "local"], [DELIVERED]],
    [["--tls", "tls1.3"], [DELIVERED]],
    [["--size", "80k.."], [DEFERRED]],
    [["--size", "..464"], [DELIVERED]],
    [
      ["--size", "1k..2k", "--size", "464"],
      [PARTIAL, DELIVERED],
    ],
    [["--queue-time", "2s.."], [PARTIAL]],
    [["--log-type", "reject"], []],
    [["--kind", "event"], ["session"]],
    [
      ["--kind", "message", "--domain", "b.test"],
      [PARTIAL, DELIVERED],
    ],
    [["--since", "2026-03-31"], [PARTIAL]],
    [["--since", "2026-03-31", "--until", "2026-03-31"], [PARTIAL]],
    [["--since", "yesterday"], [PARTIAL]],
    [["--until", "2026-03-30 07:00"], [DELIVERED]],
    [
      ["--until", "2026-03-30 07:01"],
      [DEFERRED, DELIVERED],
    ],
    [["--since", "16h", "--until", "now"], [PARTIAL]],
    [["--server", "mx1", "--sender", "carl@b.test"], [PARTIAL]],
    [["--sender", "ann@a.test", "--status", "partial"], []],
  ] as const)("%j finds %j", async (args, expected) => {
    expect(await find(...args)).toEqual(expected);
  });

  test("finds everything but housekeeping when there is none", async () => {
    expect(await find()).toEqual([PARTIAL, REFUSED, "session", "rejection", DEFERRED, DELIVERED]);
  });

  test.each([
    [["--status", "lost"], "There is no status"],
    [["--event", "frozn"], "There is no event"],
    [["--since", "soon"], '--since cannot be "soon"'],
    [["--until", "2026-02-30"], '--until cannot be "2026-02-30"'],
    [["--since", "2026-03-30", "--until", "2026-03-29"], "not before"],
    [["--size", "5M..1M"], "is no range of size"],
    [["--queue-time", "long"], "is no range of time on the queue"],
    [["--ip", "203.0.113.0/33"], "is no IP address and no net"],
    [["--code", "five"], "is no code"],
    [["--after", "nowhere"], "is no place in these results"],
    [["--related"], "--related needs a pattern"],
    [["("], "The pattern cannot be read"],
  ])("%j is refused", async (args, says) => {
    expectFailure(await runCli(["search", "--db", DB, ...args]), { status: 2, says });
  });
});

describe("a pattern", () => {
  test.each([
    [["rejected"], [REFUSED, "rejection"]],
    [["REJECTED after"], [REFUSED]],
    [["-I", "REJECTED after"], []],
    [["(?-i)REJECTED after"], []],
    [["-I", "(?i)REJECTED after"], [REFUSED]],
    [["-l", "(x) [203"], ["rejection"]],
    [["^2026-03-30 07:00:0[01] \\S+ =="], [DEFERRED]],
    [["Completed$"], [PARTIAL]],
    [["relay\\s+not[^]*spammy"], []],
    [["Start queue"], ["queue_run"]],
    [
      ["-v", "203"],
      [PARTIAL, "queue_run", "session", DEFERRED],
    ],
    [["one@a"], [DELIVERED]],
    [
      ["-M", "one@a"],
      [DEFERRED, DELIVERED],
    ],
    [
      ["-M", "greylisted"],
      [DEFERRED, DELIVERED],
    ],
    [
      ["-t", "2", "<="],
      [PARTIAL, DEFERRED],
    ],
    [["test", "--kind", "message", "--until", "2026-03-30 06:59"], [DELIVERED]],
  ] as const)("%j selects %j", async (args, expected) => {
    expect(await find(...args)).toEqual(expected);
  });

  test.each(["REJECTED after", "^2026-03-30 07:00:0[01] \\S", "Completed$", "nowhere at all", "\\."])(
    "%j selects the same in a process of its own, where one that can look for long goes",
    async (pattern) => {
      expect(await find(`(?:${pattern})`)).toEqual(await find(pattern));
    },
  );

  test("with --raw gives whole messages in exigrep's form", async () => {
    const { stdout } = await runCli(["search", "--db", DB, "--raw", "one@a|greylisted"]);
    const lines = MAIN.split("\n");
    expect(stdout).toBe(
      `${lines.slice(0, 3).join("\n")}\n\n+++ ${DEFERRED} has not completed +++\n${lines.slice(3, 5).join("\n")}\n`,
    );
  });
});

describe("an answer", () => {
  test.each(["size", "queue-time"])("sorted by %s has last what has none, in either direction", async (sort) => {
    for (const direction of [[], ["--reverse"]]) {
      const { stdout } = await runCli(["search", "--db", DB, "--ndjson", "--sort", sort, ...direction]);
      const values = rowsOf(stdout).map((row) => (row as Record<string, unknown>)[VALUES[sort] ?? ""] ?? null);
      const known = values.filter((value) => value !== null) as number[];
      expect(known.length).toBeGreaterThan(2);
      expect(values.slice(0, known.length)).toEqual(
        known.toSorted((one, other) => (direction.length > 0 ? one - other : other - one)),
      );
    }
  });

  test.each(["time", "size", "queue-time"])("sorted by %s comes in pages that join up", async (sort) => {
    for (const filter of [[], ["--domain", "*.example"], ["--ip", "203.0.113.0/24"], ["example"]]) {
      for (const direction of [[], ["--reverse"]]) {
        const args = ["search", "--db", CORPUS, "--sort", sort, ...direction, ...filter];
        const whole = rowsOf((await runCli([...args, "--ndjson"])).stdout);
        expect(whole.length).toBeGreaterThan(40);
        expect(await readPages(args)).toEqual(whole);
        const count = await runCli([...args, "--count"]);
        expect(count.stdout).toBe(`${whole.length}\n`);
      }
    }
  });

  test("is 1 when nothing matches, in every form", async () => {
    for (const form of [[], ["--ids"], ["--csv"], ["--ndjson"], ["--raw"], ["--count"], ["--json"]]) {
      const { status } = await runCli(["search", "--db", DB, "--sender", "nobody@nowhere.test", ...form]);
      expect(status).toBe(1);
    }
  });

  test("as CSV keeps a formula of a stranger as text", async () => {
    const { stdout } = await runCli(["search", "--db", DB, "--csv", "--sender", "<>"]);
    const [heading = "", row = ""] = stdout.split("\n");
    expect(heading.split(",").slice(0, 3)).toEqual(["kind", "id", "entryId"]);
    expect(row).toContain(`message,${DEFERRED},,mx1,2026-03-30T07:00:00.000Z,deferred`);
  });

  test("as ids leaves out what has none", async () => {
    const { stdout } = await runCli(["search", "--db", DB, "--ids", "--domain", "b.test"]);
    expect(stdout).toBe(`${PARTIAL}\n${DELIVERED}\n`);
  });
});

test("days are those of the server's clock, in every command, whatever the clock of this machine", async () => {
  const db = join(temporaryFolder(), "pilot.db");
  await ingestInto(db, [join(FOLDER, "mainlog")], { timeZone: "Asia/Tokyo" });
  const day = ["--db", db, "--since", "2026-03-30", "--until", "2026-03-30"];
  for (const timeZone of ["UTC", "Asia/Tokyo", "America/New_York"]) {
    const run = async (...argv: string[]): Promise<string> => (await runCli([...argv, ...day], { timeZone })).stdout;
    expect(await run("search", "--ids")).toBe(`${[REFUSED, DEFERRED, DELIVERED].join("\n")}\n`);
    expect(JSON.parse(await run("stats", "totals", "--json")).sections.totals.messages.received).toBe(2);
    expect(JSON.parse(await run("trace", "ann@a.test", "--json")).choices).toHaveLength(2);
    const { logins } = JSON.parse(await run("abuse", "--json"));
    expect(logins).toMatchObject([{ first: "2026-03-29T21:16:00.000Z" }]);
    expect(await run("abuse")).toMatch(/2026-03-30\s+06:16:00/);
  }
  await ingestInto(db, ["-"], { server: "mx2", timeZone: "UTC", logType: "main" }, Readable.from([Buffer.from(MAIN)]));
  const { stdout } = await runCli(["search", ...day, "--server", "MX*", "--ids"], { timeZone: "America/New_York" });
  expect(stdout).toBe([PARTIAL, REFUSED, DEFERRED, DELIVERED].map((id) => `${id}\n`).join(""));
});

/** All results, three at a time. */
async function readPages(args: readonly string[]): Promise<unknown[]> {
  const rows: unknown[] = [];
  for (let after: string[] = []; ; ) {
    const { stdout } = await runCli([...args, "--json", "--limit", "30", ...after]);
    const { results, next } = JSON.parse(stdout) as { results: unknown[]; next: string | null };
    rows.push(...results);
    if (next === null) return rows;
    after = ["--after", next];
  }
}
