/** Every `--json` answer: one object, on lines of its own, with the version of its form and what it answers. */

import type { Answers } from "../answers.ts";
import { toVisibleJson } from "./terminal-text.ts";

/** Raised when a field changes its meaning or goes; new fields may come at any time. */
export const JSON_VERSION = 1;

/** Undefined and error objects have no place in it: results are plain data. */
export function renderJson<Kind extends keyof Answers>(kind: Kind, result: Answers[Kind]): string {
  return renderFields(kind, result);
}

function renderFields(kind: keyof Answers, fields: object): string {
  return `${toVisibleJson(JSON.stringify({ version: JSON_VERSION, kind, ...fields }, undefined, 2))}\n`;
}

/** One object a line, for programs that read line by line. */
export function renderJsonLine(result: object): string {
  return `${toVisibleJson(JSON.stringify(result))}\n`;
}

const INDENT = "  ";
/** Texts around an item of a list in a list, as JSON writes it. */
const [BEFORE_ITEM, BEHIND_ITEM] = [`[\n${INDENT}[`, `\n${INDENT}]\n]`];

/**
 * The pieces of an answer as {@link renderJson} prints it, of which one list is too long to be held: what stands before it, then its items
 * one by one, then what `tail` tells when they have all been seen.
 */
export class JsonStream {
  readonly #kind: keyof Answers;
  readonly #name: string;
  #isEmpty = true;

  /** `name`: of the list. */
  constructor(kind: keyof Answers, name: string) {
    this.#kind = kind;
    this.#name = name;
  }

  head(fields: object): string {
    return `${renderFields(this.#kind, fields).slice(0, -"\n}\n".length)},\n${INDENT}${JSON.stringify(this.#name)}: [`;
  }

  item(item: object): string {
    // NOTE: two lists around it indent it as it stands in the answer.
    const text = toVisibleJson(JSON.stringify([[item]], undefined, INDENT));
    const comma = this.#isEmpty ? "" : ",";
    this.#isEmpty = false;
    return `${comma}${text.slice(BEFORE_ITEM.length, -BEHIND_ITEM.length)}`;
  }

  tail(fields: object): string {
    const text = toVisibleJson(JSON.stringify(fields, undefined, 2));
    return `${this.#isEmpty ? "" : `\n${INDENT}`}],\n${text.slice("{\n".length)}\n`;
  }
}
