/** Log text cannot control the terminal, in whatever form it is shown. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toVisible, toVisibleJson } from "../../src/render/form/terminal-text.ts";
import { HOUR_MS } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, NOW, withWriter } from "../support/database.ts";

const INVISIBLE =
  "\u00ad\u034f\u115f\u1160\u17b4\u180e\u200b\u200d\u200f\u2028\u2060\u206f\u2800\u3164\ufe0f\ufeff\uffa0\ue000\u{1d173}\u{e0041}\u{e0100}\u{f0000}";
const EVIL = `abc\u001b[2J\u0007\u009b31m\u202e${INVISIBLE}abc`;
const ID = "1vwz8c-0005eI-2Q";
const LOG = `2026-03-02 05:40:05 ${ID} <= "${EVIL}"@evil.example H=(${EVIL}) [203.0.113.9] P=esmtp S=419 T="${EVIL}"
2026-03-02 05:40:06 ${ID} ** bob@example.org R=x T=y H=mx.example.org [203.0.113.1]: 550 ${EVIL}
2026-03-02 05:41:00 plain authenticator failed for (${EVIL}) [203.0.113.9]: 535 no (set_id=${EVIL})
`;

/** Characters that may not reach a terminal; a list of its own, so that it does not share the faults of the program's. */
const UNSAFE = new RegExp(
  `[${[..."\u061c\u202a\u202b\u202c\u202d\u202e", ...INVISIBLE].map((character) => `\\u{${character.codePointAt(0)?.toString(16)}}`).join("")}\\u{0}-\\u{8}\\u{b}-\\u{1f}\\u{7f}-\\u{9f}]`,
  "u",
);

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const db = join(FOLDER, "hostile.db");

