/** Redacted output reveals nothing, and equal values stay equal. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Redactor } from "../../src/redact/redactor.ts";
import { SECTION_NAMES } from "../../src/stats/sections.ts";
import { AXES } from "../../src/store/stats/axes.ts";
import { runCli } from "../support/cli.ts";
import { corpusProfiles } from "../support/corpus.ts";
import { FIXTURES } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { queryAll } from "../support/views.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const LOGS = join(FIXTURES, "corpus", "default");
beforeAll(() => makeGoldenDatabase(DB));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe("a redacted value", () => {
  test("has made-up names, the same for the same", () => {
    const names = new Redactor();
    const one = names.redact({
      id: "1vwwZU-0005V4-1s",
      sender: "Ann@a.test",
      recipients: ["bob@b.test", "bob"],
      subject: "Secret",
      host: "mx.a.test",
      ipAddress: "203.0.113.4",
      auth: "PLAIN:ann",
      status: "delivered",
      raw: '2026-03-30 06:16:00 1vwwZU-0005V4-1s <= Ann@a.test H=mx.a.test [203.0.113.4]:25 X=TLS1.3:AES:256 T="Secret" for bob@b.test',
    });
    expect(one).toEqual({
      id: "hidden-000001-id",
      sender: "user1@host1.example",
      recipients: ["user2@host2.example", "user2"],
      subject: "subject 1",
      host: "host3.example",
      ipAddress: "198.18.0.1",
      auth: "PLAIN:user3",
      status: "delivered",
      raw: '2026-03-30 06:16:00 hidden-000001-id <= user1@host1.example H=host3.example [198.18.0.1]:25 X=TLS1.3:AES:256 T="subject 1" for user2@host2.example',
    });
    expect(names.redact({ text: "bob => bob <bob@b.test> by [2001:db8:1::5] at 05:40:05" })).toEqual({
      text: "user2 => user2 <user2@host2.example> by [2001:db8::1] at 05:40:05",
    });
  });

  test("is one pass: what is made up is not taken for something real, nor the other way round", () => {
    const names = new Redactor();
    const text = "user1@host2.example by host1.example, host2.example";
    expect(names.redact({ text })).toEqual({ text: "user1@host1.example by host2.example, host1.example" });
  });

  test("has no account and no domain that stands alone in the text of a line", () => {
    const raw =
      "2026-03-30 06:16:00 plain_server authenticator failed for (x) [203.0.113.4]: 535 no (set_id=wendy.xu) U=carol A=login:bob i=@a.test";
    expect(new Redactor().redact({ raw }).raw).not.toMatch(/wendy|xu|carol|bob|203\.|a\.test/);
  });

  test("has the subject of a log line and the decoded one under one name", () => {
    const [raw, subject] = ['<= a@a.test S=3 T="a \\"b\\" c\\\\d" for b@b.test', 'a "b" c\\d'];
    expect(new Redactor().redact({ raw, subject })).toEqual({
      raw: '<= user1@host1.example S=3 T="subject 1" for user2@host2.example',
      subject: "subject 1",
    });
  });

  test.each([
    ["H=(laptop) [203.0.113.4]: no HELO", "H=(host1.example) [198.18.0.1]: no HELO"],
    ["removed by jdoe", "removed by user1"],
    ["Frozen by ACL", "Frozen by ACL"],
    ["F=<bob> rejected RCPT <ann>: no", "F=<user1> rejected RCPT <user2>: no"],
    ["=> bob <bob@b.test> R=r", "=> user1 <user1@host1.example> R=r"],
    ["=> /home/bob/Maildir/ <bob@b.test> T=t", "=> /path1 <user1@host1.example> T=t"],
    ["P=esmtpa A=PLAIN:bob:bob@b.test", "P=esmtpa A=PLAIN:user1:user1@host1.example"],
    ["cwd=/home/bob 2 args: exim -E1vwwZU-0005V4-1s", "cwd=/path1 2 args: exim -Ehidden-000001-id"],
    ["to <postmaster@[203.0.113.4]>", "to <user1@[198.18.0.1]>"],
    ["SRS0=aB=xY=b.test=bob@a.test", "SRS0=word1=word2=host2.example=user1@host1.example"],
    ["DKIM: d=a.test i=@a.test", "DKIM: d=host1.example i=@host1.example"],
    ["R=dnslookup T=zz_smtp: 250 Ok: queued as 35832CAD15170E", "R=dnslookup T=word1: 250 Ok: queued as WORD2"],
    ["no such person gribbly here, mx7 said", "no such person word1 here, word2 said"],
    ["from MX.a.test and mx.a.test", "from HOST1.EXAMPLE and host1.example"],
    ["listed at 4.113.0.203.dnsbl.test", "listed at host1.example"],
    ["4.7.1 at 05:40:05, 3 of 1.5 s: TLS1.3 e.g. 99 %", "4.7.1 at 05:40:05, 3 of 1.5 s: TLS1.3 e.g. 99 %"],
  ])("%s", (text, redacted) => {
    expect(new Redactor().redact({ text })).toEqual({ text: redacted });
  });

  test.each(["a", "1:", "a.", " H=(", '"', "=> a <"])("takes any number of %j", (part) => {
    const text = part.repeat(20_000);
    expect(new Redactor().redact({ text }).text.length).toBeGreaterThan(0);
  });

  test("has headers without names of people and words of theirs", () => {
    const dump = [
      "2026-03-30 06:16:00 1vwwZU-0005V4-1s F=<ann@a.test> rejected after DATA: no",
      "Envelope-from: <ann@a.test>",
      "Envelope-to: <bob>",
      "P Received: from laptop ([203.0.113.4] helo=laptop)",
      "\tby mx1 with esmtp (envelope-from <ann@a.test>)",
      "  Subject: very",
      "   secret",
      'F From: "Ann Smith" <ann@a.test>,',
      "\tBob Jones <bob@a.test>",
      "I Message-ID: <1234>",
    ];
    expect(new Redactor().redact({ raw: dump.join("\n") }).raw.split("\n")).toEqual([
      "2026-03-30 06:16:00 hidden-000001-id F=<user1@host1.example> rejected after DATA: no",
      "Envelope-from: <user1@host1.example>",
      "Envelope-to: <user2>",
      "P Received: from host2.example ([198.18.0.1] helo=host2.example)",
      "\tby host3.example with esmtp (envelope-from <user1@host1.example>)",
      "  Subject: subject 1",
      "   ",
      "F From: <user1@host1.example>",
      "\t<user2@host1.example>",
      "I Message-ID: <user3>",
    ]);
  });
});

describe("a redacted sentence", () => {
  const redact = (text: string): string =>
    new Redactor().redactSentence(text, "trace bob@b.test --server mx1", ["mx7"]);

  test.each([
    ["keeps what was typed", 'no "mx1" for bob@b.test', 'no "mx1" for bob@b.test'],
    [
      "hides what was not",
      'no "mail" for eve@b.test, but on mx7',
      'no "word1" for user1@host2.example, but on host1.example',
    ],
    ["hides a part of a typed word", 'no "trac" and no "ob"', 'no "word1" and no "word2"'],
    ["keeps colours", "\u001b[31merror:\u001b[39m none of gribbly", "\u001b[31merror:\u001b[39m none of word1"],
    ["keeps time zones", "05:40 (Europe/Berlin), Frankfurt/Oder", "05:40 (Europe/Berlin), word1/word2"],
    ["keeps words in place of values", "Give --output <file> or <name>.", "Give --output <file> or <name>."],
    [
      "keeps calls of a stack",
      "Error: eve\n    at readRow (file:///srv/eve/dist/a.js:1:2)",
      "Error: word1\n    at readRow (file:a.js:1:2)",
    ],
  ])("%s", (_what, text, redacted) => {
    expect(redact(text)).toBe(redacted);
  });
});

describe("a redacted line", () => {
  test.each(corpusProfiles().filter(({ name }) => name.includes("trimmed")))(
    "$name is read as what it was",
    async ({ logs }) => {
      const logFiles = Object.values(logs);
      const [plain, redacted] = await Promise.all(
        [[], ["--redact"]].map(async (flags) => eventsOf((await runCli(["parse", ...flags, ...logFiles])).stdout)),
      );
      expect(redacted?.map(shapeOf)).toEqual(plain?.map(shapeOf));
      expect(plain?.length).toBeGreaterThan(100);
    },
  );

  test("has its marks in the right columns", async () => {
    const stdin = "2026-03-02 05:40:05 1vx5YS-0006QZ-1J => bob <bob@b.test> R=r T=t H=mx.b.test [203.0.113.4]\n";
    const { stdout } = await runCli(["parse", "--explain", "--redact"], { stdin, columns: 120 });
    const [, , line = "", marks = "", labels = ""] = stdout.split("\n");
    const marked = (label: string): string => {
      const from = labels.indexOf(label);
      return line.slice(from, from + (/^\^~*/.exec(marks.slice(from))?.[0].length ?? 0));
    };
    expect(["1", "2", "3", "4", "5", "6", "7", "8", "9"].map(marked)).toEqual([
      "2026-03-02 05:40:05",
      "hidden-000001-id",
      "=>",
      "user1",
      "user1@host1.example",
      "R=r",
      "T=t",
      "H=host2.example",
      "198.18.0.1",
    ]);
  });

  test("is not to be redacted once more for a report", async () => {
    const stdin = "2026-03-02 05:40:05 gribbly of mx.a.test\n";
    const [plain, redacted] = await Promise.all(
      [[], ["--redact"]].map(async (flags) => (await runCli(["parse", "--explain", ...flags], { stdin })).stdout),
    );
    expect(plain).toContain("with --redact");
    expect(redacted).toContain("word1 of host1.example");
    expect(redacted).toMatch(/Please\s+report/);
    expect(redacted).not.toContain("--redact");
  });

  test("keeps its form when somebody is called by a word of it", async () => {
    const stdin = "2026-03-02 05:40:05 unqualified sender rejected: <unqualified> H=(rejected) [203.0.113.4]\n";
    const { stdout } = await runCli(["parse", "--redact"], { stdin });
    expect(eventsOf(stdout)).toEqual([
      expect.objectContaining({
        kind: "rejection",
        sender: "user1",
        host: expect.objectContaining({ helo: "host1.example" }),
      }),
    ]);
  });
});

