/**
 * Pruning against a model: the policy, read from what was stored before, in plain loops. After a prune the views hold exactly
 * what the model keeps, whatever the lines, the batches and the cutoffs.
 */
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { type PruneOptions, type PruneProgress, pruneStatus, rehearse } from "../../src/retention/prune.ts";
import { RawTextReader } from "../../src/store/log-text/blocks.ts";
import { FreshPostings, indexPostings, postingsInsert, unpackBlocks } from "../../src/store/log-text/postings.ts";
import { TEXT_REFERENCES } from "../../src/store/schema/text-references.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, openDirectly, temporaryFolder } from "../support/database.ts";
import { generateTraffic } from "../support/generate.ts";
import { errorOf } from "../support/pilot-error.ts";
import { databaseOf, dumpRows, pruneOptions, runPrune, withPruner } from "../support/pruning.ts";
import { toSyslog } from "../support/syslog.ts";
import { differences, dumpSources, dumpViews, queryAll } from "../support/views.ts";

/** EXIM_PILOT_TORTURE=500 tries 500 databases. */
const RUNS = Number(process.env["EXIM_PILOT_TORTURE"] ?? 5);
vi.setConfig({ testTimeout: 60_000 + RUNS * 5000 });
const START_MS = Date.UTC(2026, 2, 2);
const OPEN = ["received", "queued", "deferred", "frozen"];

describe("after a prune", () => {
  const scenario = fc.record({
    seed: fc.nat(1_000_000),
    messages: fc.integer({ min: 4, max: 30 }),
    gapMs: fc.constantFrom(20 * 60_000, 3 * HOUR_MS, 20 * HOUR_MS),
    batchLines: fc.constantFrom(1, 2, 5, 17),
    logsShare: fc.double({ min: 0, max: 1, noNaN: true }),
    messagesShare: fc.double({ min: 0, max: 1, noNaN: true }),
    isForced: fc.boolean(),
    openShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    isSyslog: fc.boolean(),
  });

  test("the views hold exactly what the policy keeps, and a rehearsal had told the rows", async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ logsShare, messagesShare, isForced, openShare, ...traffic }) => {
        const logs = writeTraffic(traffic);
        const path = join(temporaryFolder(), "pilot.db");
        await ingestInto(path, logs, { batchLines: traffic.batchLines });
        const before = readModel(path);
        const now = epochMs(before.lastMs + HOUR_MS);
        const span = (share: number) => Math.round((now - START_MS) * share);
        const policy = {
          logs: span(logsShare),
          messages: span(messagesShare),
          open: openShare === undefined ? undefined : span(openShare),
          audit: undefined,
          snapshots: undefined,
          content: undefined,
          outbox: undefined,
          incidents: undefined,
          notes: undefined,
        };
        const options = { ...pruneOptions(path, now), policy, isForced };
        const kept = keptBy(before, options);
        const isEverything =
          !isForced && ((before.blocks.length > 0 && kept.blocks.size === 0) || kept.messages.size === 0);
        if (isEverything) {
          const all = dumpRows(path);
          expect(await errorOf(runPrune(path, options))).toMatchObject({ code: "check_failed" });
          expect(dumpRows(path)).toEqual(all);
          return;
        }
        const expected = keptRows(path, kept);
        const sources = dumpSources(path);
        const told = await withPruner(path, { isRehearsal: true }, (pruner) => rehearse(pruner, options));
        const report = await runPrune(path, options);
        expect(nonZero(report.removed)).toEqual(nonZero(told.removed));
        expect(report.textBytes).toBe(told.textBytes);
        expect(dumpRows(path)).toEqual(expected);
        expect(dumpSources(path)).toEqual(sources);
        expectSound(path, kept);
        await expectLinesToAgree(path, before, kept);
        expect(nonZero((await runPrune(path, options)).removed)).toEqual({});
        await ingestInto(path, logs, { batchLines: 3 });
        expect(dumpRows(path)).toEqual(expected);
      }),
      {
        numRuns: RUNS,
        examples: [
          // A refusal whose envelope is told by the reject log alone, and whose message outlives the text of both logs.
          [
            {
              seed: 236_201,
              messages: 8,
              gapMs: 20 * 60_000,
              batchLines: 1,
              logsShare: 0,
              messagesShare: 0.2914745832076854,
              isForced: true,
              openShare: undefined,
              isSyslog: false,
            },
          ],
        ],
      },
    );
  });

  test("its archive gives back what went, and continues into the log it is of", async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ logsShare, ...traffic }) => {
        const logs = writeTraffic(traffic);
        const [path, archive] = [join(temporaryFolder(), "pilot.db"), join(temporaryFolder(), "archive")];
        await ingestInto(path, logs, { batchLines: traffic.batchLines });
        const before = readModel(path);
        const now = epochMs(before.lastMs + HOUR_MS);
        const span = Math.round((now - START_MS) * logsShare);
        const options = {
          ...pruneOptions(path, now),
          policy: {
            logs: span,
            messages: span,
            open: span,
            audit: undefined,
            snapshots: undefined,
            content: undefined,
            outbox: undefined,
            incidents: undefined,
            notes: undefined,
          },
          isForced: true,
          archive,
        };
        const kept = keptBy(before, options);
        const whole = dumpViews(path);
        const report = await runPrune(path, options);
        const files = existsSync(archive) ? readdirSync(archive).filter((name) => name.endsWith(".gz")) : [];
        expect(report.archived.map((file) => file.slice(archive.length + 1)).sort()).toEqual(files.sort());
        const again = join(temporaryFolder(), "again.db");
        for (const file of files) await ingestArchive(again, archive, file);
        const gone = new Set(before.messages.filter(({ id }) => !kept.messages.has(id)).map(({ eximId }) => eximId));
        if (gone.size > 0) {
          const returned = dumpViews(again);
          for (const view of ["messages", "recipients", "delivery_attempts"]) {
            const isGone = (row: string): boolean => {
              const { id, message_id } = JSON.parse(row) as { id?: string; message_id?: string };
              return gone.has(message_id ?? id ?? "");
            };
            expect((returned[view] ?? []).filter(isGone)).toEqual((whole[view] ?? []).filter(isGone));
          }
        }
        await ingestInto(again, logs, { batchLines: 4 });
        expect(differences(dumpViews(again), whole)).toEqual([]);
      }),
      { numRuns: Math.ceil(RUNS / 3) },
    );
  });
});

