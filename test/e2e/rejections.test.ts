/**
 * The view `rejections` against the commands that the driver of the traffic saw refused, by phase, client and permanence.
 *
 * Not every refusal is a rejection in the log, and some are logged otherwise than answered. Each such difference is a rule here,
 * with its reason; what no rule names must be equal.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { RejectionPhase } from "../../src/parse/events.ts";
import { parseEntry } from "../../src/parse/record.ts";
import { type Corpus, corpusProfiles, type SyslogCorpus, syslogCorpora } from "../support/corpus.ts";
import { corpusDatabase } from "../support/corpus-database.ts";
import { type Refusal, readSessions, refusalsOf } from "../support/sessions.ts";
import { queryAll } from "../support/views.ts";

type AnyCorpus = Corpus | SyslogCorpus;

/** A rejection as it is counted. */
interface CountedRejection {
  readonly phase: RejectionPhase;
  readonly ip: string;
  readonly permanent: boolean;
}

/** Rejected commands without meaning, in the main log. */
interface CountedError {
  readonly ip: string | undefined;
  readonly action: string;
}

/** Form in which rejections of a kind are logged. */
interface Rule {
  readonly reason: string;
  readonly matches: (refusal: Refusal) => boolean;
  /** The rejections that the log has for one, each with what differs from the reply. */
  readonly logged: readonly Partial<CountedRejection>[];
  /** The session event that the log has for it, where the log selector asks for these. */
  readonly error?: "syntax_error" | "protocol_error";
  /** Only these profiles have such refusals, or log them so. */
  readonly isIn?: (corpus: AnyCorpus) => boolean;
}

const SYNTAX_ERRORS = [
  /^unrecognized command$/,
  /^NUL characters are not allowed in SMTP commands$/,
  /^argument must begin with #$/,
  /: invalid UTF-8 byte sequence$/,
  /: missing or malformed local part /,
  /: malformed address: /,
  /: "@" or "\." expected after /,
];

const PROTOCOL_ERRORS = [
  /^sender (?:not yet|already) given$/,
  /(?:^|\n503 )valid RCPT command must precede (?:DATA|BDAT)$/,
  /^already authenticated$/,
  /^not permitted in mail transaction$/,
  /^STARTTLS command used when not advertised$/,
  / authentication mechanism not supported$/,
];

const TOO_MANY_ERRORS = /(?:^|\n\d{3} )Too many (?:syntax or protocol errors|unrecognized commands)$/;

/** The first that matches counts. */
const RULES: readonly Rule[] = [
  {
    reason: "no command was refused: the client fell silent, and Exim ended the session, of which it is an event",
    matches: ({ phase, code }) => phase === undefined && code === 421,
    logged: [],
  },
  {
    reason: "MAIL without HELO is a rejection; the call was dropped as well, since it was one error too many",
    matches: ({ reply }) => reply.startsWith("HELO or EHLO required\n") && TOO_MANY_ERRORS.test(reply),
    logged: [{}, { phase: "command" }],
    error: "protocol_error",
    isIn: isSince498,
  },
  {
    reason: "since 4.98 MAIL without HELO is a protocol error as well",
    matches: ({ reply }) => reply === "HELO or EHLO required",
    logged: [{}],
    error: "protocol_error",
    isIn: isSince498,
  },
  {
    reason: "a call is dropped for the number of its errors, whatever the last command was, here one at the wrong time",
    matches: ({ reply, code }) => TOO_MANY_ERRORS.test(reply) && code === 503,
    logged: [{ phase: "command" }],
    error: "protocol_error",
  },
  {
    reason:
      "a call is dropped for the number of its errors, whatever the last command was, here one that made no sense",
    matches: ({ reply }) => TOO_MANY_ERRORS.test(reply),
    logged: [{ phase: "command" }],
    error: "syntax_error",
  },
  {
    reason:
      "a command that makes no sense is a syntax error, which Exim logs with +smtp_syntax_error, and is no rejection",
    matches: ({ reply }) => SYNTAX_ERRORS.some((pattern) => pattern.test(reply)),
    logged: [],
    error: "syntax_error",
  },
  {
    reason:
      "a command at the wrong time is a protocol error, which Exim logs with +smtp_protocol_error, and is no rejection",
    matches: ({ reply }) => PROTOCOL_ERRORS.some((pattern) => pattern.test(reply)),
    logged: [],
    error: "protocol_error",
  },
  {
    reason: "DATA sent at once with recipients that were refused: Exim logs the refusals of the recipients only",
    matches: ({ reply }) => /(?:^|\n503 )Valid RCPT command must precede DATA$/.test(reply),
    logged: [],
  },
  {
    reason: "of many recipients too many, Exim logs the first one of the message",
    matches: ({ reply, isRepeated }) => reply === "too many recipients" && isRepeated,
    logged: [],
  },
  {
    reason: "a reply to one recipient after the data is logged as such (event prdr), without the client",
    matches: ({ isForRecipient }) => isForRecipient,
    logged: [],
  },
  {
    reason: "the client was told so, and the message was accepted (control = fakereject and fakedefer)",
    matches: ({ reply }) => /^we pretend to (?:reject|defer) this$/.test(reply),
    logged: [],
  },
  {
    reason: "an address that VRFY does not find is a failed verification (event verification)",
    matches: ({ phase, reply }) => phase === "command" && reply === "<nobody-here@example.org> Unknown user",
    logged: [],
  },
  {
    reason: "TLS that cannot begin is an event of its own (tls)",
    matches: ({ phase, code }) => phase === "starttls" && code === 454,
    logged: [],
  },
  {
    reason: "the same, and Exim answers what came instead of TLS (with GnuTLS it does not)",
    matches: ({ reply }) => reply === "Security failure",
    logged: [],
    isIn: isSince498,
  },
  {
    reason: "Exim logs an ETRN that an ACL denies as permanently rejected, and answers 458",
    matches: ({ code }) => code === 458,
    logged: [{ permanent: true }],
  },
  {
    reason: "connections that are too many are not logged with -connection_reject",
    matches: ({ reply }) => reply.startsWith("Too many concurrent SMTP connections"),
    logged: [],
    isIn: ({ truth }) => truth.log_selector === "-all",
  },
];

