import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readHintDump } from "../../src/spool/hints.ts";
import { applyRule, chooseRule, type RetryRule, readRetryRules } from "../../src/spool/retry-rules.ts";
import { epochMs, HOUR_MS, MINUTE_MS } from "../../src/units.ts";
import { FIXTURES } from "../support/database.ts";

/** The section as Debian has it, with rules of each kind in front. */
const CONFIGURATION = `
LAST = F,4d,6h
domainlist local_domains = @ : example.org

begin acl
begin retry

# comments and empty lines count as lines
quick.example        *           F,40m,10m
*.short.example      *           F,2h,20m
uucp.example         *
bob@box.example      rcpt_4xx    senders=:a@x.example  F,1h,5m
*                    quota_1d    F,6h,1h
*                    quota       F,1d,2h
*                    rcpt_45x    F,3h,10m
*                    refused_MX  H,1h,1m,2.5
*                    timeout_connect  F,5h,1h
*                    *           F,2h,15m; G,16h,1h,1.5; \\
                                 LAST

begin rewrite
*@old.example.org   $1@example.org  Efrs
`;

function rulesOf(text: string): readonly RetryRule[] {
  const reading = readRetryRules(text);
  if (reading.kind === "wrong") throw new Error(`${reading.line}: ${reading.reason}`);
  return reading.rules;
}

const RULES = rulesOf(CONFIGURATION);
const ask = (key: string, errno = -18, moreErrno = 0, about: { domain?: string; sender?: string } = {}) => {
  const choice = chooseRule(RULES, { hint: { key, errno, moreErrno }, domain: about.domain, sender: about.sender });
  return choice.kind === "found" ? choice.rule.text.slice(0, 8) : choice.kind === "none" ? "none" : `? ${choice.line}`;
};
const rcpt = (code: number): number => ((code - 400) << 8) | 77;

