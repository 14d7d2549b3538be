/** Notifications of incidents: who hears of what, once, in the transaction of the incident. */
import { describe, expect, test } from "vitest";
import { tellIncidents } from "../../src/notify/incident-notices.ts";
import type { IncidentChange } from "../../src/store/incidents/incidents.ts";
import { isOwnMail } from "../../src/store/outbox/own-mail.ts";
import { openDirectly } from "../support/database.ts";
import { queryAll } from "../support/views.ts";
import { notificationOf, Outboxes } from "./outboxes.ts";

const HOUR_MS = 3_600_000;

function prepared(): { box: Outboxes; change: (reason: IncidentChange["reason"], more?: object) => IncidentChange } {
  const box = new Outboxes();
  const database = openDirectly(box.path);
  database.exec(`INSERT INTO stored_servers (id, name, time_zone, created_ms) VALUES (1, 'mx1', 'UTC', 0);
    INSERT INTO stored_incidents (id, server_id, kind, subject, severity, status, start_ms, fired_ms, last_ms, found_ms, updated_ms, title,
      description, figures, told_count, rule_version)
    VALUES (14, 1, 'hacked_account', 'bob', 'critical', 'open', ${box.now}, 0, 0, 0, 0, 'Account bob sends spam.', 'From 25 addresses.', '{}', 60, 1)`);
  database.close();
  const [incident] = queryAll<IncidentChange["incident"]>(box.path, "SELECT * FROM stored_incidents");
  if (incident === undefined) throw new Error("There is no incident.");
  const change = (reason: IncidentChange["reason"], more = {}): IncidentChange => ({
    reason,
    incident: { ...incident, ...more },
    isMuted: false,
    isNews: true,
  });
  return { box, change };
}

function tell(box: Outboxes, ...changes: readonly IncidentChange[]): number {
  return box.writer.write(({ outbox }) =>
    tellIncidents(outbox, changes, { server: "mx1", minimum: "serious", now: box.now }),
  );
}

describe("an incident", () => {
  test("is told once when it opens, each time it gets worse, and when it is over", async () => {
    const { box, change } = prepared();
    expect(tell(box, change("opened"), change("opened"))).toBe(1);
    expect(tell(box, change("opened"))).toBe(0);
    expect(tell(box, change("worse", { told_count: 240 }), change("worse", { told_count: 960 }))).toBe(2);
    expect(tell(box, change("over", { end_ms: box.now + HOUR_MS }))).toBe(1);
    await box.round();
    expect(
      box.channels
        .get("a")
        ?.notices.map(({ heading, text }) => [heading, text])
        .slice(0, 1),
    ).toEqual([
      [
        "exim-pilot: CRITICAL on mx1",
        "Account bob sends spam.\nFrom 25 addresses.\nSince 2026-04-01 00:00 UTC.\nexim-pilot incidents show 14  #14-1",
      ],
    ]);
    expect(box.find(4)).toMatchObject({ reason: "over", incidentId: 14, event: { until: expect.any(String) } });
  });

  test("is not told when it is muted, old or mild, nor is the end of what nobody heard of", () => {
    const { box, change } = prepared();
    expect(
      tell(
        box,
        { ...change("opened"), isMuted: true },
        { ...change("opened"), isNews: false },
        change("opened", { severity: "warning" }),
        change("over", { end_ms: 1 }),
      ),
    ).toBe(0);
  });

  test("that is withdrawn is not told any more, and its notifications stay", async () => {
    const { box, change } = prepared();
    tell(box, change("opened"));
    const database = openDirectly(box.path);
    database.exec("DELETE FROM stored_incidents");
    database.close();
    tell(box, change("withdrawn"));
    expect(box.find(1)).toMatchObject({ status: "cancelled", incidentId: null });
    expect(await box.round()).toMatchObject({ sent: 0 });
  });
});

test("mail of ours is told by the id of its notification, bounces about it too, and a forged name is nobody's", () => {
  const box = new Outboxes();
  box.enqueue(notificationOf("x"));
  const { id } = box.find(1);
  const database = openDirectly(box.path);
  const add = database.prepare(
    `INSERT INTO stored_messages (server_id, exim_id, status, first_at, last_at, header_message_id, parent_exim_id, fake_reject)
     VALUES (1, ?, 0, 0, 0, ?, ?, 0)`,
  );
  add.run("ours", `${id}@mx1.example.org`, null);
  add.run("bounce", "E1@mx1", "ours");
  add.run("forged", "0b0e3c1e-0000-4000-8000-000000000014@mx1.example.org", null);
  add.run("other", null, null);
  const found = database
    .prepare(`SELECT exim_id FROM stored_messages m WHERE ${isOwnMail("m")}`)
    .pluck()
    .all();
  const others = database
    .prepare(`SELECT exim_id FROM stored_messages m WHERE NOT ${isOwnMail("m")}`)
    .pluck()
    .all();
  database.close();
  expect([found, others]).toEqual([
    ["ours", "bounce"],
    ["forged", "other"],
  ]);
});
