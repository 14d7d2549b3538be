import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openForWriting } from "../../src/store/database/connection.ts";
import { openWriter } from "../../src/store/store.ts";
import type { Transactor } from "../../src/store/write/transactor.ts";
import { Writer } from "../../src/store/write/writer.ts";
import { momentAt } from "../../src/units.ts";
import { NOW, storeSettings, temporaryFolder } from "../support/database.ts";
import { thrownBy } from "../support/pilot-error.ts";
import { queryAll } from "../support/views.ts";

const WAIT_MS = 200;

describe("a transaction", () => {
  test("gives back what its action returns, and stores what it wrote", () => {
    const { path, writer } = newStore();
    const id = writer.write((transactor) => transactor.string("smtp"));
    expect(stringsOf(path)).toEqual([{ id, text: "smtp" }]);
  });

  test("stores rows that are collected until its end", () => {
    const { path, writer } = newStore();
    writer.write((transactor) => addEntries(transactor, 100));
    expect(entryCount(path)).toBe(100);
  });

  test("is seen by others at its end, and not before", () => {
    const { path, writer } = newStore();
    writer.write((transactor) => {
      transactor.string("smtp");
      expect(stringsOf(path)).toEqual([]);
    });
    expect(stringsOf(path)).toHaveLength(1);
  });

  test("passes the error of its action on, as it is", () => {
    const { writer } = newStore();
    const error = new TypeError("a bug");
    expect(() => writer.write(() => fail(error))).toThrow(error);
  });

  test("gives a text the same id within and between transactions", () => {
    const { path, writer } = newStore();
    const ids = [1, 2].flatMap(() =>
      writer.write((transactor) => [transactor.string("smtp"), transactor.string("smtp")]),
    );
    expect(new Set(ids).size).toBe(1);
    expect(stringsOf(path)).toHaveLength(1);
  });
});

describe("a transaction that fails", () => {
  test("leaves nothing behind, neither rows nor rows still collected", () => {
    const { path, writer } = newStore();
    failTo(writer, (transactor) => {
      transactor.addServer("mx1", "UTC", NOW);
      transactor.string("smtp");
      transactor.address("alice@example.org");
      addEntries(transactor, 100);
    });
    writer.write((transactor) => addEntries(transactor, 1));
    expect(entryCount(path)).toBe(1);
    for (const table of ["stored_servers", "strings", "addresses"]) {
      expect(queryAll(path, `SELECT * FROM ${table}`), table).toEqual([]);
    }
  });

  test("does not leave ids of texts that were never stored", () => {
    const { path, writer } = newStore();
    failTo(writer, (transactor) => {
      transactor.string("smtp");
      transactor.address("alice@example.org");
    });
    const ids = writer.write((transactor) => {
      const other = [transactor.string("other"), transactor.address("bob@example.org")];
      return [transactor.string("smtp"), transactor.address("alice@example.org"), ...other];
    });
    expect(stringsOf(path)).toEqual([
      { id: ids[2], text: "other" },
      { id: ids[0], text: "smtp" },
    ]);
    expect(queryAll(path, "SELECT id, address FROM addresses ORDER BY address")).toEqual([
      { id: ids[1], address: "alice@example.org" },
      { id: ids[3], address: "bob@example.org" },
    ]);
  });

  test("counts new ids from what is stored", () => {
    const { writer } = newStore();
    failTo(writer, (transactor) => expect(transactor.nextId("stored_messages")).toBe(1));
    writer.write((transactor) => {
      expect([1, 2, 3].map(() => transactor.nextId("stored_messages"))).toEqual([1, 2, 3]);
    });
  });

  test("tells its owner to forget what it knew", () => {
    const { writer } = newStore();
    writer.write(() => {});
    const forget = vi.fn();
    expect(() => writer.write(() => fail(new Error("no")), forget)).toThrow("no");
    expect(forget).toHaveBeenCalledOnce();
  });

  test("because another one was begun within it, leaves nothing either", () => {
    const { path, writer } = newStore();
    failTo(writer, (transactor) => {
      transactor.string("smtp");
      expect(() => writer.write((inner) => inner.string("inner"))).toThrow(/transaction within a transaction/);
    });
    expect(stringsOf(path)).toEqual([]);
    writer.write((transactor) => transactor.string("smtp"));
    expect(stringsOf(path)).toHaveLength(1);
  });

  test("because the database refused a row, leaves nothing either", () => {
    const { path, writer } = newStore();
    const twice = (transactor: Transactor): void => {
      transactor.addServer("mx1", "UTC", NOW);
      transactor.addServer("mx1", "UTC", NOW);
    };
    expect(() => writer.write(twice)).toThrow("There is a server of that name");
    expect(queryAll(path, "SELECT * FROM stored_servers")).toEqual([]);
    const rowsTwice = (transactor: Transactor): void => {
      addEntries(transactor, 40);
      addEntries(transactor, 40);
    };
    expect(() => writer.write(rowsTwice)).toThrow(`such a row of "stored_entries"`);
    expect(entryCount(path)).toBe(0);
  });

  test("because the disk is full, says so and leaves nothing", () => {
    const path = newPath();
    openWriter(storeSettings(path)).close();
    const database = openForWriting(path, WAIT_MS);
    const writer = closing(new Writer(database, path, { waitMs: WAIT_MS }));
    const pages = database.pragma("page_count", { simple: true }) as number;
    database.pragma(`max_page_count = ${pages + 2}`);
    const fill = (transactor: Transactor): void => {
      for (let index = 0; index < 1000; index++) transactor.string(`${index}`.repeat(100));
    };
    expect(thrownBy(() => writer.write(fill))).toMatchObject({
      code: "disk_full",
      message: expect.stringContaining(path),
    });
    expect(stringsOf(path)).toEqual([]);
    database.pragma("max_page_count = 1000000");
    writer.write((transactor) => transactor.string("smtp"));
    expect(stringsOf(path)).toHaveLength(1);
  });
});

