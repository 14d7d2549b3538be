/** No alarm is silent because ingest has died: every command with --fail-if speaks after a week without it, and names the newest line. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../../src/cli/declare/program.ts";
import { HEALTH_FIGURES } from "../../src/queue/health.ts";
import { CONDITION_FIGURES } from "../../src/stats/conditions.ts";
import { DAY_MS, epochMs, HOUR_MS, toIso } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { FIXTURES, ingestInto } from "../support/database.ts";
import { stillIo } from "../support/still-io.ts";

const FIRST = Date.UTC(2026, 2, 2);
const WEEKS = 3;
const NEWEST = "2026-03-22 23:30:00 (UTC)";
const SPOOL = join(FIXTURES, "queue", "default");

/** A queue run each half hour, and a message a day that is delivered at once. */
function makeLog(): string {
  const lines: string[] = [];
  for (let at = FIRST; at < FIRST + WEEKS * 7 * DAY_MS; at += HOUR_MS / 2) {
    const stamp = toIso(epochMs(at)).slice(0, 19).replace("T", " ");
    lines.push(`${stamp} Start queue run: pid=1`, `${stamp} End queue run: pid=1`);
    if (at % DAY_MS !== 12 * HOUR_MS) continue;
    const id = `1vw${String((at - FIRST) / DAY_MS)
      .replace(".5", "")
      .padStart(3, "0")}-0005eI-2Q`;
    lines.push(
      `${stamp} ${id} <= a@b.example U=a P=local S=100`,
      `${stamp} ${id} => a@c.example R=r T=t`,
      `${stamp} ${id} Completed`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Conditions of a command that no figure of a dead log meets. */
interface Alarm {
  readonly conditions: readonly string[];
  /** Flags with which each is asked. */
  readonly forms: readonly (readonly string[])[];
}

const neverOf = (figures: readonly string[], limit: (figure: string) => string): readonly string[] =>
  figures.map((figure) => `${figure}>${limit(figure)}`);

const ALARMS: Readonly<Record<string, Alarm>> = {
  "incidents detect": {
    conditions: ["open>=critical"],
    forms: [[], ["--quiet"], ["--json"]],
  },
  stats: {
    conditions: neverOf(Object.keys(CONDITION_FIGURES), (figure) => (figure.startsWith("queue-") ? "99d" : "999999")),
    forms: [
      [],
      ["--quiet"],
      ["--json"],
      ["--quiet", "--since", "yesterday"],
      ["--quiet", "--since", "yesterday", "--until", "today"],
      ["--quiet", "--since", "7d"],
      ["--quiet", "--sender", "a@b.example"],
      ["--quiet", "--since", "yesterday", "--silence", "0"],
    ],
  },
  "queue health": {
    conditions: neverOf(Object.keys(HEALTH_FIGURES), (figure) => (figure === "oldest" ? "9999d" : "999999")),
    forms: [[], ["--json"]],
  },
};

function commandsWith(flag: string, { commands }: Command, path: readonly string[] = []): string[] {
  return commands.flatMap((command) => {
    const name = [...path, command.name()];
    const own = command.options.some(({ long }) => long === flag) ? [name.join(" ")] : [];
    return [...own, ...commandsWith(flag, command, name)];
  });
}

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

let db = "";
const deadSinceAWeek = (): ReturnType<typeof epochMs> => epochMs(FIRST + (WEEKS + 1) * 7 * DAY_MS + 12 * HOUR_MS);
const alive = (): ReturnType<typeof epochMs> => epochMs(FIRST + WEEKS * 7 * DAY_MS);

beforeAll(async () => {
  db = join(FOLDER, "alarms.db");
  await ingestInto(db, ["-"], { logType: "main" }, Readable.from([makeLog()], { objectMode: false }));
});

test("every command with --fail-if is in the table", () => {
  expect(
    commandsWith(
      "--fail-if",
      buildProgram(stillIo(), () => {}),
    ).sort(),
  ).toEqual(Object.keys(ALARMS).sort());
});

describe.each(Object.entries(ALARMS))("%s", (command, { conditions, forms }) => {
  const run = (now: () => ReturnType<typeof epochMs>, condition: readonly string[], form: readonly string[]) =>
    runCli([...command.split(" "), ...condition.flatMap((one) => ["--fail-if", one]), ...form, "--db", db], { now });

  test.each(forms.map((form) => [form.join(" ") || "alone", form] as const))(
    "speaks after a week without ingest: %s",
    async (_name, form) => {
      // Each condition by itself in one form, all together in the others: each form is slow with all of them.
      for (const asked of form === forms[0] ? conditions.map((one) => [one]) : [conditions]) {
        const { status, stdout, stderr } = await run(deadSinceAWeek, asked, form);
        expect({ asked, status }).toEqual({ asked, status: 1 });
        const said = form.includes("--json") && stderr === "" ? stdout : stdout + stderr;
        expect(said).toMatch(form.includes("--json") && stderr === "" ? /"newestLine": "2026-03-22T23:30:00/ : NEWEST);
      }
    },
    120_000,
  );

  test("is quiet while ingest works", async () => {
    const { status, stderr } = await run(alive, conditions, []);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
});

describe("queue health of a spool whose log is dead", () => {
  const health = (condition: string, now = deadSinceAWeek) =>
    runCli(["queue", "health", "--spool", SPOOL, "--fail-if", condition, "--db", db], { now });

  test.each(["in>99999", "out>99999", "growth>99999"])("is an alarm where %s asks the log", async (condition) => {
    const { status, stdout } = await health(condition);
    expect({ status, stdout }).toEqual({ status: 1, stdout: expect.stringContaining(NEWEST) });
  });

  test.each(["queue>99999", "oldest>9999d"])("is none where %s asks the spool", async (condition) => {
    expect((await health(condition)).status).toBe(0);
  });

  test("is none with --silence 0", async () => {
    const flags = ["--spool", SPOOL, "--fail-if", "in>99999", "--silence", "0", "--db", db];
    expect((await runCli(["queue", "health", ...flags], { now: deadSinceAWeek })).status).toBe(0);
  });

  test("asks the log again where snapshots have died", async () => {
    expect((await health("growth>99999", alive)).stdout).toContain("(by the log)");
    expect((await health("growth>99999", alive)).status).toBe(0);
  });
});
