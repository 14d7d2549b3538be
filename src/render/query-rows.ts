/**
 * Rows of a statement, in the form that was asked for. What JSON or CSV has no form for is written as SQLite would: integers
 * beyond 2^53 are strings of digits in JSON, blobs are `x'00ff'`, an infinite number is 9e999 or -9e999. A null is `null` in JSON
 * and nothing in a table and in CSV.
 */
import type { QueryCell } from "../store/read/query-runner.ts";
import { renderColumns } from "./form/columns.ts";
import { renderCsvRow } from "./form/csv.ts";
import { JSON_VERSION } from "./form/json.ts";
import type { Paint } from "./form/paint.ts";
import type { RowFormat } from "./form/row-formats.ts";
import { toVisibleJson, toVisibleLine } from "./form/terminal-text.ts";

/** Makes the output piece by piece. */
export interface RowRenderer {
  /** Text before the first row. */
  readonly begin: (columns: readonly string[]) => string;
  readonly row: (cells: readonly QueryCell[]) => string;
  /** Text after the last row. `hasMore`: further rows exist and were not asked for. */
  readonly end: (hasMore: boolean) => string;
}

export function rowRenderer(format: RowFormat, paint: Paint): RowRenderer {
  switch (format) {
    case "table":
      return new TableRenderer(paint);
    case "csv":
      return { begin: renderCsvRow, row: (cells) => renderCsvRow(cells.map(toField)), end: () => "" };
    case "json":
      return new JsonRenderer();
    case "ndjson":
      return new NdjsonRenderer();
  }
}

/** Keeps the rows until the end, for their widths. */
class TableRenderer implements RowRenderer {
  readonly #paint: Paint;
  readonly #rows: string[][] = [];
  readonly #texts = new Set<number>();
  #columns: readonly string[] = [];

  constructor(paint: Paint) {
    this.#paint = paint;
  }

  begin(columns: readonly string[]): string {
    this.#columns = columns;
    return "";
  }

  row(cells: readonly QueryCell[]): string {
    for (const [index, cell] of cells.entries())
      if (typeof cell === "string" || cell instanceof Uint8Array) this.#texts.add(index);
    this.#rows.push(cells.map((cell) => toVisibleLine(String(toField(cell) ?? ""))));
    return "";
  }

  end(): string {
    const heading = this.#columns.map((name) => this.#paint.strong(toVisibleLine(name)));
    const right = this.#rows.length === 0 ? [] : [...heading.keys()].filter((index) => !this.#texts.has(index));
    return `${renderColumns([heading, ...this.#rows], { right })}\n`;
  }
}

class NdjsonRenderer implements RowRenderer {
  #columns: readonly string[] = [];

  begin(columns: readonly string[]): string {
    this.#columns = columns;
    return "";
  }

  row(cells: readonly QueryCell[]): string {
    return `${toObject(this.#columns, cells)}\n`;
  }

  end(): string {
    return "";
  }
}

/** The contract of `exim-pilot sql --format json`. */
class JsonRenderer implements RowRenderer {
  #columns: readonly string[] = [];
  #separator = "";

  begin(columns: readonly string[]): string {
    this.#columns = columns;
    const names = toVisibleJson(JSON.stringify(columns));
    return `{\n  "version": ${JSON_VERSION},\n  "kind": "sql",\n  "columns": ${names},\n  "rows": [`;
  }

  row(cells: readonly QueryCell[]): string {
    const text = `${this.#separator}\n    ${toObject(this.#columns, cells)}`;
    this.#separator = ",";
    return text;
  }

  end(hasMore: boolean): string {
    return `${this.#separator === "" ? "" : "\n  "}],\n  "hasMore": ${hasMore}\n}\n`;
  }
}

function toObject(columns: readonly string[], cells: readonly QueryCell[]): string {
  const fields = columns.map((name, index) => `${JSON.stringify(name)}: ${toJson(cells[index] ?? null)}`);
  return toVisibleJson(`{${fields.join(", ")}}`);
}

function toJson(cell: QueryCell): string {
  if (typeof cell === "number" && !Number.isFinite(cell)) return infinity(cell);
  return JSON.stringify(typeof cell === "bigint" ? String(cell) : toField(cell));
}

function toField(cell: QueryCell): string | number | bigint | null {
  if (cell instanceof Uint8Array) return `x'${Buffer.from(cell).toString("hex")}'`;
  return typeof cell === "number" && !Number.isFinite(cell) ? infinity(cell) : cell;
}

function infinity(value: number): string {
  return value > 0 ? "9e999" : "-9e999";
}
