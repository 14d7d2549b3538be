/** Figures of what filters find, against direct SQL on the public views. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Totals } from "../../src/stats/totals.ts";
import { runCli } from "../support/cli.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { queryAll } from "../support/views.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
beforeAll(() => makeGoldenDatabase(DB));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

/** Conditions on messages `m`; on attempts `a`, if not all of such messages count; on rejections without a message. */
interface Meaning {
  readonly flags: readonly string[];
  readonly message: string;
  readonly attempt?: string;
  /** Undefined: none of them. */
  readonly rejection?: string;
}

const RECIPIENT_OF = (condition: string): string =>
  `EXISTS (SELECT 1 FROM recipients r WHERE r.message_id = m.id AND r.recipient ${condition})`;
const ATTEMPT_OF = (condition: string): string =>
  `EXISTS (SELECT 1 FROM delivery_attempts a WHERE a.message_id = m.id AND a.${condition})`;
/** A refusal after the data is of a message, and tells its client too. */
const REFUSAL_OF = (condition: string): string =>
  `EXISTS (SELECT 1 FROM rejections j WHERE j.message_id = m.id AND j.${condition})`;

const MEANINGS: readonly Meaning[] = [
  {
    flags: ["--sender", "app@partner.example"],
    message: `(m.sender = 'app@partner.example' OR ${REFUSAL_OF("sender = 'app@partner.example'")})`,
    rejection: "j.sender = 'app@partner.example'",
  },
  {
    flags: ["--recipient", "*@rules.example"],
    message: `(${RECIPIENT_OF("LIKE '%@rules.example'")} OR ${REFUSAL_OF("recipient LIKE '%@rules.example'")})`,
    attempt: "(a.recipient LIKE '%@rules.example' OR a.final_address LIKE '%@rules.example')",
    rejection: "j.recipient LIKE '%@rules.example'",
  },
  {
    flags: ["--domain", "grey.example"],
    message: `(m.sender LIKE '%@grey.example' OR ${RECIPIENT_OF("LIKE '%@grey.example'")})`,
    rejection: "(j.sender LIKE '%@grey.example' OR j.recipient LIKE '%@grey.example')",
  },
  {
    flags: ["--address", "kim@sender1.example"],
    message: `(m.sender = 'kim@sender1.example' OR ${RECIPIENT_OF("= 'kim@sender1.example'")} OR ${REFUSAL_OF("sender = 'kim@sender1.example'")})`,
    rejection: "(j.sender = 'kim@sender1.example' OR j.recipient = 'kim@sender1.example')",
  },
  {
    flags: ["--host", "app1.partner.example"],
    message: `(m.host = 'app1.partner.example' OR ${ATTEMPT_OF("host = 'app1.partner.example'")} OR ${REFUSAL_OF("host = 'app1.partner.example'")})`,
    rejection: "j.host = 'app1.partner.example'",
  },
  {
    flags: ["--ip", "203.0.113.96/29"],
    message: `(m.ip_address GLOB '203.0.113.9[6-9]' OR m.ip_address GLOB '203.0.113.10[0-3]'
      OR ${ATTEMPT_OF("ip_address GLOB '203.0.113.9[6-9]'")} OR ${ATTEMPT_OF("ip_address GLOB '203.0.113.10[0-3]'")}
      OR ${REFUSAL_OF("ip_address GLOB '203.0.113.9[6-9]'")} OR ${REFUSAL_OF("ip_address GLOB '203.0.113.10[0-3]'")})`,
    rejection: "(j.ip_address GLOB '203.0.113.9[6-9]' OR j.ip_address GLOB '203.0.113.10[0-3]')",
  },
  { flags: ["--status", "deferred", "--status", "frozen"], message: "m.status IN ('deferred', 'frozen')" },
  {
    flags: ["--transport", "mail_spool"],
    message: ATTEMPT_OF("transport = 'mail_spool'"),
    attempt: "a.transport = 'mail_spool'",
  },
  {
    flags: ["--router", "panictaint"],
    message: ATTEMPT_OF("router = 'panictaint'"),
    attempt: "a.router = 'panictaint'",
  },
  {
    flags: ["--sender", "app@partner.example", "--status", "deferred", "--server", "mx1"],
    message: `(m.sender = 'app@partner.example' OR ${REFUSAL_OF("sender = 'app@partner.example'")}) AND m.status = 'deferred' AND m.server = 'mx1'`,
  },
];

const DAYS = [
  [[], ["", "9"]],
  [
    ["--since", "2026-03-02", "--until", "2026-03-03"],
    ["2026-03-02", "2026-03-04"],
  ],
] as const;

describe.each(MEANINGS)("$flags", ({ flags, message, attempt = "1", rejection }) => {
  test.each(DAYS)("count what the views have, of %j", async (days, [from, to]) => {
    const { stdout, stderr, status } = await runCli(["stats", "totals", "--json", "--db", DB, ...flags, ...days]);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    const totals = JSON.parse(stdout).sections.totals as Totals;
    const inTime = (row: string): string => `${row}.timestamp >= '${from}' AND ${row}.timestamp < '${to}'`;
    const count = (sql: string): number => queryAll<{ n: number }>(DB, `SELECT count(*) AS n FROM ${sql}`)[0]?.n ?? -1;
    const arrived = `m.direction IS NOT NULL AND ${inTime("m")} AND ${message}`;
    expect(totals.messages.received).toBe(count(`messages m WHERE ${arrived}`));
    expect(totals.recipients.total).toBe(
      count(`recipients q JOIN messages m ON m.id = q.message_id AND m.server = q.server WHERE ${arrived}`),
    );
    const attempts = `delivery_attempts a JOIN messages m ON m.id = a.message_id AND m.server = a.server
      WHERE ${inTime("a")} AND ${message} AND ${attempt}`;
    expect(totals.attempts.total).toBe(count(attempts));
    expect(totals.attempts.deferred).toBe(count(`${attempts} AND a.status IN ('defer', 'timeout')`));
    const ofMessages = `j.message_id IS NOT NULL AND EXISTS (SELECT 1 FROM messages m WHERE m.id = j.message_id AND ${message})`;
    const lone = rejection === undefined ? "0" : `(j.message_id IS NULL AND ${rejection})`;
    expect(totals.rejections.total).toBe(count(`rejections j WHERE ${inTime("j")} AND (${ofMessages} OR ${lone})`));
  });
});

test("what filters cannot tell of is said", async () => {
  const limits = async (...argv: string[]): Promise<string[]> =>
    JSON.parse((await runCli(["stats", "--json", "--db", DB, ...argv])).stdout).filter.limits;
  expect(await limits("totals")).toEqual([]);
  expect(await limits("totals", "--sender", "*@partner.example")).toEqual([]);
  expect(await limits("problems", "--sender", "*@partner.example")).toEqual([expect.stringContaining("Panics")]);
  expect(await limits("totals", "--status", "frozen")).toEqual([
    expect.stringContaining("Only rejections of messages"),
  ]);
  expect(await limits("deferrals", "--router", "panictaint")).toEqual([expect.stringContaining("Attempts are those")]);
});
