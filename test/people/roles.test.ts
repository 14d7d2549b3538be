/** Roles at work: each small edit asks who acts. The commands are those that the program declares, so that a new one is tried too. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, describe, expect, test } from "vitest";
import { buildProgram } from "../../src/cli/declare/program.ts";
import { ROLES } from "../../src/people/users.ts";
import { type CliResult, expectFailure, runCli } from "../support/cli.ts";
import { copyDatabase, NOW, openDirectly, temporaryFolder } from "../support/database.ts";
import { madeOnce } from "../support/made-once.ts";
import { stillIo } from "../support/still-io.ts";
import { queryAll } from "../support/views.ts";

const ID = "1vwwZU-0005V4-1s";
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const CONFIG = join(FOLDER, "exim-pilot.toml");
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));
writeFileSync(
  CONFIG,
  '[notify]\ntiers = ["ops"]\nminimum = "warning"\n[channels.ops]\ntype = "webhook"\nurl = "http://127.0.0.1:9/"\n',
  { mode: 0o600 },
);

/** Small edits, with arguments that change something. */
const EDITS: Readonly<Record<string, readonly string[]>> = {
  tag: [ID, "ticket"],
  note: [ID, "called"],
  "servers rename": ["mx1", "mx2"],
  "servers set": ["mx1", "--environment", "live"],
  "servers remove": ["empty"],
  "incidents acknowledge": ["1"],
  "incidents resolve": ["1", "mended"],
  "incidents false-alarm": ["1"],
  "incidents reopen": ["2"],
  "incidents mute": ["panic", "", "--reason", "known"],
  "notify test": ["ops", "--config", CONFIG],
  "notify cancel": ["1"],
  "notify retry": ["1"],
};

/** Edits of users: admins alone, whatever else a role may do. */
const EDITS_OF_USERS: Readonly<Record<string, readonly string[]>> = {
  "users add": ["kim"],
  "users set": ["spare", "--role", "viewer"],
  "users password": ["spare", "--password-file", "-"],
  "users disable": ["spare"],
  "users enable": ["idle"],
  "users remove": ["spare"],
};

/** Commands that only list, and those for which the rights of the system decide: they read whole logs, or replace whole files. */
const OTHERS: ReadonlySet<string> = new Set([
  "servers",
  "users",
  "incidents",
  "incidents detect",
  "incidents show",
  "notify",
  "notify list",
  "notify show",
  "notify run",
  "notify stats",
  "config",
  "ingest",
  "rebuild",
  "migrate",
  "prune",
  "backup",
  "restore",
  "export",
  "sql",
  "content",
  "queue snapshot",
]);

const PEOPLE = [...ROLES, "disabled"] as const;
const MAY_NOT: ReadonlySet<string> = new Set(["viewer", "datasource", "disabled"]);

/** A message, an incident of now and one that is resolved, a notification, and a user of each role with an account of that name. */
async function makePeople(db: string): Promise<void> {
  const stamp = (minutesAgo: number): string =>
    new Date(NOW - minutesAgo * 60_000).toISOString().slice(0, 19).replace("T", " ");
  const main = `${stamp(9)} ${ID} <= a@a.test H=(x) [203.0.113.9] P=esmtp S=400 for b@b.test\n`;
  const panic = `${stamp(5)} daemon: fork of queue-runner process failed: Cannot allocate memory\n`;
  const run = async (argv: readonly string[], stdin = ""): Promise<void> => {
    const result = await runCli([...argv, "--db", db], { stdin, now: () => NOW, configFile: CONFIG, user: "setup" });
    expect({ argv, ...result }).toMatchObject({ status: 0, stderr: "" });
  };
  const ingest = ["ingest", "--quiet", "--timezone", "UTC", "--detect"];
  await run([...ingest, "--server", "mx1", "--log-type", "main", "-"], main);
  await run([...ingest, "--server", "mx1", "--log-type", "panic", "-"], panic);
  await run([...ingest, "--server", "other", "--log-type", "panic", "-"], panic);
  await run(["incidents", "resolve", "2"]);
  for (const role of ROLES) await run(["users", "add", role, "--role", role, "--os-user", role]);
  await run(["users", "add", "disabled", "--role", "agent", "--os-user", "disabled"]);
  for (const name of ["spare", "idle"]) await run(["users", "add", name]);
  for (const name of ["disabled", "idle"]) await run(["users", "disable", name]);
  const database = openDirectly(db);
  database.exec(`INSERT INTO stored_servers (name, time_zone, created_ms) VALUES ('empty', 'UTC', ${NOW})`);
  database.close();
}

