/** The main job: logs in, one after the other; a log that cannot be read does not stop the others. */
import type { Readable } from "node:stream";
import { type ErrorCode, PilotError } from "../errors.ts";
import type { LogType } from "../store/codes.ts";
import type { RunFigures } from "../store/rows.ts";
import type { ServerRow } from "../store/source-catalogue.ts";
import type { Writer } from "../store/writer.ts";
import type { EpochMs } from "../units.ts";
import { type LogFigures, readLog } from "./log-reader.ts";
import { guessLogType, isForeign } from "./log-type.ts";
import { MessageBook } from "./message-book.ts";
import { recognise } from "./recognise.ts";
import { type OpenSource, openSource } from "./source.ts";

export interface IngestOptions {
  /** Name of the server that wrote the logs. */
  readonly server: string;
  /** IANA name; undefined: the one stored with the server, else `defaultTimeZone`. */
  readonly timeZone: string | undefined;
  readonly defaultTimeZone: string;
  /** Undefined: told from content and name. */
  readonly logType: LogType | undefined;
  readonly batchLines: number;
  /** Version of this program, for the record. */
  readonly program: string;
  readonly now: () => EpochMs;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: IngestProgress) => void;
}

export interface IngestProgress {
  readonly path: string;
  /** Which log of how many, from 1. */
  readonly index: number;
  readonly count: number;
  /** Of this log. */
  readonly bytesRead: number;
  readonly sizeBytes: number | undefined;
  /** Of the whole run. */
  readonly lines: number;
}

/**
 * - `read`: new lines were stored. `unchanged`: everything of it was stored already. `empty`: it has no bytes.
 * - `interrupted`: the run was told to stop; the next one goes on. `failed`: see the error; what was read before it is stored.
 */
export type LogResult = "read" | "unchanged" | "empty" | "interrupted" | "failed";

export interface LogReport extends LogFigures {
  readonly path: string;
  readonly logType: LogType | undefined;
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

const NOTHING: LogFigures = { bytes: 0, lines: 0, entries: 0, other: 0, unparsed: 0, repeated: 0, messages: 0 };

/**
 * Ingests logs of one server. What is wrong with one log is in its report; what is wrong with the database is thrown:
 * `busy`, `disk_full`, `io`, `read_only`, `corrupt`, and `usage` when the server is known with another time zone.
 */
export async function ingest(
  paths: readonly string[],
  stdin: Readable,
  writer: Writer,
  options: IngestOptions,
): Promise<IngestReport> {
  const { program, now } = options;
  const { server, runId } = writer.write((transactor) => {
    const known = writer.sources.findServer(options.server);
    assertTimeZone(known, options.timeZone);
    return {
      server: known ?? transactor.addServer(options.server, options.timeZone ?? options.defaultTimeZone, now()),
      runId: transactor.startRun(program, now()),
    };
  });
  const run = new Run(paths, stdin, writer, server, options);
  try {
    await run.readAll();
  } catch (error) {
    tryToEndRun(writer, runId, run, error, now());
    throw error;
  }
  const { report } = run;
  const firstError = report.logs.find(({ error }) => error !== undefined)?.error?.message;
  const result = report.isInterrupted ? "interrupted" : firstError === undefined ? "done" : "failed";
  writer.write((transactor) => {
    transactor.indexTexts();
    transactor.indexMentions();
    transactor.endRun(runId, result, firstError, toRunFigures(report), now());
  });
  writer.settle();
  return report;
}

class Run {
  readonly #paths: readonly string[];
  readonly #stdin: Readable;
  readonly #writer: Writer;
  readonly #server: ServerRow;
  readonly #options: IngestOptions;
  readonly #book: MessageBook;
  readonly #logs: LogReport[] = [];

  constructor(paths: readonly string[], stdin: Readable, writer: Writer, server: ServerRow, options: IngestOptions) {
    this.#paths = paths;
    this.#stdin = stdin;
    this.#writer = writer;
    this.#server = server;
    this.#options = options;
    this.#book = new MessageBook(server.id);
  }

  get report(): IngestReport {
    return {
      server: this.#server.name,
      timeZone: this.#server.timeZone,
      logs: this.#logs,
      totals: sum(this.#logs),
      isInterrupted: this.#isAborted,
    };
  }

  get #isAborted(): boolean {
    return this.#options.signal?.aborted === true;
  }

  async readAll(): Promise<void> {
    for (const [index, path] of this.#paths.entries()) {
      if (this.#isAborted) return;
      this.#logs.push(await this.#readOne(path, index));
    }
  }

  /** A failure of the log is its result; one of the database ends the run. */
  async #readOne(path: string, index: number): Promise<LogReport> {
    const figures = { ...NOTHING };
    let open: OpenSource | undefined;
    try {
      open = await openSource(path, this.#stdin);
      return await this.#readOpen(open, index, figures);
    } catch (error) {
      if (!(error instanceof PilotError) || !ABOUT_A_LOG.has(error.code)) throw error;
      return { ...figures, path, logType: undefined, result: "failed", error };
    } finally {
      open?.close();
    }
  }

  async #readOpen(open: OpenSource, index: number, figures: LogFigures): Promise<LogReport> {
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
    const logType = source?.logType ?? guess.logType;
    const done = (result: LogResult): LogReport => ({ ...figures, path, logType, result, error: undefined });
    if (!hasMore) return done(head.length === 0 ? "empty" : "unchanged");
    if (source === undefined && forced === undefined) assertIsLog(path, headText);
    await open.verify();
    const start = source ?? { serverId: this.#server.id, logType, path, notTheSame };
    const linesBefore = sum(this.#logs).lines;
    await readLog(open, start, this.#writer, this.#book, figures, {
      batchLines: this.#options.batchLines,
      timeZone: this.#server.timeZone,
      now: this.#options.now,
      signal: this.#options.signal,
      onBatch: () => {
        this.#options.onProgress?.({
          path,
          index: index + 1,
          count: this.#paths.length,
          bytesRead: open.bytesRead(),
          sizeBytes: open.sizeBytes,
          lines: linesBefore + figures.lines,
        });
      },
    });
    return done(this.#isAborted ? "interrupted" : "read");
  }
}

const ABOUT_A_LOG: ReadonlySet<ErrorCode> = new Set(["unreadable", "not_a_log", "in_use"]);

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
  if (!isForeign(head)) return;
  throw new PilotError(
    "not_a_log",
    `"${path}" does not look like a log of Exim: no line begins with a date and a time.`,
    {
      hint: "Give it with --log-type main, reject or panic if it is one all the same.",
    },
  );
}

function sum(logs: readonly LogFigures[]): LogFigures {
  const totals = { ...NOTHING };
  for (const log of logs) for (const key of Object.keys(NOTHING) as (keyof LogFigures)[]) totals[key] += log[key];
  return totals;
}

function toRunFigures({ logs, totals }: IngestReport): RunFigures {
  return { sources: logs.length, lines: totals.lines, messages: totals.messages, bytes: totals.bytes };
}

/** The run's own error is the one to report; a database that could not be written before may not take the record of it either. */
function tryToEndRun(writer: Writer, runId: number, run: Run, error: unknown, now: EpochMs): void {
  const reason = error instanceof Error ? error.message : String(error);
  try {
    writer.write((transactor) => transactor.endRun(runId, "failed", reason, toRunFigures(run.report), now));
    writer.settle();
  } catch {
    // NOTE: the row then says "running" for ever, as after a kill.
  }
}
