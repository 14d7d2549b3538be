/** Descriptions of the public views for people. */
import Database from "better-sqlite3";
import { withTranslation } from "./database/connection.ts";
import { loadMigrations, migrate } from "./database/migrations.ts";
import type { StoreSettings } from "./database/settings.ts";
import { addTextColumns } from "./reader.ts";

export interface ViewDescription {
  readonly name: string;
  /** One sentence. */
  readonly text: string;
  readonly columns: readonly string[];
}

/** The views that come with this program, whatever database there is: those of a new one. */
export function describeViews(settings: Pick<StoreSettings, "schemaDirectory" | "program" | "now">): ViewDescription[] {
  const migrations = loadMigrations(settings.schemaDirectory);
  const database = withTranslation(":memory:", () => new Database(":memory:"));
  try {
    migrate(database, ":memory:", migrations, settings);
    addTextColumns(database, { raw_line: () => null, fact_key: () => null });
    const columnsOf = database.prepare<[string], { name: string }>("SELECT name FROM pragma_table_info(?)");
    return [...migrations.views.sql.matchAll(/^-- (.+)\nCREATE VIEW (\w+)/gm)].map(([, text = "", name = ""]) => ({
      name,
      text,
      columns: columnsOf.all(name).map((column) => column.name),
    }));
  } finally {
    database.close();
  }
}
