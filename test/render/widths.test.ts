/** The one rule of widths: in a pipe nothing is cut or wrapped, elsewhere a page uses the terminal or `--width`, all of it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { columnsOf } from "../../src/cli/context.ts";
import { widthOf } from "../../src/render/form/layout.ts";
import { runCli } from "../support/cli.ts";
import { COMMAND_NAMES } from "../support/commands.ts";
import { ingestInto } from "../support/database.ts";
import { stillIo } from "../support/still-io.ts";

const words = (name: string, count: number): string =>
  Array.from({ length: count }, (_, index) => `${name}${index + 1}`).join(" ");

const ID = "1vwz8c-0005eI-2Q";
const SENDER = `${words("sender", 8).replaceAll(" ", "-")}@${"department.".repeat(5)}example`;
const RECIPIENT = `${words("recipient", 6).replaceAll(" ", "-")}@${"faculty.".repeat(6)}example`;
const SUBJECT = words("subject", 30);
const REPLY = `550 5.7.1 ${words("reply", 50)}`;
const REFUSAL = words("refusal", 40);
const NOTE = words("note", 40);
/** Longer than any line, each with a beginning that is its own. */
const VALUES: readonly string[] = [SENDER, RECIPIENT, SUBJECT, REPLY, REFUSAL, NOTE];

const LOG = `2026-03-02 05:40:05 ${ID} <= ${SENDER} H=client.example [203.0.113.9] P=esmtpsa A=plain:${SENDER} S=419 T="${SUBJECT}" for ${RECIPIENT}
2026-03-02 05:40:06 ${ID} == ${RECIPIENT} R=dnslookup T=remote_smtp defer (-44) H=mx.example.org [203.0.113.1]: SMTP error from remote mail server after RCPT TO:<${RECIPIENT}>: ${REPLY.replace("550 5", "450 4")}
2026-03-02 05:50:06 ${ID} ** ${RECIPIENT} R=dnslookup T=remote_smtp H=mx.example.org [203.0.113.1]: SMTP error from remote mail server after RCPT TO:<${RECIPIENT}>: ${REPLY}
2026-03-02 05:50:06 ${ID} Completed
2026-03-02 05:51:00 H=client.example [203.0.113.9] F=<${SENDER}> rejected RCPT <${RECIPIENT}>: ${REFUSAL}
2026-03-02 05:52:00 1vwz8d-0005eI-2Q <= ${SENDER} H=client.example [203.0.113.9] P=esmtp S=419 for ${RECIPIENT}
`;

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const MAINLOG = join(FOLDER, "mainlog");
const MESSAGE = join(FOLDER, "message.eml");
const BACKUPS = join(FOLDER, "backups");

