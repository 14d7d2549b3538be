/** The types of tables.ts and views.ts in src/store/schema, the lists of the program and the comments of the schema against a freshly migrated file. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { parseSync } from "vite";
import { afterAll, describe, expect, test } from "vitest";
import { MESSAGE_STATUSES, OUTCOMES, RECIPIENT_STATUSES } from "../../src/message/statuses.ts";
import { loadMigrations, migrate } from "../../src/store/database/migrations.ts";
import { POSTING_KINDS } from "../../src/store/log-text/postings.ts";
import {
  ADDRESS_EVENT,
  ARRIVAL,
  CLIENT,
  DELIVERY_PATH,
  DELIVERY_PROBLEM,
  ENTRY,
  type Layout,
  MESSAGE_STATE,
  MILESTONES,
  REJECTION,
} from "../../src/store/schema/records.ts";
import { corpusProfiles } from "../support/corpus.ts";
import { ingestInto, NOW, SCHEMA_DIRECTORY, temporaryFolder } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

/** By the names that the types refer to them with. */
const LAYOUTS: Readonly<Record<string, Layout>> = {
  ADDRESS_EVENT,
  ARRIVAL,
  CLIENT,
  DELIVERY_PATH,
  DELIVERY_PROBLEM,
  ENTRY,
  MESSAGE_STATE,
  MILESTONES,
  REJECTION,
};

const INTERFACES = new Map(
  ["tables", "views"].flatMap((name) => [...readTypes(`../../src/store/schema/${name}.ts`).interfaces]),
);
const BASE_TABLES = relationsOf("BaseTables");
const PUBLIC_VIEWS = relationsOf("PublicViews");

/** Only migrations.ts uses it, in plain SQL. */
const UNTYPED_TABLES = ["schema_views"];
/** Added by our own connections to what the file has. */
const ADDED_COLUMNS: Readonly<Record<string, readonly string[]>> = { log_entries: ["raw_line"] };

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notnull: 0 | 1;
  readonly pk: number;
}

const fresh = new Database(":memory:");
migrate(fresh, ":memory:", loadMigrations(SCHEMA_DIRECTORY), { program: "0.0.0-test", now: () => NOW });
afterAll(() => void fresh.close());

describe("the types of the base tables", () => {
  test("name the tables of the file", () => {
    const names = BASE_TABLES.map(([table]) => table);
    expect([...names, ...UNTYPED_TABLES].sort()).toEqual(relationNames("table"));
    expect(names.length).toBeGreaterThan(10);
  });

  test.each(BASE_TABLES)("%s: the columns are those of the file, with their types", (table, type) => {
    const expected = columnsOf(table).map((column) => [column.name, typeOf(column)]);
    const declared = fieldsOf(type).map(([name, text]) => [name, text === "Flag" ? "number" : withoutLiterals(text)]);
    expect(declared.length).toBeGreaterThan(0);
    expect(declared.sort()).toEqual(expected.sort());
  });

  test.each(BASE_TABLES)("%s: words that are checked are the words of the type", (table, type) => {
    const sql = sqlOf(table);
    for (const [name, text] of fieldsOf(type)) {
      const checked = new RegExp(`CHECK \\(${name} IN \\(([^)]*)\\)`).exec(sql)?.[1];
      const words = text.startsWith('"')
        ? text
            .replaceAll('"', "'")
            .split(" | ")
            .filter((word) => word !== "null")
            .sort()
            .join(", ")
        : undefined;
      expect(checked?.split(", ").sort().join(", "), `${table}.${name}`).toBe(words);
    }
  });
});

describe("the types of the public views", () => {
  test("name the views of the file", () => {
    expect(PUBLIC_VIEWS.map(([view]) => view).sort()).toEqual(relationNames("view"));
  });

  test.each(PUBLIC_VIEWS)("%s: the columns are those of the file", (view, type) => {
    const declared = fieldsOf(type).map(([name]) => name);
    const added = ADDED_COLUMNS[view] ?? [];
    expect(declared.filter((name) => !added.includes(name))).toEqual(columnsOf(view).map(({ name }) => name));
    for (const name of added) expect(declared).toContain(name);
  });

  test("fit what real logs put in them", async () => {
    const path = await corpusDatabase();
    const seen = PUBLIC_VIEWS.flatMap(([view, type]) => misfits(path, view, fieldsOf(type)));
    expect(seen).toEqual([]);
  });
});

/** Sums of sizes that anybody can forge in a log. */
const LARGE_SUMS = ["rolled_messages.bytes", "rolled_recipients.bytes"];

