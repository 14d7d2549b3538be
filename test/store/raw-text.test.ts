import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import Database from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  blockOf,
  entryIdOf,
  LINES_PER_BLOCK,
  lineOf,
  OpenBlock,
  packBytes,
  RawTextReader,
  sha256,
} from "../../src/store/log-text/blocks.ts";
import { corpusProfiles, syslogCorpora } from "../support/corpus.ts";
import { corpusDatabase } from "../support/corpus-database.ts";
import { ingestInto, temporaryFolder, withReader, withWriter } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

/** Text as the ingester reads it: a character is a byte. */
const latin1 = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const lines = fc.array(
  fc.string({ maxLength: 20 }).map((line) => line.replaceAll("\n", "")),
  { minLength: 1, maxLength: 30 },
);

describe("packed text", () => {
  test("gives every byte back", () => {
    fc.assert(
      fc.property(latin1, (text) => {
        expect(brotliDecompressSync(packBytes(Buffer.from(text, "latin1")).data).toString("latin1")).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  test("knows the size and the hash of what was packed", () => {
    fc.assert(
      fc.property(latin1, (text) => {
        const bytes = Buffer.from(text, "latin1");
        const packed = packBytes(Buffer.from(text, "latin1"));
        expect(packed.size).toBe(bytes.length);
        expect(packed.sha256).toEqual(createHash("sha256").update(bytes).digest());
        expect(sha256(bytes)).toEqual(packed.sha256);
      }),
    );
  });

  test("is a third of a log or less", () => {
    const text = readFileSync(new URL("../../fixtures/corpus/default/mainlog", import.meta.url), "latin1");
    expect(packBytes(Buffer.from(text, "latin1")).data.length).toBeLessThan(text.length / 3);
  });
});

describe("an entry id", () => {
  test("says which block and which line", () => {
    const block = fc.integer({ min: 1, max: Math.floor(Number.MAX_SAFE_INTEGER / LINES_PER_BLOCK) - 1 });
    const line = fc.integer({ min: 0, max: LINES_PER_BLOCK - 1 });
    fc.assert(
      fc.property(block, line, (blockId, number) => {
        const id = entryIdOf(blockId, number);
        expect(Number.isSafeInteger(id)).toBe(true);
        expect([blockOf(id), lineOf(id)]).toEqual([blockId, number]);
      }),
    );
  });

  test("orders entries by block and line", () => {
    expect(entryIdOf(1, LINES_PER_BLOCK - 1)).toBeLessThan(entryIdOf(2, 0));
    expect(entryIdOf(2, 0)).toBeLessThan(entryIdOf(2, 1));
  });
});

describe("an open block", () => {
  test("finds each of its lines", () => {
    fc.assert(
      fc.property(lines, fc.boolean(), (all, endsWithNewline) => {
        const text = all.join("\n") + (endsWithNewline ? "\n" : "");
        const block = new OpenBlock(text, false);
        expect(all.map((_, line) => block.lineAt(line))).toEqual(all);
        for (const line of all.keys()) expect(text.slice(0, block.startOf(line)).split("\n").length - 1).toBe(line);
      }),
    );
  });

  test("ends where a line would begin that it has not", () => {
    expect(new OpenBlock("one\ntwo", false).startOf(2)).toBe(7);
    expect(new OpenBlock("one\n", false).startOf(2)).toBe(4);
  });
});

describe("the text of an entry", () => {
  const [corpus] = corpusProfiles().filter(({ name }) => name === "all (trimmed)");
  if (corpus === undefined) throw new Error("The trimmed corpus is missing.");
  const logs = Object.values(corpus.logs);

  test.each([1, 7, 500])("is a piece of its log that begins at a line, in batches of %i lines", async (batchLines) => {
    const path = join(temporaryFolder(), "pilot.db");
    await ingestInto(path, logs, { timeZone: corpus.truth.timezone, batchLines });
    const ids = queryAll<{ id: number }>(path, "SELECT id FROM log_entries ORDER BY id").map(({ id }) => id);
    const texts = await withWriter(path, (writer) => ids.map((id) => writer.rawText.entryText(id)));
    const whole = logs.map((log) => `\n${readFileSync(log, "latin1")}`).join("");
    expect(texts.length).toBeGreaterThan(300);
    expect(texts.filter((text) => text === undefined || !whole.includes(`\n${text}\n`))).toEqual([]);
  });

  test("does not depend on the size of batches", async () => {
    const folder = temporaryFolder();
    const texts = await Promise.all(
      [1, 7, 500].map(async (batchLines) => {
        const path = join(folder, `${batchLines}.db`);
        await ingestInto(path, logs, { timeZone: corpus.truth.timezone, batchLines });
        const ids = queryAll<{ id: number }>(path, "SELECT id FROM log_entries").map(({ id }) => id);
        return withWriter(path, (writer) => ids.map((id) => writer.rawText.entryText(id)).sort());
      }),
    );
    expect(texts[0]).toEqual(texts[2]);
    expect(texts[1]).toEqual(texts[2]);
  });

  test("is undefined when its block is gone", async () => {
    const path = join(temporaryFolder(), "pilot.db");
    await ingestInto(path, logs, { timeZone: corpus.truth.timezone });
    await withWriter(path, (writer) => {
      expect(writer.rawText.entryText(entryIdOf(77, 0))).toBeUndefined();
      expect(writer.rawText.blockText(77)).toBeUndefined();
    });
  });

  test("of a message is read for its entries, in the order of time", async () => {
    const path = join(temporaryFolder(), "pilot.db");
    await ingestInto(path, logs, { timeZone: corpus.truth.timezone });
    const rows = queryAll<{ id: string; server: string }>(path, "SELECT id, server FROM messages LIMIT 20");
    await withReader(path, async (reader) => {
      for (const row of rows) {
        const entries = await reader.messages.entriesOf(row);
        expect(entries.every(({ bytes }) => bytes?.includes(row.id))).toBe(true);
        const times = entries.map(({ timestamp }) => timestamp ?? "");
        expect(times).toEqual([...times].sort());
      }
    });
  });
});

test.each([...corpusProfiles(), ...syslogCorpora()].filter(({ name }) => name.includes("trimmed")))(
  "the texts of many entries of $name are those of each, whatever other logs say them",
  async (corpus) => {
    const database = new Database(await corpusDatabase(corpus), { readonly: true });
    try {
      const ids = database.prepare<[], number>("SELECT id FROM stored_entries ORDER BY id DESC").pluck().all();
      const many = Array.from({ length: Math.ceil(1000 / ids.length) + 1 }, () => ids).flat();
      expect(many.length).toBeGreaterThan(1000);
      const texts = new RawTextReader(database).entryTexts(many);
      const reader = new RawTextReader(database);
      expect(texts).toEqual(many.map((id) => reader.entryText(id)));
      expect(texts).not.toContain(undefined);
    } finally {
      database.close();
    }
  },
);
