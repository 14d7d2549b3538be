/**
 * The memory that a spool and its messages may take, however large or strange they are: each command in a process of its own, measured by
 * GNU time with its children. They take minutes, and are tried with EXIM_PILOT_TORTURE alone.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { PROGRAM } from "../support/child.ts";
import { temporaryFolder } from "../support/database.ts";

const TIME = "/usr/bin/time";
const isTried = process.env["EXIM_PILOT_TORTURE"] !== undefined && existsSync(TIME);
const MIB_KIB = 1024;
/** KiB for a queue of 100,000 messages, of which 120 MB are strictly these, and for anything that a stranger may send. */
const [MOST_OF_QUEUE, MOST_OF_ANYTHING] = [117_187, 250 * MIB_KIB];
const MESSAGES = 100_000;

vi.setConfig({ testTimeout: 1_800_000 });

if (!isTried) test.skip(`memory was not measured: it needs EXIM_PILOT_TORTURE and ${TIME}`);

interface Measured {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Largest resident set of the process and of those that it started, in KiB. */
  readonly peak: number;
}

function measure(...argv: readonly string[]): Measured {
  const file = join(temporaryFolder(), "peak");
  const command = ["-f", "%M %U %S %e", "-o", file, process.execPath, PROGRAM, ...argv];
  const env = { PATH: process.env["PATH"], TZ: "UTC", NO_COLOR: "1", EXIM_PILOT_CONFIG: "" };
  const { status, stdout, stderr } = spawnSync(TIME, command, { encoding: "utf8", env, maxBuffer: 1024 ** 3 });
  const said = spawnSync("tail", ["-n", "1", file], { encoding: "utf8" }).stdout.trim().split(" ");
  const [peak, user, system, elapsed] = said.map(Number);
  console.info(
    `${argv.slice(0, 5).join(" ").slice(0, 100)}: ${Math.round((peak ?? 0) / MIB_KIB)} MiB, ${user} s + ${system} s of ${elapsed} s`,
  );
  return { status, stdout, stderr, peak: peak ?? Infinity };
}

/** A queue of messages that differ as those of a busy server do; returns the spool. */
function largeSpool(): string {
  const spool = join(temporaryFolder(), "spool");
  const input = join(spool, "input");
  mkdirSync(input, { recursive: true });
  for (let index = 0; index < MESSAGES; index++) {
    const id = `1v${index.toString(36).padStart(4, "0")}-${String(index % 1_000_000).padStart(6, "0")}-1t`;
    const subject = `Subject: message ${index} of many\n`;
    const header = [
      `${id}-H`,
      "Debian-exim 102 105",
      `<sender${index % 977}@shop${index % 53}.example>`,
      `${1_772_451_890 + index} 0`,
      "-received_time_usec .045502",
      `-helo_name host${index % 211}.example`,
      "-host_address [203.0.113.190]:45945",
      "-received_protocol esmtps",
      "-body_linecount 12",
      ...(index % 10 === 0 ? ["-frozen 1772455490"] : []),
      "XX",
      "1",
      `recipient${index}@domain${index % 3001}.example`,
      "",
      `${String(subject.length).padStart(3, "0")}  ${subject}`,
    ].join("\n");
    writeFileSync(join(input, `${id}-H`), header);
    writeFileSync(join(input, `${id}-D`), `${id}-D\nHello\n`);
  }
  return spool;
}

describe.runIf(isTried)(`a queue of ${MESSAGES} messages`, () => {
  test("takes no more than 120 MB, sorted and stored too", () => {
    const spool = largeSpool();
    const db = join(temporaryFolder(), "mail.db");
    const commands = [
      ["queue", "--spool", spool],
      ["queue", "--spool", spool, "--count"],
      ["queue", "--spool", spool, "--json"],
      ["queue", "--spool", spool, "--sort", "$message_size", "-b"],
      ["queue", "--spool", spool, "--sort", "$sender_address,$message_age", "--json"],
      ["queue", "snapshot", "--spool", spool, "--server", "mx1", "--db", db],
      ["queue", "snapshot", "--spool", spool, "--server", "mx1", "--db", db],
      ["queue", "reconcile", "--spool", spool, "--json", "--db", db],
    ];
    for (const argv of commands) {
      const { status, stderr, peak } = measure(...argv);
      expect({ argv, status, stderr }).toEqual({
        argv,
        status: argv[1] === "reconcile" ? expect.any(Number) : 0,
        stderr: "",
      });
      expect(peak, argv.join(" ")).toBeLessThan(MOST_OF_QUEUE);
    }
  });
});

const ID = "1vzOI8-0009wa-1t";

