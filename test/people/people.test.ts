/** People on the command line: who may change what, where it is shown, and what it outlives. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { DAY_MS, epochMs } from "../../src/units.ts";
import { type CliOptions, type CliResult, expectFailure, runCli } from "../support/cli.ts";
import { copyDatabase, FIXTURES, NOW, openDirectly, temporaryFolder } from "../support/database.ts";
import { madeOnce } from "../support/made-once.ts";
import { queryAll } from "../support/views.ts";

const [FIRST, SECOND] = ["1vwwZU-0005V4-1s", "1vwwZa-0005V5-1s"];
const PASSWORD = "correct horse battery staple";

let db = "";

beforeEach(async () => {
  db = join(temporaryFolder(), "pilot.db");
  copyDatabase(await madeOnce("people.db", ingestTwoServers), db);
});

/** The first message is one of mx1 and one of mx2, the second one of mx1 alone. */
async function ingestTwoServers(path: string): Promise<void> {
  const log = readFileSync(join(FIXTURES, "two-servers", "mx1.log"), "utf8");
  const own = log.split("\n").filter((line) => line.includes(FIRST));
  for (const [server, stdin] of [
    ["mx1", log],
    ["mx2", `${own.join("\n")}\n`],
  ] as const) {
    const argv = [
      "ingest",
      "--quiet",
      "--server",
      server,
      "--timezone",
      "UTC",
      "--log-type",
      "main",
      "--db",
      path,
      "-",
    ];
    expect(await runCli(argv, { stdin })).toMatchObject({ status: 0, stderr: "" });
  }
}

/** Runs a command as an account of the system that may not change the system. */
function as(user: string, argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return runCli([...argv, "--db", db], { user, isAdministrator: false, ...options });
}

async function done(user: string, argv: readonly string[], options: CliOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await as(user, argv, options);
  expect({ argv, status, stderr }).toEqual({ argv, status: 0, stderr: "" });
  return stdout;
}

/** Alice is an admin, bob an agent, vic a viewer: each with the account of the same name in capitals. */
async function addUsers(): Promise<void> {
  for (const [name, role] of [
    ["alice", "admin"],
    ["bob", "agent"],
    ["vic", "viewer"],
  ])
    await done("setup", ["users", "add", name ?? "", "--role", role ?? "", "--os-user", name?.toUpperCase() ?? ""]);
}

const audited = (): readonly string[] =>
  queryAll<{ action: string }>(db, "SELECT action FROM audit_log WHERE result = 'done' AND action <> 'ingest'").map(
    ({ action }) => action,
  );
const notesNow = (): unknown => queryAll(db, "SELECT id, author, note, is_public FROM message_notes ORDER BY id");

describe("the last active admin", () => {
  test.each<[how: string, argv: readonly string[]]>([
    ["disabled", ["users", "disable", "alice"]],
    ["removed", ["users", "remove", "Alice"]],
    ["given another role", ["users", "set", "alice", "--role", "agent"]],
  ])("cannot be %s, unless there is another", async (_how, argv) => {
    await addUsers();
    await done("root", ["users", "add", "old", "--role", "admin"]);
    await done("root", ["users", "disable", "old"]);
    const before = queryAll(db, "SELECT * FROM users");
    expectFailure(await as("root", argv), { status: 3, says: '"alice" is the last active admin' });
    expect(queryAll(db, "SELECT * FROM users")).toEqual(before);
    await done("root", ["users", "enable", "old"]);
    await done("root", argv);
  });
});

