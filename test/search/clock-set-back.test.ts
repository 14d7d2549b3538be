/** The newest matches come first where a clock was set back, so that an arrival is stamped later than the lines that follow it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import type { Filter } from "../../src/store/search/filter.ts";
import { ingestInto, temporaryFolder, withReader } from "../support/database.ts";
import { Random } from "../support/generate.ts";

const NEWEST = { key: "time", isAscending: false } as const;

/** Database with the logs, in their order, in blocks of so many lines. */
async function ingested(logs: readonly string[], batchLines: number): Promise<string> {
  const folder = temporaryFolder();
  const path = join(folder, "pilot.db");
  for (const [index, log] of logs.entries()) {
    const file = join(folder, `mainlog.${index}`);
    writeFileSync(file, log);
    await ingestInto(path, [file], { batchLines, server: "mx1" });
  }
  return path;
}

/** Expects that few at a time are the first of all that a look at each message finds. */
async function expectNewestFirst(path: string, filter: Filter, leastBlocks = 1): Promise<void> {
  const database = new Database(path, { readonly: true });
  const messages = database.prepare("SELECT id FROM stored_messages").pluck().all() as number[];
  expect(database.prepare("SELECT count(*) FROM raw_blocks").pluck().get()).toBeGreaterThan(leastBlocks - 1);
  database.close();
  await withReader(path, async (reader) => {
    const all = await reader.search.narrow({ messages, entries: [] }, { filter, order: NEWEST, after: undefined });
    expect(all.length).toBeGreaterThan(3);
    for (const limit of [1, 2, 3])
      for (const after of [undefined, all[0], all[2]]) {
        const start = after === undefined ? 0 : all.indexOf(after) + 1;
        const found = await reader.search.find({ filter, order: NEWEST, after, limit });
        expect({ limit, start, found }).toEqual({ limit, start, found: all.slice(start, start + limit) });
      }
  });
}

const delivered = (id: string, arrival: string, delivery: string): readonly string[] => [
  `2026-03-30 ${arrival} ${id} <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464`,
  `2026-03-30 ${delivery} ${id} => bob@b.test R=out T=smtp H=mx.b.test [198.51.100.2] C="250 OK"`,
];
const lines = (...parts: readonly (readonly string[])[]): string =>
  parts
    .flat()
    .map((line) => `${line}\n`)
    .join("");

/** Messages of which the delivery alone names the recipient. The clock is set back by an hour within the first one. */
const SET_BACK = [
  delivered("1vwwZU-0005V4-1s", "10:00:00", "09:01:00"),
  delivered("1vwwZV-0005V4-1s", "09:30:00", "09:30:01"),
  delivered("1vwwZW-0005V4-1s", "09:31:00", "09:31:01"),
  delivered("1vwwZX-0005V4-1s", "09:32:00", "09:32:01"),
] as const;

test.each([1, 2, 100])("in blocks of %i lines", async (batchLines) => {
  await expectNewestFirst(await ingested([lines(...SET_BACK)], batchLines), { recipient: ["bob@b.test"] });
});

test("where the log was rotated between the arrival and the delivery", async () => {
  const [[arrival = "", delivery = ""], ...others] = SET_BACK;
  const rotated = [
    lines(delivered("1vwwZT-0005V4-1s", "08:50:00", "08:50:01"), [arrival]),
    lines([delivery], ...others),
  ];
  for (const logs of [rotated, rotated.toReversed()])
    await expectNewestFirst(await ingested(logs, 1), { recipient: ["bob@b.test"] });
});

test("where one stamp is years ahead of all others", async () => {
  const [[arrival = "", delivery = ""], ...others] = SET_BACK;
  const path = await ingested([lines([arrival.replace("2026", "2031"), delivery], ...others)], 1);
  await expectNewestFirst(path, { recipient: ["bob@b.test"] });
});

test("in logs with a clock that is set back and forward, whatever the blocks", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = new Random(seed);
    let second = 12 * 3600;
    const waiting: string[] = [];
    const log: string[] = [];
    const stamp = (): string => new Date(Date.UTC(2026, 2, 30) + second * 1000).toISOString().slice(11, 19);
    for (let count = 0; count < 30; count++) {
      second += random.upTo(60) - (random.upTo(6) === 0 ? 3600 : 0) + (random.upTo(9) === 0 ? 1800 : 0);
      const id = `1vww${String(count).padStart(2, "0")}-0005V4-1s`;
      log.push(`2026-03-30 ${stamp()} ${id} <= ann@a.test H=r.test [203.0.113.4] P=esmtp S=464`);
      waiting.push(id);
      while (waiting.length > random.upTo(4)) {
        const next = waiting.splice(random.upTo(waiting.length), 1);
        second += random.upTo(5);
        log.push(`2026-03-30 ${stamp()} ${next} => bob@b.test R=out T=smtp H=mx.b.test [198.51.100.2] C="250 OK"`);
      }
    }
    const path = await ingested([lines(log)], 1 + random.upTo(4));
    await expectNewestFirst(path, { recipient: ["bob@b.test"] });
  }
});
