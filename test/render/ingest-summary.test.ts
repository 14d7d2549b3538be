import { describe, expect, test } from "vitest";
import type { IngestReport, LogReport } from "../../src/ingest/ingest.ts";
import { createPaint } from "../../src/render/form/paint.ts";
import { renderIngestSummary, renderUnusualShares } from "../../src/render/ingest-summary.ts";

const NOTHING = { bytes: 0, lines: 0, entries: 0, other: 0, unparsed: 0, lost: 0, repeated: 0, messages: 0 };

function aReport(
  totals: Partial<IngestReport["totals"]>,
  results: readonly LogReport["result"][] = ["read"],
): IngestReport {
  const logs = results.map((result, index) => ({
    ...NOTHING,
    path: `mainlog.${index}`,
    logType: "main" as const,
    result,
    error: undefined,
  }));
  return { server: "mx1", timeZone: "UTC", logs, totals: { ...NOTHING, ...totals }, isInterrupted: false };
}

function summarise(report: IngestReport): string {
  return renderIngestSummary(report, "mail.db", 2, createPaint(false));
}

describe("the summary of an ingest", () => {
  test("tells lines, messages, what was not understood and the speed", () => {
    const report = aReport({ lines: 3000, messages: 1, other: 2, unparsed: 3 });
    expect(summarise(report)).toBe(
      "Stored 3,000 lines in mail.db: 1 new message, 2 of free text, 3 unparsed (1,500 lines/s).\n",
    );
  });

  test("tells how many logs held nothing new", () => {
    expect(summarise(aReport({}, ["unchanged", "unchanged", "empty"]))).toBe(
      "Nothing new in mail.db (2 logs unchanged, 1 log empty).\n",
    );
  });

  test("tells what has come of lines that had begun", () => {
    expect(summarise(aReport({ bytes: 8 }, ["read", "unchanged"]))).toBe(
      "Stored 8 B of lines that had begun in mail.db (1 log unchanged).\n",
    );
  });

  test("is silent when no log could be read: the errors say it", () => {
    expect(summarise(aReport({}, ["failed"]))).toBe("");
  });
});

describe("the note on unusual shares", () => {
  test("is not there for a usual log", () => {
    expect(renderUnusualShares(aReport({ lines: 1000, other: 50, unparsed: 50 }))).toBe("");
  });

  test("is not there for a few lines", () => {
    expect(renderUnusualShares(aReport({ lines: 99, other: 99 }))).toBe("");
  });

  test("names each share that is more than one would expect", () => {
    const note = renderUnusualShares(aReport({ lines: 1000, other: 120, unparsed: 510 }));
    expect(note).toContain("12 % of the lines are free text and 51 % of the lines are unparsed");
  });
});
