/** All that a command knows of the world outside; tests give their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import type { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import type { SystemError } from "../store/files/system-errors.ts";
import type { Thread } from "../threads.ts";
import { type EpochMs, epochMs } from "../units.ts";
import type { Redaction } from "./terminal/redaction.ts";
import { ignoreFailures, type ProcessStreams, watchOutput } from "./terminal/standard-streams.ts";
import { startThread } from "./threads/start-thread.ts";

export interface OutputStream {
  readonly write: (text: string | Uint8Array) => unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Io {
  readonly stdin: Readable;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Waits until all that was printed was taken; returns why it could not be, unless its reader has gone. */
  readonly finishOutput?: () => Promise<SystemError | undefined>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => EpochMs;
  readonly hostname: string;
  /** Name of the user of the operating system. */
  readonly user: string;
  /** Tells this run from others in the audit log. */
  readonly requestId: string;
  /** Default path of the configuration. */
  readonly configFile: string;
  /** Stands before the paths of the system that `setup` looks at and changes; `/` unless given. */
  readonly systemRoot?: string;
  /** The system lets this process change it; asked of the process unless given. */
  readonly isAdministrator?: boolean;
  /** IANA name of this machine's zone. */
  readonly timeZone: string;
  /** Aborts when the user or the system asks to stop. */
  readonly signal: AbortSignal;
  /** The made-up names of `--redact`. */
  readonly redaction?: Redaction;
  /** Set in the first thread, where only the command itself could notice a signal: it throws `NotBrief` if it would not end at once; see quick.ts. */
  readonly isBrief?: boolean;
  /** Starts a pager on the user's terminal, with these variables beside those of the environment, undefined for not at all; it shows what its standard input gets. */
  readonly startPager?: (
    program: string,
    args: readonly string[],
    variables: Readonly<Record<string, string | undefined>>,
  ) => ChildProcess;
  /** Starts a thread that makes batches of the text of logs; without it that is done in this one. */
  readonly startReadingThread?: () => Thread;
  /** Starts a thread that writes what is committed to the database file; without it the one that commits does that. */
  readonly startCheckpointThread?: () => Thread;
}

/** The reason of an abort because nobody reads the output any more. */
const READER_GONE = "the reader of the output has gone";

/** The reason of an abort because the output cannot be written: nothing more is of use. */
const OUTPUT_FAILED = "the output cannot be written";

/** True when `signal` aborts because nobody reads the output any more, which is no failure. */
export function isReaderGone(signal: AbortSignal): boolean {
  return signal.reason === READER_GONE;
}

/** True when `signal` aborts because the output cannot be written. */
export function isOutputFailed(signal: AbortSignal): boolean {
  return signal.reason === OUTPUT_FAILED;
}

/** Aborts because nobody reads the output any more. */
export function abortReaderGone(controller: AbortController): void {
  controller.abort(READER_GONE);
}

/** Heap limits in MiB: results are handed over at once and a block holds a few MiB, so a larger heap would only keep garbage. */
const READING_THREAD_LIMITS = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 96 };

/** Its work is SQLite's, which has its memory elsewhere. */
const CHECKPOINT_THREAD_LIMITS = { maxYoungGenerationSizeMb: 3, maxOldGenerationSizeMb: 32 };

/**
 * The process itself. A reader that goes away (`| head`) is no error. `controller` aborts by a signal; see start.ts. Threads that are
 * started keep compiled code in the directory `codeCache`, if any.
 */
export function processIo(controller: AbortController, streams: ProcessStreams, codeCache?: string): Io {
  const finishOutput = watchOutput(streams.stdout, {
    onReaderGone: () => abortReaderGone(controller),
    onFailure: () => controller.abort(OUTPUT_FAILED),
  });
  ignoreFailures(streams.stderr);
  let requestId: string | undefined;
  return {
    // NOTE: a getter, because a stream that is made may begin to read.
    get stdin() {
      return streams.stdin;
    },
    stdout: streams.stdout,
    stderr: streams.stderr,
    finishOutput: () => finishOutput(controller.signal),
    env: process.env,
    now: () => epochMs(Date.now()),
    hostname: hostname(),
    user: userName(),
    // NOTE: a getter, because few commands ask for it, and the module takes long to load.
    get requestId() {
      requestId ??= randomUUID();
      return requestId;
    },
    configFile: "/etc/exim-pilot.toml",
    // NOTE: a getter, because the first question about a time zone takes long, and few commands ask it.
    get timeZone() {
      return new Intl.DateTimeFormat("en").resolvedOptions().timeZone;
    },
    signal: controller.signal,
    startPager: (program, args, variables) => startPager(program, args, variables, controller.signal),
    startReadingThread: () => startReadingThread(codeCache),
    startCheckpointThread: () => startCheckpointThread(codeCache),
  };
}

/** Much is read and little kept: with the usual growth garbage would only lie longer. It is looked at each time a heap grows. */
const SLOW_GROWTH = "--heap-growing-percent=60";
/**
 * V8 makes objects old at once where many of their kind have lived. Measured: in two of seven runs it did so with what names lines, which
 * kept those: four times as much to copy and three times as many full collections in the thread that reads.
 */
const YOUNG_FIRST = "--no-allocation-site-pretenuring";

function startReadingThread(codeCache: string | undefined): Thread {
  for (const flag of [SLOW_GROWTH, YOUNG_FIRST]) setFlagsFromString(flag);
  return startThread({ codeCache, file: "./reading-thread.cjs", data: undefined }, READING_THREAD_LIMITS);
}

function startCheckpointThread(codeCache: string | undefined): Thread {
  return startThread({ codeCache, file: "./checkpoint-thread.cjs", data: undefined }, CHECKPOINT_THREAD_LIMITS);
}

function startPager(
  program: string,
  args: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): ChildProcess {
  const env = { ...process.env, ...variables };
  const pager = spawn(program, args, { stdio: ["pipe", "inherit", "inherit"], env });
  // NOTE: SIGTERM lets it give the terminal back as it was. A reader that has gone is the pager itself, which may still be looked at.
  const end = (): void => {
    if (!isReaderGone(signal)) pager.kill("SIGTERM");
  };
  signal.addEventListener("abort", end, { once: true });
  pager.once("close", () => signal.removeEventListener("abort", end));
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
