/** Words of people, and what they were told: how long it is kept, and what a backup, a restore and a rebuild leave of it. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Episode } from "../../src/store/incidents/incidents.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS } from "../../src/units.ts";
import { notificationOf } from "../notify/outboxes.ts";
import { runCli } from "../support/cli.ts";
import { copyDatabase, NOW, openDirectly, temporaryFolder, withWriter } from "../support/database.ts";
import { madeOnce } from "../support/made-once.ts";
import { Receiver } from "../support/receiver.ts";
import { queryAll } from "../support/views.ts";

const ID = "1vwwZU-0005V4-1s";

function episodeOf(subject: string, lastMs: EpochMs, goesOn: boolean): Episode {
  return {
    kind: "script_mail",
    subject,
    severity: "critical",
    startMs: epochMs(lastMs - HOUR_MS),
    firedMs: lastMs,
    lastMs,
    goesOn,
    count: 1,
    hours: [],
    figures: {},
    title: subject,
    description: subject,
    messages: [ID],
    ruleVersion: 1,
    pauseMs: HOUR_MS,
  };
}

const ago = (days: number): EpochMs => epochMs(NOW - days * DAY_MS);

/** Notifications by the status in which each is, all of them two days old. */
const STATUSES = ["pending", "sent", "confirmed", "failed", "cancelled"] as const;

/** Incidents that ended 400 days and a day ago and one that goes on, each with a word; a note, a tag, a mute, notifications. */
async function makeDatabase(db: string): Promise<void> {
  const stamp = new Date(NOW - 2 * HOUR_MS).toISOString().slice(0, 19).replace("T", " ");
  const log = `${stamp} ${ID} <= a@a.test H=(x) [203.0.113.9] P=esmtp S=400 for b@b.test\n${stamp} ${ID} => b@b.test R=r T=t\n${stamp} ${ID} Completed\n`;
  const run = async (argv: readonly string[], now = NOW): Promise<void> => {
    expect(await runCli([...argv, "--db", db], { stdin: log, now: () => now })).toMatchObject({ status: 0 });
  };
  await run(["ingest", "--quiet", "--log-type", "main", "--server", "mx1", "--timezone", "UTC", "-"]);
  await withWriter(db, (writer) =>
    writer.write((transactor) => {
      transactor.saveEpisodes({
        serverId: 1,
        episodes: [episodeOf("old", ago(400), false), episodeOf("recent", ago(1), false), episodeOf("now", NOW, true)],
        sinceMs: ago(500),
        newestMs: NOW,
        pauses: new Map(),
        now: NOW,
      });
      for (const status of STATUSES) transactor.outbox.enqueue(notificationOf(status), ago(2));
    }),
  );
  const database = openDirectly(db);
  for (const status of STATUSES)
    database
      .prepare("UPDATE stored_outbox SET status = ?, sent_ms = updated_ms WHERE dedup_key = ?")
      .run(status, status);
  database.close();
  for (const number of ["1", "2", "3"]) await run(["incidents", "resolve", number, `word ${number}`]);
  await run(["incidents", "mute", "panic", "", "--reason", "known"]);
  await run(["tag", ID, "ticket"]);
  await run(["note", ID, "an old note"], ago(10));
  await run(["note", ID, "a new note"]);
}

async function freshCopy(): Promise<string> {
  const db = join(temporaryFolder(), "pilot.db");
  copyDatabase(await madeOnce("kept classes.db", makeDatabase), db);
  return db;
}

const subjects = (db: string): unknown[] => queryAll(db, "SELECT subject FROM stored_incidents ORDER BY id");
const statuses = (db: string): unknown[] =>
  queryAll<{ dedup_key: string; status: string }>(
    db,
    "SELECT dedup_key, status FROM stored_outbox ORDER BY number",
  ).map(({ dedup_key, status }) => (dedup_key === status ? status : `${dedup_key} → ${status}`));
/** Rows of incidents and of people, which nothing but a prune changes. */
const said = (db: string): unknown =>
  ["stored_incidents", "incident_messages", "incident_actions", "incident_mutes", "stored_notes", "stored_tags"].map(
    (table) => queryAll(db, `SELECT * FROM ${table}`),
  );

