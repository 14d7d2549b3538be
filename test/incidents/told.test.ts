/** Incidents are told: what detection opens is in the outbox, once, and mail of ours opens nothing. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RULES } from "../../src/incidents/rules.ts";
import { runCli } from "../support/cli.ts";
import { NOW, temporaryFolder } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

const CHANNELS = `[notify]
tiers = ["ops"]
minimum = "warning"

[channels.ops]
type = "webhook"
url = "http://127.0.0.1:9/"
`;

/** A stamp of a log, so many minutes before now. */
function stamp(minutesAgo: number): string {
  return new Date(NOW - minutesAgo * 60_000).toISOString().slice(0, 19).replace("T", " ");
}

async function detected(
  config: string,
): Promise<{ db: string; told: readonly { reason: string; incident_id: number }[] }> {
  const folder = temporaryFolder();
  const db = join(folder, "pilot.db");
  const configFile = join(folder, "exim-pilot.toml");
  writeFileSync(configFile, config, { mode: 0o600 });
  const log = `${stamp(9)} exim 4.96 daemon started: pid=812\n${stamp(5)} daemon: fork of queue-runner process failed: Cannot allocate memory\n`;
  const argv = ["ingest", "--log-type", "panic", "--server", "mx1", "--timezone", "UTC", "--detect", "--db", db, "-"];
  expect(await runCli(argv, { stdin: log, configFile, now: () => NOW })).toMatchObject({ status: 0 });
  expect(await runCli(["incidents", "detect", "--db", db], { configFile, now: () => NOW })).toMatchObject({
    status: 0,
  });
  return { db, told: queryAll(db, "SELECT reason, incident_id FROM stored_outbox ORDER BY number") };
}

test("an incident that opens is told once, however often detection runs", async () => {
  const { told } = await detected(CHANNELS);
  expect(told).toEqual([{ reason: "opened", incident_id: 1 }]);
});

test("nobody is told where the configuration names no channel", async () => {
  const { db, told } = await detected("");
  expect(told).toEqual([]);
  expect(queryAll(db, "SELECT kind FROM stored_incidents")).toEqual([{ kind: "panic" }]);
});

test("each command that an incident recommends is one that runs, on the days of the incident", async () => {
  const { db } = await detected("");
  // Forms of subjects: a login, a network that guesses, a domain, a user, and none.
  const subjectsOf = (kind: string): readonly string[] =>
    kind === "login_attack" ? ["203.0.113.9", "203.0.113.0/24"] : ["alice", "to rcpt.example", "rcpt.example", ""];
  const commands = new Set(
    RULES.flatMap(({ kind, steps }) =>
      subjectsOf(kind).flatMap((subject) => steps(subject, {} as never).map(({ command }) => command)),
    ),
  );
  expect(commands.size).toBeGreaterThan(15);
  const refused: string[] = [];
  for (const command of commands) {
    const [program, ...argv] = wordsOf(command ?? "");
    if (program !== "exim-pilot" || argv[0] === "tail") continue;
    const { status, stderr } = await runCli([...argv, "--db", db]);
    if (status !== 0 && status !== 1) refused.push(`${command}: ${stderr}`);
  }
  expect(refused.join("\n")).toBe("");
  const shown = JSON.parse((await runCli(["incidents", "show", "1", "--json", "--db", db], { now: () => NOW })).stdout);
  for (const { command } of shown.steps as { command?: string }[])
    if (command?.startsWith("exim-pilot search") === true)
      expect((await runCli([...wordsOf(command).slice(1), "--db", db])).status, command).toBe(0);
});

/** Words of a command as a shell reads them. */
function wordsOf(command: string): readonly string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}