describe("users", () => {
  test("are added once, in any case, and an account of the system is one user's", async () => {
    await addUsers();
    expectFailure(await as("root", ["users", "add", "ALICE"]), { status: 3, says: 'There is a user "alice" already.' });
    expectFailure(await as("root", ["users", "add", "kim", "--os-user", "BOB"]), {
      status: 3,
      says: 'The account "BOB" is bound to the user "bob" already.',
    });
    expectFailure(await as("root", ["users", "set", "nobody", "--role", "admin"]), {
      status: 1,
      says: 'There is no user "nobody".',
    });
    expectFailure(await as("root", ["users", "set", "bob"]), { status: 2, says: "No setting was given." });
  });

  test("are changed by admins, by the administrator of the system and by accounts of nobody", async () => {
    await addUsers();
    const set = (name: string): readonly string[] => ["users", "set", "bob", "--full-name", name];
    for (const user of ["BOB", "VIC"])
      expectFailure(await as(user, set("x")), { status: 3, says: "is no admin, and only admins may change users." });
    await done("BOB", ["users", "password", "Bob", "--password-file", "-"], { stdin: PASSWORD });
    expectFailure(await as("BOB", ["users", "password", "vic", "--password-file", "-"], { stdin: PASSWORD }), {
      status: 3,
      says: "is no admin",
    });
    await done("ALICE", set("by alice"));
    await done("BOB", set("by root"), { isAdministrator: true });
    await done("anybody", set("by anybody"));
    await done("ALICE", ["users", "disable", "bob"]);
    expectFailure(await as("BOB", set("x")), { status: 3, says: 'The user "bob" is disabled.' });
  });

  test("whose settings are as they are to be are left alone, and nothing is recorded", async () => {
    await addUsers();
    const records = audited();
    expect(await done("root", ["users", "set", "bob", "--role", "agent"])).toBe("bob has these settings already.\n");
    expect(await done("root", ["users", "enable", "bob"])).toBe("bob is active already.\n");
    expect(audited()).toEqual(records);
    expect(await done("root", ["users", "set", "bob", "--os-user", "", "--email", "bob@example.org"])).toBe(
      "bob: e-mail bob@example.org, no account any more.\n",
    );
    expect(audited()).toEqual([...records, "users set"]);
  });

  test("own the servers whose owner has their name, from either side", async () => {
    await done("root", ["servers", "set", "mx1", "--owner", "Alice"]);
    await addUsers();
    await done("root", ["servers", "set", "mx2", "--owner", "bob"]);
    const owners =
      "SELECT s.name, s.owner, u.username FROM servers s LEFT JOIN users u ON u.id = s.owner_user_id ORDER BY 1";
    expect(queryAll(db, owners)).toEqual([
      { name: "mx1", owner: "Alice", username: "alice" },
      { name: "mx2", owner: "bob", username: "bob" },
    ]);
    await done("root", ["users", "remove", "bob"]);
    await done("root", ["servers", "set", "mx1", "--owner", "the night shift"]);
    expect(queryAll(db, owners)).toEqual([
      { name: "mx1", owner: "the night shift", username: null },
      { name: "mx2", owner: "bob", username: null },
    ]);
    expect(await done("root", ["verify", "--quick"])).toContain("Sound");
  });
});

