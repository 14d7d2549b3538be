/** Frequent questions use an index: no query behind trace and search scans a table that grows with the logs. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Reader } from "../../src/store/reader.ts";
import { HAS_NO_ARRIVAL, IS_INDEXED_BY_STATUS, loadCodes } from "../../src/store/schema/codes.ts";
import type { Filter } from "../../src/store/search/filter.ts";
import { buildChain } from "../../src/trace/chain.ts";
import { findMessages } from "../../src/trace/find-messages.ts";
import { readSubject } from "../../src/trace/subject.ts";
import { traceAll } from "../../src/trace/trace.ts";
import { HOUR_MS } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { NOW } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
beforeAll(async () => {
  await makeGoldenDatabase(DB);
  await runCli(["tag", "1vx5YT-0006RL-10", "ticket-4711", "--db", DB]);
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const NEWEST = { order: { key: "time", isAscending: false }, after: undefined, limit: 50 } as const;

/** A scan of one of these is what must not be; small tables, lists that are given and orders of an index may be walked. */
const GROWING = [
  "raw_blocks",
  "addresses",
  "strings",
  "address_ids",
  "string_ids",
  "postings",
  "stored_messages",
  "stored_recipients",
  "address_events",
  "stored_entries",
  "stored_rejections",
  "stored_clients",
  "duplicate_locations",
];

describe("no table is walked through by", () => {
  test.each<[string, Filter]>([
    ["sender", { sender: ["app@partner.example"] }],
    ["recipient", { recipient: ["bob@example.org"] }],
    ["address", { address: ["bob@example.org"] }],
    ["host", { host: ["mx.rules.example"] }],
    ["IP", { ip: ["203.0.113.103"] }],
    ["net", { ip: ["203.0.113.0/24"] }],
    ["Message-ID", { messageId: ["l00830.1772790326@sender1.example"] }],
    ["tag", { tag: ["ticket-*"] }],
    ["status", { status: ["frozen", "deferred"], kind: ["message"] }],
    ["time", { since: 0 as never }],
    ["sender, status and time", { sender: ["app@partner.example"], status: ["deferred"], since: 0 as never }],
  ])("search by %s", async (_what, filter) => {
    const { plans, found } = await watch(async (reader) => {
      const hits = await reader.search.find({ ...NEWEST, filter });
      return (await reader.search.read(hits)).length;
    });
    expect(found).toBeGreaterThan(0);
    expect(plans.length).toBeGreaterThan(3);
    expect(plans.filter(isWalk)).toEqual([]);
  });

  test("search by a pattern of many recipients, and none of these is looked up among those of each message", async () => {
    const { plans, found } = await watch(async (reader) => {
      return (await reader.search.find({ ...NEWEST, filter: { recipient: ["*@*.example"] } })).length;
    });
    expect(found).toBeGreaterThan(10);
    expect(plans.filter(isWalk)).toEqual([]);
    expect(plans).toContain("SEARCH stored_recipients USING PRIMARY KEY (message_id=?)");
    expect(plans).not.toContain("SEARCH stored_recipients USING PRIMARY KEY (message_id=? AND address_id=?)");
  });

  test("search --raw", async () => {
    const { plans, found } = await watch(async (reader) => {
      const hits = await reader.search.find({ ...NEWEST, filter: { sender: ["app@partner.example"] } });
      return reader.groups.read(hits).flatMap(({ lines }) => lines).length;
    });
    expect(found).toBeGreaterThan(10);
    expect(plans.filter(isWalk)).toEqual([]);
  });

  test.each(["1vx5YT-0006RL-10", "l00830.1772790326@sender1.example", "bob@example.org"])("trace %s", async (what) => {
    const subject = readSubject(what);
    if (subject === undefined || subject.kind === "broken_id" || subject.kind === "text")
      throw new Error("not a subject");
    const { plans, found } = await watch(async (reader) => {
      const { messages } = await findMessages(reader, subject, {}, 20);
      return (await traceAll(reader, messages, (iso) => iso)).length;
    });
    expect(found).toBeGreaterThan(0);
    expect(plans.filter(isWalk)).toEqual([]);
  });

  test("trace --chain", async () => {
    const { plans, found } = await watch(async (reader) => {
      const chain = await buildChain(reader, { id: "1vyRkM-0009YE-19", server: "mx1" });
      return chain.links.length;
    });
    expect(found).toBe(1);
    // A domain is looked for among all addresses; only an automatic reply asks for one.
    expect(plans.filter(isWalk)).toEqual([]);
  });
});

