/** Commands that are killed while they work, at instants spread over the time that they usually take. */
import { setTimeout as sleep } from "node:timers/promises";
import { startProgram } from "./child.ts";

export interface KilledRun {
  /** False when it had ended before. */
  readonly isKilled: boolean;
  readonly ms: number;
}

/** Starts the program and kills it after `afterMs`. */
export async function runAndKill(argv: readonly string[], afterMs: number): Promise<KilledRun> {
  const startedMs = performance.now();
  const { child, ended } = startProgram(argv);
  const stop = new AbortController();
  await Promise.race([ended, sleep(afterMs, undefined, { signal: stop.signal }).catch(() => {})]);
  child.kill("SIGKILL");
  const { signal } = await ended;
  stop.abort();
  return { isKilled: signal === "SIGKILL", ms: performance.now() - startedMs };
}

/**
 * Kills a command until that has happened so many times. `prepare` makes what it works on, and gives its arguments; `check` looks at
 * what is left after each.
 */
export async function killAgainAndAgain<Place>(
  kills: number,
  {
    prepare,
    argv,
    check,
  }: {
    readonly prepare: () => Promise<Place> | Place;
    readonly argv: (place: Place) => readonly string[];
    readonly check: (place: Place) => Promise<void>;
  },
): Promise<void> {
  const usual = async (): Promise<number> => (await runAndKill(argv(await prepare()), 600_000)).ms;
  let usualMs = await usual();
  for (let killed = 0; killed < kills; ) {
    const place = await prepare();
    // NOTE: for the first part of its time the program is loaded.
    const share = 0.25 + 0.75 * ((killed + 0.5) / kills);
    const { isKilled, ms } = await runAndKill(argv(place), usualMs * share);
    if (isKilled) killed++;
    // The machine may be less busy than it was.
    else usualMs = Math.min(ms, usualMs * 0.95);
    await check(place);
  }
}
