/** The main job: logs in, one after the other; a log that cannot be read does not stop the others. */
import { statSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout as pause, setImmediate } from "node:timers/promises";
import { traced } from "../diagnostics.ts";
import { type ErrorCode, PilotError } from "../errors.ts";
import { PARSER_VERSION } from "../parse/parser-version.ts";
import type { SourceType } from "../store/schema/codes.ts";
import { Checkpoints } from "../store/write/checkpoints.ts";
import type { RunFigures } from "../store/write/rows.ts";
import type { ServerRow } from "../store/write/source-catalogue.ts";
import type { Writer } from "../store/write/writer.ts";
import type { Thread } from "../threads.ts";
import { type EpochMs, KIB, SECOND_MS } from "../units.ts";
import { type ReadingThread, readBlocks } from "./batch/batch-thread.ts";
import {
  BULK_LOAD,
  LARGE_LOG,
  type LogFigures,
  NOTHING,
  type ReaderOptions,
  SMALL_LOAD,
  storeLog,
} from "./save/log-writer.ts";
import { MessageCache } from "./save/message-cache.ts";
import { findLogs, noLogAmong } from "./source/find-logs.ts";
import { Follower } from "./source/follow.ts";
import { hasWholeLine, recognise } from "./source/identify-log.ts";
import { endsBefore } from "./source/log-age.ts";
import { guessLogType, isForeign, isSurelyLog, refusalOf } from "./source/log-type.ts";
import type { OpenSource, SourceOptions } from "./source/open-source.ts";
import { openSource, STDIN_PATH } from "./source/source.ts";

export interface IngestOptions {
  /** Name of the server that wrote the logs. */
  readonly server: string;
  /** IANA name; undefined: the one stored with the server, else `defaultTimeZone`. */
  readonly timeZone: string | undefined;
  readonly defaultTimeZone: string;
  /** Undefined: told from content and name. */
  readonly logType: SourceType | undefined;
  /** Files that end before it are left out; undefined: none. The time zone is the one of the server's stamps. */
  readonly since?: ((timeZone: string) => EpochMs) | undefined;
  /** Goes on with what is added to the logs, under whatever names they are rotated to, until `signal` aborts. */
  readonly isFollowing?: boolean;
  readonly batchLines: number;
  /** Opens the database that has replaced the one at its path; undefined: goes on with the old file. */
  readonly reopen?: (() => Writer) | undefined;
  /** Version of this program, for the record. */
  readonly program: string;
  readonly now: () => EpochMs;
  /** Environment of the programs that decompress. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
  /** For logs with much to read; undefined: all is done in this thread. The caller closes it. */
  readonly readingThread?: ReadingThread | undefined;
  /** For logs with much to read, too; undefined: this thread waits for the disk. */
  readonly startCheckpointThread?: (() => Thread) | undefined;
  readonly onProgress?: (progress: IngestProgress) => void;
  /**
   * Makes it a brief run, of a database that is there: one transaction. It throws, and is called when the run would take longer, or
   * fails; nothing is stored then.
   */
  readonly leaveBrief?: (() => never) | undefined;
}

export interface IngestProgress {
  readonly path: string;
  /** Number of the log among all of them, from 1. */
  readonly index: number;
  readonly count: number;
  /** Bytes of this log. */
  readonly bytesRead: number;
  readonly sizeBytes: number | undefined;
  /** Lines of the whole run. */
  readonly lines: number;
}

/**
 * - `read`: new lines were stored. `unchanged`: everything of it was stored already. `empty`: it has no bytes.
 * - `interrupted`: the run was told to stop; the next one goes on. `failed`: see the error; what was read before it is stored.
 * - `foreign`: found in a directory or by a pattern, and no log of Exim. `older`: it ends before {@link IngestOptions.since}. Neither
 *   is read.
 */
export type LogResult = "read" | "unchanged" | "empty" | "interrupted" | "failed" | "foreign" | "older";

export interface LogReport extends LogFigures {
  readonly path: string;
  readonly logType: SourceType | undefined;
  readonly result: LogResult;
  readonly error: PilotError | undefined;
}

export interface IngestReport {
  readonly server: string;
  readonly timeZone: string;
  readonly logs: readonly LogReport[];
  readonly totals: LogFigures;
  readonly isInterrupted: boolean;
}

/** Standard input, which a stream that is made may begin to read: it is asked for when a log is called `-`. */
export interface StandardInput {
  readonly stdin: Readable;
}