/** A message on the queue, its headers and body in pieces that may be long. */
function spoolWith(headers: Iterable<string>, body: Iterable<string>): string {
  const spool = join(temporaryFolder(), "spool");
  const input = join(spool, "input");
  mkdirSync(input, { recursive: true });
  const [header, data] = [join(input, `${ID}-H`), join(input, `${ID}-D`)];
  writeFileSync(header, `${ID}-H\nroot 0 0\n<a@x.example>\n1772451890 0\nXX\n1\nb@y.example\n\n`);
  for (const text of headers) appendFileSync(header, `${String(Buffer.byteLength(text)).padStart(3, "0")}  ${text}`);
  writeFileSync(data, `${ID}-D\n`);
  for (const piece of body) appendFileSync(data, piece);
  return spool;
}

const MULTIPART = 'Content-Type: multipart/mixed; boundary="b"\n';
const many = (count: number, piece: string): string[] =>
  Array.from({ length: 10 }, () => piece.repeat(Math.ceil(count / 10)));
const nested = (levels: number): string =>
  Array.from(
    { length: levels },
    (_, level) => `--b${level === 0 ? "" : level}\nContent-Type: multipart/mixed; boundary=b${level + 1}\n\n`,
  ).join("");

describe.runIf(isTried)("a message", () => {
  test.each<[string, () => [Iterable<string>, Iterable<string>]]>([
    ["of 100,000 parts", () => [[MULTIPART], many(100_000, "--b\n\nx\n")]],
    [
      "of 100,000 attachments",
      () => [[MULTIPART], many(100_000, "--b\nContent-Disposition: attachment; filename=a\n\nx\n")],
    ],
    ["of 3,000 levels", () => [[MULTIPART], [nested(3000)]]],
    ["with a header of 10 MB", () => [[`X-Long: ${"y".repeat(10_000_000)}\n`], ["body"]]],
    ["with a header of 10 MB in folds", () => [[`X-Long:${"\n y".repeat(3_000_000)}\n`], ["body"]]],
    ["with 200,000 header lines", () => [many(200_000, "X: y\n"), ["body"]]],
    ["with 99,999 headers", () => [Array.from({ length: 99_999 }, (_, index) => `X-${index}: y\n`), ["body"]]],
    [
      "with an attachment of 60 MB",
      () => [
        [MULTIPART],
        [
          "--b\nContent-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n",
          ...many(800_000, `${"QUJD".repeat(18)}QUI=\n`),
        ],
      ],
    ],
    ["with a text of 60 MB", () => [["Subject: x\n"], many(800_000, `${"word ".repeat(15)}\n`)]],
    ["with a text of 60 MB in other letters", () => [["Subject: x\n"], many(2_000_000, "größe des 文字\n")]],
    ["with a line of 60 MB", () => [["Subject: x\n"], many(60_000_000, "x")]],
    ["with HTML of 60 MB", () => [["Content-Type: text/html\n"], many(5_000_000, "<b><i>x</i>\n")]],
    ["with 1,000,000 nested tags", () => [["Content-Type: text/html\n"], many(1_000_000, "<b>")]],
    ["of a wrong charset", () => [['Content-Type: text/plain; charset="utf-7"\n'], many(1_000_000, "+AGE-\xe4")]],
  ])("%s takes no more than 250 MiB on the queue, shown or kept, and ends in a description", (_what, make) => {
    const spool = spoolWith(...make());
    const before = stateOf(spool);
    const db = join(temporaryFolder(), "mail.db");
    const commands = [
      ["queue", "--spool", spool, "--json"],
      ["queue", "--spool", spool, "--show-vars", "$message_headers,$message_body", "--json"],
      ["content", ID, "--spool", spool, "--json", "--db", db],
      ["queue", "snapshot", "--spool", spool, "--server", "mx1", "--content", "preview", "--db", db],
      ["content", ID, "--json", "--db", db, "--spool", emptySpool()],
    ];
    for (const argv of commands) {
      const { status, stdout, stderr, peak } = measure(...argv);
      expect(stderr).not.toMatch(/\n {4}at /);
      expect({ argv, status }).toEqual({ argv, status: 0 });
      if (argv[0] === "content") expect(JSON.parse(stdout).sizeBytes).toBeGreaterThan(100_000);
      expect(peak, argv.join(" ")).toBeLessThan(MOST_OF_ANYTHING);
    }
    expect(stateOf(spool)).toEqual(before);
  });
});

function emptySpool(): string {
  const spool = join(temporaryFolder(), "spool");
  mkdirSync(join(spool, "input"), { recursive: true });
  return spool;
}

/** Names, sizes and times of all that is in a spool. */
function stateOf(spool: string): readonly (readonly [string, number, number])[] {
  return (readdirSync(spool, { recursive: true }) as string[]).sort().map((name) => {
    const { size, mtimeMs } = statSync(join(spool, name));
    return [name, size, mtimeMs];
  });
}
