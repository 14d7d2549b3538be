import type { Step } from "../setup/plan.ts";
import { countOf } from "./form/format.ts";
import { renderHanging } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

const MARK_WIDTH = 9;

/** Renders a line for each step, with advice below; `isApplied`: the steps have been done. */
export function renderSetup(steps: readonly Step[], isApplied: boolean, columns: number, paint: Paint): string {
  const marks: Readonly<Record<Step["state"], string>> = {
    done: paint.faint("ok".padEnd(MARK_WIDTH)),
    todo: isApplied ? paint.good("done".padEnd(MARK_WIDTH)) : paint.strong("would".padEnd(MARK_WIDTH)),
    kept: paint.waiting("kept".padEnd(MARK_WIDTH)),
    missing: paint.bad("missing".padEnd(MARK_WIDTH)),
  };
  const lines = steps.flatMap(({ about, state, message, hint }) => [
    renderHanging(marks[state], `${about}: ${toVisibleLine(message)}`, MARK_WIDTH, columns),
    ...(hint === undefined ? [] : [renderHanging(" ".repeat(MARK_WIDTH), toVisibleLine(hint), MARK_WIDTH, columns)]),
  ]);
  const count = (state: Step["state"]): number => steps.filter((step) => step.state === state).length;
  const sum = isApplied ? `${countOf(count("todo"), "step")} done` : `${countOf(count("todo"), "step")} to do`;
  const rest = count("missing") === 0 ? "" : `, ${countOf(count("missing"), "thing")} missing`;
  return `${lines.join("\n")}\n\n${sum}${rest}.\n`;
}
