import type { Report } from "../../src/render/html/report.ts";
import type { Sections } from "../../src/stats/sections.ts";
import type { Totals } from "../../src/stats/totals.ts";

const SINCE = "2026-03-02T00:00:00.000Z";
const UNTIL = "2026-03-04T00:00:00.000Z";
const BUCKETS = ["2026-03-02T00:00:00.000Z", "2026-03-03T00:00:00.000Z"];

function totalsOf(received: number): Totals {
  const byStatus = {
    received: 0,
    queued: 0,
    deferred: 1,
    frozen: 1,
    delivered: received - 2,
    partial: 0,
    bounced: 0,
    discarded: 0,
    removed: 0,
    rejected: 0,
    unknown: 0,
  };
  return {
    messages: { received, bytes: 5000, byStatus, open: 2 },
    recipients: {
      total: 20,
      byStatus: {
        rejected: 0,
        pending: 0,
        deferred: 2,
        delivered: 16,
        bounced: 2,
        discarded: 0,
        removed: 0,
        unknown: 0,
      },
      deliveredBytes: 9000,
    },
    attempts: { total: 30, delivered: 16, deferred: 12, bounced: 2, givenUp: 0, timeouts: 3 },
    discarded: 0,
    rejections: { total: 7, permanent: 6, temporary: 1 },
  };
}

/** Sections with a few rows each; wherever a log could put a text, it is this one. */
export function sectionsWith(text: string, received = 100): Sections {
  const sample = { timestamp: SINCE, messageId: text, recipient: text, text };
  const percentiles = { p50Seconds: 1, p90Seconds: 60, p95Seconds: 90, p99Seconds: 7200, maxSeconds: 9000 };
  const bins = [
    { upToSeconds: 10, count: 5 },
    { upToSeconds: 60, count: 3 },
    { upToSeconds: null, count: 1 },
  ];
  const problem = {
    count: 12,
    share: 0.4,
    since: SINCE,
    subjects: [text],
    nextTryAt: null,
    nextTrySeenAt: null,
    advice: [text],
    accounts: [],
  };
  const risk = {
    server: text,
    account: text,
    severity: "serious" as const,
    signs: ["failures" as const],
    failures: 86,
    failedFrom: [text],
    failedFromCount: 1,
    guessedAccounts: 0,
    loginsFrom: [text],
    loginsFromCount: 1,
    networks: 1,
    messages: 16,
    recipients: 16,
    refused: 2,
    domains: 9,
    mostRecipients: 16,
    usualRecipients: 2,
    times: 8,
    first: SINCE,
    last: UNTIL,
  };
  const row = {
    key: text,
    messages: 9,
    deliveries: 8,
    bytes: 900,
    deferrals: 2,
    bounces: 10,
    rejections: 100,
    troubles: null,
  };
  return {
    problems: [
      { ...problem, name: "bounces", severity: "serious" },
      { ...problem, name: "panics", severity: "warning", share: null },
      { ...problem, name: "accounts", severity: "serious", share: null, accounts: [risk] },
    ],
    accounts: [risk, { ...risk, severity: "warning" }],
    incidents: [
      { id: 14, server: text, severity: "critical", status: "open", title: text, start: SINCE, end: null },
      { id: 13, server: text, severity: "serious", status: "over", title: text, start: SINCE, end: UNTIL },
    ],
    totals: totalsOf(received),
    series: {
      bucket: "day",
      points: BUCKETS.map((from, index) => ({
        from,
        received: received / 2 + index,
        bytes: 2500,
        delivered: 8,
        deferred: 6,
        bounced: 1,
        rejected: 3,
      })),
    },
    hours: Array.from({ length: 168 }, (_, place) => ({
      weekday: Math.floor(place / 24) + 1,
      hour: place % 24,
      hours: place < 48 ? 1 : 0,
      received: place < 48 ? place : 0,
      rejected: 0,
    })),
    bounces: { failures: 2, reasons: [{ category: "mailbox_full", failures: 2, sample, reply: text, advice: [text] }] },
    deferrals: { failures: 12, reasons: [{ category: "timeout", failures: 12, sample, reply: null, advice: [] }] },
    rejections: {
      rejections: 7,
      reasons: [
        { phase: "rcpt", category: text, isPermanent: true, rejections: 6, clients: 2, sample },
        { phase: "rcpt", category: text, isPermanent: false, rejections: 1, clients: 1, sample },
      ],
    },
    blocklists: [{ list: text, rejections: 3 }],
    top: [
      {
        axis: "sender",
        rank: "count",
        rows: [row, { ...row, key: `${text}2`, messages: 1000, bounces: 9 }, { ...row, key: `${text}3`, messages: 20 }],
      },
    ],
    queue: { count: 9, percentiles, bins },
    waits: {
      bucket: "day",
      points: BUCKETS.map((from) => ({
        from,
        completed: 9,
        p50Seconds: 0,
        p90Seconds: 60,
        p99Seconds: 7200,
        maxSeconds: 9000,
      })),
    },
    delivery: { count: 9, percentiles, bins },
    tls: { incoming: [{ version: text, cipher: text, count: 3, bytes: 30 }], outgoing: [] },
    origins: [{ origin: "inbound", authenticator: text, protocol: text, messages: 9, bytes: 90 }],
    providers: {
      bucket: "day",
      total: 1,
      providers: [
        {
          provider: text,
          hosts: 1,
          delivered: 8,
          deferred: 2,
          bounced: 1,
          lastSuccess: SINCE,
          deferredRecipients: 2,
          deliveredLater: 1,
          deferrals: [1, 3],
        },
      ],
    },
    forwarding: {
      total: 1,
      forwarders: [
        { forwarder: text, provider: text, attempts: 3, delivered: 1, unwanted: 2, reason: "policy", otherFailures: 0 },
      ],
    },
    slow: {
      total: 1,
      areTimed: true,
      timeoutsWithoutHost: 0,
      hosts: [{ host: text, delivered: 3, timeouts: 1, percentiles }],
    },
    retries: {
      recipients: 20,
      attempts: 30,
      retries: 10,
      attemptsForBounced: 2,
      bins: [
        { fromAttempts: 1, toAttempts: 1, recipients: 15, byStatus: totalsOf(9).recipients.byStatus },
        { fromAttempts: 2, toAttempts: null, recipients: 5, byStatus: totalsOf(9).recipients.byStatus },
      ],
    },
    coverage: {
      state: "partial",
      from: SINCE,
      until: UNTIL,
      logs: [
        {
          server: text,
          logType: "main",
          state: "partial",
          rhythmSeconds: 1800,
          silentFrom: null,
          silentUntil: null,
          isSilent: false,
        },
      ],
      holes: [
        {
          server: text,
          logType: "main",
          from: SINCE,
          until: UNTIL,
          evidence: "queue-runs",
          count: 2,
          rhythmSeconds: 1800,
          previousPath: text,
          nextPath: text,
          endsWithStart: false,
        },
      ],
    },
  };
}

