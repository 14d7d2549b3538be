import type { Selectable } from "kysely";
import type { RecipientsView } from "../schema/views.ts";

/**
 * Columns of the view `recipients` that readers take. NOTE: they leave out `created_at`, for which the view looks through the
 * entries of the message at each row. A message of many recipients would take the square of their number.
 */
export const RECIPIENT_COLUMNS = [
  "message_id",
  "server",
  "recipient",
  "status",
  "delivered_at",
  "attempts",
  "last_error",
] as const satisfies readonly (keyof RecipientsView)[];

export type RecipientRow = Pick<Selectable<RecipientsView>, (typeof RECIPIENT_COLUMNS)[number]>;
