/** Checkpoints in another thread; the two sides talk through a channel of one process. */
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { Checkpoints, serveCheckpoints } from "../../src/store/write/checkpoints.ts";
import type { Thread } from "../../src/threads.ts";
import { temporaryFolder, withWriter } from "../support/database.ts";

test("what is committed is in the database file, and what follows it comes with the next request", async () => {
  const path = join(temporaryFolder(), "mail.db");
  await withWriter(path, async (writer) => {
    const checkpoints = new Checkpoints(writer, channelThread);
    for (const text of ["one", "two", "three"]) {
      writer.write((transactor) => transactor.string(text));
      checkpoints.request();
      await until(() => textsInFile(path).includes(text));
    }
    await checkpoints.close();
    expect(textsInFile(path)).toEqual(["one", "two", "three"]);
  });
});

test("the thread is asked once at a time, and for a database that cannot be opened the error is thrown", async () => {
  const { thread, sent, emit } = fakeThread();
  const left: boolean[] = [];
  const checkpoints = new Checkpoints(
    { path: "mail.db", leaveCheckpoints: (toAnother) => left.push(toAnother) },
    () => thread,
  );
  checkpoints.request();
  checkpoints.request();
  expect(sent).toEqual([{ kind: "open", path: "mail.db" }, { kind: "checkpoint" }]);
  emit("message", "done");
  checkpoints.request();
  expect(sent).toHaveLength(3);
  emit("error", new Error("It cannot be opened."));
  expect(() => checkpoints.request()).toThrow("It cannot be opened.");
  await checkpoints.close();
  expect(left).toEqual([true, false]);
});

test("a checkpoint that fails ends nothing, for the writer meets the failure, too", async () => {
  const path = join(temporaryFolder(), "mail.db");
  writeFileSync(path, "This is no database. ".repeat(1000));
  const thread = channelThread();
  let answers = 0;
  thread.on("message", () => answers++);
  thread.postMessage({ kind: "open", path });
  for (const count of [1, 2]) {
    thread.postMessage({ kind: "checkpoint" });
    await until(() => answers === count);
  }
  await thread.terminate();
});

function channelThread(): Thread {
  const { port1, port2 } = new MessageChannel();
  serveCheckpoints(port1);
  return {
    postMessage: (message) => port2.postMessage(message),
    on: (event, listener) => port2.on(event, listener),
    terminate: async () => port2.close(),
  };
}

function fakeThread() {
  const sent: unknown[] = [];
  const listeners = new Map<string, (value: unknown) => void>();
  const thread: Thread = {
    postMessage: (message) => sent.push(message),
    on: (event, listener) => listeners.set(event, listener),
    terminate: async () => {},
  };
  return { thread, sent, emit: (event: string, value: unknown) => listeners.get(event)?.(value) };
}

/** Texts in the file without the log beside it. */
function textsInFile(path: string): unknown[] {
  const copy = `${path}.copy`;
  copyFileSync(path, copy);
  const database = new Database(copy);
  try {
    database.pragma("journal_mode = DELETE");
    return database.prepare("SELECT text FROM strings ORDER BY id").pluck().all();
  } finally {
    database.close();
  }
}

async function until(isReached: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isReached(); waitedMs += 5) {
    if (waitedMs > 10_000) throw new Error("It is not reached in ten seconds.");
    await pause(5);
  }
}
