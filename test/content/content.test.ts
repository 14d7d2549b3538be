/** `content` from a spool, a file and what was kept, through the process that reads it. */
import { createHash } from "node:crypto";
import { cpSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { expectFailure, runCli } from "../support/cli.ts";
import { FIXTURES, ingestInto, temporaryFolder } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

const MESSAGE = join(FIXTURES, "content", "invoice.eml");
const ID = "1vzOI8-0009wa-1t";
const AT = ["--at", "2026-03-10T17:27:40Z"];

function spoolCopy(): string {
  const spool = join(temporaryFolder(), "spool");
  cpSync(join(FIXTURES, "queue", "default"), spool, { recursive: true });
  return spool;
}

/** A message of the spool with this body, under another id. */
function addMessage(spool: string, id: string, body: string | Buffer): void {
  const input = join(spool, "input");
  const header = readFileSync(join(input, `${ID}-H`), "latin1").replace(`${ID}-H`, `${id}-H`);
  writeFileSync(join(input, `${id}-H`), header, "latin1");
  writeFileSync(join(input, `${id}-D`), Buffer.concat([Buffer.from(`${id}-D\n`), Buffer.from(body)]));
}

test("what was kept of a message is shown when it has left the queue, and goes by its own span", async () => {
  const [db, spool] = [join(temporaryFolder(), "pilot.db"), spoolCopy()];
  const snapshot = ["queue", "snapshot", "--db", db, "--spool", spool, "--server", "mx1"];
  const headersOnly = await runCli([...snapshot, ...AT, "--content", "headers", "--json"]);
  expect(JSON.parse(headersOnly.stdout)).toMatchObject({ contents: 12 });
  const limited = queryAll(
    db,
    "SELECT count(*) AS n FROM message_content WHERE text_content IS NULL AND preview_limited",
  );
  expect(limited).toEqual([{ n: 12 }]);
  const later = await runCli([...snapshot, "--at", "2026-03-10T17:32:40Z", "--content", "preview", "--json"]);
  expect(JSON.parse(later.stdout)).toMatchObject({ contents: 12 });
  const again = await runCli([...snapshot, "--at", "2026-03-10T17:37:40Z", "--content", "preview", "--json"]);
  expect(JSON.parse(again.stdout)).toMatchObject({ contents: 0 });
  const now = JSON.parse((await runCli(["content", ID, "--db", db, "--spool", spool, "--json"])).stdout);
  rmSync(join(spool, "input", `${ID}-H`));
  const kept = JSON.parse((await runCli(["content", ID, "--db", db, "--spool", spool, "--json"])).stdout);
  expect(kept).toEqual({ ...now, origin: "kept", server: "mx1", capturedAt: expect.any(String) });
  const status = JSON.parse((await runCli(["prune", "--db", db, "--status", "--json"])).stdout);
  expect(status.classes.find(({ name }: { name: string }) => name === "content")).toMatchObject({
    total: 12,
    expired: 0,
  });
});

test("a message that cannot be shown has left the queue, waits elsewhere or is not known, and each is said", async () => {
  const db = join(temporaryFolder(), "pilot.db");
  const [left, waits, unknown] = ["1vwwZV-0005VB-1y", "1vwwZW-0005VC-1z", "1vwwZX-0005VD-1A"];
  const lines = [
    `2026-03-02 06:15:00 ${left} <= a@x.example U=app P=local S=300`,
    `2026-03-02 06:15:01 ${left} => b@y.example R=r T=t H=mx.y.example [203.0.113.5]`,
    `2026-03-02 06:15:01 ${left} Completed`,
    `2026-03-02 06:15:02 ${waits} <= a@x.example U=app P=local S=300`,
    `2026-03-02 06:15:03 ${waits} == c@z.example R=r T=t defer (-44): 450 later`,
  ];
  const log = join(temporaryFolder(), "mainlog");
  writeFileSync(log, lines.map((line) => `${line}\n`).join(""));
  await ingestInto(db, [log]);
  const spool = spoolCopy();
  const show = (id: string, ...more: readonly string[]) =>
    runCli(["content", id, "--db", db, "--spool", spool, ...more]);
  expectFailure(await show(left), { status: 1, says: /is not on the queue any more, and nothing of it was kept/ });
  expectFailure(await show(waits), {
    status: 1,
    says: /The log has 1vwwZW-\S+ on the queue, but it is not in the spool/,
  });
  expectFailure(await show(unknown), {
    status: 1,
    says: /is not known: it is not in the spool .+ no log that was read has it/,
  });
  expectFailure(await show(left, "--server", "other"), { status: 1, says: /is not known/ });
  const elsewhere = ["content", unknown, "--db", join(temporaryFolder(), "none.db"), "--spool", spool];
  expectFailure(await runCli(elsewhere), { status: 1, says: /is not known/ });
});

test("a look is recorded before anything is shown, with its reason, and refused where it cannot be recorded", async () => {
  const db = join(temporaryFolder(), "pilot.db");
  await runCli(["queue", "snapshot", "--db", db, "--spool", spoolCopy(), "--server", "mx1", ...AT]);
  await runCli(["content", "--file", MESSAGE, "--db", db, "--reason", "ticket 4711"]);
  const records = queryAll<{ action: string; result: string; parameters: string }>(
    db,
    "SELECT action, result, parameters FROM audit_log WHERE action = 'content' ORDER BY id",
  );
  expect(records.map(({ result }) => result)).toEqual(["started", "done"]);
  for (const { parameters } of records) expect(JSON.parse(parameters)).toMatchObject({ reason: "ticket 4711" });
});

test("attachments are saved byte for byte, privately and to a new file only", async () => {
  const folder = temporaryFolder();
  const output = join(folder, "invoice.exe");
  const db = join(folder, "pilot.db");
  const save = ["content", "--file", MESSAGE, "--db", db, "--save", "2", "--output", output];
  const { status, stdout } = await runCli(save);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  expect(readFileSync(output).toString("latin1")).toBe("MZ\x90\0not a program");
  expect(statSync(output).mode & 0o777).toBe(0o600);
  expect((await runCli(save)).status).toBe(3);
  const json = JSON.parse((await runCli(["content", "--file", MESSAGE, "--db", db, "--json"])).stdout);
  expect(json.attachments[1].sha256).toBe(createHash("sha256").update(readFileSync(output)).digest("hex"));
});

test("what is damaged, missing or no file of the message ends in a sentence, and stops no snapshot", async () => {
  const [db, spool] = [join(temporaryFolder(), "pilot.db"), spoolCopy()];
  const [cut, lone, other] = ["1vzOI8-0009wa-20", "1vzOI8-0009wa-21", "1vzOI8-0009wa-22"];
  for (const id of [cut, lone, other]) addMessage(spool, id, "Hello\n");
  writeFileSync(join(spool, "input", `${cut}-H`), `${cut}-H\nroot 0`);
  rmSync(join(spool, "input", `${lone}-D`));
  writeFileSync(join(spool, "input", `${other}-D`), "something else\n");
  const { status, stdout } = await runCli([
    ...["queue", "snapshot", "--db", db, "--spool", spool, "--server", "mx1", ...AT, "--content", "preview", "--json"],
  ]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ contents: 14 });
  expectFailure(await runCli(["content", cut, "--db", db, "--spool", spool]), { status: 3, says: /cannot be read/ });
  for (const id of [lone, other]) {
    const shown = JSON.parse((await runCli(["content", id, "--db", db, "--spool", spool, "--json"])).stdout);
    expect(shown).toMatchObject({ text: null, attachments: [] });
  }
});

