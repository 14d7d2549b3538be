/**
 * Starts a command where it can be ended at any moment.
 *
 * SQLite and regular expressions work without ever giving their thread back, and nothing in Node.js interrupts them: no timer, no
 * handler of signals, and a worker thread that is told to end is waited for. A command therefore runs in a thread of its own, while
 * this one hears signals. A signal aborts the command, which then has {@link GRACE_MS} to end in order; after that the process becomes
 * another program that exits with 130, which ends all threads whatever they do. To the database that is a kill, which loses nothing.
 *
 * A thread costs as much as the start of Node.js itself, so the few commands that end at once run in this one; see quick.ts.
 */
import { writeSync } from "node:fs";
import { createRequire, enableCompileCache } from "node:module";
import { isatty } from "node:tty";
import { setFlagsFromString } from "node:v8";
import { EXIT_BUG, EXIT_STATUS } from "../errors.ts";
import { codeCacheDirectory } from "./code-cache.ts";
import { briefBundleFor, bundleFor, type CommandBundle } from "./quick.ts";
import type { FromThread, ThreadStart } from "./threads/command-thread.ts";
import { startThread } from "./threads/start-thread.ts";

/** Signals that end a command; a terminal that hangs up sends the third. Node.js undoes that a parent had any of them ignored, as nohup does. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Ended is to be within a second of the signal. */
const GRACE_MS = 700;

/** Runs a command, `argv` without node and script; returns the exit status of the process. */
export async function start(argv: readonly string[]): Promise<number> {
  // NOTE: before the driver is loaded, which asks once; the store opens some files by URIs.
  process.env["SQLITE_USE_URI"] = "1";
  const codeCache = codeCacheDirectory(process.env, process.geteuid?.());
  if (codeCache !== undefined) enableCompileCache(codeCache);
  const name = briefBundleFor(argv);
  return (name === undefined ? undefined : await runHere(name, argv)) ?? runInThread(argv, codeCache);
}

/** Returns undefined when the command cannot end at once, and has printed nothing. */
async function runHere(name: CommandBundle, argv: readonly string[]): Promise<number | undefined> {
  const { runBriefly } = loadBundle(name);
  const controller = new AbortController();
  const ending = new Ending(() => controller.abort());
  try {
    const status = await runBriefly(argv, controller);
    return ending.isAsked ? endAtOnce(status ?? EXIT_STATUS.interrupted, []) : status;
  } finally {
    ending.forget();
  }
}

function loadBundle(name: CommandBundle): typeof import("./run-command.ts") {
  return createRequire(import.meta.url)(fileOf(name)) as typeof import("./run-command.ts");
}

function fileOf(name: CommandBundle): string {
  return `./run-${name}.cjs`;
}

/** Measured with an ingest of 250,000 lines: the usual 48 MiB take 100 MiB more memory and are no faster. */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 12 };

/** Commands with two threads that leave no processor idle. */
const TWO_THREADED: readonly (string | undefined)[] = ["ingest", "rebuild"];
/**
 * V8 compiles in the thread that needs it, and not in others beside it. Measured with ingests of 1,000 to 300,000 lines: 4 to 10 % less
 * processor time, and 5 to 25 MiB less memory.
 */
const COMPILE_HERE = "--no-concurrent-recompilation";

/** Commands that walk through many small rows, of which few bytes are kept. */
const MANY_ROWS: readonly (string | undefined)[] = ["queue"];
/**
 * MiB of garbage and all else, above which V8 looks for garbage for the first time. Measured with a queue of 100,000 messages: 15 MiB less
 * memory, and the same processor time.
 */
const SMALL_HEAP = ["--initial-heap-size=30", "--optimize-for-size"];

function runInThread(argv: readonly string[], codeCache: string | undefined): Promise<number> {
  // NOTE: a thread looks at them when it begins.
  if (MANY_ROWS.includes(argv[0])) for (const flag of SMALL_HEAP) setFlagsFromString(flag);
  if (TWO_THREADED.includes(argv[0]) || MANY_ROWS.includes(argv[0])) setFlagsFromString(COMPILE_HERE);
  const stopFlag = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const data: ThreadStart = { argv, stopFlag, codeCache };
  const bundle = bundleFor(argv);
  const file = bundle === undefined ? undefined : fileOf(bundle);
  const thread = startThread({ codeCache, file, data }, THREAD_LIMITS);
  const ending = new Ending(() => {
    Atomics.store(stopFlag, 0, 1);
    Atomics.notify(stopFlag, 0);
    thread.postMessage("stop");
  });
  let status: number | undefined;
  thread.on("message", (message: FromThread) => {
    if (message.kind === "child") ending.children.add(message.processId);
    else if (message.kind === "childEnded") ending.children.delete(message.processId);
    else status = message.status;
    // NOTE: a read of a pipe or a terminal that is under way would be waited for.
    if (status !== undefined && ending.isAsked) endAtOnce(status, ending.children);
  });
  thread.on("error", (error) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    status = EXIT_BUG;
  });
  return new Promise((resolve) => {
    thread.on("exit", (threadStatus) => {
      ending.forget();
      // NOTE: a thread ends when it has nothing more to wait for, also in the middle of a command.
      resolve(status ?? (threadStatus === 0 ? loadBundle("words").reportUnfinished(argv) : threadStatus));
    });
  });
}

/** Ends a command after a signal: tells it first, then ends it by force. */
class Ending {
  /** Processes that the command has started and that have not ended. */
  readonly children = new Set<number>();
  readonly #tell: () => void;
  readonly #onSignal = (): void => this.#begin();
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: () => void) {
    this.#tell = tell;
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  get isAsked(): boolean {
    return this.#timer !== undefined;
  }

  /** Leaves signals to the process again. */
  forget(): void {
    clearTimeout(this.#timer);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  #begin(): void {
    if (this.isAsked) return;
    this.#timer = setTimeout(() => endAtOnce(EXIT_STATUS.interrupted, this.children), GRACE_MS);
    this.#tell();
  }
}

/** A spinner hides the cursor, and stands on a line of its own. */
const REMOVE_SPINNER = "\r\u001b[0K\u001b[?25h";

/** Ends the process with `status`, whatever its threads are doing, and its children. */
function endAtOnce(status: number, children: Iterable<number>): never {
  for (const processId of children) endChild(processId);
  if (isatty(2)) writeSync(2, REMOVE_SPINNER);
  // NOTE: process.exit() waits for threads, also for one that reads a pipe or is within SQLite.
  process.execve?.("/bin/sh", ["sh", "-c", `exit ${status}`], {});
  process.kill(process.pid, "SIGKILL");
  throw new Error("The process goes on though it was killed.");
}

function endChild(processId: number): void {
  try {
    process.kill(processId, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
