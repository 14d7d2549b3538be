/** Accounts at risk, from the log to the page: in abuse, in statistics, in alarms. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { beforeAll, describe, expect, test } from "vitest";
import { ACCOUNT_THRESHOLDS, type AccountHour } from "../../src/message/account-risk.ts";
import type { AccountAtRisk } from "../../src/message/accounts-at-risk.ts";
import { DAY_MS, epochMs } from "../../src/units.ts";
import { SIMULATION_DAYS, SIMULATION_START_MS, simulateAccounts, toAccountHours, toLog } from "../support/accounts.ts";
import { runCli } from "../support/cli.ts";
import { corpusProfiles } from "../support/corpus.ts";
import { corpusDatabase } from "../support/corpus-database.ts";
import { copyDatabase, ingestInto, temporaryFolder, withReader } from "../support/database.ts";
import { madeOnce } from "../support/made-once.ts";

/** A seed that was never looked at while thresholds were chosen; see test/message/accounts-at-risk.test.ts. */
const SEED = 8002;
/** Share of the usual mail: the log is read soon. */
const SHARE = 0.3;
const EVER = { sinceMs: 0, untilMs: Date.UTC(2100, 0) };

function databaseOf(name: string, log: () => string): Promise<string> {
  return madeOnce(`${name}.db`, async (path) => {
    await ingestInto(path, ["-"], { logType: "main", server: "mx1" }, Readable.from([Buffer.from(log())]));
  });
}

async function riskyAccounts(path: string, ...flags: string[]): Promise<readonly AccountAtRisk[]> {
  const { stdout } = await runCli(["abuse", "--json", "--db", path, ...flags]);
  return JSON.parse(stdout).accountsAtRisk;
}

const namesOf = (accounts: readonly AccountAtRisk[]): string[] => accounts.map(({ account }) => account);

describe("a log of 500 accounts", () => {
  const { events, thefts } = simulateAccounts(SEED, SHARE);
  const stolen = thefts.map(({ account }) => account).toSorted();
  let path = "";

  beforeAll(async () => {
    path = await databaseOf(`accounts of seed ${SEED}`, () => toLog(events));
  });

  test("gives the figures of what happened", async () => {
    const found = await withReader(path, (reader) => reader.abuse.accountHours(EVER));
    // The log has whole seconds, and no time of a bounce counts.
    const expected = toAccountHours(
      events.map((event) => ({ ...event, ms: Math.floor(event.ms / 1000) * 1000 })),
      EVER.untilMs,
    );
    expect(sorted(found)).toEqual(sorted(expected));
  });

  test("names those that are stolen, in abuse, in problems, in the section and in an alarm", async () => {
    expect(namesOf(await riskyAccounts(path)).toSorted()).toEqual(stolen);
    const { stdout } = await runCli(["stats", "problems", "accounts", "--json", "--db", path]);
    const { problems, accounts } = JSON.parse(stdout).sections;
    expect(namesOf(accounts).toSorted()).toEqual(stolen);
    expect(problems.find(({ name }: { name: string }) => name === "accounts")).toMatchObject({
      severity: "serious",
      count: 3,
      accounts,
    });
    const alarm = (limit: number) =>
      runCli(["stats", "--quiet", "--silence", "0", "--fail-if", `accounts-at-risk>${limit}`, "--db", path]);
    expect(await alarm(2)).toMatchObject({ status: 1, stderr: "fail-if accounts-at-risk>2: it is 3\n" });
    expect(await alarm(3)).toMatchObject({ status: 0, stderr: "" });
  });

  test("has the same accounts at risk once detection knows them, and thresholds of the configuration hold for all", async () => {
    const [before, detected] = [await riskyAccounts(path), await copyOf(path)];
    const options = { now: () => epochMs(END_MS) };
    expect((await runCli(["incidents", "detect", "--quiet", "--db", detected], options)).status).toBe(0);
    const after = await riskyAccounts(detected);
    expect(after.map(figuresOf)).toEqual(before.map(figuresOf));
    const { stdout } = await runCli(["stats", "accounts", "--json", "--db", detected]);
    expect(JSON.parse(stdout).sections.accounts.map(figuresOf)).toEqual(after.map(figuresOf));
    const incidents = JSON.parse(
      (await runCli(["incidents", "--kind", "hacked_account", "--json", "--db", detected])).stdout,
    );
    expect(incidents.incidents.map(({ subject }: { subject: string }) => subject).toSorted()).toEqual(stolen);
    // Questions about a time that ends before the last line are answered from the figures of hours.
    const until = ["--until", "2026-03-12"];
    expect(await riskyAccounts(detected, ...until)).toEqual(await riskyAccounts(path, ...until));
    const configFile = join(temporaryFolder(), "exim-pilot.toml");
    writeFileSync(configFile, NEVER_MET, { mode: 0o600 });
    const signs = async (db: string, ...argv: string[]): Promise<readonly string[]> => {
      const answer = JSON.parse((await runCli([...argv, "--json", "--db", db], { configFile })).stdout);
      const found: readonly AccountAtRisk[] = answer.accountsAtRisk ?? answer.sections.accounts;
      return found.flatMap((account) => account.signs);
    };
    expect(before.flatMap((account) => account.signs)).toContain("failures");
    for (const _when of ["before detection has these thresholds", "after it"]) {
      for (const argv of [["abuse"], ["stats", "accounts"]]) {
        const [byHour, known] = [await signs(path, ...argv), await signs(detected, ...argv)];
        expect(byHour).not.toEqual([]);
        expect(new Set(known)).toEqual(new Set(byHour));
        expect(byHour).not.toContain("failures");
      }
      await runCli(["incidents", "detect", "--quiet", "--db", detected], { ...options, configFile });
    }
    const ask = async (...argv: string[]) =>
      JSON.parse((await runCli(["incidents", ...argv, "--json", "--db", detected], { configFile })).stdout);
    const [incident] = (await ask("--kind", "hacked_account")).incidents;
    const shown = await ask("show", String(incident.id));
    expect(shown.figures.signs).not.toContain("failures");
    expect(shown.thresholds.failures).toBe(1_000_000);
  });

  test("is filtered by accounts, senders, clients, servers and time", async () => {
    const [first] = thefts;
    const account = first?.account ?? "";
    const ip = (await riskyAccounts(path)).find((risk) => risk.account === account)?.loginsFrom[0] ?? "";
    for (const flags of [
      ["--auth", account],
      ["--sender", `${account}@example.org`],
      ["--ip", ip],
    ])
      expect(namesOf(await riskyAccounts(path, ...flags))).toEqual([account]);
    expect(namesOf(await riskyAccounts(path, "--auth", "user9"))).toEqual([]);
    expect(namesOf(await riskyAccounts(path, "--server", "mx*")).toSorted()).toEqual(stolen);
    expect(namesOf(await riskyAccounts(path, "--until", "2026-03-08"))).toEqual([]);
    const { stderr, status } = await runCli(["abuse", "--db", path, "--server", "mx2"]);
    expect([status, stderr]).toEqual([1, expect.stringContaining("knows no server")]);
    const stats = await runCli(["stats", "accounts", "--auth", account, "--json", "--db", path]);
    expect(namesOf(JSON.parse(stats.stdout).sections.accounts)).toEqual([account]);
  });
});

