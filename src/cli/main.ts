/** The whole program as a function: arguments and streams in, exit status out. The only place that catches everything. */
import { CommanderError } from "commander";
import { EXIT_BUG, EXIT_STATUS, PilotError } from "../errors.ts";
import { toVisible } from "../render/terminal-text.ts";
import { type Io, isReaderGone } from "./io.ts";
import { readVersion } from "./package-root.ts";
import { buildProgram, type SetStatus } from "./program.ts";
import { NotBrief } from "./quick.ts";
import { reportError } from "./report-error.ts";

/** `argv` without node and script. A command that a signal cut short exits with 130, whatever it had come to. Errors: {@link NotBrief}. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const outcome = { status: 0, endsBySignal: false };
  try {
    const setStatus: SetStatus = (status, { endsBySignal = false } = {}) => {
      outcome.status = status;
      outcome.endsBySignal = endsBySignal;
    };
    const program = buildProgram(io, setStatus, argv[0]);
    await program.parseAsync([...argv], { from: "user" });
    const isCut = io.signal.aborted && !isReaderGone(io.signal) && !outcome.endsBySignal;
    return isCut && outcome.status <= EXIT_STATUS.check_failed ? EXIT_STATUS.interrupted : outcome.status;
  } catch (error) {
    if (error instanceof NotBrief) throw error;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_STATUS.usage;
    if (error instanceof PilotError) {
      reportError(error, io);
      return EXIT_STATUS[error.code];
    }
    reportBug(error, argv, io);
    return EXIT_BUG;
  }
}

function reportBug(error: unknown, argv: readonly string[], io: Io): void {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  io.stderr.write(`This is a bug in exim-pilot ${readVersion()}; nothing that was stored is harmed.\n`);
  io.stderr.write(`Please report it with these lines and the log line it met, addresses replaced:\n`);
  io.stderr.write(`  command: ${toVisible(argv[0] ?? "")}, node ${process.versions.node}\n${toVisible(stack)}\n`);
}
