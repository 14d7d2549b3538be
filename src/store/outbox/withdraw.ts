/** Notifications of a database that is about to take the place of a later one. */
import type { EpochMs } from "../../units.ts";
import { openForWriting, withTranslation } from "../database/connection.ts";
import { hasTable } from "../schema/has-table.ts";
import { Outbox } from "./outbox.ts";

/**
 * Cancels what the database at `path`, which nobody uses, has yet to send, whatever its schema; returns how many, or null where it knows no
 * notifications. `why`: shown with each. Errors: those of the database.
 */
export function withdrawIn(path: string, why: string, now: EpochMs): number | null {
  const database = openForWriting(path, 0);
  try {
    return withTranslation(path, () =>
      hasTable(database, "stored_outbox") ? new Outbox(database).withdraw(why, now) : null,
    );
  } finally {
    database.close();
  }
}
