/** A table with a figure's value in the earlier time, and the change relative to it. */
import type { Cell, Column, Table } from "./table.ts";

export interface ComparisonOf {
  /** Columns by which rows are the same. */
  readonly keys: readonly string[];
  /** The figure that is compared. */
  readonly figure: string;
  /** Value of a row that was missing before. */
  readonly missing: 0 | null;
  /** False: rows that are no more are not shown. */
  readonly showsGone: boolean;
}

export function withComparison(now: Table, before: Table, { keys, figure, missing, showsGone }: ComparisonOf): Table {
  const at = now.columns.findIndex(({ name }) => name === figure);
  const compared = now.columns[at];
  if (compared === undefined) return now;
  const end = now.columns[at + 1]?.kind === "share" ? at + 2 : at + 1;
  const places = now.columns.flatMap(({ name }, index) => (keys.includes(name) ? [index] : []));
  const keyOf = (row: readonly Cell[]): string => JSON.stringify(places.map((index) => row[index]));
  const numberAt = (row: readonly Cell[] | undefined): number | null => {
    const cell = row?.[at];
    return typeof cell === "number" ? cell : null;
  };
  const rowsBefore = new Map(before.rows.map((row) => [keyOf(row), row]));
  const known = new Set(now.rows.map(keyOf));
  const gone = showsGone ? before.rows.filter((row) => !known.has(keyOf(row))) : [];
  const goneNow = gone.map((row) =>
    now.columns.map(({ kind }, index): Cell => {
      if (places.includes(index)) return row[index] ?? null;
      return index === at ? 0 : index < end && kind === "share" ? 0 : null;
    }),
  );
  const added: readonly Column[] = [
    { name: "before", title: "Before", kind: compared.kind },
    { name: "change", title: "Change", kind: "change" },
  ];
  return {
    ...now,
    columns: now.columns.toSpliced(end, 0, ...added),
    rows: amongOthers(now.rows, goneNow).map((row) => {
      const earlier = rowsBefore.get(keyOf(row));
      const was = earlier === undefined ? missing : numberAt(earlier);
      return row.toSpliced(end, 0, was, changeOf(numberAt(row), was));
    }),
  };
}

/** A row with a path is below those of its group, any other at the end. */
function amongOthers(rows: readonly (readonly Cell[])[], gone: readonly (readonly Cell[])[]): (readonly Cell[])[] {
  const groupOf = ([path]: readonly Cell[]): string => String(path).split(".", 1)[0] ?? "";
  return gone.reduce<(readonly Cell[])[]>(
    (all, row) =>
      all.toSpliced(all.findLastIndex((other) => groupOf(other) === groupOf(row)) + 1 || all.length, 0, row),
    [...rows],
  );
}

function changeOf(now: number | null, before: number | null): number | null {
  return now === null || before === null || before === 0 ? null : (now - before) / before;
}
