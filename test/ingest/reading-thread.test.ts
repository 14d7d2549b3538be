/** Reading in another thread: the same as in this one, and every end of it. The two sides talk through a channel of one process. */
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { type LogText, ReadingThread, readBlocks, serveReadings } from "../../src/ingest/batch/batch-thread.ts";
import type { EncodedBlock, ReadingStart } from "../../src/ingest/batch/block-builder.ts";
import { SourceFailure } from "../../src/ingest/batch/lines.ts";
import { HEAD_BYTES } from "../../src/ingest/source/log-file.ts";
import type { OpenSource } from "../../src/ingest/source/open-source.ts";
import { openPlain } from "../../src/ingest/source/plain-source.ts";
import { type EncodingCodes, loadCodes } from "../../src/store/schema/codes.ts";
import type { Thread } from "../../src/threads.ts";
import { corpusProfiles } from "../support/corpus.ts";
import { NOW, SCHEMA_DIRECTORY, temporaryFolder } from "../support/database.ts";
import { generateLog } from "../support/generate.ts";
import { SMALL_LOGS } from "../support/small-log.ts";

const START: ReadingStart = {
  batchLines: 7,
  blockBytes: 3000,
  codes: codes(),
  logType: "main",
  timeZone: "Europe/Berlin",
  isSyslog: false,
  linesBefore: 0,
  beginMs: undefined,
  clockMs: undefined,
  lastBlock: undefined,
};
const LOG = [...generateLog("main", { messages: 400, seed: 3 })].join("");
const LONG_LOG = [...generateLog("main", { messages: 4000, seed: 4 })].join("");

describe("a log read in another thread", () => {
  test("gives the same blocks", async () => {
    const thread = new ReadingThread(startThread);
    expect(await inThread(thread, LOG)).toEqual(await inProcess(LOG));
    await thread.close();
  });

  test.each(corpusProfiles().filter(({ name }) => name.includes("trimmed")))(
    "gives the same blocks: $name",
    async ({ logs }) => {
      const thread = new ReadingThread(startThread);
      for (const path of Object.values(logs)) {
        const log = readFileSync(path, "latin1");
        expect(await inThread(thread, log)).toEqual(await inProcess(log));
      }
      await thread.close();
    },
  );

  test("gives the same blocks when it came through syslog", async () => {
    const start = { ...START, isSyslog: true, beginMs: NOW };
    const thread = new ReadingThread(startThread);
    const log = SMALL_LOGS.syslog.toString("latin1");
    const blocks = await inThread(thread, log, start);
    expect(blocks).toEqual(await inProcess(log, start));
    expect(
      blocks
        .flatMap((block) => block.batches.flatMap(({ extras }) => extras))
        .filter(({ syslogDuplicate }) => syslogDuplicate).length,
    ).toBeGreaterThan(5);
    await thread.close();
  });

  test("gives no block of more than a day and a batch, so that pruning removes what is old", async () => {
    const line = (_: unknown, hour: number): string =>
      `${new Date(Date.UTC(2026, 2, 1, hour)).toISOString().slice(0, 19).replace("T", " ")} Start queue run: pid=1\n`;
    const blocks = await inProcess(Array.from({ length: 24 * 30 }, line).join(""), { ...START, blockBytes: 1 << 20 });
    const hours = blocks.map(({ firstMs = 0, lastMs = 0 }) => (lastMs - firstMs) / 3_600_000);
    expect(blocks.length).toBeGreaterThan(20);
    expect(Math.max(...hours)).toBeLessThanOrEqual(24 + START.batchLines);
  });

  test("goes on after the last block that is stored", async () => {
    const [stored, rest] = [LOG.slice(0, 1000), LOG.slice(1000)];
    const start = {
      ...START,
      lastBlock: { text: stored, lines: stored.split("\n").length - 1, isWithinLine: false, clockMs: undefined },
    };
    const thread = new ReadingThread(startThread);
    const blocks = await inThread(thread, rest, start);
    expect(blocks).toEqual(await inProcess(rest, start));
    expect(blocks[0]?.isRedone).toBe(true);
    await thread.close();
  });

  test("is read in bounded memory: no more than a few pieces are under way", async () => {
    let asked = 0;
    let stored = 0;
    let most = 0;
    const pieces = (function* () {
      for (const entry of LOG.split(/(?<=\n)/)) {
        asked++;
        most = Math.max(most, asked - stored);
        yield toBytes(entry);
      }
    })();
    const thread = new ReadingThread(startThread);
    const onBlock = ({ lines }: EncodedBlock) => {
      stored += lines;
    };
    await thread.readBlocks(streamed(Readable.from(pieces, { highWaterMark: 1 })), START, onBlock, undefined);
    expect(stored).toBe(asked);
    expect(most).toBeLessThan(100);
    await thread.close();
  });

  test("that fails is read up to there, and the failure comes with its cause", async () => {
    const cause = new Error("The disk is gone.");
    const failing = Readable.from(
      (function* () {
        yield toBytes(LOG.slice(0, 5000));
        throw cause;
      })(),
    );
    const thread = new ReadingThread(startThread);
    const blocks: EncodedBlock[] = [];
    const reading = thread.readBlocks(streamed(failing), START, (block) => blocks.push(block), undefined);
    await expect(reading).rejects.toThrow(SourceFailure);
    await expect(reading).rejects.toMatchObject({ cause });
    expect(blocks).toEqual(await inProcess(LOG.slice(0, 5000)));
    await thread.close();
  });
});

