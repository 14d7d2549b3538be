/**
 * Whether Exim sent its lines to syslog once for each log, as it does unless `syslog_duplication` is off. The lines tell: doubled,
 * each rejection stands there an even number of times; not doubled, most stand there once.
 * Source: Exim specification, `syslog_duplication`.
 */
import { type EpochMs, SECOND_MS } from "../units.ts";
import type { SyslogTwin } from "./syslog-twin.ts";

/** A line that would be doubled. */
export interface DoubledLine {
  readonly twin: Pick<SyslogTwin, "key" | "isUsual">;
  readonly at: EpochMs;
}

/** Both lines of a pair are sent at once. */
const LONGEST_PAUSE_MS = SECOND_MS;

interface Run {
  count: number;
  lastAt: EpochMs;
}

/** Counts runs of equal lines of a log, in its order. */
export class SyslogDuplication {
  #even = 0;
  #odd = 0;
  /** Runs that may go on, by what their lines have in common. */
  readonly #open = new Map<string, Run>();
  /** The run of the last line, whose twin may be still to come. */
  #last: Run | undefined;

  /** False when most runs are odd, which they cannot be where each line is doubled. */
  get isLikely(): boolean {
    let even = this.#even;
    let odd = this.#odd;
    for (const run of this.#open.values()) {
      if (run === this.#last) continue;
      if (run.count % 2 === 0) even++;
      else odd++;
    }
    return odd === 0 || even > odd;
  }

  /** Counts the lines of a block that would be doubled. */
  count(lines: Iterable<DoubledLine>): void {
    for (const { twin, at } of lines) {
      if (!twin.isUsual) continue;
      this.#endBefore(at);
      const run = this.#open.get(twin.key) ?? { count: 0, lastAt: at };
      run.count++;
      run.lastAt = at;
      this.#open.set(twin.key, run);
      this.#last = run;
    }
  }

  #endBefore(at: EpochMs): void {
    for (const [key, { count, lastAt }] of this.#open) {
      if (at - lastAt <= LONGEST_PAUSE_MS) continue;
      this.#open.delete(key);
      if (count % 2 === 0) this.#even++;
      else this.#odd++;
    }
  }
}