describe("a transactor", () => {
  const uses: readonly (readonly [string, (transactor: Transactor) => unknown])[] = [
    ["string", (transactor) => transactor.string("smtp")],
    ["optionalString", (transactor) => transactor.optionalString("smtp")],
    ["address", (transactor) => transactor.address("alice@example.org")],
    ["optionalAddress", (transactor) => transactor.optionalAddress("alice@example.org")],
    ["nextId", (transactor) => transactor.nextId("raw_blocks")],
    ["addEntry", (transactor) => addEntries(transactor, 1)],
    ["addServer", (transactor) => transactor.addServer("mx1", "UTC", NOW)],
    ["startRun", (transactor) => transactor.startRun("0.0.0-test", NOW)],
    ["findMessage", (transactor) => transactor.findMessage(1, "1vwz8c-0005eI-2Q")],
    ["removeMessage", (transactor) => transactor.removeMessage(1)],
    ["retractBlock", (transactor) => transactor.retractBlock(1)],
    ["timesOf", (transactor) => transactor.timesOf(1)],
  ];

  test.each(uses)("refuses %s when its transaction was committed", (_name, use) => {
    const { path, writer } = newStore();
    const ended = writer.write((transactor) => transactor);
    expect(() => use(ended)).toThrow(/transaction/);
    writer.write(() => {});
    expect([stringsOf(path), entryCount(path)]).toEqual([[], 0]);
  });

  test.each(uses)("refuses %s when its transaction was rolled back", (_name, use) => {
    const { writer } = newStore();
    const leaked: Transactor[] = [];
    failTo(writer, (transactor) => leaked.push(transactor));
    for (const ended of leaked) expect(() => use(ended)).toThrow(/transaction/);
    expect(leaked).toHaveLength(1);
  });

  test("refuses ids it has given before, too", () => {
    const { writer } = newStore();
    const ended = writer.write((transactor) => {
      transactor.nextId("raw_blocks");
      return transactor;
    });
    expect(() => ended.nextId("raw_blocks")).toThrow(/transaction/);
  });
});

