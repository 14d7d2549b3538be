/** A line with carets below each field, and a legend. */
import type { Explanation } from "../../explain/explain.ts";
import type { PlacedField } from "../../explain/place-fields.ts";
import { countOf } from "../form/format.ts";
import { renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisible, toVisibleLine } from "../form/terminal-text.ts";

export interface ExplanationOptions {
  readonly columns: number;
  readonly paint: Paint;
  /** Say where the line is. */
  readonly hasPlace: boolean;
  readonly isRedacted: boolean;
}

const NARROWEST = 20;

export function renderExplanation(explanation: Explanation, options: ExplanationOptions): string {
  const columns = Math.max(NARROWEST, options.columns);
  const { text, linesLeftOut, isUnderstood } = explanation;
  const labelled = labelFields(explanation.fields);
  const parts = [
    renderTitle(explanation, options, columns),
    renderMarked(text, labelled, columns, options.paint),
    linesLeftOut > 0 ? `(${countOf(linesLeftOut, "header or empty line")} below it not marked)` : "",
    `\n${renderLegend(labelled, columns, options.paint)}`,
    isUnderstood ? "" : `\n${renderRequest(explanation, columns, options)}`,
  ];
  return `${parts.filter((part) => part !== "" && part !== "\n").join("\n")}\n`;
}

function renderTitle(
  { file, lineNumber, kind, meaning }: Explanation,
  { hasPlace, paint }: ExplanationOptions,
  columns: number,
): string {
  const place = hasPlace ? `${paint.faint(`${toVisibleLine(file)}:${lineNumber}`)}\n` : "";
  return `${place}${renderHanging("", `${paint.strong(kind)}: ${meaning}`, 0, columns)}\n`;
}

interface LabelledField extends PlacedField {
  /** One character; "" when the field has no place. Fields of one place share it. */
  readonly label: string;
}

const LABELS = "123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/** Label of the fields for which no letter is left. */
const NO_LABEL = "+";

function labelFields(fields: readonly PlacedField[]): LabelledField[] {
  const labels = new Map<string, string>();
  return fields.map((field) => {
    if (field.range === undefined) return { ...field, label: "" };
    const place = `${field.range.from}-${field.range.to}`;
    const label = labels.get(place) ?? (LABELS.charAt(labels.size) || NO_LABEL);
    labels.set(place, label);
    return { ...field, label };
  });
}

/** A character as it is shown. */
interface Cell {
  readonly shown: string;
  readonly from: number;
  readonly width: number;
}

function renderMarked(text: string, fields: readonly LabelledField[], columns: number, paint: Paint): string {
  const layers = layersOf(fields);
  const lines = splitCells(toCells(text));
  const chunks = lines.flatMap((line) => wrapCells(line, columns));
  return chunks
    .flatMap((chunk) => [shownText(chunk), ...layers.flatMap((layer) => renderMarks(chunk, layer, paint))])
    .join("\n");
}

/** Fields side by side in one layer, a part below its whole in the next one. */
function layersOf(fields: readonly LabelledField[]): LabelledField[][] {
  const layers: LabelledField[][] = [];
  const seen = new Set<string>();
  const wholesFirst = [...fields].sort((one, other) => startOf(one) - startOf(other) || endOf(other) - endOf(one));
  for (const field of wholesFirst) {
    const { range } = field;
    const place = `${range?.from}-${range?.to}`;
    if (range === undefined || seen.has(place)) continue;
    seen.add(place);
    const layer = layers.find((others) => endOf(others.at(-1)) <= range.from);
    if (layer === undefined) layers.push([field]);
    else layer.push(field);
  }
  return layers;
}

function startOf({ range }: PlacedField): number {
  return range?.from ?? 0;
}

