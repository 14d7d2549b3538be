/** Holes of small logs, and what commands say of them; odd databases. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { judgeCoverage } from "../../src/coverage/coverage.ts";
import type { Coverage } from "../../src/coverage/holes.ts";
import { CoverageReader } from "../../src/store/read/coverage-reader.ts";
import { type EpochMs, epochMs, HOUR_MS, MINUTE_MS } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder, withReader } from "../support/database.ts";

const START = Date.UTC(2026, 2, 2);
const HALF_HOUR = 30 * MINUTE_MS;

function stamp(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace("T", " ");
}

/** Queue runs of a day, one every half an hour, but for those of a time. */
function queueRuns(without: readonly [number, number] = [0, 0], hours = 24): string[] {
  const times = Array.from({ length: hours * 2 + 1 }, (_, index) => index / 2);
  return times
    .filter((hour) => hour < without[0] || hour >= without[1])
    .map((hour, index) => `${stamp(START + hour * HOUR_MS)} Start queue run: pid=${index + 100}`);
}

function rejection(hour: number, host = "x"): string {
  return `${stamp(START + hour * HOUR_MS + 1000)} H=(${host}) [203.0.113.3] F=<a@x.test> rejected RCPT <n@b.test>: no user`;
}

/** An id of Exim's that was given at this time. */
function idAt(at: number): string {
  const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  let [seconds, text] = [Math.floor(at / 1000), ""];
  for (let index = 0; index < 6; index++) {
    text = (digits[seconds % 62] ?? "") + text;
    seconds = Math.floor(seconds / 62);
  }
  return `${text}-0005eI-2Q`;
}

type Logs = Readonly<Record<string, readonly string[]>>;

/** `mx1/mainlog`: the lines of a log of a server. */
async function databaseWith(logs: Logs): Promise<string> {
  const folder = temporaryFolder();
  const path = join(folder, "pilot.db");
  for (const [name, lines] of Object.entries(logs)) {
    const [server = "", log = ""] = name.split("/");
    const file = join(folder, `${server}-${log}`);
    writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
    await ingestInto(path, [file], { server, ...(log.startsWith("reject") && { logType: "reject" as const }) });
  }
  return path;
}

async function judge(path: string, since?: number, until?: number, servers: readonly string[] = []): Promise<Coverage> {
  const moment = (at: number | undefined): EpochMs | undefined => (at === undefined ? undefined : epochMs(at));
  const now = epochMs(Date.UTC(2026, 3, 1));
  return withReader(path, async ({ coverage }) =>
    judgeCoverage(coverage, { since: moment(since), until: moment(until), servers, now }),
  );
}

function briefly({ state, holes }: Coverage): unknown[] {
  return [
    state,
    ...holes.map(({ server, logType, evidence, from, until }) =>
      [server, logType, evidence, from.slice(11, 16), until.slice(11, 16)].join(" "),
    ),
  ];
}

/** In an answer, or in the error that tells there is none. */
function coverageIn(printed: { coverage?: unknown; error?: { coverage?: unknown } }): unknown {
  return printed.coverage ?? printed.error?.coverage;
}

const hour = (count: number): number => START + count * HOUR_MS;

