/** The whole program as a function: arguments and streams in, exit status out. The only place that catches everything. */
import { CommanderError } from "commander";
import { EXIT_BUG, EXIT_STATUS, PilotError } from "../errors.ts";
import { toVisible } from "../render/terminal-text.ts";
import type { Io } from "./io.ts";
import { readVersion } from "./package-root.ts";
import { buildProgram } from "./program.ts";
import { reportError } from "./report-error.ts";

/** `argv` without node and script. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const outcome = { status: 0 };
  try {
    const setStatus = (status: number): void => {
      outcome.status = status;
    };
    const program = buildProgram(io, setStatus, argv[0]);
    await program.parseAsync([...argv], { from: "user" });
    return outcome.status;
  } catch (error) {
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
