/**
 * Whether Exim writes refusals to syslog twice, where a log does not keep the severity that would tell each line's log. With its option
 * syslog_duplication off, equal lines are as many refusals. Each line is judged by the lines before it in its log, whatever runs,
 * batches and files the log is cut into.
 */
import { DAY_MS, type EpochMs, epochMs, SECOND_MS } from "../../units.ts";

/** A line of a refusal that Exim would write twice. */
export interface TellingLine {
  readonly at: EpochMs;
  /** Equal of both lines of one refusal. */
  readonly key: string;
}

/** Both lines of a refusal stand together within this time. */
const PAIR_SPAN_MS = 2 * SECOND_MS;
/** Lines that are looked at, and no older than a day: the configuration may have been changed. */
const MOST_LINES = 32;
const LONGEST_AGO_MS = DAY_MS;
/** In memory: some of the last ones are too young to tell. */
const MOST_KEPT = 256;
/** An ACL may write to the main log alone: so many single lines for each pair are no sign. */
const SINGLES_OF_A_PAIR = 3;

export interface EarlierLines {
  /** Lines of the same log before those that were noted, from the last one back. */
  readonly ofLog: (sinceMs: EpochMs) => Iterable<TellingLine>;
  /** Lines of the log before it, for a log that has none itself. */
  readonly ofLogBefore: (untilMs: EpochMs, sinceMs: EpochMs) => Iterable<TellingLine>;
}

export class SyslogDoubling {
  readonly #earlier: EarlierLines;
  /** In the order of the log. */
  #lines: TellingLine[] = [];
  #isLoaded = false;

  constructor(earlier: EarlierLines) {
    this.#earlier = earlier;
  }

  /** The next line of the log. `isHalf`: the other line of the same refusal is in another log. */
  note(line: TellingLine, isHalf = false): void {
    this.#lines.push(line);
    if (isHalf) this.#lines.push(line);
    if (this.#lines.length < 2 * MOST_KEPT) return;
    // NOTE: from here on there are enough, and what is stored is not asked for.
    this.#isLoaded = true;
    this.#lines = this.#lines.slice(-MOST_KEPT);
  }

  /** True when a line of this moment that equals another one is taken for the same refusal; by Exim's default, where nothing tells. */
  isDoubled(at: EpochMs): boolean {
    const [sinceMs, untilMs] = [epochMs(at - LONGEST_AGO_MS), epochMs(at - PAIR_SPAN_MS)];
    const isTelling = (line: TellingLine): boolean => line.at >= sinceMs && line.at <= untilMs;
    const newest = this.#lines.toReversed().filter(isTelling).slice(0, MOST_LINES);
    if (newest.length < MOST_LINES && !this.#isLoaded) {
      const stored = [...take(this.#earlier.ofLog(sinceMs), () => true, MOST_KEPT)];
      this.#lines.unshift(...stored.toReversed());
      this.#isLoaded = true;
      newest.push(...take(stored, isTelling, MOST_LINES - newest.length));
    }
    return isDoubling(
      newest.length > 0 ? newest : [...take(this.#earlier.ofLogBefore(at, sinceMs), isTelling, MOST_LINES)],
    );
  }

  /** Forgets what it knows: after a rollback, or when lines are read again. */
  forget(): void {
    this.#lines = [];
    this.#isLoaded = false;
  }
}

function* take(lines: Iterable<TellingLine>, isWanted: (line: TellingLine) => boolean, most: number) {
  if (most <= 0) return;
  let count = 0;
  for (const line of lines) {
    if (!isWanted(line)) continue;
    yield line;
    if (++count === most) return;
  }
}

/** `lines`: from the last one back. */
export function isDoubling(lines: readonly TellingLine[]): boolean {
  const groups = new Map<string, { at: EpochMs; count: number }[]>();
  for (const { key, at } of lines) {
    const ofKey = groups.get(key) ?? [];
    const last = ofKey.at(-1);
    if (last !== undefined && Math.abs(last.at - at) <= PAIR_SPAN_MS) last.count++;
    else ofKey.push({ at, count: 1 });
    groups.set(key, ofKey);
  }
  // NOTE: the group of the oldest line looked at may have begun before it.
  const oldest = lines.length < MOST_LINES ? undefined : groups.get(lines.at(-1)?.key ?? "")?.at(-1);
  let [singles, pairs] = [0, 0];
  for (const group of [...groups.values()].flat()) {
    if (group === oldest) continue;
    if (group.count % 2 === 1) singles++;
    else pairs += group.count / 2;
  }
  return singles <= SINGLES_OF_A_PAIR * pairs;
}