/** A report with every section; `isCompared` adds an earlier time. */
export function reportWith(text: string, { isCompared = false } = {}): Report {
  const sections = sectionsWith(text);
  const sender = {
    account: text,
    messages: 5,
    recipients: 6,
    bounced: 1,
    senderCount: 1,
    senders: [text],
    ipCount: 1,
    ipAddresses: [text],
    first: SINCE,
    last: UNTIL,
  };
  return {
    servers: [text],
    earlier: { since: "2026-02-28T00:00:00.000Z", until: SINCE, totals: totalsOf(80), read: "whole", readNow: "whole" },
    actors: {
      logins: [sender],
      scripts: [
        {
          directory: text,
          messages: 1,
          recipients: 1,
          bounced: 0,
          users: [text],
          senders: [text],
          first: SINCE,
          last: UNTIL,
        },
      ],
      users: [sender],
      failures: [{ ipAddress: text, failures: 12, accounts: [text], succeeded: [text], first: SINCE, last: UNTIL }],
      accountFailures: [
        {
          account: text,
          failures: 12,
          ipCount: 1,
          ipAddresses: [text],
          succeededFrom: [text],
          first: SINCE,
          last: UNTIL,
        },
      ],
      troubles: [{ ipAddress: text, host: text, troubles: 3, kinds: { lost: 3 }, first: SINCE, last: UNTIL }],
    },
    stats: {
      overview: { servers: 1, logs: 1, lines: 100, bytes: 10_000, other: 0, unparsed: 0, from: SINCE, until: UNTIL },
      timeZone: "UTC",
      asked: { since: SINCE, until: UNTIL },
      from: SINCE,
      until: UNTIL,
      coverage: sections.coverage,
      filter: { servers: [text], subjects: { sender: [text] }, limits: [text] },
      sections,
      checks: [],
      ...(isCompared && {
        before: {
          comparison: "previous" as const,
          since: "2026-02-28T00:00:00.000Z",
          until: SINCE,
          coverage: sections.coverage,
          coverageNow: sections.coverage,
          isPartlyCovered: false,
          sections: sectionsWith(text, 80),
        },
      }),
    },
  };
}
