/**
 * docs/json.md tells the shapes of `--json`: its tables are made of the types they are printed from, and what is printed has the
 * fields that they name. `UPDATE_GOLDEN=1` writes the tables anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { FIXTURES } from "./support/database.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DOCUMENT = join(ROOT, "docs", "json.md");
/** `<!-- src/trace/result.ts Trace -->`, and the table below it. */
const TABLE = /<!-- (\S+) (\w+) -->\n(?:\|.*\n)*/g;

test("the tables of docs/json.md are those of the types", () => {
  const text = readFileSync(DOCUMENT, "utf8");
  const expected = text.replace(
    TABLE,
    (_, file: string, name: string) => `<!-- ${file} ${name} -->\n${tableOf(file, name)}`,
  );
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(DOCUMENT, expected);
  expect(text.match(TABLE)?.length).toBeGreaterThan(8);
  expect(readFileSync(DOCUMENT, "utf8")).toBe(expected);
});

describe("what is printed has the fields that are documented", () => {
  test.each([
    ["trace-json", "messages", "src/trace/result.ts", "Trace"],
    ["trace-json", "messages.message", "src/trace/result.ts", "TracedMessage"],
    ["trace-json", "messages.recipients", "src/trace/result.ts", "TracedRecipient"],
    ["trace-json", "messages.attempts", "src/trace/result.ts", "TracedAttempt"],
    ["trace-json", "messages.timeline", "src/trace/result.ts", "TimelineItem"],
    ["trace-chain-json", "chains", "src/trace/chain.ts", "Chain"],
    ["trace-chain-json", "chains.messages", "src/trace/chain.ts", "ChainMessage"],
    ["trace-chain-json", "chains.links", "src/trace/chain.ts", "ChainLink"],
    ["search-json", "results", "src/search/result.ts", "SearchResult"],
    ["queue-json", "messages", "src/queue/report.ts", "QueueEntry"],
    ["queue-next-json", "answers", "src/spool/next-try.ts", "NextAnswer"],
    ["queue-next-json", "answers.tries", "src/spool/next-try.ts", "NextTry"],
    ["content-json", "attachments", "src/content/result.ts", "ContentAttachment"],
    ["content-json", "headers", "src/content/result.ts", "ContentHeader"],
    ["queue-snapshot-json", "queues", "src/queue/snapshot.ts", "QueueSnapshot"],
    ["queue-json", "totals", "src/queue/overview.ts", "QueueTotals"],
    ["abuse-json", "logins", "src/abuse/abuse.ts", "Sender"],
    ["abuse-json", "users", "src/abuse/abuse.ts", "Sender"],
    ["abuse-json", "failures", "src/abuse/abuse.ts", "LoginFailures"],
    ["abuse-json", "troubles", "src/abuse/abuse.ts", "ClientTroubles"],
    ["abuse-json", "accountFailures", "src/abuse/abuse.ts", "AccountFailures"],
    ["stats-all-json", "sections", "src/stats/sections.ts", "Sections"],
    ["stats-all-json", "overview", "src/store/stats/stats-reader.ts", "Overview"],
    ["stats-all-json", "asked", "src/stats/stats.ts", "AskedTime"],
    ["stats-all-json", "filter", "src/stats/stats.ts", "AskedFilter"],
    ["stats-all-json", "before", "src/stats/stats.ts", "EarlierTime"],
    ["stats-all-json", "sections.problems", "src/stats/problems.ts", "Problem"],
    ["stats-all-json", "coverage", "src/coverage/holes.ts", "Coverage"],
    ["stats-all-json", "coverage.logs", "src/coverage/holes.ts", "LogCoverage"],
    ["stats-all-json", "coverage.holes", "src/coverage/holes.ts", "CoverageHole"],
    ["stats-all-json", "sections.totals", "src/stats/totals.ts", "Totals"],
    ["stats-all-json", "sections.totals.messages", "src/stats/totals.ts", "MessageTotals"],
    ["stats-all-json", "sections.totals.recipients", "src/stats/totals.ts", "RecipientTotals"],
    ["stats-all-json", "sections.totals.attempts", "src/stats/totals.ts", "AttemptTotals"],
    ["stats-all-json", "sections.totals.rejections", "src/stats/totals.ts", "RejectionTotals"],
    ["stats-all-json", "sections.series", "src/stats/series.ts", "Series"],
    ["stats-all-json", "sections.series.points", "src/stats/series.ts", "SeriesPoint"],
    ["stats-all-json", "sections.bounces", "src/stats/reasons.ts", "FailureReasons"],
    ["stats-all-json", "sections.bounces.reasons", "src/stats/reasons.ts", "FailureReason"],
    ["stats-all-json", "sections.rejections.reasons", "src/stats/reasons.ts", "RejectionReason"],
    ["stats-all-json", "sections.rejections.reasons.sample", "src/store/stats/stats-reader.ts", "Sample"],
    ["stats-all-json", "sections.top", "src/store/stats/ranking.ts", "Ranking"],
    ["stats-all-json", "sections.top.rows", "src/store/stats/ranking.ts", "RankedRow"],
    ["stats-all-json", "sections.queue", "src/stats/durations.ts", "Durations"],
    ["stats-all-json", "sections.queue.percentiles", "src/stats/durations.ts", "Percentiles"],
    ["stats-all-json", "sections.queue.bins", "src/stats/durations.ts", "DurationBin"],
    ["stats-all-json", "sections.tls.incoming", "src/stats/security.ts", "TlsShare"],
    ["stats-all-json", "sections.origins", "src/stats/security.ts", "OriginShare"],
    ["stats-all-json", "sections.providers", "src/stats/providers.ts", "ProviderView"],
    ["stats-all-json", "sections.providers.providers", "src/stats/providers.ts", "Provider"],
    ["stats-all-json", "sections.forwarding", "src/stats/forwarding.ts", "ForwardingView"],
    ["stats-all-json", "sections.slow", "src/stats/providers.ts", "SlowHosts"],
    ["stats-all-json", "sections.slow.hosts", "src/stats/providers.ts", "SlowHost"],
    ["stats-all-json", "sections.retries", "src/stats/retries.ts", "Retries"],
    ["stats-all-json", "sections.retries.bins", "src/stats/retries.ts", "RetryBin"],
  ])("%s: %s", (golden, path, file, name) => {
    const printed = JSON.parse(readFileSync(join(FIXTURES, "cli", golden, "stdout"), "utf8"));
    const objects = path
      .split(".")
      .reduce<Record<string, unknown>[]>((found, key) => found.flatMap((one) => one[key] as never), [printed]);
    expect(objects.length).toBeGreaterThan(0);
    const names = fieldsOf(file, name).map((field) => field.name);
    for (const object of objects) expect(Object.keys(object).sort()).toEqual(names.toSorted());
  });
});

