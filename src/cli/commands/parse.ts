import type { Readable } from "node:stream";
import { EXIT_STATUS, PilotError } from "../../errors.ts";
import { explain } from "../../explain/explain.ts";
import { type ReadLine, readLine } from "../../explain/read-line.ts";
import { Tally } from "../../explain/tally.ts";
import { Batcher } from "../../ingest/batch/batcher.ts";
import { eachLine, type LineEnd, SourceFailure } from "../../ingest/batch/lines.ts";
import { type FoundLogs, findLogs, noLogAmong } from "../../ingest/source/find-logs.ts";
import { isForeign, isSurelyLog, isSyslog } from "../../ingest/source/log-type.ts";
import { readFailure } from "../../ingest/source/read-failure.ts";
import { openSource, STDIN_PATH } from "../../ingest/source/source.ts";
import { isUnknown } from "../../message/kinds.ts";
import type { EntryKind } from "../../parse/events.ts";
import { isPaste, PastedLines } from "../../parse/paste.ts";
import { announcesEntry } from "../../parse/wrappers.ts";
import type { Redactor } from "../../redact/redactor.ts";
import { renderEvent } from "../../render/parse/event.ts";
import { renderExplanation } from "../../render/parse/explanation.ts";
import { renderSummary, renderSummaryJson } from "../../render/parse/summary.ts";
import { screenOf } from "../context.ts";
import type { Io } from "../io.ts";
import { redactLine, redactSummary } from "../redact-line.ts";
import { namesOf } from "../redactor.ts";
import { reportError } from "../terminal/report-error.ts";

export interface ParseFlags {
  readonly kind?: readonly EntryKind[];
  readonly other?: boolean;
  readonly summary?: boolean;
  readonly samples: number;
  readonly explain?: boolean;
  readonly raw?: boolean;
  readonly redact?: boolean;
  readonly json?: boolean;
  readonly strict?: boolean;
}

/** Prints what the lines mean; returns the exit status. A file that cannot be read does not stop the others. */
export async function runParse(files: readonly string[], flags: ParseFlags, io: Io): Promise<number> {
  const found = await Promise.all((files.length === 0 ? [STDIN_PATH] : files).map(findLogs));
  const run = new Run(found, flags, io);
  await run.readAll();
  return run.finish();
}

/** Output for each line, and for the end. */
interface Presentation {
  readonly show: (line: ReadLine) => string;
  readonly conclude: (extent: { readonly files: number; readonly lines: number }) => string;
}

class Run {
  readonly #found: readonly FoundLogs[];
  readonly #flags: ParseFlags;
  readonly #io: Io;
  readonly #output: Output;
  readonly #presentation: Presentation;
  #files = 0;
  #lines = 0;
  #hasUnknown = false;
  #failure: PilotError | undefined;

