/** Explains how a line was read, field by field, with the place of each. */

import { isUnknown, LINE_KINDS } from "../message/kinds.ts";
import type { EntryKind } from "../parse/events.ts";
import type { ParsedEntry } from "../parse/record.ts";
import { type Field, fieldsOf, headerDumpFields } from "./fields.ts";
import { type PlacedField, placeFields, type TextRange } from "./place-fields.ts";
import { type LinePlace, type ReadLine, residueOf } from "./read-line.ts";

export interface Explanation extends LinePlace {
  readonly kind: EntryKind;
  /** Meaning of the kind. */
  readonly meaning: string;
  /** The decoded text that ranges are places of: the entry with its continuation lines, without a header dump. */
  readonly text: string;
  /** Header lines, and empty ones, that are not part of the text. What headers say is among the fields. */
  readonly linesLeftOut: number;
  /** Fields from left to right; those without a place come last. */
  readonly fields: readonly PlacedField[];
  /** False when the line, or an end of it, could not be read. */
  readonly isUnderstood: boolean;
}

export function explain(line: ReadLine): Explanation {
  const { file, lineNumber, kind, raw, timestamp, parsed } = line;
  const rawLines = raw.split("\n");
  const text = parsed === undefined ? raw : textOf(parsed);
  const fields = parsed === undefined ? [] : [...prefixFields(line, text, parsed), ...eventFields(text, parsed)];
  return {
    file,
    lineNumber,
    kind,
    meaning: LINE_KINDS[kind].about,
    text,
    // NOTE: the line with which `exim -v` announces an entry says nothing of it.
    linesLeftOut: timestamp === undefined ? 0 : Math.max(0, rawLines.length - text.split("\n").length),
    fields: fields.sort(fromLeftToRight),
    isUnderstood: !isUnknown(kind) && residueOf(line) === "",
  };
}

/** The entry as the parser saw it. */
function textOf({ line, prefix, text }: ParsedEntry): string {
  return line.slice(0, prefix.textStart) + text;
}

/** Orders a whole before its parts. */
function fromLeftToRight({ range: one }: PlacedField, { range: other }: PlacedField): number {
  if (one === undefined || other === undefined) return Number(one === undefined) - Number(other === undefined);
  return one.from - other.from || other.to - one.to;
}

/** Stamp, pid and id come first, in this order; the first two may be syslog's, and have no place in Exim's text then. */
function prefixFields({ timestamp }: ReadLine, text: string, { prefix }: ParsedEntry): PlacedField[] {
  const { pid, messageId } = prefix;
  if (timestamp === undefined) return [];
  const hasStamp = text.startsWith(timestamp);
  const stampEnd = hasStamp ? timestamp.length : 0;
  const fields = [placed("timestamp", timestamp, hasStamp ? { from: 0, to: stampEnd } : undefined)];
  if (pid !== undefined) {
    const from = text.indexOf(`[${pid}]`, stampEnd);
    const isInFront = from !== -1 && from <= stampEnd + 1;
    fields.push(placed("processId", pid, isInFront ? { from, to: text.indexOf("]", from) + 1 } : undefined));
  }
  if (messageId !== undefined) {
    const from = text.indexOf(messageId, stampEnd);
    fields.push(placed("messageId", messageId, { from, to: from + messageId.length }));
  }
  return fields;
}

function placed(name: string, value: Field["value"], range: TextRange | undefined): PlacedField {
  return { name, value, openers: undefined, within: undefined, range };
}

/** Two characters that show the kind. */
const MARK = /^(?:<=|\(=|==|\*\*)(?= )/;

function eventFields(text: string, parsed: ParsedEntry): PlacedField[] {
  const { textStart } = parsed.prefix;
  const { event } = parsed;
  const hasMark = event.kind !== "other" && MARK.test(text.slice(textStart, textStart + 3));
  const mark = hasMark ? [placed("kind", event.kind, { from: textStart, to: textStart + 2 })] : [];
  const below = parsed.headerDump === undefined ? [] : headerDumpFields(parsed.headerDump);
  return [...mark, ...placeFields([...fieldsOf(parsed), ...below], text, hasMark ? textStart + 2 : textStart)];
}
