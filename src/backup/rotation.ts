/** Rotation rules: `7d,4w,12m` keeps the last backup of each of the last 7 days, 4 weeks and 12 months that have one. */
import { PilotError } from "../errors.ts";
import { DAY_MS, WEEK_MS } from "../units.ts";

export interface KeepRule {
  readonly count: number;
  readonly period: Period;
}

type Period = "d" | "w" | "m" | "y";

const FORM = /^([1-9]\d{0,3})([dwmy])$/;

/** Reads `7d,4w,12m`. Errors: `usage`. */
export function parseKeep(text: string): readonly KeepRule[] {
  return text.split(",").map((part) => {
    const match = FORM.exec(part.trim());
    if (match === null) {
      throw new PilotError("usage", `"${text}" is not a rule for backups to keep.`, {
        hint: "Give how many days, weeks, months or years, such as 7d,4w,12m.",
      });
    }
    return { count: Number(match[1]), period: match[2] as Period };
  });
}

export interface Dated {
  readonly createdAt: string;
}

/** Backups that the rules do not keep, given in any order; the newest is never among them. Periods are those of UTC; a week begins on Monday. */
export function chooseSurplus<Backup extends Dated>(backups: readonly Backup[], rules: readonly KeepRule[]): Backup[] {
  const newestFirst = [...backups].sort((one, other) => Date.parse(other.createdAt) - Date.parse(one.createdAt));
  const kept = new Set(newestFirst.slice(0, 1));
  for (const { count, period } of rules) {
    const seen = new Set<string>();
    for (const backup of newestFirst) {
      const name = periodOf(backup.createdAt, period);
      if (seen.has(name)) continue;
      if (seen.size === count) break;
      seen.add(name);
      kept.add(backup);
    }
  }
  return newestFirst.filter((backup) => !kept.has(backup));
}

/** A backup as the choice of those to remove sees it. */
export interface Counted extends Dated {
  readonly path: string;
  /** Log entries in it. */
  readonly entries: number;
}

/** A backup with less than half of the entries of the one before it: more likely an accident than a wish. */
export interface Shrinkage {
  readonly before: string;
  readonly entriesBefore: number;
  readonly entries: number;
}

export interface Removals<Backup> {
  readonly surplus: readonly Backup[];
  /** The newest of those that hold more than twice as much as the one just made, where the rules would remove it. */
  readonly spared: Backup | undefined;
  readonly shrinkage: Shrinkage | undefined;
}

/**
 * Older backups that may be removed now that `made` exists. If `made` holds less than half of the newest of them, none may. The
 * newest of those that hold more than twice as much as `made` stays whatever the rules say: a loss may be noticed much later.
 */
export function chooseRemovals<Backup extends Counted>(
  made: Backup,
  older: readonly Backup[],
  rules: readonly KeepRule[] | undefined,
): Removals<Backup> {
  const newestFirst = [...older].sort((one, other) => Date.parse(other.createdAt) - Date.parse(one.createdAt));
  const isMuchLarger = ({ entries }: Backup): boolean => entries > 2 * made.entries;
  const [last] = newestFirst;
  if (last !== undefined && isMuchLarger(last)) {
    const shrinkage = { before: last.path, entriesBefore: last.entries, entries: made.entries };
    return { surplus: [], spared: undefined, shrinkage };
  }
  if (rules === undefined) return { surplus: [], spared: undefined, shrinkage: undefined };
  const larger = newestFirst.find(isMuchLarger);
  const surplus = chooseSurplus([made, ...older], rules).filter((backup) => backup !== made);
  return {
    surplus: surplus.filter((backup) => backup !== larger),
    spared: surplus.find((backup) => backup === larger),
    shrinkage: undefined,
  };
}

const EPOCH_MONDAY_MS = 4 * DAY_MS;

function periodOf(iso: string, period: Period): string {
  switch (period) {
    case "d":
      return iso.slice(0, 10);
    case "w":
      return String(Math.floor((Date.parse(iso) - EPOCH_MONDAY_MS) / WEEK_MS));
    case "m":
      return iso.slice(0, 7);
    case "y":
      return iso.slice(0, 4);
  }
}
