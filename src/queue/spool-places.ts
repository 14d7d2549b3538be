/** Places of messages in a spool: packed, so that 100,000 of them take a few megabytes. */
import type { PackedTexts } from "./packed-texts.ts";

/** Directory that holds files of a queue. */
export interface SpoolDirectory {
  /** Empty for the default queue. */
  readonly queueName: string;
  readonly path: string;
}

/** Place of a message's files. */
export interface SpoolPlace {
  readonly id: string;
  readonly queueName: string;
  readonly directory: string;
  /** False: no journal was there when the directory was listed, so that the message is what `-H` said then or says since. */
  readonly hasJournal: boolean;
}

/** Files of one directory. */
export interface DirectoryListing {
  readonly directory: SpoolDirectory;
  /** Names of header files: `1vx1hi-0005yl-09-H`. */
  readonly headers: PackedTexts;
  /** Ids of messages that have a journal. */
  readonly journals: ReadonlySet<string>;
}

export const HEADER_SUFFIX = "-H";

interface PackedListing {
  readonly directory: SpoolDirectory;
  /** Names of header files in their order, each with a newline. */
  readonly names: Buffer;
  readonly journals: ReadonlySet<string>;
}

const NEWLINE = 0x0a;

/** Places of one or several directories, read by id. */
export class SpoolPlaces implements Iterable<SpoolPlace> {
  /** Count of all of them. */
  length = 0;
  readonly #listings: PackedListing[] = [];

  add({ directory, headers, journals }: DirectoryListing): void {
    if (headers.length === 0) return;
    const names = Buffer.allocUnsafe(headers.byteLength);
    let [end, last] = [0, -1];
    for (const index of headers.order()) {
      // NOTE: a directory may list a file twice that was renamed meanwhile.
      if (last !== -1 && headers.compare(last, index) === 0) continue;
      end += headers.copy(index, names, end);
      names[end++] = NEWLINE;
      last = index;
      this.length++;
    }
    this.#listings.push({ directory, names: names.subarray(0, end), journals });
  }

  [Symbol.iterator](): Generator<SpoolPlace> {
    return this.#merged(false);
  }

  reversed(): Generator<SpoolPlace> {
    return this.#merged(true);
  }

  *#merged(isReversed: boolean): Generator<SpoolPlace> {
    const isBefore = (one: Cursor, other: Cursor): boolean =>
      isReversed ? one.name > other.name : one.name < other.name;
    // The one that comes first is the last of them.
    const cursors = this.#listings
      .map((listing) => new Cursor(listing, isReversed))
      .sort((left, right) => (isBefore(left, right) ? 1 : -1));
    for (let cursor = cursors.pop(); cursor !== undefined; cursor = cursors.pop()) {
      yield cursor.place;
      if (!cursor.advance()) continue;
      const moved = cursor;
      const at = cursors.findIndex((other) => isBefore(other, moved));
      cursors.splice(at === -1 ? cursors.length : at, 0, cursor);
    }
  }
}

/** A position among the names of a directory, first at one of their ends. */
class Cursor {
  readonly #listing: PackedListing;
  readonly #isReversed: boolean;
  /** End of the name in front, or start of the one behind. */
  #at: number;
  name = "";

  constructor(listing: PackedListing, isReversed: boolean) {
    this.#listing = listing;
    this.#isReversed = isReversed;
    this.#at = isReversed ? listing.names.length : 0;
    this.advance();
  }

  get place(): SpoolPlace {
    const { directory, journals } = this.#listing;
    const id = this.name.slice(0, -HEADER_SUFFIX.length);
    return { id, queueName: directory.queueName, directory: directory.path, hasJournal: journals.has(id) };
  }

  /** False at the end. */
  advance(): boolean {
    const { names } = this.#listing;
    if (this.#at === (this.#isReversed ? 0 : names.length)) return false;
    if (this.#isReversed) {
      const end = this.#at - 1;
      this.#at = end === 0 ? 0 : names.lastIndexOf(NEWLINE, end - 1) + 1;
      this.name = names.toString("latin1", this.#at, end);
    } else {
      const end = names.indexOf(NEWLINE, this.#at);
      this.name = names.toString("latin1", this.#at, end);
      this.#at = end + 1;
    }
    return true;
  }
}
