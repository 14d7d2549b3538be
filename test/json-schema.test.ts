/**
 * schema/json/answers.json is what the types of `--json` say, and every answer that is printed fits it: those of golden cases, and of the
 * commands that have none. `UPDATE_GOLDEN=1` writes it anew.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../src/cli/declare/program.ts";
import { runCli } from "./support/cli.ts";
import { PLAIN_QUESTIONS } from "./support/commands.ts";
import { openDirectly } from "./support/database.ts";
import { goldenCases, makeGoldenDatabase, readOutcome } from "./support/golden.ts";
import { makeStrictSchema, toPublished } from "./support/json-schema.ts";
import { stillIo } from "./support/still-io.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FILE = join(ROOT, "schema", "json", "answers.json");
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const DB = join(FOLDER, "pilot.db");
const CORPUS = join(ROOT, "fixtures", "corpus", "default");

const strict = makeStrictSchema();
const ajv = new Ajv({ allErrors: true, allowUnionTypes: true }).addSchema(strict as object, "answers");

beforeAll(async () => {
  await makeGoldenDatabase(DB);
  // A server of which nothing is stored, as a mistake leaves it.
  const database = openDirectly(DB);
  database.exec("INSERT INTO stored_servers (name, time_zone, created_ms) VALUES ('mx9', 'UTC', 0)");
  database.close();
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

/** Returns objections of the schema to an answer; its kind is taken from it. */
function objectionsTo(answer: unknown, name = `answer.${(answer as { kind: string }).kind}`): string[] {
  const validate = ajv.getSchema(`answers#/definitions/${name}`);
  if (validate === undefined) return [`There is no ${name}.`];
  validate(answer);
  return (validate.errors ?? []).map(({ instancePath, message, params }) =>
    [name, instancePath, message, JSON.stringify(params)].join(" "),
  );
}

test("the schema in the package is that of the types", () => {
  const published = toPublished(strict);
  if (process.env["UPDATE_GOLDEN"] === "1") {
    mkdirSync(dirname(FILE), { recursive: true });
    writeFileSync(FILE, published);
  }
  expect(
    readFileSync(FILE, "utf8"),
    "schema/json/answers.json is not that of the types: UPDATE_GOLDEN=1 npx vitest run test/json-schema.test.ts test/json-docs.test.ts writes it and docs/json.md.",
  ).toBe(published);
});

describe("a golden answer", () => {
  const answers = goldenCases().flatMap((golden) => {
    const printed = readOutcome(golden).stdout;
    return [...printed.matchAll(/^\{\n {2}"version"[\s\S]*?^\}$/gm)].map(([text]) => [golden.name, JSON.parse(text)]);
  });

  test("is there", () => {
    expect(answers.length).toBeGreaterThan(15);
  });

  test.each(answers)("of %s fits", (_name, answer) => {
    expect(objectionsTo(answer)).toEqual([]);
  });
});

