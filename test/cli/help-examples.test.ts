/**
 * Examples of the help pages of the queue, incidents, notifications, people and upkeep do what they say when they are typed. Their names of
 * files, ids and numbers stand for those of the fixtures; nothing else is changed.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { FIXTURES } from "../support/database.ts";
import { makeGoldenDatabase, parseCommand } from "../support/golden.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
/** A machine with Exim's spool and logs, and with backups. */
const ROOT = join(FOLDER, "root");
const SPOOL = join(ROOT, "var", "spool", "exim4");
const BACKUPS = join(ROOT, "var", "backups");
const QUEUE = join(FIXTURES, "queue");
const CORPUS = join(FIXTURES, "corpus", "default");
const ID = "1vx5YS-0006QZ-1J";
const NO_PLACES = { FIXTURES: "", DB: "", NEW: "" };

const COMMANDS = [
  "queue",
  "queue reconcile",
  "queue next",
  "queue snapshot",
  "queue history",
  "queue health",
  "content",
  "incidents",
  "notify",
  "tag",
  "note",
  "users",
  "servers",
  "sources",
  "audit",
  "prune",
  "verify",
  "backup",
  "restore",
  "migrate",
  "ingest",
];

/** Commands before a pipe, and what each prints. */
const PIPED: Readonly<Record<string, string | undefined>> = {
  "exim -bp": join(QUEUE, "default", "exim-bp.txt"),
  "ssh mx2 exim -bp": join(QUEUE, "default", "exim-bp.txt"),
  "exim_dumpdb /var/spool/exim4 retry": join(QUEUE, "hints", "retry.txt"),
  "tail -c +1 -f /var/log/exim4/mainlog": join(CORPUS, "mainlog"),
  "docker compose logs --no-log-prefix mx1": join(CORPUS, "mainlog"),
  "exim-pilot search --ids --reason blocklist": join(FOLDER, "ids"),
};

/** Examples that are not tried here, and why. */
const UNTRIED: Readonly<Record<string, string>> = {
  "journalctl --all -o json -t exim | exim-pilot ingest --server mx1 -": "test/ingest/wrappers.test.ts reads journals",
};

/** Flags that a test needs, since it is no terminal. */
const ADDED: Readonly<Record<string, readonly string[]>> = {
  "users password": ["--password-file", join(FOLDER, "password")],
};

/** Names in the examples, and what stands for them here. */
const NAMES: Readonly<Record<string, string>> = {
  "1vwz8c-0005eI-2Q": ID,
  "1vxAgn-00077F-2U": "1vzOI8-0009wa-1t",
  "suspicious.eml": join(FIXTURES, "content", "invoice.eml"),
  "invoice.pdf": join(FOLDER, "invoice.pdf"),
  "mx2/mainlog*": join(CORPUS, "mainlog"),
  "mx2/rejectlog": join(CORPUS, "rejectlog"),
  "ops-telegram": "ops",
  "14": "1",
  "12": "1",
};

/** Commands that are run before, by the first words of an example. */
const BEFORE: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "incidents show": [["incidents", "detect"]],
  "incidents resolve": [["incidents", "detect"]],
  "note --edit": [["note", ID, "Customer called."]],
  "users disable": [["users", "add", "bob"]],
  "users password": [["users", "add", "alice", "--role", "admin"]],
  "queue history": [["queue", "snapshot", "--spool", SPOOL, "--at", "2026-03-31 12:00"]],
  "backup --list": [["backup", "--quiet", join(BACKUPS, "exim-pilot")]],
  "backup --drill": [["backup", "--quiet", join(BACKUPS, "exim-pilot")]],
  "notify retry": [["notify", "test", "ops", "--config", join(FIXTURES, "notify", "channels.toml")]],
  "queue next rules": [["queue", "snapshot", "--spool", SPOOL]],
  "servers rename": [["ingest", "--quiet", "--server", "localhost", "--timezone", "UTC", join(CORPUS, "paniclog")]],
  "servers remove": [["queue", "snapshot", "--server", "mx0", "--spool", SPOOL]],
};

/** Examples whose database has no log of mx1 before. */
const ON_EMPTY: readonly string[] = ["servers rename", "ingest", "migrate"];

