import { ROLLED } from "../../write/rollups.ts";
import type { IntegrityCheck } from "./check.ts";

/** Compares rollups with the rows that they summarise. */
export const ROLLUPS: IntegrityCheck = {
  name: "rollups",
  question: "Are the figures that are added up in advance those of their rows?",
  readsAllText: false,
  *run({ database }) {
    const chunks = database
      .prepare<[], { kind: string; first_id: number; last_id: number }>(
        "SELECT kind, first_id, last_id FROM rolled_chunks ORDER BY kind, first_id",
      )
      .all();
    for (const [done, { kind, first_id, last_id }] of chunks.entries()) {
      for (const { table, select } of ROLLED.filter((rolled) => rolled.kind === kind)) {
        const stated = `SELECT * FROM ${table} WHERE first_id = ${first_id}`;
        const counted = `SELECT ${first_id}, * FROM (${select})`;
        const wrong = database
          .prepare<number[], number>(
            `SELECT (SELECT count(*) FROM (${stated} EXCEPT ${counted})) + (SELECT count(*) FROM (${counted} EXCEPT ${stated}))`,
          )
          .pluck()
          .get(first_id, last_id, first_id, last_id);
        if (wrong !== 0) yield `Figures in ${table} are not those of the ${kind} from ${first_id} on.`;
      }
      yield { done: done + 1, total: chunks.length };
    }
  },
};