test("nothing of a message takes control of a terminal", async () => {
  const spool = spoolCopy();
  addMessage(spool, "1vzOI8-0009wa-20", "a\x1b]0;title\x07\x1b[2Jb\r\nc\u202Ed\x9b31m\n");
  const { stdout } = await runCli([
    "content",
    "1vzOI8-0009wa-20",
    "--db",
    join(temporaryFolder(), "x.db"),
    "--spool",
    spool,
  ]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there.
  expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
});

describe("of a message that was refused after its data", () => {
  const REFUSED = "1vx2zI-00064i-2R";
  const [main, reject] = ["mainlog", "rejectlog"].map((name) => join(FIXTURES, "corpus", "default", name)) as [
    string,
    string,
  ];

  test.each([
    ["the reject log alone", [reject]],
    ["both logs", [main, reject]],
    ["both logs, the other way round", [reject, main]],
  ])("the headers are shown from %s", async (_what, logs) => {
    const db = join(temporaryFolder(), "pilot.db");
    await ingestInto(db, logs, { timeZone: "UTC" });
    const { status, stdout } = await runCli(["content", REFUSED, "--db", db, "--json"]);
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      id: REFUSED,
      origin: "reject_log",
      server: "mx1",
      capturedAt: "2026-03-02T13:07:04.000Z",
      text: null,
      attachments: [],
      contentSafe: false,
      previewLimited: true,
      sizeBytes: null,
      sha256: null,
    });
    const headers = report.headers.map(({ name, value }: { name: string; value: string }) => `${name}: ${value}`);
    expect(headers).toHaveLength(7);
    expect(headers[0]).toMatch(/^Received: from cut-client\.partner\.example .* for bad@cut\.example\.net;/);
    expect(headers).toContain("Subject: remote cutthrough-data-refused");
    const records = queryAll<{ result: string }>(
      db,
      "SELECT result FROM audit_log WHERE action = 'content' ORDER BY id",
    );
    expect(records.map(({ result }) => result)).toEqual(["started", "done"]);
  });

  test("the page names the reject log, hides what it must, and has no attachment to save", async () => {
    const db = join(temporaryFolder(), "pilot.db");
    await ingestInto(db, [reject], { timeZone: "UTC" });
    const ask = (...flags: string[]) => runCli(["content", REFUSED, "--db", db, ...flags]);
    expect((await ask()).stdout).toMatch(/^1vx2zI-00064i-2R {2}from the reject log of mx1 at .*, headers only\n/);
    expect((await ask("--text")).stdout).toContain("None was read.");
    const { stdout: hidden } = await ask("--redact");
    expect(hidden).toContain("Only the headers are known");
    expect(hidden).not.toMatch(/partner|cutthrough/);
    const output = join(temporaryFolder(), "x");
    expectFailure(await ask("--save", "1", "--output", output), { status: 1, says: /reject log has the headers/ });
    // A refusal before the data has no headers, and a message that was delivered is in no reject log.
    const delivered = /^\S+ \S+ (\S+) Completed/m.exec(readFileSync(main, "latin1"))?.[1] ?? "";
    expectFailure(await runCli(["content", delivered, "--db", db]), { status: 1, says: /no log that was read has it/ });
  });
});