beforeAll(async () => {
  cpSync(join(QUEUE, "default"), SPOOL, { recursive: true });
  mkdirSync(join(SPOOL, "db"));
  cpSync(join(QUEUE, "hints", "retry"), join(SPOOL, "db", "retry"));
  addAttachment(join(SPOOL, "input"), "1vzOI8-0009wa-1t");
  cpSync(CORPUS, join(ROOT, "var", "log", "exim4"), { recursive: true });
  for (const folder of ["backups", "lib/exim-pilot"]) mkdirSync(join(ROOT, "var", folder), { recursive: true });
  writeFileSync(join(FOLDER, "ids"), `${ID}\n`);
  writeFileSync(join(FOLDER, "password"), "horse battery staple\n", { mode: 0o600 });
  const db = join(FOLDER, "mail.db");
  await makeGoldenDatabase(db);
  expect(await run(["backup", "--quiet", "--compress", BACKUPS], db)).toMatchObject({ status: 0, stderr: "" });
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

/** Gives a message of a spool another body: a text with an attachment. */
function addAttachment(input: string, id: string): void {
  const mail = readFileSync(join(FIXTURES, "content", "invoice.eml"), "latin1");
  const body = mail.slice(mail.search(/\r?\n\r?\n/)).trimStart();
  const header = 'Content-Type: multipart/mixed; boundary="outer"\n';
  const file = join(input, `${id}-H`);
  writeFileSync(file, `${readFileSync(file, "latin1")}${String(header.length).padStart(3, "0")}  ${header}`, "latin1");
  writeFileSync(join(input, `${id}-D`), `${id}-D\n${body}`, "latin1");
}

function run(argv: readonly string[], db: string, stdin = "") {
  const database = argv.includes("--db") ? [] : ["--db", db];
  const world = { systemRoot: ROOT, configFile: join(FIXTURES, "notify", "channels.toml") };
  return runCli([...argv, ...database], { ...world, stdin });
}

/** Lines of a help page that can be typed, those that go on after a backslash as one. */
async function examplesOf(command: string): Promise<readonly string[]> {
  const { stdout } = await runCli([...command.split(" "), "--help"]);
  const lines = stdout
    .slice(stdout.indexOf("Examples:"))
    .replaceAll(/\\\n\s*/g, "")
    .split("\n");
  return lines.filter((line) => /^ {2}(?:\S.* )?exim-pilot /.test(line)).map((line) => line.trim());
}

const EXAMPLES = (await Promise.all(COMMANDS.map(examplesOf))).flat().filter((example) => !(example in UNTRIED));

test("every command has an example", async () => {
  for (const command of COMMANDS) expect((await examplesOf(command)).length, command).toBeGreaterThan(0);
  expect(EXAMPLES.length).toBeGreaterThan(COMMANDS.length);
});

test.each(EXAMPLES.map((example, index) => [example, index] as const))(
  "%s works when it is typed",
  async (example, index) => {
    const [, before, command = ""] = /^(?:(.*) \| )?(exim-pilot .*)$/.exec(example) ?? [];
    const typed = command.slice("exim-pilot ".length);
    const isOf = (words: string): boolean => typed.startsWith(words);
    const db = join(FOLDER, `${index}.db`);
    if (!ON_EMPTY.some(isOf)) await makeGoldenDatabase(db);
    for (const [words, commands] of Object.entries(BEFORE))
      if (isOf(words)) for (const argv of commands) expect((await run(argv, db)).stderr, argv.join(" ")).toBe("");
    const added = Object.entries(ADDED).flatMap(([words, flags]) => (isOf(words) ? flags : []));
    const argv = [...parseCommand(command, NO_PLACES).argv.map(placeOf), ...added];
    const input = before === undefined ? undefined : PIPED[before];
    expect(input === undefined).toBe(before === undefined);
    const { status, stderr } = await run(argv, db, input === undefined ? "" : readFileSync(input, "latin1"));
    // 1 is an answer, too: nothing matches, a condition holds.
    expect({ stderr, isDone: status === 0 || status === 1 }).toEqual({
      stderr: expect.not.stringMatching(/^error:/m),
      isDone: true,
    });
  },
);

function placeOf(word: string): string {
  if (word.startsWith("/var/backups/mail-")) return join(BACKUPS, newestBackup());
  return word.startsWith("/var/") ? join(ROOT, word) : (NAMES[word] ?? word);
}

function newestBackup(): string {
  const [name] = readdirSync(BACKUPS).filter((file) => file.endsWith(".db.gz"));
  if (name === undefined) throw new Error("There is no backup.");
  return name;
}
