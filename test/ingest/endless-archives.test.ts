/** Archives that unpack without an end, or to far more than they are: bounded memory, and an end by signal. */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { MIB } from "../../src/units.ts";
import { availableArchivers } from "../support/archivers.ts";
import { ingestArgv, startProgram } from "../support/child.ts";
import { temporaryFolder } from "../support/database.ts";
import { queryAll, readSources } from "../support/views.ts";

vi.setConfig({ testTimeout: process.env["EXIM_PILOT_TORTURE"] === undefined ? 120_000 : 3_600_000 });

const ENTRY = "2026-03-02 06:16:00 Start queue run: pid=1\n";
/** To standard output. */
const COMPRESS: Readonly<Record<string, string>> = {
  gzip: "gzip -1",
  bzip2: "bzip2 -1",
  xz: "xz -0 -T1",
  zstd: "zstd -q -1",
  lzma: "xz --format=lzma -0",
};
const MOST_RESIDENT = 600 * MIB;
const TORTURE = process.env["EXIM_PILOT_TORTURE"] !== undefined;
/** Read of each before the signal: EXIM_PILOT_TORTURE reads 10 GiB. */
const ENOUGH = TORTURE ? 10 * 1024 * MIB : 4 * MIB;
/** An end within a second is asked for; the limit is ten times that. */
const MOST_MS = 10_000;

describe("an archive of zeros without an end", () => {
  test.each(availableArchivers())("of $codec takes bounded memory, and ends by a signal", async ({ codec }) => {
    const folder = temporaryFolder();
    const [database, pipe] = [join(folder, "pilot.db"), join(folder, "pipe")];
    execFileSync("mkfifo", [pipe]);
    const bomb = spawn(
      "/bin/sh",
      ["-c", `(printf '%s' "$1"; cat /dev/zero) | ${COMPRESS[codec]} > "$2"`, "sh", ENTRY, pipe],
      { stdio: "ignore" },
    );
    const { child, ended } = startProgram(ingestArgv(database, ["--log-type", "main", pipe]));
    onTestFinished(() => {
      bomb.kill();
      child.kill("SIGKILL");
    });
    while (child.exitCode === null && storedBytes(database) < ENOUGH) await sleep(50);
    const resident = residentBytes(child.pid);
    if (resident !== undefined) expect(resident).toBeLessThan(MOST_RESIDENT);
    const toldMs = performance.now();
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ status: 130 });
    expect(performance.now() - toldMs).toBeLessThan(MOST_MS);
    if (TORTURE) return;
    const [source] = readSources(database);
    expect(source?.bytes.subarray(0, ENTRY.length).toString()).toBe(ENTRY);
    expect(source?.bytes.subarray(ENTRY.length).every((byte) => byte === 0)).toBe(true);
  });
});

function storedBytes(database: string): number {
  try {
    return queryAll<{ sum: number | null }>(database, "SELECT sum(position) AS sum FROM sources")[0]?.sum ?? 0;
  } catch {
    // NOTE: it is being made.
    return 0;
  }
}

/** The most memory that a process has had; undefined where the system does not tell. */
function residentBytes(processId: number | undefined): number | undefined {
  if (process.platform !== "linux") return undefined;
  const [, kib] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${processId}/status`, "latin1")) ?? [];
  return Number(kib) * 1024;
}
