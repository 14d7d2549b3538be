/** What is redacted tells nothing of what was there, and tells the same from the same. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Redactor } from "../../src/render/redact.ts";
import { runCli } from "../support/cli.ts";
import { FIXTURES } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { queryAll } from "../support/views.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
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
      text: "bob => user2 <user2@host2.example> by [2001:db8::1] at 05:40:05",
    });
  });

  test("has no account and no domain that stands alone in the text of a line", () => {
    const { raw } = new Redactor().redact({
      raw: "2026-03-30 06:16:00 plain_server authenticator failed for (x) [203.0.113.4]: 535 no (set_id=wendy.xu) U=carol A=login:bob i=@a.test",
    });
    expect(raw).toBe(
      "2026-03-30 06:16:00 plain_server authenticator failed for (x) [198.18.0.1]: 535 no (set_id=user1) U=user2 A=login:user3 i=@host1.example",
    );
  });

  test("of every form of output tells no address, host or id of the log", async () => {
    const words = new Set<string>();
    const rows = queryAll<Record<string, string | null>>(
      DB,
      `SELECT m.id, m.sender, m.host, m.ip_address, m.header_message_id, m.subject, r.recipient
       FROM messages m LEFT JOIN recipients r ON r.message_id = m.id`,
    );
    for (const row of rows)
      for (const value of Object.values(row)) if (value !== null && value.length > 5) words.add(value);
    expect(words.size).toBeGreaterThan(200);
    const log = readFileSync(join(FIXTURES, "corpus", "default", "mainlog"), "utf8");
    const ids = [...new Set(rows.map(({ id }) => id ?? ""))].filter((id) => log.includes(id)).slice(0, 30);
    const forms = [["search"], ["search", "--json"], ["search", "--csv"], ["search", "--ndjson"], ["search", "--raw"]];
    const outputs = [
      ...forms,
      ...ids.flatMap((id) => [
        ["trace", id],
        ["trace", id, "--raw"],
        ["trace", id, "--json", "--chain"],
      ]),
    ];
    const leaks: string[] = [];
    for (const args of outputs) {
      const { stdout } = await runCli([...args, "--db", DB, "--redact"], { columns: 400 });
      for (const word of words) if (stdout.includes(word)) leaks.push(`${args.join(" ")}: ${word}`);
    }
    expect(leaks).toEqual([]);
  });
});
