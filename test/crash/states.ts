/** Chooses the states to try after a power cut: at every instant the extremes, and some that drop, tear and reorder operations. */
import type { Random } from "../support/generate.ts";
import { type Choice, type History, placesOf } from "./file-system.ts";

/** A power cut: before which operation, and what of the pending ones is on the disk. */
export interface Cut {
  readonly end: number;
  readonly policy: string;
  readonly choice: Choice;
}

/** Whole sectors reach the disk: those of old disks, those of new ones. */
const SECTORS = [512, 4096] as const;
const ALL = (): boolean => true;
const NOTHING = (): boolean => false;

type Policy = (history: History, pending: readonly number[], random: Random) => Partial<Choice> | undefined;

const keeping = (keeps: Choice["keeps"]): Partial<Choice> => ({ keeps });

const POLICIES: Readonly<Record<string, Policy>> = {
  "nothing that was not synced": () => keeping(NOTHING),
  "everything that was done": () => keeping(ALL),
  "names without data": (history) => keeping((number) => !isData(history, number)),
  "names and sizes without data": (history) => ({ keeps: (number) => !isData(history, number), size: "ahead" }),
  "data without names": (history) => keeping((number) => isData(history, number)),
  "the first ones": (_history, pending, random) => {
    const last = pickOne(pending, random);
    return last === undefined ? undefined : keeping((number) => number <= last);
  },
  "the last ones": (_history, pending, random) => {
    const first = pickOne(pending, random);
    return first === undefined ? undefined : keeping((number) => number >= first);
  },
  "all but one": (_history, pending, random) => {
    const lost = pickOne(pending, random);
    return lost === undefined ? undefined : keeping((number) => number !== lost);
  },
  "one alone": (_history, pending, random) => {
    const kept = pickOne(pending, random);
    return kept === undefined ? undefined : keeping((number) => number === kept);
  },
  "one file alone": (history, pending, random) => {
    const kept = pickOne(pending, random);
    return kept === undefined ? undefined : keeping((number) => inodeOf(history, number) === inodeOf(history, kept));
  },
  "all files but one": (history, pending, random) => {
    const lost = pickOne(pending, random);
    return lost === undefined ? undefined : keeping((number) => inodeOf(history, number) !== inodeOf(history, lost));
  },
  "all, one torn": (_history, pending, random) => {
    const torn = pickOne(pending, random);
    if (torn === undefined) return undefined;
    const coins = new Coins(random);
    const keepsSector = (number: number, sector: number): boolean => number !== torn || coins.toss(sector);
    return { keeps: ALL, keepsSector, sectorSize: random.pick(SECTORS) };
  },
  "the first ones, the last of them torn": (_history, pending, random) => {
    const last = pickOne(pending, random);
    if (last === undefined) return undefined;
    const coins = new Coins(random);
    const keepsSector = (number: number, sector: number): boolean => number !== last || coins.toss(sector);
    return { keeps: (number) => number <= last, keepsSector, sectorSize: random.pick(SECTORS) };
  },
  some: (_history, _pending, random) => {
    const coins = new Coins(random);
    return keeping((number) => coins.toss(number));
  },
  "some, with sizes ahead": (_history, _pending, random) => {
    const coins = new Coins(random);
    return { keeps: (number) => coins.toss(number), size: "ahead" };
  },
  "some sectors of all": (_history, _pending, random) => {
    const coins = new Coins(random);
    return {
      keeps: ALL,
      keepsSector: (number, sector) => coins.toss(`${number}/${sector}`),
      sectorSize: random.pick(SECTORS),
    };
  },
  "some sectors of some": (_history, _pending, random) => {
    const coins = new Coins(random);
    const keeps = (number: number): boolean => coins.toss(number);
    return {
      keeps,
      keepsSector: (number, sector) => coins.toss(`${number}/${sector}`),
      sectorSize: random.pick(SECTORS),
    };
  },
};

/**
 * Cuts without end, the telling instants first and then all of them in a random order: around each sync, change of names and
 * output, for there it is decided what may be lost.
 */
export function* powerCuts(history: History, random: Random): Generator<Cut> {
  const { operations } = history;
  const telling = new Set<number>([operations.length]);
  operations.forEach(({ kind }, number) => {
    if (kind === "write" || kind === "truncate" || kind === "input") return;
    telling.add(number);
    telling.add(number + 1);
  });
  const all = operations.flatMap((operation, number) => (operation.kind === "input" ? [] : [number]));
  for (let round = 0; ; round++) {
    const ends = round % 2 === 0 ? [...telling] : shuffled(all, random).slice(0, Math.max(telling.size, 100));
    const pairs = ends.flatMap((end) => Object.entries(POLICIES).map(([name, policy]) => ({ end, name, policy })));
    for (const { end, name, policy } of shuffled(pairs, random)) {
      const given = policy(history, history.pendingAt(end), random);
      if (given === undefined) continue;
      yield { end, policy: name, choice: { keeps: ALL, sectorSize: 4096, size: "with data", ...given } };
    }
  }
}

function isData({ operations }: History, number: number): boolean {
  const kind = operations[number]?.kind;
  return kind === "write" || kind === "truncate";
}

/** The file that an operation changes: for names, their directory. */
function inodeOf({ operations }: History, number: number): number | undefined {
  const operation = operations[number];
  if (operation === undefined || ["input", "output", "request"].includes(operation.kind)) return undefined;
  return "inode" in operation && operation.kind !== "bind"
    ? operation.inode
    : placesOf(operation as never)[0]?.directory;
}

function pickOne(numbers: readonly number[], random: Random): number | undefined {
  return numbers.length === 0 ? undefined : random.pick(numbers);
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const keys = new Map(items.map((item) => [item, random.next()]));
  return [...items].sort((one, other) => (keys.get(one) ?? 0) - (keys.get(other) ?? 0));
}

/** Each thing is tossed for once. */
class Coins {
  readonly #random: Random;
  readonly #tossed = new Map<number | string, boolean>();

  constructor(random: Random) {
    this.#random = random;
  }

  toss(thing: number | string): boolean {
    const known = this.#tossed.get(thing);
    if (known !== undefined) return known;
    const side = this.#random.isOneOf(2);
    this.#tossed.set(thing, side);
    return side;
  }
}
