/**
 * Whole logs, line by line: what real Exim wrote is understood. The trimmed corpus lies in the project; the full one, and Exim's own
 * expected logs, are read where they are when they lie beside it.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Batcher } from "../../src/ingest/batch/batcher.ts";
import type { LogRecord } from "../../src/ingest/batch/log-record.ts";
import type { LogEvent } from "../../src/parse/events.ts";
import { type ParsedEntry, parseEntry, startsEntry } from "../../src/parse/record.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const SHARED = join(PROJECT, "../shared");
const LOGS = ["mainlog", "rejectlog", "paniclog"] as const;

/** Free text: what the ACLs of the lab write, and the line of blanks of a message that Exim lost. */
const FREE_TEXT = [/^score=\d/, /^notquit: reason=/, /^ *$/];

/** The share of free text in this half of the test suite: its configurations log whatever they test. */
const FREE_SHARE: Readonly<Record<string, number>> = { "exim-4.96": 0.215, "exim-4.100-dev": 0.246 };

const FLAGGED = /^(?:<=|\(=|=>|->|>>|\*>|\*\*|==) /;

function readEntries(path: string): ParsedEntry[] {
  const entries: ParsedEntry[] = [];
  let record: string[] = [];
  const flush = (): void => {
    const entry = record.length === 0 ? undefined : parseEntry(record);
    if (entry !== undefined) entries.push(entry);
  };
  for (const line of readFileSync(path, "latin1").split("\n")) {
    if (startsEntry(line)) {
      flush();
      record = [line];
    } else if (record.length > 0) {
      record.push(line);
    }
  }
  flush();
  return entries;
}

function readSyslogEntries(path: string): ParsedEntry[] {
  const entries: ParsedEntry[] = [];
  const onRecord = ({ lines, isEntry }: LogRecord): void => {
    const entry = isEntry ? parseEntry(lines) : undefined;
    if (entry !== undefined) entries.push(entry);
  };
  const batcher = new Batcher(
    { batchLines: 500, blockBytes: 0, linesBefore: 0, isWithinLine: false, isSyslog: true },
    { onRecord, onBatch: () => false, onBlock: () => {} },
  );
  for (const line of readFileSync(path, "latin1").split("\n")) batcher.add(line, "newline");
  batcher.end();
  return entries;
}

function isFlagged({ prefix, text }: ParsedEntry): boolean {
  return prefix.messageId !== undefined && FLAGGED.test(text);
}

/** Lines with a flag that mean nothing, or of which something was left over. */
function findUnread(entries: readonly ParsedEntry[]): string[] {
  return entries.filter((entry) => isFlagged(entry) && !isReadWhole(entry.event)).map(({ text }) => text);
}

function isReadWhole(event: LogEvent): boolean {
  if (event.kind === "cancelled") return true;
  return event.kind === "discard" || ("residue" in event && event.residue === "");
}

function others(entries: readonly ParsedEntry[]): string[] {
  return entries.filter(({ event }) => event.kind === "other").map(({ text }) => text);
}

function foldersOf(directory: string): string[] {
  return existsSync(directory)
    ? readdirSync(directory, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
    : [];
}

const FULL_CORPUS = join(SHARED, "corpus");
const PROFILES = [join(PROJECT, "fixtures/corpus"), FULL_CORPUS].flatMap((directory) =>
  foldersOf(directory)
    .filter((name) => LOGS.every((log) => existsSync(join(directory, name, log))))
    .map((name) => join(directory, name)),
);

describe.each(PROFILES)("%s", (directory) => {
  const entries = LOGS.flatMap((log) => readEntries(join(directory, log)));

  test("has no line with a flag that is not read to its end", () => {
    expect(entries.some(isFlagged)).toBe(true);
    expect(findUnread(entries)).toEqual([]);
  });

  test("means nothing only where it is free text, and seldom", () => {
    const free = others(entries);
    expect(free.filter((text) => !FREE_TEXT.some((form) => form.test(text)))).toEqual([]);
    expect(free.length / entries.length).toBeLessThan(0.005);
  });
});

if (!existsSync(FULL_CORPUS)) test.skip(`the full corpus, which is not at ${FULL_CORPUS}`, () => undefined);

const SYSLOG = join(FULL_CORPUS, "syslog", "syslog");

describe.runIf(existsSync(SYSLOG))("the corpus that came through syslog", () => {
  const entries = existsSync(SYSLOG) ? readSyslogEntries(SYSLOG) : [];

  test("has no line with a flag that is not read to its end", () => {
    expect(entries.filter(isFlagged).length).toBeGreaterThan(1000);
    expect(findUnread(entries)).toEqual([]);
  });

  test("means nothing only where it is free text, and seldom", () => {
    const free = others(entries);
    expect(free.filter((text) => !FREE_TEXT.some((form) => form.test(text)))).toEqual([]);
    expect(free.length / entries.length).toBeLessThan(0.005);
  });
});

const TEST_SUITE = join(SHARED, "exim-testsuite");

describe.each(foldersOf(TEST_SUITE))("the test suite of %s", (version) => {
  const folders = foldersOf(join(TEST_SUITE, version));
  const entriesOf = (folder: string): ParsedEntry[] =>
    readdirSync(join(TEST_SUITE, version, folder)).flatMap((file) =>
      readEntries(join(TEST_SUITE, version, folder, file)),
    );

  test.each(folders)("%s: no line with a flag that is not read to its end", (folder) => {
    expect(findUnread(entriesOf(folder))).toEqual([]);
  });

  test.runIf(folders.includes("log"))("means nothing no more often than it is free text", () => {
    const entries = entriesOf("log");
    expect(others(entries).length / entries.length).toBeLessThan(FREE_SHARE[version] ?? 0.172);
  });
});

if (!existsSync(TEST_SUITE)) test.skip(`the test suite of Exim, which is not at ${TEST_SUITE}`, () => undefined);
