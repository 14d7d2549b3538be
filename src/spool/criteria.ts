/**
 * Criteria of exipick: `$message_age > 6h`, `$sender_address =~ /@shop/i`, `!$deliver_freeze`. A small grammar, never run as code; regular
 * expressions are left to who evaluates, as they may look for years.
 */
import { LIST_SEPARATOR, toVariableName } from "./variables.ts";

export type ComparisonOperator = "<" | "<=" | "==" | "!=" | ">=" | ">";

export type Test =
  | { readonly kind: "number"; readonly operator: ComparisonOperator; readonly number: number }
  | { readonly kind: "text"; readonly operator: "eq" | "ne"; readonly text: string }
  | { readonly kind: "pattern"; readonly isNegated: boolean; readonly pattern: CriterionPattern }
  | { readonly kind: "is-true" };

export interface CriterionPattern {
  readonly source: string;
  /** Flags of a JavaScript pattern: `i`, `s`, `m`. */
  readonly flags: string;
}

export interface Criterion {
  /** Name without `$`; for `$each_recipients`, the list. */
  readonly variable: string;
  /** Each address of a list is tried for itself: with `--or` one is enough, or with `any` always. */
  readonly each: "no" | "yes" | "any";
  readonly isNegated: boolean;
  readonly test: Test;
}

export type CriterionReading =
  | { readonly kind: "read"; readonly criterion: Criterion }
  | { readonly kind: "wrong"; readonly reason: string };

const FORM = /^(!?)\s*(\$?[A-Za-z][\w-]*:?)(?:\s*(<=|>=|==|!=|=~|!~|<|>)\s*|\s+(=|eq|ne)(?:\s+|$))?(.*)$/s;
const UNIT: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  K: 1024,
  M: 1024 * 1024,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
};

/** `isCaseful`: the operator `=` tells upper and lower case apart. */
export function readCriterion(
  text: string,
  { isCaseful = false }: { readonly isCaseful?: boolean } = {},
): CriterionReading {
  const [, negation, named = "", tight, loose, value = ""] = FORM.exec(text.trim()) ?? [];
  if (negation === undefined) return wrong(`"${text}" is not a criterion.`);
  const operator = tight ?? loose;
  const name = toVariableName(named);
  const isEach = /^each_recipients(_del|_undel)?$/.test(name);
  const test = operator === undefined ? readTruth(value, text) : readTest(operator, value, text, isCaseful);
  if (typeof test === "string") return wrong(test);
  const variable = isEach ? name.slice("each_".length) : name;
  return { kind: "read", criterion: { variable, each: isEach ? "yes" : "no", isNegated: negation === "!", test } };
}

function wrong(reason: string): CriterionReading {
  return { kind: "wrong", reason };
}

function readTruth(value: string, text: string): Test | string {
  return value === "" ? { kind: "is-true" } : `"${text}" has no known operator.`;
}

/** A sentence if it is wrong. */
function readTest(operator: string, value: string, text: string, isCaseful: boolean): Test | string {
  switch (operator) {
    case "eq":
    case "ne":
      return { kind: "text", operator, text: value.replace(/^(['"])(.*)\1$/s, "$2") };
    case "=":
      return readPattern({ source: value, flags: isCaseful ? "" : "i" }, false, text);
    case "=~":
    case "!~": {
      const [, , delimited, flags = ""] = /^m?([/|#!,])(.*)\1([imsx]*)$/s.exec(value) ?? [];
      if (flags.includes("x")) return `"${text}" has the flag x, which is not known here.`;
      return readPattern({ source: delimited ?? value, flags }, operator === "!~", text);
    }
    default: {
      const [, digits, unit = ""] = /^(-?\d+(?:\.\d+)?)([BKMsmhdw]?)$/.exec(value) ?? [];
      if (digits === undefined) return `"${text}" compares with something that is not a number.`;
      return { kind: "number", operator: operator as ComparisonOperator, number: Number(digits) * (UNIT[unit] ?? 1) };
    }
  }
}

function readPattern(pattern: CriterionPattern, isNegated: boolean, text: string): Test | string {
  try {
    new RegExp(pattern.source, pattern.flags);
    return { kind: "pattern", isNegated, pattern };
  } catch (error) {
    if (error instanceof SyntaxError)
      return `"${text}" has a regular expression that cannot be read: ${error.message}.`;
    throw error;
  }
}

/** True when the value passes. `matches`: runs a pattern. */
export function passes(
  { variable, each, isNegated, test }: Criterion,
  textOf: (variable: string) => string,
  isOr: boolean,
  matches: (pattern: CriterionPattern, value: string) => boolean,
): boolean {
  const value = textOf(variable);
  const isTrue = (one: string): boolean => passesTest(test, one, matches) !== isNegated;
  if (each === "no") return isTrue(value);
  const addresses = value === "" ? [] : value.split(LIST_SEPARATOR);
  return isOr || each === "any" ? addresses.some(isTrue) : addresses.every(isTrue);
}

function passesTest(
  test: Test,
  value: string,
  matches: (pattern: CriterionPattern, value: string) => boolean,
): boolean {
  switch (test.kind) {
    case "is-true":
      return value !== "" && value !== "0";
    case "text":
      return (value === test.text) === (test.operator === "eq");
    case "pattern":
      return matches(test.pattern, value) !== test.isNegated;
    case "number":
      return compare(Number.parseFloat(value) || 0, test.operator, test.number);
  }
}

function compare(left: number, operator: ComparisonOperator, right: number): boolean {
  switch (operator) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case ">=":
      return left >= right;
    case ">":
      return left > right;
  }
}
