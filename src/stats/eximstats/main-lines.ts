/** The lines of a main log for eximstats, out of what containers and the journal have around them. What syslog wrote is its own to take away. */
import { beginsContainerEntry, startsEntry } from "../../parse/record.ts";
import { isEximSyslogLine, syslogWriter } from "../../parse/syslog.ts";
import { unwrapLine, wrapperName } from "../../parse/wrappers.ts";

/** Streams whose last line goes on. */
const MOST_STREAMS = 100;

export class MainLines {
  /** By stream: the text of a line that its log driver has cut, as far as it has come. */
  readonly #begun = new Map<string, string>();

  /** The line, latin1, as a main log would have it; undefined for one of another program, and for the beginning of one that was cut. */
  take(line: string): string | undefined {
    const unwrapped = startsEntry(line) ? undefined : unwrapLine(line);
    if (unwrapped === undefined || wrapperName(line) === "syslog") return line;
    const { container, text, piece, isLost } = unwrapped;
    if (container === undefined)
      return piece === undefined && !isLost && isEximSyslogLine(unwrapped) ? text : undefined;
    const writer = syslogWriter(unwrapped);
    const begun = this.#begun.get(writer);
    if (begun === undefined && !beginsContainerEntry(unwrapped, line)) {
      // NOTE: a line of another program goes on, too.
      if (container.isPartial) this.#note(writer, "");
      return undefined;
    }
    const whole = begun === "" ? "" : `${begun ?? ""}${text}`;
    this.#begun.delete(writer);
    if (container.isPartial) this.#note(writer, whole);
    if (container.isPartial || whole === "") return undefined;
    return whole.endsWith("\r") ? whole.slice(0, -1) : whole;
  }

  #note(writer: string, text: string): void {
    if (this.#begun.size >= MOST_STREAMS) this.#begun.clear();
    this.#begun.set(writer, text);
  }
}
