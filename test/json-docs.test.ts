/**
 * docs/json.md tells the shapes of `--json`: its tables are made of the schema, and so of the types that answers are printed from;
 * test/json-schema.test.ts holds what is printed to them. `UPDATE_GOLDEN=1` writes the tables anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JSONSchema7, JSONSchema7Definition } from "json-schema";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DOCUMENT = join(ROOT, "docs", "json.md");
/** `<!-- Trace -->`, and the table below it. */
const TABLE = /<!-- ([\w.]+) -->\n(?:\|.*\n)*/g;

/** Answers that a sentence describes. */
const IN_WORDS = [
  "answer.abuse",
  "answer.trace",
  "answer.chain",
  "answer.choices",
  "answer.search",
  "answer.count",
  "answer.error",
];

const { definitions = {} } = JSON.parse(
  readFileSync(join(ROOT, "schema", "json", "answers.json"), "utf8"),
) as JSONSchema7;

test("the tables of docs/json.md are those of the schema", () => {
  const text = readFileSync(DOCUMENT, "utf8");
  const expected = text.replace(TABLE, (_, name: string) => `<!-- ${name} -->\n${tableOf(name)}`);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(DOCUMENT, expected);
  expect(text.match(TABLE)?.length).toBeGreaterThan(8);
  expect(
    readFileSync(DOCUMENT, "utf8"),
    "docs/json.md is not that of the schema: UPDATE_GOLDEN=1 npx vitest run test/json-schema.test.ts test/json-docs.test.ts writes both.",
  ).toBe(expected);
});

test("every type that has a name is in docs/json.md, and every kind of answer", () => {
  const text = readFileSync(DOCUMENT, "utf8");
  const shapes = Object.entries(definitions).filter(([, type]) => propertiesOf(type) !== undefined);
  const named = shapes.map(([name]) => name).filter((name) => !name.includes("."));
  expect(named.length).toBeGreaterThan(50);
  expect(
    named.filter((name) => !text.includes(`\n### ${name}\n`)),
    "A type needs a heading `### Type` in docs/json.md with `<!-- Type -->` below it; UPDATE_GOLDEN=1 writes the table.",
  ).toEqual([]);
  const kinds = shapes.map(([name]) => name).filter((name) => name.startsWith("answer."));
  expect(
    kinds.filter((kind) => !text.includes(`<!-- ${kind} -->`) && !IN_WORDS.includes(kind)),
    "An answer needs `<!-- answer.kind -->` in docs/json.md, below which UPDATE_GOLDEN=1 writes the table; or a sentence there, and its name in IN_WORDS.",
  ).toEqual([]);
});

function tableOf(name: string): string {
  const rows = name === "Answers" ? kinds() : fieldsOf(name, definitions[name]);
  const head = name === "Answers" ? "| kind | fields | |" : "| field | type | |";
  return `${[head, "|---|---|---|", ...rows].join("\n")}\n`;
}

/** The types of answers, by their kind. */
function kinds(): string[] {
  return Object.entries(definitions)
    .filter(([name]) => name.startsWith("answer."))
    .map(([name, type]) => {
      const { version: _version, kind: _kind, ...own } = propertiesOf(type) ?? {};
      return `| \`${name.slice("answer.".length)}\` | ${Object.keys(own)
        .map((field) => `\`${field}\``)
        .join(", ")} | ${descriptionOf(type)} |`;
    });
}

function fieldsOf(name: string, type: JSONSchema7Definition | undefined): string[] {
  const properties = propertiesOf(type);
  if (properties === undefined || typeof type !== "object") throw new Error(`The schema has no shape ${name}.`);
  const isHead = (field: string): boolean => name.startsWith("answer.") && (field === "version" || field === "kind");
  const own = Object.entries(properties).filter(([field]) => !isHead(field));
  return own.map(([field, inner]) => {
    const isAlwaysThere = type.required?.includes(field) === true;
    return `| \`${field}\`${isAlwaysThere ? "" : " (may be missing)"} | ${describe(inner).replaceAll("|", "\\|")} | ${descriptionOf(inner)} |`;
  });
}

function propertiesOf(type: JSONSchema7Definition | undefined): JSONSchema7["properties"] {
  return typeof type === "object" ? type.properties : undefined;
}

function descriptionOf(type: JSONSchema7Definition): string {
  return typeof type === "object" ? (type.description ?? "").replaceAll(/\s*\n\s*/g, " ") : "";
}

/** `string \| null`, `Trace[]`, `Record<string, number>`; words of a list are strings. */
function describe(type: JSONSchema7Definition): string {
  if (typeof type !== "object") return "unknown";
  const { $ref, anyOf, items, additionalProperties, properties } = type;
  if ($ref !== undefined) {
    const name = $ref.replace("#/definitions/", "");
    return propertiesOf(definitions[name]) === undefined ? describe(definitions[name] ?? {}) : name;
  }
  if (anyOf !== undefined) return [...new Set(anyOf.map(describe))].join(" | ");
  if (Array.isArray(type.type))
    return type.type.map((one) => describe({ ...type, type: one, enum: undefined })).join(" | ");
  if (Array.isArray(items)) return `[${items.map(describe).join(", ")}]`;
  if (items !== undefined) return describe(items).includes(" ") ? `(${describe(items)})[]` : `${describe(items)}[]`;
  if (properties !== undefined)
    return `{ ${Object.entries(properties)
      .map(([field, inner]) => `${field}: ${describe(inner)}`)
      .join(", ")} }`;
  if (typeof additionalProperties === "object") return `Record<string, ${describe(additionalProperties)}>`;
  return type.type ?? "unknown";
}