describe("what is known of", () => {
  test.each<[string, Logs, unknown[]]>([
    ["a log with all queue runs is whole", { "mx1/mainlog": queueRuns() }, ["whole"]],
    [
      "a log without some has a hole",
      { "mx1/mainlog": queueRuns([9, 12]) },
      ["partial", "mx1 main queue-runs 08:30 12:00"],
    ],
    [
      "a log whose queue runner was stopped while mail came has none",
      {
        "mx1/mainlog": [
          ...queueRuns([9, 12]),
          ...Array.from({ length: 400 }, (_, index) => rejection(8.5 + index / 100)),
        ].sort(),
      },
      ["unknown"],
    ],
    [
      "one server of two",
      { "mx1/mainlog": queueRuns(), "mx2/mainlog": queueRuns([3, 7]) },
      ["partial", "mx2 main queue-runs 02:30 07:00"],
    ],
    [
      "one server of two, where the other one is busy meanwhile",
      {
        "mx1/mainlog": [
          ...queueRuns(),
          ...Array.from({ length: 1200 }, (_, index) => rejection(2.6 + index / 300)),
          ...[2.7, 5, 6.9].map(
            (at) => `${stamp(hour(at))} ${idAt(hour(at))} <= a@b.test H=x [203.0.113.3] P=esmtp S=9`,
          ),
        ].sort(),
        "mx2/mainlog": queueRuns([3, 7]),
      },
      ["partial", "mx2 main queue-runs 02:30 07:00"],
    ],
    [
      "a server that ends before the other",
      { "mx1/mainlog": queueRuns(), "mx2/mainlog": queueRuns([0, 0], 12) },
      ["partial", "mx2 main outside 12:00 00:00"],
    ],
    [
      "rejections that the main log lacks",
      {
        "mx1/mainlog": [rejection(0), rejection(1), rejection(9)],
        "mx1/rejectlog": [rejection(0), rejection(1), rejection(5), rejection(9)],
      },
      ["partial", "mx1 main rejections 01:00 09:00"],
    ],
    [
      "rejections that the reject log lacks",
      {
        "mx1/mainlog": [...queueRuns(), ...[0, 1, 5, 5.5, 9].map((at) => rejection(at))].sort(),
        "mx1/rejectlog": [rejection(0), rejection(1), rejection(9)],
      },
      ["partial", "mx1 reject rejections 05:00 05:30"],
    ],
    [
      "rejections that stand in both",
      {
        "mx1/mainlog": [...queueRuns(), ...[0, 1, 5, 9].map((at) => rejection(at))].sort(),
        "mx1/rejectlog": [0, 1, 5, 9].map((at) => rejection(at)),
      },
      ["whole"],
    ],
    [
      "a message that was delivered and never came",
      {
        "mx1/mainlog": [
          rejection(0),
          `${stamp(hour(8))} ${idAt(hour(5))} => a@b.test R=r T=t`,
          `${stamp(hour(8))} ${idAt(hour(5))} Completed`,
          rejection(9),
        ],
      },
      ["partial", "mx1 main arrivals 00:00 08:00"],
    ],
    [
      "a message that is older than the log",
      { "mx1/mainlog": [rejection(2), `${stamp(hour(8))} ${idAt(hour(1))} Completed`, rejection(9)] },
      ["unknown"],
    ],
    ["a log of one line", { "mx1/mainlog": [rejection(1)] }, ["unknown"]],
    [
      "a log with a stamp of the far future",
      { "mx1/mainlog": [...queueRuns(), "2037-01-01 00:00:00 Start queue run: pid=9"] },
      ["whole"],
    ],
    [
      "a log with a stamp of long ago",
      { "mx1/mainlog": ["1970-01-01 00:00:09 Start queue run: pid=9", ...queueRuns()] },
      ["whole"],
    ],
  ])("%s", async (_what, logs, expected) => {
    expect(briefly(await judge(await databaseWith(logs)))).toEqual(expected);
  });

  test("a time that no log covers, or covers in part", async () => {
    const path = await databaseWith({ "mx1/mainlog": queueRuns() });
    expect(briefly(await judge(path, hour(48), hour(72)))).toEqual(["none", "mx1 main outside 00:00 00:00"]);
    expect(briefly(await judge(path, hour(-5), hour(5)))).toEqual(["partial", "mx1 main outside 19:00 00:00"]);
    expect(briefly(await judge(path, hour(5), hour(9)))).toEqual(["whole"]);
    expect(briefly(await judge(path, hour(5), hour(9), ["mx9"]))).toEqual(["none"]);
  });

  test("a time of which one moment was read is covered in part", async () => {
    const moment = hour(1) + 1000;
    const path = await databaseWith({ "mx1/mainlog": [rejection(1, "x"), rejection(1, "y")] });
    expect(briefly(await judge(path, hour(-5), hour(9)))).toEqual(["partial", "mx1 main outside 19:00 09:00"]);
    expect((await judge(path, moment, hour(9))).state).toBe("partial");
    expect((await judge(path, hour(-5), moment)).state).toBe("none");
    expect((await judge(path, moment + 1, hour(9))).state).toBe("none");
  });

  test("a queue run too late is no hole, whatever comes first", async () => {
    const late = queueRuns([9, 9.5])
      .concat(`${stamp(hour(9) + HALF_HOUR / 4)} Start queue run: pid=7`)
      .sort();
    expect(briefly(await judge(await databaseWith({ "mx1/mainlog": late })))).toEqual(["whole"]);
  });
});