describe("a password", () => {
  const hashes = (): unknown => queryAll(db, "SELECT password_hash FROM stored_users");

  test("comes from standard input or a file, and is in no answer, no record and no query", async () => {
    const file = join(temporaryFolder(), "secret");
    writeFileSync(file, `${PASSWORD}\nand more\n`, { mode: 0o600 });
    const outputs = [
      await done("root", ["users", "add", "alice", "--role", "admin", "--password-file", file, "--json"]),
      await done("root", ["users", "add", "bob", "--password-file", "-"], { stdin: `${PASSWORD}\r\n` }),
      await done("root", ["users", "--json"]),
      await done("root", ["sql", "SELECT * FROM users", "--format", "csv"]),
      await done("root", ["audit", "--json"]),
    ];
    expect(outputs.join("")).not.toMatch(/scrypt\$|horse/);
    expect(hashes()).toEqual(Array(2).fill({ password_hash: expect.stringMatching(/^scrypt\$/) }));
    expect(await done("root", ["users", "password", "bob", "--password-file", file])).toBe(
      "bob has this password already.\n",
    );
    expect(await done("root", ["users", "password", "bob", "--password-file", "-"], { stdin: `${PASSWORD}!` })).toBe(
      "bob has a new password.\n",
    );
    expect(audited()).toEqual(["users add", "users add", "sql", "users password"]);
  });

  test("in a file that others can read is taken, with a warning", async () => {
    const file = join(temporaryFolder(), "secret");
    writeFileSync(file, PASSWORD, { mode: 0o644 });
    const { status, stderr } = await as("root", ["users", "add", "alice", "--password-file", file]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining("others can read the file") });
  });

  test.each<[what: string, argv: readonly string[], stdin: string, status: number, says: string]>([
    ["that is too short", ["add", "kim", "--password-file", "-"], "short\n", 2, "shorter than 12"],
    ["that is not there", ["add", "kim", "--password-file", "-"], "", 2, "shorter than 12"],
    ["in a file that is missing", ["add", "kim", "--password-file", "/nowhere/secret"], "", 3, "nowhere"],
    ["in a directory", ["add", "kim", "--password-file", "/"], "", 3, '"/"'],
    ["of a megabyte", ["add", "kim", "--password-file", "-"], "x".repeat(1_000_000), 2, "more than 262144 bytes"],
    ["that is asked for without a terminal", ["password", "alice"], "", 2, "There is no terminal"],
    ["of nobody", ["password", "nobody"], "", 1, 'There is no user "nobody"'],
    ["as an argument", ["add", "kim", "--password", PASSWORD], "", 2, "no flag --password"],
  ])("%s is refused", async (_what, argv, stdin, status, says) => {
    await addUsers();
    const before = hashes();
    const result = await as("root", ["users", ...argv], { stdin });
    expectFailure(result, { status, says });
    expect(result.stderr).not.toContain(PASSWORD);
    expect(hashes()).toEqual(before);
  });

  test.each([
    "SELECT * FROM stored_users",
    'SELECT password_hash FROM main."STORED_USERS"',
    "SELECT 1 FROM [Stored_Users] WHERE password_hash LIKE 's%'",
    "WITH x AS (SELECT * FROM main/**/./**/`stored_users`) SELECT * FROM x",
    "EXPLAIN SELECT * FROM stored_users",
  ])("is not given out by %s", async (statement) => {
    await done("root", ["users", "add", "alice", "--password-file", "-"], { stdin: PASSWORD });
    const result = await as("root", ["sql", statement]);
    expectFailure(result, { status: 2, says: "hashes of passwords, which are not given out" });
    expect(result.stdout).toBe("");
  });
});

