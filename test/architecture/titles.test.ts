/** The title of a test reads alone, below those of its groups. Each rule is tried on small made-up tests too: a check that cannot fail protects nothing. */
import { describe, expect, test } from "vitest";
import { graph, isNode, modulesIn, type Node, nameOf, readModules, templateText } from "./modules.ts";

test("every title says more than its values do", () => {
  const tests = new Map([...readModules("test")].filter(([path]) => path.endsWith(".test.ts")));
  expect([...tests].flatMap(([path, text]) => titlesIn(path, text)).length).toBeGreaterThan(1000);
  expect(checkTitles(tests)).toEqual([]);
});

describe("the check of titles", () => {
  const titles = (text: string): readonly string[] => checkTitles(graph({ "test/a.test.ts": text }));

  test.each([
    ['test("works", () => {});', "works"],
    ['test.each([1])("%s: %j", () => {});', "%s: %j"],
    ['test.each<Case>([])("$name of %i", () => {});', "$name of %i"],
    [`test(\`${"$"}{a.b("c d e")} ${"$"}{f}\`, () => {});`, "… …"],
    ['describe("", () => { describe.each(all)("$name", () => { test.skipIf(no)("b", () => {}); }); });', " $name b"],
  ])("finds the one in %s", (text, title) => {
    expect(titles(text)).toEqual([`test/a.test.ts: ${title}`]);
  });

  test.each([
    'test("a pattern selects lines", () => {});',
    'describe("a pattern", () => { test.each(all)("%s selects", () => {}); });',
    'pattern.test("works");',
    "test.setTimeout(1000);",
  ])("leaves %s alone", (text) => {
    expect(titles(text)).toEqual([]);
  });
});

/** A subject and a verb; the rest may be values. */
const FEWEST_WORDS = 2;
const VALUE = /%[sdifjo#%]|\$[\w.]+|…/g;

function checkTitles(files: ReadonlyMap<string, string>): readonly string[] {
  return [...files].flatMap(([path, text]) =>
    titlesIn(path, text)
      .filter((title) => (title.replace(VALUE, " ").match(/\p{L}[\p{L}'-]*/gu) ?? []).length < FEWEST_WORDS)
      .map((title) => `${path}: ${title}`),
  );
}

/** Titles of tests, each behind those of its groups; `…` stands for a value in a template. */
function titlesIn(path: string, text: string): readonly string[] {
  return modulesIn(graph({ [path]: text })).flatMap(({ statements }) =>
    statements.flatMap((statement) => collect(statement, [])),
  );
}

function collect(node: Node, groups: readonly string[]): readonly string[] {
  const inside = (path: readonly string[]): readonly string[] =>
    Object.values(node)
      .flat()
      .filter(isNode)
      .flatMap((child) => collect(child, path));
  const caller = node.type === "CallExpression" ? callerOf(node["callee"]) : undefined;
  const [first, body] = (node["arguments"] ?? []) as readonly Node[];
  const title = first !== undefined && body !== undefined ? titleOf(first) : undefined;
  if (caller === undefined || title === undefined) return inside(groups);
  return caller === "describe" ? inside([...groups, title]) : [[...groups, title].join(" ")];
}

/** `test` for `test(…)`, `test.skipIf(…)(…)` and `test.each(…)(…)`; undefined for other calls, `test.each(…)` alone among them. */
function callerOf(callee: unknown): string | undefined {
  const name = nameOf(callee);
  if (name !== undefined) return ["test", "it", "describe"].includes(name) ? name : undefined;
  if (!isNode(callee) || callee.type !== "CallExpression") return undefined;
  const inner = callee["callee"];
  return isNode(inner) && inner.type === "MemberExpression" ? callerOf(inner["object"]) : undefined;
}

function titleOf(node: Node): string | undefined {
  if (node.type === "Literal" && typeof node["value"] === "string") return node["value"];
  return node.type === "TemplateLiteral" ? (node["quasis"] as Node[]).map(templateText).join("…") : undefined;
}
