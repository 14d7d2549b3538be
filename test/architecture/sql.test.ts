/** SQL stays in the store. Each rule is tried on small made-up modules too: a check that cannot fail protects nothing. */
import { describe, expect, test } from "vitest";
import {
  graph,
  isNode,
  literalText,
  type Node,
  nameOf,
  outside,
  readModules,
  renameFolder,
  templateText,
} from "./modules.ts";

describe("the program", () => {
  const source = readModules("src");

  test("keeps SQL in the store", () => {
    expect(checkSql(source)).toEqual([]);
    expect(checkSql(renameFolder(source, "store", "elsewhere")).length).toBeGreaterThan(10);
  });
});

describe("the check for SQL", () => {
  const sql = (text: string, path = "src/trace/trace.ts"): string[] => checkSql(graph({ [path]: text }));

  test.each([
    'export const q = "SELECT id FROM messages";',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a module's text.
    "export const q = `SELECT count(*)\n  FROM ${table}`;",
    'export const q = "SELECT 1";',
    'export const q = "insert into strings (text) values (?)";',
    'export const q = "UPDATE strings SET text = ?";',
    'export const q = "DELETE FROM strings";',
    'export const q = "create temp view v as select 1";',
    'export const q = "PRAGMA user_version";',
    'export const q = "BEGIN IMMEDIATE";',
    'export const q = (db) => db.selectFrom("messages");',
    'export const q = (db) => db.pragma("user_version");',
  ])("finds %s", (text) => {
    expect(sql(text)).toHaveLength(1);
    expect(sql(text, "src/store/reader.ts")).toEqual([]);
  });

  test.each([
    'export const text = "Select a server, or delete from the list what you do not want.";',
    "// SELECT id FROM messages",
    "export const help = 'exim-pilot sql \"SELECT id FROM messages\"';",
    'export const text = "updates set aside; begin where you like";',
  ])("leaves %s alone", (text) => {
    expect(sql(text)).toEqual([]);
  });
});

const SQL_TEXT = [
  /^\s*SELECT\s/,
  /\bSELECT\s[^;]*\sFROM\s/,
  /\b(INSERT|REPLACE)\s+(OR\s+\w+\s+)?INTO\s/i,
  /\bUPDATE\s+\S+\s+SET\s/,
  /\bDELETE\s+FROM\s/,
  /\b(CREATE|DROP|ALTER)\s+(UNIQUE\s+|TEMP\s+|TEMPORARY\s+|VIRTUAL\s+)?(TABLE|VIEW|INDEX|TRIGGER)\b/i,
  /\bPRAGMA\s/,
  /\bBEGIN\s+(IMMEDIATE|EXCLUSIVE|DEFERRED)\b/,
];

/** Commands that messages tell users to type. */
const EXAMPLE = /\bexim-pilot sql\b/;

/** Methods that build or run a query; nothing else here is called so. */
const QUERY_METHODS = new Set([
  "selectFrom",
  "insertInto",
  "updateTable",
  "deleteFrom",
  "mergeInto",
  "executeTakeFirst",
  "executeTakeFirstOrThrow",
  "pragma",
]);

function checkSql(files: ReadonlyMap<string, string>): string[] {
  return outside("src/store/", files).flatMap(({ path, nodes }) =>
    nodes.flatMap(({ node }) => {
      const text = stringText(node);
      if (text !== undefined && !EXAMPLE.test(text) && SQL_TEXT.some((form) => form.test(text)))
        return [`${path}: has SQL: ${text}`];
      const method = node.type === "CallExpression" ? calledMethod(node) : undefined;
      return method !== undefined && QUERY_METHODS.has(method) ? [`${path}: asks the database by ${method}()`] : [];
    }),
  );
}

/** Text of a string, or of a template without its values. */
function stringText(node: Node): string | undefined {
  if (node.type === "Literal") return literalText(node);
  if (node.type !== "TemplateLiteral") return undefined;
  return (node["quasis"] as Node[]).map(templateText).join("x");
}

function calledMethod(call: Node): string | undefined {
  const callee = call["callee"];
  return isNode(callee) && callee.type === "MemberExpression" ? nameOf(callee["property"]) : undefined;
}