describe("retry rules", () => {
  test("are read with comments, continued lines and macros, each with the number of its line", () => {
    expect(RULES.map(({ line }) => line)).toEqual([9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
    expect(RULES.at(-1)?.steps).toEqual([
      { text: "F,2h,15m", kind: "F", timeoutSeconds: 7200, intervalSeconds: 900, factor: 1 },
      { text: "G,16h,1h,1.5", kind: "G", timeoutSeconds: 57_600, intervalSeconds: 3600, factor: 1.5 },
      { text: "F,4d,6h", kind: "F", timeoutSeconds: 345_600, intervalSeconds: 21_600, factor: 1 },
    ]);
    expect(rulesOf("* * F,1h,5m")).toHaveLength(1);
    expect(rulesOf("begin routers\nbegin acl\n")).toEqual([]);
  });

  test.each([
    ["R:bob@quick.example", -18, 0, {}, "F,40m,10"],
    ["R:quick.example", -36, 0, {}, "F,40m,10"],
    ["R:a@sub.short.example:<x@y.example>", -44, rcpt(450), {}, "F,2h,20m"],
    ["R:a@short.example", -18, 0, {}, "F,2h,15m"],
    ["T:mx.else.example:192.0.2.1", 111, 0, { domain: "uucp.example" }, ""],
    ["T:mx.else.example:192.0.2.1", 111, 0, { domain: "other.example" }, "F,2h,15m"],
    ["T:mx.else.example:192.0.2.1", 111, 77, { domain: "other.example" }, "H,1h,1m,"],
    ["T:mx.else.example:192.0.2.1", 110, 0x100 | 65, { domain: "other.example" }, "F,5h,1h"],
    ["T:mx.else.example:192.0.2.1", 110, 65, { domain: "other.example" }, "F,2h,15m"],
    // Whose domain it is is not known, and a rule is about some domains.
    ["T:mx.else.example:192.0.2.1", 111, 0, {}, "? 9"],
    ["T:mx.quick.example:192.0.2.1", 111, 0, { domain: "quick.example" }, "F,40m,10"],
    ["R:bob@box.example:<a@x.example>", -44, rcpt(421), {}, "F,1h,5m"],
    ["R:bob@box.example:<>", -44, rcpt(421), {}, "F,1h,5m"],
    ["R:bob@box.example:<b@x.example>", -44, rcpt(421), {}, "F,2h,15m"],
    ["R:bob@box.example", -44, rcpt(421), {}, "? 12"],
    ["R:bob@box.example", -44, rcpt(421), { sender: "a@x.example" }, "F,1h,5m"],
    ["R:eve@box.example:<a@x.example>", -44, rcpt(452), {}, "F,3h,10m"],
    ["T:eve@box.example", -22, 90_000, {}, "F,6h,1h"],
    ["T:eve@box.example", 122, 60, {}, "F,1d,2h"],
    ["T:eve@box.example", -22, -60, {}, "F,1d,2h"],
  ])("%s with %i %i %o: %s", (key, errno, moreErrno, about, expected) => {
    expect(ask(key, errno, moreErrno, about)).toBe(expected);
  });

  test.each([
    "^.*@x",
    "lsearch;/etc/x",
    "!x.example",
    "+local_domains",
    "*@lsearch;/etc/x",
    "a@+list",
    "@",
    "$domain",
    "x : y",
  ])("a rule for %s may hold, which only Exim can tell: no rule behind it is named", (pattern) => {
    const rules = rulesOf(`"${pattern}" * F,1h,5m\n* * F,2h,15m`);
    const choice = chooseRule(rules, {
      hint: { key: "R:a@b.example", errno: -18, moreErrno: 0 },
      domain: undefined,
      sender: undefined,
    });
    expect(choice).toMatchObject({ kind: "unknown", line: 1 });
  });

  test("no rule holds where none is for it", () => {
    const rules = rulesOf("x.example * F,1h,5m");
    expect(
      chooseRule(rules, { hint: { key: "R:y.example", errno: 0, moreErrno: 0 }, domain: undefined, sender: undefined }),
    ).toEqual({
      kind: "none",
    });
    expect(
      chooseRule([], { hint: { key: "R:y.example", errno: 0, moreErrno: 0 }, domain: undefined, sender: undefined }),
    ).toEqual({ kind: "none" });
  });

  test.each([
    ["* *\n*", 2],
    ["* * F,2h", 1],
    ["* * F,2h,15m,2", 1],
    ["* * G,2h,15m", 1],
    ["* * X,2h,15m", 1],
    ["* * F,2,15m", 1],
    [".include /etc/x\n* * F,2h,15m", 1],
    ["begin retry\n\n.ifdef X\n* * F,2h,15m\n.endif", 3],
  ])("%j is wrong in line %i", (text, line) => {
    expect(readRetryRules(text)).toMatchObject({ kind: "wrong", line });
  });

  test("whatever is read is rules or a sentence", () => {
    const word = fc.constantFrom(
      "*",
      " ",
      "F,2h,15m",
      ";",
      "begin retry",
      "\n",
      "\\",
      '"',
      "senders=",
      ":",
      "quota",
      "^",
      "#",
      "G,1h,",
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (words) => {
        const reading = readRetryRules(words.join(""));
        if (reading.kind === "wrong") expect(reading.reason).toMatch(/\.$/);
        else
          for (const rule of reading.rules)
            chooseRule([rule], { hint: { key: "T:x:y", errno: 1, moreErrno: 2 }, domain: "x", sender: "" });
      }),
    );
  });
});

describe("a rule says of a record", () => {
  const [rule] = rulesOf("* * F,2h,15m; G,16h,1h,1.5; F,4d,6h");
  const first = epochMs(Date.UTC(2026, 2, 2, 21));
  const recordAfter = (lastMs: number, gapMs: number) => ({
    firstFailedAt: first,
    lastTriedAt: epochMs(first + lastMs),
    nextTryAt: epochMs(first + lastMs + gapMs),
  });
  const apply = (lastMs: number, gapMs: number) =>
    rule === undefined ? undefined : applyRule(rule, recordAfter(lastMs, gapMs), epochMs(first + lastMs + gapMs));

  test.each([
    [0, 15 * MINUTE_MS, "F,2h,15m", 900],
    [2 * HOUR_MS, 15 * MINUTE_MS, "F,2h,15m", 3600],
    [3 * HOUR_MS, HOUR_MS, "G,16h,1h,1.5", 5400],
    [10 * HOUR_MS, 3 * HOUR_MS, "G,16h,1h,1.5", 16_200],
    [50 * HOUR_MS, 6 * HOUR_MS, "F,4d,6h", 21_600],
    [200 * HOUR_MS, 6 * HOUR_MS, "F,4d,6h", 21_600],
  ])("after %i ms with %i ms to wait: %s held, and then %i s", (lastMs, gapMs, step, seconds) => {
    expect(apply(lastMs, gapMs)).toMatchObject({
      step,
      nextIntervalSeconds: seconds,
      finalCutoffAt: "2026-03-06T21:00:00.000Z",
    });
  });

  test("nothing of what chance chooses, and that all failures are final where it has no times", () => {
    const [random, none] = rulesOf("* * H,1h,1m,2\n* *");
    if (random === undefined || none === undefined) throw new Error("There are two.");
    expect(applyRule(random, recordAfter(0, 0), first).nextIntervalSeconds).toBeNull();
    expect(applyRule(none, recordAfter(0, 0), first)).toMatchObject({
      step: null,
      finalCutoffAt: null,
      nextIntervalSeconds: null,
    });
  });
});

test("the part that held at the last try is the one that real Exim reckoned with", () => {
  const [rules] = [
    rulesOf(
      "quick.example * F,40m,10m\n*.short.example * F,2h,20m\n* quota F,1d,2h\n* * F,2h,15m; G,16h,1h,1.5; F,4d,6h",
    ),
  ];
  const files = ["hints/retry.txt", "default/exim_dumpdb-retry.txt"];
  const seen = files.flatMap((file) => {
    const dump = readHintDump(readFileSync(join(FIXTURES, "queue", file), "utf8"), (wall) =>
      epochMs(Date.parse(`${wall}Z`)),
    );
    if (dump.kind === "damaged") throw new Error(dump.reason);
    return dump.hints.flatMap((hint) => {
      const choice = chooseRule(rules, { hint, domain: "x.example", sender: undefined });
      if (choice.kind !== "found") return [];
      const { step } = applyRule(choice.rule, hint, hint.nextTryAt);
      const gapMinutes = (hint.nextTryAt - hint.lastTriedAt) / MINUTE_MS;
      // A message that has waited for longer than its rule lasts may be tried at any time.
      return gapMinutes === 0 || step === null ? [] : [{ step, gapMinutes, key: hint.key }];
    });
  });
  const wrong = seen.filter(({ step, gapMinutes }) => {
    const interval = { "F,40m,10m": 10, "F,2h,20m": 20, "F,2h,15m": 15, "F,1d,2h": 120, "F,4d,6h": 360 }[step];
    return interval === undefined ? gapMinutes < 60 : gapMinutes !== interval;
  });
  expect(wrong).toEqual([]);
  expect(seen.length).toBeGreaterThan(20);
});

const CORPUS = fileURLToPath(new URL("../../../shared/corpus/", import.meta.url));

test.skipIf(!existsSync(CORPUS))("configurations that real Exim ran on are read", () => {
  const profiles = readdirSync(CORPUS).filter((profile) => existsSync(join(CORPUS, profile, "exim.conf")));
  expect(profiles.length).toBeGreaterThan(3);
  for (const profile of profiles)
    expect(rulesOf(readFileSync(join(CORPUS, profile, "exim.conf"), "utf8")), profile).toHaveLength(6);
});
