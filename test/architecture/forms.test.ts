/** Forms that no module uses. Each rule is tried on small made-up modules too: a check that cannot fail protects nothing. */
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { graph, isNode, modulesIn, type Node, nameOf, type Place, readModules } from "./modules.ts";

describe("the program", () => {
  const everything = new Map([...readModules("src"), ...readModules("test"), ...readModules("bin")]);

  test("has no default exports, enums, any, barrels or files named for nothing", () => {
    expect(checkForms(everything)).toEqual([]);
  });

  test("gives each exported type a name of its own", () => {
    expect(sharedTypeNames(readModules("src"))).toEqual([]);
  });

  test("is started by a shim that knows the command line only", () => {
    const imports = modulesIn(readModules("bin")).flatMap(({ imports }) => imports.map(({ specifier }) => specifier));
    expect(imports).toEqual(["../dist/start.cjs"]);
  });
});

describe("the check of forms", () => {
  const forms = (text: string, path = "src/parse/record.ts"): string[] => checkForms(graph({ [path]: text }));

  test.each([
    ["export default 1;", "has a default export"],
    ["const x = 1;\nexport { x as default };", "has a default export"],
    ["export enum Kind { One }\nexport const x = 1;", "has an enum"],
    ["export declare const enum Kind { One }", "has an enum"],
    ["export const x = (value: any) => value;", "uses any"],
    ["export const x = (value: unknown) => value as any;", "uses any"],
    ['export * from "./prefix.ts";', "only re-exports"],
    ['import { x } from "./prefix.ts";\nexport { x };', "only re-exports"],
    ['export type { X } from "./prefix.ts";', "only re-exports"],
  ])("finds %s", (text, what) => {
    expect(forms(text)).toEqual([`src/parse/record.ts: ${what}`]);
  });

  test.each(["utils.ts", "string-utils.ts", "util.ts", "helpers.ts", "types.ts", "index.ts", "common.ts"])(
    "finds the name %s",
    (name) => {
      expect(forms("export const x = 1;", `src/parse/${name}`)).toEqual([`src/parse/${name}: has a name for anything`]);
    },
  );

  test.each([
    "export const text = 'any enum is a default';",
    'import type { X } from "./x.ts";\nexport type Y = X;',
    "export interface OnlyTypes { readonly x: number }",
    'export { x } from "./x.ts";\nexport const y = 1;',
  ])("leaves %s alone", (text) => {
    expect(forms(text)).toEqual([]);
    expect(forms(text, "src/parse/events.ts")).toEqual([]);
  });
});

test("the check of type names finds one that two modules export, but not one that a module keeps to itself", () => {
  const modules = {
    "src/a.ts": "export interface Piece {}\nexport type Own = 1;\ninterface Hidden {}",
    "src/b.ts": "export class Piece {}\ninterface Own {}\ninterface Hidden {}",
  };
  expect(sharedTypeNames(graph(modules))).toEqual(["Piece: src/a.ts, src/b.ts"]);
});

const TYPE_DECLARATIONS = ["TSInterfaceDeclaration", "TSTypeAliasDeclaration", "ClassDeclaration"];

function sharedTypeNames(files: ReadonlyMap<string, string>): string[] {
  const exported = modulesIn(files).flatMap(({ path, statements }) =>
    statements.flatMap(({ type, declaration }) =>
      type === "ExportNamedDeclaration" && isNode(declaration) && TYPE_DECLARATIONS.includes(declaration.type)
        ? [{ path, name: nameOf(declaration["id"]) ?? "" }]
        : [],
    ),
  );
  return [...Map.groupBy(exported, ({ name }) => name)].flatMap(([name, places]) =>
    places.length > 1 ? [`${name}: ${places.map(({ path }) => path).join(", ")}`] : [],
  );
}

const VAGUE_NAME = /(^|[-.])(utils?|helpers?|types|interfaces|index|common|misc|shared)\.m?[jt]s$/;

function checkForms(files: ReadonlyMap<string, string>): string[] {
  return modulesIn(files).flatMap(({ path, nodes, statements }) => {
    const has = (isIt: (place: Place) => boolean): boolean => nodes.some(isIt);
    const objections: readonly (readonly [isTrue: boolean, what: string])[] = [
      [VAGUE_NAME.test(posix.basename(path)), "has a name for anything"],
      [has(isDefaultExport), "has a default export"],
      [has(({ node }) => node.type === "TSEnumDeclaration"), "has an enum"],
      [has(({ node }) => node.type === "TSAnyKeyword"), "uses any"],
      [isBarrel(statements), "only re-exports"],
    ];
    return objections.flatMap(([isTrue, what]) => (isTrue ? [`${path}: ${what}`] : []));
  });
}

function isDefaultExport({ node }: Place): boolean {
  if (node.type === "ExportDefaultDeclaration") return true;
  return node.type === "ExportSpecifier" && nameOf(node["exported"]) === "default";
}

function isBarrel(statements: readonly Node[]): boolean {
  const isExport = ({ type, declaration }: Node): boolean =>
    type === "ExportAllDeclaration" || (type === "ExportNamedDeclaration" && !isNode(declaration));
  return (
    statements.some(isExport) &&
    statements.every((statement) => isExport(statement) || statement.type === "ImportDeclaration")
  );
}
