/** Content of queued messages cannot control a terminal, and `--redact` hides all of it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { FIXTURES, temporaryFolder } from "../support/database.ts";
import { trimmedSpool } from "./snapshots.ts";

const ID = "1vx1hi-0005yl-09";
const EVIL = "abc\u001b[2J\u0007\u009b31m\u202e\u200babc";
// biome-ignore lint/suspicious/noControlCharactersInRegex: those that must not come through.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e\u200b]/;

function evilSpool(): string {
  const spool = join(temporaryFolder(), "spool");
  mkdirSync(join(spool, "input"), { recursive: true });
  mkdirSync(join(spool, "evil\u001b[31m", "input"), { recursive: true });
  const subject = `Subject: ${EVIL}\n`;
  const header = [
    `${ID}-H`,
    `${EVIL} 1 1`,
    `<${EVIL}@evil.example>`,
    "1772451890 0",
    "-sender_set_untrusted",
    `--helo_name ${EVIL}`,
    `NN ${EVIL}@other.example`,
    "1",
    `${EVIL}@x.example`,
    "",
    `${String(Buffer.byteLength(subject)).padStart(3, "0")}  ${subject}`,
  ].join("\n");
  for (const folder of ["input", join("evil\u001b[31m", "input")])
    writeFileSync(join(spool, folder, `${ID}-H`), header);
  writeFileSync(join(spool, "input", "1vx1hi-0005yl-0A-H"), `1vx1hi-0005yl-0A-H\nx 1 1\n<a@b>\n1 0\n-frozen ${EVIL}\n`);
  return spool;
}

describe("on a terminal", () => {
  const FORMS = [
    [],
    ["--format", "mailq", "--recipients", "generated", "--show-vars", "$h_subject,$sender_helo_name"],
    ["-b"],
    ["--csv"],
    ["--ndjson"],
    ["--json"],
    ["--format", "summary", "--split", "senders"],
    ["-G", "*"],
  ];

  test.each(FORMS)("%s %s", async (...flags) => {
    const { stdout, stderr } = await runCli(["queue", "--spool", evilSpool(), "--no-pager", ...flags], {
      isTTY: true,
      env: { NO_COLOR: "1" },
    });
    expect(stdout).toContain(flags.includes("summary") ? "x.example" : "abc");
    expect(`${stdout}${stderr}`.replaceAll("\r\n", "\n")).not.toMatch(UNSAFE);
  });
});

test("--redact leaves no address, host or subject of a real spool in any form", async () => {
  const { directory } = trimmedSpool("default");
  const input = join(directory, "input");
  const secrets = new Set<string>();
  for (const file of readdirSync(input).filter((name) => name.endsWith("-H"))) {
    const text = readFileSync(join(input, file), "utf8");
    for (const [address] of text.matchAll(/[\w.]+@[\w.-]+/g)) secrets.add(address);
  }
  expect(secrets.size).toBeGreaterThan(15);
  const hints = join(FIXTURES, "queue", "hints", "retry");
  const forms = [
    ["queue"],
    ["queue", "--format", "mailq", "--show-vars", "$sender_address,$recipients"],
    ["queue", "-b"],
    ["queue", "--json", "--show-vars", "$sender_address"],
    ["queue", "--ndjson"],
    ["queue", "--csv"],
    ["queue", "--format", "summary", "--split", "senders"],
    ["queue", "next", "1vzzej-000A9F-1C", "--hints", hints, "--db", "none.db"],
    ["queue", "next", "1vzzej-000A9F-1C", "--hints", hints, "--db", "none.db", "--json"],
  ];
  for (const form of forms) {
    const { stdout } = await runCli([...form, "--spool", directory, "--redact"]);
    expect(stdout.length, form.join(" ")).toBeGreaterThan(100);
    const domains = ["rules.example", "partner.example", "sender1.example"];
    const leaks = [...secrets, ...domains].filter((secret) => stdout.includes(secret));
    expect(leaks, form.join(" ")).toEqual([]);
  }
});
