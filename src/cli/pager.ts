/** Long answers on a terminal go through a pager, as those of git and systemd do. */
import type { ChildProcess } from "node:child_process";
import { Transform } from "node:stream";
import { abortReaderGone, type Io, type OutputStream } from "./io.ts";

export interface PagerFlags {
  /** False: `--no-pager`. */
  readonly pager: boolean;
}

/** What fits the screen is printed as it is, colours are kept, and the answer stays when the pager ends. */
const LESS_OPTIONS = "FRX";
const DEFAULT_PAGER = "less";

/**
 * Runs `action` with an output that is shown by `$EXIM_PILOT_PAGER`, else `$PAGER`, else less: on a terminal, unless the pager is
 * `cat` or nothing. It starts with the first words of the answer; one that cannot be started is done without. The name is split at
 * blanks, and no shell sees it. Who leaves the pager early has seen enough, which is no failure.
 */
export async function withPager<Result>(
  flags: PagerFlags,
  io: Io,
  action: (io: Io) => Promise<Result>,
): Promise<Result> {
  const [program, ...args] = pagerOf(io);
  const { startPager } = io;
  if (!flags.pager || io.stdout.isTTY !== true || program === undefined || startPager === undefined) return action(io);
  const left = new AbortController();
  let isShown: Promise<void> | undefined;
  const output = new Transform({
    transform(piece, _encoding, done) {
      isShown ??= show(output, startPager(program, args, { LESS: io.env["LESS"] ?? LESS_OPTIONS }), io.stdout, left);
      done(null, piece);
    },
  });
  const { columns } = io.stdout;
  const stdout = Object.assign(output, { isTTY: true, ...(columns !== undefined && { columns }) });
  const paged: Io = Object.create(io, {
    stdout: { value: stdout },
    signal: { value: AbortSignal.any([io.signal, left.signal]) },
  });
  try {
    return await action(paged);
  } finally {
    output.end();
    await isShown;
  }
}

/** Until the pager has ended; what it does not take is not waited for. */
function show(output: Transform, pager: ChildProcess, terminal: OutputStream, left: AbortController): Promise<void> {
  return new Promise((resolve) => {
    pager.once("error", () => {
      output.on("data", (piece: Buffer) => terminal.write(piece));
      output.once("end", resolve);
    });
    pager.once("spawn", () => {
      pager.once("close", () => {
        abortReaderGone(left);
        resolve();
      });
      if (pager.stdin === null) return;
      pager.stdin.on("error", () => abortReaderGone(left));
      output.pipe(pager.stdin);
    });
  });
}

function pagerOf({ env }: Io): readonly string[] {
  const name = env["EXIM_PILOT_PAGER"] ?? env["PAGER"] ?? DEFAULT_PAGER;
  const words = name.split(/\s+/).filter((word) => word !== "");
  return env["TERM"] === "dumb" || words[0] === "cat" ? [] : words;
}