describe("prune", () => {
  test("keeps a message on the queue, and every message of a chain of which one stays", async () => {
    const path = await databaseOf([
      "2026-03-02 08:00:00 1vx5YS-0006QZ-1J <= a@example.org H=h [192.0.2.1] S=300",
      "2026-03-02 08:00:01 1vx5YS-0006QZ-1J == b@example.com R=r T=t defer (-53): retry",
      "2026-03-02 09:00:00 1vx5YS-0006QZ-2J <= a@example.org H=h [192.0.2.1] S=300",
      "2026-03-02 09:00:01 1vx5YS-0006QZ-2J ** b@example.com: no",
      "2026-03-02 09:00:02 1vx5YS-0006QZ-3J <= <> R=1vx5YS-0006QZ-2J U=mail P=local S=500",
      "2026-03-02 09:00:03 1vx5YS-0006QZ-2J Completed",
      "2026-03-02 10:00:00 1vx5YS-0006QZ-4J <= a@example.org H=h [192.0.2.1] S=300",
      "2026-03-02 10:00:01 1vx5YS-0006QZ-4J => b@example.com R=r T=t H=h [192.0.2.1]",
      "2026-03-02 10:00:01 1vx5YS-0006QZ-4J Completed",
      "2026-05-02 09:00:02 1vx5YS-0006QZ-3J => a@example.org R=r T=t H=h [192.0.2.1]",
      "2026-05-02 09:00:02 1vx5YS-0006QZ-3J Completed",
    ]);
    const now = epochMs(Date.UTC(2026, 4, 20));
    const ids = () => queryAll<{ id: string }>(path, "SELECT id FROM messages ORDER BY id").map(({ id }) => id.at(-2));
    const report = await runPrune(path, pruneOptions(path, now, { logs: "30d", messages: "30d" }));
    expect(ids()).toEqual(["1", "2", "3"]);
    expect(report.openMessages).toBe(1);
    await runPrune(path, pruneOptions(path, now, { logs: "30d", messages: "30d", open: "60d" }));
    expect(ids()).toEqual(["2", "3"]);
    await runPrune(path, { ...pruneOptions(path, now, { logs: "30d", messages: "30d" }), isForced: true });
    expect(ids()).toEqual(["3"]);
  });

  test("gives space back to the system, and the file stays sound", async () => {
    const { path, now } = await largeDatabase();
    const report = await runPrune(path, pruneOptions(path, now, { logs: "12h", messages: "12h" }));
    expect(report.after.bytes).toBeLessThan(report.before.bytes * 0.7);
    expect(report.after.bytes).toBe(report.after.usedBytes);
    expect(report.needsVacuum).toBe(false);
    expect(queryAll(path, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
  });

  test("tells each step when it begins, and how far it is with its list", async () => {
    const { path, now } = await largeDatabase();
    const told: PruneProgress[] = [];
    const options = pruneOptions(path, now, { logs: "12h", messages: "12h" });
    await runPrune(path, { ...options, vacuum: true, onProgress: (progress) => told.push(progress) });
    const begun = told.filter(({ done }) => done === 0).map(({ step }) => step);
    expect(begun).toEqual(["planning", "planning", "archive", "text", "messages", "names", "space", "vacuum"]);
    const last = told.findLast(({ step }) => step === "messages");
    expect(last?.done).toBeGreaterThan(0);
    expect(last?.total).toBe(last?.done);
  });

  test("removes the oldest until the database is as small as wanted, or says that it cannot be", async () => {
    const { path, now } = await largeDatabase();
    const options = {
      ...pruneOptions(path, now),
      policy: {
        logs: undefined,
        messages: undefined,
        open: undefined,
        audit: undefined,
        snapshots: undefined,
        content: undefined,
        outbox: undefined,
        incidents: undefined,
        notes: undefined,
      },
    };
    const { size } = await withPruner(path, { isRehearsal: true }, (pruner) => ({ size: pruner.size() }));
    const maxSize = Math.round(size.bytes * 0.6);
    const last = () => queryAll<{ last: string }>(path, "SELECT max(timestamp) AS last FROM log_entries");
    const newest = last();
    const report = await runPrune(path, { ...options, maxSize });
    expect(report.after.bytes).toBeLessThanOrEqual(maxSize);
    expect(report.after.bytes).toBeGreaterThan(maxSize * 0.5);
    expect(last()).toEqual(newest);
    expect(await errorOf(runPrune(path, { ...options, maxSize: 1000 }))).toMatchObject({
      code: "check_failed",
      message: expect.stringContaining("cannot be made as small"),
    });
    expect(queryAll<{ blocks: number }>(path, "SELECT count(*) AS blocks FROM raw_blocks")[0]?.blocks).toBeGreaterThan(
      0,
    );
  });

  test("makes a file that cannot shrink smaller with a vacuum, if there is space for it", async () => {
    const { path, now } = await largeDatabase();
    const database = openDirectly(path);
    database.pragma("auto_vacuum = NONE");
    database.exec("VACUUM");
    database.close();
    const options = pruneOptions(path, now, { logs: "12h", messages: "12h" });
    const first = await runPrune(path, options);
    expect(first.needsVacuum).toBe(true);
    expect(first.after.bytes).toBeGreaterThanOrEqual(first.before.bytes);
    const refused = await errorOf(runPrune(path, { ...options, vacuum: true, freeBytes: () => 1000 }));
    expect(refused.code).toBe("disk_full");
    const second = await runPrune(path, { ...options, vacuum: true });
    expect(second.after.bytes).toBeLessThan(first.before.bytes * 0.7);
    expect(await withPruner(path, { isRehearsal: true }, (pruner) => pruner.canShrink)).toBe(true);
  });

  test("refuses when the clock is behind most lines, or the file is damaged", async () => {
    const { path, now } = await largeDatabase();
    const behind = epochMs(START_MS - 3 * DAY_MS);
    expect(await errorOf(runPrune(path, pruneOptions(path, behind)))).toMatchObject({
      code: "check_failed",
      message: expect.stringContaining("The clock says"),
    });
    const copy = join(temporaryFolder(), "damaged.db");
    copyFileSync(path, copy);
    const bytes = readFileSync(copy);
    bytes.fill(0x5a, bytes.length / 2, bytes.length / 2 + 9000);
    writeFileSync(copy, bytes);
    expect(await errorOf(runPrune(copy, pruneOptions(copy, now)))).toMatchObject({ code: "corrupt" });
  });

  test("can be interrupted between two steps, and the next run goes on", async () => {
    const { path, now } = await largeDatabase();
    const other = join(temporaryFolder(), "undisturbed.db");
    copyFileSync(path, other);
    const controller = new AbortController();
    let calls = 0;
    const countingNow = () => {
      if (++calls === 9) controller.abort();
      return now;
    };
    const options = pruneOptions(path, now, { logs: "12h", messages: "12h" });
    const error = await errorOf(runPrune(path, { ...options, now: countingNow, signal: controller.signal }));
    expect(error.code).toBe("interrupted");
    await runPrune(path, options);
    await runPrune(other, { ...options, path: other });
    expect(dumpRows(path)).toEqual(dumpRows(other));
  });

  test("lets new logs in afterwards, also when the youngest blocks were pruned", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "pilot.db");
    const [young, old] = [join(folder, "young"), join(folder, "old")];
    const lines = (month: string) =>
      [1, 2, 3]
        .map((day) => `2026-${month}-0${day} 08:00:00 1vx5YS-0006QZ-${month.slice(1)}${day} <= a@example.org S=3\n`)
        .join("");
    writeFileSync(young, `${lines("05")}2026-05-04 08:00:00 1vx5YS-0006QZ-52 Completed\n`);
    writeFileSync(old, lines("01"));
    await ingestInto(path, [young, old], { batchLines: 1, logType: "main" });
    await runPrune(path, pruneOptions(path, epochMs(Date.UTC(2026, 4, 5)), { logs: "30d", messages: "30d" }));
    const later = join(folder, "later");
    writeFileSync(later, lines("06"));
    await ingestInto(path, [later], { batchLines: 1, logType: "main" });
    expect(queryAll(path, "SELECT count(*) AS entries FROM log_entries")).toEqual([{ entries: 4 + 3 + 3 }]);
    expect(
      queryAll(path, "SELECT id / 65536 AS block, count(*) AS n FROM stored_entries GROUP BY 1 HAVING n > 1"),
    ).toEqual([]);
  });

  test("tells what there is of each class", async () => {
    const { path, now } = await largeDatabase();
    const status = await withPruner(path, { isRehearsal: true }, (pruner) =>
      pruneStatus(pruner, pruneOptions(path, now, { logs: "12h", messages: "forever" })),
    );
    expect(status.classes.map(({ name }) => name)).toEqual([
      "logs",
      "messages",
      "audit",
      "snapshots",
      "content",
      "outbox",
      "incidents",
      "notes",
    ]);
    const [logs, messages] = status.classes;
    expect(logs).toMatchObject({ cutoff: new Date(now - 12 * HOUR_MS).toISOString() });
    expect(logs?.expired).toBeGreaterThan(0);
    expect(logs?.expired).toBeLessThan(logs?.total ?? 0);
    expect(messages).toMatchObject({ cutoff: null, expired: 0 });
    expect(messages?.total).toBe(queryAll<{ n: number }>(path, "SELECT count(*) AS n FROM messages")[0]?.n);
  });
});

