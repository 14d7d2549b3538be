/** Reading in another thread: the same as in this one, and every end of it. The two sides talk through a channel of one process. */
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { MessageChannel } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { SourceFailure } from "../../src/ingest/lines.ts";
import { type EntryBatch, type ReadingStart, readBatches } from "../../src/ingest/reading.ts";
import { ReadingThread, serveReadings, type Thread } from "../../src/ingest/reading-thread.ts";
import { corpusProfiles } from "../support/corpus.ts";
import { NOW } from "../support/database.ts";
import { generateLog } from "../support/generate.ts";
import { SMALL_LOGS } from "../support/small-log.ts";

const START: ReadingStart = {
  batchLines: 7,
  timeZone: "Europe/Berlin",
  isSyslog: false,
  beginMs: undefined,
  clockMs: undefined,
  lastBlock: undefined,
};
const LOG = [...generateLog("main", { messages: 400, seed: 3 })].join("");

describe("a log read in another thread", () => {
  test("gives the same batches", async () => {
    const thread = new ReadingThread(startThread);
    expect(await inThread(thread, LOG)).toEqual(await inProcess(LOG));
    await thread.close();
  });

  test.each(corpusProfiles().filter(({ name }) => name.includes("trimmed")))(
    "gives the same batches: $name",
    async ({ logs }) => {
      const thread = new ReadingThread(startThread);
      for (const path of Object.values(logs)) {
        const log = readFileSync(path, "latin1");
        expect(await inThread(thread, log)).toEqual(await inProcess(log));
      }
      await thread.close();
    },
  );

  test("gives the same batches when it came through syslog", async () => {
    const start = { ...START, isSyslog: true, beginMs: NOW };
    const thread = new ReadingThread(startThread);
    const log = SMALL_LOGS.syslog.toString("latin1");
    const batches = await inThread(thread, log, start);
    expect(batches).toEqual(await inProcess(log, start));
    expect(batches.flatMap(({ entries }) => entries).filter(({ syslogTwin }) => syslogTwin).length).toBeGreaterThan(5);
    await thread.close();
  });

  test("goes on after the last block that is stored", async () => {
    const [stored, rest] = [LOG.slice(0, 1000), LOG.slice(1000)];
    const start = { ...START, lastBlock: { text: stored, isWithinLine: false, clockMs: undefined } };
    const thread = new ReadingThread(startThread);
    const batches = await inThread(thread, rest, start);
    expect(batches).toEqual(await inProcess(rest, start));
    expect(batches[0]?.isRedone).toBe(true);
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
        yield entry;
      }
    })();
    const thread = new ReadingThread(startThread);
    const onBatch = ({ lines }: EntryBatch) => {
      stored += lines;
    };
    await thread.readBatches(Readable.from(pieces, { highWaterMark: 1 }), START, onBatch, undefined);
    expect(stored).toBe(asked);
    expect(most).toBeLessThan(100);
    await thread.close();
  });

  test("that fails is read up to there, and the failure comes with its cause", async () => {
    const cause = new Error("The disk is gone.");
    const failing = Readable.from(
      (function* () {
        yield LOG.slice(0, 5000);
        throw cause;
      })(),
    );
    const thread = new ReadingThread(startThread);
    const batches: EntryBatch[] = [];
    const reading = thread.readBatches(failing, START, (batch) => batches.push(batch), undefined);
    await expect(reading).rejects.toThrow(SourceFailure);
    await expect(reading).rejects.toMatchObject({ cause });
    expect(batches).toEqual(await inProcess(LOG.slice(0, 5000)));
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
    await expect(thread.readBatches(Readable.from([LOG]), START, refuse, undefined)).rejects.toThrow("No room.");
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
    await expect(thread.readBatches(Readable.from([LOG]), START, () => {}, undefined)).rejects.toBe(bug);
  });

  test("is left at an abort, with the batches before it stored", async () => {
    const controller = new AbortController();
    let terminated = 0;
    const thread = new ReadingThread(() => {
      const started = startThread();
      return { ...started, terminate: () => started.terminate().then(() => terminated++) };
    });
    const batches: EntryBatch[] = [];
    const onBatch = (batch: EntryBatch): void => {
      batches.push(batch);
      if (batches.length === 3) controller.abort();
    };
    await thread.readBatches(Readable.from([LOG, LOG]), START, onBatch, controller.signal);
    expect(batches).toEqual((await inProcess(LOG)).slice(0, 3));
    expect(terminated).toBe(1);
  });
});

function startThread(): Thread {
  const { port1, port2 } = new MessageChannel();
  serveReadings(port1);
  return {
    postMessage: (message, transfer) => port2.postMessage(message, transfer),
    on: (event, listener) => port2.on(event, listener),
    terminate: async () => port2.close(),
  };
}

async function inThread(thread: ReadingThread, log: string, start = START): Promise<EntryBatch[]> {
  const batches: EntryBatch[] = [];
  await thread.readBatches(Readable.from(pieces(log)), start, (batch) => batches.push(batch), undefined);
  return batches;
}

async function inProcess(log: string, start = START): Promise<EntryBatch[]> {
  const batches: EntryBatch[] = [];
  await readBatches(Readable.from(pieces(log)), start, (batch) => batches.push(batch), undefined);
  return batches.map(plain);
}

/** As it is after a copy: byte arrays are no Buffers any more. */
function plain(batch: EntryBatch): EntryBatch {
  const { text } = batch;
  const { data, sha256 } = text;
  return {
    ...batch,
    tail: new Uint8Array(batch.tail),
    text: { ...text, data: new Uint8Array(data), sha256: new Uint8Array(sha256) },
  };
}

function* pieces(log: string): Generator<string> {
  for (let from = 0; from < log.length; from += 10_000) yield log.slice(from, from + 10_000);
}
