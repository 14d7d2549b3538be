/** Entries in the output of containers: it is as in a log file, in several streams at once, with what other programs print. */
import { beginsContainerEntry } from "../../parse/record.ts";
import { type SyslogLine, syslogWriter } from "../../parse/syslog.ts";
import { continuesInContainer } from "../../parse/wrappers.ts";
import type { LogRecord } from "./log-record.ts";

/** A line that continues an entry stands near it: other streams may have lines between the two. */
const FARTHEST_LINE = 500;
/** An entry of more lines is cut. */
const MOST_LINES = 1000;

interface OpenOutput {
  /** Undefined for a line of another program, which continues too. */
  readonly record: LogRecord | undefined;
  /** The last line was cut, and continues in the next one. */
  isPartial: boolean;
  /** Line of its last piece, within the batch. */
  lastLine: number;
}

/** The entries of a batch that may continue, by the stream that they stand in. */
export class ContainerEntries {
  readonly #open = new Map<string, OpenOutput>();

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** True when `next`, or a line after it, may belong to an entry before it. */
  mayGoOn(next: SyslogLine, line: string): boolean {
    for (const [writer, { isPartial }] of this.#open)
      if (isPartial || writer !== syslogWriter(next) || !beginsContainerEntry(next, line)) return true;
    return false;
  }

  /** Adds a line to what it continues; returns false when it continues nothing. */
  join(next: SyslogLine, line: string, lineNumber: number): boolean {
    const writer = syslogWriter(next);
    const open = this.#open.get(writer);
    if (open === undefined) return false;
    const { record } = open;
    const goesOn = open.isPartial || (record !== undefined && continuesInContainer(next.text));
    if (!goesOn) return false;
    if ((record?.lines.length ?? 0) >= MOST_LINES) {
      this.#open.delete(writer);
      return false;
    }
    record?.lines.push(line);
    record?.places.push(lineNumber);
    open.isPartial = next.container?.isPartial === true;
    open.lastLine = lineNumber;
    this.#open.delete(writer);
    if (record !== undefined || open.isPartial) this.#open.set(writer, open);
    return true;
  }

  /** The entry before a line that begins another one is whole. */
  end(next: SyslogLine): void {
    this.#open.delete(syslogWriter(next));
  }

  /** `record`: undefined for a line of another program, which may be within an entry. */
  begin(next: SyslogLine, record: LogRecord | undefined, lineNumber: number): void {
    const isPartial = next.container?.isPartial === true;
    if (record !== undefined || isPartial)
      this.#open.set(syslogWriter(next), { record, isPartial, lastLine: lineNumber });
  }

  /** Waits no longer for lines that should have come. */
  giveUp(lineNumber: number): void {
    for (const [writer, { lastLine }] of this.#open) {
      if (lineNumber - lastLine <= FARTHEST_LINE) return;
      this.#open.delete(writer);
    }
  }

  clear(): void {
    this.#open.clear();
  }
}
