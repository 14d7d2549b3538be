/**
 * "Next about" against what the log tells afterwards, for every waiting message of the full corpora that lie beside the project. A try may
 * come later than said, when a record of a host keeps it back too or queue runs become rarer; it may not come earlier.
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
        for (const message of queueFromLog(reader.queue, now, undefined)) {
          if (message.isFrozen) continue;
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
            const attempts = await reader.messages.attemptsOf({ id: message.id, server: "mx1" });
            const next = attempts.find(
              ({ recipient, timestamp }) => recipient === subject && Date.parse(timestamp) > now,
            );
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
    // A message that was removed, or whose log ends, is never tried again.
    expect(never).toBeLessThanOrEqual(12);
    expect(early).toEqual([]);
    expect(soon.length).toBeGreaterThanOrEqual(2 * late.length);
  });
});
