/** Databases for tests: real files in a folder of their own, removed afterwards unless KEEP_TEST_FILES is set. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import { type IngestOptions, type IngestReport, ingest } from "../../src/ingest/ingest.ts";
import type { StoreSettings } from "../../src/store/database/settings.ts";
import { defineRowDigest } from "../../src/store/database/table-digests.ts";
import { openReader, openWriter } from "../../src/store/store.ts";
import type { Writer } from "../../src/store/write/writer.ts";
import { epochMs } from "../../src/units.ts";

export const SCHEMA_DIRECTORY = fileURLToPath(new URL("../../schema", import.meta.url));
export const FIXTURES = fileURLToPath(new URL("../../fixtures", import.meta.url));
/** 2026-04-01T00:00:00Z. */
export const NOW = epochMs(1_775_001_600_000);

/** A folder that is removed when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
  onTestFinished(() => {
    if (process.env["KEEP_TEST_FILES"] === undefined) rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** This process, which nobody else can ask for. */
const PROCESSES = { mark: `0000000a-${process.pid}-1`, isRunning: () => undefined };

export function storeSettings(path: string, waitMs = 200): StoreSettings {
  return {
    path,
    schemaDirectory: SCHEMA_DIRECTORY,
    waitMs,
    program: "0.0.0-test",
    now: () => NOW,
    processes: () => PROCESSES,
  };
}

/** Runs `action` with the writer of a database, which is made when it is missing. */
export async function withWriter<Result>(
  path: string,
  action: (writer: Writer) => Promise<Result> | Result,
): Promise<Result> {
  const writer = openWriter(storeSettings(path));
  try {
    return await action(writer);
  } finally {
    writer.close();
  }
}

/** Opens a database past the store, to change what the store would not: digests follow, as they do what exim-pilot writes. */
export function openDirectly(path: string): Database.Database {
  const database = new Database(path);
  defineRowDigest(database);
  return database;
}

/** Copies a database that nobody writes to, with what its last writer leaves beside it: an empty log of writes, and its index. */
export function copyDatabase(from: string, to: string): void {
  copyFileSync(from, to);
  for (const ending of ["-wal", "-shm"]) writeFileSync(to + ending, "");
}

export async function withReader<Result>(
  path: string,
  action: (reader: ReturnType<typeof openReader>) => Promise<Result>,
): Promise<Result> {
  const reader = openReader(storeSettings(path));
  try {
    return await action(reader);
  } finally {
    await reader.close();
  }
}

export const OPTIONS: IngestOptions = {
  server: "mx1",
  timeZone: "UTC",
  defaultTimeZone: "UTC",
  logType: undefined,
  batchLines: 500,
  program: "0.0.0-test",
  now: () => NOW,
  env: {},
};

/** Ingests into the database at `path`. `stdin` is what "-" reads. */
export async function ingestInto(
  path: string,
  logs: readonly string[],
  options: Partial<IngestOptions> = {},
  stdin: Readable = Readable.from([]),
): Promise<IngestReport> {
  return withWriter(path, (writer) => ingest(logs, { stdin }, writer, { ...OPTIONS, ...options }));
}
