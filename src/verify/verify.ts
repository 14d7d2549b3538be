/** Is the database what it says? A list of checks, each a question that a sound database answers with nothing. */

import { setImmediate as turn } from "node:timers/promises";
import { traced } from "../diagnostics.ts";
import type { CheckRunner } from "../store/integrity/check-runner.ts";
import type { CheckProgress, IntegrityCheck } from "../store/integrity/checks/check.ts";
import type { Exclusions } from "../store/integrity/pruned-exclusions.ts";

export interface VerifyOptions {
  /** Leaves out what reads all text. */
  readonly isQuick: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (check: string, progress: CheckProgress | undefined) => void;
}

export interface CheckReport {
  readonly name: string;
  readonly question: string;
  /** Number of all findings. */
  readonly count: number;
  /** The first of them. */
  readonly findings: readonly string[];
  /** Entries and messages left out because their text was pruned; absent if there are none. */
  readonly exclusions?: Exclusions;
}

export interface VerifyReport {
  readonly checks: readonly CheckReport[];
  readonly isInterrupted: boolean;
}

/** More are counted only. */
const MOST_FINDINGS = 20;
/** Between two looks at whether it is to stop. */
const STEPS_PER_TURN = 50;

/** Errors: those of the database. */
export async function verify(
  runner: CheckRunner,
  checks: readonly IntegrityCheck[],
  { isQuick, signal, onProgress }: VerifyOptions,
): Promise<VerifyReport> {
  const reports: CheckReport[] = [];
  runner.begin();
  try {
    for (const check of checks) {
      if (isQuick && check.readsAllText) continue;
      onProgress(check.name, undefined);
      await turn();
      const found = await traced(
        `check ${check.name}`,
        () => runOne(runner, check, { isQuick, signal, onProgress }),
        ({ count }) => ({ findings: count }),
      );
      if (signal.aborted) return { checks: reports, isInterrupted: true };
      reports.push({ name: check.name, question: check.question, ...found });
    }
  } finally {
    runner.end();
  }
  return { checks: reports, isInterrupted: false };
}

async function runOne(
  runner: CheckRunner,
  check: IntegrityCheck,
  { isQuick, signal, onProgress }: VerifyOptions,
): Promise<{ readonly count: number; readonly findings: readonly string[] }> {
  const findings: string[] = [];
  let count = 0;
  let steps = 0;
  for (const step of runner.run(check, isQuick)) {
    if (typeof step !== "string") onProgress(check.name, step);
    else if (++count <= MOST_FINDINGS) findings.push(step);
    if (++steps % STEPS_PER_TURN === 0) await turn();
    if (signal.aborted) break;
  }
  return { count, findings };
}