/**
 * Ingests logs of one server: files, directories, patterns, standard input. What is wrong with one log is in its report; what is
 * wrong with the database is thrown: `busy`, `disk_full`, `io`, `read_only`, `corrupt`, and `usage` when the server is known with
 * another time zone. Of a brief run all of that is for {@link IngestOptions.leaveBrief}.
 */
export async function ingest(
  names: readonly string[],
  input: StandardInput,
  writer: Writer,
  options: IngestOptions,
): Promise<IngestReport> {
  if (options.leaveBrief !== undefined) return ingestBriefly(names, input, writer, options, options.leaveBrief);
  const run = new Run(names, input, writer, options);
  try {
    try {
      if (options.isFollowing === true) await run.follow();
      else await run.readAll();
      await run.addUp();
    } catch (error) {
      run.tryToEnd(error);
      throw error;
    }
    return run.end();
  } finally {
    await run.close();
  }
}

async function ingestBriefly(
  names: readonly string[],
  input: StandardInput,
  writer: Writer,
  options: IngestOptions,
  leave: () => never,
): Promise<IngestReport> {
  try {
    writer.hold();
    const run = new Run(names, input, writer, options);
    await run.readAll();
    await run.addUp();
    const report = run.end();
    writer.release();
    return report;
  } catch (error) {
    writer.takeBack();
    if (error instanceof PilotError) leave();
    throw error;
  }
}

/** Rows of the database that a run refers to. */
interface Ground {
  readonly server: ServerRow;
  readonly runId: number;
}

/** Begins a run in a database. Errors: `usage` when the server is known with another time zone. */
function beginRun(writer: Writer, options: IngestOptions): Ground {
  const { program, now } = options;
  return writer.write((transactor) => {
    const known = writer.sources.findServer(options.server);
    transactor.noteParser(PARSER_VERSION, now());
    assertTimeZone(known, options.timeZone);
    return {
      server: known ?? transactor.addServer(options.server, options.timeZone ?? options.defaultTimeZone, now()),
      runId: transactor.startRun(program, now()),
    };
  });
}

/** For so many lines one chunk is added up; there are fewer chunks than that. */
const LINES_ADDED_UP = 8192;

/** A brief run reads no more bytes than that, some 2,500 lines: in a few tenths of a second, with a turn of the event loop after each batch. */
const BRIEF_BYTES = 512 * KIB;

/** A log among those that are read. */
interface GivenLog {
  readonly path: string;
  /** False when it was found in a directory or by a pattern. */
  readonly isNamed: boolean;
  readonly index: number;
  /** Undefined: what is at the path. */
  readonly openRotated?: (() => OpenSource) | undefined;
}

class Run {
  readonly #names: readonly string[];
  readonly #since: EpochMs | undefined;
  readonly #input: StandardInput;
  readonly #options: IngestOptions;
  /** Another one after the database was replaced; so are the three below. */
  #writer: Writer;
  #server: ServerRow;
  #runId: number;
  #messages: MessageCache;
  readonly #logs: LogReport[] = [];
  #checkpoints: Checkpoints | undefined;
  /** Logs to be read at once, for progress. */
  #count = 0;
  /** The writer is not the one that was given. */
  #isReopened = false;
  /** For so many of the lines read statistics have been added up. */
  #linesAddedUp = 0;
  /** Bytes that a brief run may still read. */
  #briefBytes = BRIEF_BYTES;

  constructor(names: readonly string[], input: StandardInput, writer: Writer, options: IngestOptions) {
    const { server, runId } = beginRun(writer, options);
    this.#names = names;
    this.#since = options.since?.(server.timeZone);
    this.#input = input;
    this.#writer = writer;
    this.#server = server;
    this.#runId = runId;
    this.#options = options;
    this.#messages = new MessageCache(server.id);
    this.#checkpoints = this.#newCheckpoints();
  }

  get report(): IngestReport {
    const logs = this.#logs.map((log) => ({ ...log, ...atLeastNothing(log) }));
    return {
      server: this.#server.name,
      timeZone: this.#server.timeZone,
      logs,
      totals: sum(logs),
      isInterrupted: this.#isAborted && this.#options.isFollowing !== true,
    };
  }

