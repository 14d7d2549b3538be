/** Long answers on a terminal go through a pager, as those of git and systemd do. */
import type { ChildProcess } from "node:child_process";
import { Transform } from "node:stream";
import { PilotError } from "../../errors.ts";
import { abortReaderGone, type Io, type OutputStream } from "../io.ts";

export interface PagerFlags {
  /** False: `--no-pager`. */
  readonly pager: boolean;
}

/** Prints what fits the screen as it is, keeps colours, and leaves the answer visible when the pager ends. */
const LESS_OPTIONS = "FRX";
const DEFAULT_PAGER = "less";

/**
 * Log content is shown, which strangers wrote. Nothing runs a command for it (LESSOPEN hands it to filters). The pager itself
 * starts none either: the right to run this program by sudo is not meant to give a shell.
 */
const CAUTION = { LESSSECURE: "1", MORESECURE: "1", LESSOPEN: undefined, LESSCLOSE: undefined } as const;

/**
 * Runs `action` with an output that is shown by `$EXIM_PILOT_PAGER`, else `$PAGER`, else less: on a terminal, unless the pager is
 * `cat` or nothing. It starts with the first words of the answer; one that cannot be started is done without. The name is split at
 * blanks, and no shell sees it. Under sudo only less is started, the one that keeps {@link CAUTION}. Who leaves the pager early has
 * seen enough, which is no failure. Errors: `io` when the pager fails.
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
  let isShown: Promise<PagerEnd> | undefined;
  const output = new Transform({
    transform(piece, _encoding, done) {
      isShown ??= show(
        output,
        startPager(program, args, { LESS: io.env["LESS"] ?? LESS_OPTIONS, ...CAUTION }),
        io.stdout,
        left,
      );
      done(null, piece);
    },
  });
  const { columns } = io.stdout;
  const stdout = Object.assign(output, { isTTY: true, ...(columns !== undefined && { columns }) });
  const paged: Io = Object.create(io, {
    stdout: { value: stdout },
    signal: { value: AbortSignal.any([io.signal, left.signal]) },
  });
  let end: PagerEnd | undefined;
  let result: Result;
  try {
    result = await action(paged);
  } finally {
    output.end();
    end = await isShown;
  }
  if (end !== undefined && end.problem !== undefined && !io.signal.aborted) throw pagerFailed(program, end.problem);
  return result;
}

interface PagerEnd {
  /** `status 1`, `SIGKILL`; undefined when it ended well, or another way of showing was found. */
  readonly problem: string | undefined;
}

function pagerFailed(program: string, problem: string): PilotError {
  return new PilotError("io", `The pager "${program}" failed (${problem}), so the answer may not have been shown.`, {
    hint: "Name another one with EXIM_PILOT_PAGER, or print without one by --no-pager.",
  });
}

/** Until the pager has ended; what it does not take is not waited for. */
function show(
  output: Transform,
  pager: ChildProcess,
  terminal: OutputStream,
  left: AbortController,
): Promise<PagerEnd> {
  return new Promise((resolve) => {
    pager.once("error", () => {
      output.on("data", (piece: Buffer) => terminal.write(piece));
      output.once("end", () => resolve({ problem: undefined }));
    });
    pager.once("spawn", () => {
      pager.once("close", (status, signal) => {
        abortReaderGone(left);
        resolve({ problem: status === 0 ? undefined : (signal ?? `status ${status}`) });
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
  const isUnwanted = env["TERM"] === "dumb" || words.length === 0 || words[0] === "cat";
  if (isUnwanted) return [];
  return (env["SUDO_USER"] ?? "") === "" ? words : [DEFAULT_PAGER];
}