/** All that does not depend on whether the rule judges by the line or by the hour. */
function figuresOf({ account, severity, failures, loginsFromCount, times: _times }: AccountAtRisk): object {
  return { account, severity, failures, loginsFromCount };
}

async function copyOf(path: string): Promise<string> {
  const copy = join(temporaryFolder(), "copy.db");
  copyDatabase(path, copy);
  return copy;
}

/** End of the time of the simulation. */
const END_MS = SIMULATION_START_MS + SIMULATION_DAYS * DAY_MS;

/** Thresholds that nothing reaches; what has none is found all the same. */
const NEVER_MET = `[incidents.hacked_account]
${Object.keys(ACCOUNT_THRESHOLDS)
  .map((name) => `${name} = 1000000`)
  .join("\n")}
`;

function sorted(hours: readonly AccountHour[]): AccountHour[] {
  const keyOf = ({ account, hour, ip }: AccountHour): string => `${hour} ${account} ${ip}`;
  return hours.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

let sentCount = 0;

const THEFT = [
  ...Array.from({ length: 9 }, (_, day) =>
    [9, 15].map((hour) => sent(`2026-03-0${day + 1} ${pad(hour)}:00:00`, "192.0.2.10", [`friend${day}@a.example`])),
  ).flat(),
  ...Array.from({ length: 86 }, (_, index) => {
    const stamp = `2026-03-10 01:${pad(Math.floor(index / 60))}:${pad(index % 60)}`;
    return `${stamp} login_server authenticator failed for (x) [203.0.113.103]: 535 Incorrect authentication data (set_id=alice)\n`;
  }),
  ...Array.from({ length: 8 }, (_, index) =>
    sent(`2026-03-10 02:0${index}:00`, "203.0.113.103", [`a${index}@b${index}.example`, `c${index}@d${index}.example`]),
  ),
].join("");

function sent(stamp: string, ip: string, recipients: readonly string[]): string {
  const id = `1vwwZ${String.fromCharCode(65 + (sentCount % 26))}-0005V${Math.floor(sentCount++ / 26)}-1s`;
  const arrival = `${stamp} ${id} <= alice@example.org H=(x) [${ip}] P=esmtpsa A=plain_server:alice S=400 for ${recipients.join(" ")}\n`;
  return arrival + recipients.map((to) => `${stamp} ${id} => ${to} R=out T=smtp H=mx [198.51.100.1]\n`).join("");
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}

const SENTENCE =
  "86 failed logins from 203.0.113.103, then a login from there, then 16 × the usual mail: 8 messages to 16 recipients, up to 16 domains an hour";

describe("a stolen account", () => {
  let path = "";

  beforeAll(async () => {
    path = await databaseOf("a stolen account", () => THEFT);
  });

  test("comes first in abuse, with a rank, figures and a verdict", async () => {
    const { stdout } = await runCli(["abuse", "--db", path]);
    expect(stdout.split("\n").slice(0, 4)).toEqual([
      "Accounts at risk (UTC)",
      "#  Account  Failures  Messages  Recipients  Refused  Verdict",
      "1  alice          86         8          16        0  likely stolen",
      `   ${SENTENCE}; 2026-03-10 02:00:00 to 2026-03-10 02:07:00`,
    ]);
    expect(stdout).toContain("at risk, see above");
  });

  test("is told in a sentence by problems, the section, the page of HTML and JSON", async () => {
    expect((await runCli(["stats", "problems", "--db", path])).stdout).toContain(
      `serious  1 account is at risk, from 2026-03-10 02:00:00 on: alice: ${SENTENCE}. \`exim-pilot abuse\` shows more.`,
    );
    expect((await runCli(["stats", "accounts", "--csv", "--db", path])).stdout).toContain(`"${SENTENCE}."`);
    const page = join(temporaryFolder(), "page.html");
    expect((await runCli(["stats", "--html", page, "--quiet", "--db", path])).status).toBe(0);
    expect(readFileSync(page, "utf8").split(SENTENCE)).toHaveLength(3);
    expect(await riskyAccounts(path)).toMatchObject([{ verdict: `${SENTENCE}.`, times: 16, severity: "serious" }]);
  });

  test("is hidden with --redact, and what happened is not", async () => {
    for (const command of [["abuse"], ["abuse", "--json"], ["abuse", "--csv"], ["stats", "problems", "accounts"]]) {
      const { stdout } = await runCli([...command, "--redact", "--db", path]);
      expect(stdout).not.toMatch(/alice|203\.0\.113|192\.0\.2|mx1/);
      expect(stdout).toMatch(/86 failed logins from 198\.18\.0\.\d+, then a login from there/);
    }
  });

  test("is a row of CSV among those of all tables", async () => {
    const { stdout } = await runCli(["abuse", "--csv", "--db", path]);
    const [heading, first, ...others] = stdout.trimEnd().split("\n");
    expect(heading).toBe(
      "table,rank,name,failures,accounts,messages,recipients,refused,troubles,addresses,verdict,details,first,last",
    );
    expect(first).toBe(
      `accountsAtRisk,1,alice,86,,8,16,0,,,likely stolen,"${SENTENCE}",2026-03-10T02:00:00.000Z,2026-03-10T02:07:00.000Z`,
    );
    expect(others.map((row) => row.split(",")[0])).toEqual(["logins", "failures", "accountFailures"]);
  });

  test.each([60, 80, 200])("loses nothing at %i columns", async (columns) => {
    const { stdout } = await runCli(["abuse", "--db", path], { columns });
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(stdout.replace(/\s+/g, " ")).toContain(SENTENCE);
    expect(stdout).toContain("login_server:alice");
  });
});

/**
 * In the laboratory 203.0.113.103 guesses the passwords of a dozen accounts, and others send from there, too: alice and bob do after that.
 * Nothing more is wrong with them. It guesses dave's and never logs in as him.
 */
const GUESSED = ["alice", "bob@example.org"];

const LABORATORY: Readonly<Record<string, readonly string[]>> = {
  "all (full)": GUESSED,
  "default (full)": GUESSED,
  "cpanel (full)": GUESSED,
  "msec (full)": GUESSED,
  "longid (full)": GUESSED,
};

test.each(corpusProfiles())("of the accounts of $name those are at risk that a guesser got into", async (profile) => {
  const accounts = await riskyAccounts(await corpusDatabase(profile));
  expect(namesOf(accounts)).toEqual(LABORATORY[profile.name] ?? []);
  for (const { severity, signs } of accounts) expect([severity, signs]).toEqual(["warning", ["guesser"]]);
});
