import { Cursor } from "./cursor.ts";
import type { Prdr } from "./events.ts";
import { readAngleBrackets, readToken } from "./fields.ts";

/**
 * Reads what was decided about one recipient after the data of a message with several.
 *
 *     1vwwZa-0005X9-2F PRDR R=<alice@example.org> acceptance
 *                      ^
 *     1vwwZa-0005XG-2v PRDR prdrno@example.org this recipient does not want it
 * Source: exim-log-grammar §12.1.
 */
export function parsePrdr(text: string): Prdr | undefined {
  const cursor = new Cursor(text);
  if (!cursor.take("PRDR ")) return undefined;
  if (cursor.take("R=")) {
    const recipient = readAngleBrackets(cursor);
    const verdict = VERDICTS[cursor.rest()];
    return recipient === undefined || verdict === undefined
      ? undefined
      : { kind: "prdr", recipient, verdict, reason: undefined };
  }
  const recipient = readToken(cursor);
  const reason = cursor.rest().trimStart();
  return recipient.includes("@")
    ? { kind: "prdr", recipient, verdict: undefined, reason: reason === "" ? undefined : reason }
    : undefined;
}

const VERDICTS: Readonly<Record<string, Prdr["verdict"]>> = {
  " acceptance": "acceptance",
  " refusal": "refusal",
  " temporary refusal": "temporary_refusal",
};
