/**
 * Contents that a spool should not have, one kind after the other: each is a damaged entry or a sentence, the messages beside it are read as
 * they are, and nothing in the spool changes. Those that take long are in burdens.test.ts, other users are in rights.test.ts.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { expectFailure, runCli } from "../support/cli.ts";
import { FIXTURES, temporaryFolder } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

const ID = "1vzOI8-0009wa-1t";
const OTHER = "1vzzej-000A9F-1C";
const MESSAGES = 11;

/** A copy of a real spool; its first messages are those that are harmed. */
function makeSpool(): string {
  const spool = join(temporaryFolder(), "spool");
  cpSync(join(FIXTURES, "queue", "default"), spool, { recursive: true });
  return spool;
}

type State = readonly (readonly [name: string, size: number, mtimeMs: number])[];

/** Names, sizes and times of all that is in a directory; links are not followed. */
function stateOf(directory: string): State {
  return readdirSync(directory)
    .sort()
    .flatMap((name): State => {
      const path = join(directory, name);
      const stats = lstatSync(path);
      return [[path, stats.size, stats.mtimeMs], ...(stats.isDirectory() ? stateOf(path) : [])];
    });
}

interface Entry {
  readonly id: string;
  readonly sender: string | null;
  readonly damageReason: string | null;
}

async function listed(spool: string, ...flags: string[]): Promise<{ messages: Entry[]; stderr: string }> {
  const { status, stdout, stderr } = await runCli(["queue", "--spool", spool, "--json", ...flags]);
  expect(status, stderr).toBe(0);
  return { messages: (JSON.parse(stdout) as { messages: Entry[] }).messages, stderr };
}

/** Replaces the header file of the first message. */
type Harm = (header: string, text: string, spool: string) => void;

const HEADERS: Readonly<Record<string, readonly [harm: Harm, says: RegExp]>> = {
  "that is empty": [(file) => truncateSync(file, 0), /^It is empty\.$/],
  "that is cut in its envelope": [(file) => truncateSync(file, 60), /^It ends within /],
  "that is cut in its headers": [
    (file, text) => truncateSync(file, Buffer.byteLength(text, "latin1") - 5),
    /^It ends within a header\.$/,
  ],
  "with a NUL in the envelope": [
    (file, text) => writeFileSync(file, text.replace("<", "<\0"), "latin1"),
    /^A NUL is in the sender\.$/,
  ],
  "with a NUL in a header": [
    (file, text) => writeFileSync(file, text.replace("Subject: ", "Subject:\0"), "latin1"),
    /^A header holds a NUL\.$/,
  ],
  "of NULs alone": [(file) => writeFileSync(file, Buffer.alloc(5000)), /./],
  "of another message": [
    (file, text) => writeFileSync(file, text.replace(ID, OTHER), "latin1"),
    /^Its first line is not "1vzOI8-0009wa-1t-H"\.$/,
  ],
  "with a wrong first line": [(file, text) => writeFileSync(file, `\n${text}`, "latin1"), /^Its first line is not /],
  "with lines that end in CR LF": [
    (file, text) => writeFileSync(file, text.replaceAll("\n", "\r\n"), "latin1"),
    /^Its first line is not /,
  ],
  "of something else": [(file) => writeFileSync(file, "GIF89a\xff\xfe".repeat(99), "latin1"), /./],
  "with 100,001 headers": [
    (file, text) => writeFileSync(file, text + "006  X: y\n\n".repeat(100_001), "latin1"),
    /^It has more than 100000 headers\.$/,
  ],
  "of 17 MiB": [(file) => truncateSync(file, 17 * 1024 * 1024), /^It is larger than 16 MiB\.$/],
  "that claims more recipients than there can be": [
    (file, text) => writeFileSync(file, text.replace(/\nXX\n\d+\n/, "\nXX\n99999\n"), "latin1"),
    /^The number of recipients is none, or too large\.$/,
  ],
  "that is a link to another file": [
    (file, _text, spool) => {
      renameSync(file, join(spool, "elsewhere"));
      symlinkSync(join(spool, "elsewhere"), file);
    },
    /symbolic link/,
  ],
  "that is a link out of the spool": [replacedBy((file) => symlinkSync("/etc/passwd", file)), /symbolic link/],
  "that is a link to itself": [replacedBy((file) => symlinkSync(file, file)), /symbolic link/],
  "that is a link to nothing": [replacedBy((file) => symlinkSync("nowhere", file)), /symbolic link/],
  "that is a link to a directory": [replacedBy((file) => symlinkSync(".", file)), /symbolic link/],
  "that is a directory": [replacedBy((file) => mkdirSync(file)), /^It is not a regular file\.$/],
  "that is a pipe": [replacedBy((file) => execFileSync("mkfifo", [file])), /^It is not a regular file\.$/],
};

