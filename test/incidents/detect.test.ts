/** Detection on stored lines: the same lines give the same incidents, however they came, and what people said stays. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { listen } from "../../src/diagnostics.ts";
import { detect, type ServerDetection } from "../../src/incidents/detect.ts";
import { judge } from "../../src/incidents/incidents.ts";
import type { Observation } from "../../src/incidents/observation.ts";
import { thresholdsFrom } from "../../src/incidents/rules.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, MINUTE_MS } from "../../src/units.ts";
import { simulateAccounts, toLog } from "../support/accounts.ts";
import { runCli } from "../support/cli.ts";
import {
  FIXTURES,
  ingestInto,
  NOW,
  openDirectly,
  temporaryFolder,
  withReader,
  withWriter,
} from "../support/database.ts";
import { Random } from "../support/generate.ts";
import { madeOnce } from "../support/made-once.ts";
import { pruneOptions, runPrune } from "../support/pruning.ts";
import { queryAll } from "../support/views.ts";
import { factsOf, logOf, START_MS, simulateTraffic } from "./simulate.ts";

const SEED = 5;
const DAYS = 14;
/** A small server: its episodes and decoys are as large as ever. */
const TRAFFIC = simulateTraffic(SEED, 0.06, DAYS);
const LOG = logOf(TRAFFIC.happenings);
const END_MS = START_MS + DAYS * DAY_MS;
/** With EXIM_PILOT_TORTURE, the log is cut into 500 pieces. */
const PIECES = process.env["EXIM_PILOT_TORTURE"] === undefined ? 40 : 500;

async function detectIn(path: string, now: EpochMs = NOW, again = false): Promise<readonly ServerDetection[]> {
  return withWriter(path, (writer) =>
    withReader(path, async (reader) =>
      detect(
        await reader.detection(),
        (step, episodes) =>
          writer.write((transactor) =>
            transactor.saveDetection(step) ? transactor.saveEpisodes(episodes) : undefined,
          ),
        { thresholds: thresholdsFrom(), now, again, sinceMs: undefined },
      ),
    ),
  );
}

/** Everything that lines decide about incidents: not when they were found, nor by which number they go. */
function incidentsIn(path: string): readonly object[] {
  return queryAll(
    path,
    `SELECT kind, subject, severity, start_ms, fired_ms, last_ms, title, description, figures,
       (SELECT group_concat(exim_id) FROM (SELECT exim_id FROM incident_messages m WHERE m.incident_id = i.id ORDER BY exim_id)) AS messages
     FROM stored_incidents i ORDER BY start_ms, kind, subject`,
  );
}

const whole = (): Promise<string> =>
  madeOnce("incidents of two weeks.db", async (path) => {
    const folder = temporaryFolder();
    appendFileSync(join(folder, "mainlog"), LOG);
    await ingestInto(path, [join(folder, "mainlog")], { server: "mx1", timeZone: "UTC" });
    await detectIn(path);
  });

describe("the facts of a log", () => {
  test("are those of the happenings that it tells", async () => {
    const path = await whole();
    const stored = await withReader(path, async (reader) => {
      const detection = await reader.detection();
      const [server] = detection.servers();
      return server === undefined ? [] : [...detection.facts(server, START_MS, END_MS)];
    });
    // Episodes of the simulation take lines away, the arrival of a message among them.
    const arrived = new Set([...LOG.matchAll(/^\S+ \S+ (\S+) <= /gm)].map(([, id]) => id));
    // The log has no panic in a form of a main log, and the store no reply that is exactly the line's.
    const comparable = (facts: Iterable<Observation>): readonly string[] =>
      [...facts]
        .filter(({ kind }) => kind !== "panic" && kind !== "left")
        .filter((fact) => !("messageId" in fact) || arrived.has(fact.messageId ?? ""))
        .map((fact) => (fact.kind === "outcome" || fact.kind === "tls" ? { ...fact, reply: "", error: "" } : fact))
        .map(canonical)
        .sort();
    const [found, expected] = [comparable(stored), comparable(factsOf(TRAFFIC.happenings))];
    const known = new Set(expected);
    expect(found.filter((fact) => !known.has(fact)).slice(0, 3)).toEqual([]);
    expect(found.length).toBe(expected.length);
  });
});