beforeAll(async () => {
  const log = join(FOLDER, `${EVIL}.log`);
  writeFileSync(log, LOG);
  await ingestInto(db, [log], { logType: "main" });
  for (const argv of [
    ["sql", "--param", `evil=${EVIL}`, "SELECT :evil"],
    ["tag", ID, "abc"],
    ["tag", "--describe", "abc", "--about", `abc${INVISIBLE}\u202e`],
    ["note", ID, `abc\u202e${INVISIBLE}\nabc`],
  ])
    expect(await runCli([...argv, "--db", db], { user: EVIL })).toMatchObject({ status: 0 });
  await addIncident();
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

/** An incident, a word about it, a mute and a notification that was sent, each with what strangers wrote. */
async function addIncident(): Promise<void> {
  const figures = {
    count: 1,
    peak: 1,
    usual: 0,
    good: 0,
    bad: 1,
    one: [EVIL],
    oneCount: 1,
    other: [EVIL],
    otherCount: 1,
    texts: [EVIL],
  };
  await withWriter(db, (writer) =>
    writer.write((transactor) => {
      transactor.saveEpisodes({
        serverId: 1,
        episodes: [
          {
            kind: "script_mail",
            subject: EVIL,
            severity: "critical",
            startMs: NOW,
            firedMs: NOW,
            lastMs: NOW,
            goesOn: true,
            count: 1,
            hours: [[Math.floor(NOW / HOUR_MS), 1]],
            figures,
            title: EVIL,
            description: EVIL,
            messages: [ID],
            ruleVersion: 1,
            pauseMs: HOUR_MS,
          },
        ],
        sinceMs: NOW,
        newestMs: NOW,
        pauses: new Map(),
        now: NOW,
      });
      const event = {
        version: 1,
        server: EVIL,
        title: EVIL,
        notes: [EVIL],
        since: null,
        until: null,
        command: null,
      } as const;
      transactor.outbox.enqueue({ dedupKey: EVIL, reason: "opened", severity: "critical", event }, NOW);
    }),
  );
  const configFile = join(FOLDER, "exim-pilot.toml");
  writeFileSync(configFile, CHANNELS, { mode: 0o600 });
  const visible = `abc\u202e${INVISIBLE}\nabc`;
  for (const argv of [
    ["incidents", "acknowledge", "1", visible],
    ["incidents", "mute", "panic", EVIL, "--reason", visible],
    ["notify", "run"],
  ])
    expect(await runCli([...argv, "--db", db], { user: EVIL, configFile })).toMatchObject({ status: 0 });
}

/** Nobody listens there. */
const CHANNELS = `[notify]
tiers = ["ops"]
[channels.ops]
type = "webhook"
url = "http://127.0.0.1:9/"
redact = false
`;

const UNPAGED: ReadonlySet<string> = new Set(["sources", "tag", "tail"]);

test.each([
  `trace ${ID}`,
  `trace ${ID} --raw`,
  `trace ${ID} --chain`,
  `trace ${ID} --json`,
  "search",
  "search --raw .",
  "search --csv",
  "search --ndjson",
  "search --json",
  "tail --no-follow",
  "tail --no-follow --raw",
  "tail --no-follow --ndjson",
  "abuse",
  "abuse --json",
  "abuse --csv",
  "stats all --by sender --by helo --by auth",
  "stats all --by sender --json",
  "stats bounces --csv",
  "stats bounces --markdown",
  "stats --eximstats",
  "sql --format table",
  "sql --format csv",
  "sql --format json",
  "sql --format ndjson",
  "audit",
  "audit --csv",
  "audit --json",
  "sources",
  "sources --json",
  "tag",
  "tag --json",
  "tag --popular",
  "note",
  "note --json",
  "incidents",
  "incidents --csv",
  "incidents --json",
  "incidents show 1",
  "incidents show 1 --json",
  "incidents mute",
  "incidents mute --json",
  "notify",
  "notify --json",
  "notify show 1",
  "notify show 1 --json",
])("the terminal is safe from what %s prints", async (command) => {
  const [name = "", ...flags] = command.split(" ");
  const statement = name === "sql" ? ["SELECT subject FROM messages"] : [];
  const paging = UNPAGED.has(name) ? [] : ["--no-pager"];
  const { stdout } = await runCli([name, ...statement, ...flags, "--db", db, ...paging], {
    isTTY: true,
    env: { NO_COLOR: "1" },
  });
  expect(stdout).toContain("abc");
  expect(stdout.replaceAll("\r\n", "\n")).not.toMatch(UNSAFE);
});

test.each([
  ["a database", ["stats", "--db", `nowhere/${EVIL}`]],
  ["a flag", ["stats", `--${EVIL.replaceAll(/\s/g, "")}`]],
  ["a command", [EVIL]],
  ["a log", ["ingest", "--quiet", `nowhere/${EVIL}`]],
  ["a configuration", ["config", "--config", `nowhere/${EVIL}`]],
  ["a page", ["stats", "--html", `nowhere/${EVIL}`]],
])("the terminal is safe from an error that names %s", async (_what, argv) => {
  const { status, stderr } = await runCli(argv, { isTTY: true, env: { NO_COLOR: "1", EXIM_PILOT_DB: db } });
  expect(status).toBeGreaterThan(0);
  expect(stderr).toContain("abc");
  expect(stderr).not.toMatch(UNSAFE);
});

describe("every character of the kind", () => {
  const KINDS = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
  const all = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code));
  const unsafe = all.filter((character) => KINDS.test(character) && !"\t\n".includes(character));

  test("is shown, and as itself in JSON", () => {
    expect(unsafe.length).toBeGreaterThan(100_000);
    const shown = unsafe.map(toVisible);
    expect(shown.filter((text) => !/^\\(x[\da-f]{2}|u[\da-f]{4}|u\{[\da-f]{5,6}\})$/.test(text))).toEqual([]);
    expect(new Set(shown).size).toBe(unsafe.length);
    const json = toVisibleJson(JSON.stringify(unsafe));
    expect(json).toMatch(/^[ -~]+$/);
    expect(JSON.parse(json)).toEqual(unsafe);
  });

  test("others stay as they are", () => {
    const seen = [
      "a b\tc\n",
      "é ü ß",
      "Привет",
      "日本語",
      "العربية",
      "עברית",
      "😀",
      "한국어",
      "e\u0301",
      "\u00a0",
      "\ufffd",
    ];
    for (const text of seen) expect([toVisible(text), toVisibleJson(text)]).toEqual([text, text]);
  });
});

test("JSON of trace has the text itself", async () => {
  const { stdout } = await runCli(["trace", ID, "--json", "--db", db]);
  expect(JSON.parse(stdout).messages[0].message.subject).toBe(EVIL);
});

test("parse prints escapes to a terminal, and the text itself in JSON", async () => {
  const { stdout } = await runCli(["parse", "-"], { stdin: LOG, isTTY: true });
  expect(stdout).not.toMatch(UNSAFE);
  expect(JSON.parse(stdout.split("\n")[0] ?? "").subject).toBe(EVIL);
});