/** Lines that each session of a scenario logs although no reply shows it. */
interface Unseen {
  readonly scenario: string;
  readonly reason: string;
  readonly isIn?: (corpus: AnyCorpus) => boolean;
  readonly rejections: readonly CountedRejection[];
  readonly errors: readonly CountedError[];
}

const UNSEEN: readonly Unseen[] = [
  {
    scenario: "sync-helo-nopipelining",
    reason: "the driver sent HELO, MAIL and RCPT at once, and hung up after the reply to HELO",
    rejections: [{ phase: "mail", ip: "203.0.113.101", permanent: true }],
    errors: [],
  },
  {
    scenario: "helo-syntax",
    reason: "the fourth error was an EHLO: Exim dropped the call, and its reply does not say why",
    isIn: (corpus) => !isSince498(corpus),
    rejections: [{ phase: "command", ip: "203.0.113.101", permanent: true }],
    errors: [],
  },
  {
    scenario: "http-probe",
    reason: "the driver sent two lines and an empty one at once, and waited for one reply",
    rejections: [],
    errors: [
      { ip: "203.0.113.103", action: "syntax_error" },
      { ip: "203.0.113.103", action: "syntax_error" },
    ],
  },
];

/** Phases that Exim tells apart, and a client cannot: all are replies to the data. */
const DATA_PHASES = new Set(["mime", "local_scan", "cutthrough"]);

const profiles = [...corpusProfiles(), ...syslogCorpora()].filter(
  ({ directory }) => readSessions(directory) !== undefined,
);

if (profiles.length === 0) test.skip("the full corpus is not beside the project: no rejections were compared");

describe.each(profiles)("$name", (corpus) => {
  const sessions = readSessions(corpus.directory) ?? [];
  const rules = RULES.filter(({ isIn }) => isIn?.(corpus) ?? true);
  const judged = sessions.flatMap(refusalsOf).map((refusal) => ({
    refusal,
    rule: rules.find(({ matches }) => matches(refusal)),
  }));
  const unseenHere = UNSEEN.filter(({ isIn }) => isIn?.(corpus) ?? true);
  const unseen = sessions.flatMap(({ scenario }) => unseenHere.filter((one) => one.scenario === scenario));

  test("has as many rejections of each phase and client as the driver saw", async () => {
    const database = await corpusDatabase(corpus);
    const rows = queryAll<{ phase: string; ip: string; permanent: number }>(
      database,
      // Messages submitted on the machine itself have no session.
      "SELECT phase, ip_address AS ip, permanent FROM rejections WHERE phase <> 'non_smtp'",
    );
    const logged = rows.map(({ phase, ip, permanent }) => ({
      phase: DATA_PHASES.has(phase) ? "data" : phase,
      ip,
      permanent: permanent === 1,
    }));
    const expected = [
      ...judged.flatMap(({ refusal, rule }) => loggedAs(refusal, rule)),
      ...unseen.flatMap(({ rejections }) => rejections),
    ];
    expect(expected.length).toBeGreaterThan(100);
    expect(tally(logged)).toEqual(tally(expected));
  });

  test("needs each of the accepted differences", () => {
    const unusedRules = rules.filter((rule) => !judged.some((one) => one.rule === rule));
    const unusedScenarios = unseenHere.filter((one) => !unseen.includes(one));
    expect([...unusedRules, ...unusedScenarios].map(({ reason }) => reason)).toEqual([]);
  });

  const hasErrors = /\+all|\+smtp_syntax_error/.test(corpus.truth.log_selector);

  test.runIf(hasErrors)("has a syntax or protocol error for each command answered so", () => {
    const answered = judged.flatMap(({ refusal: { ip }, rule }) =>
      rule?.error === undefined ? [] : [{ ip, action: rule.error }],
    );
    const expected = [...answered, ...unseen.flatMap(({ errors }) => errors)];
    expect(expected.length).toBeGreaterThan(30);
    expect(tally(readErrors(corpus))).toEqual(tally(expected));
  });
});

function isSince498({ truth }: AnyCorpus): boolean {
  return Number(/(\d\.\d+)/.exec(truth.exim_version)?.[1]) >= 4.98;
}

function loggedAs({ phase, ip, code }: Refusal, rule: Rule | undefined): CountedRejection[] {
  return (rule?.logged ?? [{}]).map((difference) => {
    if (phase === undefined) throw new Error(`There is no rule for a reply ${code} that nobody asked for.`);
    return { phase, ip, permanent: code >= 500, ...difference };
  });
}

function readErrors({ logs }: AnyCorpus): CountedError[] {
  return readFileSync("main" in logs ? logs.main : logs.syslog, "latin1")
    .split("\n")
    .flatMap((line) => {
      const event = parseEntry([line])?.event;
      if (event?.kind !== "session" || !/^(?:syntax|protocol)_error$/.test(event.action)) return [];
      return [{ ip: event.host?.ip, action: event.action }];
    });
}

/** Counts equal rows: `{"ip":"203.0.113.101","permanent":true,"phase":"rcpt"}`. */
function tally(rows: readonly object[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const row of rows) {
    const key = JSON.stringify(row, Object.keys(row).sort());
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
