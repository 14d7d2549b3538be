/**
 * Pages of all commands at any width: on a narrow screen nothing is wider than that, and nothing is lost that tells things apart. In a pipe
 * nothing is cut or wrapped. A new command is tried by a row of its own here, or has a reason why it has no page.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../../src/cli/declare/program.ts";
import { widthOf } from "../../src/render/form/layout.ts";
import { type CliOptions, runCli } from "../support/cli.ts";
import { FIXTURES } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { stillIo } from "../support/still-io.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const BACKUPS = join(FOLDER, "backups");
const SPOOL = join(FOLDER, "spool");
const HINTS = join(FIXTURES, "queue", "hints", "retry");
const MAIN = join(FIXTURES, "corpus", "default", "mainlog");
const CHANNELS = join(FIXTURES, "notify", "channels.toml");
const ID = "1vx5YS-0006QZ-1J";
const ACCOUNT = "a-user-with-a-long-name.of-the-customer-care@example.org";

/** Commands after which each page has rows. */
const BEFORE: readonly (readonly string[])[] = [
  ["users", "add", "alice", "--role", "admin", "--os-user", "root", "--email", ACCOUNT, "--full-name", "Alice Smith"],
  ["users", "add", ACCOUNT],
  ["tag", ID, "a-tag-as-long-as-a-ticket-of-the-customer-care-department:4711", "vip"],
  ["tag", "--describe", "vip", "--colour", "#c0392b", "--about", "customers who are called back before all others do"],
  ["note", ID, "Customer called; told him that the mailbox of his receiver is full since Monday."],
  ["servers", "set", "mx1", "--environment", "production", "--owner", ACCOUNT],
  ["queue", "snapshot", "--spool", SPOOL, "--at", "2026-03-10T17:27:40Z", "--content", "preview"],
  ["queue", "snapshot", "--spool", SPOOL, "--at", "2026-03-10T18:27:40Z"],
  ["incidents", "detect"],
  ["incidents", "acknowledge", "1", "the disk was full, and somebody removes what is not needed from it"],
  ["incidents", "mute", "hacked_account", ACCOUNT, "--for", "30d", "--reason", "mailing to all customers"],
  ["backup", BACKUPS],
];

/** Arguments with which each command prints a page. */
const PAGES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  abuse: [[]],
  audit: [[]],
  backup: [["--list", BACKUPS]],
  content: [
    ["--file", join(FIXTURES, "content", "invoice.eml")],
    ["1vzOI8-0009wa-1t", "--spool", SPOOL],
  ],
  doctor: [[]],
  incidents: [[]],
  "incidents mute": [[]],
  "incidents show": [["1"]],
  migrate: [["--status"]],
  note: [[]],
  notify: [[]],
  "notify list": [[]],
  "notify show": [["1"]],
  "notify stats": [[]],
  parse: [["--summary", MAIN]],
  prune: [["--status"], ["--dry-run"], ["--dry-run", "--logs", "26d", "--messages", "26d"]],
  queue: [
    ["--at", "2026-03-10T17:00Z"],
    ["--spool", SPOOL, "--at", "2026-03-10T17:27:40Z"],
  ],
  "queue health": [
    ["--at", "2026-03-10T16:30Z"],
    ["--fail-if", "queue>2"],
  ],
  "queue history": [["--bucket", "15min"]],
  "queue next": [["ever@rules.example", "--hints", HINTS, "--at", "2026-03-06T23:45Z"]],
  "queue reconcile": [["--spool", SPOOL, "--at", "2026-03-10T17:27:40Z"]],
  rebuild: [["--dry-run"]],
  search: [[], ["--kind", "rejection"]],
  servers: [[]],
  sources: [[]],
  stats: [[], ["all"]],
  tag: [[]],
  trace: [[ID], ["1vxEXA-0007QL-01"]],
  users: [[]],
  verify: [[]],
};

