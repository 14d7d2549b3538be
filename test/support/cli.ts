/** The program in this process: `main(argv, io)` with streams that are kept and a world that stands still. */
import { Readable, Writable } from "node:stream";
import { expect } from "vitest";
import type { Io } from "../../src/cli/io.ts";
import { main } from "../../src/cli/main.ts";
import type { EpochMs } from "../../src/units.ts";
import { NOW } from "./database.ts";

export interface CliResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  /** What "-" reads: text as UTF-8, bytes as they are, or a stream of one's own. */
  readonly stdin?: string | Uint8Array | Readable;
  /** Whether stdout and stderr are a terminal. */
  readonly isTTY?: boolean;
  /** Width of the terminal. */
  readonly columns?: number;
  /** The whole environment; empty unless given. */
  readonly env?: Readonly<Record<string, string>>;
  readonly now?: () => EpochMs;
  readonly hostname?: string;
  readonly configFile?: string;
  readonly user?: string;
  readonly timeZone?: string;
  readonly signal?: AbortSignal;
}

/** Runs the program with `argv`, without node and script. */
export async function runCli(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const stdout = new Screen(options);
  const stderr = new Screen(options);
  const io: Io = {
    stdin: toStream(options.stdin ?? ""),
    stdout,
    stderr,
    env: options.env ?? {},
    now: options.now ?? (() => NOW),
    hostname: options.hostname ?? "mx1",
    user: options.user ?? "root",
    requestId: "00000000-0000-4000-8000-000000000001",
    configFile: options.configFile ?? "/nowhere/exim-pilot.toml",
    timeZone: options.timeZone ?? "UTC",
    signal: options.signal ?? new AbortController().signal,
  };
  const status = await main(argv, io);
  return { status, stdout: stdout.text, stderr: stderr.text };
}

/** Expects what a user can act on: the status, one sentence and one hint on stderr, and no trace of a bug. */
export function expectFailure(
  { status, stderr }: CliResult,
  expected: { status: number; says: string | RegExp },
): void {
  expect({ status, stderr }).toEqual({ status: expected.status, stderr: expect.stringMatching(SENTENCE_AND_HINT) });
  expect(stderr).toMatch(expected.says);
}

/** `error: There is no file "x".`, and below `hint: Check the name.` */
const SENTENCE_AND_HINT = /^error: \S[^\n]+\.\nhint: \S[^\n]+[.?]\n$/;

function toStream(stdin: string | Uint8Array | Readable): Readable {
  return stdin instanceof Readable ? stdin : Readable.from([Buffer.from(stdin)]);
}

/** Keeps what is written. Can be moved about on like a terminal, which leaves no trace. */
class Screen extends Writable {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly #chunks: Buffer[] = [];

  constructor({ isTTY, columns }: CliOptions) {
    super();
    this.isTTY = isTTY === true;
    this.columns = columns ?? 80;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  clearLine(): boolean {
    return true;
  }

  cursorTo(): boolean {
    return true;
  }

  moveCursor(): boolean {
    return true;
  }
}
