/**
 * Retry rules of Exim's configuration: which of them holds for a record, and what it lets Exim do. Pure. What only Exim can tell (a lookup, a
 * named list, a regular expression, an `.ifdef`) is not guessed: where such a rule may hold, none is named.
 * Sources: Exim specification, "Retry configuration" and "Address lists"; src/retry.c.
 */
import { type EpochMs, epochMs, SECOND_MS } from "../units.ts";
import type { RetryHint } from "./hints.ts";
import { domainOf } from "./queued-message.ts";

/** A part of a rule: `F,2h,15m`. */
export interface RetryStep {
  readonly text: string;
  readonly kind: "F" | "G" | "H";
  /** How long after the first failure it holds. */
  readonly timeoutSeconds: number;
  readonly intervalSeconds: number;
  /** Factor of G and H; else 1. */
  readonly factor: number;
}

export interface RetryRule {
  /** In the text that was read, from 1. */
  readonly line: number;
  readonly pattern: string;
  readonly error: string;
  /** Items of `senders=`; undefined: of anybody. */
  readonly senders: readonly string[] | undefined;
  /** Text of the rule: `F,2h,15m; G,16h,1h,1.5; F,4d,6h`. */
  readonly text: string;
  /** None: it is not tried again. */
  readonly steps: readonly RetryStep[];
}

export type RuleReading =
  | { readonly kind: "read"; readonly rules: readonly RetryRule[] }
  | { readonly kind: "wrong"; readonly line: number; readonly reason: string };

interface Line {
  readonly number: number;
  readonly text: string;
}

/** Reads the section `begin retry` of a configuration, or lines that are nothing but its rules. */
export function readRetryRules(text: string): RuleReading {
  const lines = joinLines(text);
  const begins = lines.filter((line) => /^begin\s+\S/.test(line.text));
  const start = begins.find((line) => /^begin\s+retry$/.test(line.text));
  // NOTE: a configuration without the section has no rules.
  if (start === undefined && begins.length > 0) return { kind: "read", rules: [] };
  const end = begins.find((line) => start !== undefined && line.number > start.number);
  const macros = start === undefined ? new Map<string, string>() : readMacros(lines, start.number);
  const rules: RetryRule[] = [];
  for (const { number, text: written } of lines) {
    if (start !== undefined && number <= start.number) continue;
    if (end !== undefined && number >= end.number) break;
    const rule = written.startsWith(".") ? DIRECTIVE : readRule(number, replaceMacros(written, macros));
    if (typeof rule === "string") return { kind: "wrong", line: number, reason: rule };
    rules.push(rule);
  }
  return { kind: "read", rules };
}

const DIRECTIVE = "It is a directive of the configuration, which only Exim can follow.";

/** Without comments and empty lines; a backslash at the end joins the next line, less its leading blanks. */
function joinLines(text: string): readonly Line[] {
  const lines: Line[] = [];
  let open: Line | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const trimmed = raw.trim();
    if (trimmed.startsWith("#") || (trimmed === "" && open === undefined)) continue;
    const joined: string = open === undefined ? trimmed : open.text + trimmed;
    const number: number = open?.number ?? index + 1;
    open = joined.endsWith("\\") ? { number, text: joined.slice(0, -1) } : undefined;
    if (open === undefined) lines.push({ number, text: joined });
  }
  if (open !== undefined) lines.push(open);
  return lines;
}

const MACRO = /^([A-Z][A-Za-z0-9_]*)\s*==?\s*(.*)$/;

function readMacros(lines: readonly Line[], before: number): ReadonlyMap<string, string> {
  const macros = new Map<string, string>();
  for (const { number, text } of lines) {
    if (number >= before) break;
    const [, name, value = ""] = MACRO.exec(text) ?? [];
    if (name !== undefined) macros.set(name, replaceMacros(value, macros));
  }
  return macros;
}

