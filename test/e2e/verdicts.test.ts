/** The sentence that `trace` begins with, against what the driver of the traffic knows of each recipient. */
import { describe, expect, test } from "vitest";
import { formatTime } from "../../src/render/form/format.ts";
import type { MessageRow } from "../../src/store/read/message-reader.ts";
import { traceAll } from "../../src/trace/trace.ts";
import {
  type Corpus,
  corpusProfiles,
  fateKind,
  type SyslogCorpus,
  syslogCorpora,
  type TruthFateKind,
} from "../support/corpus.ts";
import { corpusDatabase } from "../support/corpus-database.ts";
import { withReader } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

/** Words of the verdict of a message with a recipient of this fate; fates that are missing here have several. */
const CLAUSES: Partial<Record<TruthFateKind, RegExp>> = {
  delivered: /\bdelivered to\b/i,
  bounced: /\b(?:bounced|failed(?:, with no [\w ]+,)?) for\b/i,
  "bounced-undeliverable (bounce gone)": /\b(?:bounced|failed(?:, with no [\w ]+,)?) for\b/i,
  "bounced-undeliverable (bounce frozen on queue)": /\b(?:bounced|failed(?:, with no [\w ]+,)?) for\b/i,
  discarded: /\bdiscarded\b/i,
  removed: /\bremoved\b/i,
  queued: /\bstill deferred\b|\bnot tried\b|\bwithout a try\b/i,
  frozen: /\bFrozen on the queue\b/,
  rejected: /^Rejected\b|\b(?:refused|turned down) after the data\b/,
  "rejected-temporarily": /^Put off\b|\b(?:put off|turned down) after the data\b/,
};

/** Fates that the log gives only for a whole message, not for one recipient. */
const ABOUT_ALL: readonly TruthFateKind[] = ["rejected", "rejected-temporarily"];

/** Share of the full logs that is tried: every fifth message. */
const SHARE = 5;

const profiles = [...corpusProfiles(), ...syslogCorpora()];

describe("the verdict", () => {
  test.each(profiles.map((corpus) => [corpus.name, corpus] as const))(
    "of %s agrees with the fates",
    async (_name, corpus) => {
      const db = await corpusDatabase(corpus);
      const rows = new Map(queryAll<MessageRow>(db, "SELECT * FROM messages").map((row) => [row.id, row]));
      const named = namedRecipients(db);
      const chosen = messagesOf(corpus).filter(({ id }) => rows.has(id));
      const traces = await withReader(db, (reader) =>
        traceAll(
          reader,
          chosen.flatMap(({ id }) => rows.get(id) ?? []),
          formatTime,
        ),
      );
      const verdicts = new Map(traces.map(({ message, verdict }) => [message.id, verdict]));
      const wrong: string[] = [];
      let compared = 0;
      for (const { id, scenario, fates } of chosen) {
        const verdict = verdicts.get(id) ?? "";
        for (const { recipient, kind } of fates) {
          const clause = CLAUSES[kind];
          const isTold =
            named.has(`${id} ${recipient.toLowerCase()}`) ||
            (ABOUT_ALL.includes(kind) && fates.every((one) => one.kind === kind));
          if (clause === undefined || !isTold) continue;
          compared++;
          if (!clause.test(verdict)) wrong.push(`${scenario}: ${id} ${recipient} ${kind}: ${verdict}`);
        }
      }
      expect(compared).toBeGreaterThan(20);
      expect(wrong).toEqual([]);
    },
  );
});

interface JudgedMessage {
  readonly id: string;
  readonly scenario: string;
  readonly fates: readonly { readonly recipient: string; readonly kind: TruthFateKind }[];
}

function messagesOf({ name, truth }: Corpus | SyslogCorpus): JudgedMessage[] {
  const all = truth.messages.flatMap(({ exim_id: id, scenario, rcpts }) =>
    id === undefined
      ? []
      : [{ id, scenario, fates: rcpts.map(({ addr, fate }) => ({ recipient: addr, kind: fateKind(fate) })) }],
  );
  return name.includes("full") ? all.filter((_, index) => index % SHARE === 0) : all;
}

function namedRecipients(db: string): ReadonlySet<string> {
  const rows = queryAll<{ message_id: string; recipient: string }>(db, "SELECT message_id, recipient FROM recipients");
  return new Set(rows.map(({ message_id, recipient }) => `${message_id} ${recipient.toLowerCase()}`));
}