describe("a file read by the other thread", () => {
  test("gives the same blocks, from any place on", async () => {
    const thread = new ReadingThread(startThread);
    for (const position of [0, 20_000, 70_000, LOG.length]) {
      const blocks: EncodedBlock[] = [];
      const open = openLog(LOG);
      await open.compare(position, (end, length) => LOG.slice(Math.max(0, end - length), end));
      await thread.readBlocks(open, START, (block) => blocks.push(block), undefined);
      open.close();
      expect(blocks).toEqual(await inProcess(LOG.slice(position)));
      if (position < LOG.length) expect(open.bytesRead()).toBe(LOG.length);
    }
    await thread.close();
  });

  test("is read in bounded memory: it is read on when blocks are stored", async () => {
    const held: (() => void)[] = [];
    let isHeld = true;
    const thread = new ReadingThread(() => {
      const started = startThread();
      const postMessage: Thread["postMessage"] = (message, transfer) => {
        const send = (): void => started.postMessage(message, transfer);
        if (isHeld && (message as { kind: string }).kind === "stored") held.push(send);
        else send();
      };
      return { ...started, postMessage };
    });
    const open = openLog(LONG_LOG);
    const blocks: EncodedBlock[] = [];
    const reading = thread.readBlocks(open, START, (block) => blocks.push(block), undefined);
    for (let before = -1; before !== blocks.length; await pause(100)) before = blocks.length;
    const expected = await inProcess(LONG_LOG);
    // A piece of the file that was read already may hold the text of many blocks as small as these.
    expect(blocks.length).toBeLessThan(expected.length - 20);
    isHeld = false;
    for (const send of held) send();
    await reading;
    expect(blocks).toEqual(expected);
    await thread.close();
    open.close();
  });

  test("that fails is read up to there, and the failure comes with its cause", async () => {
    const open = openLog(LOG);
    open.close();
    const blocks: EncodedBlock[] = [];
    const thread = new ReadingThread(startThread);
    const reading = thread.readBlocks(open, START, (block) => blocks.push(block), undefined);
    await expect(reading).rejects.toThrow(SourceFailure);
    await expect(reading).rejects.toHaveProperty("cause.message", "EBADF: bad file descriptor, read");
    expect(blocks).toEqual(await inProcess(LOG.slice(0, HEAD_BYTES)));
    await thread.close();
  });
});

