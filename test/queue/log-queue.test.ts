/** The queue from the log alone: a small log, and against the spool of the same moment for every full corpus that lies beside the project. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { queueFromLog } from "../../src/queue/log-queue.ts";
import { type Difference, reconcile } from "../../src/queue/reconcile.ts";
import { listSpool, readSpool } from "../../src/queue/spool-directory.ts";
import type { SpoolPlace } from "../../src/queue/spool-places.ts";
import type { QueuedMessage } from "../../src/spool/queued-message.ts";
import { epochMs } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { corpusProfiles } from "../support/corpus.ts";
import { mainLogDatabase } from "../support/corpus-database.ts";
import { ingestInto, temporaryFolder, withReader } from "../support/database.ts";

const LOG = `2026-03-02 06:16:00 1vwwZU-0005V4-1s <= app@shop.example H=r.test [203.0.113.4] P=esmtp S=464 for a@x.example b@y.example
2026-03-02 06:16:01 1vwwZU-0005V4-1s => a@x.example R=d T=s H=mx [203.0.113.5] C="250 OK"
2026-03-02 06:16:02 1vwwZU-0005V4-1s == b@y.example R=d T=s defer (-44): 451 later
2026-03-02 06:17:00 1vwwZV-0005VB-1y <= <> R=1vwwZU-0005V4-1s U=exim P=local S=1671 for app@shop.example
2026-03-02 06:17:01 1vwwZV-0005VB-1y ** app@shop.example R=d T=s: 550 no
2026-03-02 06:17:01 1vwwZV-0005VB-1y Frozen (delivery error message)
2026-03-02 07:00:00 1vwwZU-0005V4-1s => b@y.example R=d T=s H=my [203.0.113.6] C="250 OK"
2026-03-02 07:00:00 1vwwZU-0005V4-1s Completed
`;

async function smallDatabase(): Promise<string> {
  const folder = temporaryFolder();
  const [log, path] = [join(folder, "mainlog"), join(folder, "mail.db")];
  writeFileSync(log, LOG);
  await ingestInto(path, [log], { timeZone: "UTC" });
  return path;
}

test("the log shows the queue now, and as of any time before", async () => {
  const db = await smallDatabase();
  const idsAt = async (at: string): Promise<string> => (await runCli(["queue", "--db", db, "-i", "--at", at])).stdout;
  expect(await idsAt("2026-03-02T06:15:59Z")).toBe("");
  expect(await idsAt("2026-03-02T06:16:30Z")).toBe("1vwwZU-0005V4-1s\n");
  expect(await idsAt("2026-03-02T06:30Z")).toBe("1vwwZU-0005V4-1s\n1vwwZV-0005VB-1y\n");
  expect(await idsAt("2026-03-02T08:00Z")).toBe("1vwwZV-0005VB-1y\n");
  expect((await runCli(["queue", "--db", db, "-i", "-z", "--at", "2026-03-02T06:30Z"])).stdout).toBe(
    "1vwwZV-0005VB-1y\n",
  );
});

test("the log shows who waits and why", async () => {
  const db = await smallDatabase();
  const { stdout } = await runCli(["queue", "--db", db, "--json", "--at", "2026-03-02T06:30:00Z"]);
  const { totals, server, messages } = JSON.parse(stdout) as Record<string, never> & { messages: object[] };
  expect(server).toBe("mx1");
  expect(totals).toMatchObject({ messages: 2, recipients: 2, bytes: 2135, frozen: 1, bounces: 1, oldestSeconds: 840 });
  expect(messages).toMatchObject([
    {
      id: "1vwwZU-0005V4-1s",
      sender: "app@shop.example",
      arrivedAt: "2026-03-02T06:16:00.000Z",
      recipients: [
        { address: "a@x.example", isDelivered: true, reason: null },
        { address: "b@y.example", isDelivered: false, reason: "451 later" },
      ],
    },
    { id: "1vwwZV-0005VB-1y", sender: "<>", isFrozen: true, frozenAt: "2026-03-02T06:17:01.000Z" },
  ]);
});

async function* messagesOf(places: Iterable<SpoolPlace>): AsyncGenerator<readonly QueuedMessage[]> {
  for await (const batch of readSpool(places, { withHeaders: false })) yield [...batch].map(({ message }) => message);
}

const full = corpusProfiles().filter(
  ({ name, directory }) => name.includes("full") && existsSync(join(directory, "queue-end")),
);

describe.each(full)("the queue of $name", (corpus) => {
  const { queue_snapshots } = JSON.parse(readFileSync(join(corpus.directory, "TRUTH.json"), "utf8")) as {
    queue_snapshots: { tag: string; t: number }[];
  };

  test.each(queue_snapshots)("is in the log as Exim listed it: $tag", async ({ tag, t }) => {
    const { places } = listSpool(join(corpus.directory, `queue-${tag}`), "*");
    const log = await withReader(await mainLogDatabase(corpus), async (reader) => [
      ...queueFromLog(reader.queue, epochMs(Math.floor(t * 1000)), undefined),
    ]);
    const found: (Difference | undefined)[] = [];
    for await (const batch of reconcile(messagesOf(places), log, true)) found.push(...batch);
    const differences = found.filter((difference) => difference !== undefined);
    // The log has messages whose spool file is damaged or was moved away, which no line tells; at most one later snapshot.
    const others = differences.filter(({ kind }) => kind !== "log_only");
    expect(others).toEqual([]);
    expect(differences.length).toBeLessThanOrEqual(1);
    expect(found.length - differences.length).toBe(places.length);
  });
});
