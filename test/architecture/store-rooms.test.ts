/** The rooms of the store have an order: an import, of a type too, goes to a room before its own. */
import { describe, expect, test } from "vitest";
import { graph, modulesIn, readModules, resolve } from "./modules.ts";

/** Rooms of one line know nothing of each other. A file at the top of the store is a room of its own. */
const ORDER: readonly (readonly string[])[] = [
  ["files", "schema"],
  ["database"],
  ["log-text", "people", "incidents", "outbox"],
  ["write", "search", "prune"],
  ["stats", "read", "integrity"],
  ["reader.ts"],
  ["store.ts"],
  ["working-copy.ts", "public-views.ts"],
];
const STORE = "src/store/";

test("the store keeps to the order of its rooms", () => {
  const source = readModules("src");
  expect(checkRooms(source)).toEqual([]);
  const rooms = new Set([...source.keys()].filter((path) => path.startsWith(STORE)).map(roomOf));
  expect([...rooms].sort()).toEqual(ORDER.flat().sort());
});

describe("the check of rooms", () => {
  const rooms = (modules: Record<string, string>): readonly string[] => checkRooms(graph(modules));

  test.each([
    ["src/store/write/writer.ts", "../schema/codes.ts"],
    ["src/store/write/writer.ts", "./transactor.ts"],
    ["src/store/stats/counts.ts", "../search/filter.ts"],
    ["src/store/store.ts", "./write/writer.ts"],
  ])("%s may import %s", (from, to) => {
    expect(rooms({ [from]: `import type { X } from "${to}";` })).toEqual([]);
  });

  test.each([
    ["src/store/schema/codes.ts", "../write/writer.ts", "schema may not import write"],
    ["src/store/write/writer.ts", "../prune/pruner.ts", "write may not import prune"],
    ["src/store/prune/pruner.ts", "../store.ts", "prune may not import store.ts"],
    ["src/store/nowhere/x.ts", "../schema/codes.ts", "nowhere is no room"],
  ])("%s may not import %s", (from, to, why) => {
    for (const statement of [`import { x } from "${to}";`, `import type { X } from "${to}";`])
      expect(rooms({ [from]: statement })).toEqual([`${from}: ${why}`]);
  });
});

function checkRooms(files: ReadonlyMap<string, string>): readonly string[] {
  return modulesIn(files)
    .filter(({ path }) => path.startsWith(STORE))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => specifier.startsWith("."))
        .map(({ specifier }) => resolve(path, specifier))
        .filter((target) => target.startsWith(STORE))
        .flatMap((target) => objectTo(path, target) ?? []),
    );
}

function objectTo(path: string, target: string): string | undefined {
  const [from, to] = [roomOf(path), roomOf(target)];
  if (from === to) return undefined;
  const [own, other] = [placeOf(from), placeOf(to)];
  if (own < 0 || other < 0) return `${path}: ${own < 0 ? from : to} is no room`;
  return other < own ? undefined : `${path}: ${from} may not import ${to}`;
}

function roomOf(path: string): string {
  return path.slice(STORE.length).split("/")[0] ?? "";
}

function placeOf(room: string): number {
  return ORDER.findIndex((rooms) => rooms.includes(room));
}