function replacedBy(make: (file: string) => void): Harm {
  return (file) => {
    rmSync(file);
    make(file);
  };
}

describe("a header file", () => {
  test.each(Object.entries(HEADERS))("%s is a damaged entry, beside the others", async (_what, [harm, says]) => {
    const spool = makeSpool();
    const whole = (await listed(spool)).messages;
    const file = join(spool, "input", `${ID}-H`);
    harm(file, readFileSync(file, "latin1"), spool);
    const before = stateOf(spool);
    const { messages, stderr } = await listed(spool);
    expect(stderr).toBe("");
    expect(messages).toHaveLength(MESSAGES);
    expect(messages.find(({ id }) => id === ID)?.damageReason).toMatch(says);
    expect(messages.filter(({ id }) => id !== ID)).toEqual(whole.filter(({ id }) => id !== ID));
    for (const flags of [[], ["-b"], ["--format", "mailq"], ["--csv"], ["--sort", "$message_age", "-i"]]) {
      const printed = await runCli(["queue", "--spool", spool, ...flags]);
      // Forms that have no room for damage tell it beside their output.
      const isTold = flags.includes("-b") || flags.includes("-i");
      const told = isTold ? "note: 1 file among them is damaged; --csv says which and how.\n" : "";
      expect({ status: printed.status, stderr: printed.stderr }).toEqual({ status: 0, stderr: told });
    }
    expect(stateOf(spool)).toEqual(before);
  });
});

describe("a body or journal", () => {
  test.each(["-D", "-J"])("%s that is a link, a directory or of another message is none", async (suffix) => {
    for (const make of [
      (file: string) => symlinkSync("/etc/passwd", file),
      (file: string) => symlinkSync(file, file),
      (file: string) => mkdirSync(file),
      (file: string) => writeFileSync(file, "something\0else"),
    ]) {
      const spool = makeSpool();
      const file = join(spool, "input", `${ID}${suffix}`);
      rmSync(file, { force: true });
      make(file);
      const { messages } = await listed(spool, "--show-vars", "$message_body,$recipients_del");
      expect(messages).toHaveLength(MESSAGES);
      expect(messages.find(({ id }) => id === ID)).toMatchObject({
        damageReason: null,
        variables: suffix === "-D" ? { $message_body: "" } : { $recipients_del: "" },
      });
    }
  });
});

