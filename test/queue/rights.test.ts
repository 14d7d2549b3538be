/** A spool before users who may read it, or only some of it; and what its readers do there: they read, and nothing else. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasStrace } from "../crash/trace.ts";
import { PROGRAM } from "../support/child.ts";
import { runCli } from "../support/cli.ts";
import { FIXTURES, temporaryFolder } from "../support/database.ts";
import { GROUP, type Printed, READER, runAllAs, runAs, sharedFolder, whyNotAsOthers } from "../support/users.ts";
import { queryAll } from "../support/views.ts";

const ID = "1vzOI8-0009wa-1t";
/** Exim's group, in which the reader is not. */
const EXIM = 61_003;
const ADMINISTRATOR = 0;

const noOthers = whyNotAsOthers();
if (noOthers !== undefined) test.skip(`a spool was not read as another user: ${noOthers}`);
if (!hasStrace()) test.skip("what readers of a spool ask of the system was not looked at: strace is missing");

/** A spool with a named queue in a folder that the reader may enter; its files belong to this group, as Debian's do. */
function makeSpool(group: number, folder = sharedFolder()): string {
  const spool = join(folder, "spool");
  cpSync(join(FIXTURES, "queue", "default"), spool, { recursive: true });
  setRights(spool, group, 0o750, 0o640);
  return spool;
}

function setRights(path: string, group: number, ofDirectories: number, ofFiles: number): void {
  for (const name of ["", ...(readdirSync(path, { recursive: true }) as string[])]) {
    const one = join(path, name);
    chownSync(one, ADMINISTRATOR, group);
    chmodSync(one, statSync(one).isDirectory() ? ofDirectories : ofFiles);
  }
}

/** A folder where the reader may make a database. */
function ownFolder(): string {
  const folder = join(sharedFolder(), "own");
  mkdirSync(folder);
  chownSync(folder, READER, READER);
  return folder;
}

/** Expects a sentence and a hint that names the right, and no trace of a bug. */
function expectRefusal({ status, stderr }: Pick<Printed, "stderr"> & { readonly status: number | null }): void {
  expect({ status, stderr }).toEqual({
    status: 3,
    stderr: expect.stringMatching(/^error: [^\n]*permission denied[^\n]*\.\nhint: [^\n]*Debian-exim[^\n]*\n$/),
  });
}

describe.skipIf(noOthers !== undefined)("a user who is not in Exim's group", () => {
  test("is told of the right that is missing by each command", () => {
    const spool = makeSpool(EXIM);
    const database = ["--db", join(ownFolder(), "mail.db")];
    const commands = [
      ["queue", "--spool", spool],
      ["queue", "--spool", spool, "-G", "*", "--json"],
      ["queue", "snapshot", "--spool", spool, ...database],
      ["queue", "reconcile", "--spool", spool, ...database],
      ["queue", "next", ID, "--spool", spool, ...database],
      ["content", ID, "--spool", spool, ...database],
    ];
    for (const printed of runAllAs(READER, commands)) expectRefusal(printed);
    // The program as it is installed says the same.
    expectRefusal(runAs(READER, ["queue", "--spool", spool]));
  });

  test("sees files of open directories that are closed themselves as damaged, whichever command", () => {
    const spool = makeSpool(EXIM);
    setRights(spool, EXIM, 0o755, 0o600);
    const database = ["--db", join(ownFolder(), "mail.db")];
    const [list, look, content] = runAllAs(READER, [
      ["queue", "--spool", spool, "--json"],
      ["queue", "snapshot", "--spool", spool, "--server", "mx1", "--content", "preview", ...database],
      ["content", ID, "--spool", spool, ...database],
    ]);
    const { messages } = JSON.parse(list?.stdout ?? "") as { messages: { damageReason: string | null }[] };
    expect(messages).toHaveLength(11);
    for (const { damageReason } of messages)
      expect(damageReason).toBe("It cannot be read: permission denied (EACCES).");
    expect(look).toMatchObject({ status: 0, stdout: expect.stringContaining("11 messages") });
    expect(content).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("It cannot be read: permission denied (EACCES)."),
    });
  });

  test("learns from doctor which group is missing, or that none is enough", () => {
    const root = sharedFolder();
    mkdirSync(join(root, "var/spool"), { recursive: true });
    mkdirSync(join(root, "etc"));
    writeFileSync(join(root, "etc/group"), `root:x:0:\nDebian-exim:x:${EXIM}:\n`);
    const spool = join(root, "var/spool/exim4");
    cpSync(join(FIXTURES, "queue", "default"), spool, { recursive: true });
    const doctor = (): { readonly verdict: string; readonly message: string; readonly hint?: string } | undefined => {
      const command = ["doctor", "--json", "--db", join(root, "none.db")];
      const [printed] = runAllAs(READER, [command], { systemRoot: root });
      const { findings } = JSON.parse(printed?.stdout ?? "") as {
        findings: { check: string; verdict: string; message: string }[];
      };
      return findings.find(({ check }) => check === "spool");
    };
    setRights(spool, EXIM, 0o750, 0o640);
    expect(doctor()).toEqual({
      check: "spool",
      verdict: "advice",
      message: `The spool cannot be read: ${spool} is open to group Debian-exim only.`,
      hint: expect.stringContaining("`SupplementaryGroups=Debian-exim`"),
    });
    chmodSync(spool, 0o755);
    expect(doctor()?.message).toBe(
      `The spool cannot be read: ${join(spool, "input")} is open to group Debian-exim only.`,
    );
    chmodSync(join(spool, "input"), 0o700);
    expect(doctor()).toMatchObject({
      message: expect.stringMatching(/only its owner/),
      hint: expect.stringMatching(/not even/),
    });
    setRights(spool, EXIM, 0o755, 0o640);
    expect(doctor()?.message).toMatch(/^The spool cannot be read: \S+-H is open to group Debian-exim only\.$/);
    setRights(spool, EXIM, 0o755, 0o600);
    expect(doctor()?.message).toMatch(/^The spool cannot be read: only its owner may read \S+-H\.$/);
    setRights(spool, GROUP, 0o750, 0o640);
    expect(doctor()).toMatchObject({ verdict: "ok" });
  });
});

