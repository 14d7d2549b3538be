/** Messages as real Exim has them on its spools: those of the project, and the full ones where their folder lies beside it. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { openMessage } from "../../src/cli/children/content-source.ts";
import { parseContent } from "../../src/content/parse-content.ts";
import { listSpool } from "../../src/queue/spool-directory.ts";
import { decodeEncodedWords } from "../../src/spool/encoded-words.ts";
import { queueSnapshots } from "../queue/snapshots.ts";

const WISH = { limit: 65_536, headersOnly: false };

interface Sent {
  readonly n: string;
  readonly subject: string | null;
  readonly message_id: string | null;
}

/** Returns the messages that were sent, by the id that the lab gave each; undefined where no such list is there. */
function sentMessages(truth: string): ReadonlyMap<string, Sent> | undefined {
  if (!existsSync(truth)) return undefined;
  const { messages } = JSON.parse(readFileSync(truth, "utf8")) as { messages: Sent[] };
  return new Map(messages.map((message) => [message.n, message]));
}

test.each(queueSnapshots())("$name: every message is read as it was sent", async ({ directory }) => {
  const sent = sentMessages(join(dirname(directory), "TRUTH.json"));
  let [read, compared] = [0, 0];
  for (const place of listSpool(directory, "*").places) {
    const opened = openMessage({ kind: "spool", place });
    if (opened.kind !== "open") continue;
    const { content } = await parseContent(opened.message, WISH);
    read++;
    const headerOf = (name: string): string | undefined =>
      content.headers.find((header) => header.name.toLowerCase() === name)?.value;
    expect(content.previewLimited, place.id).toBe(false);
    expect(headerOf("subject"), place.id).toBeDefined();
    expect(content.text ?? content.htmlText, place.id).not.toBe("");
    const original = sent?.get(headerOf("x-lab-id") ?? "");
    if (original === undefined) continue;
    compared++;
    if (original.subject !== null)
      expect(headerOf("subject"), place.id).toBe(decodeEncodedWords(original.subject).trim());
    if (original.message_id !== null) expect(headerOf("message-id"), place.id).toBe(`<${original.message_id}>`);
  }
  expect(read).toBeGreaterThan(0);
  if (sent !== undefined) expect(compared).toBeGreaterThan(read / 4);
});
