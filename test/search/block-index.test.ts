/** Names are looked for in the blocks that the block index tells: what is found there is what a look at everything finds. */
import { join } from "node:path";
import { Readable } from "node:stream";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import type { Filter } from "../../src/store/search/filter.ts";
import { FIXTURES, ingestInto, withReader } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { madeOnce } from "../support/made-once.ts";

const NEWEST = { key: "time", isAscending: false } as const;

/** Recipients that no line but the arrival's, or an administrator's, names. */
const WAITING = `2026-04-02 10:00:00 1w8AAA-000001-01 <= ann@waiting.test H=r.test [203.0.113.99] P=esmtp S=464 for bob@waiting.test
2026-04-02 10:00:01 1w8AAA-000001-01 recipient <carl@waiting.test> added by root
`;

const DATABASES: readonly (readonly [string, leastBlocks: number, make: () => Promise<string>])[] = [
  ["the logs read at once", 2, () => madeOnce("block-index-once.db", makeGoldenDatabase)],
  [
    "the logs in blocks of five lines, the reject log first",
    50,
    () =>
      madeOnce("block-index-small.db", async (path) => {
        const logs = ["rejectlog", "mainlog"].map((name) => join(FIXTURES, "corpus", "default", name));
        for (const log of logs) await ingestInto(path, [log], { batchLines: 5, server: "mx1" });
        const waiting = Readable.from([Buffer.from(WAITING)]);
        await ingestInto(path, ["-"], { logType: "main", server: "mx1" }, waiting);
      }),
  ],
];

describe.each(DATABASES)("in %s", (_what, leastBlocks, make) => {
  test.each<[keyof Filter & string, string]>([
    ["sender", "SELECT address FROM addresses"],
    ["recipient", "SELECT address FROM addresses"],
    ["address", "SELECT address FROM addresses"],
    [
      "host",
      "SELECT text FROM strings WHERE id IN (SELECT host_id FROM stored_messages UNION SELECT host_id FROM delivery_paths UNION SELECT host_id FROM stored_rejections UNION SELECT host_id FROM stored_clients)",
    ],
    [
      "ip",
      "SELECT text FROM strings WHERE id IN (SELECT ip_id FROM stored_messages UNION SELECT ip_id FROM delivery_paths UNION SELECT ip_id FROM stored_rejections UNION SELECT ip_id FROM stored_clients)",
    ],
    [
      "auth",
      "SELECT text FROM strings WHERE id IN (SELECT auth_id FROM stored_messages UNION SELECT auth_id FROM stored_rejections UNION SELECT auth_id FROM stored_clients)",
    ],
  ])("each %s finds what a look at every message and line finds", async (field, namesSql) => {
    const path = await make();
    const database = new Database(path, { readonly: true });
    const pluck = (sql: string) => database.prepare(sql).pluck().all();
    const names = pluck(namesSql) as string[];
    const everything = {
      messages: pluck("SELECT id FROM stored_messages") as number[],
      entries: pluck("SELECT id FROM stored_entries WHERE message_id IS NULL") as number[],
    };
    expect(pluck("SELECT count(*) FROM raw_blocks")[0]).toBeGreaterThan(leastBlocks - 1);
    database.close();
    await withReader(path, async (reader) => {
      let found = 0;
      for (const name of names) {
        const filter: Filter = { [field]: [name.replaceAll(/[*?]/g, "?")] };
        const expected = await reader.search.narrow(everything, { filter, order: NEWEST, after: undefined });
        const hits = await reader.search.find({
          filter,
          order: NEWEST,
          after: undefined,
          limit: Number.POSITIVE_INFINITY,
        });
        expect([name, hits]).toEqual([name, expected]);
        expect(await reader.search.count(filter)).toBe(expected.length);
        // Few at a time end sooner than all blocks are looked at.
        const first = await reader.search.find({ filter, order: NEWEST, after: undefined, limit: 2 });
        expect([name, first]).toEqual([name, expected.slice(0, 2)]);
        found += hits.length;
      }
      expect(found).toBeGreaterThan(names.length / 4);
    });
  });
});