describe("detection", () => {
  test.each([1, 7, PIECES])("finds the same in a log that comes in %i pieces", async (pieces) => {
    const path = await whole();
    const expected = incidentsIn(path);
    expect(expected.length).toBeGreaterThan(8);
    const folder = temporaryFolder();
    const [log, cut] = [join(folder, "mainlog"), join(folder, "cut.db")];
    const random = new Random(pieces);
    const cuts = Array.from({ length: pieces - 1 }, () => random.upTo(LOG.length)).sort((one, other) => one - other);
    for (const [index, end] of [...cuts, LOG.length].entries()) {
      appendFileSync(log, LOG.slice(index === 0 ? 0 : cuts[index - 1], end));
      await ingestInto(cut, [log], { server: "mx1", timeZone: "UTC" });
      const found = await detectIn(cut);
      expect(found.flatMap(({ changes }) => changes).filter(({ reason }) => reason === "withdrawn")).toEqual([]);
    }
    expect(incidentsIn(cut)).toEqual(expected);
  });

  test("finds the same when the panic log is read after the main log that has its lines, too", async () => {
    const logs = ["mainlog", "rejectlog", "paniclog"].map((name) => join(FIXTURES, "corpus", "default", name));
    const folder = temporaryFolder();
    const [once, apart] = [join(folder, "once.db"), join(folder, "apart.db")];
    await ingestInto(once, logs, { server: "mx1" });
    await detectIn(once);
    for (const log of logs) {
      await ingestInto(apart, [log], { server: "mx1" });
      await detectIn(apart);
    }
    expect(incidentsIn(once)).toContainEqual(expect.objectContaining({ kind: "panic" }));
    expect(incidentsIn(apart)).toEqual(incidentsIn(once));
    expect((await detectIn(apart)).map(({ isFresh }) => isFresh)).toEqual([false]);
  });

  test("finds an account that a stranger guessed in a log with log_selector = -all", async () => {
    const folder = temporaryFolder();
    const [log, path] = [join(folder, "mainlog"), join(folder, "mail.db")];
    const login = (stamp: string, id: string, ip: string): string =>
      `${stamp} ${id} <= bob@example.org H=([192.168.1.2]) [${ip}] P=esmtpsa A=plain_server:bob S=846\n${stamp} ${id} => carol@example.net R=dnslookup T=remote_smtp H=mx.example.net [198.51.100.9]\n${stamp} ${id} Completed\n`;
    const failed = Array.from(
      { length: 8 },
      (_, index) =>
        `2026-03-12 14:49:3${index} plain_server authenticator failed for (ylmf-pc) [203.0.113.103]: 535 Incorrect authentication data (set_id=user${index})\n`,
    );
    appendFileSync(
      log,
      [
        login("2026-03-02 09:00:00", "1vwwXN-0005US-2j", "192.0.2.10"),
        ...failed,
        login("2026-03-12 15:13:29", "1vx4xd-0006Ij-0y", "203.0.113.103"),
      ].join(""),
    );
    await ingestInto(path, [log], { server: "mx1", timeZone: "UTC" });
    await detectIn(path);
    expect(queryAll(path, "SELECT kind, title FROM stored_incidents WHERE kind = 'hacked_account'")).toEqual([
      { kind: "hacked_account", title: "The password of bob was guessed" },
    ]);
  });

  test("finds stolen accounts the same in a log that comes day by day", async () => {
    const log = toLog(simulateAccounts(8003, 0.2).events);
    const folder = temporaryFolder();
    const [file, whole, daily] = [join(folder, "mainlog"), join(folder, "whole.db"), join(folder, "daily.db")];
    for (const lines of Map.groupBy(log.split(/(?<=\n)/), (line) => line.slice(0, "2026-03-02 08".length)).values()) {
      appendFileSync(file, lines.join(""));
      // Twice a day, at different hours.
      if (/ (?:07|16)$/.test(lines[0]?.slice(0, "2026-03-02 08".length) ?? "")) {
        await ingestInto(daily, [file], { server: "mx1", timeZone: "UTC" });
        await detectIn(daily);
      }
    }
    for (const path of [daily, whole]) {
      await ingestInto(path, [file], { server: "mx1", timeZone: "UTC" });
      await detectIn(path);
    }
    const found = incidentsIn(whole);
    expect(found.filter((one) => (one as { kind: string }).kind === "hacked_account").length).toBeGreaterThanOrEqual(3);
    expect(incidentsIn(daily)).toEqual(found);
  });

  test("reads as much after five minutes in a log of ten days as in one of three", async () => {
    const [short, long] = [await rowsAfterFiveMinutes(3), await rowsAfterFiveMinutes(10)];
    expect(short).toBeGreaterThan(20);
    expect(long).toBeLessThan(2 * short);
  });

  test("begins with the first line once for a log that is read every hour, and goes on from then", async () => {
    const folder = temporaryFolder();
    const [main, reject, path] = [join(folder, "mainlog"), join(folder, "rejectlog"), join(folder, "mail.db")];
    const linesOf = (fromMinute: number, text: string): string =>
      Array.from({ length: 10 }, (_, index) => {
        const ms = START_MS + (fromMinute + index) * MINUTE_MS;
        return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} ${text}\n`;
      }).join("");
    const begun: number[] = [];
    let waiting = "";
    for (let minute = 0; minute < 300; minute += 10) {
      appendFileSync(main, linesOf(minute, "Start queue run: pid=1"));
      waiting += linesOf(minute, "plain authenticator failed for (x) [192.0.2.7]: 535 Incorrect (set_id=ann)");
      const isHour = (minute + 10) % 60 === 0;
      if (isHour) appendFileSync(reject, waiting);
      if (isHour) waiting = "";
      await ingestInto(path, isHour ? [main, reject] : [main], { server: "mx1", timeZone: "UTC" });
      const found = await detectIn(path);
      if (found[0]?.isFresh !== false) begun.push(minute);
    }
    expect(begun).toEqual([0, 50]);
    expect(incidentsIn(path)).toMatchObject([{ kind: "login_attack", subject: "client 192.0.2.7" }]);
  });

  test("finds the same again, from the first line, and changes nothing", async () => {
    const path = await copyOf(await whole());
    const before = queryAll(path, "SELECT * FROM stored_incidents ORDER BY id");
    for (const again of [false, true]) {
      const found = await detectIn(path, NOW, again);
      expect(found.flatMap(({ changes }) => changes)).toEqual([]);
      expect(queryAll(path, "SELECT * FROM stored_incidents ORDER BY id")).toEqual(before);
    }
  });

  test("says of an old log that nothing goes on, and of a new one that it does until two hours are quiet", async () => {
    const path = await whole();
    expect(queryAll(path, "SELECT 1 FROM stored_incidents WHERE end_ms IS NULL")).toEqual([]);
    const folder = temporaryFolder();
    const [log, fresh] = [join(folder, "mainlog"), join(folder, "new.db")];
    const [episode] = queryAll<{ ms: number }>(
      path,
      "SELECT last_ms AS ms FROM stored_incidents WHERE kind = 'throttled' ORDER BY start_ms LIMIT 1",
    );
    const ms = episode?.ms ?? 0;
    const until = (end: number): string => logOf(TRAFFIC.happenings.filter((happening) => happening.ms <= end));
    const known = until(ms);
    appendFileSync(log, known);
    await ingestInto(fresh, [log], { server: "mx1", timeZone: "UTC" });
    await detectIn(fresh, epochMs(ms + 60_000));
    const status = (): readonly unknown[] =>
      queryAll(fresh, "SELECT status FROM stored_incidents WHERE kind = 'throttled' AND last_ms = ?", ms);
    expect(status()).toEqual([{ status: "open" }]);
    appendFileSync(log, until(ms + 3 * HOUR_MS).slice(known.length));
    await ingestInto(fresh, [log], { server: "mx1", timeZone: "UTC" });
    const [server] = await detectIn(fresh, epochMs(ms + 3 * HOUR_MS));
    expect(server?.changes.map(({ reason, incident }) => [reason, incident.kind])).toContainEqual([
      "over",
      "throttled",
    ]);
    expect(status()).toEqual([{ status: "over" }]);
  });

  test("takes no stamp of the future for a line", async () => {
    const folder = temporaryFolder();
    const [log, path] = [join(folder, "mainlog"), join(folder, "mail.db")];
    appendFileSync(log, `${LOG}2099-01-01 00:00:00 Start queue run: pid=1\n`);
    await ingestInto(path, [log], { server: "mx1", timeZone: "UTC" });
    await detectIn(path);
    expect(incidentsIn(path)).toEqual(incidentsIn(await whole()));
  });
});

describe("words of people", () => {
  test("stay when facts are derived again, detected again, or pruned", async () => {
    const path = await copyOf(await whole());
    const [first] = queryAll<{ id: number }>(path, "SELECT min(id) AS id FROM stored_incidents");
    const id = first?.id ?? 0;
    await withWriter(path, (writer) =>
      writer.write((transactor) =>
        judge(transactor, id, { action: "resolve", author: "ann", note: "mended", now: NOW }),
      ),
    );
    const told = (): readonly unknown[] =>
      queryAll(path, "SELECT status, author, resolution, message_ids FROM correlated_incidents WHERE id = ?", id);
    const before = told();
    expect(before).toMatchObject([{ status: "resolved", author: "ann", resolution: "mended" }]);
    expect((await runCli(["rebuild", "--db", path, "--quiet"])).status).toBe(0);
    expect(queryAll(path, "SELECT 1 FROM detection_states")).toEqual([]);
    const found = await detectIn(path);
    expect(found.flatMap(({ changes }) => changes)).toEqual([]);
    expect(told()).toEqual(before);
    const spans = { logs: "1d", messages: "1d", open: "1d" };
    await runPrune(path, { ...pruneOptions(path, NOW, spans), isForced: true });
    expect(queryAll(path, "SELECT 1 FROM raw_blocks")).toEqual([]);
    await detectIn(path, NOW, true);
    expect(told()).toEqual(before);
  });

  test("settle an incident: what follows soon is a part of it, what comes later a new one", async () => {
    const path = await copyOf(await whole());
    const [last] = queryAll<{ id: number; kind: string; last_ms: number }>(
      path,
      "SELECT id, kind, last_ms FROM stored_incidents WHERE kind = 'queue_growth' ORDER BY last_ms - start_ms DESC LIMIT 1",
    );
    const { id = 0, kind = "", last_ms = 0 } = last ?? {};
    const settle = (hoursBefore: number): void => {
      const database = openDirectly(path);
      database.pragma("foreign_keys = ON");
      database.prepare("DELETE FROM stored_incidents WHERE previous_id = ?").run(id);
      database
        .prepare("UPDATE stored_incidents SET status = 'resolved', decided_ms = ? WHERE id = ?")
        .run(last_ms - hoursBefore * HOUR_MS, id);
      database.close();
    };
    const followers = (): readonly unknown[] =>
      queryAll(path, "SELECT kind FROM stored_incidents WHERE previous_id = ?", id);
    settle(2);
    await detectIn(path, NOW, true);
    expect(followers()).toEqual([]);
    settle(8);
    await detectIn(path, NOW, true);
    expect(followers()).toEqual([{ kind }]);
  });
});

/** Rows that a run asks for, five minutes after the one before. */
async function rowsAfterFiveMinutes(days: number): Promise<number> {
  const endMs = START_MS + days * DAY_MS + 11.5 * HOUR_MS;
  const [log, path] = [join(temporaryFolder(), "mainlog"), join(temporaryFolder(), "mail.db")];
  const known = logOf(TRAFFIC.happenings.filter(({ ms }) => ms < endMs));
  appendFileSync(log, known);
  await ingestInto(path, [log], { server: "mx1", timeZone: "UTC" });
  await detectIn(path, epochMs(endMs));
  const untilMs = endMs + 5 * MINUTE_MS;
  appendFileSync(log, logOf(TRAFFIC.happenings.filter(({ ms }) => ms < untilMs)).slice(known.length));
  await ingestInto(path, [log], { server: "mx1", timeZone: "UTC" });
  const counts: number[] = [];
  listen({ onStep: () => () => {}, onStatement: () => (count) => void counts.push(count), onPlan: undefined });
  try {
    const [server] = await detectIn(path, epochMs(untilMs));
    expect(server?.isFresh).toBe(false);
  } finally {
    listen(undefined);
  }
  return counts.reduce((sum, count) => sum + count, 0);
}

/** JSON with the keys of objects in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}

async function copyOf(path: string): Promise<string> {
  const { copyDatabase } = await import("../support/database.ts");
  const copy = join(temporaryFolder(), "copy.db");
  copyDatabase(path, copy);
  return copy;
}
