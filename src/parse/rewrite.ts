import type { Rewrite } from "./events.ts";
import { closingQuote } from "./quoting.ts";

/**
 * Reads an address that was rewritten, or one of a header line that could not be read for it.
 *
 *     1xiJp7-0005ay-1t "alice@old.example.org" from env-from rewritten as "alice@example.org" by rule 1
 *                      ^
 *     1vwxr4-0005bT-0u qualify/rewrite: domain missing or malformed
 * Source: exim-log-grammar §11.
 */
export function parseRewrite(text: string): Rewrite | undefined {
  for (const start of ["qualify/rewrite: ", "rewrite: "]) {
    if (text.startsWith(start)) {
      return {
        kind: "rewrite",
        address: undefined,
        place: undefined,
        result: undefined,
        by: undefined,
        reason: text.slice(start.length),
      };
    }
  }
  return text.startsWith('"') ? parseRewritten(text) : undefined;
}

const WAY = /^" from ([^"]+?) rewritten (?:as|with)(?: address part of)? "/;
const BY = /^" by (rule \d+|submission mode|\S.*)$/;

/** The values are logged as they are: the words between them show where each ends. */
function parseRewritten(text: string): Rewrite | undefined {
  let quote = text.indexOf('" from ', 1);
  while (quote !== -1) {
    const way = WAY.exec(text.slice(quote));
    if (way !== null) {
      const start = quote + way[0].length;
      const end = text.lastIndexOf('" by ');
      const close = end >= start ? end : closingQuote(text, start);
      if (close === -1) return undefined;
      const by = BY.exec(text.slice(close));
      return {
        kind: "rewrite",
        address: text.slice(1, quote),
        place: way[1],
        result: text.slice(start, close),
        by: by?.[1],
        reason: undefined,
      };
    }
    quote = text.indexOf('" from ', quote + 1);
  }
  return undefined;
}
