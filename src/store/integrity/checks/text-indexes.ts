import { INDEX_OF } from "../../schema/text-references.ts";
import { type IntegrityCheck, rowsOf } from "./check.ts";

export const TEXT_INDEXES: IntegrityCheck = {
  name: "texts",
  question: "Can each address and each text be found by what it says, and is it there once?",
  readsAllText: false,
  *run({ database }) {
    for (const table of ["addresses", "strings"] as const) {
      const { column, index } = INDEX_OF[table];
      const indexed = database.prepare<[string], { last_id: number }>(
        "SELECT last_id FROM text_indexes WHERE table_name = ?",
      );
      const lastId = indexed.get(table)?.last_id ?? 0;
      // NOTE: while logs are read, and after a kill, the newest are not in the index yet.
      const lost = database
        .prepare<[number], { count: number }>(
          `SELECT count(*) AS count FROM ${table} t
           WHERE t.id <= ? AND NOT EXISTS (SELECT 1 FROM ${index} i WHERE i.${column} = t.${column} AND i.id = t.id)
             AND NOT EXISTS (SELECT 1 FROM unused_texts u
                             WHERE u.table_name = '${table}' AND u.text = t.${column} AND u.text_rowid = t.id)`,
        )
        .get(lastId);
      if (lost !== undefined && lost.count > 0) yield `${rowsOf(lost.count, table)} are not in ${index}.`;
      const wrong = database
        .prepare<[], { count: number }>(
          `SELECT count(*) AS count FROM ${index} i
           WHERE NOT EXISTS (SELECT 1 FROM ${table} t WHERE t.id = i.id AND t.${column} = i.${column})`,
        )
        .get();
      if (wrong !== undefined && wrong.count > 0) yield `${rowsOf(wrong.count, index)} lead to something else.`;
      // NOTE: a prune that was killed leaves rows here, and that is sound: search looks here too.
      const astray = database
        .prepare<[], { count: number }>(
          `SELECT count(*) AS count FROM unused_texts u
           WHERE u.table_name = '${table}'
             AND (NOT EXISTS (SELECT 1 FROM ${table} t WHERE t.id = u.text_rowid AND t.${column} = u.text)
                  OR EXISTS (SELECT 1 FROM ${index} i WHERE i.${column} = u.text))`,
        )
        .get();
      if (astray !== undefined && astray.count > 0)
        yield `${rowsOf(astray.count, "unused_texts")} lead to something else, or to what ${index} has too.`;
    }
  },
};
