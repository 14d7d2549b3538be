/** The program in this process: `main(argv, io)` in a world that stands still. */
import { Readable } from "node:stream";
import { expect } from "vitest";
import type { Io, OutputStream } from "../../src/cli/io.ts";
import { main } from "../../src/cli/main.ts";
import { Screen, type ScreenOptions, stillIo } from "./still-io.ts";

export interface CliResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options like {@link stillIo}; terminal and width are those of stdout and stderr. */
export interface CliOptions extends ScreenOptions, Partial<Omit<Io, "stdin" | "stdout" | "stderr">> {
  /** Content of "-": text as UTF-8, bytes as they are, or a stream of one's own. */
  readonly stdin?: string | Uint8Array | Readable;
  /** Takes what is printed there, which is then not in the result. */
  readonly stdout?: OutputStream;
}

/** Runs the program with `argv`, without node and script. */
export async function runCli(
  argv: readonly string[],
  { isTTY, columns, stdin = "", stdout, ...world }: CliOptions = {},
): Promise<CliResult> {
  const screen = { ...(isTTY !== undefined && { isTTY }), ...(columns !== undefined && { columns }) };
  const [printed, told] = [new Screen(screen), new Screen(screen)];
  const io = stillIo({ ...world, stdin: toStream(stdin), stdout: stdout ?? printed, stderr: told });
  const status = await main(argv, io);
  return { status, stdout: printed.text, stderr: told.text };
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