/** Clients of the corpus call themselves so, and reasons have the same words. */
const WORDS_OF_REASONS = ["unqualified", "locked"];

describe("every form of output", () => {
  const words = new Set<string>();
  beforeAll(() => {
    const rows = queryAll<Record<string, string | null>>(
      DB,
      `SELECT m.id, m.sender, m.host, m.helo, m.ip_address, m.header_message_id, m.subject, r.recipient
       FROM messages m LEFT JOIN recipients r ON r.message_id = m.id
       UNION SELECT j.message_id, j.sender, j.host, j.helo, j.ip_address, NULL, NULL, j.recipient FROM rejections j
       UNION SELECT a.message_id, NULL, a.host, NULL, a.ip_address, NULL, NULL, a.final_address FROM delivery_attempts a`,
    );
    for (const value of rows.flatMap((row) => Object.values(row))) {
      const domain = value?.slice(value.lastIndexOf("@") + 1);
      for (const word of [value, domain])
        if (word != null && word.length > 5 && !WORDS_OF_REASONS.includes(word)) words.add(word);
    }
    expect(words.size).toBeGreaterThan(200);
  });

  /** Words of the log that the commands tell. */
  async function leaksOf(commands: readonly (readonly string[])[]): Promise<string[]> {
    const leaks: string[] = [];
    for (const args of commands) {
      const { stdout, status } = await runCli([...args, "--redact"], { columns: 400, env: { EXIM_PILOT_DB: DB } });
      expect({ args, isEmpty: stdout === "", isUsage: status === 2 }).toEqual({ args, isEmpty: false, isUsage: false });
      for (const word of words) if (stdout.includes(word)) leaks.push(`${args.join(" ")}: ${word}`);
    }
    return leaks;
  }

  test("of messages tells no address, host or id of the log", async () => {
    const log = readFileSync(join(LOGS, "mainlog"), "utf8");
    const ids = queryAll<{ id: string }>(DB, "SELECT id FROM messages")
      .map(({ id }) => id)
      .filter((id) => log.includes(id))
      .slice(0, 30);
    const forms = [["search"], ["search", "--json"], ["search", "--csv"], ["search", "--ndjson"], ["search", "--raw"]];
    const tails = [[], ["--raw"], ["--ndjson"]].map((form) => ["tail", "--no-follow", "-n", "1000", ...form]);
    const outputs = ids.flatMap((id) => [
      ["trace", id],
      ["trace", id, "--raw"],
      ["trace", id, "--json", "--chain"],
    ]);
    expect(await leaksOf([...forms, ...tails, ...outputs, ["abuse"], ["abuse", "--json"]])).toEqual([]);
  });

  test("of statistics tells none either", async () => {
    const axes = Object.keys(AXES);
    const all = ["stats", "all", "--limit", "1000", ...axes.flatMap((axis) => ["--by", axis])];
    const compared = ["--since", "2026-03-03", "--compare", "previous"];
    const oneByOne = axes.map((axis) => ["stats", "--by", axis, "--limit", "1000", "--csv"]);
    const tables = SECTION_NAMES.filter((name) => name !== "top").map((name) => ["stats", name, "--csv"]);
    expect(
      await leaksOf([
        ["stats"],
        all,
        [...all, ...compared],
        [...all, "--json"],
        [...all, ...compared, "--json"],
        [...all, "--markdown"],
        ["stats", "--server", "mx1", "--recipient", "*@grey.example", "--ip", "203.0.113.190"],
        ["stats", "--eximstats", "--limit", "1000"],
        ["stats", "--eximstats", "--json"],
        ...oneByOne,
        ...tables,
      ]),
    ).toEqual([]);
    const page = join(FOLDER, "page.html");
    await runCli([...all, ...compared, "--html", page, "--redact", "--db", DB]);
    const html = readFileSync(page, "utf8");
    expect(html).toContain("host1.example");
    expect([...words].filter((word) => html.includes(word))).toEqual([]);
  });

  test("of lines tells none either", async () => {
    const logs = ["mainlog", "rejectlog", "paniclog"].map((log) => join(LOGS, log));
    expect(
      await leaksOf([
        ["parse", ...logs],
        ["parse", "--raw", ...logs],
        ["parse", "--explain", ...logs],
        ["parse", "--summary", ...logs],
        ["parse", "--summary", "--json", ...logs],
      ]),
    ).toEqual([]);
  });

  test("of the database's own reports tells none, nor paths and servers", async () => {
    const damaged = join(FOLDER, "damaged.db");
    copyFileSync(DB, damaged);
    const database = new Database(damaged);
    database.exec("UPDATE stored_recipients SET attempts = attempts + 1; UPDATE address_events SET duration_ms = 5000");
    database.close();
    for (const args of [
      ["verify", "--deep"],
      ["verify", "--deep", "--json"],
      ["doctor"],
      ["doctor", "--json"],
      ["sources"],
      ["sources", "--json"],
      ["servers"],
      ["servers", "--json"],
      ["audit"],
      ["audit", "--csv"],
      ["audit", "--json"],
    ]) {
      const told = async (...flags: string[]): Promise<string[]> => {
        const { stdout } = await runCli([...args, ...flags, "--db", damaged], { columns: 400, user: "jdoe" });
        return [...words, FOLDER, FIXTURES, "mx1"].filter((word) => stdout.includes(word));
      };
      expect(await told("--redact"), args.join(" ")).toEqual([]);
      expect(await told(), args.join(" ")).not.toEqual([]);
    }
  });

  test("of a change of a server has made-up names", async () => {
    const { stdout } = await runCli(["servers", "set", "mx1", "--owner", "ann@a.test", "--redact", "--db", DB]);
    expect(stdout).toBe("host2.example: owner user1@host1.example.\n");
  });
});

type Line = Readonly<Record<string, unknown>>;

function eventsOf(stdout: string): Line[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

/** Kind and fields of a line, without the words in them. */
function shapeOf({ kind, lineNumber, timestamp, processId, ...fields }: Line): unknown {
  const shape = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.length;
    if (typeof value !== "object" || value === null) return typeof value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shape(inner)]));
  };
  return { kind, lineNumber, timestamp, processId, fields: shape(fields) };
}