test("detection of what is new walks through no table, whatever the index", async () => {
  const { plans, found } = await watch(async (reader) => {
    const detection = await reader.detection();
    const facts = detection.servers().map((server) => {
      const lastMs = detection.lastMs(server.id, NOW) ?? 0;
      detection.progress(server.id);
      detection.state(server.id, "panic ");
      detection.firstNew(server.id, detection.lastEntry() - 10, NOW);
      return [...detection.facts(server, lastMs - 6 * HOUR_MS, lastMs + 1)].length;
    });
    return facts.reduce((sum, count) => sum + count, 0);
  });
  expect(found).toBeGreaterThan(10);
  expect(plans.length).toBeGreaterThan(15);
  expect(plans.filter((step) => GROWING.some((table) => step.startsWith(`SCAN ${table}`)))).toEqual([]);
});

test("abuse walks through no table once for each row that it shows", async () => {
  const period = { sinceMs: 0, untilMs: NOW };
  const { repeated, found } = await watch(async ({ abuse }) => {
    const rows = [
      await abuse.senders("login", period, 5),
      await abuse.loginFailures(period, 5),
      await abuse.accountFailures(period, 5, 3),
      await abuse.sessionTroubles(period, 5),
    ];
    return rows.flat().length;
  });
  expect(found).toBeGreaterThan(5);
  expect(repeated).toEqual([]);
});

describe("the check", () => {
  test("sees a walk in a part of a statement that is run for each row", () => {
    const steps = [
      { id: 1, parent: 0, detail: "SCAN f" },
      { id: 2, parent: 0, detail: "CORRELATED SCALAR SUBQUERY 1" },
      { id: 3, parent: 2, detail: "UNION ALL" },
      { id: 4, parent: 3, detail: "SCAN m" },
      { id: 5, parent: 2, detail: "MATERIALIZE n" },
      { id: 6, parent: 5, detail: "SCAN e" },
    ];
    expect(repeatedSteps(steps)).toEqual(["UNION ALL", "SCAN m"]);
  });

  test("sees a walk", () => {
    expect(withTable("SCAN m", ["SELECT 1 FROM stored_messages m JOIN codes c"])).toBe("SCAN stored_messages");
    expect(withTable("SCAN e", ["SELECT 1 FROM v", "CREATE VIEW v AS SELECT 1\nFROM stored_entries e"])).toBe(
      "SCAN stored_entries",
    );
    expect(isWalk("SCAN stored_messages")).toBe(true);
    expect(isWalk("SCAN stored_messages USING INDEX idx_stored_messages_at_ms")).toBe(false);
    expect(isWalk("SEARCH stored_messages USING INTEGER PRIMARY KEY (rowid=?)")).toBe(false);
  });
});

/** A step of a plan; parents stand before their children. */
interface Step {
  readonly id: number;
  readonly parent: number;
  readonly detail: string;
}

/** Steps of what is run again for each row; a table that is made for it is made once. */
function repeatedSteps(steps: readonly Step[]): readonly string[] {
  const within = new Set<number>();
  return steps.flatMap(({ id, parent, detail }) => {
    const isOnce = !within.has(parent) && !detail.startsWith("CORRELATED");
    if (isOnce || detail.startsWith("MATERIALIZE ")) return [];
    within.add(id);
    return within.has(parent) ? [detail] : [];
  });
}

