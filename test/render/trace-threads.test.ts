/** Threads of a timeline: every line is in one of them, in its order. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { formatTime } from "../../src/render/form/format.ts";
import { TIMELINE_GROUPINGS, threadsOf } from "../../src/render/trace/threads.ts";
import type { MessageRow } from "../../src/store/read/message-reader.ts";
import type { TimelineItem } from "../../src/trace/result.ts";
import { traceAll } from "../../src/trace/trace.ts";
import { FIXTURES, ingestInto, temporaryFolder, withReader } from "../support/database.ts";
import { queryAll } from "../support/views.ts";

const item = (text: string, recipient: string | null, host: string | null): TimelineItem => ({
  timestamp: "2026-03-30T06:00:00.000Z",
  event: "delivery",
  seenIn: ["main"],
  retryCause: null,
  raw: text,
  mark: "",
  text,
  tone: "plain",
  recipient,
  host,
});

describe("threads", () => {
  test("begin with the message as a whole, and go on in the order of their first lines", () => {
    const timeline = [
      item("1", "bob@b.test", "mx.b.test"),
      item("2", null, "r.test"),
      item("3", "ann@a.test", null),
      item("4", "bob@b.test", "MX.b.test"),
      item("5", null, null),
    ];
    const texts = (by: "recipient" | "host") =>
      threadsOf(timeline, by).map(({ name, items }) => [name, items.map(({ text }) => text).join("")]);
    expect(texts("recipient")).toEqual([
      [null, "25"],
      ["bob@b.test", "14"],
      ["ann@a.test", "3"],
    ]);
    expect(texts("host")).toEqual([
      [null, "35"],
      ["mx.b.test", "14"],
      ["r.test", "2"],
    ]);
  });

  test("of every message hold each of its lines once, and those of a recipient bear its name", async () => {
    const db = join(temporaryFolder(), "pilot.db");
    await ingestInto(
      db,
      ["mainlog", "rejectlog", "paniclog"].map((log) => join(FIXTURES, "corpus", "default", log)),
    );
    const rows = queryAll<MessageRow>(db, "SELECT * FROM messages");
    const traces = await withReader(db, (reader) => traceAll(reader, rows, formatTime));
    expect(traces.length).toBeGreaterThan(50);
    for (const { timeline, recipients } of traces) {
      for (const by of TIMELINE_GROUPINGS.filter((grouping) => grouping !== "time")) {
        const items = threadsOf(timeline, by).flatMap((thread) => thread.items);
        expect(new Set(items)).toEqual(new Set(timeline));
        expect(items).toHaveLength(timeline.length);
      }
      const names = threadsOf(timeline, "recipient").map(({ name }) => name);
      for (const { address, attempts } of recipients) if (attempts > 0) expect(names).toContain(address);
    }
  });
});
