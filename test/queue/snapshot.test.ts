/** Looks at a queue as they are kept: one row for each time a message is there, whatever was read of it. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { QueueOverview } from "../../src/queue/overview.ts";
import { QueueCount, type SnapshotOrder, storeSnapshot } from "../../src/queue/snapshot.ts";
import type { QueuedMessage } from "../../src/spool/queued-message.ts";
import { damagedMessage } from "../../src/spool/spool-message.ts";
import { openWriter } from "../../src/store/store.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, MINUTE_MS } from "../../src/units.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { FIXTURES, NOW, storeSettings, temporaryFolder } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

const START = epochMs(NOW - DAY_MS);
const at = (minutes: number): EpochMs => epochMs(START + minutes * MINUTE_MS);

function message(id: string, changes: Partial<QueuedMessage> = {}): QueuedMessage {
  return {
    ...damagedMessage(id, "", "", ""),
    sender: "a@x.example",
    arrivedAt: epochMs(START - HOUR_MS),
    sizeBytes: 100,
    warnings: 0,
    recipients: [{ address: "b@y.example", isDelivered: false, reason: null }],
    damage: null,
    damageReason: null,
    ...changes,
  };
}

interface Look {
  readonly minutes: number;
  readonly messages: readonly QueuedMessage[];
  readonly queueName?: string;
  readonly isComplete?: boolean;
  readonly isWhole?: boolean;
  readonly origin?: "spool" | "bp";
}

/** Stores looks one after the other; returns the database. */
function keep(looks: readonly Look[], path = join(temporaryFolder(), "pilot.db")): string {
  for (const { minutes, messages, queueName = "", isComplete = true, isWhole = false, origin = "spool" } of looks) {
    const count = new QueueCount(at(minutes));
    for (const one of messages) count.add(one);
    store(path, {
      at: at(minutes),
      origin,
      isWhole,
      queues: [{ queueName, isComplete, ...count.result() }],
    });
  }
  return path;
}

function store(
  path: string,
  order: Pick<SnapshotOrder, "at" | "queues" | "origin" | "isWhole"> & Partial<SnapshotOrder>,
) {
  const writer = openWriter(storeSettings(path));
  try {
    return storeSnapshot(writer, {
      server: "mx1",
      hostname: "mx1",
      timeZone: "UTC",
      now: epochMs(NOW),
      hints: [],
      author: "test",
      ...order,
    });
  } finally {
    writer.close();
  }
}

const stays = (path: string) =>
  queryAll<{ exim_id: string; first: number; last: number; gone: number | null }>(
    path,
    `SELECT exim_id, (first_seen_ms - ${START}) / 60000 AS first, (last_seen_ms - ${START}) / 60000 AS last,
       (gone_ms - ${START}) / 60000 AS gone FROM queue_stays ORDER BY first_seen_ms, exim_id, queue_name`,
  ).map(({ exim_id, first, last, gone }) => [exim_id, first, last, gone]);

const [A, B] = ["1vx5YT-0006RL-10", "1vx5YT-0006RL-11"];