/** A walk in the order of an index ends with the limit; without one it is a walk through the table. */
function isWalk(step: string): boolean {
  return GROWING.some((table) => step === `SCAN ${table}`);
}

/** Runs questions, and explains every statement that they ran; aliases stand as the tables they are. */
async function watch(
  ask: (reader: Reader) => Promise<number>,
): Promise<{ readonly plans: string[]; readonly repeated: string[]; readonly found: number }> {
  const database = new Database(DB, { readonly: true });
  const statements = new Set<string>();
  const definitions = database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'view'").pluck().all() as string[];
  const prepare = database.prepare.bind(database);
  database.prepare = ((sql: string) => {
    const statement = prepare(sql);
    for (const method of ["all", "get", "iterate"] as const) {
      const run = statement[method].bind(statement) as (...parameters: unknown[]) => unknown;
      Object.defineProperty(statement, method, {
        value: (...parameters: unknown[]) => {
          statements.add(sql);
          return run(...parameters);
        },
      });
    }
    return statement;
  }) as typeof database.prepare;
  const reader = new Reader(database);
  statements.clear();
  try {
    const found = await ask(reader);
    const plans: string[] = [];
    const repeated: string[] = [];
    for (const sql of statements) {
      const steps = prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parametersOf(sql)) as Step[];
      const named = (detail: string): string => withTable(detail, [sql, ...definitions]);
      plans.push(...steps.map(({ detail }) => named(detail)));
      repeated.push(...repeatedSteps(steps).map(named).filter(isWalk));
    }
    return { plans, repeated, found };
  } finally {
    await reader.close();
  }
}

/** The plan does not depend on them. */
function parametersOf(sql: string): unknown[] {
  const names = [...sql.matchAll(/[@$](\w+)/g)].map(([, name]) => [name, null]);
  return names.length > 0 ? [Object.fromEntries(names)] : [...sql.matchAll(/\?/g)].map(() => null);
}

/** `SCAN m` with `FROM stored_messages m` is `SCAN stored_messages`; an alias may be one of a view. */
function withTable(detail: string, texts: readonly string[]): string {
  const [, verb = "", alias = "", rest = ""] = /^(SCAN|SEARCH) (\S+)(.*)$/.exec(detail) ?? [];
  if (verb === "") return detail;
  const form = new RegExp(`(?:FROM|JOIN)\\s+(\\w+)\\s+(?:AS )?"?${alias}"?(?![\\w.])`, "i");
  const tables = texts.flatMap((text) => form.exec(text)?.[1] ?? []);
  return `${verb} ${tables.find((table) => GROWING.includes(table)) ?? alias}${rest}`;
}

test("the index of messages without an arrival leaves out what was refused, by the words that the queries say", () => {
  const database = new Database(DB, { readonly: true });
  expect(HAS_NO_ARRIVAL).toBe(`m.arrival_at IS NULL AND m.status <> ${loadCodes(database).messageStatus("rejected")}`);
  const index = database.prepare("SELECT sql FROM sqlite_schema WHERE name = 'idx_stored_messages_no_arrival'").pluck();
  expect(index.get()).toContain(`WHERE ${HAS_NO_ARRIVAL.replaceAll("m.", "")}`);
  database.close();
});

test("the index by status leaves out what is delivered, by the words that the queries say", () => {
  const database = new Database(DB, { readonly: true });
  const { messageStatus } = loadCodes(database);
  const [delivered, partial] = [messageStatus("delivered"), messageStatus("partial")];
  expect(IS_INDEXED_BY_STATUS).toBe(`m.status NOT IN (${delivered}, ${partial})`);
  const index = database.prepare("SELECT sql FROM sqlite_schema WHERE name = 'idx_stored_messages_status'").pluck();
  expect(index.get()).toContain(`WHERE ${IS_INDEXED_BY_STATUS.replace("m.", "")}`);
  database.close();
});