describe("prune", () => {
  test("keeps incidents for a year after their end, notifications for 30 days, and notes with their messages", async () => {
    const db = await freshCopy();
    expect(await runCli(["prune", "--quiet", "--db", db], { now: () => NOW })).toMatchObject({ status: 0, stderr: "" });
    expect(subjects(db)).toEqual([{ subject: "recent" }, { subject: "now" }]);
    expect(queryAll(db, "SELECT DISTINCT incident_id AS id FROM incident_actions ORDER BY 1")).toEqual([
      { id: 2 },
      { id: 3 },
    ]);
    expect(queryAll(db, "SELECT DISTINCT incident_id AS id FROM incident_messages ORDER BY 1")).toEqual([
      { id: 2 },
      { id: 3 },
    ]);
    expect(statuses(db)).toEqual(STATUSES);
    expect(queryAll(db, "SELECT 1 FROM stored_notes")).toHaveLength(2);
    const later = epochMs(NOW + 31 * DAY_MS);
    expect(await runCli(["prune", "--quiet", "--db", db], { now: () => later })).toMatchObject({ status: 0 });
    expect(statuses(db)).toEqual(["pending", "sent"]);
  });

  test("takes the spans of these classes from flags and from the configuration, and never what goes on or waits", async () => {
    const configFile = join(temporaryFolder(), "exim-pilot.toml");
    writeFileSync(configFile, '[prune]\nincidents = "1h"\noutbox = "1h"\nnotes = "5d"\n', { mode: 0o600 });
    const flags = ["--incidents", "1h", "--outbox", "1h", "--notes", "5d"];
    for (const [argv, options] of [
      [flags, {}],
      [[], { configFile }],
    ] as const) {
      const db = await freshCopy();
      const status = JSON.parse(
        (await runCli(["prune", "--status", "--json", ...argv, "--db", db], { now: () => NOW, ...options })).stdout,
      );
      const expired = Object.fromEntries(
        (status.classes as { name: string; total: number; expired: number }[]).map((one) => [
          one.name,
          [one.expired, one.total],
        ]),
      );
      expect(expired).toMatchObject({ incidents: [2, 3], outbox: [3, 5], notes: [1, 2] });
      const told = JSON.parse(
        (await runCli(["prune", "--dry-run", "--json", ...argv, "--db", db], { now: () => NOW, ...options })).stdout,
      );
      expect(told.removed).toMatchObject({
        stored_incidents: 2,
        incident_actions: 2,
        stored_outbox: 3,
        stored_notes: 1,
      });
      const done = JSON.parse(
        (await runCli(["prune", "--json", ...argv, "--db", db], { now: () => NOW, ...options })).stdout,
      );
      expect(done.removed).toMatchObject({
        stored_incidents: 2,
        incident_actions: 2,
        stored_outbox: 3,
        stored_notes: 1,
      });
      expect(subjects(db)).toEqual([{ subject: "now" }]);
      expect(statuses(db)).toEqual(["pending", "sent"]);
      expect(queryAll(db, "SELECT note FROM stored_notes")).toEqual([{ note: "a new note" }]);
      expect(await runCli(["verify", "--db", db])).toMatchObject({ status: 0 });
    }
  });
});

describe("a rebuild", () => {
  test("leaves incidents, words of people and the outbox as they are", async () => {
    const db = await freshCopy();
    const before = [said(db), queryAll(db, "SELECT * FROM stored_outbox")];
    expect(await runCli(["rebuild", "--quiet", "--db", db])).toMatchObject({ status: 0 });
    expect([said(db), queryAll(db, "SELECT * FROM stored_outbox")]).toEqual(before);
  });
});

describe("a restored backup", () => {
  test("has all that people said, and sends nothing again that may have been sent since", async () => {
    const db = await freshCopy();
    const before = said(db);
    const receiver = await Receiver.start();
    const configFile = join(temporaryFolder(), "exim-pilot.toml");
    const channel = `type = "webhook"\nurl = "${receiver.url}/"\n`;
    writeFileSync(configFile, `[notify]\ntiers = ["ops"]\n[channels.ops]\n${channel}`, { mode: 0o600 });
    const backups = temporaryFolder();
    const run = (...argv: string[]) => runCli([...argv, "--db", db], { configFile, now: () => NOW });
    expect(await run("backup", "--quiet", backups)).toMatchObject({ status: 0 });
    expect(await run("notify", "run", "--quiet")).toMatchObject({ status: 0, stderr: "" });
    const sent = receiver.requests.length;
    expect(sent).toBeGreaterThan(0);
    const [backup = ""] = readdirSync(backups).filter((name) => name.endsWith(".db"));
    const restored = await run("restore", join(backups, backup));
    expect(restored).toMatchObject({ status: 0, stderr: "" });
    expect(restored.stdout).toContain("2 notifications that waited are cancelled");
    expect(statuses(db)).toEqual(["pending → cancelled", "sent → cancelled", "confirmed", "failed", "cancelled"]);
    expect(said(db)).toEqual(before);
    expect(await run("notify", "run", "--quiet")).toMatchObject({ status: 0 });
    expect(receiver.requests).toHaveLength(sent);
    expect(await run("notify", "retry", "1")).toMatchObject({ status: 0 });
    expect(await run("notify", "run", "--quiet")).toMatchObject({ status: 0 });
    expect(receiver.requests).toHaveLength(sent + 1);
    expect(await run("verify")).toMatchObject({ status: 0 });
  });
});
