/** All that a command knows of the world outside; tests give their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import type { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Thread } from "../ingest/reading-thread.ts";
import { type EpochMs, epochMs } from "../units.ts";

export interface OutputStream {
  readonly write: (text: string | Uint8Array) => unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Io {
  readonly stdin: Readable;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => EpochMs;
  readonly hostname: string;
  /** Name of the user of the operating system. */
  readonly user: string;
  /** Tells this run from others in the audit log. */
  readonly requestId: string;
  /** Where the configuration is, unless it is named. */
  readonly configFile: string;
  /** IANA name of this machine's zone. */
  readonly timeZone: string;
  /** Aborts when the user or the system asks to stop. */
  readonly signal: AbortSignal;
  /** Starts a pager on the user's terminal, with these variables beside those of the environment; it shows what its standard input gets. */
  readonly startPager?: (
    program: string,
    args: readonly string[],
    variables: Readonly<Record<string, string>>,
  ) => ChildProcess;
  /** Starts a thread that makes batches of the text of logs; without it that is done in this one. */
  readonly startReadingThread?: () => Thread;
}

const BROKEN_PIPE = "EPIPE";
/** The reason of an abort because nobody reads the output any more. */
const READER_GONE = "the reader of the output has gone";

/** True when `signal` aborts because nobody reads the output any more, which is no failure. */
export function isReaderGone(signal: AbortSignal): boolean {
  return signal.reason === READER_GONE;
}

/** Aborts because nobody reads the output any more. */
export function abortReaderGone(controller: AbortController): void {
  controller.abort(READER_GONE);
}

/** What it makes is handed over at once, and a batch holds some MiB at most: without limits garbage would only lie longer. */
const READING_THREAD_LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 64 };

/** The process itself. A reader that goes away (`| head`) is no error; SIGINT and SIGTERM abort, a second one kills. */
export function processIo(): Io {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => controller.abort());
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== BROKEN_PIPE) throw error;
      abortReaderGone(controller);
    });
  }
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    now: () => epochMs(Date.now()),
    hostname: hostname(),
    user: userName(),
    requestId: randomUUID(),
    configFile: "/etc/exim-pilot.toml",
    // NOTE: a getter, because the first question about a time zone takes long, and few commands ask it.
    get timeZone() {
      return new Intl.DateTimeFormat("en").resolvedOptions().timeZone;
    },
    signal: controller.signal,
    startPager,
    startReadingThread,
  };
}

/**
 * Much is read and little kept: without limits garbage would only lie longer. Measured with 250,000 lines: 230 MiB instead of 370, no slower.
 * NOTE: these two are read each time a heap grows; the sizes themselves are fixed when the process starts.
 */
const MEMORY_FLAGS = ["--semi-space-growth-factor=1", "--heap-growing-percent=60"];

function startReadingThread(): Thread {
  for (const flag of MEMORY_FLAGS) setFlagsFromString(flag);
  return new Worker(new URL("./reading-worker.js", import.meta.url), { resourceLimits: READING_THREAD_LIMITS });
}

function startPager(
  program: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): ChildProcess {
  const env = { ...process.env, ...variables };
  const pager = spawn(program, args, { stdio: ["pipe", "inherit", "inherit"], env });
  // NOTE: Ctrl-C reaches the pager too, which does not end by it; this process must not go before the pager has.
  const ignore = (): void => undefined;
  process.on("SIGINT", ignore);
  pager.once("close", () => process.off("SIGINT", ignore));
  return pager;
}

/** A user without a name, as in some containers, is known by its number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown");
  }
}
