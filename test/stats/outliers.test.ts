/** One line whose stamp no clock can have told: it is stored and found, and stretches no range. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { ingestInto, temporaryFolder } from "../support/database.ts";
import { SMALL_LOGS } from "../support/small-log.ts";

test.each(["0000-01-01", "0050-06-01", "1970-01-01", "2038-01-19", "9999-12-31", "2026-02-30"])(
  "a line of %s is stored, and statistics cover the time of the others",
  async (day) => {
    const folder = temporaryFolder();
    const [log, database] = [join(folder, "mainlog"), join(folder, "mail.db")];
    const line = `${day} 12:00:00 1vwqw6-009HFM-Uo == x@y.example R=a T=b defer (0): clock glitch\n`;
    writeFileSync(log, SMALL_LOGS.main.toString("latin1") + line, "latin1");
    const report = await ingestInto(database, [log], { logType: "main" });
    expect(report.totals.unparsed).toBe(0);
    const { status, stdout } = await runCli(["stats", "--db", database, "--json"]);
    expect(status).toBe(0);
    const stats = JSON.parse(stdout) as { from: string; until: string; filter: { limits: string[] } };
    expect([stats.from.slice(0, 4), stats.until.slice(0, 4)]).toEqual(["2026", "2026"]);
    if (!day.startsWith("2026")) expect(stats.filter.limits.join()).toContain(day);
    for (const command of ["sources", "servers", "doctor"])
      expect((await runCli([command, "--db", database])).status).toBeLessThan(70);
  },
);
