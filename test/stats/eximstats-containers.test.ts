/** eximstats' numbers of a log in the wrapper of a container or of the journal are those of the log itself. */
import { isUtf8 } from "node:buffer";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MainLines } from "../../src/stats/eximstats/main-lines.ts";
import { runCli } from "../support/cli.ts";
import { FIXTURES, ingestInto, temporaryFolder } from "../support/database.ts";

const NANO = "2026-03-02T10:00:05.123456789Z";
/** Lines that are UTF-8: Docker replaces all others. */
const LINES = readFileSync(join(FIXTURES, "corpus/default/mainlog"), "latin1")
  .split("\n")
  .slice(0, -1)
  .filter((line) => isUtf8(Buffer.from(line, "latin1")));
const ENTRIES = LINES.filter((line) => /^\d{4}-/.test(line));

/** Docker writes UTF-8, whatever it cuts. */
const json = (log: string): string =>
  Buffer.from(
    `${JSON.stringify({ log: Buffer.from(log, "latin1").toString(), stream: "stdout", time: NANO })}\n`,
  ).toString("latin1");
const FORMS: Readonly<Record<string, { readonly lines: readonly string[]; readonly wrap: (line: string) => string }>> =
  {
    "docker logs -t": { lines: LINES, wrap: (line) => `${NANO} ${line}\n` },
    "docker compose logs": {
      lines: LINES,
      wrap: (line) => `mx-1  | ${line}\ndb-1  | 2026-03-02 10:00:01.123 UTC [1] LOG:  connection refused or rejected\n`,
    },
    "json-file in parts": { lines: LINES, wrap: (line) => json(line.slice(0, 30)) + json(`${line.slice(30)}\n`) },
    "CRI in parts": {
      lines: LINES,
      wrap: (line) =>
        `${NANO} stdout P ${line.slice(0, 30)}\n${NANO} stderr F rejected\n${NANO} stdout P ${line.slice(30, 40)}\n${NANO} stdout F ${line.slice(40)}\r\n`,
    },
    "journalctl -o json": {
      lines: ENTRIES,
      wrap: (line) =>
        `${JSON.stringify({ MESSAGE: [...Buffer.from(line, "latin1")], SYSLOG_IDENTIFIER: "exim", __REALTIME_TIMESTAMP: "1772445605123456" })}\n`,
    },
    "journalctl -o short-unix": { lines: ENTRIES, wrap: (line) => `1772445605.123456 mx1 exim: ${line}\n` },
  };

describe.each(Object.entries(FORMS))("%s", (_name, { lines, wrap }) => {
  test("gives each line of the log back", () => {
    const mainLines = new MainLines();
    const wrapped = lines.map(wrap).join("").split("\n").slice(0, -1);
    const taken = wrapped.map((line) => mainLines.take(line)).filter((line) => line !== undefined);
    expect(taken.filter((line) => /^\d{4}-/.test(line))).toEqual(ENTRIES);
  });
});

test("the report of a container's log is that of the log", async () => {
  const folder = temporaryFolder();
  const reportOf = async (name: string, text: string): Promise<string> => {
    const [log, database] = [join(folder, name), join(folder, `${name}.db`)];
    writeFileSync(log, text, "latin1");
    await ingestInto(database, [log]);
    return (await runCli(["stats", "--eximstats", "--db", database])).stdout;
  };
  const expected = await reportOf("mainlog", LINES.map((line) => `${line}\n`).join(""));
  expect(expected).toContain("Rejected ips");
  for (const [name, { lines, wrap }] of Object.entries(FORMS))
    expect(await reportOf(name.replaceAll(" ", "-"), lines.map(wrap).join("")), name).toBe(expected);
});
