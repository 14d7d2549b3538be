/** Every `--json` answer: one object, on lines of its own, with the version of its form and what it answers. */

import type { Answers } from "../answers.ts";
import { toVisibleJson } from "./terminal-text.ts";

/** Raised when a field changes its meaning or goes; new fields may come at any time. */
export const JSON_VERSION = 1;

/** Undefined and error objects have no place in it: results are plain data. */
export function renderJson<Kind extends keyof Answers>(kind: Kind, result: Answers[Kind]): string {
  return `${toVisibleJson(JSON.stringify({ version: JSON_VERSION, kind, ...result }, undefined, 2))}\n`;
}

/** One object a line, for programs that read line by line. */
export function renderJsonLine(result: object): string {
  return `${toVisibleJson(JSON.stringify(result))}\n`;
}
