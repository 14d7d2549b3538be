/** An entry as a line of JSON. */
import type { LineFacts, ReadLine } from "../../explain/read-line.ts";
import { renderJsonLine } from "../form/json.ts";

export interface EventOptions {
  /** Server of a stored line. */
  readonly server?: string | undefined;
  /** Say in which file it is. */
  readonly hasFile: boolean;
  readonly hasRaw: boolean;
}

/**
 * The contract of `exim-pilot parse`: the kind, where and of what message the line is, the fields of its event, and
 * the headers below it. What the line does not say is left out. A line that is not understood has its text.
 */
export function renderEvent(line: ReadLine, { server, hasFile, hasRaw }: EventOptions): string {
  const { kind, file, lineNumber, timestamp, parsed, raw } = line;
  const isUnknown = kind === "other" || kind === "unparsed";
  const facts: Told<Omit<LineFacts, "headerDump">> = {
    file: hasFile ? file : undefined,
    lineNumber: lineNumber > 0 ? lineNumber : undefined,
    timestamp,
    processId: parsed?.prefix.pid,
    messageId: parsed?.prefix.messageId,
    text: isUnknown ? (parsed?.text ?? raw) : undefined,
    raw: hasRaw ? raw : undefined,
  };
  const below: Told<Pick<LineFacts, "headerDump">> = { headerDump: parsed?.headerDump };
  return renderJsonLine({ kind, server, ...facts, ...parsed?.event, ...below });
}

type Told<Facts> = { readonly [Fact in keyof Facts]: Facts[Fact] | undefined };