describe("a directory", () => {
  /** Looks with whatever was made of the spool; the messages of the default queue are there once. */
  async function look(spool: string) {
    const before = stateOf(spool);
    const { messages, stderr } = await listed(spool, "-G", "*");
    expect(messages.filter(({ id }) => id === ID)).toHaveLength(1);
    const db = join(temporaryFolder(), "mail.db");
    const snapshot = await runCli(["queue", "snapshot", "--spool", spool, "--db", db]);
    expect(stateOf(spool)).toEqual(before);
    return { count: messages.length, stderr, status: snapshot.status };
  }

  test("of a split spool that leads elsewhere, back or nowhere is told as missing", async () => {
    for (const target of [".", "..", "a", "/etc", "nowhere"]) {
      const spool = makeSpool();
      symlinkSync(target, join(spool, "input", "a"));
      const said = `"${join(spool, "input", "a")}" cannot be listed: its messages are missing here.\n`;
      expect(await look(spool), target).toEqual({ count: MESSAGES + 1, stderr: said, status: 3 });
    }
  });

  test("of a named queue that is a link is not followed: it is told as missing, and no message is counted twice", async () => {
    const links: readonly ((spool: string) => void)[] = [
      (spool) => symlinkSync(".", join(spool, "again")),
      (spool) => {
        mkdirSync(join(spool, "again"));
        symlinkSync("../input", join(spool, "again", "input"));
      },
    ];
    for (const link of links) {
      const spool = makeSpool();
      link(spool);
      const said = `"${join(spool, "again", "input")}" cannot be listed: its messages are missing here.\n`;
      expect(await look(spool)).toEqual({ count: MESSAGES + 1, stderr: said, status: 3 });
      expectFailure(await runCli(["queue", "--spool", spool, "-G", "again"]), {
        status: 3,
        says: /is a symbolic link, which is not followed/,
      });
    }
  });

  test("of a named queue that leads to itself is none", async () => {
    const spool = makeSpool();
    symlinkSync("loop", join(spool, "loop"));
    expect(await look(spool)).toEqual({ count: MESSAGES + 1, stderr: "", status: 0 });
  });

  test("that goes while it is read is empty", async () => {
    const spool = makeSpool();
    const part = join(spool, "input", "a");
    const script = `const { mkdirSync, rmdirSync } = require("node:fs"); console.log("on"); for (;;) { mkdirSync(${JSON.stringify(part)}); rmdirSync(${JSON.stringify(part)}); }`;
    const other = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void other.kill("SIGKILL"));
    await once(other.stdout, "data");
    for (let round = 0; round < 20; round++) {
      const { messages, stderr } = await listed(spool);
      expect({ count: messages.length, stderr }).toEqual({ count: MESSAGES, stderr: "" });
    }
  });
});

describe("a file of hints", () => {
  const asHints = (spool: string): string => {
    mkdirSync(join(spool, "db"), { recursive: true });
    return join(spool, "db", "retry");
  };

  test.each<[what: string, make: (file: string) => void, says: RegExp]>([
    ["of GDBM", (file) => writeFileSync(file, "\x13\x57\x9a\xcdrest", "latin1"), /GDBM's or TDB's/],
    ["of TDB", (file) => writeFileSync(file, "TDB file\n\0\0\0"), /GDBM's or TDB's/],
    ["of noise", (file) => writeFileSync(file, Buffer.alloc(9000, 0xa5)), /of a kind that cannot be read/],
    ["that is cut", (file) => writeFileSync(file, realHints().subarray(0, 9000)), /is cut before its end/],
    ["that is damaged", (file) => writeFileSync(file, realHints().fill(0, 8192, 8704)), /does not name itself/],
    ["that is a directory", (file) => mkdirSync(file), /is no regular file/],
    ["that is a pipe", (file) => execFileSync("mkfifo", [file]), /is no regular file/],
    ["that leads elsewhere", (file) => symlinkSync("/etc/passwd", file), /is a symbolic link, which is not followed/],
    ["that leads to itself", (file) => symlinkSync(file, file), /is a symbolic link, which is not followed/],
  ])("%s is told by queue next, and hinders no snapshot", async (_what, make, says) => {
    const spool = makeSpool();
    make(asHints(spool));
    const before = stateOf(spool);
    const db = join(temporaryFolder(), "mail.db");
    const next = await runCli(["queue", "next", ID, "--spool", spool, "--db", db]);
    expect(next.stderr).toMatch(says);
    expect(next.stderr).toMatch(/^error: [^\n]+\.\nhint: [^\n]+\.\n$/);
    const snapshot = await runCli(["queue", "snapshot", "--spool", spool, "--db", db]);
    expect(snapshot).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^note: when messages are tried again is not kept: .*\.\n$/),
    });
    expect(queryAll(db, "SELECT 1 FROM retry_hints")).toEqual([]);
    expect(stateOf(spool)).toEqual(before);
  });

  test("that is missing says that there are no records; a spool that is none is a wrong use", async () => {
    const spool = makeSpool();
    const ask = (where: string) => runCli(["queue", "next", ID, "--spool", where, "--db", "none.db"]);
    expectFailure(await ask(spool), { status: 1, says: /has no retry records/ });
    expectFailure(await ask(temporaryFolder()), { status: 2, says: /is no spool of Exim's/ });
    writeFileSync(asHints(spool), "");
    expect((await ask(spool)).status).toBe(1);
  });
});