describe("the list of columns that name texts", () => {
  test("is that of the schema", async () => {
    const path = await databaseOf(["2026-03-02 08:00:00 exim 4.96 daemon started: pid=812"]);
    const notTexts = [
      "server_id",
      "source_id",
      "message_id",
      "entry_id",
      "path_id",
      "problem_id",
      "block_id",
      "last_id",
      "first_id",
      "sample_id",
      "id",
      "parent_exim_id",
      "exim_id",
      "request_id",
      "snapshot_id",
      "content_id",
      "user_id",
      "owner_user_id",
      "incident_id",
      "digest_id",
      "remote_id",
      "previous_id",
    ];
    const columns = queryAll<{ column: string }>(
      path,
      `SELECT t.name || '.' || c.name AS column FROM sqlite_schema t JOIN pragma_table_info(t.name) c
       WHERE t.type = 'table' AND c.name LIKE '%\\_id' ESCAPE '\\'`,
    ).map(({ column }) => column);
    const listed = TEXT_REFERENCES.flatMap(({ table, strings, addresses }) =>
      [...strings, ...addresses].map((column) => `${table}.${column}`),
    );
    const found = columns.filter(
      (column) => !notTexts.includes(column.split(".")[1] ?? "") && !column.includes("header_"),
    );
    expect([...listed].sort()).toEqual(found.sort());
  });
});

