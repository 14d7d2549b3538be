/** Logs of syslog that a rotation has cut between two pieces of an entry: both files together say what one file would have said. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ingest } from "../../src/ingest/ingest.ts";
import { openWriter } from "../../src/store/store.ts";
import type { Writer } from "../../src/store/write/writer.ts";
import { DAY_MS, epochMs } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { NOW, OPTIONS, storeSettings, temporaryFolder } from "../support/database.ts";
import { Random } from "../support/generate.ts";
import { pruneOptions, runPrune } from "../support/pruning.ts";
import { SMALL_LOGS } from "../support/small-log.ts";
import { type SyslogForm, toSyslog } from "../support/syslog.ts";
import { differences, dumpViewsByServer, queryAll, readSources } from "../support/views.ts";

const LATIN1 = { main: "", reject: "", panic: "" };
for (const log of ["main", "reject", "panic"] as const) LATIN1[log] = SMALL_LOGS[log].toString("latin1");

const FORMS: Readonly<Record<string, SyslogForm>> = {
  "with priorities": { header: "3339", hasPriority: true, hasStamp: true, pieceBytes: 60 },
  "as Exim sends it by default": { header: "3164", hasPriority: false, hasStamp: true, pieceBytes: 60 },
  "without stamps of Exim": { header: "5424", hasPriority: true, hasStamp: false, pieceBytes: 40 },
};

/** Cuts of which one is tried, but in the first form. */
const STEP = process.env["EXIM_PILOT_TORTURE"] === undefined ? 4 : 1;

/** Files of a server in the order in which they are read, some in a run. */
interface History {
  readonly server: string;
  readonly runs: readonly (readonly string[])[];
  readonly isPacked?: boolean;
  readonly batchLines?: number;
}

class Histories {
  readonly folder = temporaryFolder();
  readonly database = join(this.folder, "pilot.db");
  readonly writer: Writer = openWriter(storeSettings(this.database));
  readonly #texts = new Map<string, string>();
  #isOpen = true;

  constructor() {
    onTestFinished(() => this.close());
  }

