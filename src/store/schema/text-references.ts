/** Columns that hold ids of texts. A text that none of them names is unused. */
import { REFERRERS } from "./references.ts";

export const TEXT_TABLES = ["strings", "addresses"] as const;
export type TextTableName = (typeof TEXT_TABLES)[number];

/** The column that holds the text, and the table in which its id is found. */
export const INDEX_OF = {
  strings: { index: "string_ids", column: "text" },
  addresses: { index: "address_ids", column: "address" },
} as const;

/** Tables, and their columns by the table they refer to. */
export const TEXT_REFERENCES: readonly ({
  readonly table: string;
} & Readonly<Record<TextTableName, readonly string[]>>)[] = REFERRERS.map(({ table, columns }) => {
  const columnsOf = (texts: TextTableName): readonly string[] =>
    columns.flatMap(([column, target]) => (target === texts ? [column] : []));
  return { table, strings: columnsOf("strings"), addresses: columnsOf("addresses") };
}).filter(({ strings, addresses }) => strings.length + addresses.length > 0);