describe("an answer", () => {
  /** Each prints one; in their order, for some change the database. Those of plain questions have their names. */
  const COMMANDS: (readonly [kind: string, ...argv: string[]])[] = [
    ["setup", "setup", "--dry-run", "/var/log/exim4/mainlog"],
    ["ingest", "ingest", "--server", "mx1", join(CORPUS, "mainlog")],
    ["trace", "trace", "1vx5YS-0006QZ-1J"],
    ["chain", "trace", "--chain", "1vyRkM-0009Y7-0p"],
    ["choices", "trace", "app@partner.example"],
    ["search", "search", "--recipient", "nobody@nowhere.example"],
    ["count", "search", "--count"],
    ["count", "queue", "--count"],
    ["queue_health", "queue", "health"],
    ["queue_snapshot", "queue", "snapshot", "--spool", join(ROOT, "fixtures", "queue", "default"), "--server", "mx1"],
    ["queue_history", "queue", "history"],
    ["incidents_detected", "incidents", "detect"],
    ["incidents", "incidents"],
    ["incident_mute", "incidents", "mute", "panic", "", "--reason", "known"],
    ["incident_mutes", "incidents", "mute"],
    ["error", "incidents", "show", "9999"],
    ["content", "content", "--file", join(ROOT, "fixtures", "content", "invoice.eml")],
    ["error", "queue", "next"],
    ["error", "queue", "reconcile"],
    ["tag", "tag", "1vx5YS-0006QZ-1J", "incident-7"],
    ["tags", "tag"],
    ["tag_description", "tag", "--describe", "incident-7", "--colour", "red"],
    ["note", "note", "1vx5YS-0006QZ-1J", "The customer was told."],
    ["notes", "note"],
    ["trace", "trace", "1vx5YS-0006QZ-1J"],
    ["user", "users", "add", "alice", "--role", "admin", "--email", "alice@example.org"],
    ["users", "users"],
    ["notifications", "notify"],
    ["notify_run", "notify", "run", "--config", channelsFile()],
    ["notify_test", "notify", "test", "ops", "--config", channelsFile()],
    ["notification", "notify", "show", "1"],
    ["notify_change", "notify", "retry", "1"],
    ["notify_stats", "notify", "stats"],
    ["stats", "stats", "all", "--compare", "week", "--since", "2026-03-03", "--fail-if", "bounced>99%"],
    ["eximstats", "stats", "--eximstats"],
    ["servers", "servers"],
    ["server", "servers", "set", "mx1", "--owner", "postmaster@example.org"],
    ["server", "servers", "rename", "mx1", "mx1"],
    ["server_removed", "servers", "remove", "mx9"],
    ["export", "export", "--raw", "mainlog", "--output", join(FOLDER, "written")],
    ["sql", "sql", "SELECT 1 AS one, 'x' AS two, NULL AS three"],
    ["views", "sql", "--views"],
    ["verify", "verify", "--quick"],
    ["rebuild", "rebuild", "--dry-run"],
    ["parse", "parse", "--summary", join(CORPUS, "mainlog")],
    ["prune", "prune", "--dry-run", "--force"],
    ["prune_status", "prune", "--status"],
    ["backup", "backup", join(FOLDER, "kept")],
    ["backup_list", "backup", "--list", join(FOLDER, "kept")],
    ["backup_drill", "backup", "--drill", join(FOLDER, "kept")],
    ["migrate", "migrate"],
    ["config", "config"],
    ["error", "nonsense"],
  ];
  for (const name of PLAIN_QUESTIONS) if (!COMMANDS.some(([kind]) => kind === name)) COMMANDS.push([name, name]);

  test.each(COMMANDS)("%s of %s %s fits", async (kind, ...argv) => {
    const { stdout } = await runCli([...argv, "--json"], { env: { EXIM_PILOT_DB: DB } });
    const answer = JSON.parse(stdout) as { kind: string };
    expect(answer.kind).toBe(kind);
    expect(objectionsTo(answer)).toEqual([]);
  });

  test("of backup --verify and of restore fits", async () => {
    const path = join(FOLDER, "kept");
    const list = JSON.parse((await runCli(["backup", "--list", path, "--json", "--db", DB])).stdout);
    const [{ path: backup }] = list.backups as { path: string }[] & [{ path: string }];
    for (const [kind, ...argv] of [
      ["backup_verify", "backup", "--verify", backup],
      ["restore", "restore", backup],
    ]) {
      const answer = JSON.parse((await runCli([...argv, "--json", "--db", DB])).stdout);
      expect({ kind: answer.kind, objections: objectionsTo(answer) }).toEqual({ kind, objections: [] });
    }
  });

  test("of incidents show, and of words about one, fits", async () => {
    const database = openDirectly(DB);
    database.exec(`INSERT INTO stored_incidents (id, server_id, kind, subject, severity, status, start_ms, fired_ms, last_ms, found_ms,
      updated_ms, title, description, figures, told_count, rule_version)
      VALUES (7, 1, 'panic', '', 'serious', 'open', 1, 2, 3, 4, 5, 'a', 'b', '{"usual":0,"hours":[[0,3]]}', 1, 1);
      INSERT INTO incident_messages (incident_id, server_id, exim_id) VALUES (7, 1, '1vx5YS-0006QZ-1J')`);
    database.close();
    for (const [kind, ...argv] of [
      ["incident_judged", "incidents", "acknowledge", "7", "on it"],
      ["incident", "incidents", "show", "7"],
      ["incidents", "incidents"],
      ["trace", "trace", "1vx5YS-0006QZ-1J"],
    ]) {
      const answer = JSON.parse((await runCli([...argv, "--json", "--db", DB])).stdout);
      expect({ kind: answer.kind, objections: objectionsTo(answer) }).toEqual({ kind, objections: [] });
    }
  });

  test.each(["search", "queue"])("of %s --ndjson fits line by line", async (command) => {
    const { stdout } = await runCli([command, "--ndjson", "--db", DB]);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(objectionsTo(line, `line.${command}`)).toEqual([]);
  });

  test("of each kind of line that parse prints fits, and so do those of tail", async () => {
    const logs = ["mainlog", "rejectlog", "paniclog"].map((log) => join(CORPUS, log));
    const parsed = await runCli(["parse", "--raw", ...logs]);
    const tailed = await runCli(["tail", "--no-follow", "-n", "1000", "--ndjson", "--db", DB]);
    const lines = (parsed.stdout + tailed.stdout)
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string });
    expect(new Set(lines.map(({ kind }) => kind)).size).toBeGreaterThan(20);
    for (const line of lines) expect(objectionsTo(line, "line.parse")).toEqual([]);
  });

  test("can be had of every command but those that print a text to be used as it is", () => {
    const commands = buildProgram(stillIo(), () => {}).commands;
    const without = commands.filter(({ options }) => !options.some(({ long }) => long === "--json"));
    expect(without.map((command) => command.name()).sort()).toEqual(["completion", "help"]);
    const tried = new Set(COMMANDS.map(([, name]) => name));
    expect(
      commands
        .map((command) => command.name())
        .filter((name) => !tried.has(name))
        .sort(),
    ).toEqual(["completion", "help", "restore", "tail"]);
  });

  test("of every kind is tried", () => {
    const kinds = Object.keys(strict.definitions ?? {}).filter((name) => name.startsWith("answer."));
    const tried = new Set([
      ...COMMANDS.map(([kind]) => kind),
      "backup_verify",
      "restore",
      "incident",
      "incident_judged",
    ]);
    // The cases of queue next and reconcile are golden: they need a spool.
    const golden = ["answer.queue_next", "answer.queue_reconciliation"];
    expect(kinds.filter((kind) => !tried.has(kind.slice("answer.".length)) && !golden.includes(kind))).toEqual([]);
  });
});

