/**
 * Runs of `notify` that are killed at any instant, before a receiver that answers as it likes: every notification ends confirmed or
 * failed, and a receiver that knows the idempotency keys gets each one once. EXIM_PILOT_TORTURE=1000 kills 1000 times.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { MINUTE_MS } from "../../src/units.ts";
import { startProgram } from "../support/child.ts";
import { runCli } from "../support/cli.ts";
import { temporaryFolder, withWriter } from "../support/database.ts";
import { Random } from "../support/generate.ts";
import { type Manner, Receiver } from "../support/receiver.ts";
import { queryAll } from "../support/views.ts";
import { notificationOf } from "./outboxes.ts";

const KILLS = Number(process.env["EXIM_PILOT_TORTURE"] ?? 3);
const random = new Random(Number(process.env["EXIM_PILOT_SEED"] ?? 1));
const CLOCK = fileURLToPath(new URL("../support/shifted-clock.mjs", import.meta.url));
/** Between two runs: leases end. */
const STEP_MS = 10 * MINUTE_MS;
/** Share of the time of a run that is skipped: until then the program is loaded. */
const EARLIEST_SHARE = 0.5;
/** A run after so many others ends by itself, so that not everything is given up. */
const WHOLE_RUNS = 5;

vi.setConfig({ testTimeout: 120_000 + KILLS * 20_000 });

/** Mostly well: a notification is tried eight times, and kills count. */
const MANNERS: readonly Manner[] = ["ok", "ok", "ok", "ok", "busy", "bad_gateway", "reset", "lost", "hang", "cut"];

let folder: string;
let db: string;
let config: string;
let receiver: Receiver;
let steps: number;

beforeEach(async () => {
  folder = temporaryFolder();
  db = join(folder, "pilot.db");
  config = join(folder, "config.toml");
  receiver = await Receiver.start();
  steps = 0;
  const text = `[notify]\ntiers = ["hook"]\n[channels.hook]\ntype = "webhook"\nurl = "${receiver.url}"\n`;
  writeFileSync(config, text, { mode: 0o600 });
});

function startRun(shiftMs: number) {
  const clock = `export NODE_OPTIONS="--import=${CLOCK}" SHIFT_CLOCK_MS=${shiftMs}`;
  return startProgram(["notify", "run", "--db", db, "--config", config, "--quiet"], clock);
}

async function enqueue(...keys: readonly string[]): Promise<void> {
  await withWriter(db, (writer) =>
    writer.write(({ outbox }) => {
      for (const key of keys) outbox.enqueue(notificationOf(key), 0 as never);
    }),
  );
}

interface Row {
  readonly id: string;
  readonly status: string;
  readonly reason: string;
  readonly digest_id: string | null;
}

const rows = (): readonly Row[] =>
  queryAll<Row>(db, "SELECT id, status, reason, digest_id FROM notifications ORDER BY number");

/** Runs until nothing waits; the receiver is well again. */
async function finish(): Promise<void> {
  receiver.next = () => "ok";
  receiver.delayMs = () => 0;
  for (let left = 60; left > 0 && rows().some(({ status }) => status === "pending" || status === "sent"); left--)
    expect(await startRun(++steps * STEP_MS).ended).toMatchObject({ status: 0, stderr: "" });
}

/** Each that was confirmed has arrived, by itself or in its digest, and none twice. */
function expectOnce(): { readonly confirmed: number; readonly failed: number } {
  const all = rows();
  expect(all.filter(({ status }) => status !== "confirmed" && status !== "failed")).toEqual([]);
  for (const { id, status, digest_id } of all) {
    const wasTaken = receiver.taken.has(id);
    const wasTakenInDigest = digest_id !== null && receiver.taken.has(digest_id);
    expect({ id, both: wasTaken && wasTakenInDigest }).toEqual({ id, both: false });
    if (status === "confirmed") expect({ id, wasTaken: wasTaken || wasTakenInDigest }).toEqual({ id, wasTaken: true });
  }
  const known = new Set(all.map(({ id }) => id));
  expect([...receiver.taken.keys()].filter((id) => !known.has(id))).toEqual([]);
  const count = (wanted: string): number =>
    all.filter(({ status, reason }) => status === wanted && reason !== "digest").length;
  return { confirmed: count("confirmed"), failed: count("failed") };
}

/** Any instant of a run that usually takes so long. */
function afterShareOf(usualMs: number): Promise<void> {
  return sleep(usualMs * (EARLIEST_SHARE + (1.2 - EARLIEST_SHARE) * random.next()));
}

/** Some milliseconds after the next request has arrived. */
async function afterRequest(mostMs: number): Promise<void> {
  const before = receiver.arrivals;
  while (receiver.arrivals === before) await sleep(2);
  await sleep(random.upTo(mostMs));
}

describe("a run of notify", () => {
  test(`that is killed ${KILLS} times loses nothing and repeats nothing that the receiver can tell`, async () => {
    await enqueue("first-0", "first-1");
    const begun = performance.now();
    await startRun(++steps * STEP_MS).ended;
    let usualMs = performance.now() - begun;
    receiver.next = () => MANNERS[random.upTo(MANNERS.length)] ?? "ok";
    receiver.delayMs = () => random.upTo(60);
    let killed = 0;
    for (let round = 0; killed < KILLS; round++) {
      // Now and then so many that they become a digest.
      const many = random.isOneOf(8) ? 6 : 2;
      await enqueue(...Array.from({ length: many }, (_, index) => `${round}-${index}`));
      const startedMs = performance.now();
      const { child, ended } = startRun(++steps * STEP_MS);
      await Promise.race([ended, random.isOneOf(2) ? afterRequest(150) : afterShareOf(usualMs)]);
      if (round % WHOLE_RUNS !== 0) child.kill("SIGKILL");
      const { signal } = await ended;
      if (signal === "SIGKILL") killed++;
      else usualMs = 0.8 * usualMs + 0.2 * Math.min(performance.now() - startedMs, 3 * usualMs);
    }
    await finish();
    const { confirmed, failed } = expectOnce();
    expect(confirmed).toBeGreaterThan(failed);
    expect((await runCli(["verify", "--db", db])).status).toBe(0);
    if (KILLS >= 100) {
      const repeats = [...receiver.taken.values()].filter((times) => times > 1).length;
      console.info(
        `${killed} kills: ${confirmed} confirmed, ${failed} failed, ${receiver.requests.length} requests; ${repeats} arrived more than once, told apart by their key.`,
      );
    }
  });

  test("never sends what another run at the same time sends", async () => {
    receiver.delayMs = () => 30;
    for (let round = 0; round < 3; round++) {
      await enqueue(...Array.from({ length: 4 }, (_, index) => `pair-${round}-${index}`));
      const shiftMs = ++steps * STEP_MS;
      const runs = [startRun(shiftMs), startRun(shiftMs), startRun(shiftMs)];
      for (const { ended } of runs) expect(await ended).toMatchObject({ status: 0 });
    }
    await finish();
    expectOnce();
    expect([...receiver.taken.values()].filter((times) => times > 1)).toEqual([]);
    expect(receiver.requests).toHaveLength(receiver.taken.size);
  });
});
