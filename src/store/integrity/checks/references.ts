import { REFERRERS } from "../../schema/references.ts";
import { type IntegrityCheck, rowsOf } from "./check.ts";

export const REFERENCES: IntegrityCheck = {
  name: "references",
  question: "Is everything there that rows refer to?",
  readsAllText: false,
  *run({ database }) {
    for (const [index, { table, columns }] of REFERRERS.entries()) {
      yield { done: index, total: REFERRERS.length };
      // One pass through the table, however many columns it has.
      const sums = columns.map(
        ([column, target]) =>
          `total(${column} IS NOT NULL AND ${column} NOT IN (SELECT id FROM ${target})) AS ${column}`,
      );
      const missing = database.prepare(`SELECT ${sums.join(", ")} FROM ${table}`).get() as Record<string, number>;
      for (const [column, target] of columns) {
        const count = missing[column] ?? 0;
        if (count > 0) yield `${rowsOf(count, table)} refer by ${column} to ${target} that are not there.`;
      }
    }
  },
};