/** The statements that a judgement asks, with their plans. */
function statementsOf(path: string): { readonly asked: readonly string[]; readonly plans: readonly string[] } {
  const asked: string[] = [];
  const database = new Database(path, { readonly: true, verbose: (text) => asked.push(String(text)) });
  const request = { since: undefined, until: undefined, servers: [], now: epochMs(Date.UTC(2026, 3, 1)) };
  judgeCoverage(new CoverageReader(database), request);
  // Statements that differ in their values only have the same plan.
  const forms = new Map(asked.map((text) => [text.replaceAll(/\d{9,}(?:\.0)?/g, "1"), text]));
  const plans = [...forms.values()].flatMap((text) =>
    database
      .prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`)
      .all()
      .map(({ detail }) => detail),
  );
  database.close();
  return { asked, plans };
}

test("no question walks through a table that grows with the logs", async () => {
  const told = statementsOf(
    await databaseWith({
      "mx1/mainlog": [...queueRuns([9, 12]), rejection(3)].sort(),
      "mx1/rejectlog": [rejection(3), rejection(10)],
    }),
  );
  // Nothing tells the rhythm of these, and the other server has too many lines to look for one of this server among them.
  const busy = Array.from({ length: 1200 }, (_, index) => rejection(2 + index / 60));
  const silent = statementsOf(
    await databaseWith({ "mx1/mainlog": busy, "mx2/mainlog": [rejection(1), rejection(23)] }),
  );
  const plans = [...told.plans, ...silent.plans];
  expect(told.asked.length).toBeGreaterThan(8);
  expect(
    plans.filter((plan) =>
      /^SCAN (?:e|m|j|b|stored_entries|stored_messages|stored_rejections|raw_blocks)\b/.test(plan),
    ),
  ).toEqual([]);
  for (const index of [
    "stored_entries_queue_run",
    "stored_entries_lone_at",
    "stored_entries_unpaired",
    "raw_blocks_last_ms",
  ])
    expect(
      plans.some((plan) => plan.includes(`idx_${index}`)),
      index,
    ).toBe(true);
});

test("the number of questions does not grow with the log", async () => {
  const log = Array.from({ length: 6000 }, (_, index) => rejection((72 * index) / 6000));
  const { asked } = statementsOf(await databaseWith({ "mx1/mainlog": log }));
  expect(asked.length).toBeGreaterThan(300);
  expect(asked.length).toBeLessThan(1200);
});

describe("a time without a line, where no rhythm tells whether it is a hole,", () => {
  /** A rejection every ten minutes of three days, but for those of some hours. */
  const sparse = (from: number, until: number): string[] =>
    Array.from({ length: 72 * 6 }, (_, index) => index / 6)
      .filter((at) => at < from || at >= until)
      .map((at) => rejection(at));
  const SPAN = "between 2026-03-02 23:50:01 and 2026-03-04 00:00:01 (UTC)";

  test("is told as the longest, and is no hole", async () => {
    const path = await databaseWith({ "mx1/mainlog": sparse(24, 48) });
    const coverage = await judge(path);
    expect(coverage).toMatchObject({ state: "unknown", holes: [], logs: [{ isSilent: false }] });
    const { stdout } = await runCli(["stats", "problems", "--db", path]);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain(`The longest time without a line in mx1's main log is ${SPAN}.`);
    expect(stdout).toContain("None that exceeds its threshold");
  });

  test("is told where nothing else is in the time that is asked for", async () => {
    const path = await databaseWith({ "mx1/mainlog": sparse(24, 48) });
    const day = ["--since", "2026-03-03", "--until", "2026-03-03", "--db", path];
    const says = `mx1's main log has no line at all ${SPAN}: Exim logged nothing, or what it logged was not read.`;
    const stats = (await runCli(["stats", ...day])).stdout.replaceAll(/\s+/g, " ");
    expect(stats).toContain(says);
    expect(stats).toContain("warning mx1 has no line at all of this time");
    expect((await runCli(["search", "--sender", "a@b.test", ...day])).stderr.replaceAll(/\s+/g, " ")).toContain(says);
    const { stdout } = await runCli(["stats", "--json", ...day]);
    expect(JSON.parse(stdout).coverage).toMatchObject({
      state: "unknown",
      logs: [{ isSilent: true, silentFrom: "2026-03-02T23:50:01.000Z", silentUntil: "2026-03-04T00:00:01.000Z" }],
    });
  });

  test("ends where a line about a message is", async () => {
    const retry = `${stamp(hour(30))} ${idAt(hour(1))} == a@b.test R=r T=t defer (-44): 450 later`;
    const arrival = `${stamp(hour(1))} ${idAt(hour(1))} <= a@b.test H=x [203.0.113.3] P=esmtp S=9`;
    const path = await databaseWith({ "mx1/mainlog": [...sparse(24, 48), arrival, retry].sort() });
    expect((await judge(path)).logs).toMatchObject([{ silentFrom: "2026-03-03T06:00:00.000Z" }]);
  });

  test("is not told where it is short, or where queue runs tell", async () => {
    const short = await judge(await databaseWith({ "mx1/mainlog": sparse(24, 24.5) }));
    const told = await judge(await databaseWith({ "mx1/mainlog": queueRuns() }));
    for (const { logs } of [short, told]) expect(logs).toMatchObject([{ silentFrom: null, silentUntil: null }]);
  });
});