describe.skipIf(noOthers !== undefined)("a member of Exim's group", () => {
  test("reads the queue, and content", () => {
    const spool = makeSpool(GROUP);
    const database = ["--db", join(ownFolder(), "mail.db")];
    expect(runAs(READER, ["queue", "--spool", spool, "--count"])).toMatchObject({
      status: 0,
      stdout: "11\n",
      stderr: "",
    });
    const content = runAs(READER, ["content", ID, "--spool", spool, "--text", ...database]);
    expect(content).toMatchObject({ status: 0, stdout: "Text\n  This is lab message L00941.\n" });
  });

  test("who may not enter a named queue is told that its messages are missing, and nothing proves that they have gone", () => {
    const spool = makeSpool(GROUP);
    const db = join(ownFolder(), "mail.db");
    const look = (at: string) =>
      runAs(READER, ["queue", "snapshot", "--spool", spool, "--server", "mx1", "--db", db, "--at", at]);
    expect(look("2026-03-10T17:27:40Z")).toMatchObject({ status: 0, stderr: "" });
    const closed = join(spool, "bulk");
    for (const directory of [join(closed, "input"), closed]) {
      chmodSync(directory, 0o700);
      const said = `"${join(closed, "input")}" cannot be listed: its messages are missing here.\n`;
      const [all, named, page, json] = runAllAs(READER, [
        ["queue", "--spool", spool, "-G", "*", "--count"],
        ["queue", "--spool", spool, "-G", "bulk"],
        ["queue", "--spool", spool],
        ["queue", "--spool", spool, "--json"],
      ]);
      expect(all).toEqual({ status: 0, stdout: "11\n", stderr: said });
      expectRefusal(named ?? { status: 0, stderr: "" });
      expect(page?.stdout).toContain("Not shown: queue bulk");
      expect(JSON.parse(json?.stdout ?? "").otherQueues).toEqual(["bulk"]);
      const later = look(directory === closed ? "2026-03-10T17:37:40Z" : "2026-03-10T17:32:40Z");
      expect(later).toMatchObject({ status: 3, stderr: said });
      expect(later.stdout).toContain("(queue bulk): 0 messages (0 frozen), 0 new, which ones are gone is not known");
      const open = queryAll(db, "SELECT message_id FROM queue_messages WHERE queue_name = 'bulk' AND gone_at IS NULL");
      expect(open).toHaveLength(1);
    }
    setRights(spool, GROUP, 0o750, 0o640);
    expect(look("2026-03-10T17:42:40Z")).toMatchObject({ status: 0, stderr: "" });
  });
});

