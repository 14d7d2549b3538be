/** Wrong input: numbers, texts, times and thresholds that incidents refuse, with a sentence and a hint, and nothing is changed. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PilotError } from "../../src/errors.ts";
import { RULES, thresholdsFrom } from "../../src/incidents/rules.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { NOW, temporaryFolder, withWriter } from "../support/database.ts";
import { madeOnce } from "../support/made-once.ts";
import { queryAll } from "../support/views.ts";

const database = (): Promise<string> =>
  madeOnce("one incident.db", async (db) => {
    const stamp = new Date(NOW - 300_000).toISOString().slice(0, 19).replace("T", " ");
    const stdin = `${stamp} daemon: fork of queue-runner process failed: Cannot allocate memory\n`;
    const argv = ["ingest", "--quiet", "--log-type", "panic", "--server", "mx1", "--timezone", "UTC", "--detect"];
    expect(await runCli([...argv, "--db", db, "-"], { stdin, now: () => NOW })).toMatchObject({ status: 0 });
    await withWriter(db, () => {});
  });

const NUMBERS = ["0", "-1", "1.5", "1e3", "one", "", "١"];

describe("incidents", () => {
  test.each<[what: string, argv: readonly string[], status: number, says: RegExp]>([
    ["a number without a verb", ["7"], 2, /no argument, and 1 was given(?![\s\S]*[Qq]uote)[\s\S]*incidents --help/],
    ["a status that there is not", ["--status", "closed"], 2, /Statuses are|cannot be/],
    ["a kind that there is not", ["--kind", "pigeons"], 2, /no kind of incident/],
    ["a server that there is not", ["--server", "mx77"], 1, /knows no server "mx77"/],
    ["a time that is none", ["--since", "yesteryear"], 2, /--since/],
    ["a number that is not given", ["show", "7"], 1, /no incident 7/],
    ["a number that no integer holds", ["show", "99999999999999999999"], 1, /no incident/],
    ["a condition that is none", ["detect", "--fail-if", "open>=fatal"], 2, /--fail-if/],
    ["a note of 10,001 characters", ["resolve", "1", "x".repeat(10_001)], 2, /has 10001 characters, more than 10000/],
    ["a note with a control character", ["resolve", "1", "a\u0007b"], 2, /control character U\+0007/],
    ["a note with one of the second block", ["resolve", "1", "a\u009bb"], 2, /control character U\+009B/],
    ["half of a character", ["acknowledge", "1", "a\ud83db"], 2, /U\+D83D/],
    ["a mute without a reason", ["mute", "panic", ""], 2, /reason is missing/],
    ["a reason of blanks", ["mute", "panic", "", "--reason", " \t "], 2, /reason is missing/],
    ["a reason of 10,001 characters", ["mute", "panic", "", "--reason", "x".repeat(10_001)], 2, /The reason has 10001/],
    ["a mute of no time", ["mute", "panic", "", "--reason", "x", "--for", "0h"], 2, /--for/],
    ["a mute of eleven years", ["mute", "panic", "", "--reason", "x", "--for", "4015d"], 2, /--for/],
    ["a mute of a kind that there is not", ["mute", "pigeons", "", "--reason", "x"], 2, /no kind of incident/],
    ["a reason without a kind", ["mute", "--reason", "x"], 2, /--reason belongs to a kind/],
    ["the end of a mute without a kind", ["mute", "--off"], 2, /--off belongs to a kind/],
    ["an end with a time", ["mute", "panic", "", "--off", "--for", "3d"], 2, /--off and --for exclude/],
    ["a limit that nothing looks at", ["detect", "--silence", "1h"], 2, /--silence belongs to --fail-if/],
    ["the end of a mute that there is not", ["mute", "panic", "bob", "--off"], 1, /Nothing is muted/],
    ...NUMBERS.flatMap((number) =>
      ["show", "acknowledge", "resolve", "reopen", "false-alarm"].map(
        (verb) =>
          [`the number "${number}" of ${verb}`, [verb, number], 2, /<number>/] as [
            string,
            readonly string[],
            number,
            RegExp,
          ],
      ),
    ),
  ])("refuse %s", async (_what, argv, status, says) => {
    const db = await database();
    expectFailure(await runCli(["incidents", ...argv, "--db", db], { now: () => NOW }), { status, says });
    expect(queryAll(db, "SELECT 1 FROM incident_actions UNION SELECT 1 FROM incident_mutes")).toEqual([]);
  });

  test("take a note of 10,000 characters, of any writing, in several lines", async () => {
    const { copyDatabase } = await import("../support/database.ts");
    const db = join(temporaryFolder(), "pilot.db");
    copyDatabase(await database(), db);
    const note = `${"שלום \u202e漢字😀\n\t".repeat(900)}end`;
    expect(await runCli(["incidents", "resolve", "1", note, "--db", db], { now: () => NOW })).toMatchObject({
      status: 0,
    });
    expect(queryAll(db, "SELECT note FROM incident_actions")).toEqual([{ note }]);
  });
});

describe("thresholds", () => {
  const [rule] = RULES;
  const [threshold = ""] = Object.keys(rule?.thresholds ?? {});
  const kind = rule?.kind ?? "";

  test.each<[what: string, settings: Record<string, Record<string, number>>, says: RegExp]>([
    ["of a rule that there is not", { pigeons: { flights: 1 } }, /there is no such rule/],
    ["that the rule has not", { [kind]: { flights: 1 } }, /has no threshold "flights"/],
    ["of a name that every object has", { [kind]: { constructor: 1 } }, /has no threshold "constructor"/],
    ["of a rule that every object has", { constructor: { name: 1 } }, /there is no such rule/],
    ["below zero", { [kind]: { [threshold]: -1 } }, /number of 0 or more/],
    ["without an end", { [kind]: { [threshold]: Number.POSITIVE_INFINITY } }, /number of 0 or more/],
    ["that is no number", { [kind]: { [threshold]: Number.NaN } }, /number of 0 or more/],
  ])("%s are refused", (_what, settings, says) => {
    let thrown: unknown;
    try {
      thresholdsFrom(settings);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(PilotError);
    expect(thrown).toMatchObject({
      code: "usage",
      message: expect.stringMatching(says),
      hint: expect.stringMatching(/./),
    });
  });

  test("in a configuration that is wrong stop every command that uses them", async () => {
    const db = await database();
    const configFile = join(temporaryFolder(), "exim-pilot.toml");
    writeFileSync(configFile, "[incidents.hacked_account]\nflights = 3\n", { mode: 0o600 });
    for (const argv of [["incidents", "detect"], ["incidents", "show", "1"], ["abuse"], ["stats"]])
      expectFailure(await runCli([...argv, "--db", db], { configFile, now: () => NOW }), {
        status: 2,
        says: 'The rule hacked_account has no threshold "flights".',
      });
  });
});
