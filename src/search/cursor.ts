/** Cursor: a place in the results of a search, as text that a user gives back. */
import type { Hit, Order, SortKey } from "../store/search/search-reader.ts";

/** The same results in the same order continue behind it, whatever was added in the meantime. */
export function formatCursor({ rank, isMessage, id }: Hit, { key, isAscending }: Order): string {
  return Buffer.from([key, isAscending ? "a" : "d", rank, isMessage, id].join(".")).toString("base64url");
}

const CURSOR = /^([a-z-]+)\.([ad])\.(\d+)\.([01])\.(\d+)$/;

/** Undefined when the text is no cursor of this order. */
export function parseCursor(text: string, order: Order): Hit | undefined {
  const match = CURSOR.exec(Buffer.from(text, "base64url").toString("latin1"));
  if (match === null) return undefined;
  const [, key, direction, rank, isMessage, id] = match;
  if ((key as SortKey) !== order.key || (direction === "a") !== order.isAscending) return undefined;
  return { rank: Number(rank), isMessage: isMessage === "1" ? 1 : 0, id: Number(id) };
}
