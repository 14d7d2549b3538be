/** Cases in which counts made while entries are stored are used for a chunk; test/stats/rollups.test.ts checks that they are right. */
import { describe, expect, test } from "vitest";
import { CHUNK_SIZES } from "../../src/store/schema/chunks.ts";
import { FreshCounts } from "../../src/store/write/fresh-counts.ts";
import { temporaryFolder, withWriter } from "../support/database.ts";

const { blocks: CHUNK } = CHUNK_SIZES;
const SERVER = 1;

describe("the counts of a chunk", () => {
  test("are known once a block of the next one came, and then once", async () => {
    const counts = await freshCounts();
    for (let block = 1; block < CHUNK; block++) expect(counts.countsFor(block, SERVER)).toBeDefined();
    expect(counts.take(0)).toBeUndefined();
    counts.countsFor(CHUNK, SERVER);
    expect(counts.take(0)).toBeDefined();
    expect(counts.take(0)).toBeUndefined();
  });

  test.each([
    ["its first block was stored by another run", [5, 6, 7]],
    ["a block is missing", [1, 2, 4, 5]],
    ["a block was stored again", [1, 2, 2, 3]],
  ])("are not known when %s; those of the next one are", async (_why, first) => {
    const counts = await freshCounts();
    for (const block of first) counts.countsFor(block, SERVER);
    const last = first.at(-1) ?? 0;
    expect(counts.countsFor(last + 1, SERVER)).toBeUndefined();
    for (let block = last + 2; block <= 2 * CHUNK; block++) counts.countsFor(block, SERVER);
    expect(counts.take(0)).toBeUndefined();
    expect(counts.take(1)).toBeDefined();
  });

  test("are not known when entries were changed otherwise, or those of two servers are in it", async () => {
    const counts = await freshCounts();
    counts.countsFor(1, SERVER);
    counts.spoil();
    expect(counts.countsFor(2, SERVER)).toBeUndefined();
    for (let block = 3; block <= CHUNK; block++) counts.countsFor(block, SERVER);
    expect(counts.countsFor(CHUNK + 1, SERVER + 1)).toBeUndefined();
    for (let block = CHUNK + 2; block <= 2 * CHUNK; block++) counts.countsFor(block, SERVER + 1);
    expect([0, 1].map((chunk) => counts.take(chunk))).toEqual([undefined, undefined]);
  });
});

function freshCounts(): Promise<FreshCounts> {
  return withWriter(`${temporaryFolder()}/pilot.db`, (writer) => new FreshCounts(writer.codes));
}
