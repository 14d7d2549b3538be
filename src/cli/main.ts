/** The whole program as a function: arguments and streams in, exit status out. The only place that catches everything. */
import { statSync } from "node:fs";
import { CommanderError } from "commander";
import { type ErrorCode, EXIT_BUG, EXIT_STATUS, PilotError } from "../errors.ts";
import { renderJson, renderJsonLine } from "../render/form/json.ts";
import { toVisible } from "../render/form/terminal-text.ts";
import {
  describeSystemError,
  isSystemError,
  type SystemError,
  translateSystemError,
} from "../store/files/system-errors.ts";
import { flagsOf, readArgv } from "./declare/argv.ts";
import type { SetStatus } from "./declare/command.ts";
import { buildProgram } from "./declare/program.ts";
import { type Io, isOutputFailed, isReaderGone } from "./io.ts";
import { readVersion } from "./package-root.ts";
import { NotBrief } from "./quick.ts";
import { inLocale } from "./terminal/locale-output.ts";
import { withWrappedErrors } from "./terminal/print-lines.ts";
import { asksToRedact, withRedaction } from "./terminal/redacted-errors.ts";
import { reportError } from "./terminal/report-error.ts";
import { toUsageError } from "./terminal/usage-error.ts";
import { endDiagnostics } from "./terminal/verbose.ts";

/** `argv` without node and script. A command that a signal cut short exits with 130, whatever it had come to. Errors: {@link NotBrief}. */
export async function main(argv: readonly string[], outside: Io): Promise<number> {
  // NOTE: wrapped last, since a name that two lines share would not be found by the redaction.
  const io = await withRedaction(inLocale(withWrappedErrors(outside), argv), argv);
  let status: number | undefined;
  try {
    status = await run(argv, io);
    const failure = await io.finishOutput?.();
    if (failure === undefined || status === EXIT_BUG) return status;
    reportError(outputFailure(failure), io);
    status = EXIT_STATUS.io;
    return status;
  } finally {
    endDiagnostics(status);
  }
}

/** Tells of an error that was thrown where nobody could catch it; returns the exit status. */
export async function reportCrash(error: unknown, argv: readonly string[], io: Io): Promise<number> {
  return conclude(error, argv, await withRedaction(io, argv));
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  const outcome = { status: 0, endsBySignal: false };
  try {
    const setStatus: SetStatus = (status, { endsBySignal = false } = {}) => {
      outcome.status = status;
      outcome.endsBySignal = endsBySignal;
    };
    const words = readArgv(argv, isFile);
    const program = buildProgram(io, setStatus, words[0]);
    await program.parseAsync([...words], { from: "user" });
    const isAsked = io.signal.aborted && !isReaderGone(io.signal) && !isOutputFailed(io.signal);
    const isCut = isAsked && !outcome.endsBySignal;
    return isCut && outcome.status <= EXIT_STATUS.check_failed ? EXIT_STATUS.interrupted : outcome.status;
  } catch (error) {
    if (error instanceof NotBrief) throw error;
    return conclude(error, argv, io);
  }
}

async function conclude(error: unknown, argv: readonly string[], io: Io): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  // The help, where a command is missing.
  if (error instanceof CommanderError && error.code === "commander.help") return EXIT_STATUS.usage;
  const failure = await toFailure(error, argv);
  if (!(failure instanceof PilotError)) {
    reportBug(failure, argv, io);
    printFailure({ code: "bug", message: "This is a bug in exim-pilot.", hint: null }, argv, io);
    return EXIT_BUG;
  }
  // NOTE: an output that fails stops the command; main tells why.
  const isOutputsFault = failure.code === "interrupted" && (isOutputFailed(io.signal) || isReaderGone(io.signal));
  if (!isOutputsFault) {
    io.redaction?.hideServers(failure.servers);
    reportError(failure, io);
    const { code, message, hint = null } = failure;
    printFailure({ code, message, hint, ...failure.details }, argv, io);
  }
  return isOutputsFault && isReaderGone(io.signal) ? 0 : EXIT_STATUS[failure.code];
}

/** The one place where what the system, SQLite or its driver threw, and nobody knew better, becomes what a user can act on. */
async function toFailure(error: unknown, argv: readonly string[]): Promise<unknown> {
  // NOTE: nothing is loaded for these: there may be no file descriptor left to load it with.
  if (error instanceof PilotError) return error;
  if (error instanceof CommanderError) return toUsageError(error.message, commandOf(argv), asksToRedact(argv));
  if (isSystemError(error)) return translateSystemError(error);
  const { translateError } = await import("../store/database/sqlite-errors.ts");
  return translateError(error);
}

function isFile(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false }) !== undefined;
}

/** The command whose help is asked for when the arguments are wrong. */
function commandOf(argv: readonly string[]): string | undefined {
  try {
    const [command] = readArgv(argv, isFile);
    return command?.startsWith("-") === true ? undefined : command;
  } catch {
    // NOTE: a word that is no command is told by itself.
    return undefined;
  }
}

interface PrintedFailure {
  readonly code: ErrorCode | "bug";
  readonly message: string;
  readonly hint: string | null;
  /** Keys of an empty answer, which stand beside the error. */
  readonly [detail: string]: unknown;
}

/** A program that asked for JSON gets the failure as JSON too; of lines, the last one. */
function printFailure(failure: PrintedFailure, argv: readonly string[], io: Io): void {
  const { redaction } = io;
  const sentence = (text: string): string => redaction?.sentence(text) ?? text;
  const { message, hint } = failure;
  const error = { ...failure, message: sentence(message), hint: hint === null ? null : sentence(hint) };
  const flags = flagsOf(argv);
  if (flags.includes("--ndjson")) io.stdout.write(renderJsonLine({ error }));
  else if (flags.includes("--json")) io.stdout.write(renderJson("error", { error }));
}

function outputFailure(error: SystemError): PilotError {
  return new PilotError("io", `Standard output cannot be written: ${describeSystemError(error)}.`, {
    hint: "The answer is incomplete: run the command again when there is room, or print it elsewhere.",
    cause: error,
  });
}

function reportBug(error: unknown, argv: readonly string[], io: Io): void {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  io.stderr.write(
    `This is a bug in exim-pilot ${readVersion()}. \`exim-pilot verify\` checks whether the database is sound.\n`,
  );
  io.stderr.write(`Please report it with these lines and the log line concerned, addresses replaced:\n`);
  io.stderr.write(`  command: ${toVisible(argv[0] ?? "")}, node ${process.versions.node}\n${toVisible(stack)}\n`);
}