function endOf(field: PlacedField | undefined): number {
  return field?.range?.to ?? 0;
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u;
const NO_WIDTH = /^\p{Mark}$/u;

function toCells(text: string): Cell[] {
  const cells: Cell[] = [];
  let from = 0;
  for (const character of text) {
    const shown = character === "\t" ? " " : toVisible(character);
    cells.push({ shown, from, width: widthOf(character, shown) });
    from += character.length;
  }
  return cells;
}

/** An escape such as `\x1b` takes the place of one character. */
function widthOf(character: string, shown: string): number {
  if (shown !== character) return shown.length;
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** At the newlines of the text. */
function splitCells(cells: readonly Cell[]): Cell[][] {
  const lines: Cell[][] = [[]];
  for (const cell of cells) {
    if (cell.shown === "\n") lines.push([]);
    else lines.at(-1)?.push(cell);
  }
  return lines;
}

/** Pieces that fit; cut behind a blank where there is one in their last third. */
function wrapCells(line: readonly Cell[], columns: number): Cell[][] {
  const chunks: Cell[][] = [];
  let rest = [...line];
  for (;;) {
    const count = fittingCount(rest, columns);
    if (count === rest.length) return [...chunks, rest];
    const blank = rest.slice(0, count).findLastIndex(({ shown }) => shown === " ");
    const cut = blank > (count * 2) / 3 ? blank + 1 : count;
    chunks.push(rest.slice(0, cut));
    rest = rest.slice(cut);
  }
}

function fittingCount(cells: readonly Cell[], columns: number): number {
  let width = 0;
  for (const [index, cell] of cells.entries()) {
    width += cell.width;
    if (width > columns) return Math.max(index, 1);
  }
  return cells.length;
}

function shownText(chunk: readonly Cell[]): string {
  return chunk
    .map(({ shown }) => shown)
    .join("")
    .trimEnd();
}

/** A row of carets and tildes and a row of labels; none when the layer has nothing in this piece. */
function renderMarks(chunk: readonly Cell[], layer: readonly LabelledField[], paint: Paint): string[] {
  let marks = "";
  let labels = "";
  let index = 0;
  for (const { from, width } of chunk) {
    while (endOf(layer[index]) <= from && index < layer.length) index++;
    const field = layer[index];
    const isInside = field !== undefined && startOf(field) <= from;
    const isStart = isInside && startOf(field) === from;
    marks += (isStart ? "^" : isInside ? "~" : " ").padEnd(width, isInside ? "~" : " ").slice(0, width);
    labels += (isStart ? field.label : " ").padEnd(width).slice(0, width);
  }
  if (marks.trim() === "") return [];
  const rows = labels.trim() === "" ? [marks] : [marks, labels];
  return rows.map((row) => paint.faint(row.trimEnd()));
}

function renderLegend(fields: readonly LabelledField[], columns: number, paint: Paint): string {
  const width = Math.min(24, Math.max(0, ...fields.map(({ name }) => name.length)));
  return fields
    .map(({ name, label, value }) =>
      renderHanging(
        `  ${paint.faint(label.padEnd(1))} ${toVisibleLine(name).padEnd(width)} = `,
        toVisibleLine(String(value)),
        width + 7,
        columns,
      ),
    )
    .join("\n");
}

function renderRequest(
  { kind }: Explanation,
  columns: number,
  { paint, isRedacted }: Pick<ExplanationOptions, "paint" | "isRedacted">,
): string {
  const redact = isRedacted
    ? "put back each word1 that names nobody, "
    : "run this command on it again with --redact, ";
  const request = `Please report it, so that the next version knows it: ${redact}look whether words in it still tell something private, and open an issue with the output and the versions of Exim and exim-pilot.`;
  return renderHanging("", `${paint.waiting(objectionTo(kind))} ${request}`, 0, columns);
}

function objectionTo(kind: Explanation["kind"]): string {
  if (kind === "unparsed")
    return "This line does not begin with a stamp as Exim writes it, and continues no line that does.";
  return kind === "other"
    ? "This is free text, or a form that this version does not know."
    : "The end of this line could not be read: see residue.";
}
