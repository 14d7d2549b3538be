/** Thirty jobs of a new user, as they are typed before anything was read but the README: each gets its answer at the first try. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { makeGoldenDatabase, parseCommand } from "../support/golden.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const LOG = fileURLToPath(new URL("../../fixtures/corpus/default/mainlog", import.meta.url));

beforeAll(() => makeGoldenDatabase(DB));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const JOBS: readonly (readonly [job: string, typed: string, status: number, expected: RegExp])[] = [
  ["what is this", "exim-pilot --help", 0, /^ {2}trace \[options\]/m],
  ["which version", "exim-pilot version", 0, /^\d+\.\d+\.\d+$/m],
  ["read a log", "exim-pilot ingest LOG --db NEW", 0, /^Stored 428 lines in .*new\.db: \d+ new messages/],
  ["read it again", "exim-pilot ingest LOG --db NEW", 0, /^Nothing new in .*new\.db/],
  ["ask a log without a database", "exim-pilot trace --log LOG 1vx5YS-0006QZ-1J", 0, /^Delivered to both recipients/m],
  ["what became of this id", "exim-pilot 1vx5YS-0006QZ-1J", 0, /^Delivered to both recipients/m],
  ["the same, cut off", "exim-pilot trace 1vx5YS", 0, /^1vx5YS-0006QZ-1J {2}delivered/],
  ["the same, flags in front", "exim-pilot --db DB trace 1vx5YS-0006QZ-1J", 0, /^1vx5YS-0006QZ-1J {2}delivered/],
  ["all mail of an address", "exim-pilot bob@example.org", 0, /1vy3ge-00095f-0r {2}delivered/],
  ["mail from one to another", "exim-pilot search --from app@partner.example --to grey.example", 0, /1vx5YS-0006QZ-1J/],
  ["by the header's id", "exim-pilot '<l00346.1772466692@partner.example>'", 0, /^1vx5YS-0006QZ-1J/],
  ["why did it bounce", "exim-pilot show 1vyRkM-0009Y7-0p", 0, /^Bounced for gone906861@rules\.example: /m],
  ["was it refused", "exim-pilot trace 1vx6ps-0006eL-0G", 0, /^Rejected, never accepted: content filter/m],
  ["what did this client do", "exim-pilot 203.0.113.160", 0, /SMTP data timeout/],
  ["what went to this domain", "exim-pilot grey.example", 0, /1vx5YS-0006QZ-1J {2}delivered/],
  ["what is frozen", "exim-pilot search --status frozen", 0, /1vzzej-000A9c-29 {2}frozen/],
  ["the queue", "exim-pilot queue", 0, /1vzzei-000A94-2t/],
  ["how many are frozen", "exim-pilot search --status frozen --count", 0, /^2$/m],
  [
    "a text in the log, as exigrep",
    "exim-pilot grep --raw gone906861",
    0,
    / <= kim@sender1\.example .*\n.* \*\* gone906861/,
  ],
  ["whom we refuse", "exim-pilot search --kind rejection -n 3", 0, /^3 of 36 shown\. Next page: --after /m],
  ["who sends spam", "exim-pilot abuse", 0, /^Accounts that logged in and sent/m],
  ["what should I look at", "exim-pilot stats", 0, /^ {2}serious {2}/m],
  ["which domains are worst", "exim-pilot stats --by domain --rank bounces", 0, /^rules\.example +\d+/m],
  ["the figures of eximstats", "exim-pilot stats --eximstats", 0, /^Grand total summary$/m],
  ["figures for a spreadsheet", "exim-pilot stats series --bucket day --csv", 0, /^from,received,delivered,/m],
  ["which logs were read", "exim-pilot sources", 0, /mainlog {2}\(main\)/],
  ["a question in SQL", "exim-pilot sql 'SELECT count(*) AS n FROM messages'", 0, /\{"n": 84\}/],
  ["is the database sound", "exim-pilot check --quick", 0, /^Sound: /m],
  ["a typing error", "exim-pilot tarce 1vx5YS-0006QZ-1J", 2, /Did you mean `exim-pilot trace`\?/],
  ["a log in the database's place", "exim-pilot search --db LOG bob", 3, /asked by itself with --log/],
];

test("there are thirty", () => {
  expect(JOBS).toHaveLength(30);
});

test.each(JOBS)('a new user who asks "%s" types %s', async (_job, typed, status, expected) => {
  const places: Record<string, string> = { LOG, NEW: join(FOLDER, "new.db"), DB };
  const words = typed.replaceAll(/\b(?:LOG|NEW|DB)\b/g, (name) => `'${places[name]}'`);
  const { argv } = parseCommand(words, { FIXTURES: "", DB, NEW: "" });
  const { stdout, stderr, ...ended } = await runCli(argv, { env: { EXIM_PILOT_DB: DB } });
  expect(ended.status, stderr).toBe(status);
  expect(status === 0 ? stdout : stderr).toMatch(expected);
});