  close(): void {
    if (this.#isOpen) this.writer.close();
    this.#isOpen = false;
  }

  /** Reads the files into a server of its own. */
  async add({ server, runs, batchLines = 500, isPacked = false }: History): Promise<void> {
    for (const run of runs) {
      const paths = run.map((content) => {
        const path = join(this.folder, `mail-${this.#texts.size}.log${isPacked ? ".gz" : ""}`);
        this.#texts.set(path, content);
        const bytes = Buffer.from(content, "latin1");
        writeFileSync(path, isPacked ? gzipSync(bytes) : bytes);
        return path;
      });
      const options = { ...OPTIONS, server, batchLines, now: () => NOW };
      const { logs } = await ingest(paths, { stdin: Readable.from([]) }, this.writer, options);
      expect(logs.map(({ error }) => error)).toEqual(paths.map(() => undefined));
      for (const path of paths) rmSync(path);
    }
  }

  /** Compares each server with the one that read all of the log at once, and the text of each file with what was read. */
  expectEqual(): void {
    const dumps = dumpViewsByServer(this.database);
    const whole = dumps.get("whole") ?? {};
    const wrong = [...dumps].filter(([, dump]) => JSON.stringify(dump) !== JSON.stringify(whole));
    expect(
      wrong.slice(0, 2).map(([server, dump]) => [server, ...differences(dump, whole)]),
      `${wrong.length} of ${dumps.size - 1} differ: ${wrong.map(([server]) => server).join("; ")}`,
    ).toEqual([]);
    const sources = readSources(this.database);
    expect(sources.filter(({ path, bytes }) => bytes.toString("latin1") !== this.#texts.get(path))).toEqual([]);
    const unparsed = [...Map.groupBy(sources, ({ server }) => server).values()].map((files) =>
      files.reduce((sum, file) => sum + file.unparsed, 0),
    );
    expect(new Set(unparsed).size).toBe(1);
  }

  async expectSound(): Promise<void> {
    expect(await runCli(["verify", "--deep", "--db", this.database])).toMatchObject({ status: 0 });
  }
}

// Hundreds of runs: seconds on an idle machine, more on a busy one.
vi.setConfig({ testTimeout: 240_000 });

describe("a log of syslog that is cut between any two pieces of an entry", () => {
  test.each(Object.entries(FORMS))("gives the same as the whole log, %s", async (_name, form) => {
    // NOTE: without priorities, refusals before a line tell whether it is the second one of another, and a cut leaves too few here.
    const logs = form.hasPriority ? LATIN1 : { main: LATIN1.main };
    const lines = toSyslog(logs, form).split(/(?<=\n)/);
    const histories = new Histories();
    await histories.add({ server: "whole", runs: [[lines.join("")]] });
    const isMain = form.header === "3339";
    const cuts = lines.flatMap((text, cut) => (/ \[(?!1[\\/])\d+[\\/]\d+\] /.test(text) ? [cut] : []));
    expect(cuts.length).toBeGreaterThan(10);
    for (const cut of cuts.filter((_, index) => isMain || index % STEP === 0)) {
      const [first, second] = [lines.slice(0, cut).join(""), lines.slice(cut).join("")];
      const batchLines = [500, 3, 1][cut % 3] ?? 500;
      await histories.add({ server: `${cut} forth`, runs: [[first, second]], batchLines });
      await histories.add({ server: `${cut} back`, runs: [[second], [first]], batchLines });
    }
    histories.expectEqual();
    const joined = "SELECT count(*) AS count FROM entry_lines WHERE location / 65536 <> first_location / 65536";
    expect(queryAll<{ count: number }>(histories.database, joined)[0]?.count).toBeGreaterThan(10);
    if (isMain) await histories.expectSound();
  });
});

describe("a log of syslog that is cut within a line", () => {
  test("gives the same as the whole log, where its header is in the first file", async () => {
    const queueRun = line(9, "2026-03-02 06:16:09 Start queue run: pid=9", 9);
    const text = BEGIN + OTHER + MIDDLE + ALONE + END + DONE + queueRun;
    const histories = new Histories();
    await histories.add({ server: "whole", runs: [[text]] });
    const cuts = [BEGIN, MIDDLE, ALONE, END, DONE].flatMap((cutLine) => {
      const [begin, header] = [text.indexOf(cutLine), cutLine.search(/(?<=\]: )(?!\[)|(?<=\/\d\] )/)];
      const places = [header + 21, cutLine.length - 9, cutLine.length - 4, cutLine.length - 1];
      return places.filter((at) => at > header && at < cutLine.length).map((at) => begin + at);
    });
    expect(cuts.length).toBeGreaterThan(10);
    for (const [index, cut] of cuts.entries()) {
      const files = [text.slice(0, cut), text.slice(cut)] as const;
      const batchLines = index % 2 === 0 ? 500 : 1;
      await histories.add({ server: `${cut} forth`, runs: [files], batchLines });
      await histories.add({ server: `${cut} back`, runs: [[files[1]], [files[0]]], batchLines });
    }
    histories.expectEqual();
    await histories.expectSound();
    const { removed } = await prunedUntil(histories, "2026-03-02T06:16:00.500Z");
    expect(removed["raw_blocks"]).toBeGreaterThan(cuts.length);
    await histories.expectSound();
  });

  test.each([
    ["hours later", DONE.replace("06:16:01", "09:16:01")],
    ["by the beginning of a line", `${OTHER}${DONE}`],
  ])("is not joined to what does not go on with it: %s", async (_name, rest) => {
    const histories = new Histories();
    await histories.add({
      server: "cut",
      runs: [[BEGIN.slice(0, -4)], [`.test\n${rest}`.slice(rest === DONE ? 0 : rest.startsWith(OTHER) ? 6 : 0)]],
    });
    expect(queryAll(histories.database, "SELECT recipient FROM recipients")).toEqual([{ recipient: "x@b.t" }]);
  });
});

/** A line of an Exim that sends its entries in pieces. */
const line = (pid: number, text: string, second = 0): string => `Mar  2 06:16:0${second} mx1 exim[${pid}]: ${text}\n`;
const ENTRY = "2026-03-02 06:16:00 1vwwZU-0005V4-1s <= a@a.test U=a P=local S=9 for x@b.test";
const [BEGIN, MIDDLE, END] = [
  line(1, `[1/3] ${ENTRY}`),
  line(1, "[2/3]  y@b.test"),
  line(1, "[3/3]  z@b.test"),
] as const;
const OTHER = "Mar  2 06:16:00 mx1 dovecot: imap(al): Logged in\n";
const ALONE = line(5, "2026-03-02 06:16:00 1vwwZU-0005V9-1s ** y@b.test: Unrouteable address");
const DONE = line(1, "2026-03-02 06:16:01 1vwwZU-0005V4-1s Completed", 1);

describe("pieces of an entry in two logs", () => {
  test.each<[string, Omit<History, "server">]>([
    ["packed", { runs: [[OTHER + BEGIN], [MIDDLE + END + DONE]], isPacked: true }],
    ["packed, the later one first", { runs: [[MIDDLE + END + DONE], [OTHER + BEGIN]], isPacked: true }],
    [
      "between lines of other programs",
      { runs: [[BEGIN + OTHER.repeat(60)], [OTHER.repeat(60) + MIDDLE + END + DONE]] },
    ],
    ["in three", { runs: [[BEGIN, MIDDLE, END + DONE]] }],
    ["in three, in any order", { runs: [[END + DONE], [BEGIN], [MIDDLE]] }],
    [
      "across a new year, of which no stamp tells",
      {
        runs: [
          [BEGIN.replace("Mar  2 06:16:00", "Dec 31 23:59:59")],
          [(MIDDLE + END).replaceAll("Mar  2 06:16:00", "Jan  1 00:00:00") + DONE],
        ],
      },
    ],
  ])("are one entry: %s", async (_name, history) => {
    const histories = new Histories();
    await histories.add({ server: "whole", runs: [[BEGIN + MIDDLE + END + DONE]] });
    await histories.add({ server: "cut", ...history });
    histories.expectEqual();
    await histories.expectSound();
  });

  test.each([
    ["of another process", line(2, "[2/3]  y@b.test") + line(2, "[3/3]  z@b.test")],
    ["of an entry of more pieces", line(1, "[2/4]  y@b.test") + line(1, "[3/4]  z@b.test") + line(1, "[4/4] .")],
    ["a minute later and more", (MIDDLE + END).replaceAll("06:16:00", "06:17:01")],
    ["behind another entry of the process", DONE + MIDDLE + END],
    ["too many lines later", OTHER.repeat(500) + MIDDLE + END],
    ["of a piece that is there", BEGIN + MIDDLE + END],
  ])("are not joined: %s", async (_name, second) => {
    const histories = new Histories();
    await histories.add({
      server: "cut",
      runs: [[BEGIN, second + line(3, "2026-03-02 06:16:09 Start queue run: pid=3")]],
    });
    expect(queryAll(histories.database, "SELECT 1 FROM recipients WHERE recipient <> 'x@b.test'")).toHaveLength(
      second.startsWith(BEGIN) ? 2 : 0,
    );
  });

  test("of two servers are not one entry", async () => {
    const histories = new Histories();
    await histories.add({ server: "mx1", runs: [[BEGIN]] });
    await histories.add({ server: "mx2", runs: [[MIDDLE + END + DONE]] });
    expect(queryAll(histories.database, "SELECT recipient FROM recipients")).toEqual([{ recipient: "x@b.test" }]);
  });

  test("are one entry under a name of the program that does not tell Exim, whose further pieces do not either", async () => {
    const histories = new Histories();
    const named = (text: string): string => text.replaceAll("exim[", "mta-in[");
    const [first, second] = [named(BEGIN), named(MIDDLE + END + DONE)];
    await histories.add({ server: "whole", runs: [[first + second]] });
    await histories.add({ server: "forth", runs: [[first, second]] });
    await histories.add({ server: "back", runs: [[second], [first]] });
    histories.expectEqual();
    await histories.expectSound();
    expect((await prunedUntil(histories, "2026-03-02T06:16:00.500Z")).removed["raw_blocks"]).toBe(2);
    await histories.expectSound();
  });

  test("stay one entry while both logs grow", async () => {
    const histories = new Histories();
    const path = (name: string): string => join(histories.folder, name);
    const read = async (...names: string[]): Promise<void> => {
      await ingest(names.map(path), { stdin: Readable.from([]) }, histories.writer, {
        ...OPTIONS,
        server: "cut",
        now: () => NOW,
      });
    };
    await histories.add({ server: "whole", runs: [[BEGIN + OTHER + MIDDLE + END + DONE]] });
    writeFileSync(path("first.log"), BEGIN);
    writeFileSync(path("second.log"), MIDDLE.slice(0, -9));
    await read("first.log", "second.log");
    for (const [name, text] of [
      ["second.log", MIDDLE],
      ["second.log", MIDDLE + END.slice(0, 20)],
      ["first.log", BEGIN + OTHER.slice(0, 5)],
      ["first.log", BEGIN + OTHER],
      ["second.log", MIDDLE + END],
      ["second.log", MIDDLE + END + DONE],
    ] as const) {
      writeFileSync(path(name), text);
      await read(name);
    }
    const dumps = dumpViewsByServer(histories.database);
    expect(differences(dumps.get("cut") ?? {}, dumps.get("whole") ?? {})).toEqual([]);
    await histories.expectSound();
  });

  test("of a process that sent two entries of as many pieces belong to the first", async () => {
    const histories = new Histories();
    const second = `[1/2] ${ENTRY.replace("5V4", "5V5")}`;
    const [one, rest, two] = [
      line(1, `[1/2] ${ENTRY}`),
      line(1, "[2/2]  y@b.test"),
      line(1, second) + line(1, "[2/2]  z@b.test"),
    ];
    await histories.add({ server: "whole", runs: [[one + rest + two]] });
    await histories.add({ server: "forth", runs: [[one, rest + two]] });
    await histories.add({ server: "back", runs: [[rest + two], [one]] });
    histories.expectEqual();
  });

  test("are joined with the text that completes them, or neither is stored", async () => {
    const histories = new Histories();
    const { writer, database } = histories;
    await histories.add({ server: "whole", runs: [[BEGIN + MIDDLE + END + DONE]] });
    await histories.add({ server: "cut", runs: [[BEGIN]] });
    const before = dumpViewsByServer(database).get("cut");
    const [, block] = queryAll<{ id: number }>(database, "SELECT id FROM raw_blocks ORDER BY id");
    const commit = writer.commit.bind(writer);
    const spy = vi.spyOn(writer, "commit").mockImplementation((transactor) => {
      if (writer.logEnds.cutBy(block?.id ?? 0).length > 0) throw new Error("It was killed.");
      commit(transactor);
    });
    const rest = MIDDLE + END + DONE;
    await expect(histories.add({ server: "cut", runs: [[rest]] })).rejects.toThrow("It was killed.");
    spy.mockRestore();
    expect(dumpViewsByServer(database).get("cut")).toEqual(before);
    await histories.add({ server: "cut", runs: [[rest]] });
    histories.expectEqual();
  });
});

describe("a database with an entry in two logs", () => {
  const [FIRST, SECOND] = [BEGIN, MIDDLE + END + DONE.replace("Mar  2", "Mar  9").replace("03-02", "03-09")];

  test("is rebuilt to the same", async () => {
    const histories = new Histories();
    await histories.add({ server: "whole", runs: [[FIRST + SECOND]] });
    await histories.add({ server: "forth", runs: [[FIRST, SECOND]] });
    await histories.add({ server: "back", runs: [[SECOND], [FIRST]] });
    histories.close();
    expect(await runCli(["rebuild", "--db", histories.database])).toMatchObject({ status: 0 });
    histories.expectEqual();
    await histories.expectSound();
  });

  test.each([
    ["first", [FIRST, SECOND]],
    ["second", [SECOND, FIRST]],
  ])("stays sound when the log with its beginning is pruned, which was read %s", async (_when, files) => {
    const histories = new Histories();
    await histories.add({ server: "cut", runs: [files] });
    const facts = dumpViewsByServer(histories.database).get("cut")?.["recipients"];
    expect(facts).toHaveLength(3);
    const { removed } = await prunedUntil(histories, "2026-03-05");
    expect(removed["raw_blocks"]).toBe(1);
    expect(dumpViewsByServer(histories.database).get("cut")?.["recipients"]).toEqual(facts);
    expect(readSources(histories.database).map(({ bytes, unparsed }) => [bytes.toString("latin1"), unparsed])).toEqual(
      files.map((text) => (text === FIRST ? ["", 0] : [SECOND, 1])),
    );
    await histories.expectSound();
    await prunedUntil(histories, "2026-03-20");
    expect(queryAll(histories.database, "SELECT 1 FROM entry_lines UNION ALL SELECT 1 FROM raw_blocks")).toEqual([]);
    await histories.expectSound();
  });

  test("stays sound when the log with its end is pruned alone, whose lines are stamped earlier", async () => {
    const histories = new Histories();
    const late = line(8, "2026-03-09 06:16:00 Start queue run: pid=8").replace("Mar  2", "Mar  9");
    await histories.add({ server: "cut", runs: [[late + BEGIN, MIDDLE + END + DONE]] });
    const facts = dumpViewsByServer(histories.database).get("cut")?.["recipients"];
    expect(facts).toHaveLength(3);
    await prunedUntil(histories, "2026-03-05");
    expect(dumpViewsByServer(histories.database).get("cut")?.["recipients"]).toEqual(facts);
    expect(readSources(histories.database).map(({ bytes }) => bytes.toString("latin1"))).toEqual([late + BEGIN, ""]);
    await histories.expectSound();
    await prunedUntil(histories, "2026-03-20");
    await histories.expectSound();
  });
});

/** Prunes log text that is older than a day. */
function prunedUntil({ database }: Histories, day: string) {
  const now = epochMs(Date.parse(day) + 30 * DAY_MS);
  return runPrune(database, { ...pruneOptions(database, now, { logs: "30d" }), isForced: true });
}

describe("cut anywhere, entries of any number of pieces", () => {
  const seeds = Array.from({ length: process.env["EXIM_PILOT_TORTURE"] === undefined ? 12 : 120 }, (_, seed) => seed);

  test("of processes in turns give the same as the whole log", async () => {
    const wrong: string[] = [];
    for (const seed of seeds) {
      const random = new Random(seed);
      const lines = madeUpLines(random);
      const cut = 1 + random.upTo(lines.length - 1);
      const [first, second] = [lines.slice(0, cut).join(""), lines.slice(cut).join("")];
      const histories = new Histories();
      await histories.add({ server: "whole", runs: [[lines.join("")]] });
      const batchLines = 1 + random.upTo(20);
      const isPacked = random.isOneOf(3);
      await histories.add({ server: "forth", runs: [[first], [second]], batchLines, isPacked });
      await histories.add({ server: "back", runs: [[second, first]], batchLines, isPacked });
      const dumps = dumpViewsByServer(histories.database);
      for (const server of ["forth", "back"])
        for (const difference of differences(dumps.get(server) ?? {}, dumps.get("whole") ?? {}))
          wrong.push(`seed ${seed}, cut at ${cut}, ${server}: ${difference}`);
      histories.close();
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});

/** Entries of some processes in pieces, each process with its lines in order, with lines of another program between. */
function madeUpLines(random: Random): string[] {
  const lanes = Array.from({ length: 3 }, (_, lane): string[] => {
    const entries = Array.from({ length: 3 }, (_, index) => {
      const id = `1vwwZ${"ABC"[lane]}-0005${"VWX"[index]}4-1s`;
      const recipients = Array.from({ length: random.upTo(9) }, (_, number) => ` u${number}@b.test`).join("");
      return random.isOneOf(3)
        ? `2026-03-02 06:16:00 ${id} ** x@b.test R=r T=t: SMTP error from remote mail server: 550 ${"no ".repeat(random.upTo(40))}`
        : `2026-03-02 06:16:00 ${id} <= a@a.test U=a P=local S=9 for x@b.test${recipients}`;
    });
    return entries.flatMap((entry) => {
      const pieces = entry.match(/.{1,50}/g) ?? [];
      return pieces.map((piece, at) =>
        line(lane + 1, pieces.length === 1 ? piece : `[${at + 1}/${pieces.length}] ${piece}`),
      );
    });
  });
  const lines: string[] = [];
  while (lanes.some((lane) => lane.length > 0)) {
    const next = lanes[random.upTo(lanes.length)]?.shift();
    if (next !== undefined) lines.push(next);
    if (random.isOneOf(4)) lines.push(OTHER);
  }
  return lines;
}