describe("a message", () => {
  test("has one row for as long as it is there, and another when it is there again", () => {
    const path = keep([
      { minutes: 0, messages: [message(A), message(B)] },
      { minutes: 5, messages: [message(A), message(B)] },
      { minutes: 10, messages: [message(A)] },
      { minutes: 15, messages: [message(A), message(B)] },
      { minutes: 20, messages: [message(A)] },
    ]);
    expect(stays(path)).toEqual([
      [A, 0, 20, null],
      [B, 0, 5, 10],
      [B, 15, 15, 20],
    ]);
    const looks = queryAll(path, "SELECT total_messages AS total, came, went FROM queue_snapshots ORDER BY at_ms");
    expect(looks).toEqual([
      { total: 2, came: 2, went: 0 },
      { total: 2, came: 0, went: 0 },
      { total: 1, came: 0, went: 1 },
      { total: 2, came: 1, went: 0 },
      { total: 1, came: 0, went: 1 },
    ]);
  });

  test("has left only where all of the queue could be read", () => {
    const path = keep([
      { minutes: 0, messages: [message(A)] },
      { minutes: 5, messages: [], isComplete: false },
      { minutes: 10, messages: [message(A)] },
    ]);
    expect(stays(path)).toEqual([[A, 0, 10, null]]);
  });

  test("is another's concern in another queue, and leaves a queue that a whole spool has no more", () => {
    const path = keep([
      { minutes: 0, messages: [message(A)], queueName: "bulk" },
      { minutes: 5, messages: [message(B)] },
      { minutes: 10, messages: [message(B)], isWhole: true },
    ]);
    expect(stays(path)).toEqual([
      [A, 0, 0, 10],
      [B, 5, 10, null],
    ]);
  });

  test("keeps what is known of it while its file is damaged, and is still there", () => {
    const path = keep([
      { minutes: 0, messages: [message(A, { isFrozen: true, frozenAt: START })] },
      { minutes: 5, messages: [damagedMessage(A, "", "spool format error: size=0", "It is empty.")] },
    ]);
    expect(stays(path)).toEqual([[A, 0, 5, null]]);
    expect(queryAll(path, "SELECT sender, size, pending_recipients AS pending, frozen FROM queue_messages")).toEqual([
      { sender: "a@x.example", size: 100, pending: 1, frozen: 1 },
    ]);
    expect(queryAll(path, "SELECT damaged FROM queue_snapshots ORDER BY at_ms")).toEqual([
      { damaged: 0 },
      { damaged: 1 },
    ]);
  });

  test("keeps the exact time of a spool where exim -bp tells an age alone, and the first age where that is all", () => {
    const path = keep([
      { minutes: 0, messages: [message(A, { arrivedAt: at(-60) }), message(B, { arrivedAt: at(-3) })], origin: "bp" },
      { minutes: 5, messages: [message(A, { arrivedAt: at(-62) }), message(B, { arrivedAt: at(-9) })], origin: "bp" },
      { minutes: 10, messages: [message(A, { arrivedAt: at(-61) }), message(B, { arrivedAt: at(-3) })], origin: "bp" },
      { minutes: 15, messages: [message(A, { arrivedAt: at(-58) })], isComplete: false },
      { minutes: 20, messages: [message(A, { arrivedAt: at(-61) }), message(B, { arrivedAt: at(-8) })], origin: "bp" },
    ]);
    expect(
      queryAll(
        path,
        `SELECT exim_id AS id, (arrived_ms - ${START}) / 60000 AS arrived, is_exact FROM queue_stays ORDER BY 1`,
      ),
    ).toEqual([
      { id: A, arrived: -58, is_exact: 1 },
      { id: B, arrived: -3, is_exact: 0 },
    ]);
  });
});

describe("a look", () => {
  test("is kept once, and not after a later one", () => {
    const path = keep([
      { minutes: 5, messages: [message(A)] },
      { minutes: 5, messages: [message(A), message(B)] },
    ]);
    expect(stays(path)).toEqual([[A, 5, 5, null]]);
    expect(() => keep([{ minutes: 4, messages: [] }], path)).toThrow(/has been looked at since/);
    expect(stays(path)).toEqual([[A, 5, 5, null]]);
  });

  test("that a clock took years ahead keeps no later one from being stored", () => {
    const path = keep([{ minutes: 0, messages: [message(A)] }]);
    const far = epochMs(NOW + 3000 * DAY_MS);
    store(path, { at: far, now: far, origin: "spool", isWhole: true, queues: [] });
    const writer = () =>
      keep(
        [
          { minutes: 10, messages: [message(A)] },
          { minutes: 15, messages: [] },
        ],
        path,
      );
    expect(writer).not.toThrow();
    expect(stays(path).at(0)?.slice(0, 2)).toEqual([A, 0]);
    expect(queryAll(path, "SELECT count(*) AS open FROM queue_stays WHERE gone_ms IS NULL")).toEqual([{ open: 0 }]);
  });

  test("keeps twenty domains by name, and all others together", () => {
    const messages = Array.from({ length: 30 }, (_, index) =>
      message(`1vx5YT-0006RL-${String(index).padStart(2, "0")}`, {
        recipients: Array.from({ length: index < 5 ? 2 : 1 }, (_, other) => ({
          address: `b@d${index + 100 * other}.example`,
          isDelivered: false,
          reason: null,
        })),
      }),
    );
    const overview = new QueueOverview(at(0));
    for (const one of messages) overview.add(one);
    const path = keep([{ minutes: 0, messages }]);
    const kept = queryAll<{ domain: string; messages: number }>(path, "SELECT domain, messages FROM snapshot_domains");
    expect(kept).toHaveLength(21);
    const total = (rows: readonly { messages: number }[]) => rows.reduce((sum, row) => sum + row.messages, 0);
    expect(total(kept)).toBe(total(overview.waiting));
  });
});

