import { compareDigests } from "../../database/table-digests.ts";
import { type IntegrityCheck, rowsOf } from "./check.ts";

/** Compares what no line tells, and so nothing derives again, with the digests that its writers left. */
export const DIGESTS: IntegrityCheck = {
  name: "digests",
  question: "Is what no log tells (audit log, people, servers, queue history) as it was written?",
  readsAllText: false,
  *run({ database }) {
    for (const { table, recorded, found } of compareDigests(database)) {
      if (recorded === undefined) yield `${table} has no digest.`;
      else if (recorded.rows === found.rows) yield `${table} is not as exim-pilot wrote it: its digest differs.`;
      else yield `There should be ${rowsOf(recorded.rows, table)}; there are ${found.rows}.`;
    }
  },
};
