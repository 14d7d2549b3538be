/** Forms in which the rows of a statement can be printed. */
export const ROW_FORMATS = ["table", "json", "csv", "ndjson"] as const;
export type RowFormat = (typeof ROW_FORMATS)[number];
