/** Snapshots of the queue add facts to a trace and to the problems of stats, each with its source. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { FIXTURES, temporaryFolder } from "../support/database.ts";

const ID = "1vyVaQ-0009Z1-0A";
const LOG = [
  "2026-03-05 18:00:01 Start queue run: pid=1",
  "2026-03-05 18:00:05 End queue run: pid=1",
  "2026-03-05 18:30:01 Start queue run: pid=2",
  "2026-03-05 18:30:05 End queue run: pid=2",
  "2026-03-05 19:00:01 Start queue run: pid=3",
  "2026-03-05 19:00:05 End queue run: pid=3",
  `2026-03-05 19:10:00 ${ID} <= app@partner.example H=app.example [192.0.2.9] P=esmtp S=500 for mar@rules.example`,
  `2026-03-05 19:10:01 ${ID} == mar@rules.example R=dnslookup T=remote_smtp defer (-44): SMTP error from remote mail server after RCPT TO:<mar@rules.example>: 450 4.2.0 stuck for mar`,
  "2026-03-06 23:00:01 Start queue run: pid=4",
  "2026-03-06 23:30:01 Start queue run: pid=5",
  "",
].join("\n");
const HEADER = [
  `${ID}-H`,
  "Debian-exim 101 101",
  "<app@partner.example>",
  `${Date.UTC(2026, 2, 5, 19, 10) / 1000} 0`,
  "-received_protocol esmtp",
  "XX",
  "1",
  "mar@rules.example",
  "",
  "020  Subject: waiting it\n",
].join("\n");

async function database(): Promise<{ db: string; spool: string }> {
  const folder = temporaryFolder();
  const [db, spool] = [join(folder, "pilot.db"), join(folder, "spool")];
  mkdirSync(join(spool, "input"), { recursive: true });
  mkdirSync(join(spool, "db"));
  cpSync(join(FIXTURES, "queue", "hints", "retry"), join(spool, "db", "retry"));
  writeFileSync(join(spool, "input", `${ID}-H`), HEADER);
  writeFileSync(join(spool, "input", `${ID}-D`), `${ID}-D\nHello\n`);
  await runCli(["ingest", "--quiet", "--db", db, "--server", "mx1", "--timezone", "UTC", "--log-type", "main", "-"], {
    stdin: LOG,
  });
  return { db, spool };
}

async function look(db: string, spool: string, at: string): Promise<void> {
  const { status, stderr } = await runCli(["queue", "snapshot", "--quiet", "--db", db, "--spool", spool, "--at", at]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
}

test("a trace tells when a look's retry records let Exim try again, and nothing without a look", async () => {
  const { db, spool } = await database();
  expect((await runCli(["trace", ID, "--db", db])).stdout).not.toContain("Next tries");
  await look(db, spool, "2026-03-06T23:45:00Z");
  const { stdout } = await runCli(["trace", ID, "--db", db]);
  expect(stdout.replace(/\s+/g, " ")).toContain(
    "Next tries mar@rules.example not before 2026-03-07 05:41:01, about 2026-03-07 06:00:01 by the queue runs in the log; the next failure bounces it [retry record of its address, seen 2026-03-06 23:45:00]",
  );
  const stats = await runCli(["stats", "problems", "--db", db, "--until", "2026-03-07T00:00:00Z"]);
  expect(stats.stdout.replace(/\s+/g, " ")).toContain(
    "The next time in Exim's retry records is 2026-03-07 05:41:01 (as seen at 2026-03-06 23:45:00).",
  );
});

test("a trace tells that a message has left, where only a look tells it", async () => {
  const { db, spool } = await database();
  await look(db, spool, "2026-03-06T23:45:00Z");
  rmSync(join(spool, "input", `${ID}-H`));
  await look(db, spool, "2026-03-06T23:50:00Z");
  const { stdout } = await runCli(["trace", ID, "--db", db]);
  expect(stdout.replace(/\s+/g, " ")).toContain(
    "Queue seen there until 2026-03-06 23:45:00, gone at 2026-03-06 23:50:00; the log does not tell how it left",
  );
  expect(stdout).not.toContain("Next tries");
});