beforeAll(async () => {
  writeFileSync(MAINLOG, LOG);
  writeFileSync(MESSAGE, `From: <${SENDER}>\nTo: <${RECIPIENT}>\nSubject: ${SUBJECT}\n\n${words("text", 60)}\n`);
  await ingestInto(DB, [MAINLOG], { logType: "main" });
  for (const argv of [
    ["tag", ID, "important"],
    ["tag", "--describe", "important", "--about", NOTE],
    ["note", ID, NOTE],
    ["users", "add", "kim", "--role", "admin"],
    ["backup", BACKUPS],
  ])
    expect(await runCli([...argv, "--db", DB])).toMatchObject({ status: 0 });
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

/** Arguments with which each command prints its pages. */
const PAGES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  abuse: [[]],
  audit: [[]],
  backup: [["--list", BACKUPS]],
  config: [[]],
  content: [["--file", MESSAGE]],
  doctor: [[]],
  help: [["statuses"], ["counting"], ["exit-codes"], ...COMMAND_NAMES.map((name) => [name])],
  incidents: [[], ["--all"]],
  migrate: [["--status"]],
  note: [[], [ID]],
  notify: [[]],
  parse: [
    ["--explain", MAINLOG],
    ["--summary", MAINLOG],
  ],
  prune: [["--status"], ["--dry-run"]],
  queue: [[], ["health"], ["history"]],
  rebuild: [["--dry-run"]],
  search: [[], ["--sort", "size"], ["--raw", "."]],
  servers: [[]],
  sources: [[]],
  sql: [["--views"], ["SELECT id, sender, subject FROM messages", "--format", "table"]],
  stats: [[], ["all"], ["--by", "recipient", "--by", "auth"], ["--eximstats"]],
  tag: [[], ["--popular"]],
  tail: [["--no-follow"]],
  trace: [[ID], [ID, "--by", "host"], [ID, "--raw"], [ID, "--chain"], [SENDER]],
  users: [[]],
  verify: [[]],
};
/** Commands that print no page, but a sentence, or text for programs. */
const PAGELESS: readonly string[] = ["completion", "export", "ingest", "restore", "setup"];
const WITHOUT_DATABASE: readonly string[] = ["help", "parse"];

test("each command is tried, or prints no page", () => {
  expect([...Object.keys(PAGES), ...PAGELESS].sort()).toEqual([...COMMAND_NAMES].sort());
});

async function print(name: string, args: readonly string[], width?: number): Promise<string> {
  const database = WITHOUT_DATABASE.includes(name) ? [] : ["--db", DB];
  const columns = width === undefined ? [] : ["--width", String(width)];
  const { stdout } = await runCli([name, ...args, ...database, ...columns]);
  // Drawings end somewhere in a pipe, too; the space on the disk is another each time.
  return stdout.replaceAll(/[·▁-▏]+/g, "~").replaceAll(/[\d.]+ \wi?B are free/g, "? are free");
}

const FAR = 30_000;
const CASES = Object.entries(PAGES).flatMap(([name, all]) => all.map((args) => [name, args] as const));

describe.each(CASES)("%s %j", (name, args) => {
  test("is in a pipe as where lines have no end, each value whole", async () => {
    const piped = await print(name, args);
    expect(piped).toBe(await print(name, args, FAR));
    for (const value of VALUES) {
      const head = value.slice(0, 12);
      const shown = piped.split(head).slice(1);
      for (const rest of shown) expect(rest.slice(0, value.length - head.length)).toBe(value.slice(head.length));
    }
  });

  test("uses the width that was asked for", async () => {
    const longest = (page: string): number => Math.max(...page.split("\n").map(widthOf));
    if (longest(await print(name, args)) <= 200 || isAsLogged(name, args)) return;
    const asked = longest(await print(name, args, 200));
    expect(asked).toBeGreaterThan(170);
    expect(asked).toBeLessThanOrEqual(200);
  });
});

/** Texts of others, and rows for whoever copies them, are as they are at any width. */
const AS_THEY_ARE: readonly string[] = ["content", "sql", "tag"];

function isAsLogged(name: string, args: readonly string[]): boolean {
  return args.includes("--raw") || AS_THEY_ARE.includes(name);
}

test("a terminal counts, or the width that was asked for; COLUMNS only where a terminal does not know its own", () => {
  const widthIn = (stream: { readonly isTTY?: boolean; readonly columns?: number }, env: Record<string, string>) =>
    columnsOf({ write: () => {}, ...stream }, stillIo({ env }));
  expect(widthIn({}, {})).toBe(Infinity);
  expect(widthIn({}, { COLUMNS: "80" })).toBe(Infinity);
  expect(widthIn({ isTTY: true, columns: 132 }, { COLUMNS: "80" })).toBe(132);
  expect(widthIn({ isTTY: true, columns: 0 }, { COLUMNS: "100" })).toBe(100);
  expect(widthIn({ isTTY: true, columns: 0 }, {})).toBe(80);
  expect(widthIn({ isTTY: true, columns: 132 }, { EXIM_PILOT_WIDTH: "60" })).toBe(60);
});

test.each([
  ["a flag", ["stats", "--help"]],
  ["the command", ["help", "stats"]],
  ["the program", ["help"]],
])("help that is asked for by %s has the width of the terminal, or the one asked for", async (_what, argv) => {
  const longest = (page: string): number => Math.max(...page.split("\n").map(widthOf));
  const screen = { isTTY: true, env: { NO_COLOR: "1" } };
  for (const width of [60, 140]) {
    const shown = (await runCli(argv, { ...screen, columns: width })).stdout;
    expect(longest(shown.replaceAll(/^ {2}exim-pilot .*$/gm, ""))).toBeLessThanOrEqual(width);
    expect(longest(shown)).toBeGreaterThan(Math.min(width, 110) - 20);
    expect((await runCli([...argv, "--width", String(width)])).stdout).toBe(shown);
    expect((await runCli(["--width", String(width), ...argv])).stdout).toBe(shown);
  }
});
