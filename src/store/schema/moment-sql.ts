/** SQL: epoch milliseconds of a moment, rounded down before 1970, too, as the views and `idx_stored_messages_at_ms` have them. */
export function msOfMoment(moment: string): string {
  return `((${moment} + 62167219200000000) / 1000 - 62167219200000)`;
}

/** SQL: when a message (`m`) arrived, or was first seen, if it did not; epoch milliseconds, by which there is an index. */
export const MESSAGE_MS_SQL = msOfMoment("coalesce(m.arrival_at, m.first_at)");
