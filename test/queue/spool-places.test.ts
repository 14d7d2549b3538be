/** Places of a spool are read by id in both directions, over all of its directories, and candidates by their keys. */
import { expect, test } from "vitest";
import { CandidateList } from "../../src/queue/candidate-list.ts";
import { PackedRows } from "../../src/queue/packed-rows.ts";
import { PackedTexts } from "../../src/queue/packed-texts.ts";
import { type DirectoryListing, SpoolPlaces } from "../../src/queue/spool-places.ts";
import { packMessage, unpackMessage } from "../../src/spool/queued-message.ts";
import { damagedMessage } from "../../src/spool/spool-message.ts";
import { epochMs } from "../../src/units.ts";

const idOf = (number: number): string => `1vx1hi-${String(number).padStart(6, "0")}-09`;

function packed(...texts: readonly string[]): PackedTexts {
  const list = new PackedTexts();
  for (const text of texts) list.add(text);
  return list;
}

function listing(name: string, numbers: readonly number[]): DirectoryListing {
  return {
    directory: { queueName: name, path: `/spool/${name}` },
    headers: packed(...numbers.map((number) => `${idOf(number)}-H`)),
    journals: new Set(numbers.filter((number) => number % 5 === 0).map(idOf)),
  };
}

test("places of all directories come by id, forwards and backwards, each once", () => {
  const places = new SpoolPlaces();
  const numbers = Array.from({ length: 500 }, (_, index) => (index * 377) % 500);
  for (let part = 0; part < 7; part++) {
    const own = numbers.filter((number) => number % 7 === part);
    places.add(listing(`q${part}`, part === 3 ? [...own, own[0] ?? 0] : own));
  }
  places.add(listing("empty", []));
  const found = [...places];
  expect(places.length).toBe(500);
  expect(found).toEqual(
    Array.from({ length: 500 }, (_, number) => ({
      id: idOf(number),
      queueName: `q${number % 7}`,
      directory: `/spool/q${number % 7}`,
      hasJournal: number % 5 === 0,
    })),
  );
  expect([...places.reversed()]).toEqual(found.toReversed());
});

test("ids of both lengths are told apart in one directory", () => {
  const places = new SpoolPlaces();
  places.add({
    directory: { queueName: "", path: "/spool" },
    headers: packed("1wgT6G-000000005UY-01A8-H", "1vx1hi-0005yl-09-H"),
    journals: new Set(),
  });
  expect([...places].map(({ id }) => id)).toEqual(["1vx1hi-0005yl-09", "1wgT6G-000000005UY-01A8"]);
});

test("a packed message is the message, whatever its texts hold", () => {
  const message = {
    ...damagedMessage(idOf(1), "bulk\u2028", "x\ny", 'a "sentence"'),
    sender: "jürgen@exämple.example",
    arrivedAt: epochMs(1_772_451_890_000),
    sizeBytes: 0,
    isFrozen: true,
    frozenAt: epochMs(1),
    generated: ["a@b\u0000", "\ud83d\ude00"],
    recipients: [
      { address: "r@x.example", isDelivered: true, reason: null },
      { address: "", isDelivered: false, reason: "450\nlater" },
    ],
  };
  expect(unpackMessage(packMessage(message))).toEqual(message);
  const rows = new PackedRows<ReturnType<typeof packMessage>>();
  for (let copy = 0; copy < 3000; copy++) rows.add(packMessage({ ...message, sizeBytes: copy }));
  rows.add(packMessage({ ...message, sender: "x".repeat(600_000) }));
  expect(unpackMessage(rows.at(2999))).toEqual({ ...message, sizeBytes: 2999 });
  expect(unpackMessage(rows.at(3000)).sender).toHaveLength(600_000);
  expect([...rows].map((row) => unpackMessage(row).sizeBytes).slice(0, 3)).toEqual([0, 1, 2]);
  expect([...rows.reversed()]).toEqual([...rows].toReversed());
});

test("packed texts are those that were added, and their order is that of their characters", () => {
  const texts = [
    ...["", "b", "a", "ab", "ä", "é\n", "\u0000", "\u{1f600}", "\ufb01", "Z", "a", "x".repeat(300_000)],
    ...Array.from({ length: 20_000 }, (_, index) => `sender${(index * 7919) % 20_000}@shop.example`),
  ];
  const list = packed(...texts);
  expect([...list]).toEqual(texts);
  expect(list.byteLength).toBe(texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0));
  const byBytes = texts.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  expect(Array.from(list.order(), (index) => list.at(index))).toEqual(byBytes);
  expect(() => list.at(texts.length)).toThrow("There is no text");
});

test("candidates are sorted by numbers or by text, and by id where all keys are the same", () => {
  const sort = (keys: readonly (readonly string[])[], isReversed = false): readonly string[] => {
    const list = new CandidateList();
    for (const [index, sortKeys] of keys.entries())
      list.add({ message: damagedMessage(idOf(9 - index), "", "", ""), shown: [], open: [], sortKeys });
    return [...list.sorted(isReversed)].map(({ message }) => String(9 - Number(message.id.slice(7, 13))));
  };
  expect(sort([["10"], ["9"], [""], ["-3"]])).toEqual(["3", "2", "1", "0"]);
  expect(sort([["10"], ["9"], ["x"]])).toEqual(["0", "1", "2"]);
  expect(sort([["010"], ["9"], ["-"]])).toEqual(["2", "0", "1"]);
  expect(sort([["10"], ["9"], ["1.5"], ["1e21"]])).toEqual(["2", "0", "3", "1"]);
  expect(sort([["3"], ["007"], ["-0"], ["5"]])).toEqual(["2", "0", "3", "1"]);
  expect(sort([["größe"], ["gro"], ["grö"]])).toEqual(["1", "2", "0"]);
  expect(sort([["a"], ["a"], ["a"]])).toEqual(["2", "1", "0"]);
  expect(
    sort(
      [
        ["b", "1"],
        ["a", "010"],
        ["a", "9"],
      ],
      true,
    ),
  ).toEqual(["0", "1", "2"]);
});