describe("a day that was not read is told by", () => {
  const DAY = ["--since", "2026-03-05", "--until", "2026-03-05"];
  const SAYS = "No line of mx1's main log was read between 2026-03-05 00:00:00 and 2026-03-06 00:00:00 (UTC)";

  test.each<[string, string[]]>([
    ["stats", ["stats", ...DAY]],
    ["one section", ["stats", "totals", ...DAY]],
    ["Markdown", ["stats", "--markdown", ...DAY]],
    ["search", ["search", "--sender", "a@b.test", ...DAY]],
    ["abuse", ["abuse", ...DAY]],
    ["trace", ["trace", "a@b.test", ...DAY]],
    ["trace with --json", ["trace", "a@b.test", "--json", ...DAY]],
    ["abuse with --json", ["abuse", "--json", ...DAY]],
    ["a count", ["search", "--sender", "a@b.test", "--count", ...DAY]],
  ])("%s", async (_what, command) => {
    const path = await databaseWith({ "mx1/mainlog": queueRuns() });
    const { stdout, stderr } = await runCli([...command, "--db", path]);
    expect((stdout + stderr).replaceAll(/\s+/g, " ")).toContain(SAYS);
    if (command.includes("--json"))
      expect(coverageIn(JSON.parse(stdout))).toMatchObject({ state: "none", holes: [{ evidence: "outside" }] });
  });

  test("name no server with --redact", async () => {
    const path = await databaseWith({ "mx1/mainlog": queueRuns() });
    const empty = [
      ["search", "--sender", "a@b.test"],
      ["abuse"],
      ["trace", "a@b.test"],
      ["trace", "a@b.test", "--json"],
    ];
    const answers = [...empty.map((command) => [...command, ...DAY]), ["queue", "--at", "2026-03-05"], ["doctor"]];
    for (const command of answers) {
      const { stdout, stderr } = await runCli([...command, "--redact", "--db", path], { columns: 200 });
      expect(stdout + stderr, command.join(" ")).toMatch(/coverage/i);
      expect(stdout + stderr, command.join(" ")).not.toContain("mx1's");
    }
  });

  test("a queue of which the log knows nothing", async () => {
    const path = await databaseWith({ "mx1/mainlog": queueRuns() });
    const at = ["queue", "--at", "2026-03-05 12:00", "--db", path];
    const { stderr } = await runCli(at);
    expect(stderr.replaceAll(/\s+/g, " ")).toContain(
      "No line of mx1's main log was read between 2026-03-03 00:00:00 and 2026-03-05 12:00:00 (UTC)",
    );
    const { stdout } = await runCli([...at, "--json"]);
    expect(coverageIn(JSON.parse(stdout))).toMatchObject({ state: "partial" });
  });

  test("a message that is not finished, where something is missing after it", async () => {
    const arrival = (at: number, id: string): string => `${stamp(at)} ${id} <= a@b.test H=x [203.0.113.3] P=esmtp S=9`;
    const [open, done] = [idAt(hour(8)), idAt(hour(13))];
    const end = (at: number): string[] => [
      `${stamp(at)} ${done} => a@b.test R=r T=t`,
      `${stamp(at)} ${done} Completed`,
    ];
    const lines = [arrival(hour(8), open), arrival(hour(13), done), ...end(hour(13) + 1000)];
    const path = await databaseWith({ "mx1/mainlog": [...queueRuns([9, 12]), ...lines].sort() });
    const hole = "No line of mx1's main log was read between 2026-03-02 08:30:00 and 2026-03-02 12:00:00 (UTC)";
    const trace = async (id: string): Promise<string> =>
      (await runCli(["trace", id, "--db", path])).stdout.replaceAll(/\s+/g, " ");
    expect(await trace(open)).toContain(hole);
    expect(await trace(done)).not.toContain("Coverage");
    const { stdout } = await runCli(["trace", open, "--json", "--db", path]);
    expect(coverageIn(JSON.parse(stdout))).toMatchObject({ state: "partial", holes: [{ evidence: "queue-runs" }] });
  });

  test("a server whose main log was never read", async () => {
    const path = await databaseWith({ "mx1/rejectlog": [rejection(1)] });
    const { stdout } = await runCli(["stats", "problems", "--db", path]);
    expect(stdout).toContain("Coverage  none. No main log of mx1 has been read.");
    expect(stdout).toContain("No main log was read of this time: its figures are missing, not zero.");
    const both = await databaseWith({ "mx1/mainlog": queueRuns(), "mx2/rejectlog": [rejection(1)] });
    const { stdout: told } = await runCli(["stats", "problems", "--db", both]);
    expect(told).toContain("Coverage  partial. No main log of mx2 has been read.");
    expect(told).toContain("warning  No main log of mx2 was read.");
  });

  test("JSON and HTML", async () => {
    const path = await databaseWith({ "mx1/mainlog": queueRuns() });
    const page = join(temporaryFolder(), "page.html");
    for (const command of [["stats"], ["search", "--sender", "a@b.test"]]) {
      const { stdout } = await runCli([...command, ...DAY, "--json", "--db", path]);
      expect(JSON.parse(stdout)).toMatchObject({ coverage: { state: "none", holes: [{ evidence: "outside" }] } });
    }
    const { html } = { html: await runCli(["stats", ...DAY, "--html", page, "--db", path]) };
    expect(html.status).toBe(0);
  });

  test("the id of a message", async () => {
    const path = await databaseWith({ "mx1/mainlog": queueRuns([9, 12]) });
    const { stderr } = await runCli(["trace", idAt(hour(10)), "--db", path]);
    expect(stderr).toContain("Its id is of 2026-03-02 10:00:00 (UTC). Coverage: none. Nothing was read of that time.");
    expect(stderr).toContain(
      "between 2026-03-02 08:30:00 and 2026-03-02 12:00:00 (UTC), where a queue run was due every 30 min.",
    );
  });

  test("the logs between which it is missing", async () => {
    const path = await databaseWith({ "mx1/mainlog.2": queueRuns([9, 99]), "mx1/mainlog": queueRuns([0, 12]) });
    const { stdout } = await runCli(["sources", "--db", path], { columns: 500 });
    expect(stdout.replaceAll(/\s+/g, " ")).toMatch(
      /Ingest the rotated main log between \S+mx1-mainlog\.2 and \S+mx1-mainlog: /,
    );
  });

  test("an empty database", async () => {
    const path = await databaseWith({ "mx1/mainlog": [] });
    const { stdout } = await runCli(["stats", "--db", path]);
    expect(stdout).toContain("Coverage  none. No log has been read yet.");
    expect(stdout).toContain("No main log was read of this time");
  });
});