  get #isReplaced(): boolean {
    return this.#options.reopen !== undefined && this.#writer.isReplaced();
  }

  get #isAborted(): boolean {
    return this.#options.signal?.aborted === true;
  }

  async readAll(): Promise<void> {
    const all = await Promise.all(this.#names.map(findLogs));
    this.#count = all.reduce((count, { paths }) => count + paths.length, 0);
    let index = 0;
    for (const found of all) {
      if (found.error !== undefined) this.#logs.push(failed(found.argument, found.error));
      const before = this.#logs.length;
      for (const path of found.paths) {
        if (this.#isAborted) return;
        this.#logs.push(await this.#readOne({ path, isNamed: found.isNamed, index }));
        index++;
      }
      const reports = this.#logs.slice(before);
      if (reports.length > 0 && reports.every(({ result }) => result === "foreign"))
        this.#logs.push(
          failed(
            found.argument,
            noLogAmong(
              found,
              "Name a file to have it read all the same, with --log-type main, reject, panic or syslog.",
            ),
          ),
        );
    }
  }

  /** Reads all, and then what is added, until it is told to stop. */
  async follow(): Promise<void> {
    const follower = new Follower(this.#names);
    try {
      // Each look may be the last before a power cut.
      this.#writer.syncCommits();
      await follower.look();
      await this.readAll();
      while (!this.#isAborted) {
        this.#writer.write((transactor) => {
          transactor.indexAll();
        });
        await this.addUp();
        const changed = await follower.untilChanged(this.#options.signal, () => this.#isReplaced);
        if (this.#isReplaced) {
          await this.#reopen();
          // Everything is read again, as the new database may lack some of it.
          follower.forgetSeen();
          continue;
        }
        this.#count = changed.length;
        for (const [index, log] of changed.entries()) this.#update(await this.#readOne({ ...log, index }));
      }
    } finally {
      follower.close();
    }
  }

  /** Adds up for statistics, no more than fits what was read: what is little is stored at once. */
  addUp(): Promise<void> {
    return traced("add up for statistics", () => this.#addUp());
  }

  #newCheckpoints(): Checkpoints | undefined {
    const { startCheckpointThread } = this.#options;
    return startCheckpointThread && new Checkpoints(this.#writer, startCheckpointThread);
  }

  async #addUp(): Promise<void> {
    const { lines } = sum(this.#logs);
    for (; this.#linesAddedUp <= lines && !this.#isAborted; this.#linesAddedUp += LINES_ADDED_UP) {
      if (!this.#writer.write((transactor) => transactor.rollUp())) break;
      // Without a turn of the event loop no signal comes through.
      await setImmediate();
    }
    this.#linesAddedUp = lines;
  }

  /**
   * Goes on in the database that stands at the path now. One that is still being copied there is waited for. Errors: those of
   * opening it.
   */
  async #reopen(): Promise<void> {
    const { reopen, signal } = this.#options;
    if (reopen === undefined) throw new Error("Nothing opens the database again.");
    this.tryToEnd(undefined);
    const { waitMs } = this.#writer;
    await this.#checkpoints?.close();
    this.#writer.abandon();
    for (let waitedMs = 0; ; waitedMs += REOPEN_PAUSE_MS) {
      try {
        this.#writer = reopen();
        break;
      } catch (error) {
        const canPass = error instanceof PilotError && UNFINISHED.has(error.code);
        if (!canPass || waitedMs >= waitMs || this.#isAborted) throw error;
        await pause(REOPEN_PAUSE_MS, undefined, { signal }).catch(() => {});
      }
    }
    this.#isReopened = true;
    const { server, runId } = beginRun(this.#writer, this.#options);
    this.#server = server;
    this.#runId = runId;
    this.#messages = new MessageCache(server.id);
    this.#checkpoints = this.#newCheckpoints();
    this.#writer.syncCommits();
  }

  /** Records the end of the run, and what it did, on the disk. */
  end(): IngestReport {
    const { report } = this;
    const firstError = report.logs.find(({ error }) => error !== undefined)?.error?.message;
    const result = report.isInterrupted ? "interrupted" : firstError === undefined ? "done" : "failed";
    this.#writer.syncCommits();
    this.#writer.write((transactor) => {
      transactor.indexAll();
      transactor.endRun(this.#runId, result, firstError, toRunFigures(report), this.#options.now());
      // A wrong name of a log, or of the server, would leave a server that nobody has.
      if (firstError !== undefined) transactor.removeUnusedServer(this.#server.id);
    });
    return report;
  }

  /**
   * Records that the run failed, or (without an error) that it leaves the database. Another error is the one to report: a database
   * that could not be written before may not take the record either.
   */
  tryToEnd(error: unknown): void {
    const reason = error === undefined ? undefined : error instanceof Error ? error.message : String(error);
    const result = error === undefined ? "interrupted" : "failed";
    try {
      this.#writer.write((transactor) => {
        transactor.endRun(this.#runId, result, reason, toRunFigures(this.report), this.#options.now());
        transactor.removeUnusedServer(this.#server.id);
      });
    } catch {
      // NOTE: the row then says "running" for ever, as after a kill.
    }
  }

  /** Closes all but the writer that it was given. */
  async close(): Promise<void> {
    await this.#checkpoints?.close();
    if (this.#isReopened) this.#writer.close();
  }

  /** One report for each path, however often it is read. */
  #update(report: LogReport): void {
    const index = this.#logs.findIndex(({ path }) => path === report.path);
    const before = this.#logs[index];
    if (before === undefined) this.#logs.push(report);
    else this.#logs[index] = { ...report, ...sum([before, report]) };
  }

  /** Waits for another run that reads the same log, as long as for a lock; what both read is stored once. */
  async #readOne(log: GivenLog): Promise<LogReport> {
    const figures = { ...NOTHING };
    const { signal } = this.#options;
    const { waitMs } = this.#writer;
    let waitedMs = 0;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const { bytes } = figures;
      const report = await traced(
        `read ${log.path}`,
        () => this.#tryToRead(log, figures),
        ({ result, lines, bytes: size }) => ({ result, lines, bytes: size }),
      );
      if (figures.bytes > bytes) waitedMs = 0;
      // Text from a pipe that was not stored cannot be read again.
      if (report.error?.code === "in_use") this.#options.leaveBrief?.();
      const canWait = report.error?.code === "in_use" && log.path !== STDIN_PATH && waitedMs < waitMs;
      if (!canWait || this.#isAborted) return report;
      await pause(pauseMs, undefined, { signal }).catch(() => {});
      waitedMs += pauseMs;
    }
  }

  /** A failure of the log is its result; one of the database ends the run. */
  #sourceOptions(): SourceOptions {
    const input = this.#input;
    const { env, signal } = this.#options;
    return {
      get stdin() {
        return input.stdin;
      },
      env,
      signal,
    };
  }

  async #tryToRead(log: GivenLog, figures: LogFigures): Promise<LogReport> {
    const { path } = log;
    let open: OpenSource | undefined;
    try {
      if (this.#since !== undefined && path !== STDIN_PATH && endsBefore(path, this.#since, this.#server.timeZone))
        return { ...figures, path, logType: undefined, result: "older", error: undefined };
      const { leaveBrief } = this.#options;
      // NOTE: a source that is no file may have no data for a long time.
      if (leaveBrief !== undefined && statSync(path, { throwIfNoEntry: false })?.isFile() !== true) leaveBrief();
      open = log.openRotated?.() ?? (await openSource(path, this.#sourceOptions()));
      return await this.#readOpen(open, log, figures);
    } catch (error) {
      if (!(error instanceof PilotError) || !ABOUT_A_LOG.has(error.code)) throw error;
      if (this.#isAborted) return { ...figures, path, logType: undefined, result: "interrupted", error: undefined };
      return { ...failed(path, error), ...figures };
    } finally {
      open?.close();
    }
  }

  async #readOpen(open: OpenSource, { isNamed, index }: GivenLog, figures: LogFigures): Promise<LogReport> {
    const { path, head } = open;
    const headText = head.toString("latin1");
    const { logType: forced } = this.#options;
    const guess = forced === undefined ? guessLogType(path, headText) : { logType: forced, isCertain: true };
    const { sources } = this.#writer;
    const { source, hasMore, notTheSame } = await recognise(
      open,
      guess.isCertain ? guess.logType : undefined,
      this.#server.id,
      sources,
    );
    const logType = source !== undefined && hasWholeLine(source) ? source.logType : guess.logType;
    const done = (result: LogResult): LogReport => ({ ...figures, path, logType, result, error: undefined });
    const isWanted = source !== undefined || isNamed || this.#isWanted(path, headText);
    if (hasMore && isWanted) this.#keepBrief(open, source?.position ?? 0);
    // NOTE: first of all, for what a damaged archive begins with may be garbage.
    if (hasMore) await open.verify();
    if (!isWanted) return { ...done("foreign"), logType: undefined };
    if (!hasMore) {
      if (source !== undefined && source.path !== path) {
        this.#writer.write((transactor) => transactor.renameSource(source.id, path));
      }
      return done(head.length === 0 ? "empty" : "unchanged");
    }
    if (source === undefined && forced === undefined) assertIsLog(path, headText);
    const linesBefore = sum(this.#logs).lines;
    const thread = this.#options.readingThread;
    const isLarge = (open.sizeBytes ?? 0) - (source?.position ?? 0) > LARGE_LOG;
    // A pipe cannot be read again, so its commits are synced.
    if (open.sizeBytes === undefined) this.#writer.syncCommits();
    const options: ReaderOptions = {
      batchLines: this.#options.batchLines,
      // A pipe is stored at each of its pauses.
      load: isLarge || open.sizeBytes === undefined ? BULK_LOAD : SMALL_LOAD,
      timeZone: this.#server.timeZone,
      now: this.#options.now,
      signal: this.#options.signal,
      readBlocks: thread !== undefined && isLarge ? (...reading) => thread.readBlocks(...reading) : readBlocks,
      onCommit: () => {
        if (isLarge) this.#checkpoints?.request();
        this.#options.onProgress?.({
          path,
          index: index + 1,
          count: this.#count,
          bytesRead: open.bytesRead(),
          sizeBytes: open.sizeBytes,
          lines: linesBefore + figures.lines,
        });
      },
    };
    let next = source === undefined ? { serverId: this.#server.id, logType, path, notTheSame } : { ...source, logType };
    do next = await storeLog(open, next, this.#writer, this.#messages, figures, options);
    while (!this.#isAborted && (await open.goesOn()));
    return done(this.#isAborted ? "interrupted" : "read");
  }

  /** Leaves a brief run before more is read than fits. */
  #keepBrief({ textBytes }: OpenSource, position: number): void {
    this.#briefBytes -= textBytes === undefined ? this.#briefBytes + 1 : textBytes - position;
    if (this.#briefBytes < 0) this.#options.leaveBrief?.();
  }

  /** True if a file that was found, not named, is a log. */
  #isWanted(path: string, head: string): boolean {
    return this.#options.logType === undefined ? isSurelyLog(path, head) : !isForeign(head);
  }
}

/** Between two looks whether another run still reads a log. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = SECOND_MS;

const REOPEN_PAUSE_MS = 500;
/** Errors to expect from a database that is still being copied. */
const UNFINISHED: ReadonlySet<ErrorCode> = new Set(["corrupt", "not_a_database", "busy", "io", "read_only"]);

const ABOUT_A_LOG: ReadonlySet<ErrorCode> = new Set(["unreadable", "not_a_log", "in_use"]);

function failed(path: string, error: PilotError): LogReport {
  return { ...NOTHING, path, logType: undefined, result: "failed", error };
}

function assertTimeZone(known: ServerRow | undefined, timeZone: string | undefined): void {
  if (known === undefined || timeZone === undefined || known.timeZone === timeZone) return;
  throw new PilotError(
    "usage",
    `The logs of ${known.name} are stored with the time zone ${known.timeZone}, not ${timeZone}.`,
    {
      hint: "Leave --timezone out, or give another name with --server.",
    },
  );
}

function assertIsLog(path: string, head: string): void {
  const refusal = refusalOf(head);
  if (refusal !== undefined) throw new PilotError("not_a_log", `"${path}" ${refusal.reason}`, { hint: refusal.hint });
}

function sum(logs: readonly LogFigures[]): LogFigures {
  const totals = { ...NOTHING };
  for (const log of logs) for (const key of Object.keys(NOTHING) as (keyof LogFigures)[]) totals[key] += log[key];
  return totals;
}

/** An entry that the run before found cut off, and took for free text, may be none now: of that kind there is nothing new, not less. */
function atLeastNothing(figures: LogFigures): LogFigures {
  const least = { ...NOTHING };
  for (const key of Object.keys(NOTHING) as (keyof LogFigures)[]) least[key] = Math.max(0, figures[key]);
  return least;
}

function toRunFigures({ logs, totals }: IngestReport): RunFigures {
  return { sources: logs.length, lines: totals.lines, messages: totals.messages, bytes: totals.bytes };
}