/** Exim replaces the name of a macro wherever it stands. */
function replaceMacros(text: string, macros: ReadonlyMap<string, string>): string {
  let replaced = text;
  for (const [name, value] of macros) replaced = replaced.replaceAll(name, () => value);
  return replaced;
}

const RULE = /^("(?:[^"\\]|\\.)*"|\S+)\s+(\S+)\s*(?:senders=("(?:[^"\\]|\\.)*"|\S+)\s*)?(.*)$/s;

/** A sentence when it is none. */
function readRule(line: number, written: string): RetryRule | string {
  const [, pattern, error, senders, text = ""] = RULE.exec(written) ?? [];
  if (pattern === undefined || error === undefined) return `"${written}" has no error.`;
  const steps: RetryStep[] = [];
  for (const part of text.split(";")) {
    if (part.trim() === "") continue;
    const step = readStep(part.trim());
    if (step === undefined) return `"${part.trim()}" is no part of a retry rule.`;
    steps.push(step);
  }
  return {
    line,
    pattern: unquote(pattern),
    error,
    senders: senders === undefined ? undefined : splitList(unquote(senders)),
    text: text.trim(),
    steps,
  };
}

function readStep(text: string): RetryStep | undefined {
  const [, kind, timeout = "", interval = "", factor] =
    /^([FGH])\s*,\s*(\w+)\s*,\s*(\w+)\s*(?:,\s*(\d+(?:\.\d{1,3})?)\s*)?$/.exec(text) ?? [];
  const [timeoutSeconds, intervalSeconds] = [readTime(timeout), readTime(interval)];
  if (timeoutSeconds === undefined || intervalSeconds === undefined || (kind === "F") !== (factor === undefined))
    return undefined;
  return { text, kind: kind as RetryStep["kind"], timeoutSeconds, intervalSeconds, factor: Number(factor ?? 1) };
}

const TIME_UNITS = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1 } as const;

