/** Decompression by a program of the system, without a shell: the archive goes to its standard input, never a name to its arguments. */
import { type ChildProcess, spawn } from "node:child_process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ArchiveFailure } from "./archive-failure.ts";
import type { Decompressor } from "./codec.ts";

export interface DecompressorOptions {
  /** Environment of the program: `PATH`, and its own settings. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the program. */
  readonly signal: AbortSignal;
}

/**
 * The text of an archive. Of one that is cut off or damaged all that the program gives comes before the failure. When this
 * generator ends, so has the program. Errors: {@link ArchiveFailure}, those of `compressed`.
 */
export async function* runDecompressor(
  decompressor: Decompressor,
  compressed: AsyncIterable<Buffer>,
  { env, signal }: DecompressorOptions,
): AsyncGenerator<Buffer> {
  // NOTE: Ctrl-C does not reach it in a group of its own. What it has given so far can thus be stored before it is ended.
  const child = spawn(decompressor.program, decompressor.args, {
    env: { ...env, LC_ALL: "C" },
    detached: true,
    stdio: "pipe",
  });
  const release = (): void => {
    child.kill("SIGKILL");
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  };
  if (signal.aborted) release();
  signal.addEventListener("abort", release, { once: true });
  const ended = endOf(child, decompressor);
  let inputFailure: unknown;
  // NOTE: a program that ends before its input does says itself why; that its input is closed then is no failure.
  const input = untilFailure(compressed, (error) => {
    if (!child.stdin.destroyed) inputFailure = error;
  });
  const fed = pipeline(Readable.from(input, { objectMode: false }), child.stdin).catch(() => undefined);
  try {
    // NOTE: the output of a program that could not be started is closed before it ends.
    yield* untilFailure(child.stdout, () => {});
    const failure = await ended;
    if (inputFailure !== undefined) throw inputFailure;
    if (failure !== undefined) throw failure;
    await fed;
  } finally {
    signal.removeEventListener("abort", release);
    release();
  }
}

/** The chunks before a failure; the program is given them all. */
async function* untilFailure(
  chunks: AsyncIterable<Buffer>,
  onFailure: (error: unknown) => void,
): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (error) {
    onFailure(error);
  }
}

/** More than a program says of one archive. */
const MOST_SAID = 4096;

/** Why the program failed; undefined when it did not. */
function endOf(child: ChildProcess, decompressor: Decompressor): Promise<Error | undefined> {
  const { program, debianPackage } = decompressor;
  let said = "";
  child.stderr?.setEncoding("latin1").on("data", (text: string) => {
    if (said.length < MOST_SAID) said += text;
  });
  return new Promise((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") resolve(error);
      else resolve(new ArchiveFailure("no_program", `${program} of the package ${debianPackage}`, error));
    });
    child.once("close", (status, signal) => {
      if (status === 0) resolve(undefined);
      else if (signal !== null) resolve(new Error(`${program} was ended by ${signal}`));
      else resolve(archiveFailure(said.trim(), decompressor));
    });
  });
}

/**
 * Before what a program says of its input stands what it calls it: `xz: (stdin): Unexpected end of input`,
 * `/*stdin*\ : Read error (39) : premature end`, `bzip2: Compressed file ends unexpectedly;`.
 */
const NAMES = /^(?:\w+: +)?(?:\(stdin\) *: +|\/\*stdin\*\\ *: +)?/;
const CUT_OFF = /unexpected end|ends unexpectedly|premature end/i;

function archiveFailure(said: string, { program, isChecked }: Decompressor): ArchiveFailure {
  const [first = ""] = said.split("\n");
  const reason = first.replace(NAMES, "").replace(/[;.:\s]+$/, "");
  const trouble = isChecked && CUT_OFF.test(reason) ? "cut_off" : "damaged";
  return new ArchiveFailure(trouble, reason === "" ? `${program} cannot read it` : reason);
}