describe("the schema", () => {
  test("has strict tables only", () => {
    const tables = fresh.prepare("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'");
    const loose = (tables.all() as { name: string; strict: number }[]).filter(({ strict }) => strict === 0);
    expect(loose.map(({ name }) => name)).toEqual(["sqlite_schema"]);
  });

  test.each([...BASE_TABLES.map(([table]) => table), ...UNTYPED_TABLES])(
    "%s: every time says its unit in a comment",
    (table) => {
      const silent = columnsOf(table).filter(({ name }) => {
        const unit = unitOf(name);
        return unit !== undefined && !unit.test(commentOf(table, name));
      });
      expect(silent.map(({ name }) => `${name}: ${commentOf(table, name)}`)).toEqual([]);
    },
  );

  test("keeps no date as text, and no number with a fraction but sums that no integer holds", () => {
    const columns = relationNames("table").flatMap((table) => columnsOf(table).map((column) => ({ table, ...column })));
    const odd = columns.filter(
      ({ table, name, type }) =>
        (type === "REAL" && !LARGE_SUMS.includes(`${table}.${name}`)) ||
        (unitOf(name) !== undefined && type !== "INTEGER"),
    );
    expect(odd).toEqual([]);
  });
});

describe("the codes", () => {
  const EVENTS = readTypes("../../src/parse/events.ts");
  const CODES = readTypes("../../src/store/schema/codes.ts");

  test.each([
    ["message_status", MESSAGE_STATUSES],
    ["recipient_status", RECIPIENT_STATUSES],
    ["outcome", OUTCOMES],
    ["posting", POSTING_KINDS],
  ])("of %s are the program's list, in its order", (family, names) => {
    expect(codesOf(family)).toEqual(names.map((name, code) => ({ code, name })));
  });

  test("of events are the kinds of the parser, and lines that are no entry", () => {
    const kinds = unionOf(EVENTS, "LogEvent").map((type) => unquote(fieldOf(EVENTS, type, "kind")));
    expect(kinds.length).toBeGreaterThan(15);
    expect(namesOf("event")).toEqual([...kinds, "unparsed"].sort());
  });

  test("of phases are those of the parser", () => {
    expect(namesOf("phase")).toEqual(unionOf(EVENTS, "RejectionPhase").map(unquote).sort());
  });

  test("of logs are the types of the store", () => {
    const sourceTypes = unionOf(CODES, "SourceType").filter((type) => type !== "LogType");
    expect(namesOf("log_type")).toEqual([...unionOf(CODES, "LogType"), ...sourceTypes].map(unquote).sort());
  });

  test("have no other family", () => {
    const families = fresh.prepare("SELECT DISTINCT family FROM codes ORDER BY family").pluck().all();
    expect(families).toEqual([
      "event",
      "log_type",
      "message_status",
      "outcome",
      "phase",
      "posting",
      "recipient_status",
    ]);
  });
});

// ---- The file ----

function relationNames(type: "table" | "view"): string[] {
  return fresh.prepare("SELECT name FROM sqlite_schema WHERE type = ? ORDER BY name").pluck().all(type) as string[];
}

function columnsOf(relation: string): Column[] {
  return fresh.prepare('SELECT name, type, "notnull", pk FROM pragma_table_info(?)').all(relation) as Column[];
}

function sqlOf(table: string): string {
  return fresh.prepare("SELECT sql FROM sqlite_schema WHERE name = ?").pluck().get(table) as string;
}

/** Comment after `--` on the line of a column. */
function commentOf(table: string, column: string): string {
  const line = sqlOf(table)
    .split("\n")
    .find((candidate) => candidate.trim().split(/\s/, 1)[0] === column);
  return /--(.*)/.exec(line ?? "")?.[1]?.trim() ?? "";
}

/** Unit that the comment of a column with a time or a duration must name; undefined for any other column. */
function unitOf(column: string): RegExp | undefined {
  if (/_(seconds|minutes|hours|days|time|date)$/.test(column)) return /\b(ms|moment|s|seconds|min|h|days)\b/;
  if (column.endsWith("_ms")) return /\bms\b/;
  return column === "at" || column.endsWith("_at") ? /\bmoment\b/ : undefined;
}

function codesOf(family: string): unknown[] {
  return fresh.prepare("SELECT code, name FROM codes WHERE family = ? ORDER BY code").all(family);
}

function namesOf(family: string): unknown[] {
  return fresh.prepare("SELECT name FROM codes WHERE family = ? ORDER BY name").pluck().all(family);
}

/** The type a column should be declared with; a primary key is never null. */
function typeOf({ type, notnull, pk }: Column): string {
  const base = { INTEGER: "number", REAL: "number", TEXT: "string", BLOB: "Uint8Array" }[type] ?? type;
  return notnull === 1 || pk > 0 ? base : `${base} | null`;
}