describe("the check", () => {
  test("sees a field that is missing, one too many, and one of another type", () => {
    const good = { version: 1, kind: "count", count: 3 };
    expect(objectionsTo(good)).toEqual([]);
    for (const bad of [
      { version: 1, kind: "count" },
      { ...good, more: 1 },
      { ...good, count: "3" },
      { ...good, version: 2 },
    ])
      expect(objectionsTo(bad), JSON.stringify(bad)).toHaveLength(1);
    expect(objectionsTo({ ...good, kind: "nothing" })).toEqual(["There is no answer.nothing."]);
  });

  test("lets programs accept what is added later", () => {
    const published = new Ajv({ allowUnionTypes: true }).addSchema(
      JSON.parse(readFileSync(FILE, "utf8")) as object,
      "answers",
    );
    expect(published.validate("answers", { version: 1, kind: "count", count: 3, more: 1 })).toBe(true);
    expect(published.validate("answers", { version: 1, kind: "count" })).toBe(false);
  });
});

/** A configuration with a channel that refuses connections. */
function channelsFile(): string {
  const path = join(FOLDER, "channels.toml");
  const text = '[notify]\ntiers = ["ops"]\n[channels.ops]\ntype = "webhook"\nurl = "http://127.0.0.1:1/"\n';
  if (!existsSync(path)) writeFileSync(path, text, { mode: 0o600 });
  return path;
}