/** Commands that print no page, and why. */
const WITHOUT_PAGE: Readonly<Record<string, string>> = {
  completion: "prints a script",
  config: "prints a configuration",
  export: "prints lines as they were",
  help: "is tried with all topics by itself",
  ingest: "prints a sentence",
  "incidents acknowledge": "prints a sentence",
  "incidents detect": "prints a sentence for each change",
  "incidents false-alarm": "prints a sentence",
  "incidents reopen": "prints a sentence",
  "incidents resolve": "prints a sentence",
  "notify cancel": "prints a sentence",
  "notify retry": "prints a sentence",
  "notify run": "prints a sentence",
  "notify test": "prints a sentence",
  "queue snapshot": "prints a sentence for each queue",
  restore: "prints a sentence",
  "servers remove": "prints a sentence",
  "servers rename": "prints a sentence",
  "servers set": "prints a sentence",
  setup: "prints a sentence for each step",
  sql: "prints rows as they are, for a pager or a program",
  tail: "prints lines as they come",
  "users add": "prints a sentence",
  "users disable": "prints a sentence",
  "users enable": "prints a sentence",
  "users password": "prints a sentence",
  "users remove": "prints a sentence",
  "users set": "prints a sentence",
};

/** Lines that are there to be copied, which a terminal wraps so that they stay one. */
const COPIED = /--after |^ +(?:exim|exim-pilot|exiqgrep|systemctl) /;

/** Pages with samples, which stand for other texts and are cut. */
const SAMPLED: readonly string[] = ["stats"];

beforeAll(async () => {
  await makeGoldenDatabase(DB);
  cpSync(join(FIXTURES, "queue", "default"), SPOOL, { recursive: true });
  for (const argv of BEFORE) expect(await run(argv), argv.join(" ")).toMatchObject({ status: 0 });
  await run(["notify", "test", "ops", "--config", CHANNELS]);
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

function run(argv: readonly string[], world: Pick<CliOptions, "env" | "columns"> = {}) {
  return runCli([...argv, ...(argv[0] === "parse" || argv[0] === "help" ? [] : ["--db", DB])], world);
}

function namesOf({ commands }: Command, path: readonly string[] = []): readonly string[] {
  return commands.flatMap((command) => {
    const own = [...path, command.name()];
    return [own.join(" "), ...namesOf(command, own)];
  });
}

test("every command has a page here, or a reason why it has none", () => {
  const names = namesOf(buildProgram(stillIo(), () => {}));
  expect([...Object.keys(PAGES), ...Object.keys(WITHOUT_PAGE)].sort()).toEqual([...names].sort());
});

const ROWS = Object.entries(PAGES).flatMap(([command, forms]) =>
  forms.map(
    (form) => [[command, ...form].join(" ").replaceAll(FOLDER, "…").replaceAll(FIXTURES, "…"), command, form] as const,
  ),
);

describe.each(ROWS)("%s", (_name, command, form) => {
  const argv = [...command.split(" "), ...form];

  test.each([60, 80, 200])("is no wider than %s columns, and has all that the pipe has", async (columns) => {
    const piped = await run(argv);
    expect(piped.stdout).not.toBe("");
    const { stdout } = await run(argv, { columns });
    const wide = stdout.split("\n").filter((line) => !COPIED.test(line) && widthOf(line) > columns);
    expect(wide).toEqual([]);
    if (SAMPLED.includes(command)) return;
    const flat = stdout.replaceAll(/\s+/g, "");
    expect(tellingWords(piped.stdout).filter((word) => !flat.includes(word))).toEqual([]);
  });

  test("is ASCII for a locale without UTF-8", async () => {
    expect((await run(argv, { env: { LC_ALL: "C" } })).stdout).toMatch(/^[\n -~]+$/);
  });
});

/** Words that tell things apart: addresses, ids, paths, numbers. */
function tellingWords(page: string): readonly string[] {
  return (page.match(/[\w.@<>:/+-]{4,}/g) ?? []).filter((word) => /[@\d/]/.test(word));
}

describe("the words that tell things apart", () => {
  test("are addresses, ids, paths and figures", () => {
    expect(tellingWords("The id 1vx5YS-0006QZ-1J of a@b.example: 1,234 in /var/log, one of 4")).toEqual([
      "1vx5YS-0006QZ-1J",
      "a@b.example:",
      "/var/log",
    ]);
  });
});
