/** A folder for all files of a run of the tests, removed at its end: also those that a test that was ended has left. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { brokenSeals } from "./seals.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Path of a folder for files that tests share: see made-once.ts. */
    readonly sharedFolder: string;
  }
}

/** Directory in which Linux keeps files in memory. */
const MEMORY = "/dev/shm";
const MOST_BYTES = 2 ** 30;
const NAME = "exim-pilot-test-run-";
const DAY_MS = 86_400_000;

export function setup(project: TestProject): () => void {
  const keeps = process.env["KEEP_TEST_FILES"] !== undefined;
  const isChosen = process.env["TMPDIR"] !== undefined;
  const isInMemory = !keeps && !isChosen && canHold(MEMORY);
  if (isInMemory) removeLeftFolders(MEMORY);
  const folder = mkdtempSync(join(isInMemory ? MEMORY : tmpdir(), NAME));
  process.env["TMPDIR"] = folder;
  const sharedFolder = join(folder, "shared");
  project.provide("sharedFolder", sharedFolder);
  return () => {
    const changed = brokenSeals(sharedFolder);
    if (!keeps) rmSync(folder, { recursive: true, force: true });
    if (changed.length === 0) return;
    // NOTE: vitest prints what is thrown here, and passes all the same.
    process.exitCode = 1;
    throw new Error(`Tests have changed files that others read: ${changed.join(", ")}`);
  };
}

/** Removes folders of killed runs, which would take memory until the next start of the machine. */
function removeLeftFolders(directory: string): void {
  for (const name of readdirSync(directory).filter((one) => one.startsWith(NAME))) {
    const path = join(directory, name);
    const changedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (changedMs < Date.now() - DAY_MS) rmSync(path, { recursive: true, force: true });
  }
}

/**
 * True if files and programs can be kept there. Databases wait for the disk at each commit, which tells a test nothing: files in
 * memory halve the time of the tests.
 */
function canHold(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize > MOST_BYTES && canRun(directory);
  } catch {
    return false;
  }
}

/** False where it is mounted so that nothing in it can be run. */
function canRun(directory: string): boolean {
  const folder = mkdtempSync(join(directory, "exim-pilot-test-"));
  try {
    const program = join(folder, "program");
    writeFileSync(program, "#!/bin/sh\n", { mode: 0o700 });
    return spawnSync(program).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
