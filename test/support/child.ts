/** The program as a process of its own, so that it can be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The program as it is built before any test; see build.ts. */
export const PROGRAM = fileURLToPath(new URL("../../bin/exim-pilot.js", import.meta.url));

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
export function startProgram(argv: readonly string[], shell?: string): RunningProgram {
  const options = {
    env: { ...process.env, TZ: "UTC", NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"],
  };
  const command = [process.execPath, PROGRAM, ...argv];
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
