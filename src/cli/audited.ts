/** Records in the audit log what a command changed or took out: who, from where, what, with what result. */
import { spawn } from "node:child_process";
import { PilotError } from "../errors.ts";
import { toVisibleLine } from "../render/terminal-text.ts";
import type { AuditRecord, AuditResult } from "../store/audit-writer.ts";
import type { StoreSettings } from "../store/store.ts";
import type { EpochMs } from "../units.ts";
import type { Io } from "./io.ts";

/** Flags of every command that records what it does. */
export interface AuditFlags {
  readonly syslog?: boolean;
}

export interface AuditedAction<Result> {
  /** `prune`. */
  readonly action: string;
  /** Arguments and flags; nothing secret is among them. */
  readonly parameters: object;
  /** What was changed or taken out; undefined: nothing, which is not recorded. */
  readonly affected: (result: Result) => object | undefined;
  /** Record the beginning too: a run that is killed must not go unseen. */
  readonly isDrastic?: boolean;
  /** A failure that changed nothing is not recorded. */
  readonly ignoresFailure?: boolean;
}

/** Runs `action` and records it in the database it is about. Errors: those of `action`. */
export async function audited<Result>(
  { action, parameters, affected, isDrastic = false, ignoresFailure = false }: AuditedAction<Result>,
  settings: StoreSettings,
  flags: AuditFlags,
  io: Io,
  run: () => Promise<Result> | Result,
): Promise<Result> {
  const startedMs = io.now();
  const record = (result: AuditResult, what: object, error?: string): Promise<void> =>
    append(
      { action, parameters: withoutDatabase(parameters), affected: what, result, error },
      startedMs,
      settings,
      flags,
      io,
    );
  if (isDrastic) await record("started", {});
  let result: Result;
  try {
    result = await run();
  } catch (error) {
    if (!ignoresFailure) await record(resultOf(error), {}, error instanceof Error ? error.message : String(error));
    throw error;
  }
  const what = affected(result);
  if (what !== undefined) await record("done", what);
  return result;
}

function resultOf(error: unknown): AuditResult {
  return error instanceof PilotError && error.code === "interrupted" ? "interrupted" : "failed";
}

/** A record that cannot be made is told, and does not undo what was done. */
async function append(
  what: Pick<AuditRecord, "action" | "parameters" | "affected" | "result" | "error">,
  startedMs: EpochMs,
  { path, waitMs, program }: StoreSettings,
  flags: AuditFlags,
  io: Io,
): Promise<void> {
  const at = io.now();
  const record: AuditRecord = {
    ...what,
    at,
    durationMs: what.result === "started" ? undefined : at - startedMs,
    requestId: io.requestId,
    user: io.user,
    sudoUser: io.env["SUDO_USER"],
    sshClient: io.env["SSH_CONNECTION"],
    host: io.hostname,
    program,
  };
  if (flags.syslog === true) await writeToSyslog(record, io);
  const { appendAudit, hasAudit } = await import("../store/audit-writer.ts");
  try {
    if (hasAudit(path, waitMs)) appendAudit(path, record, waitMs);
  } catch (error) {
    if (what.result === "failed") return;
    const reason = error instanceof Error ? error.message : String(error);
    io.stderr.write(`note: this was not recorded in the audit log: ${toVisibleLine(reason)}\n`);
  }
}

/** Through logger(1), which every system with a log has; nothing of the record is an argument. */
async function writeToSyslog(record: AuditRecord, { env, signal, stderr }: Io): Promise<void> {
  const logger = spawn("logger", ["-t", "exim-pilot", "-p", "authpriv.notice"], {
    env,
    stdio: ["pipe", "ignore", "ignore"],
    signal,
    killSignal: "SIGKILL",
  });
  // NOTE: one that ends before it has read says so by its status.
  logger.stdin.on("error", () => {});
  logger.stdin.end(`${JSON.stringify(record)}\n`);
  const failure = await new Promise<string | undefined>((resolve) => {
    logger.once("error", ({ message }) => resolve(message));
    logger.once("close", (status, killedBy) => {
      resolve(status === 0 ? undefined : `logger ended with ${status ?? killedBy}`);
    });
  });
  if (failure !== undefined) stderr.write(`note: this was not recorded in the system log: ${failure}\n`);
}

/** Which database it was is where the record is. */
function withoutDatabase(parameters: object): object {
  const { db: _db, wait: _wait, ...rest } = parameters as Record<string, unknown>;
  return rest;
}