describe("a database that another process writes to", () => {
  test("is reported as busy after the wait", () => {
    const { path, writer } = newStore();
    const other = connect(path);
    other.exec("BEGIN IMMEDIATE");
    const started = performance.now();
    const action = vi.fn();
    expect(thrownBy(() => writer.write(action))).toMatchObject({
      code: "busy",
      message: expect.stringContaining(path),
    });
    const waitedMs = performance.now() - started;
    expect(waitedMs).toBeGreaterThanOrEqual(WAIT_MS - 20);
    expect(waitedMs).toBeLessThan(WAIT_MS + 2000);
    expect(action).not.toHaveBeenCalled();
    other.exec("ROLLBACK");
    writer.write((transactor) => transactor.string("smtp"));
    expect(stringsOf(path)).toHaveLength(1);
  });

  test("is reported at once when there is no wait", () => {
    const { path, writer } = newStore(0);
    connect(path).exec("BEGIN IMMEDIATE");
    const started = performance.now();
    expect(thrownBy(() => writer.write(() => {})).code).toBe("busy");
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test("is waited for", async () => {
    const { path, writer } = newStore(5000);
    const holder = await holdLock(path, "INSERT INTO strings (text) VALUES ('held')", 300);
    writer.write((transactor) => transactor.string("smtp"));
    expect(stringsOf(path).map(({ text }) => text)).toEqual(["held", "smtp"]);
    await once(holder, "exit");
  });
});

describe("a database that another process is just making", () => {
  test("is waited for", async () => {
    const path = newPath();
    writeFileSync(path, "");
    const holder = await holdLock(path, "SELECT 1", 300);
    const writer = closing(openWriter(storeSettings(path, 5000)));
    writer.write((transactor) => transactor.string("smtp"));
    expect(stringsOf(path)).toHaveLength(1);
    await once(holder, "exit");
  });
});

describe("what another process has written", () => {
  test("makes the writer forget the ids it knew", () => {
    const { path, writer } = newStore();
    writer.write((transactor) => {
      transactor.string("smtp");
      transactor.address("alice@example.org");
    });
    const other = connect(path);
    other.exec("DELETE FROM strings; DELETE FROM addresses;");
    other.exec("INSERT INTO strings (id, text) VALUES (1, 'other'), (77, 'smtp')");
    other.exec("INSERT INTO addresses (id, address) VALUES (1, 'bob@example.org'), (88, 'alice@example.org')");
    const ids = writer.write((transactor) => [transactor.string("smtp"), transactor.address("alice@example.org")]);
    expect(ids).toEqual([77, 88]);
  });

  test("is told to its owner, before the action and once", () => {
    const { path, writer } = newStore();
    writer.write(() => {});
    const order: string[] = [];
    const write = (): void =>
      writer.write(
        () => void order.push("action"),
        () => void order.push("foreign write"),
      );
    write();
    connect(path).exec("INSERT INTO strings (text) VALUES ('other')");
    write();
    write();
    expect(order).toEqual(["action", "foreign write", "action", "action"]);
  });

  test("is not the writer's own doing", () => {
    const { writer } = newStore();
    writer.write(() => {});
    const onForeignWrite = vi.fn();
    for (let count = 0; count < 3; count++) writer.write((transactor) => transactor.string(`${count}`), onForeignWrite);
    expect(onForeignWrite).not.toHaveBeenCalled();
  });
});

function newPath(): string {
  return join(temporaryFolder(), "pilot.db");
}

function newStore(waitMs = WAIT_MS): { path: string; writer: Writer } {
  const path = newPath();
  return { path, writer: closing(openWriter(storeSettings(path, waitMs))) };
}

function closing(writer: Writer): Writer {
  onTestFinished(() => writer.close());
  return writer;
}

/** A connection of another program. */
function connect(path: string): Database.Database {
  const database = new Database(path);
  onTestFinished(() => void database.close());
  return database;
}

function addEntries(transactor: Transactor, count: number): void {
  for (let id = 1; id <= count; id++)
    transactor.rows.entries.add({
      id,
      server_id: 1,
      at: momentAt(NOW, 0),
      event: transactor.codes.event("other"),
      message_id: null,
      seen_in: 1,
      details_id: null,
    });
}

function failTo(writer: Writer, action: (transactor: Transactor) => unknown): void {
  const error = new Error("The test fails this transaction.");
  const failing = (transactor: Transactor): void => {
    action(transactor);
    throw error;
  };
  expect(() => writer.write(failing)).toThrow(error);
}

function fail(error: Error): never {
  throw error;
}

function stringsOf(path: string): { id: number; text: string }[] {
  return queryAll(path, "SELECT id, text FROM strings ORDER BY text");
}

function entryCount(path: string): number | undefined {
  return queryAll<{ count: number }>(path, "SELECT count(*) AS count FROM stored_entries")[0]?.count;
}

/** A thread that begins a transaction, says so, and commits after a while: this thread stands still while the writer waits. */
async function holdLock(path: string, sql: string, forMs: number): Promise<Worker> {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    const database = new (require(workerData.driver))(workerData.path);
    database.exec("BEGIN IMMEDIATE; " + workerData.sql);
    parentPort.postMessage("locked");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, workerData.forMs);
    database.exec("COMMIT");
    database.close();`;
  const driver = fileURLToPath(import.meta.resolve("better-sqlite3"));
  const worker = new Worker(code, { eval: true, workerData: { path, driver, sql, forMs } });
  await once(worker, "message");
  return worker;
}