// ---- The model ----

interface Model {
  readonly lastMs: EpochMs;
  readonly blocks: readonly { readonly id: number; readonly source: number; readonly untilMs: number }[];
  readonly messages: readonly {
    readonly id: number;
    readonly eximId: string;
    readonly parent: string | null;
    readonly status: string;
    readonly lastAt: number;
  }[];
  readonly entries: readonly {
    readonly id: number;
    readonly message: number | null;
    readonly places: readonly number[];
  }[];
}

interface Kept {
  readonly blocks: ReadonlySet<number>;
  readonly messages: ReadonlySet<number>;
  readonly eximIds: ReadonlySet<string>;
  readonly entries: ReadonlySet<number>;
}

function readModel(path: string): Model {
  const duplicateLocations = queryAll<{ location: number; entry: number }>(
    path,
    "SELECT location, entry_id AS entry FROM duplicate_locations",
  );
  const blocks = queryAll<Model["blocks"][number]>(
    path,
    `SELECT b.id, source_id AS source, coalesce(b.last_ms, b.clock_ms, s.created_ms) AS untilMs
     FROM raw_blocks b JOIN stored_sources s ON s.id = b.source_id ORDER BY b.source_id, b.position`,
  );
  return {
    lastMs: epochMs(
      Math.max(...queryAll<{ ms: number }>(path, "SELECT last_ms AS ms FROM raw_blocks").map(({ ms }) => ms)),
    ),
    blocks,
    messages: queryAll(
      path,
      `SELECT m.id, exim_id AS eximId, parent_exim_id AS parent, c.name AS status, last_at AS lastAt
       FROM stored_messages m JOIN codes c ON c.family = 'message_status' AND c.code = m.status`,
    ),
    entries: queryAll<{ id: number; message: number | null }>(
      path,
      "SELECT id, message_id AS message FROM stored_entries",
    ).map((entry) => ({
      ...entry,
      places: [
        entry.id,
        ...duplicateLocations
          .filter((duplicateLocation) => duplicateLocation.entry === entry.id)
          .map(({ location }) => location),
      ],
    })),
  };
}