interface Field {
  readonly name: string;
  readonly type: string;
  readonly meaning: string;
}

function tableOf(file: string, name: string): string {
  const rows = fieldsOf(file, name).map(
    ({ name, type, meaning }) => `| \`${name}\` | ${type.replaceAll("|", "\\|")} | ${meaning} |`,
  );
  return `${["| field | type | |", "|---|---|---|", ...rows].join("\n")}\n`;
}

/** Types of words. */
const NAMES =
  /\b(?:[A-Z]\w+Status|HitKind|Tone|LinkReason|ProblemName|Severity|FailureCategory|RejectionPhase|AxisName|Rank|Comparison|Condition\["unit"\])(?!\w)/g;

/** The fields of an interface, with those that it extends. */
function fieldsOf(file: string, name: string): Field[] {
  const source = readFileSync(join(ROOT, file), "utf8");
  const [, parent, body] =
    new RegExp(`export interface ${name} (?:extends (\\w+) )?\\{\\n(.*?)\\n\\}`, "s").exec(source) ?? [];
  if (body === undefined) throw new Error(`${file} has no interface ${name}.`);
  const fields = [...body.matchAll(/(?: {2}\/\*\* (.*?) \*\/\n)? {2}readonly (\w+): (.*);/g)].map(
    ([, meaning = "", field = "", type = ""]) => ({
      name: field,
      type: type
        .replaceAll("readonly ", "")
        .replace(NAMES, "string")
        .replace(/Readonly<(Record<[^>]*>)>/, "$1"),
      meaning: meaning.replace(/\s*\n\s*\* /g, " "),
    }),
  );
  if (parent === undefined) return fields;
  const from = new RegExp(`import type \\{[^}]*\\b${parent}\\b[^}]*\\} from "\\./([\\w-]+\\.ts)"`).exec(source)?.[1];
  return [...fields, ...fieldsOf(from === undefined ? file : join(file, "..", from), parent)];
}
