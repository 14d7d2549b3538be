/** Statements of users: what they may, how rows are printed, and that nothing can hold the program up. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliOptions, type CliResult, expectFailure, runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/database.ts";
import { makeGoldenDatabase } from "../support/golden.ts";
import { queryAll } from "../support/views.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const PROGRAM = fileURLToPath(new URL("../../bin/exim-pilot.js", import.meta.url));
const ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)";

beforeAll(() => makeGoldenDatabase(DB));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const sql = (...argv: string[]): Promise<CliResult> => runCli(["sql", "--db", DB, ...argv]);

test.each([
  ["DELETE FROM stored_messages", "does more than read"],
  ["SELECT * FROM message", /no such table: message\.\nhint: .*--views/],
  ["SELECT iif(value = '[', json(value), value) AS v FROM json_each('[\"1\",\"[\"]')", "malformed JSON"],
])("what cannot be asked is said: %s", async (statement, says) => {
  expectFailure(await sql(statement), { status: 2, says });
});

describe("a statement may be", () => {
  test.each([
    ["an argument", ["SELECT 1 AS n"], {}],
    ["standard input", [], { stdin: "SELECT 1 AS n" }],
    ["standard input by its name", ["-"], { stdin: "SELECT 1 AS n;\n" }],
  ] as const)("%s", async (_what, argv, options: CliOptions) => {
    const result = await runCli(["sql", "--db", DB, ...argv], options);
    expect(result).toEqual({ status: 0, stdout: '{"n": 1}\n', stderr: "" });
  });

  test("a file", async () => {
    const file = join(temporaryFolder(), "question.sql");
    writeFileSync(file, "-- why\nSELECT 1 AS n;\n");
    expect(await sql("--file", file)).toMatchObject({ status: 0, stdout: '{"n": 1}\n' });
    expectFailure(await sql("--file", `${file}.none`), { status: 3, says: "cannot be read" });
    expectFailure(await sql("--file", file, "SELECT 1"), { status: 2, says: "and a file" });
  });

  test("WITH, VALUES, EXPLAIN and a PRAGMA that tells something", async () => {
    for (const statement of [
      "WITH a AS (SELECT 1) SELECT * FROM a",
      "VALUES (1)",
      "EXPLAIN SELECT 1",
      "PRAGMA table_info(messages)",
    ])
      expect(await sql(statement)).toMatchObject({ status: 0, stderr: "" });
  });

  test("with parameters: numbers as numbers, all else as text", async () => {
    const parameters = [
      "--param",
      "n=5",
      "--param",
      ":t=5.0",
      "--param",
      "@z=007",
      "--param",
      "s=a=b '",
      "--param",
      "e=",
    ];
    const { stdout } = await sql(...parameters, "SELECT typeof(:n) n, typeof(:t) t, typeof(@z) z, $s s, :e e");
    expect(JSON.parse(stdout)).toEqual({ n: "integer", t: "text", z: "text", s: "a=b '", e: "" });
    expect((await sql("--param", "n=2", "SELECT id FROM messages LIMIT :n")).stdout.split("\n")).toHaveLength(3);
    expect((await sql("--param", "n", "SELECT :n")).status).toBe(2);
  });
});

const ODD =
  "SELECT 9223372036854775807 AS i, -9007199254740993 AS j, x'00ff' AS b, NULL AS n, '' AS e, -5 AS m, 1.5 AS r, -9e999 AS f, 'a,\"b' AS q";

describe("rows are printed", () => {
  test("as JSON, exactly", async () => {
    const { stdout } = await sql("--format", "json", ODD);
    expect(JSON.parse(stdout)).toEqual({
      version: 1,
      kind: "sql",
      columns: ["i", "j", "b", "n", "e", "m", "r", "f", "q"],
      rows: [
        {
          i: "9223372036854775807",
          j: "-9007199254740993",
          b: "x'00ff'",
          n: null,
          e: "",
          m: -5,
          r: 1.5,
          f: Number.NEGATIVE_INFINITY,
          q: 'a,"b',
        },
      ],
      hasMore: false,
    });
    expect(JSON.parse((await sql("--format", "json", "SELECT 1 AS n WHERE 0")).stdout)).toMatchObject({
      columns: ["n"],
      rows: [],
    });
  });

  test("as JSON, an object a line, where there is no terminal", async () => {
    const { stdout } = await sql("SELECT status, id FROM messages");
    const rows = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(rows).toEqual(queryAll(DB, "SELECT status, id FROM messages"));
  });

  test("as CSV, in which NULL is nothing, an empty text is quoted, and nothing is a formula", async () => {
    const { stdout } = await sql("--format", "csv", ODD);
    expect(stdout).toBe(
      `i,j,b,n,e,m,r,f,q\n9223372036854775807,-9007199254740993,x'00ff',,"",-5,1.5,'-9e999,"a,""b"\n`,
    );
    const formulas = ["=1+1", "+1", "-a", "@x", "\tx", "\rx"];
    const csv = await sql(
      "--format",
      "csv",
      ...formulas.flatMap((text, index) => ["--param", `p${index}=${text}`]),
      `VALUES ${formulas.map((_, index) => `(:p${index})`).join()}`,
    );
    expect(csv.stdout).toBe(`column1\n'=1+1\n'+1\n'-a\n'@x\n'\tx\n"'\rx"\n`);
  });

  test("as a table on a terminal, with escapes for control characters", async () => {
    const { stdout } = await runCli(
      [
        "sql",
        "--db",
        DB,
        "SELECT 'a' || char(27, 10) || 'b' AS text, 10 AS n, NULL AS x UNION ALL SELECT 'c', 7, NULL",
      ],
      {
        isTTY: true,
        env: { NO_COLOR: "1" },
      },
    );
    expect(stdout.split("\n").map((line) => line.trimEnd())).toEqual(
      ["text         n  x", "a\\x1b b     10", "c            7", ""].map((line) =>
        expect.stringMatching(toPattern(line)),
      ),
    );
  });

  test("without control characters in any form on a terminal", async () => {
    for (const format of ["table", "json", "ndjson", "csv"]) {
      const { stdout } = await runCli(["sql", "--db", DB, "--format", format, "SELECT char(27, 155, 8238) AS text"], {
        isTTY: true,
        env: { NO_COLOR: "1" },
      });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for.
      expect(stdout, format).not.toMatch(/[\u001b\u009b\u202e]/);
    }
    expect(JSON.parse((await sql("SELECT char(27, 155, 8238) AS text")).stdout)).toEqual({
      text: "\u001b\u009b\u202e",
    });
  });

  test("with all columns of one name, told apart", async () => {
    expect((await sql("SELECT 1 AS a, 2 AS a, 3 AS a")).stdout).toBe('{"a": 1, "a:1": 2, "a:2": 3}\n');
  });

  test("up to a limit, which a table has of its own and says so", async () => {
    const many = `${ENDLESS} SELECT x FROM n LIMIT 1001`;
    expect(await sql("--limit", "2", many)).toEqual({ status: 0, stdout: '{"x": 1}\n{"x": 2}\n', stderr: "" });
    expect(JSON.parse((await sql("--limit", "0", "--format", "json", many)).stdout)).toMatchObject({
      rows: [],
      hasMore: true,
    });
    const table = await sql("--format", "table", many);
    expect(table).toMatchObject({ status: 0, stderr: expect.stringMatching(/^note: these are the first 1000 rows/) });
    expect(table.stdout.split("\n")).toHaveLength(1002);
    expect(await sql("--format", "table", "--limit", "1001", many)).toMatchObject({ stderr: "" });
  });

  test("with the text of each entry", async () => {
    const { stdout } = await sql("SELECT raw_line FROM log_entries WHERE message_id = '1vx5YS-0006QZ-1J'");
    expect(stdout.trim().split("\n")).toHaveLength(8);
    expect(stdout).toContain("<= app@partner.example H=app1.partner.example");
  });
});

describe("a statement without end", () => {
  test.each([
    ["that gives no row", `${ENDLESS} SELECT count(*) FROM n`],
    ["that gives row after row", `${ENDLESS} SELECT x FROM n`],
  ])("is stopped in time: one %s", async (_what, statement) => {
    expectFailure(await sql("--timeout", "700ms", statement), { status: 3, says: "took more than 0.7 s" });
  });

  test("ends when the program is told to stop", async () => {
    const stop = new AbortController();
    const running = runCli(["sql", "--db", DB, `${ENDLESS} SELECT count(*) FROM n`], { signal: stop.signal });
    setTimeout(() => stop.abort(), 300);
    expect(await running).toEqual({ status: 130, stdout: "", stderr: "" });
  });

  test("ends with 0 and without a word when the reader of its rows has gone", async () => {
    const child = spawn(process.execPath, [PROGRAM, "sql", "--timeout", "0", "--db", DB, `${ENDLESS} SELECT x FROM n`]);
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    child.stdout.destroy();
    expect(JSON.parse(line)).toEqual({ x: 1 });
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test.each(["soon", "-1s", "5", "99999d", "0s"])("is not given a time that is none: %s", async (timeout) => {
    expect(await sql("--timeout", timeout, "SELECT 1")).toMatchObject({ status: 2, stdout: "" });
  });
});

test("a statement is answered while another process writes", async () => {
  const db = join(temporaryFolder(), "pilot.db");
  copyFileSync(DB, db);
  expect(await runCli(["sql", "--db", db, "SELECT count(*) AS n FROM messages"])).toMatchObject({
    stdout: '{"n": 84}\n',
  });
});

describe("sql --views", () => {
  test("tells every public view, its columns, and a sentence about it", async () => {
    const { views } = JSON.parse((await runCli(["sql", "--views", "--format", "json"])).stdout) as {
      views: { name: string; text: string; columns: string[] }[];
    };
    const stored = queryAll<{ name: string }>(DB, "SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name");
    expect(views.map(({ name }) => name).sort()).toEqual(stored.map(({ name }) => name));
    for (const { name, text } of views) expect(text, name).toMatch(/^[A-Z].*\.$/);
    const each = views.map(
      ({ name, columns }) =>
        `(SELECT ${columns.map((column) => `quote(${column})`).join(" || ")} FROM ${name} LIMIT 1)`,
    );
    expect(await sql(`SELECT ${each.join(", ")}`)).toMatchObject({ status: 0, stderr: "" });
    expect(views.find(({ name }) => name === "log_entries")?.columns).toContain("raw_line");
  });
});

/** Blanks of any number. */
function toPattern(line: string): RegExp {
  return new RegExp(`^${line.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&").replace(/ +/g, " +")}$`);
}
