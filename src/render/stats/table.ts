/** Figures as a table that each form of output shows in its own way: terminal, CSV, Markdown, HTML. */

import { formatBytes, formatCount, formatSeconds, formatTime } from "../form/format.ts";

/**
 * - `path`: `messages.delivered`, a figure below another one. `word`: one of our own. `text`: from a log, written by strangers.
 * - `share`: a part of one. `change`: the same, of what it was before. `time`: ISO-8601. `curve`: figures one after the other.
 */
export type CellKind =
  | "path"
  | "word"
  | "text"
  | "sample"
  | "count"
  | "bytes"
  | "share"
  | "change"
  | "seconds"
  | "time"
  | "curve";

export interface Column {
  /** Name for CSV, in the style of JSON: `deliveredLater`. */
  readonly name: string;
  /** Title for people: `Delivered later`. */
  readonly title: string;
  readonly kind: CellKind;
  /** Shown as a bar too, where there is room. */
  readonly hasBar?: boolean;
  /** Words that have no order of their own: the rows are in it. */
  readonly isOrdered?: boolean;
  /** Sentences that explain a row: they need room, and have no order. */
  readonly isProse?: boolean;
}

export function column(name: string, title: string, kind: CellKind, hasBar = false): Column {
  return { name, title, kind, hasBar };
}

/** A column of words, such as ranges or weekdays, in whose order the rows are. */
export function orderedColumn(name: string, title: string): Column {
  return { name, title, kind: "word", isOrdered: true };
}

/** A column of sentences that explain a row. */
export function proseColumn(name: string, title: string, kind: "text" | "sample"): Column {
  return { name, title, kind, isProse: true };
}

/** Two columns: a count, and its share of all. */
export function countAndShare(name: string, title: string): Column[] {
  return [column(name, title, "count", true), column("share", "Share", "share")];
}

/** Null: not known, or without meaning. */
export type Cell = string | number | readonly number[] | null;

export interface Table {
  /** The section it belongs to, and for rankings the axis: `top-sender`. */
  readonly name: string;
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** A remark below. */
  readonly note?: string;
  /** Text shown when there are no rows. */
  readonly empty: string;
}

/** ` (UTC)` behind the title of a table with times, which names their zone; else empty. */
export function zoneOf({ columns }: Table, timeZone: string): string {
  return columns.some(({ kind }) => kind === "time") ? ` (${timeZone})` : "";
}

export function isNumeric({ kind }: Column): boolean {
  return kind === "count" || kind === "bytes" || kind === "share" || kind === "change" || kind === "seconds";
}

/** A cell as people read it; curves are drawn elsewhere. Text of strangers is not made safe here. */
export function formatCell(cell: Cell, { kind }: Column, timeZone: string): string {
  if (cell === null || typeof cell === "object") return "";
  if (typeof cell === "string") return kind === "time" ? formatTime(cell, timeZone) : cell;
  switch (kind) {
    case "bytes":
      return formatBytes(cell);
    case "share":
      return formatShare(cell);
    case "change":
      return `${cell > 0 ? "+" : ""}${formatShare(cell)}`;
    case "seconds":
      return formatSeconds(cell);
    default:
      return formatCount(cell);
  }
}

/** `14.3 %`; what is there and less than that is `< 0.1 %`. */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.0005) return "< 0.1 %";
  return `${(share * 100).toFixed(1)} %`;
}

/** Share of a whole; null if there is no whole. */
export function part(count: number, whole: number): number | null {
  return whole === 0 ? null : count / whole;
}
