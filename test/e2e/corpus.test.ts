/** Compares the logs with the record of the traffic's driver, for every profile present. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { normaliseAddress } from "../../src/message/address.ts";
import {
  type Corpus,
  corpusProfiles,
  fateKind,
  recipientFates,
  type SyslogCorpus,
  syslogCorpora,
  type TruthFateKind,
} from "../support/corpus.ts";
import { corpusDatabase } from "../support/corpus-database.ts";
import { queryAll, readSources } from "../support/views.ts";

/** The recipient statuses that agree with a fate; fates that are not here are no single fate of a recipient. */
const AGREEING: Partial<Record<TruthFateKind, readonly string[]>> = {
  delivered: ["delivered"],
  bounced: ["bounced"],
  "bounced-undeliverable (bounce gone)": ["bounced"],
  "bounced-undeliverable (bounce frozen on queue)": ["bounced"],
  discarded: ["discarded"],
  removed: ["removed"],
  queued: ["deferred", "pending"],
  frozen: ["deferred", "pending"],
};

/** Disagreements that are in the nature of the log, by scenario. */
const EXPLAINED: Readonly<Record<string, string>> = {
  "cmd-rewritten":
    "rewriting changed the recipient after the arrival was logged: the deliveries name the new address only",
  "admin-sysfilter-redirect": "the system filter set the recipients aside and delivered under its own name",
};

interface Disagreement {
  readonly scenario: string;
  readonly messageId: string;
  readonly recipient: string;
  readonly fate: string;
  readonly status: string;
}

const profiles = [...corpusProfiles(), ...syslogCorpora()];
const hasFull = profiles.some(({ name }) => name.includes("full"));

if (!hasFull) test.skip("the full corpus is not beside the project: only its trimmed copy was tested");

describe.each(profiles)("$name", (corpus) => {
  test("stores every line, gives every byte back and agrees with the truth", async () => {
    const database = await corpusDatabase(corpus);
    const logs = Object.values(corpus.logs);
    for (const source of readSources(database)) {
      const bytes = readFileSync(source.path);
      expect(source.bytes.equals(bytes)).toBe(true);
      expect(source.lines).toBe(countNewlines(bytes));
    }
    expect(readSources(database)).toHaveLength(logs.length);
    const { compared, unnamed, disagreements } = compareFates(corpus, database);
    expect(compared).toBeGreaterThan(30);
    expect(unnamed).toEqual([]);
    expect(disagreements.filter(({ scenario }) => EXPLAINED[scenario] === undefined)).toEqual([]);
  });
});

function countNewlines(bytes: Buffer): number {
  return bytes.toString("latin1").split("\n").length - 1;
}

function compareFates(corpus: Corpus | SyslogCorpus, database: string) {
  const scenarios = new Map(corpus.truth.messages.map(({ n, scenario }) => [n, scenario]));
  const text = Object.values(corpus.logs)
    .map((path) => readFileSync(path, "latin1"))
    .join("");
  const lines = groupByMessage(text);
  const recipients = rowsByMessage<{ recipient: string; status: string }>(
    database,
    "SELECT message_id, recipient, status FROM recipients",
  );
  const destinations = rowsByMessage<{ final_address: string }>(
    database,
    "SELECT message_id, final_address FROM delivery_attempts WHERE final_address <> recipient",
  );
  const disagreements: Disagreement[] = [];
  const unnamed: string[] = [];
  let compared = 0;
  for (const { lab, messageId, recipient, fate } of recipientFates(corpus.truth)) {
    const agreeing = AGREEING[fateKind(fate)];
    if (agreeing === undefined || messageId === undefined) continue;
    const row = recipients.get(messageId)?.find((candidate) => isSame(candidate.recipient, recipient));
    compared++;
    if (row === undefined) {
      const isNamed = (lines.get(messageId) ?? "").toLowerCase().includes(recipient.toLowerCase());
      // The log may name the address only as what another recipient became.
      const isDestination = destinations.get(messageId)?.some((one) => isSame(one.final_address, recipient));
      if (isNamed && isDestination !== true) unnamed.push(`${messageId} ${recipient}`);
    } else if (!agreeing.includes(row.status)) {
      disagreements.push({ scenario: scenarios.get(lab) ?? "", messageId, recipient, fate, status: row.status });
    }
  }
  return { compared, unnamed, disagreements };
}

function rowsByMessage<Row>(database: string, sql: string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of queryAll<Row & { message_id: string }>(database, sql)) {
    const rows = groups.get(row.message_id);
    if (rows === undefined) groups.set(row.message_id, [row]);
    else rows.push(row);
  }
  return groups;
}

/** The driver types addresses as a client would; Exim qualifies, unquotes and lower-cases them. */
function isSame(stored: string, typed: string): boolean {
  const plain = (address: string): string => normaliseAddress(address).toLowerCase().replace(/["\\]/g, "");
  return plain(stored) === plain(typed) || plain(stored).replace(/@.*/, "") === plain(typed);
}

function groupByMessage(text: string): Map<string, string> {
  const groups = new Map<string, string>();
  for (const line of text.split("\n")) {
    const id = / (\w{6}-\w{6}-\w{2}|\w{6}-\w{11}-\w{4})(?: |$)/.exec(line)?.[1];
    if (id !== undefined) groups.set(id, `${groups.get(id) ?? ""}${line}\n`);
  }
  return groups;
}