async function freshCopy(): Promise<string> {
  const db = join(temporaryFolder(), "pilot.db");
  copyDatabase(await madeOnce("people of each role.db", makePeople), db);
  return db;
}

function runAs(user: string, command: string, argv: readonly string[], db: string): Promise<CliResult> {
  return runCli([...command.split(" "), ...argv, "--db", db], {
    user,
    isAdministrator: false,
    stdin: "correct horse battery staple",
    now: () => NOW,
  });
}

function namesOf(command: Command, before: readonly string[] = []): readonly string[] {
  const parts = command.commands.flatMap((part) => namesOf(part, [...before, part.name()]));
  return before.length === 0 ? parts : [before.join(" "), ...parts];
}

function mayChange(command: Command | null): boolean {
  return command !== null && (command.options.some(({ long }) => long === "--syslog") || mayChange(command.parent));
}

test("each command that records what it does is an edit that asks who acts, or is left to the rights of the system", () => {
  const program = buildProgram(stillIo(), () => {});
  const find = (name: string): Command =>
    name
      .split(" ")
      .reduce<Command>((parent, part) => parent.commands.find((one) => one.name() === part) ?? program, program);
  const recorded = namesOf(program).filter((name) => mayChange(find(name)));
  const known = [...Object.keys(EDITS), ...Object.keys(EDITS_OF_USERS), ...OTHERS];
  expect(recorded.toSorted()).toEqual(known.toSorted());
});

describe("an edit", () => {
  test.each(Object.entries(EDITS))(
    "%s is for admins, agents and accounts that are no user's",
    async (command, argv) => {
      const shared = await freshCopy();
      const before = stateOf(shared);
      for (const person of PEOPLE.filter((one) => MAY_NOT.has(one))) {
        const says = person === "disabled" ? /is disabled/ : new RegExp(`is a ${person}, who may change nothing`);
        expectFailure(await runAs(person, command, argv, shared), { status: 3, says });
        expect(stateOf(shared), person).toEqual(before);
      }
      for (const person of ["admin", "agent", "nobody"]) {
        const db = await freshCopy();
        const { stderr } = await runAs(person, command, argv, db);
        expect(stderr, person).not.toMatch(/^error/);
        expect(stateOf(db), person).not.toEqual(before);
      }
    },
  );
});

describe("an edit of users", () => {
  test.each(Object.entries(EDITS_OF_USERS))(
    "%s is for admins and accounts that are no user's",
    async (command, argv) => {
      const shared = await freshCopy();
      const before = stateOf(shared);
      for (const person of PEOPLE.filter((one) => one !== "admin")) {
        const says = person === "disabled" ? /is disabled/ : /only admins may change users/;
        expectFailure(await runAs(person, command, argv, shared), { status: 3, says });
        expect(stateOf(shared), person).toEqual(before);
      }
      for (const person of ["admin", "nobody"]) {
        const db = await freshCopy();
        expect(await runAs(person, command, argv, db), person).toMatchObject({ status: 0 });
        expect(stateOf(db), person).not.toEqual(before);
      }
    },
  );
});

test("the author of a judgement is the user, as of a note", async () => {
  const db = await freshCopy();
  expect(await runCli(["users", "set", "agent", "--os-user", "svc", "--db", db])).toMatchObject({ status: 0 });
  expect(await runAs("svc", "incidents acknowledge", ["1"], db)).toMatchObject({ status: 0 });
  expect(await runAs("svc", "incidents mute", ["panic", "", "--reason", "known"], db)).toMatchObject({ status: 0 });
  expect(queryAll(db, "SELECT author FROM incident_actions WHERE incident_id = 1")).toEqual([{ author: "agent" }]);
  expect(queryAll(db, "SELECT author FROM incident_mutes")).toEqual([{ author: "agent" }]);
});

/** Rows that small edits change, and their records. */
function stateOf(db: string): unknown {
  return [
    "stored_servers",
    "stored_users",
    "stored_tags",
    "stored_notes",
    "stored_incidents",
    "incident_mutes",
    "stored_outbox",
    "audit_log",
  ].map((table) => queryAll(db, `SELECT * FROM ${table}`));
}
