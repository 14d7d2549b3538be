/** How a line was read, field by field, with the place of each. */
import type { ParsedEntry } from "../parse/record.ts";
import { type Field, fieldsOf } from "./fields.ts";
import { isUnknown, LINE_KINDS, type LineKind } from "./kinds.ts";
import { type PlacedField, placeFields, type Range } from "./place-fields.ts";
import { type LinePlace, type ReadLine, residueOf } from "./read-line.ts";

export interface Explanation extends LinePlace {
  readonly kind: LineKind;
  /** What the kind means. */
  readonly meaning: string;
  /** The decoded text that ranges are places of: the entry with its continuation lines, without a header dump. */
  readonly text: string;
  /** Header lines, and empty ones, that are not part of the text. */
  readonly linesLeftOut: number;
  /** From left to right; those without a place last. */
  readonly fields: readonly PlacedField[];
  /** False when the line, or an end of it, could not be read. */
  readonly isUnderstood: boolean;
}

export function explain(line: ReadLine): Explanation {
  const { file, lineNumber, kind, raw, parsed } = line;
  const rawLines = raw.split("\n");
  const text = parsed === undefined ? raw : textOf(rawLines[0] ?? "", parsed);
  const fields = parsed === undefined ? [] : [...prefixFields(line, text, parsed), ...eventFields(text, parsed)];
  return {
    file,
    lineNumber,
    kind,
    meaning: LINE_KINDS[kind],
    text,
    linesLeftOut: rawLines.length - text.split("\n").length,
    fields: fields.sort(fromLeftToRight),
    isUnderstood: !isUnknown(kind) && residueOf(line) === "",
  };
}

/** The entry as the parser saw it. */
function textOf(firstLine: string, { prefix, text }: ParsedEntry): string {
  return firstLine.slice(0, prefix.textStart) + text;
}

/** A whole before its parts. */
function fromLeftToRight({ range: one }: PlacedField, { range: other }: PlacedField): number {
  if (one === undefined || other === undefined) return Number(one === undefined) - Number(other === undefined);
  return one.from - other.from || other.to - one.to;
}

/** The places of stamp, pid and id are certain: they stand in front, in this order. */
function prefixFields({ timestamp = "" }: ReadLine, text: string, { prefix }: ParsedEntry): PlacedField[] {
  const { pid, messageId } = prefix;
  const fields = [placed("timestamp", timestamp, { from: 0, to: timestamp.length })];
  const pidFrom = timestamp.length + 1;
  if (pid !== undefined) fields.push(placed("processId", pid, { from: pidFrom, to: text.indexOf("]", pidFrom) + 1 }));
  if (messageId !== undefined) {
    const from = text.indexOf(messageId, timestamp.length);
    fields.push(placed("messageId", messageId, { from, to: from + messageId.length }));
  }
  return fields;
}

function placed(name: string, value: Field["value"], range: Range): PlacedField {
  return { name, value, openers: undefined, within: undefined, range };
}

/** Two characters that tell the kind. */
const MARK = /^(?:<=|\(=|==|\*\*)(?= )/;

function eventFields(text: string, parsed: ParsedEntry): PlacedField[] {
  const { textStart } = parsed.prefix;
  const { event } = parsed;
  const hasMark = event.kind !== "other" && MARK.test(text.slice(textStart, textStart + 3));
  const mark = hasMark ? [placed("kind", event.kind, { from: textStart, to: textStart + 2 })] : [];
  return [...mark, ...placeFields(fieldsOf(parsed), text, hasMark ? textStart + 2 : textStart)];
}
