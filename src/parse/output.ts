import type { Output } from "./events.ts";

const WORDS = / transport output: /g;

/**
 * Reads the first line that the command of a delivery wrote.
 *
 *     1vwz8d-0005eZ-0a <|/etc/exim4/pipe.py noisy>: address_pipe transport output: stored as item 17
 *                      ^
 * The address may hold anything; the name of the transport, and the words after it, show where it ends.
 * Source: exim-log-grammar §11.
 */
export function parseOutput(text: string): Output | undefined {
  for (const { index } of text.matchAll(WORDS)) {
    const blank = text.lastIndexOf(" ", index - 1);
    if (!text.startsWith(">: ", blank - 2)) continue;
    const transport = text.slice(blank + 1, index);
    return {
      kind: "output",
      address: text.slice(1, blank - 2),
      transport,
      line: text.slice(index + " transport output: ".length),
    };
  }
  return undefined;
}
