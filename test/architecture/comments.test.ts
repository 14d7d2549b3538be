/** Comments name their subject first, in short sentences. Each rule is tried on small made-up texts too: a check that cannot fail protects nothing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "vite";
import { describe, expect, test } from "vitest";
import { ROOT, trackedFiles } from "./modules.ts";

test("no comment of the project begins with a word that puts its subject off", () => {
  const files = trackedFiles().filter((path) => /\.(?:m?[jt]s|sql)$/.test(path) && !path.startsWith("fixtures/"));
  for (const path of ["src/cli/main.ts", "schema/views.sql", "build.mjs", "test/docs.test.ts"])
    expect(files).toContain(path);
  expect(files.flatMap((path) => checkComments(path, readFileSync(join(ROOT, path), "utf8")))).toEqual([]);
});

test("no comment of the program has a sentence of more than 25 words", () => {
  const files = trackedFiles().filter((path) => /^src\/.*\.ts$/.test(path));
  expect(files).toContain("src/cli/main.ts");
  expect(
    files.flatMap((path) => longSentences(path, readFileSync(join(ROOT, path), "utf8"))),
    "A sentence has one idea. It is split where a reader would draw breath.",
  ).toEqual([]);
});

test("no comment of a declaration was left above another one", () => {
  const files = trackedFiles().filter((path) => /^(?:src|test)\/.*\.ts$/.test(path));
  expect(
    files.flatMap((path) => orphans(readFileSync(join(ROOT, path), "utf8")).map((comment) => `${path}: ${comment}`)),
    "A /** comment */ belongs to the declaration below it. That of the file may stand above another one, on its first line.",
  ).toEqual([]);
});

test("the check of comments without a declaration sees one, and leaves that of the file alone", () => {
  expect(orphans("import x;\n/** One. */\n/** Two. */\nconst y = 1;")).toEqual(["/** One. */"]);
  expect(orphans("/** The file. */\n\n/** Two. */\nconst y = 1;\n/** Three. */\nconst z = 1;")).toEqual([]);
});

