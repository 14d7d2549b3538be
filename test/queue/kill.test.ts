/**
 * Looks at a spool that are killed at any instant, while they keep what is in the messages too: a look is there as a whole or not at all, each
 * content with all of its attachments, and the next run ends where one that nobody disturbed does. EXIM_PILOT_TORTURE=200 kills 200 times.
 */
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startProgram } from "../support/child.ts";
import { runCli } from "../support/cli.ts";
import { FIXTURES } from "../support/database.ts";
import { killAgainAndAgain } from "../support/kills.ts";
import { queryAll } from "../support/views.ts";

const KILLS = Number(process.env["EXIM_PILOT_TORTURE"] ?? 12);
const MESSAGE = "1vzOI8-0009wa-1t";
/** More than are written in one transaction, several times. */
const MORE_MESSAGES = 180;
const [BEFORE, AFTER] = ["2026-03-10T17:27:40Z", "2026-03-10T17:32:40Z"];

vi.setConfig({ testTimeout: 120_000 + KILLS * 15_000, hookTimeout: 60_000 });

let folder: string;
let spool: string;
/** Database of the look before. */
let base: string;
let messages: number;
let expected: Kept;

interface Kept {
  readonly looks: readonly string[];
  readonly stays: readonly string[];
  readonly contents: readonly string[];
}

function look(database: string, at: string, content: string): readonly string[] {
  return ["queue", "snapshot", "--spool", spool, "--server", "mx1", "--at", at, "--content", content, "--db", database];
}

/** Content of a database but for the moments at which runs kept it. */
function keptIn(database: string): Kept {
  const rows = (columns: string, from: string): readonly string[] =>
    queryAll<object>(database, `SELECT ${columns} FROM ${from}`).map((row) => JSON.stringify(row));
  return {
    looks: rows(
      "timestamp, total_messages, recipients, bytes, came, went, complete, domains",
      "queue_snapshots ORDER BY at_ms",
    ),
    stays: rows(
      "message_id, queue_name, first_seen, last_seen, gone_at, sender, size",
      "queue_messages ORDER BY message_id, queue_name",
    ),
    contents: rows(
      "message_id, headers, text_content, attachments, sha256, findings",
      "message_content ORDER BY message_id",
    ),
  };
}

/** A message with an attachment, under another id. */
function addMessage(id: string): void {
  const input = join(spool, "input");
  const header = readFileSync(join(input, `${MESSAGE}-H`), "latin1").replace(`${MESSAGE}-H`, `${id}-H`);
  const type = 'Content-Type: multipart/mixed; boundary="b"\n';
  const length = String(Buffer.byteLength(type)).padStart(3, "0");
  writeFileSync(join(input, `${id}-H`), `${header}${length}  ${type}`, "latin1");
  const body = `--b\n\nText of ${id}\n--b\nContent-Type: text/plain; name=a.txt\nContent-Disposition: attachment\n\n${id}\n--b--\n`;
  writeFileSync(join(input, `${id}-D`), `${id}-D\n${body}`);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
  [spool, base] = [join(folder, "spool"), join(folder, "base.db")];
  cpSync(join(FIXTURES, "queue", "default"), spool, { recursive: true });
  expect((await runCli(look(base, BEFORE, "headers"))).status).toBe(0);
  for (let index = 0; index < MORE_MESSAGES; index++) addMessage(`1vzOI9-${String(index).padStart(6, "0")}-1t`);
  const undisturbed = join(folder, "undisturbed.db");
  copyFileSync(base, undisturbed);
  expect(await startProgram(look(undisturbed, AFTER, "preview")).ended).toMatchObject({ status: 0, stderr: "" });
  expected = keptIn(undisturbed);
  messages = readdirSync(spool, { recursive: true }).filter((name) => String(name).endsWith("-H")).length;
  expect(expected.contents).toHaveLength(messages);
  expect(expected.looks).toHaveLength(4);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test(`a look that is killed ${KILLS} times is whole or not there, and the next one completes it`, async () => {
  const before = keptIn(base);
  const wholeContents = new Set([...before.contents, ...expected.contents]);
  const ends = { nothing: 0, look: 0, "look and contents": 0, all: 0 };
  let run = 0;
  await killAgainAndAgain(KILLS, {
    prepare: () => {
      const database = join(folder, `${++run}.db`);
      copyFileSync(base, database);
      return database;
    },
    argv: (database) => look(database, AFTER, "preview"),
    check: async (database) => {
      const kept = keptIn(database);
      const hasLook = kept.looks.length === expected.looks.length;
      expect(kept.looks).toEqual((hasLook ? expected : before).looks);
      expect(kept.stays).toEqual((hasLook ? expected : before).stays);
      expect(kept.contents.filter((content) => !wholeContents.has(content))).toEqual([]);
      expect(kept.contents.length).toBeGreaterThanOrEqual(before.contents.length);
      if (!hasLook) expect(kept.contents).toEqual(before.contents);
      const isAll = kept.contents.length === messages;
      const isSome = isAll || kept.contents.length > before.contents.length;
      ends[!hasLook ? "nothing" : isAll ? "all" : isSome ? "look and contents" : "look"]++;
      const verified = await runCli(["verify", "--deep", "--db", database]);
      expect(verified.status, verified.stdout).toBe(0);
      const { status, stderr } = await runCli(look(database, AFTER, "preview"));
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(keptIn(database)).toEqual(expected);
    },
  });
  if (KILLS >= 100) console.info(`Ends of the killed looks: ${JSON.stringify(ends)}.`);
  expect(ends.nothing + ends.look + ends["look and contents"]).toBeGreaterThan(0);
});
