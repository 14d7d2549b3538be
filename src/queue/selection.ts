/** Selects messages of a queue by criteria; patterns are left open where they must be tried elsewhere. */
import { PilotError } from "../errors.ts";
import { type Criterion, type CriterionPattern, passes, readCriterion } from "../spool/criteria.ts";
import type { QueuedMessage } from "../spool/queued-message.ts";
import {
  isVariable,
  LIST_SEPARATOR,
  needsHeaders,
  needsSpool,
  toVariableName,
  VARIABLE_NAMES,
  type VariableSource,
  variableText,
} from "../spool/variables.ts";

/** Criteria as typed. */
export interface SelectionRequest {
  readonly criteria: readonly string[];
  /** One criterion is enough; else all must hold. */
  readonly isOr: boolean;
  /** The operator `=` tells upper and lower case apart. */
  readonly isCaseful: boolean;
  /** Criteria that were given as flags. */
  readonly others: readonly Criterion[];
  /** Variables that are shown, as typed. */
  readonly shown: readonly string[];
  /** Variables that the order is by, as typed. */
  readonly sortedBy: readonly string[];
}

/** A message that is wanted, or may be. */
export interface Candidate {
  readonly message: QueuedMessage;
  /** Texts of the variables that are shown, in their order. */
  readonly shown: readonly string[];
  readonly sortKeys: readonly string[];
  /** Patterns that decide, with the text each of them is about; none: it is wanted. */
  readonly open: readonly OpenCriterion[];
}

interface OpenCriterion {
  /** Place among the criteria of the selection. */
  readonly index: number;
  readonly text: string;
}

export type Matches = (pattern: CriterionPattern, text: string) => boolean;

/** Errors of the constructor: `usage`. */
export class QueueSelection {
  /** All messages that were considered. */
  count = 0;
  readonly #criteria: readonly Criterion[];
  readonly #isOr: boolean;
  readonly #shown: readonly string[];
  readonly #sortedBy: readonly string[];

  constructor({ criteria, isOr, isCaseful, others, shown, sortedBy }: SelectionRequest) {
    this.#criteria = [...others, ...criteria.map((text) => toCriterion(text, isCaseful))];
    this.#isOr = isOr;
    this.#shown = shown.map(toKnownVariable);
    this.#sortedBy = sortedBy.map(toKnownVariable);
  }

  get #variables(): readonly string[] {
    return [...this.#criteria.map(({ variable }) => variable), ...this.#shown, ...this.#sortedBy];
  }

  get patterns(): readonly CriterionPattern[] {
    return this.#criteria.flatMap(({ test }) => (test.kind === "pattern" ? [test.pattern] : []));
  }

  get isSorted(): boolean {
    return this.#sortedBy.length > 0;
  }

  get needsHeaders(): boolean {
    return this.#variables.some(needsHeaders);
  }

  /** Errors: `usage` when a variable is asked that only spool files tell. */
  assertWithoutSpool(): void {
    const unknown = this.#variables.find(needsSpool);
    if (unknown === undefined) return;
    throw new PilotError("usage", `Only the files of a spool have $${unknown}.`, {
      hint: "Give the spool with --spool, such as --spool /var/spool/exim4.",
    });
  }

  /** Undefined when it is not wanted, whatever patterns say. */
  consider(source: VariableSource): Candidate | undefined {
    this.count++;
    const { message } = source;
    const textOf = (name: string): string => variableText(source, name);
    const open: OpenCriterion[] = [];
    let isAnyTrue = false;
    for (const [index, criterion] of this.#criteria.entries()) {
      // A file that tells nothing passes no criterion.
      if (message.sender === null) return undefined;
      if (criterion.test.kind === "pattern") {
        open.push({ index, text: textOf(criterion.variable) });
        continue;
      }
      const isTrue = passes(criterion, textOf, this.#isOr, neverAsked);
      if (!isTrue && !this.#isOr) return undefined;
      isAnyTrue ||= isTrue;
    }
    const isSettled = this.#isOr && isAnyTrue;
    if (this.#isOr && !isAnyTrue && open.length === 0 && this.#criteria.length > 0) return undefined;
    return {
      message,
      shown: this.#shown.length === 0 ? NONE : this.#shown.map(textOf),
      sortKeys: this.#sortedBy.length === 0 ? NONE : this.#sortedBy.map(textOf),
      open: isSettled || open.length === 0 ? NONE : open,
    };
  }

  /** True when its patterns match, or enough of them. */
  isWanted({ open }: Candidate, matches: Matches): boolean {
    const isTrue = ({ index, text }: OpenCriterion): boolean => {
      const criterion = this.#criteria[index];
      return criterion !== undefined && passes(criterion, () => text, this.#isOr, matches);
    };
    return open.length === 0 || (this.#isOr ? open.some(isTrue) : open.every(isTrue));
  }

  /** Each pattern with the texts it is to be tried on. */
  openTexts(candidates: Iterable<Candidate>): ReadonlyMap<CriterionPattern, ReadonlySet<string>> {
    const texts = new Map<CriterionPattern, Set<string>>();
    for (const { open } of candidates) {
      for (const { index, text } of open) {
        const criterion = this.#criteria[index];
        if (criterion?.test.kind !== "pattern") continue;
        const { pattern } = criterion.test;
        const known = texts.get(pattern) ?? new Set();
        texts.set(pattern, known);
        for (const one of criterion.each === "no" ? [text] : text.split(LIST_SEPARATOR)) known.add(one);
      }
    }
    return texts;
  }
}

const NONE: readonly never[] = [];

function neverAsked(): boolean {
  throw new Error("A pattern was asked before it could be tried.");
}

function toCriterion(text: string, isCaseful: boolean): Criterion {
  const reading = readCriterion(text, { isCaseful });
  if (reading.kind === "wrong") {
    throw new PilotError("usage", reading.reason, {
      hint: "Criteria look like '$message_age > 6h', '$sender_address =~ /@shop/', '!$deliver_freeze'.",
    });
  }
  assertVariable(reading.criterion.variable);
  return reading.criterion;
}

function toKnownVariable(text: string): string {
  const name = toVariableName(text);
  assertVariable(name);
  return name;
}

function assertVariable(name: string): void {
  if (isVariable(name)) return;
  const [nearest = ""] = VARIABLE_NAMES.toSorted((left, right) => distance(name, left) - distance(name, right));
  // A name that shares little with it would mislead.
  const isNear = distance(name, nearest) <= Math.max(1, Math.floor(name.length / FEWEST_LETTERS_OF_A_SLIP));
  throw new PilotError("usage", `There is no variable $${name}.`, {
    hint: isNear
      ? `Did you mean $${nearest}? ${OTHER_VARIABLES}`
      : `Names are exipick's, such as $message_age, $message_size, $sender_address. ${OTHER_VARIABLES}`,
  });
}

const FEWEST_LETTERS_OF_A_SLIP = 3;
const OTHER_VARIABLES = "Headers are $h_NAME, variables of ACLs $acl_cNAME and $acl_mNAME.";

/** Edit distance: characters to change, insert or delete. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let at = 1; at <= from.length; at++) {
    const next = [at];
    for (let other = 1; other <= to.length; other++) {
      const change = from[at - 1] === to[other - 1] ? 0 : 1;
      next.push(Math.min((row[other] ?? 0) + 1, (next[other - 1] ?? 0) + 1, (row[other - 1] ?? 0) + change));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
