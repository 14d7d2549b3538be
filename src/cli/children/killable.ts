/**
 * Work in a process of its own that is ended when it takes too long or too much memory. SQLite and regular expressions never give
 * their thread back, and SQLite keeps to no limit of memory, so both are watched from outside.
 */
import { type ChildProcess, execFile, fork, type StdioOptions } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PilotError } from "../../errors.ts";
import type { Io } from "../io.ts";
import { findPackageRoot } from "../package-root.ts";
import type { Assignment, ProcessFailure } from "./killable-process.ts";

const MIB = 1024 * 1024;
/** Resident memory, unless told otherwise. */
const MOST_MEMORY_BYTES = 512 * MIB;
/** Memory can grow by a GiB in a second. */
const LOOK_MS = 50;

/** A process that reads, with a limit of time, and of memory. */
export class Killable {
  readonly child: ChildProcess;
  readonly limit: TimeLimit;
  readonly #signal: AbortSignal;
  readonly #mostMemoryBytes: number;
  readonly #stop = (): void => void this.child.kill("SIGKILL");
  readonly #watch: NodeJS.Timeout;
  #isTooLarge = false;

  /** `script`: a bundle that calls `serveJob`. `timeoutMs`: what {@link limit} gives it; 0 for as long as it likes. */
  constructor(
    script: string,
    job: object,
    stdio: StdioOptions,
    timeoutMs: number,
    { signal }: Io,
    mostMemoryBytes: number = MOST_MEMORY_BYTES,
  ) {
    this.#mostMemoryBytes = mostMemoryBytes;
    const options = { stdio, execArgv: [], serialization: "json" as const };
    this.child = fork(join(findPackageRoot(), "dist", script), options);
    this.limit = new TimeLimit(timeoutMs, this.#stop);
    this.#signal = signal;
    this.#watch = setInterval(() => this.#lookAtMemory(), LOOK_MS);
    signal.addEventListener("abort", this.#stop, { once: true });
    if (signal.aborted) this.#stop();
    this.child.send({ job, parentId: process.pid } satisfies Assignment<object>, () => {
      // NOTE: a process that could not be started, or was killed, is reported by its end.
    });
  }

  /** It was ended for the memory that it took. */
  get isTooLarge(): boolean {
    return this.#isTooLarge;
  }

  /** The error that tells why it ended without having done its work: `what` is the subject of the sentences. */
  failure(outcome: ProcessFailure | undefined, what: string): Error {
    if (this.#isTooLarge) {
      return new PilotError(
        "memory",
        `${what} needed more than ${this.#mostMemoryBytes / MIB} MiB of memory and was stopped.`,
        {
          hint: "Narrow it by server and timestamp; sorting and grouping keep all rows in memory.",
        },
      );
    }
    if (outcome?.kind === "failure") {
      const { code, message, hint } = outcome;
      return new PilotError(code, message, hint === undefined ? {} : { hint });
    }
    if (outcome?.kind === "bug") return Object.assign(new Error("A bug in another process."), { stack: outcome.stack });
    const { exitCode, signalCode } = this.child;
    return new PilotError(
      "io",
      `The process that worked on it was ended (${signalCode ?? exitCode}): ${what} has no answer.`,
      {
        hint: "It may have needed more memory than there is.",
      },
    );
  }

  /** Ends the process. To be called whatever happened. */
  end(): void {
    clearInterval(this.#watch);
    this.limit.stop();
    this.#signal.removeEventListener("abort", this.#stop);
    this.#stop();
  }

  #lookAtMemory(): void {
    const { pid, exitCode, signalCode } = this.child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    residentBytes(pid, (bytes) => {
      if (bytes <= this.#mostMemoryBytes) return;
      this.#isTooLarge = true;
      this.#stop();
    });
  }
}

const KIB = 1024;

/** Calls `tell` with the resident memory of a process; not at all when it has ended. */
function residentBytes(processId: number, tell: (bytes: number) => void): void {
  if (process.platform === "linux") {
    const kib = /^VmRSS:\s*(\d+)/m.exec(statusOf(processId))?.[1];
    if (kib !== undefined) tell(Number(kib) * KIB);
    return;
  }
  execFile("ps", ["-o", "rss=", "-p", String(processId)], (error, printed) => {
    if (error === null) tell(Number(printed) * KIB);
  });
}

function statusOf(processId: number): string {
  try {
    return readFileSync(`/proc/${processId}/status`, "latin1");
  } catch {
    // NOTE: it has ended between two looks.
    return "";
  }
}

/** Counts only while it is started. */
export class TimeLimit {
  readonly #onEnd: () => void;
  readonly #limitMs: number;
  #leftMs: number;
  #startedMs = 0;
  #timer: NodeJS.Timeout | undefined;
  isOver = false;

  /** `limitMs`: 0 is no limit. */
  constructor(limitMs: number, onEnd: () => void) {
    this.#limitMs = limitMs;
    this.#leftMs = limitMs;
    this.#onEnd = onEnd;
  }

  start(): void {
    if (this.#limitMs === 0) return;
    this.#startedMs = performance.now();
    this.#timer = setTimeout(() => {
      this.isOver = true;
      this.#onEnd();
    }, this.#leftMs);
  }

  stop(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs = Math.max(0, this.#leftMs - (performance.now() - this.#startedMs));
  }

  /** Restarts the whole time. */
  restart(): void {
    this.stop();
    this.#leftMs = this.#limitMs;
    this.start();
  }
}