describe("the other thread", () => {
  test("is left when a batch cannot be stored, and another log is read in a new one", async () => {
    let started = 0;
    const thread = new ReadingThread(() => {
      started++;
      return startThread();
    });
    const refuse = (): void => {
      throw new Error("No room.");
    };
    await expect(thread.readBlocks(streamed(Readable.from([toBytes(LOG)])), START, refuse, undefined)).rejects.toThrow(
      "No room.",
    );
    expect(await inThread(thread, LOG)).toEqual(await inProcess(LOG));
    expect(started).toBe(2);
    await thread.close();
  });

  test("that fails by a bug fails the reading with that bug", async () => {
    const bug = new TypeError("undefined is not a function");
    const thread = new ReadingThread(() => ({
      postMessage: () => {},
      on: (event, listener) => event === "error" && setImmediate(() => listener(bug)),
      terminate: async () => {},
    }));
    await expect(thread.readBlocks(streamed(Readable.from([toBytes(LOG)])), START, () => {}, undefined)).rejects.toBe(
      bug,
    );
  });

  test("is left at an abort, with the blocks before it stored", async () => {
    const controller = new AbortController();
    let terminated = 0;
    const thread = new ReadingThread(() => {
      const started = startThread();
      return { ...started, terminate: () => started.terminate().then(() => terminated++) };
    });
    const blocks: EncodedBlock[] = [];
    const onBlock = (block: EncodedBlock): void => {
      blocks.push(block);
      if (blocks.length === 3) controller.abort();
    };
    await thread.readBlocks(streamed(Readable.from([toBytes(LOG), toBytes(LOG)])), START, onBlock, controller.signal);
    expect(blocks).toEqual((await inProcess(LOG)).slice(0, 3));
    expect(terminated).toBe(1);
  });
});

/** The codes of a database whose tables have just been made. */
function codes(): EncodingCodes {
  const database = new Database(":memory:");
  try {
    database.exec(readFileSync(join(SCHEMA_DIRECTORY, "0001_initial.sql"), "utf8"));
    return loadCodes(database).encoding;
  } finally {
    database.close();
  }
}

function startThread(): Thread {
  const { port1, port2 } = new MessageChannel();
  serveReadings(port1);
  return {
    postMessage: (message, transfer) => port2.postMessage(message, transfer),
    on: (event, listener) => port2.on(event, listener),
    terminate: async () => port2.close(),
  };
}

function streamed(text: Readable): LogText {
  return { readUntilPause: () => text };
}

function openLog(log: string): OpenSource {
  const path = join(temporaryFolder(), "mainlog");
  writeFileSync(path, log, "latin1");
  return openPlain(path, openSync(path, "r"), log.length, toBytes(log.slice(0, HEAD_BYTES)));
}

async function inThread(thread: ReadingThread, log: string, start = START): Promise<EncodedBlock[]> {
  const blocks: EncodedBlock[] = [];
  await thread.readBlocks(streamed(Readable.from(pieces(log))), start, (block) => blocks.push(block), undefined);
  return blocks;
}

async function inProcess(log: string, start = START): Promise<EncodedBlock[]> {
  const blocks: EncodedBlock[] = [];
  await readBlocks(streamed(Readable.from(pieces(log))), start, (block) => blocks.push(block), undefined);
  return blocks.map(plain);
}

/** The block as it is after a copy: byte arrays are no Buffers any more. */
function plain(block: EncodedBlock): EncodedBlock {
  const { text } = block;
  const { data, sha256 } = text;
  return {
    ...block,
    tail: new Uint8Array(block.tail),
    text: { ...text, data: new Uint8Array(data), sha256: new Uint8Array(sha256) },
  };
}

function* pieces(log: string): Generator<Buffer> {
  for (let from = 0; from < log.length; from += 10_000) yield toBytes(log.slice(from, from + 10_000));
}

function toBytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}
