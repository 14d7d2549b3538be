/** No module imports, by way of others, itself: the types of a circle cannot be understood one after the other either. */
import { describe, expect, test } from "vitest";
import { graph, modulesIn, readModules, resolve } from "./modules.ts";

test("the program has no circle of imports, of types neither", () => {
  expect(findCircles(readModules("src"))).toEqual([]);
});

describe("the search for circles", () => {
  const circles = (modules: Record<string, string>): readonly string[] => findCircles(graph(modules));

  test.each([
    ["of values", 'import { b } from "./b.ts";', 'import { a } from "./a.ts";'],
    ["of types", 'import type { B } from "./b.ts";', 'import { type A } from "./a.ts";'],
    ["by export", 'export { b } from "./b.ts";\nexport const a = 1;', 'import { a } from "./a.ts";'],
    ["by a later import", 'export const b = () => import("./b.ts");', 'import type { A } from "./a.ts";'],
  ])("finds one %s", (_what, a, b) => {
    expect(circles({ "src/x/a.ts": a, "src/x/b.ts": b })).toEqual(["src/x/a.ts → src/x/b.ts → src/x/a.ts"]);
  });

  test("finds a long one, and not what hangs on it", () => {
    const modules = {
      "src/a.ts": 'import "./b.ts";',
      "src/b.ts": 'import "./c.ts";\nimport "./leaf.ts";',
      "src/c.ts": 'import "./a.ts";',
      "src/leaf.ts": "",
      "src/main.ts": 'import "./a.ts";',
    };
    expect(circles(modules)).toEqual(["src/a.ts → src/b.ts → src/c.ts → src/a.ts"]);
  });

  test("leaves two ways to one module alone", () => {
    const modules = {
      "src/a.ts": 'import "./b.ts";\nimport "./c.ts";',
      "src/b.ts": 'import "./c.ts";',
      "src/c.ts": "",
    };
    expect(circles(modules)).toEqual([]);
  });
});

/** `a.ts → b.ts → a.ts`: the first that is met of each knot. */
function findCircles(files: ReadonlyMap<string, string>): readonly string[] {
  const targets = new Map(
    modulesIn(files).map(({ path, imports }) => [
      path,
      imports.filter(({ specifier }) => specifier.startsWith(".")).map(({ specifier }) => resolve(path, specifier)),
    ]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path);
    if (start >= 0) circles.push([...way.slice(start), path].join(" → "));
    if (start >= 0 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) walk(target, [...way, path]);
    done.add(path);
  };
  for (const path of [...targets.keys()].sort()) walk(path, []);
  return circles;
}