function keptBy({ blocks, messages, entries }: Model, { policy, isForced, now }: PruneOptions): Kept {
  const isOlder = (ms: number, span: number | undefined): boolean => span !== undefined && ms < now() - span;
  const staying = new Set<number>();
  const begun = new Set<number>();
  for (const { id, source, untilMs } of blocks) {
    if (!isOlder(untilMs, policy.logs)) begun.add(source);
    if (begun.has(source)) staying.add(id);
  }
  const hasText = ({ places }: Model["entries"][number]): boolean =>
    places.some((place) => staying.has(Math.floor(place / 65_536)));
  const withText = new Set(entries.filter(hasText).map(({ message }) => message));
  const keptMessages = new Set(
    messages
      .filter(({ id, status, lastAt }) => {
        const ms = lastAt / 1000;
        const isOpen = !isForced && OPEN.includes(status) && !isOlder(ms, policy.open);
        return !isOlder(ms, policy.messages) || isOpen || withText.has(id);
      })
      .map(({ id }) => id),
  );
  for (let size = -1; !isForced && size !== keptMessages.size; ) {
    size = keptMessages.size;
    for (const one of messages)
      for (const other of messages) {
        if (one.parent !== other.eximId || keptMessages.has(one.id) === keptMessages.has(other.id)) continue;
        keptMessages.add(one.id).add(other.id);
      }
  }
  return {
    blocks: staying,
    messages: keptMessages,
    eximIds: new Set(messages.filter(({ id }) => keptMessages.has(id)).map(({ eximId }) => eximId)),
    entries: new Set(
      entries
        .filter((entry) => (entry.message === null ? hasText(entry) : keptMessages.has(entry.message)))
        .map(({ id }) => id),
    ),
  };
}

