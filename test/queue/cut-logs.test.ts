/**
 * The queue as of a moment, from a log that ends there: what the spool held when Exim had written so many bytes. The first snapshot of the
 * shortest log, or all of them with EXIM_PILOT_TORTURE.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { queueFromLog } from "../../src/queue/log-queue.ts";
import { epochMs } from "../../src/units.ts";
import {
  type Corpus,
  corpusProfiles,
  type SyslogCorpus,
  syslogCorpora,
  type TruthQueueSnapshot,
} from "../support/corpus.ts";
import { ingestInto, temporaryFolder, withReader } from "../support/database.ts";

interface Cut {
  readonly name: string;
  readonly log: string;
  readonly timeZone: string;
  readonly snapshot: TruthQueueSnapshot;
}

const full: readonly (Corpus | SyslogCorpus)[] = [...corpusProfiles(), ...syslogCorpora()].filter(({ name }) =>
  name.includes("full"),
);
const cuts = full
  .flatMap((corpus): Cut[] => {
    const log = "main" in corpus.logs ? corpus.logs.main : corpus.logs.syslog;
    return corpus.truth.queue_snapshots.map((snapshot) => ({
      name: `${corpus.profile} ${snapshot.tag}`,
      log,
      timeZone: corpus.truth.timezone,
      snapshot,
    }));
  })
  .sort((one, other) => one.snapshot.mainlog_bytes - other.snapshot.mainlog_bytes);
const tried = process.env["EXIM_PILOT_TORTURE"] === undefined ? cuts.slice(0, 1) : cuts;
if (cuts.length === 0) test.skip("the full corpus is not beside the project: no queue is known");

/** Lines about a message whose files Exim cannot read, or no longer finds. */
const UNREADABLE = /(?:Format error in spool file|Error .* spool file|Spool file) (\S+)-[HD]\b(?!.*locked)/g;

test.each(tried)("the log up to $name gives the queue of that time", async ({ log, timeZone, snapshot }) => {
  expect(statSync(log).size).toBeGreaterThanOrEqual(snapshot.mainlog_bytes);
  const text = readFileSync(log, "latin1").slice(0, snapshot.mainlog_bytes);
  const folder = temporaryFolder();
  const [file, path] = [join(folder, "log"), join(folder, "pilot.db")];
  writeFileSync(file, text, "latin1");
  const now = epochMs(Math.ceil(snapshot.t * 1000));
  const { logs } = await ingestInto(path, [file], { timeZone, now: () => now });
  for (const { error } of logs) if (error !== undefined) throw error;

  const told = await withReader(path, async (reader) => [...queueFromLog(reader.queue, now, undefined)]);
  const unreadable = new Set([...text.matchAll(UNREADABLE)].map(([, id]) => id));
  const isReadable = ({ id }: { readonly id: string }): boolean => !unreadable.has(id);
  const frozenById = (queue: readonly { readonly id: string; readonly isFrozen: boolean }[]): Record<string, boolean> =>
    Object.fromEntries(
      queue
        .filter(isReadable)
        .map(({ id, isFrozen }) => [id, isFrozen] as const)
        .sort(),
    );
  expect(frozenById(told)).toEqual(
    frozenById(snapshot.queue.map(({ id, frozen }) => ({ id, isFrozen: frozen !== false }))),
  );
  expect(snapshot.queue.filter(isReadable).length).toBeGreaterThan(0);
  expect(unreadable.size).toBeLessThan(6);
});