const realHints = (): Buffer => readFileSync(join(FIXTURES, "queue", "hints", "retry"));

test.each<[argv: readonly string[], says: RegExp]>([
  [["$mesage_size > 1"], /Did you mean \$message_size\?/],
  [["--sort", "$sender_adress"], /Did you mean \$sender_address\?/],
  [["$nosuch > 1"], /There is no variable \$nosuch\.\nhint: Names are exipick's/],
  [["--count", "extra"], /There is no variable \$extra\.\nhint: Names are exipick's/],
  [["--sort", ""], /--sort names no variable/],
  [["--sort", " , "], /--sort names no variable/],
  [["--show-vars", ","], /--show-vars names no variable/],
])("variables that are not there are a wrong use, with a name that is near or none: %j", async (argv, says) => {
  expectFailure(await runCli(["queue", "--spool", makeSpool(), ...argv]), { status: 2, says });
});

test("retry records that are empty are said to prove little", async () => {
  const empty = join(temporaryFolder(), "retry");
  writeFileSync(empty, "");
  const argv = ["queue", "next", "x.example", "--hints", empty, "--db", join(temporaryFolder(), "none.db")];
  const { status, stderr } = await runCli(argv);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(/retry" is empty: .+ exim_dumpdb failed/),
  });
});

test("what names and kinds of attachments hide is said on the page, and takes no control of it", async () => {
  const folder = temporaryFolder();
  const [file, db] = [join(folder, "evil.eml"), join(folder, "mail.db")];
  const attached = (name: string, bytes: string): string =>
    `--b\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename*=utf-8''${encodeURIComponent(name)}\nContent-Transfer-Encoding: base64\n\n${Buffer.from(bytes, "latin1").toString("base64")}\n`;
  const parts = [
    "--b\nContent-Type: text/plain; charset=no-such-set\n\nh\xe4llo\n",
    attached("invoice\u202efdp.exe", "MZ"),
    attached("locked.zip", "PK\x03\x04\x14\0\x01\0\x08\0"),
    attached("locked.7z", "7z\xbc\xaf\x27\x1c\0\x04"),
    attached("locked.rar", "Rar!\x1a\x07\x01\0"),
  ];
  writeFileSync(file, `Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n${parts.join("")}--b--\n`, "latin1");
  const { status, stdout } = await runCli(["content", "--file", file, "--db", db], {
    isTTY: true,
    env: { NO_COLOR: "1" },
  });
  expect(status).toBe(0);
  const page = stdout.replace(/\s+/g, " ");
  expect(page).toContain("Its name has characters that are invisible or reverse the order of others.");
  expect(page).toContain("It is an encrypted archive, into which no scanner on the way could look.");
  expect(page.match(/It is an archive, which was not opened\./g)?.length).toBeGreaterThanOrEqual(2);
  expect(page).toContain("llo");
  expect(page).not.toContain("Nothing active was found");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there.
  expect(stdout.replaceAll("\r\n", "\n")).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
});