/** Values of a view that its type does not allow: `messages.size: text`. */
function misfits(path: string, view: string, fields: readonly Field[]): string[] {
  const stored = fields.filter(([name]) => ADDED_COLUMNS[view]?.includes(name) !== true);
  return stored.flatMap(([name, text]) => {
    const allowed = sqliteTypesOf(text);
    const found = queryAll<{ type: string }>(path, `SELECT DISTINCT typeof(${name}) AS type FROM ${view}`);
    return found.filter(({ type }) => !allowed.includes(type)).map(({ type }) => `${view}.${name}: ${type}`);
  });
}

function sqliteTypesOf(text: string): string[] {
  return text.split(" | ").flatMap((part) => {
    if (part === "number") return ["integer", "real"];
    return { string: ["text"], null: ["null"], Flag: ["integer"], Uint8Array: ["blob"] }[part] ?? [part];
  });
}

/** Database of every trimmed corpus, each a server. */
async function corpusDatabase(): Promise<string> {
  const path = join(temporaryFolder(), "corpus.db");
  for (const { name, profile, logs, truth } of corpusProfiles()) {
    if (!name.includes("trimmed")) continue;
    await ingestInto(path, Object.values(logs), { server: profile, timeZone: truth.timezone });
  }
  return path;
}

// ---- The source text ----

type Field = readonly [name: string, type: string];

/** Types of a module by name, as their text: of an interface its fields, of an alias its members. */
interface Types {
  readonly interfaces: ReadonlyMap<string, readonly Field[]>;
  readonly unions: ReadonlyMap<string, readonly string[]>;
}

interface Ranged {
  readonly start: number;
  readonly end: number;
}

function readTypes(file: string): Types {
  const text = readFileSync(new URL(file, import.meta.url), "utf8");
  const textOf = ({ start, end }: Ranged): string => text.slice(start, end);
  const interfaces = new Map<string, readonly Field[]>();
  const unions = new Map<string, readonly string[]>();
  for (const statement of parseSync(file, text).program.body) {
    const declaration = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (declaration?.type === "TSInterfaceDeclaration") {
      interfaces.set(declaration.id.name, fieldsOfMembers(declaration.body.body, textOf));
    } else if (declaration?.type === "TSTypeAliasDeclaration" && declaration.typeAnnotation.type === "TSUnionType") {
      unions.set(declaration.id.name, declaration.typeAnnotation.types.map(textOf));
    } else if (declaration?.type === "TSTypeAliasDeclaration") {
      const { typeAnnotation: type } = declaration;
      const parts = type.type === "TSIntersectionType" ? type.types : [type];
      const fields = parts.flatMap((part) =>
        part.type === "TSTypeLiteral" ? fieldsOfMembers(part.members, textOf) : (fieldsOfLayout(textOf(part)) ?? []),
      );
      interfaces.set(declaration.id.name, fields);
    }
  }
  return { interfaces, unions };
}

interface Member {
  readonly type: string;
  readonly key?: Ranged;
  readonly typeAnnotation?: { readonly typeAnnotation: Ranged } | Ranged | null;
}

function fieldsOfMembers(members: readonly Member[], textOf: (node: Ranged) => string): Field[] {
  return members.flatMap((member): Field[] =>
    member.key !== undefined && member.typeAnnotation != null && "typeAnnotation" in member.typeAnnotation
      ? [[textOf(member.key), textOf(member.typeAnnotation.typeAnnotation)]]
      : [],
  );
}

/** The fields of `RowOf<typeof LAYOUT>`; undefined of another type. */
function fieldsOfLayout(type: string): Field[] | undefined {
  const layout = LAYOUTS[/^RowOf<typeof (\w+)>$/.exec(type)?.[1] ?? ""];
  if (layout === undefined) return undefined;
  return Object.entries(layout).map(([name, kind]): Field => {
    const value = kind.replace("?", "");
    const valueType = value === "text" ? "string" : value === "flag" ? "Flag" : "number";
    return [name, kind.endsWith("?") ? `${valueType} | null` : valueType];
  });
}

/** Pairs of a table or view and the name of its type. */
function relationsOf(name: string): readonly Field[] {
  return INTERFACES.get(name) ?? [];
}

/** Fields of an interface of these types; what Kysely alone has to know is taken off. */
function fieldsOf(type: string): Field[] {
  const fields = INTERFACES.get(type) ?? [];
  return fields.map(([name, text]) => [name, /^Generated(?:Always)?<(.*)>$/.exec(text)?.[1] ?? text]);
}

function withoutLiterals(text: string): string {
  return [...new Set(text.split(" | ").map((part) => (part.startsWith('"') ? "string" : part)))].join(" | ");
}

function unionOf({ unions }: Types, name: string): readonly string[] {
  return unions.get(name) ?? [];
}

function fieldOf({ interfaces }: Types, type: string, name: string): string {
  return interfaces.get(type)?.find(([field]) => field === name)?.[1] ?? "";
}

function unquote(text: string): string {
  return text.slice(1, -1);
}
