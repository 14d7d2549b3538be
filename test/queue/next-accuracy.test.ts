/**
 * "Next about" against what the log tells afterwards, for every waiting message of the full corpora that lie beside the project. A try may
 * come later than said, when another record keeps it back too; it may not come earlier. Of the corpora of 2026: 30 of 33 within two minutes.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { queueFromLog } from "../../src/queue/log-queue.ts";
import { readHintDump } from "../../src/spool/hints.ts";
import { findNextTries, toQueueRuns } from "../../src/spool/next-try.ts";
import { pendingRecipients } from "../../src/spool/queued-message.ts";
import { epochMs, MINUTE_MS, momentAt, momentMs } from "../../src/units.ts";
import { parseWhen } from "../../src/when.ts";
import { corpusProfiles } from "../support/corpus.ts";
import { mainLogDatabase } from "../support/corpus-database.ts";
import { withReader } from "../support/database.ts";

/** exim_dumpdb ran on a machine in UTC. */
const inUtc = (wall: string) => parseWhen(wall, { now: epochMs(0), timeZone: "UTC" })?.from;
const full = corpusProfiles().filter(({ directory }) =>
  existsSync(join(directory, "queue-day2", "exim_dumpdb-retry.txt")),
);

if (full.length === 0) test.skip("the full corpus is not beside the project: no next try was compared");

describe.each(full)("$name", (corpus) => {
  const { queue_snapshots } = JSON.parse(readFileSync(join(corpus.directory, "TRUTH.json"), "utf8")) as {
    queue_snapshots: { tag: string; t: number }[];
  };

  test("says when, within two minutes, for most; and never too early", async () => {
    const [soon, late, early]: [number[], number[], number[]] = [[], [], []];
    let never = 0;
    await withReader(await mainLogDatabase(corpus), async (reader) => {
      for (const { tag, t } of queue_snapshots) {
        const now = epochMs(Math.floor(t * 1000));
        const dump = readHintDump(
          readFileSync(join(corpus.directory, `queue-${tag}`, "exim_dumpdb-retry.txt"), "utf8"),
          inUtc,
        );
        if (dump.kind !== "read") throw new Error(dump.reason);
        const runs = toQueueRuns(reader.queue.queueRunStarts(momentAt(now, 0), undefined).map(momentMs), now);
        const waiting = [...queueFromLog(reader.queue, now, undefined)].filter(({ isFrozen }) => !isFrozen);
        for (const message of waiting) {
          const subjects = pendingRecipients(message).map((name) => ({
            name,
            sender: message.sender ?? undefined,
            hosts: [],
          }));
          for (const { subject, tries } of findNextTries({
            subjects,
            hints: dump.hints,
            runs,
            rules: undefined,
            now,
          })) {
            const [one] = tries.filter(({ about }) => about === "address");
            if (one?.nextAbout === null || one === undefined) continue;
            // A record belongs to all messages of one sender for an address: the try of one moves it on for the others.
            const sharing = waiting.filter(
              (other) => other.sender === message.sender && pendingRecipients(other).includes(subject),
            );
            const attempts = (
              await Promise.all(sharing.map(({ id }) => reader.messages.attemptsOf({ id, server: "mx1" })))
            ).flat();
            const next = attempts
              .filter(({ recipient, timestamp }) => recipient === subject && Date.parse(timestamp) > now)
              .toSorted((left, right) => Date.parse(left.timestamp) - Date.parse(right.timestamp))[0];
            if (next === undefined) {
              never++;
              continue;
            }
            const offMs = Date.parse(next.timestamp) - Date.parse(one.nextAbout);
            (Math.abs(offMs) <= 2 * MINUTE_MS ? soon : offMs > 0 ? late : early).push(offMs / MINUTE_MS);
          }
        }
      }
    });
    // The log ends after the last snapshot; and dmg1@rules.example is of a message whose file was damaged, which Exim passes over.
    expect(never).toBeLessThanOrEqual(12);
    expect(early).toEqual([]);
    // NOTE: filt@example.org is tried later. Exim says "retry time not reached" a second after the time of its record; why is not known.
    expect(late.length).toBeLessThanOrEqual(2);
    expect(soon.length).toBeGreaterThanOrEqual(4 * late.length);
    console.info(
      `${corpus.name}: ${soon.length} within two minutes, ${late.length} later, ${never} never tried again.`,
    );
  });
});
