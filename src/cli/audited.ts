/** Records in the audit log what a command changed or took out: who, from where, what, with what result. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { PilotError } from "../errors.ts";
import { findWriter } from "../people/actor.ts";
import { toVisibleLine } from "../render/form/terminal-text.ts";
import type { StoreSettings } from "../store/database/settings.ts";
import type { AuditRecord, AuditResult } from "../store/write/audit-writer.ts";
import type { SourceCatalogue } from "../store/write/source-catalogue.ts";
import type { Transactor } from "../store/write/transactor.ts";
import { type EpochMs, SECOND_MS } from "../units.ts";
import { accountOf } from "./account.ts";
import { type DatabaseFlags, usingWriter } from "./context.ts";
import type { Io } from "./io.ts";

/** Flags of every command that records what it does. */
export interface AuditFlags {
  readonly syslog?: boolean;
  /** Seconds; as the database's. */
  readonly wait: number;
}

export interface AuditedAction<Result> {
  /** `prune`. */
  readonly action: string;
  /** Arguments and flags; nothing secret is among them. */
  readonly parameters: object;
  /** Record of what was changed or taken out; undefined if nothing was, which is not recorded. */
  readonly affected: (result: Result) => object | undefined;
  /** Record the beginning too: a run that is killed must not go unseen. */
  readonly isDrastic?: boolean;
  /** Leave out a failure that changed nothing. */
  readonly ignoresFailure?: boolean;
  /** Takes content out: does not begin before that is recorded. */
  readonly takesOut?: boolean;
}

/**
 * Runs `action` and records it in the database it is about. Errors: those of `action`; `usage` when it is a backup; `busy`, `read_only`, `disk_full` and others of
 * the database when it takes content out and the beginning cannot be recorded: it is not run then.
 */
export async function audited<Result>(
  { action, parameters, affected, isDrastic = false, takesOut = false, ignoresFailure = false }: AuditedAction<Result>,
  settings: StoreSettings,
  flags: AuditFlags,
  io: Io,
  run: () => Promise<Result> | Result,
): Promise<Result> {
  const startedMs = io.now();
  let isFailureTold = false;
  const record = async (result: AuditResult, what: object, error?: string): Promise<void> => {
    const entry = { action, parameters: withoutDatabase(parameters), affected: what, result, error };
    const failure = await append(entry, startedMs, settings, flags, io);
    if (failure === undefined) return;
    // NOTE: an action that may not write this database may not do anything else either.
    if (result === "started" && failure.code === "usage") throw failure;
    if (result === "started" && takesOut) throw notRecorded(action, failure);
    if (result !== "failed" && !isFailureTold) tellFailure(failure, io);
    isFailureTold = true;
  };
  if (isDrastic || takesOut) await record("started", {});
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

/** A small change of the database, all of it in one transaction. */
export interface AuditedEdit<Change> extends Pick<AuditedAction<Change>, "action" | "parameters" | "affected"> {
  readonly edit: (transactor: Transactor, sources: SourceCatalogue) => Change;
  /** It changes users, and asks by itself who acts. */
  readonly isOfUsers?: true;
}

/**
 * Makes a small change of a database that is there, and its record in the same transaction: neither is there without the other. One that fails
 * has changed nothing, and is not recorded. Errors: those of `edit`; `read_only` for a user who may only read; `busy`, `read_only`, `disk_full` and others of the database.
 */
export async function auditedEdit<Change>(
  { action, parameters, affected, edit, isOfUsers }: AuditedEdit<Change>,
  flags: DatabaseFlags & AuditFlags,
  io: Io,
): Promise<Change> {
  const startedMs = io.now();
  const records: AuditRecord[] = [];
  const change = await usingWriter(
    flags,
    io,
    (writer, { program }) => {
      // NOTE: a change that is reported must be on the disk.
      writer.syncCommits();
      return writer.write((transactor) => {
        if (isOfUsers !== true) findWriter(transactor.people, accountOf(io));
        const change = edit(transactor, writer.sources);
        const what = affected(change);
        if (what === undefined) return change;
        const entry = { action, parameters: withoutDatabase(parameters), affected: what, result: "done" } as const;
        const record = recordOf({ ...entry, error: undefined }, startedMs, program, io);
        transactor.addAudit(record);
        records.push(record);
        return change;
      });
    },
    { create: false },
  );
  if (flags.syslog === true) for (const record of records) await writeToSyslog(record, io);
  return change;
}

function resultOf(error: unknown): AuditResult {
  return error instanceof PilotError && error.code === "interrupted" ? "interrupted" : "failed";
}

const RESTORE = "Every database of exim-pilot has one: run `exim-pilot verify`, or restore a backup.";

type AuditedStep = Pick<AuditRecord, "action" | "parameters" | "affected" | "result" | "error">;

/** With who does it, from where, and when. */
function recordOf(step: AuditedStep, startedMs: EpochMs, program: string, io: Io): AuditRecord {
  const at = io.now();
  return {
    ...step,
    at,
    durationMs: step.result === "started" ? undefined : at - startedMs,
    requestId: io.requestId,
    user: io.user,
    sudoUser: io.env["SUDO_USER"],
    sshClient: io.env["SSH_CONNECTION"],
    host: io.hostname,
    program,
  };
}

/** Returns why the record could not be made. */
async function append(
  step: AuditedStep,
  startedMs: EpochMs,
  { path, waitMs, program }: StoreSettings,
  flags: AuditFlags,
  io: Io,
): Promise<PilotError | undefined> {
  const record = recordOf(step, startedMs, program, io);
  if (flags.syslog === true) await writeToSyslog(record, io);
  const { appendAudit, hasAudit } = await import("../store/write/audit-writer.ts");
  const endMs = record.at + flags.wait * SECOND_MS;
  for (;;) {
    try {
      if (hasAudit(path, waitMs)) appendAudit(path, record, waitMs);
      else if (existsSync(path)) return new PilotError("corrupt", `"${path}" has no audit log.`, { hint: RESTORE });
      return undefined;
    } catch (error) {
      if (!(error instanceof PilotError)) throw error;
      const canWait = error.code === "busy" && io.isBrief === true && io.now() < endMs && !io.signal.aborted;
      if (!canWait) return error;
      // NOTE: the first thread hears signals between two short waits only.
      await pause(BETWEEN_WAITS_MS, undefined, { signal: io.signal }).catch(() => {});
    }
  }
}

const BETWEEN_WAITS_MS = 100;

/** Warns only: a missing record does not undo the work. */
function tellFailure({ message }: PilotError, io: Io): void {
  io.stderr.write(`note: this was not recorded in the audit log: ${toVisibleLine(message)}\n`);
}

function notRecorded(action: string, { code, message, hint = "" }: PilotError): PilotError {
  return new PilotError(code, `This ${action} cannot be recorded, so nothing is given out: ${message}`, { hint });
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

/** Leaves the database out: the record is stored in it. */
function withoutDatabase(parameters: object): object {
  const { db: _db, wait: _wait, ...rest } = parameters as Record<string, unknown>;
  return rest;
}