/** Comments of a declaration that are followed by another one, but for that of the file, which an import or a blank line follows. */
function orphans(text: string): string[] {
  return [...text.matchAll(/^[ \t]*(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\n[ \t]*\/\*\*/gm)]
    .filter(({ index }) => index > 0)
    .map(([, comment = ""]) => comment.slice(0, 60));
}

describe("the check of comments", () => {
  test.each([
    ["a.ts", `/** ${"What"} a line means. */\nconst x = 1;`],
    ["a.ts", `/**\n * ${"Of"} the log: bytes.\n */`],
    ["a.ts", `  // ${"So many"} are kept.\nconst x = 1;`],
    ["a.mjs", `const x = 1; // ${"Those"} that are left.`],
    ["a.ts", `/** ${"As"} logged. */`],
    ["a.ts", `// NOTE: ${"what"} is left stays.`],
    ["a.sql", `-- ${"What"} happened.\nSELECT 1;`],
    ["a.sql", `SELECT 1 -- ${"of"} the end\n`],
  ])("finds one in %s: %s", (path, text) => {
    expect(checkComments(path, text)).toHaveLength(1);
  });

  test.each([
    [
      "a.ts",
      "/** Facts about a line, as logged. */\n// Office hours.\n// what the first line of this comment began with.",
    ],
    ["a.ts", 'const x = "// What stands in a string";'],
    ["a.ts", "// biome-ignore lint/suspicious/noControlCharactersInRegex: what is looked for."],
    ["a.sql", "-- Moments of a message.\n-- Of them, some are rare.\nSELECT '-- What';"],
  ])("leaves %s alone: %s", (path, text) => {
    expect(checkComments(path, text)).toEqual([]);
  });
});

describe("the check of sentences", () => {
  const words = (count: number): string => Array.from({ length: count }, (_, index) => `w${index}`).join(" ");
  const lines = (prefix: string): string => words(30).replace(/ (?=w[12]0)/g, `\n${prefix}`);

  test.each([
    ["of 26 words", `/** ${words(26)}. */`],
    ["behind a short one", `/** Short. Ends with one: ${words(26)} */`],
    ["on several lines", `/**\n * ${lines(" * ")}\n */`],
    ["of several line comments", `  // ${lines("  // ")}\nconst x = 1;`],
    ["behind code", `const x = 1; // ${words(26)}`],
    ["of a list", `/**\n * The parts:\n * - ${words(13)}\n *   ${words(13)}\n */`],
    ["behind a listing", `/**\n * Reads:\n *\n *     a b\n * ${lines(" * ")}\n */`],
  ])("finds one %s", (_, text) => {
    expect(longSentences("a.ts", text)).toHaveLength(1);
  });

  test.each([
    ["25 words and signs", `/** ${words(25)} → — = … */`],
    ["two sentences", `/** ${words(20)}; ${words(20)} */`],
    ["paragraphs", `/**\n * ${words(20)}\n *\n * ${words(20)}\n */`],
    ["items of a list", `/**\n * - ${words(20)}\n * - ${words(20)}\n * 1. ${words(20)}\n */`],
    ["a listing", `/**\n * Reads:\n *\n *     ${words(30)}\n */`],
    ["a table", `/**\n * | a | b |\n * | ${words(20)} | ${words(20)} |\n */`],
    ["comments of their own", `// ${words(20)}\n\n// ${words(20)}\nconst x = 1; // ${words(20)}\n// ${words(20)}`],
    ["a string", `const x = "// ${words(30)}";`],
  ])("leaves %s alone", (_, text) => {
    expect(longSentences("a.ts", text)).toEqual([]);
  });
});

const MOST_WORDS = 25;

function longSentences(path: string, text: string): string[] {
  return scriptComments(path, text)
    .flatMap(sentencesOf)
    .filter((sentence) => sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length > MOST_WORDS)
    .map((sentence) => `${path}: ${sentence}`);
}

/** Sentences of a comment. A blank line and an item of a list end one; listings and rows of tables have none. */
function sentencesOf(comment: string): string[] {
  return comment
    .split("\n")
    .map((line) => (/^(?: {4}|\|)/.test(line) ? "" : line.replace(/^ *(?:-|\d+\.) /, "\n")))
    .map((line) => (line === "" ? "\n" : line))
    .join(" ")
    .split(/\n|(?<=[.!?:;])\s/)
    .map((sentence) => sentence.trim());
}

/** Words for which a sentence has to be read to its end before it is known what it is about. */
const BEGINNING = /^(?:NOTE: |TODO(?:\([^)]*\))?: )?(?:What|Of|So many|So few|So often|Those|As)\b/i;

function checkComments(path: string, text: string): string[] {
  return commentsOf(path, text)
    .filter((comment) => BEGINNING.test(comment))
    .map((comment) => `${path}: ${comment.slice(0, 60)}`);
}

/** Texts of comments; lines that follow one another are one comment. */
function commentsOf(path: string, text: string): string[] {
  return path.endsWith(".sql") ? sqlComments(text) : scriptComments(path, text);
}

/** Texts of comments, without what marks each line as one. */
function scriptComments(path: string, text: string): string[] {
  const { comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const texts: string[] = [];
  for (const [index, { type, value, start }] of comments.entries()) {
    const last = comments[index - 1];
    const isFurtherLine =
      type === "Line" &&
      last?.type === "Line" &&
      /^\n[ \t]*$/.test(text.slice(last.end, start)) &&
      isOwnLine(text, last);
    const before = isFurtherLine ? `${texts.pop()}\n` : "";
    texts.push(before + (type === "Line" ? value.replace(/^ /, "") : value.replace(/^[ \t]*\*[ \t]?/gm, "").trim()));
  }
  return texts;
}

/** True for a comment with nothing before it on its line. */
function isOwnLine(text: string, { start }: { readonly start: number }): boolean {
  return /(?:^|\n)[ \t]*$/.test(text.slice(0, start));
}

function sqlComments(text: string): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    const isFurtherLine = /^\s*--/.test(line) && /^\s*--/.test(lines[index - 1] ?? "");
    const [, comment] = /^(?:[^'-]|'[^']*'|-(?!-))*--\s*(.*)$/.exec(line) ?? [];
    return comment === undefined || isFurtherLine ? [] : [comment];
  });
}