  constructor(found: readonly FoundLogs[], flags: ParseFlags, io: Io) {
    this.#found = found;
    this.#flags = flags;
    this.#io = io;
    this.#output = new Output(io);
    this.#presentation = presentationOf(
      found.flatMap(({ paths }) => paths),
      flags,
      io,
    );
  }

  async readAll(): Promise<void> {
    for (const found of this.#found) {
      if (found.error !== undefined) this.#fail(found.error);
      let isAny = found.paths.length === 0;
      for (const path of found.paths) if (await this.#tryOne(path, found.isNamed)) isAny = true;
      if (this.#io.signal.aborted) return;
      if (!isAny) this.#fail(noLogAmong(found, "Name a file to read it anyway."));
    }
  }

  /** False when it was left out because it is no log. */
  async #tryOne(path: string, isNamed: boolean): Promise<boolean> {
    if (this.#io.signal.aborted) return true;
    try {
      return await this.#readOne(path, isNamed);
    } catch (error) {
      if (!(error instanceof PilotError)) throw error;
      if (!this.#io.signal.aborted) this.#fail(error);
      return true;
    }
  }

  /** Tells what cannot be read; the others are. */
  #fail(error: PilotError): void {
    this.#output.flush();
    reportError(error, this.#io);
    this.#failure ??= error;
  }

  finish(): number {
    const { signal } = this.#io;
    if (signal.aborted) return this.#output.isClosed ? 0 : EXIT_STATUS.interrupted;
    if (this.#files > 0) this.#output.add(this.#presentation.conclude({ files: this.#files, lines: this.#lines }));
    this.#output.flush();
    if (this.#failure !== undefined) return EXIT_STATUS[this.#failure.code];
    return this.#flags.strict === true && this.#hasUnknown ? EXIT_STATUS.check_failed : 0;
  }

  async #readOne(path: string, isNamed: boolean): Promise<boolean> {
    const source = await openSource(path, this.#io).catch((error: unknown) => {
      throw withoutStore(error);
    });
    try {
      await source.verify();
      const head = source.head.toString("latin1");
      if (!isNamed && !isSurelyLog(path, head)) return false;
      this.#files++;
      if (isForeign(head) && isVerboseOutput(head)) {
        await this.#readVerboseOutput(path, source.read().setEncoding("latin1"));
        return true;
      }
      const pasted = isForeign(head) && isPaste(head) ? new PastedLines() : undefined;
      const lines = pasted === undefined ? head : withoutMarks(head);
      await this.#readLines(path, source.read().setEncoding("latin1"), isSyslog(lines), pasted);
      return true;
    } catch (error) {
      throw withoutStore(error instanceof SourceFailure ? readFailure(path, error.cause) : error);
    } finally {
      source.close();
    }
  }

  async #readLines(path: string, text: Readable, hasSyslog: boolean, pasted: PastedLines | undefined): Promise<void> {
    const { signal } = this.#io;
    let linesBefore = 0;
    // Batches of one entry: nothing is kept of those before it.
    const batcher = new Batcher(
      { batchLines: 1, blockBytes: 0, linesBefore: 0, isWithinLine: false, isSyslog: hasSyslog },
      {
        onRecord: ({ line, lines, isEntry }) =>
          this.#take(readLine(lines, isEntry, { file: path, lineNumber: linesBefore + line + 1 })),
        onBatch: ({ lines }) => {
          linesBefore += lines;
          return true;
        },
        onBlock: () => {},
      },
    );
    try {
      const add = (line: string, end: LineEnd): void => batcher.add(pasted?.strip(line) ?? line, end);
      await eachLine(text, add, { unfinished: 0, signal });
    } finally {
      if (!signal.aborted) batcher.end();
      this.#lines += linesBefore;
    }
  }

  /** Counts the lines between the entries: the dialogue with other servers is no part of a log. */
  async #readVerboseOutput(path: string, text: Readable): Promise<void> {
    const { signal } = this.#io;
    let announcement: string | undefined;
    const add = (line: string): void => {
      this.#lines++;
      const place = { file: path, lineNumber: this.#lines - 1 };
      if (announcement !== undefined) this.#take(readLine([announcement, line], true, place));
      announcement = announcesEntry(line) ? line : undefined;
    };
    await eachLine(text, add, { unfinished: 0, signal });
  }

  #take(line: ReadLine): void {
    if (isUnknown(line.kind)) this.#hasUnknown = true;
    if (isWanted(line.kind, this.#flags)) this.#output.add(this.#presentation.show(line));
  }
}

function isWanted(kind: EntryKind, { kind: kinds = [], other = false }: ParseFlags): boolean {
  if (kinds.length === 0 && !other) return true;
  return kinds.includes(kind) || (other && isUnknown(kind));
}

function presentationOf(paths: readonly string[], flags: ParseFlags, io: Io): Presentation {
  const page = screenOf(io);
  if (flags.summary === true) return presentSummary(flags, page, namesOf(io));
  const names = namesOf(io);
  const shown = (line: ReadLine): ReadLine => (flags.redact === true ? redactLine(line, names) : line);
  if (flags.explain !== true) {
    const options = { hasFile: paths.length > 1, hasRaw: flags.raw === true };
    return { show: (line) => renderEvent(shown(line), options), conclude: () => "" };
  }
  const options = { ...page, hasPlace: paths.join() !== STDIN_PATH, isRedacted: flags.redact === true };
  let separator = "";
  const show = (line: ReadLine): string => {
    const text = separator + renderExplanation(explain(shown(line)), options);
    separator = "\n";
    return text;
  };
  return { show, conclude: () => "" };
}

function presentSummary(
  { samples, redact, json }: ParseFlags,
  page: Parameters<typeof renderSummary>[2],
  names: Redactor,
): Presentation {
  const tally = new Tally();
  return {
    show: (line) => {
      tally.add(line);
      return "";
    },
    conclude: (extent) => {
      const found = tally.summarise(samples);
      const summary = redact === true ? redactSummary(found, names) : found;
      return json === true ? renderSummaryJson(summary, extent) : renderSummary(summary, extent, page);
    },
  };
}

/** True for the beginning of what `exim -v` prints: an entry is announced in a line, and follows in the next. */
function isVerboseOutput(head: string): boolean {
  return head.split("\n").some(announcesEntry);
}

/** The beginning of a copy as the log has it. */
function withoutMarks(head: string): string {
  const pasted = new PastedLines();
  return head
    .split("\n")
    .map((line) => pasted.strip(line))
    .join("\n");
}

const OPENING: readonly unknown[] = ["stat", "open"];

/** The same failure, without advice about a database: nothing is stored here. Failures to open a file have advice that fits. */
function withoutStore(error: unknown): unknown {
  if (!(error instanceof PilotError) || error.cause === undefined) return error;
  const { cause, code, message } = error;
  if (OPENING.includes((cause as { syscall?: string }).syscall)) return error;
  return new PilotError(code, message, { hint: "The part that could be read is shown.", cause });
}

const FULL_TEXT = 64 * 1024;

/** Standard output as the process has it: it tells when a write failed. */
interface AnsweringStream {
  readonly write: (text: string, done: (error?: Error | null) => void) => unknown;
}

/** Standard output, written in larger pieces, yet within one turn of the event loop. */
class Output {
  readonly #stdout: AnsweringStream;
  readonly #signal: AbortSignal;
  #text = "";
  #isClosed = false;

  constructor({ stdout, signal }: Io) {
    this.#stdout = stdout;
    this.#signal = signal;
  }

  /** True when its reader went away. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  add(text: string): void {
    if (text === "") return;
    if (this.#text === "") setImmediate(() => this.flush());
    this.#text += text;
    if (this.#text.length >= FULL_TEXT) this.flush();
  }

  flush(): void {
    const text = this.#text;
    this.#text = "";
    if (text === "" || this.#signal.aborted) return;
    this.#stdout.write(text, (error) => {
      if (error instanceof Error) this.#isClosed = true;
    });
  }
}