function keptRows(path: string, kept: Kept): Record<string, string[]> {
  return dumpRows(path, kept);
}

/** Text is there for exactly the lines whose block is; every text of the tables of texts is named, and can be found. */
function expectSound(path: string, kept: Kept): void {
  const database = new Database(path, { readonly: true });
  try {
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    expect(database.pragma("foreign_key_check")).toEqual([]);
    const blocks = database.prepare("SELECT id FROM raw_blocks").pluck().all() as number[];
    expect(new Set(blocks)).toEqual(kept.blocks);
    const dangling = database.prepare(
      "SELECT count(*) FROM duplicate_locations WHERE location / 65536 NOT IN (SELECT id FROM raw_blocks)",
    );
    expect(dangling.pluck().get()).toBe(0);
    for (const [table, used] of [
      ["delivery_paths", "SELECT path_id AS id FROM address_events"],
      ["delivery_problems", "SELECT problem_id AS id FROM address_events UNION SELECT problem_id FROM stored_clients"],
    ]) {
      const named = `SELECT id FROM (${used}) WHERE id IS NOT NULL`;
      expect(database.prepare(`SELECT count(*) FROM ${table} WHERE id NOT IN (${named})`).pluck().get()).toBe(0);
      expect(
        database.prepare(`SELECT count(*) FROM (${named}) WHERE id NOT IN (SELECT id FROM ${table})`).pluck().get(),
      ).toBe(0);
    }
    expectPostings(path);
    const rawText = new RawTextReader(database);
    for (const id of database.prepare("SELECT id FROM stored_entries").pluck().all() as number[])
      expect(rawText.entryText(id) !== undefined).toBe(kept.blocks.has(Math.floor(id / 65_536)));
    for (const [table, column, index] of [
      ["strings", "text", "string_ids"],
      ["addresses", "address", "address_ids"],
    ] as const) {
      const named = TEXT_REFERENCES.flatMap(({ table: from, ...columns }) =>
        columns[table].map((name) => `SELECT ${name} AS id FROM ${from} WHERE ${name} IS NOT NULL`),
      ).join(" UNION ");
      expect(database.prepare(`SELECT count(*) FROM ${table} WHERE id NOT IN (${named})`).pluck().get()).toBe(0);
      expect(
        database.prepare(`SELECT count(*) FROM (${named}) WHERE id NOT IN (SELECT id FROM ${table})`).pluck().get(),
      ).toBe(0);
      const same = `SELECT count(*) FROM ${table} t JOIN ${index} i ON i.id = t.id AND i.${column} = t.${column}`;
      const [all, indexed, paired] = [`SELECT count(*) FROM ${table}`, `SELECT count(*) FROM ${index}`, same].map(
        (sql) => database.prepare(sql).pluck().get(),
      );
      expect([indexed, paired]).toEqual([all, all]);
    }
  } finally {
    database.close();
  }
}

/** Expects the remaining lines to agree with what is stored, and a count of the entries and messages that cannot be compared. */
async function expectLinesToAgree(path: string, before: Model, kept: Kept): Promise<void> {
  const { stdout } = await runCli(["verify", "--deep", "--json", "--db", path]);
  const { checks } = JSON.parse(stdout) as {
    checks: { name: string; findings: string[]; exclusions?: { entries: number; messages: number } }[];
  };
  expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
  const { exclusions } = checks.find(({ name }) => name === "lines") ?? {};
  expect(exclusions === undefined).toBe(before.blocks.length === kept.blocks.size);
  if (exclusions === undefined) return;
  const lacksText = ({ places }: Model["entries"][number]): boolean =>
    places.some((place) => !kept.blocks.has(Math.floor(place / 65_536)));
  const without = before.entries.filter((entry) => kept.entries.has(entry.id) && lacksText(entry));
  const messages = new Set(without.flatMap(({ message }) => message ?? []));
  const touched = before.entries.filter(({ message }) => message !== null && messages.has(message));
  expect(exclusions.messages).toBeGreaterThanOrEqual(messages.size);
  // Equal lines of two logs may be paired in another way, and then a few more cannot be told.
  expect(exclusions.entries).toBeGreaterThanOrEqual(new Set([...without, ...touched]).size);
  expect(exclusions.entries).toBeLessThanOrEqual(new Set([...without, ...touched]).size + 4);
}

