/** The program as a process of its own, so that it can be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../../bundle.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Below the packages, so that the bundle finds the one that is not in it. */
const CACHE = join(ROOT, "node_modules", ".cache");

export interface BuiltProgram {
  /** Path of the script. */
  readonly script: string;
  readonly remove: () => void;
}

/** Bundles the program as its source is now; what `dist` holds may be older. */
export async function buildProgram(): Promise<BuiltProgram> {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, "exim-pilot-test-"));
  const script = join(folder, "program.cjs");
  writeFileSync(
    script,
    'require("./start.cjs").start(process.argv.slice(2)).then((status) => (process.exitCode = status));',
  );
  await bundle(folder);
  return { script, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface ChildResult {
  /** Undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProgram {
  readonly child: ChildProcess;
  readonly ended: Promise<ChildResult>;
}

/** Reads logs as those of the server mx1 in UTC. */
export function ingestArgv(database: string, logs: readonly string[], ...flags: readonly string[]): readonly string[] {
  return ["ingest", "--db", database, "--server", "mx1", "--timezone", "UTC", ...flags, ...logs];
}

/** Starts the program. `shell` is run before it in the same process: a limit, a trap. */
export function startProgram(script: string, argv: readonly string[], shell?: string): RunningProgram {
  const options = {
    env: { ...process.env, TZ: "UTC", NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"],
  };
  const command = [process.execPath, script, ...argv];
  const child =
    shell === undefined
      ? spawn(process.execPath, command.slice(1), options)
      : spawn("/bin/sh", ["-c", `${shell}; exec "$@"`, "sh", ...command], options);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<ChildResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) =>
      resolve({ status: status ?? undefined, signal: signal ?? undefined, stdout, stderr }),
    );
  });
  return { child, ended };
}
