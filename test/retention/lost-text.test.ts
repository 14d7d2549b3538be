/** Databases whose oldest text has been pruned: what is still known of it, and what is told of the rest. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { replay } from "../../src/ingest/save/replay.ts";
import { openReader } from "../../src/store/store.ts";
import { untilCaughtUp, WorkingCopy } from "../../src/store/working-copy.ts";
import { epochMs } from "../../src/units.ts";
import { expectFailure, runCli } from "../support/cli.ts";
import { FIXTURES, ingestInto, openDirectly, storeSettings, temporaryFolder } from "../support/database.ts";
import { errorOf } from "../support/pilot-error.ts";
import { PROCESSES } from "../support/processes.ts";
import { databaseOf, dumpRows, pruneOptions, runPrune } from "../support/pruning.ts";
import { queryAll } from "../support/views.ts";

describe("a database that has lost old text", () => {
  test("is sound, and tells of its messages what it told before", async () => {
    const folder = temporaryFolder();
    const database = join(folder, "pilot.db");
    const log = join(FIXTURES, "corpus", "default", "mainlog");
    await ingestInto(database, [log], { batchLines: 20 });
    const asked = [
      ["search", "--recipient", "*@example.org", "--kind", "message", "--count"],
      ["search", "--sender", "*@sender1.example", "--kind", "message", "--ids"],
      ["stats", "totals", "bounces", "--json", "--since", "2026-03-02", "--until", "2026-03-03"],
    ];
    const answers = () => Promise.all(asked.map((argv) => runCli([...argv, "--db", database])));
    const before = await answers();
    for (const { status, stdout } of before)
      expect({ status, found: stdout.length > 1 }).toEqual({ status: 0, found: true });
    expect((await runCli(["prune", "--logs", "27d", "--db", database])).status).toBe(0);
    const [{ left }] = queryAll<{ left: number }>(
      database,
      "SELECT count(*) AS left FROM raw_blocks WHERE position = 0",
    ) as [{ left: number }];
    expect(left).toBe(0);
    const after = await answers();
    const figures = ({ stdout }: { readonly stdout: string }): unknown =>
      stdout.startsWith("{") ? (JSON.parse(stdout) as { sections: unknown }).sections : stdout;
    expect(after.slice(0, 2).map(figures)).toEqual(before.slice(0, 2).map(figures));
    expect(withoutRejections(figures(after[2] ?? { stdout: "{}" }))).toEqual(
      withoutRejections(figures(before[2] ?? { stdout: "{}" })),
    );
    expect((await runCli(["verify", "--db", database])).status).toBe(0);
  });

  const LINES = [
    "2026-03-02 08:00:00 1vx5YS-0006QZ-1J <= a@example.org H=h [192.0.2.1] S=300 id=one@example.org",
    '2026-03-02 08:00:01 1vx5YS-0006QZ-1J => b@example.com R=r T=t H=mx [192.0.2.2] C="250 OK id=1vx5YS-0006QZ-9J"',
    "2026-03-02 08:00:01 1vx5YS-0006QZ-1J Completed",
    "2026-03-02 08:00:02 no host name found for IP address 192.0.2.77",
    "2026-05-10 08:00:00 1vx5YS-0006QZ-2J <= c@example.org H=h [192.0.2.1] S=300",
  ];

  async function prunedDatabase(): Promise<string> {
    const path = await databaseOf(LINES);
    await runPrune(path, pruneOptions(path, epochMs(Date.UTC(2026, 4, 20)), { logs: "30d", messages: "1y" }));
    return path;
  }

  test("still finds its messages by what they said", async () => {
    const path = await prunedDatabase();
    for (const flags of [
      ["--recipient", "b@example.com"],
      ["--ip", "192.0.2.2"],
      ["--message-id", "one@example.org"],
    ])
      expect((await runCli(["search", "--ids", ...flags, "--db", path])).stdout, flags.join(" ")).toBe(
        "1vx5YS-0006QZ-1J\n",
      );
    expect((await runCli(["search", "--ids", "--ip", "192.0.2.77", "--db", path])).status).toBe(1);
    expect((await runCli(["trace", "b@example.com", "--db", path])).stdout).toContain("1vx5YS-0006QZ-1J");
  });

  test("is not rebuilt, which would lose what only the pruned lines said, and a rehearsal says so too", async () => {
    const path = await prunedDatabase();
    const all = dumpRows(path);
    for (const argv of [["rebuild"], ["rebuild", "--dry-run"]])
      expectFailure(await runCli([...argv, "--db", path]), { status: 1, says: "Text of 1 log" });
    expect(dumpRows(path)).toEqual(all);
  });

  test("is not rebuilt either when the text is pruned while a rebuild reads it", async () => {
    const path = await databaseOf(LINES);
    const copy = new WorkingCopy(storeSettings(path), { processes: PROCESSES, purpose: "replace" });
    const reader = openReader(storeSettings(path));
    try {
      const read = () =>
        replay(reader.text, copy.writer, {
          now: storeSettings(path).now,
          signal: new AbortController().signal,
          onProgress: () => {},
        });
      const swap = async () => {
        await runPrune(path, pruneOptions(path, epochMs(Date.UTC(2026, 4, 20)), { logs: "30d", messages: "1y" }));
        return dumpRows(path);
      };
      let pruned: unknown;
      const rebuilding = untilCaughtUp(
        copy,
        async () => {
          await read();
          pruned ??= await swap();
        },
        () => false,
        () => copy.takePlace() || undefined,
      );
      expect(await errorOf(rebuilding)).toMatchObject({ message: expect.stringContaining("has been pruned") });
      expect(dumpRows(path)).toEqual(pruned);
    } finally {
      reader.close();
      copy.close();
    }
  });

  test.each([
    ["a line about a recipient", "2026-05-10 08:00:00 1vx5YS-0006QZ-1J ** c@exam", "ple.com R=r T=t: no such user"],
    [
      "an arrival",
      "2026-05-10 08:00:00 1vx5YS-0006QZ-1J <= a@example.org H=h [192.0.2.1] S=3",
      "00 T=hello for b@example.com",
    ],
  ])(
    "keeps what is known of a message when %s is read that was not yet written to its end",
    async (_what, begun, rest) => {
      const old = [
        "2026-03-02 08:00:00 1vx5YS-0006QZ-1J <= a@example.org H=h [192.0.2.1] S=300 for b@example.com c@example.com",
        "2026-03-02 08:00:01 1vx5YS-0006QZ-1J == b@example.com R=r T=t defer (-53): retry",
      ].filter((line) => !begun.includes("<=") || !line.includes("<="));
      const folder = temporaryFolder();
      const log = join(folder, "mainlog");
      const [path, undisturbed] = [join(folder, "pilot.db"), join(folder, "undisturbed.db")];
      const read = (database: string) => ingestInto(database, [log], { batchLines: 1, logType: "main" });
      writeFileSync(log, `${[...old, begun].join("\n")}`);
      await read(path);
      await runPrune(path, pruneOptions(path, epochMs(Date.UTC(2026, 4, 20)), { logs: "30d", messages: "1y" }));
      expect(queryAll(path, "SELECT count(*) AS blocks FROM raw_blocks")).toEqual([{ blocks: 1 }]);
      writeFileSync(log, `${[...old, begun + rest].join("\n")}\n`);
      await read(path);
      await read(undisturbed);
      expect(dumpRows(path)).toEqual(dumpRows(undisturbed));
      expect((await runCli(["verify", "--deep", "--db", path])).stdout).toContain("Sound:");
    },
  );

  test("is held against the lines that are left, and what cannot be is told", async () => {
    const path = await prunedDatabase();
    const sound = await runCli(["verify", "--deep", "--db", path]);
    expect(sound.status).toBe(0);
    expect(sound.stdout).toContain("Not compared with their lines: 1 message and 3 entries, because 317 B of log");
    const database = openDirectly(path);
    database.exec("UPDATE stored_messages SET size = 301 WHERE exim_id = '1vx5YS-0006QZ-2J'");
    database.close();
    const wrong = await runCli(["verify", "--deep", "--db", path]);
    expect(wrong.status).toBe(1);
    expect(wrong.stdout).toContain("messages: 1 row is stored, and not what the lines say.");
    expect(wrong.stdout).not.toContain("exim-pilot rebuild");
  });

  test("gives the rest of a log back, and says since when the beginning is gone", async () => {
    const path = await prunedDatabase();
    const gone = Buffer.byteLength(
      LINES.slice(0, 4)
        .map((line) => `${line}\n`)
        .join(""),
    );
    const rest = await runCli(["export", "--raw", "1", "--db", path]);
    expect(rest).toMatchObject({ status: 0, stdout: `${LINES[4]}\n` });
    expect(rest.stderr).toContain(`the first ${gone} of ${gone + (LINES[4]?.length ?? 0) + 1} bytes have been pruned`);
    expect(rest.stderr).toContain("2026-04-01T00:00:00.000Z");
    const page = await runCli(["sources", "--db", path]);
    expect(page.stdout).toMatch(/Pruned +the first 317 B, last on 2026-04-01/);
    const now = epochMs(Date.UTC(2026, 6, 20));
    await runPrune(path, { ...pruneOptions(path, now, { logs: "1d", messages: "1y" }), isForced: true });
    expectFailure(await runCli(["export", "--raw", "1", "--db", path]), { status: 1, says: "All text of" });
  });
});

/** A refusal without a message is known from its line alone. */
function withoutRejections(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => (key === "rejections" ? undefined : inner)),
  ) as unknown;
}