describe("queue snapshot and queue history", () => {
  const SPOOL = join(FIXTURES, "queue", "default");

  test("keep a spool, tell its history and are recorded; a run that finds nothing new is not", async () => {
    const db = join(temporaryFolder(), "pilot.db");
    const snapshot = ["queue", "snapshot", "--db", db, "--spool", SPOOL, "--server", "mx1"];
    const first = await runCli([...snapshot, "--at", "2026-03-10T17:27:40Z"]);
    expect(first).toEqual({
      status: 0,
      stderr: "",
      stdout: "mx1: 11 messages (2 frozen), 11 new, 0 gone\nmx1 (queue bulk): 1 message (0 frozen), 1 new, 0 gone\n",
    });
    const again = await runCli([...snapshot, "--at", "2026-03-10T17:27:40Z"]);
    expect(again.stdout).toContain("nothing was added");
    const { stdout } = await runCli(["queue", "history", "--db", db, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ kind: "queue_history", server: "mx1", looks: 1, first: 12, last: 12 });
    expect(queryAll(db, "SELECT action FROM audit_log")).toEqual([{ action: "queue snapshot" }]);
  });

  test("go by their own span: what is older than that goes, and what was seen since stays", async () => {
    const path = keep([
      { minutes: -50 * 24 * 60, messages: [message(A), message(B)] },
      { minutes: -49 * 24 * 60, messages: [message(A)] },
      { minutes: 0, messages: [message(A)] },
    ]);
    const status = await runCli(["prune", "--db", path, "--status", "--json"]);
    const { classes } = JSON.parse(status.stdout) as { classes: { name: string; total: number; expired: number }[] };
    expect(classes.find(({ name }) => name === "snapshots")).toMatchObject({ total: 3, expired: 2 });
    const rehearsal = JSON.parse((await runCli(["prune", "--db", path, "--dry-run", "--json"])).stdout);
    const { status: pruned, stdout } = await runCli(["prune", "--db", path, "--json"]);
    expect(pruned).toBe(0);
    const { removed } = JSON.parse(stdout);
    expect(removed).toMatchObject({ stored_snapshots: 2, snapshot_domains: 2, queue_stays: 1 });
    expect(rehearsal.removed).toMatchObject({ stored_snapshots: 2, snapshot_domains: 2, queue_stays: 1 });
    expect(stays(path)).toEqual([[A, -50 * 24 * 60, 0, null]]);
    expect((await runCli(["prune", "--db", path, "--snapshots", "forever"])).stdout).toContain("Nothing has expired");
  });

  test("survive a rebuild, and are in a backup", async () => {
    const db = keep([{ minutes: 0, messages: [message(A)] }]);
    const log = join(FIXTURES, "two-servers", "mx1.log");
    await runCli(["ingest", "--quiet", "--db", db, "--server", "mx1", "--timezone", "UTC", log]);
    expect(await runCli(["rebuild", "--quiet", "--db", db])).toMatchObject({ status: 0, stderr: "" });
    expect(stays(db)).toEqual([[A, 0, 0, null]]);
    expect(queryAll(db, "SELECT server, total_messages AS total FROM queue_snapshots")).toEqual([
      { server: "mx1", total: 1 },
    ]);
    expect((await runCli(["servers", "rename", "mx1", "mx9", "--db", db])).status).toBe(0);
    expect(queryAll(db, "SELECT server FROM queue_messages")).toEqual([{ server: "mx9" }]);
  });

  test("say what is wrong with what they are given", async () => {
    const db = join(temporaryFolder(), "pilot.db");
    expectFailure(await runCli(["queue", "snapshot", "--db", db, "--spool", SPOOL, "-z"]), {
      status: 2,
      says: /about all messages/,
    });
    expectFailure(await runCli(["queue", "snapshot", "--db", db, "--spool", SPOOL, "--at", "2099-01-01"]), {
      status: 2,
      says: /is in the future/,
    });
    keep([{ minutes: 0, messages: [] }], db);
    expectFailure(await runCli(["queue", "history", "--db", db, "--server", "mx2"]), { status: 1, says: /"mx2"/ });
  });
});