describe("a note", () => {
  test("is by the user of the account, with sudo that of the account before, else by the account", async () => {
    await addUsers();
    await done("BOB", ["note", SECOND, "one"]);
    await done("root", ["note", SECOND, "two"], { env: { SUDO_USER: "ALICE" } });
    await done("kim", ["note", SECOND, "-"], { stdin: "three\nlines\nlong\n" });
    expect(notesNow()).toEqual([
      { id: 1, author: "bob", note: "one", is_public: 1 },
      { id: 2, author: "alice", note: "two", is_public: 1 },
      { id: 3, author: "kim", note: "three\nlines\nlong", is_public: 1 },
    ]);
  });

  test("may be changed by its author and by admins only", async () => {
    await addUsers();
    await done("BOB", ["note", SECOND, "by bob"]);
    await done("kim", ["note", SECOND, "by kim"]);
    const refused = { status: 3, says: /Note \d is by "\w+": its author and admins may change it\./ };
    expectFailure(await as("kim", ["note", "--edit", "1", "x"]), refused);
    expectFailure(await as("BOB", ["note", "--remove", "2"]), refused);
    expectFailure(await as("VIC", ["note", "--edit", "1", "x"]), { status: 3, says: '"vic" is a viewer' });
    await done("BOB", ["note", "--edit", "1", "by bob, again"]);
    await done("kim", ["note", SECOND, "--edit", "2", "by", "kim,", "again"]);
    await done("ALICE", ["note", "--edit", "1", "by an admin"]);
    await done("ALICE", ["note", "--remove", "2"]);
    expect(notesNow()).toEqual([{ id: 1, author: "bob", note: "by an admin", is_public: 1 }]);
    const [last] = queryAll<{ affected: string }>(db, "SELECT affected FROM audit_log ORDER BY id DESC LIMIT 1");
    expect(JSON.parse(last?.affected ?? "")).toMatchObject({ number: 2, message: SECOND, noteBefore: "by kim, again" });
  });

  test("may be changed by anybody as long as there are no users", async () => {
    await done("kim", ["note", SECOND, "by kim"]);
    await done("lee", ["note", "--edit", "1", "by lee"]);
    expect(notesNow()).toEqual([{ id: 1, author: "kim", note: "by lee", is_public: 1 }]);
  });

  test("of a removed user stays, and is the account's", async () => {
    await addUsers();
    await done("BOB", ["note", SECOND, "by bob"]);
    await done("root", ["users", "remove", "bob"]);
    await done("root", ["users", "add", "bob", "--os-user", "impostor"]);
    expectFailure(await as("impostor", ["note", "--remove", "1"]), { status: 3, says: 'by "bob"' });
    await done("BOB", ["note", "--edit", "1", "still by bob"]);
    expect(notesNow()).toEqual([{ id: 1, author: "bob", note: "still by bob", is_public: 1 }]);
  });

  test("that is private is shown to its author and to admins, in a list, a trace and a search", async () => {
    await addUsers();
    await done("BOB", ["note", SECOND, "the secret", "--private"]);
    for (const [user, isShown] of [
      ["ALICE", true],
      ["BOB", true],
      ["VIC", false],
      ["kim", false],
    ] as const) {
      const shown = [
        (await as(user, ["note", SECOND])).stdout,
        (await as(user, ["trace", SECOND, "--json"])).stdout,
        (await as(user, ["search", "--note", "SECRET", "--ids"])).stdout,
      ];
      expect(shown.map((text) => /secret|^1vwwZa-/.test(text))).toEqual(Array(3).fill(isShown));
    }
    expectFailure(await as("kim", ["note", "--edit", "1", "x"]), { status: 1, says: "There is no note 1." });
    await done("BOB", ["note", "--edit", "1", "--public"]);
    expect((await as("kim", ["note", SECOND])).stdout).toContain("the secret");
    await done("ALICE", ["note", "--edit", "1", "--private"]);
    await done("ALICE", ["note", "--edit", "1", "another secret"]);
    await done("BOB", ["note", "--remove", "1"]);
    expect(await done("kim", ["audit", "--json"])).not.toContain("secret");
  });

  test.each<[what: string, argv: readonly string[], status: number, says: string]>([
    ["of an id that is none", ["1vwwZa", "x"], 2, "is not an id of Exim's"],
    ["of an unknown message", ["1vwwZb-0005V5-1s", "x"], 1, "knows no message 1vwwZb-0005V5-1s; nothing was changed."],
    ["of another server's message", [SECOND, "x", "--server", "mx2"], 1, `knows no message ${SECOND}`],
    ["of a message that two servers have", [FIRST, "x"], 2, "Several servers have a message"],
    ["without a text", [SECOND, ""], 2, "The note is empty."],
    ["of 10,001 characters", [SECOND, "é".repeat(10_001)], 2, "has 10001 characters"],
    ["with an escape", [SECOND, "a\u001b[31mb"], 2, "control character U+001B"],
    ["whose number is unknown", ["--edit", "7", "x"], 1, "There is no note 7."],
    ["of another message", [FIRST, "--edit", "1", "x"], 1, `There is no note 1 of ${FIRST}.`],
    ["that is edited to nothing", ["--edit", "1"], 2, "The new text of the note is missing."],
    ["that is removed with a text", ["--remove", "1", "x"], 2, "needs no text"],
    ["with a flag of lists", [SECOND, "x", "--search", "y"], 2, "--search belongs to a list"],
    ["found by no text", ["--search", ""], 2, "The text of --search is empty."],
    ["that is public from the first", [SECOND, "x", "--public"], 2, "--public belongs to --edit."],
    ["with no text that is private", [SECOND, "--private"], 2, "--private belongs to the text"],
  ])("%s is refused", async (_what, argv, status, says) => {
    await done("kim", ["note", SECOND, "first"]);
    const before = [notesNow(), audited()];
    expectFailure(await as("kim", ["note", ...argv]), { status, says });
    expect([notesNow(), audited()]).toEqual(before);
  });

  test("is found by its text, its author and its time", async () => {
    const at = (days: number): CliOptions => ({ now: () => epochMs(NOW + days * DAY_MS) });
    await done("kim", ["note", SECOND, "Anruf von Frau Müller"], at(0));
    await done("lee", ["note", FIRST, "called back", "--server", "mx2"], at(3));
    const found = async (...argv: string[]): Promise<readonly unknown[]> => {
      const { status, stdout } = await as("kim", ["note", ...argv, "--json"], at(4));
      const { notes } = JSON.parse(stdout) as { notes: { id: number }[] };
      expect(status).toBe(notes.length === 0 ? 1 : 0);
      return notes.map(({ id }) => id);
    };
    expect(await found()).toEqual([1, 2]);
    expect(await found("--search", "MÜLLER")).toEqual([1]);
    expect(await found("--author", "LEE")).toEqual([2]);
    expect(await found("--since", "2d")).toEqual([2]);
    expect(await found("--until", "2d")).toEqual([1]);
    expect(await found(FIRST)).toEqual([2]);
    expect(await found(FIRST, "--server", "mx1")).toEqual([]);
    expect(await found("--search", "100%")).toEqual([]);
    expect(await found("--limit", "1")).toEqual([2]);
    await done("kim", ["note", "--edit", "1", "Müller, noch einmal"], at(3));
    expect(await found("--since", "2d")).toEqual([1, 2]);
  });

  test("has its place on the page, in the timeline and in JSON, and none where it is redacted", async () => {
    await addUsers();
    await done("BOB", ["note", SECOND, "first line\n\nthird \u202eline"]);
    const page = await done("BOB", ["trace", SECOND, "--width", "60"]);
    expect(page).toContain("Notes\n  1  bob, ");
    expect(page).toContain("\n     first line\n\n     third \\u202eline\n");
    expect(page).toMatch(/ {2}✎ {3}note by bob\n/);
    expect(await done("BOB", ["trace", SECOND], { env: { LANG: "C" } })).toMatch(/ {2}# {3}note by bob\n/);
    const { messages } = JSON.parse(await done("BOB", ["trace", SECOND, "--json"]));
    expect(messages[0].notes).toMatchObject([
      { id: 1, author: "bob", note: "first line\n\nthird \u202eline", isPublic: true },
    ]);
    for (const form of [[], ["--json"], ["--raw"]]) {
      const redacted = await done("BOB", ["trace", SECOND, "--redact", ...form]);
      expect(redacted).not.toMatch(/bob|first line|✎|Notes/);
    }
    expect(await done("BOB", ["sql", "--redact", "SELECT note, author FROM message_notes"])).not.toMatch(/first|bob/);
    expect(await done("BOB", ["audit", "--redact"])).not.toMatch(/first line|BOB|bob/);
    expectFailure(await as("BOB", ["note", SECOND, "--redact"]), { status: 2, says: "cannot be redacted" });
  });

  test("of 10,000 characters in lines of any length fits 80 columns", async () => {
    await done("kim", ["note", SECOND, "-"], { stdin: "漢字 ".repeat(2000) + "x".repeat(4000) });
    const page = await done("kim", ["note", SECOND], { columns: 80 });
    expect(page.split("\n").length).toBeGreaterThan(100);
    expect(page.split("\n").filter((line) => [...line].length > 80)).toEqual([]);
  });
});

describe("a tag", () => {
  test("has an author, and by its name a colour and a meaning, wherever it is given", async () => {
    await addUsers();
    await done("BOB", ["tag", SECOND, "vip"]);
    expectFailure(await as("VIC", ["tag", SECOND, "spam"]), { status: 3, says: '"vic" is a viewer' });
    expect(await done("ALICE", ["tag", "--describe", "VIP", "--colour", "Red", "--about", "call back"])).toBe(
      "VIP is described: #ff0000, call back.\n",
    );
    expect(await done("ALICE", ["tag", "--describe", "vip", "--color", "#FF0000"])).toContain("described already");
    const { messages } = JSON.parse(await done("kim", ["trace", SECOND, "--json"]));
    expect(messages[0].message.tags).toEqual(["vip"]);
    expect(messages[0].tags).toEqual([
      { name: "vip", colour: "#ff0000", about: "call back", author: "bob", createdAt: new Date(NOW).toISOString() },
    ]);
    expect(await done("kim", ["trace", SECOND])).toContain("Tags        #vip (bob)");
    const coloured = { isTTY: true, env: { EXIM_PILOT_PAGER: "cat" } };
    expect(await done("kim", ["trace", SECOND], coloured)).toContain("\u001b[101m#vip");
    expect(queryAll(db, "SELECT tag, color, about, author, user_id FROM message_tags")).toEqual([
      { tag: "vip", color: "#ff0000", about: "call back", author: "bob", user_id: 2 },
    ]);
    expect(await done("ALICE", ["tag", "--describe", "vip", "--colour", "", "--about", ""])).toBe(
      "VIP has neither colour nor meaning any more.\n",
    );
    expect(queryAll(db, "SELECT * FROM tag_names")).toEqual([]);
  });

  test("is popular by how often it was given since a time", async () => {
    const at = (days: number): CliOptions => ({ now: () => epochMs(NOW + days * DAY_MS) });
    await done("kim", ["tag", FIRST, "old"], at(0));
    await done("kim", ["tag", SECOND, "new", "newer"], at(40));
    await done("kim", ["tag", FIRST, "new"], at(41));
    const popular = async (...argv: string[]): Promise<unknown> => {
      const { tags } = JSON.parse(await done("kim", ["tag", "--popular", "--json", ...argv], at(42)));
      return tags.map(({ tag, messages }: { tag: string; messages: number }) => [tag, messages]);
    };
    expect(await popular()).toEqual([
      ["new", 3],
      ["old", 2],
      ["newer", 1],
    ]);
    expect(await popular("--since", "30d", "--limit", "1")).toEqual([["new", 3]]);
    expect(await popular("--since", "1h")).toEqual([]);
  });

  test.each<[what: string, argv: readonly string[], says: string]>([
    ["with a colour that is none", ["--describe", "vip", "--colour", "reddish"], '"reddish" is no colour.'],
    ["with a form that is none", ["--describe", "two words", "--about", "x"], "cannot be a tag"],
    ["with neither colour nor meaning", ["--describe", "vip"], "Neither a colour nor a meaning"],
    ["with a meaning of several lines", ["--describe", "vip", "--about", "a\nb"], "The meaning of the tag"],
    ["of a message", ["--describe", "vip", "--about", "x", SECOND, "vip"], "goes with no message"],
    ["with a colour for a message", [SECOND, "vip", "--colour", "red"], "belong to --describe"],
    ["with a time for a message", [SECOND, "vip", "--since", "1d"], "belong to --popular"],
  ])("%s is refused", async (_what, argv, says) => {
    expectFailure(await as("kim", ["tag", ...argv]), { status: 2, says });
    expect(queryAll(db, "SELECT tag FROM stored_tags UNION SELECT tag FROM tag_names")).toEqual([]);
  });
});

describe("what people wrote", () => {
  const TABLES = ["stored_users", "stored_notes", "stored_tags", "tag_names"];
  const stored = (path = db): unknown => TABLES.map((table) => queryAll(path, `SELECT * FROM ${table} ORDER BY 1, 2`));

  beforeEach(async () => {
    await addUsers();
    await done("BOB", ["note", SECOND, "by bob"]);
    await done("ALICE", ["note", FIRST, "by alice", "--server", "mx2", "--private"]);
    await done("BOB", ["tag", FIRST, "vip"]);
    await done("BOB", ["tag", "--describe", "vip", "--colour", "red"]);
  });

  test("outlives a rebuild, a prune of text, a backup that is restored, and a new name of its server", async () => {
    const before = stored();
    await done("root", ["rebuild", "--quiet"]);
    expect(stored()).toEqual(before);
    expect(await done("root", ["verify", "--deep"])).toContain("Sound");
    const backups = join(temporaryFolder(), "backups");
    mkdirSync(backups);
    await done("root", ["backup", "--quiet", backups]);
    const later: CliOptions = { now: () => epochMs(NOW + 100 * DAY_MS) };
    await done("root", ["prune", "--logs", "30d", "--messages", "forever", "--force", "--quiet"], later);
    expect(stored()).toEqual(before);
    await done("root", ["servers", "rename", "mx2", "other"]);
    expect(stored()).toEqual(before);
    expect(await done("ALICE", ["note", FIRST])).toContain(`${FIRST} on other`);
    await done("BOB", ["note", "--remove", "1"]);
    const backup = readdirSync(backups).find((name) => name.endsWith(".db")) ?? "";
    await done("root", ["restore", join(backups, backup)]);
    expect(stored()).toEqual(before);
    expect(await done("root", ["verify"])).toContain("Sound");
  });

  test("goes with its message, but for users and the meanings of tags", async () => {
    const later: CliOptions = { now: () => epochMs(NOW + 800 * DAY_MS) };
    const { removed } = JSON.parse(await done("root", ["prune", "--messages", "1y", "--force", "--json"], later));
    expect(removed).toMatchObject({ stored_notes: 2, stored_tags: 2 });
    expect(TABLES.map((table) => queryAll(db, `SELECT 1 FROM ${table}`).length)).toEqual([3, 0, 0, 1]);
  });

  test("is named when its server is removed", async () => {
    const database = openDirectly(db);
    // NOTE: a note may be there before its message, and after a log was read anew without it.
    database.exec(`
      INSERT INTO stored_servers (id, name, time_zone, created_ms) VALUES (9, 'mx9', 'UTC', 1);
      INSERT INTO stored_notes (server_id, exim_id, author, os_user, note, is_public, created_ms, updated_ms)
        VALUES (9, '${FIRST}', 'kim', 'kim', 'x', 1, 1, 1), (9, '${SECOND}', 'kim', 'kim', 'y', 1, 1, 1);
      INSERT INTO stored_tags (tag, server_id, exim_id, created_ms, author) VALUES ('vip', 9, '${FIRST}', 1, 'kim');`);
    database.close();
    const others = queryAll(db, "SELECT * FROM message_notes WHERE server <> 'mx9'");
    expect(await done("root", ["servers", "remove", "mx9"])).toBe("mx9 is removed, with 2 notes and 1 tag.\n");
    expect(queryAll(db, "SELECT * FROM message_notes")).toEqual(others);
    expect(await done("root", ["verify"])).toContain("Sound");
  });
});

test("the views have the columns of the model, and no password", () => {
  const columnsOf = (view: string): readonly string[] =>
    queryAll<{ name: string }>(db, `SELECT name FROM pragma_table_info('${view}')`).map(({ name }) => name);
  expect(columnsOf("users")).toEqual(
    expect.arrayContaining(
      "id username email full_name role active last_login created_at updated_at os_user".split(" "),
    ),
  );
  expect(columnsOf("users")).not.toContain("password_hash");
  expect(columnsOf("message_notes")).toEqual(
    expect.arrayContaining("id message_id user_id note is_public created_at updated_at server author".split(" ")),
  );
  expect(columnsOf("message_tags")).toEqual(
    expect.arrayContaining("id message_id tag color user_id created_at server author about".split(" ")),
  );
  expect(columnsOf("servers")).toContain("owner_user_id");
});