/** Every entry is found by what it says, and no block is named of which nothing is left. */
function expectPostings(path: string): void {
  const copy = `${path}.postings`;
  copyFileSync(path, copy);
  const database = openDirectly(copy);
  const postings = (): Set<string> => {
    const rows = database
      .prepare<[], { kind: number; key: number; block_id: number; further_blocks: Uint8Array | null }>(
        "SELECT kind, key, block_id, further_blocks FROM postings",
      )
      .all();
    return new Set(
      rows.flatMap(({ kind, key, block_id, further_blocks }) =>
        unpackBlocks(block_id, further_blocks).map((block) => `${kind} ${key} ${block}`),
      ),
    );
  };
  try {
    const lastId = database
      .prepare("SELECT last_id FROM text_indexes WHERE table_name = 'raw_blocks'")
      .pluck()
      .get() as number;
    const alive = database
      .prepare("SELECT id FROM raw_blocks UNION SELECT id / 65536 FROM stored_entries")
      .pluck()
      .all();
    const stored = postings();
    database.exec("DELETE FROM postings; UPDATE text_indexes SET last_id = 0 WHERE table_name = 'raw_blocks'");
    indexPostings(database, postingsInsert(database), new FreshPostings());
    const blockOf = (posting: string): number => Number(posting.split(" ")[2]);
    const needed = [...postings()].filter((posting) => blockOf(posting) <= lastId);
    expect(needed.filter((posting) => !stored.has(posting))).toEqual([]);
    expect([...stored].filter((posting) => !alive.includes(blockOf(posting)))).toEqual([]);
  } finally {
    database.close();
  }
}

interface Traffic {
  readonly seed: number;
  readonly messages: number;
  readonly gapMs: number;
  readonly isSyslog?: boolean;
}

const SYSLOG_FORM = { header: "3339", hasPriority: false, hasStamp: true, pieceBytes: 200 } as const;

function writeTraffic({ seed, messages, gapMs, isSyslog = false }: Traffic): string[] {
  const folder = temporaryFolder();
  const entries = [...generateTraffic({ seed, messages, gapMs, startMs: START_MS })];
  const textOf = (log: "main" | "reject"): string => entries.map((entry) => entry[log] ?? "").join("");
  if (isSyslog) {
    const path = join(folder, "syslog");
    writeFileSync(path, toSyslog({ main: textOf("main"), reject: textOf("reject") }, SYSLOG_FORM), "latin1");
    return [path];
  }
  return (["main", "reject"] as const).flatMap((log) => {
    const text = textOf(log);
    const path = join(folder, `${log}log`);
    writeFileSync(path, text);
    return text === "" ? [] : [path];
  });
}

async function largeDatabase(): Promise<{ path: string; now: EpochMs }> {
  const path = join(temporaryFolder(), "pilot.db");
  await ingestInto(path, writeTraffic({ seed: 5, messages: 700, gapMs: 120_000 }), { batchLines: 50 });
  return { path, now: epochMs(readModel(path).lastMs + HOUR_MS) };
}

async function ingestArchive(path: string, directory: string, file: string): Promise<void> {
  const manifest = JSON.parse(readFileSync(join(directory, `${file}.json`), "utf8")) as { ingest: string[] };
  const [command, , server = "", , timeZone = "", , logType, name = ""] = manifest.ingest;
  expect([command, name]).toEqual(["ingest", file]);
  await ingestInto(path, [join(directory, name)], { server, timeZone, logType: logType as "main" });
}

function nonZero(rows: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(rows).filter(([, count]) => count > 0));
}
