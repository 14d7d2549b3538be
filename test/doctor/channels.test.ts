/** Doctor on the channels of notifications: it says which can tell nobody anything, before they have to. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type ChannelHealth, checkChannels, type DoctorReport } from "../../src/doctor/doctor.ts";
import { runCli } from "../support/cli.ts";
import { NOW, openDirectly, temporaryFolder, withWriter } from "../support/database.ts";

const WELL: ChannelHealth = {
  name: "ops",
  problem: undefined,
  hint: undefined,
  refusal: undefined,
  isWatchedServer: false,
};

describe("a channel", () => {
  test.each<[what: string, health: Partial<ChannelHealth>, verdict: string, says: RegExp]>([
    ["that can be used", {}, "ok", /configured/],
    ["whose secret cannot be read", { problem: "It is closed.", hint: "Open it." }, "problem", /^It is closed\.$/],
    ["that refused its credentials", { refusal: "401" }, "problem", /refused the credentials at the last try: 401\./],
    ["that goes through the server that is watched", { isWatchedServer: true }, "advice", /nobody hears of it/],
  ])("%s", (_what, health, verdict, says) => {
    const [finding, ...others] = checkChannels([{ ...WELL, ...health }]);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ check: "channel ops", verdict, message: expect.stringMatching(says) });
    expect(verdict === "ok" || (finding?.hint ?? "") !== "").toBe(true);
  });
});

describe("doctor", () => {
  const SMTP = 'type = "smtp"\nfrom = "a@mx1.example"\nto = ["b@b.example"]\n';

  /** Findings about the channel, and the exit status. */
  async function findingsOf(channel: string, prepare: (folder: string, db: string) => void = () => {}) {
    const folder = temporaryFolder();
    const [db, configFile] = [join(folder, "pilot.db"), join(folder, "exim-pilot.toml")];
    await withWriter(db, () => {});
    writeFileSync(configFile, `[notify]\ntiers = ["ops"]\n[channels.ops]\n${channel.replaceAll("FOLDER", folder)}`, {
      mode: 0o600,
    });
    prepare(folder, db);
    const { stdout, status } = await runCli(["doctor", "--json", "--db", db], { configFile, now: () => NOW });
    const { findings } = JSON.parse(stdout) as DoctorReport;
    return { status, found: findings.filter(({ check }) => check.startsWith("channel")) };
  }

  const secret =
    (mode: number) =>
    (folder: string): void => {
      writeFileSync(join(folder, "token"), "t\n");
      chmodSync(join(folder, "token"), mode);
    };
  const TELEGRAM = 'type = "telegram"\nchat = -1\ntoken-file = "FOLDER/token"\n';

  test.each<
    [
      what: string,
      channel: string,
      prepare: ((folder: string, db: string) => void) | undefined,
      verdict: string,
      says: RegExp,
    ]
  >([
    ["a channel that is well", 'type = "webhook"\nurl = "http://127.0.0.1:9/"\n', undefined, "ok", /configured/],
    ["a secret in its file", TELEGRAM, secret(0o600), "ok", /configured/],
    ["a secret that others can read", TELEGRAM, secret(0o644), "problem", /token/],
    ["a secret that is not there", TELEGRAM, undefined, "problem", /token/],
    ["a type that there is not", 'type = "pigeon"\n', undefined, "problem", /pigeon/],
    ["mail through this machine", `${SMTP}host = "127.0.0.1"\n`, undefined, "advice", /server that is watched/],
    ["mail through another server", `${SMTP}host = "smarthost.example"\n`, undefined, "ok", /configured/],
    [
      "credentials that were refused",
      'type = "webhook"\nurl = "http://127.0.0.1:9/"\n',
      (_folder, db) => {
        const database = openDirectly(db);
        database.exec(`INSERT INTO channel_states (channel, successes, failures, total_ms, is_unauthorized, last_error)
          VALUES ('ops', 0, 1, 0, 1, 'the receiver answered 401')`);
        database.close();
      },
      "problem",
      /refused the credentials at the last try: the receiver answered 401/,
    ],
  ])("finds %s", async (_what, channel, prepare, verdict, says) => {
    const { status, found } = await findingsOf(channel, prepare);
    expect(found).toMatchObject([{ verdict, message: expect.stringMatching(says) }]);
    expect(found.every(({ verdict: own, hint = "" }) => own === "ok" || hint !== "")).toBe(true);
    if (verdict === "problem") expect(status).toBe(1);
  });

  test("says nothing of channels where none is configured", async () => {
    const db = join(temporaryFolder(), "pilot.db");
    await withWriter(db, () => {});
    const { stdout } = await runCli(["doctor", "--json", "--db", db]);
    expect((JSON.parse(stdout) as DoctorReport).findings.filter(({ check }) => check.startsWith("channel"))).toEqual(
      [],
    );
  });
});
