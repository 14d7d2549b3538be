/** Figures by id, added up outside of SQLite, which would sort millions of rows to group them. */
import type Database from "better-sqlite3";

/** How often an id was counted, and with how many bytes, by measure. */
export interface IdSums {
  readonly count: number;
  readonly bytes: number;
}

/** Room for so many ids at first. */
const FIRST_ROWS = 1024;
const NOTHING: IdSums = { count: 0, bytes: 0 };

/** Two numbers for each measure of each id: how many, and bytes. */
class Sums {
  readonly #measures: number;
  readonly #rowOf = new Map<number, number>();
  #sums: Float64Array;

  constructor(measures: number) {
    this.#measures = measures;
    this.#sums = new Float64Array(FIRST_ROWS * measures * 2);
  }

  get ids(): IterableIterator<number> {
    return this.#rowOf.keys();
  }

  add(measure: number, id: number, bytes: number): void {
    let row = this.#rowOf.get(id);
    if (row === undefined) {
      row = this.#rowOf.size;
      this.#rowOf.set(id, row);
      if ((row + 1) * this.#measures * 2 > this.#sums.length) this.#grow();
    }
    const at = (row * this.#measures + measure) * 2;
    this.#sums[at] = (this.#sums[at] ?? 0) + 1;
    this.#sums[at + 1] = (this.#sums[at + 1] ?? 0) + bytes;
  }

  sums(id: number): readonly IdSums[] {
    const row = this.#rowOf.get(id);
    return Array.from({ length: this.#measures }, (_, measure) => {
      if (row === undefined) return NOTHING;
      const at = (row * this.#measures + measure) * 2;
      return { count: this.#sums[at] ?? 0, bytes: this.#sums[at + 1] ?? 0 };
    });
  }

  #grow(): void {
    const larger = new Float64Array(this.#sums.length * 2);
    larger.set(this.#sums);
    this.#sums = larger;
  }
}

/**
 * The SQL function `tally(measure, id, bytes)` adds one to a measure of an id, and passes over an id that is null. The table
 * `tallied (id)` has the ids with any measure. There is one of each for a connection.
 */
export class IdTally {
  static readonly #known = new WeakMap<Database.Database, IdTally>();
  #figures = new Sums(1);

  private constructor(database: Database.Database) {
    database.function("tally", (measure: number, id: number | null, bytes: number | null): number => {
      if (id !== null) this.#figures.add(measure, id, bytes ?? 0);
      return 1;
    });
    const ids = () => this.#figures.ids;
    database.table("tallied", {
      columns: ["id"],
      *rows() {
        for (const id of ids()) yield [id];
      },
    });
  }

  static of(database: Database.Database): IdTally {
    let tally = IdTally.#known.get(database);
    if (tally === undefined) {
      tally = new IdTally(database);
      IdTally.#known.set(database, tally);
    }
    return tally;
  }

  /** Begins anew, with so many measures: numbers from 0 on. */
  begin(measures: number): void {
    this.#figures = new Sums(measures);
  }

  /** Sums of an id by measure. */
  sums(id: number): readonly IdSums[] {
    return this.#figures.sums(id);
  }
}