/** `1h30m`, in seconds. */
function readTime(text: string): number | undefined {
  if (!/^(?:\d{1,9}[wdhms])+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+)([wdhms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * TIME_UNITS[unit as keyof typeof TIME_UNITS],
    0,
  );
}

function unquote(text: string): string {
  return text.startsWith('"') && text.endsWith('"') && text.length > 1
    ? text.slice(1, -1).replace(/\\(.)/gs, "$1")
    : text;
}

/** A colon parts items; a doubled one is one of an item. */
function splitList(text: string): readonly string[] {
  return text.split(/(?<!:):(?!:)/).map((item) => item.trim().replaceAll("::", ":"));
}

export type RuleChoice =
  | { readonly kind: "found"; readonly rule: RetryRule }
  /** No rule holds: a temporary error is a permanent one. */
  | { readonly kind: "none" }
  /** `line`: of the rule that may hold, which only Exim can tell. */
  | { readonly kind: "unknown"; readonly line: number; readonly reason: string };

type Answer = "yes" | "no" | "maybe";

export interface RuleQuestion {
  readonly hint: Pick<RetryHint, "key" | "errno" | "moreErrno">;
  /** Domain of the recipient, for a record of a host; undefined: not known. */
  readonly domain: string | undefined;
  /** Envelope sender, empty of a bounce; undefined: not known. */
  readonly sender: string | undefined;
}

/** The first rule that holds, as Exim looks for it. */
export function chooseRule(rules: readonly RetryRule[], question: RuleQuestion): RuleChoice {
  for (const rule of rules) {
    const answers = [
      matchesError(rule.error, question.hint),
      rule.senders === undefined ? "yes" : matchesSender(rule.senders, question),
      matchesKey(rule.pattern, question),
    ];
    if (answers.includes("no")) continue;
    if (!answers.includes("maybe")) return { kind: "found", rule };
    return {
      kind: "unknown",
      line: rule.line,
      reason: `Whether the rule of line ${rule.line} holds, only Exim can tell.`,
    };
  }
  return { kind: "none" };
}

/** The address of a key, or a host or domain as `*@name`: what is matched with patterns. */
function matchesKey(pattern: string, { hint, domain }: RuleQuestion): Answer {
  const rest = hint.key.slice("R:".length);
  const colon = rest.indexOf(":");
  const key = colon < 0 ? rest : rest.slice(0, colon);
  const own = matchesAddress(pattern, key.includes("@") ? key : `*@${key}`);
  if (own === "yes" || !isHostKey(hint.key)) return own;
  // The domain of the recipient counts for a host, too.
  const other = domain === undefined ? matchesUnknown(pattern) : matchesAddress(pattern, `*@${domain}`);
  if (other === "yes") return "yes";
  return own === "maybe" || other === "maybe" ? "maybe" : "no";
}

function isHostKey(key: string): boolean {
  return key.startsWith("T:") && !key.includes("@") && !key.startsWith("T:/");
}

function matchesUnknown(pattern: string): Answer {
  return pattern === "*" || pattern === "*@*" ? "yes" : "maybe";
}

const ONLY_EXIM = /^[!^+/@$]|^[\w-]+;|^<|\$\{|^\\N|:/;

/** `address`: with a local part, `*` where it has none. */
function matchesAddress(pattern: string, address: string): Answer {
  if (ONLY_EXIM.test(pattern) || /@(?:[\w-]+;|\+|\^)/.test(pattern)) return "maybe";
  if (pattern === "*") return "yes";
  const at = pattern.lastIndexOf("@");
  const [local, domain] = at < 0 ? ["*", pattern] : [pattern.slice(0, at), pattern.slice(at + 1)];
  const own = address.lastIndexOf("@");
  return matchesPart(local, address.slice(0, own)) && matchesPart(domain, address.slice(own + 1)) ? "yes" : "no";
}

/** An asterisk stands for any beginning. */
function matchesPart(pattern: string, text: string): boolean {
  const [wanted, found] = [pattern.toLowerCase(), text.toLowerCase()];
  return wanted.startsWith("*") ? found.endsWith(wanted.slice(1)) : found === wanted;
}

function matchesSender(senders: readonly string[], { sender, hint }: RuleQuestion): Answer {
  const from = /:<(.*)>$/s.exec(hint.key)?.[1] ?? sender;
  if (from === undefined) return "maybe";
  const answers = senders.map((item): Answer => {
    if (item === "" || from === "")
      return item === from || item === "*" ? "yes" : ONLY_EXIM.test(item) ? "maybe" : "no";
    return matchesAddress(item, from);
  });
  const first = answers.find((answer) => answer !== "no");
  return first ?? "no";
}

const ERRORS: Readonly<Record<string, number>> = {
  lost_connection: -18,
  lookup: -32,
  tls_required: -38,
  auth_failed: -42,
};
const [EXIM_QUOTA, RCPT_4XX, MAIL_4XX, DATA_4XX] = [-22, -44, -45, -46];
const REPLIES: Readonly<Record<string, number>> = { rcpt: RCPT_4XX, mail: MAIL_4XX, data: DATA_4XX };
/** Error numbers of Linux, then of the BSDs: EDQUOT and ENOSPC, ECONNREFUSED, ETIMEDOUT. */
const NO_ROOM: readonly number[] = [122, 69, 28];
const REFUSED: readonly number[] = [111, 61];
const TIMED_OUT: readonly number[] = [110, 60];
const [CONNECT_TIMEOUT, LETTER_A, LETTER_M] = [0x100, 65, 77];

/** By the numbers that Exim keeps with a record. */
function matchesError(name: string, { errno, moreErrno }: RuleQuestion["hint"]): Answer {
  if (name === "*") return "yes";
  const is = (condition: boolean): Answer => (condition ? "yes" : "no");
  const known = ERRORS[name.toLowerCase()];
  if (known !== undefined) return is(errno === known);
  const [, quotaTime] = /^quota(?:_(\w+))?$/i.exec(name) ?? [];
  if (/^quota(_|$)/i.test(name)) {
    // Since the mailbox was last read, by the clock of its file: of any time when the rule names none.
    const least = quotaTime === undefined ? Number.NEGATIVE_INFINITY : readTime(quotaTime);
    if (least === undefined) return "maybe";
    return is((errno === EXIM_QUOTA || NO_ROOM.includes(errno)) && least <= moreErrno);
  }
  const [, command = "", digits = ""] = /^(rcpt|mail|data)_4(\d\d|\dx|xx)$/i.exec(name) ?? [];
  if (digits !== "") {
    const code = String((moreErrno >> 8) & 255).padStart(2, "0");
    const isCode =
      digits.toLowerCase() === "xx" || (digits.toLowerCase().endsWith("x") ? code[0] === digits[0] : code === digits);
    return is(errno === REPLIES[command.toLowerCase()] && isCode);
  }
  const [, kind = "", connect, letter] = /^(refused|timeout)(_connect)?(?:_(A|MX))?$/i.exec(name) ?? [];
  if (kind === "") return "maybe";
  if (!(kind.toLowerCase() === "refused" ? REFUSED : TIMED_OUT).includes(errno)) return "no";
  const wanted = letter === undefined ? undefined : letter.toUpperCase() === "A" ? LETTER_A : LETTER_M;
  const isLetter = wanted === undefined || (moreErrno & 255) === wanted;
  return is(isLetter && (connect === undefined || (moreErrno & CONNECT_TIMEOUT) !== 0));
}

/** A rule, applied to a record. */
export interface AppliedRule {
  readonly line: number;
  /** Text of the rule: `F,2h,15m; G,16h,1h,1.5; F,4d,6h`. */
  readonly rule: string;
  /** Its part that held at the last try; null: it has none, so that nothing is tried again. */
  readonly step: string | null;
  /** A failure after then is final; null: each failure is. */
  readonly finalCutoffAt: string | null;
  /** Between the next try and the one after it, should it fail; null where Exim chooses it by chance, or never tries again. */
  readonly nextIntervalSeconds: number | null;
}

/** Exim's default of retry_interval_max. */
const LONGEST_INTERVAL_SECONDS = 86_400;

/** `tryAt`: when it is tried next, about. */
export function applyRule(
  { line, text, steps }: RetryRule,
  hint: Pick<RetryHint, "firstFailedAt" | "lastTriedAt" | "nextTryAt">,
  tryAt: EpochMs,
): AppliedRule {
  const last = steps.at(-1);
  const stepAt = (at: EpochMs): RetryStep | undefined =>
    steps.find(({ timeoutSeconds }) => (at - hint.firstFailedAt) / SECOND_MS <= timeoutSeconds) ?? last;
  const next = stepAt(tryAt);
  return {
    line,
    rule: text,
    step: stepAt(hint.lastTriedAt)?.text ?? null,
    finalCutoffAt:
      last === undefined ? null : new Date(epochMs(hint.firstFailedAt + last.timeoutSeconds * SECOND_MS)).toISOString(),
    nextIntervalSeconds:
      next === undefined ? null : nextInterval(next, (hint.nextTryAt - hint.lastTriedAt) / SECOND_MS),
  };
}

function nextInterval({ kind, intervalSeconds, factor }: RetryStep, gapSeconds: number): number | null {
  if (kind === "H") return null;
  const grown = gapSeconds < intervalSeconds ? intervalSeconds : Math.floor(gapSeconds * factor);
  return Math.min(kind === "F" ? intervalSeconds : grown, LONGEST_INTERVAL_SECONDS);
}

/** The domain that patterns are matched with; undefined of what is no address and no domain. */
export function domainOfSubject(name: string): string | undefined {
  return name.includes("@") ? domainOf(name) : undefined;
}
