/** Logs of syslog that a rotation has cut between two pieces of an entry: both files together say what one file would have said. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { ingest } from "../../src/ingest/ingest.ts";
import { openWriter } from "../../src/store/store.ts";
import { NOW, OPTIONS, storeSettings, temporaryFolder } from "../support/database.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { type SyslogForm, toSyslog } from "../support/syslog.ts";
import { differences, dumpViewsByServer } from "../support/views.ts";

const LATIN1 = { main: "", reject: "", panic: "" };
for (const log of ["main", "reject", "panic"] as const) LATIN1[log] = SMALL_LOGS[log].toString("latin1");

const FORMS: Readonly<Record<string, SyslogForm>> = {
  "with priorities": { header: "3339", hasPriority: true, hasStamp: true, pieceBytes: 60 },
  "as Exim sends it by default": { header: "3164", hasPriority: false, hasStamp: true, pieceBytes: 60 },
  "without stamps of Exim": { header: "3164", hasPriority: true, hasStamp: false, pieceBytes: 60 },
};

/** One server of the database: files in the order in which they are read, some in a run. */
interface History {
  readonly server: string;
  readonly runs: readonly (readonly string[])[];
  readonly isPacked?: boolean;
  readonly batchLines?: number;
}

describe("a log of syslog that is cut between any two lines", () => {
  test.each(Object.entries(FORMS))("gives the same as the whole log, %s", async (_name, form) => {
    // NOTE: without priorities, refusals before a line tell whether it is the second one of another, and a cut leaves too few here.
    const logs = form.hasPriority ? LATIN1 : { main: LATIN1.main };
    const lines = toSyslog(logs, form).split(/(?<=\n)/);
    expect(lines.filter((line) => line.includes(": [2")).length).toBeGreaterThan(10);
    await expectSameAsWhole(lines.join(""), (add) => {
      for (let cut = 1; cut < lines.length; cut++) {
        const [first, second] = [lines.slice(0, cut).join(""), lines.slice(cut).join("")];
        const batchLines = [500, 3, 1][cut % 3] ?? 500;
        add({ server: `${cut} forth`, runs: [[first, second]], batchLines });
        add({ server: `${cut} back`, runs: [[second], [first]], batchLines });
      }
    });
  });
});

/** Reads the whole log and each history as a server of its own; compares the views, the text, and what verify finds. */
async function expectSameAsWhole(text: string, addAll: (add: (history: History) => void) => void): Promise<void> {
  const folder = temporaryFolder();
  const database = join(folder, "pilot.db");
  const writer = openWriter(storeSettings(database));
  onTestFinished(() => writer.close());
  const histories: History[] = [{ server: "whole", runs: [[text]] }];
  addAll((history) => histories.push(history));
  for (const { server, runs, batchLines = 500, isPacked = false } of histories) {
    for (const [index, run] of runs.entries()) {
      const paths = run.map((content, file) => {
        const path = join(folder, `mail-${index}-${file}.log${isPacked ? ".gz" : ""}`);
        const bytes = Buffer.from(content, "latin1");
        writeFileSync(path, isPacked ? gzipSync(bytes) : bytes);
        return path;
      });
      const { logs } = await ingest(paths, Readable.from([]), writer, {
        ...OPTIONS,
        server,
        batchLines,
        now: () => NOW,
      });
      expect(logs.map(({ error }) => error)).toEqual(paths.map(() => undefined));
      for (const path of paths) rmSync(path);
    }
  }
  const dumps = dumpViewsByServer(database);
  const whole = dumps.get("whole") ?? {};
  const wrong = [...dumps].filter(([, dump]) => JSON.stringify(dump) !== JSON.stringify(whole));
  expect(
    wrong.slice(0, 1).map(([server, dump]) => [server, ...differences(dump, whole)]),
    `${wrong.length} of ${dumps.size - 1} differ: ${wrong.map(([server]) => server).join("; ")}`,
  ).toEqual([]);
}
