/** `trace --follow`: each line of a message as it is stored, until the message has ended. */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { expectFailure, runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";

const ID = "1vwwZU-0005V4-1s";
const ARRIVAL = `2026-03-02 06:16:00 ${ID} <= bob@example.org U=bob P=local S=430 for alice@example.net kim@example.net\n`;
const DELIVERY = `2026-03-02 06:16:01 ${ID} => alice@example.net R=out T=smtp H=mx.example.net [203.0.113.5]\n`;
const FAILURE = `2026-03-02 06:16:02 ${ID} ** kim@example.net R=out T=smtp H=mx.example.net [203.0.113.5]: 550 no such user\n`;
const COMPLETED = `2026-03-02 06:16:03 ${ID} Completed\n`;
const MOST_MS = 30_000;

/** A database of a growing log, and the program that follows the message in it. */
async function following(first: string, ...flags: string[]) {
  const folder = temporaryFolder();
  const [db, log] = [join(folder, "pilot.db"), join(folder, "mainlog")];
  writeFileSync(log, first);
  await ingestInto(db, [log]);
  let printed = "";
  const stdout = { write: (text: string | Uint8Array) => (printed += text) };
  const controller = new AbortController();
  const run = runCli(["trace", ID, "--follow", ...flags, "--db", db], { stdout, signal: controller.signal });
  const until = async (form: RegExp): Promise<void> => {
    for (let waitedMs = 0; !form.test(printed); waitedMs += 50) {
      if (waitedMs > MOST_MS) throw new Error(`It does not come to ${form}: ${printed}`);
      await pause(50);
    }
  };
  const add = async (text: string): Promise<void> => {
    appendFileSync(log, text);
    await ingestInto(db, [log]);
  };
  return { run, until, add, printed: () => printed, controller };
}

describe("trace --follow", () => {
  test("prints the page, each new line once, and the verdict at the end", async () => {
    const { run, until, add, printed } = await following(ARRIVAL);
    await until(/Timeline/);
    await add(DELIVERY);
    await until(/=> {2}delivered to alice@example\.net/);
    await add(FAILURE + COMPLETED);
    expect((await run).status).toBe(0);
    const [, added = ""] = printed().split(/received from.*\n/);
    expect(added).toBe(
      `2026-03-02 06:16:01  =>  delivered to alice@example.net by mx.example.net [203.0.113.5] (out, smtp)
2026-03-02 06:16:02  **  kim@example.net failed at mx.example.net [203.0.113.5] (out, smtp): 550 no such user
2026-03-02 06:16:03      Completed

Delivered to 1 of 2 recipients; bounced for kim@example.net: 550 no such user.
`,
    );
  }, 60_000);

  test("ends at once where the message has ended", async () => {
    const { run, printed } = await following(ARRIVAL + DELIVERY + FAILURE + COMPLETED);
    expect((await run).status).toBe(0);
    expect(printed().match(/Completed\n/g)).toHaveLength(1);
  });

  test("with --json prints one answer, when the message has ended", async () => {
    const { run, add, printed } = await following(ARRIVAL, "--json");
    await add(DELIVERY + FAILURE + COMPLETED);
    expect((await run).status).toBe(0);
    expect(JSON.parse(printed())).toMatchObject({ kind: "trace", messages: [{ message: { status: "partial" } }] });
  }, 60_000);

  test("with --redact and --raw shows no name", async () => {
    const { run, until, add, printed } = await following(ARRIVAL, "--redact", "--raw");
    await until(/user1/);
    await add(DELIVERY + FAILURE + COMPLETED);
    await run;
    expect(printed()).toContain("\n2026-03-02 06:16:02 ");
    expect(printed()).not.toMatch(/alice|kim|203\.0\.113|1vwwZU/);
  }, 60_000);

  test("waits for an id that is not there yet, and for no address", async () => {
    const other = ARRIVAL.replaceAll(ID, "1vwwZU-0005V4-2B");
    const { run, until, add } = await following(other);
    await pause(100);
    await add(ARRIVAL);
    await until(/Timeline/);
    await add(DELIVERY + FAILURE + COMPLETED);
    expect(await run).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^note: .* Waiting for it; Ctrl-C ends this\.\n$/),
    });
    const db = join(temporaryFolder(), "pilot.db");
    await ingestInto(db, [await logOf(other)]);
    const refused = await runCli(["trace", "nobody@example.com", "--follow", "--db", db]);
    expect(refused.status).toBe(1);
  }, 60_000);

  test("ends when it is told to", async () => {
    const { run, until, controller } = await following(ARRIVAL);
    await until(/Timeline/);
    controller.abort();
    expect((await run).status).toBe(130);
  });

  test("follows one message alone, and no tree", async () => {
    const db = join(temporaryFolder(), "pilot.db");
    await ingestInto(db, [await logOf(ARRIVAL + ARRIVAL.replaceAll(ID, "1vwwZU-0005V4-2B"))]);
    const several = await runCli(["trace", "bob@example.org", "--follow", "--db", db]);
    expectFailure(several, { status: 2, says: "Several messages match" });
    expect((await runCli(["trace", ID, "--follow", "--chain", "--db", db])).status).toBe(2);
  });
});

async function logOf(text: string): Promise<string> {
  const log = join(temporaryFolder(), "mainlog");
  writeFileSync(log, text);
  return log;
}
