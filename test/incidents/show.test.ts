/** One incident and all around it: the hours that did not meet the rule, the thresholds, and where programs handed mail over. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CountingWatch } from "../../src/incidents/counting-watch.ts";
import { FROZEN_PILE } from "../../src/incidents/rules/frozen-pile.ts";
import { thresholdsFrom } from "../../src/incidents/rules.ts";
import { epochMs, HOUR_MS, MINUTE_MS } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { NOW, temporaryFolder, withWriter } from "../support/database.ts";

test("an episode knows the hours of the day before it, also where another run goes on with its state", () => {
  const thresholds = thresholdsFrom().get(FROZEN_PILE.kind) ?? {};
  const stored = new Map<string, unknown>();
  const watchFrom = () => new CountingWatch(FROZEN_PILE, thresholds, { read: (key) => stored.get(key) });
  let watch = watchFrom();
  for (const [hour, frozen] of [
    [10, 4],
    [40, 2],
    [42, 3],
    [43, 12],
    [44, 1],
    [45, 11],
  ] as const) {
    for (let index = 0; index < frozen; index++)
      watch.take({ kind: "frozen", ms: epochMs(hour * HOUR_MS + index * MINUTE_MS), messageId: `${hour}-${index}` }, 0);
    if (hour !== 43) continue;
    expect(watch.takeEpisodes()).toMatchObject([
      {
        hours: [[43, 12]],
        around: [
          [40, 2],
          [42, 3],
        ],
      },
    ]);
    for (const [key, state] of watch.states(44 * HOUR_MS)) stored.set(key, JSON.parse(JSON.stringify(state)));
    watch = watchFrom();
  }
  const [episode] = watch.takeEpisodes();
  expect(new Map(episode?.hours)).toEqual(
    new Map([
      [43, 12],
      [44, 1],
      [45, 11],
    ]),
  );
  expect(episode?.around).toEqual([
    [40, 2],
    [42, 3],
  ]);
});

test("mail of a script comes with the directories in which Exim was called, and the thresholds of the configuration", async () => {
  const folder = temporaryFolder();
  const [db, configFile] = [join(folder, "pilot.db"), join(folder, "exim-pilot.toml")];
  writeFileSync(configFile, "[incidents.script_mail]\nmessages = 17\n", { mode: 0o600 });
  const at = (second: number): string => `2026-03-30 08:00:${String(second).padStart(2, "0")}`;
  const calls = [
    ["/var/www/shop", "www-data"],
    ["/var/www/blog", "www-data"],
    ["/var/www/shop", "www-data"],
    ["/srv/ann", "ann"],
  ];
  const log = calls
    .map(([directory, user], index) => {
      const id = `1vwwZ${"ABCD"[index]}-0005V4-1s`;
      return `${at(index * 5)} cwd=${directory} 3 args: /usr/sbin/sendmail -t -i\n${at(index * 5 + 1)} ${id} <= ${user}@a.test U=${user} P=local S=500 for c@c.test\n`;
    })
    .join("");
  const ingest = ["ingest", "--quiet", "--log-type", "main", "--server", "mx1", "--timezone", "UTC", "--db", db, "-"];
  expect(await runCli(ingest, { stdin: log, now: () => NOW })).toMatchObject({ status: 0 });
  const startMs = epochMs(Date.UTC(2026, 2, 30, 8));
  await withWriter(db, (writer) =>
    writer.write((transactor) =>
      transactor.saveEpisodes({
        serverId: 1,
        episodes: [
          {
            kind: "script_mail",
            subject: "www-data",
            severity: "critical",
            startMs,
            firedMs: startMs,
            lastMs: epochMs(startMs + MINUTE_MS),
            goesOn: false,
            count: 3,
            hours: [[startMs / HOUR_MS, 3]],
            figures: { count: 3, usual: 0, hours: [[startMs / HOUR_MS, 3]], around: [[startMs / HOUR_MS - 2, 1]] },
            title: "Programs of www-data send spam",
            description: "",
            messages: [],
            ruleVersion: 1,
            pauseMs: HOUR_MS,
          },
        ],
        sinceMs: startMs,
        newestMs: NOW,
        pauses: new Map(),
        now: NOW,
      }),
    ),
  );
  const show = (...argv: string[]) =>
    runCli(["incidents", "show", "1", ...argv, "--db", db], { configFile, now: () => NOW });
  const shown = JSON.parse((await show("--json")).stdout);
  expect(shown.directories).toEqual([
    { directory: "/var/www/shop", messages: 2 },
    { directory: "/var/www/blog", messages: 1 },
  ]);
  expect(shown.thresholds.messages).toBe(17);
  expect(shown.hours.slice(-3)).toMatchObject([
    { count: 1, isMet: false },
    { count: 0, isMet: false },
    { count: 3, isMet: true },
  ]);
  const { stdout } = await show();
  expect(stdout).toContain("Handed over in\n  /var/www/shop  2 messages\n  /var/www/blog  1 message\n");
  expect(stdout).toContain("1 of them met the rule");
  expect(stdout).toContain("messages 17");
  expect((await show("--redact")).stdout).not.toContain("/var/www");
});