/** Calls by which a program changes files, locks them or starts another. */
const CALLS =
  "open,openat,openat2,creat,flock,fcntl,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat,truncate,ftruncate,fallocate,chmod,fchmod,fchmodat,chown,fchown,fchownat,utimensat,write,pwrite64,writev,pwritev,pwritev2,execve,execveat";

describe.runIf(hasStrace())("a spool", () => {
  test("is read and nothing else: no file changes, none is locked, and no program but this one is run", async () => {
    const folder = temporaryFolder();
    const [spool, db] = [join(folder, "spool"), join(folder, "mail.db")];
    cpSync(join(FIXTURES, "queue", "default"), spool, { recursive: true });
    mkdirSync(join(spool, "db"));
    writeFileSync(join(spool, "db", "retry"), readFileSync(join(FIXTURES, "queue", "hints", "retry")));
    const before = stateOf(spool);
    const commands = [
      ["queue", "--spool", spool, "-G", "*", "--json"],
      ["queue", "--spool", spool, "$h_subject =~ /x/", "--or", "$message_body =~ /x/", "--sort", "$message_age"],
      ["queue", "snapshot", "--spool", spool, "--server", "mx1", "--content", "preview", "--db", db],
      ["queue", "next", ID, "--spool", spool, "--db", db],
      ["queue", "reconcile", "--spool", spool, "--db", db],
      ["content", ID, "--spool", spool, "--db", db],
    ];
    for (const argv of commands) {
      const trace = join(folder, "trace");
      const flags = ["-f", "-y", "-qq", "-s", "4096", "-e", "signal=none", "-e", `trace=${CALLS}`, "-o", trace];
      const env = { ...process.env, UV_USE_IO_URING: "0", EXIM_PILOT_CONFIG: "" };
      const { status } = spawnSync("strace", [...flags, "--", process.execPath, PROGRAM, ...argv], {
        env,
        encoding: "utf8",
      });
      expect([0, 1]).toContain(status);
      const calls = readFileSync(trace, "latin1").split("\n");
      const ofSpool = calls.filter((call) => call.includes(spool) && !/execve\(|<\.\.\. \w+ resumed>/.test(call));
      expect(ofSpool.length, argv.join(" ")).toBeGreaterThan(2);
      const harmful = ofSpool.filter((call) => !isReading(call) && !isOwnOutput(call, spool));
      expect(harmful, argv.join(" ")).toEqual([]);
      const programs = calls.flatMap((call) => /execve(?:at)?\((?:AT_FDCWD[^,]*, )?"([^"]*)"/.exec(call)?.[1] ?? []);
      expect(programs.length).toBeGreaterThan(0);
      expect(programs.filter((program) => program !== process.execPath)).toEqual([]);
      // A queue is read without any other process at all.
      if (argv[0] === "queue" && argv[1] === "--spool") expect(programs).toHaveLength(1);
    }
    expect(stateOf(spool)).toEqual(before);
    expect((await runCli(["verify", "--db", db])).status).toBe(0);
  });
});

/** True for an opening to read, and for questions about a descriptor. */
function isReading(call: string): boolean {
  const opened = /\bopenat?2?\(.*?, ([A-Z_|]+(?:0x[0-9a-f]+)?)/.exec(call)?.[1];
  if (opened !== undefined) return opened.includes("O_RDONLY") && !/O_(?:CREAT|TRUNC|WRONLY|RDWR|TMPFILE)/.test(opened);
  return /\bfcntl\(/.test(call) && !/F_(?:OFD_)?SETLKW?|F_SETLEASE/.test(call);
}

/** True for a write that names the spool in what is printed, not where it goes. */
function isOwnOutput(call: string, spool: string): boolean {
  const target = /\bp?writev?(?:64|2)?\(\d+<([^>]*)>/.exec(call)?.[1];
  return target !== undefined && !target.startsWith(spool);
}

/** Names, sizes, rights and times of all that is in a spool. */
function stateOf(spool: string): readonly (readonly [string, number, number, number])[] {
  return (readdirSync(spool, { recursive: true }) as string[]).sort().map((name) => {
    const { size, mode, mtimeMs } = statSync(join(spool, name));
    return [name, size, mode, mtimeMs];
  });
}
