/**
 * Records of Exim's hints database `retry`: when what failed is tried again. Pure: the bytes of a Berkeley DB hash file, or the text of
 * exim_dumpdb. Keys are `R:domain`, `R:address`, `R:address:<sender>` for routing and RCPT, `T:host:ip` for hosts,
 * `T:transport-path:address` for local deliveries.
 * Sources: Exim specification, "Retry configuration"; Berkeley DB's page layout of hash files, versions 8 to 10.
 */
import { decodeUtf8 } from "../text.ts";
import { type EpochMs, epochMs, SECOND_MS } from "../units.ts";

export interface RetryHint {
  readonly key: string;
  readonly firstFailedAt: EpochMs;
  readonly lastTriedAt: EpochMs;
  /** Exim does not try again earlier. */
  readonly nextTryAt: EpochMs;
  /** Past the final cut-off: the next failure bounces it. */
  readonly isExpired: boolean;
  readonly errno: number;
  readonly moreErrno: number;
  readonly reason: string;
}

/** A key and a value as they are in a hints file. */
export interface HintRecord {
  readonly key: Buffer;
  readonly value: Buffer;
}

export type HintForm = "berkeley_hash" | "sqlite" | "dump" | "unknown";

const HASH_MAGIC = 0x061561;
const MAGIC_AT = 12;
const SQLITE_MAGIC = "SQLite format 3\0";

/** Form of a hints file, by its first bytes. */
export function hintForm(bytes: Buffer): HintForm {
  if (bytes.toString("latin1", 0, SQLITE_MAGIC.length) === SQLITE_MAGIC) return "sqlite";
  if (bytes.length >= MAGIC_AT + 4) {
    const isHash = bytes.readUInt32LE(MAGIC_AT) === HASH_MAGIC || bytes.readUInt32BE(MAGIC_AT) === HASH_MAGIC;
    if (isHash) return "berkeley_hash";
  }
  return /^ {2}\S.*\n/.test(bytes.toString("latin1", 0, 4096)) ? "dump" : "unknown";
}

export type HintReading =
  | { readonly kind: "read"; readonly hints: readonly RetryHint[] }
  | { readonly kind: "damaged"; readonly reason: string };

/** Stays within this file. */
class Damage extends Error {}

function reading(read: () => readonly RetryHint[]): HintReading {
  try {
    return { kind: "read", hints: read() };
  } catch (error) {
    if (error instanceof Damage) return { kind: "damaged", reason: error.message };
    throw error;
  }
}

/** All records of a hash file, by key. */
export function readHashHints(bytes: Buffer): HintReading {
  return reading(() => toHints(new HashFile(bytes).records(), bytes.readUInt32LE(MAGIC_AT) === HASH_MAGIC));
}

/** Records from elsewhere, such as a table of SQLite, of a machine that writes the low byte first. */
export function readHintRecords(records: readonly HintRecord[]): HintReading {
  return reading(() => toHints(records, true));
}

function toHints(records: readonly HintRecord[], isLittle: boolean): readonly RetryHint[] {
  return records
    .map(({ key, value }) => toHint(key, value, isLittle))
    .sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0));
}

const OLD_TIMES_AT = 8;
const NEW_TIMES_AT = 16;
const HINTS_VERSION = 2;
const FIXED_BYTES = 36;
/** Seconds of the years 2000 and 2100: Exim writes its own clock and at most months more. */
const [LEAST_SECONDS, MOST_SECONDS] = [946_684_800, 4_102_444_800];
/** Exim cuts a reason at 150 bytes; the text of hosts and senders before it is longer, but never so much. */
const MOST_REASON = 500;
/** Bytes behind the text of a record: none, or those that a compiler adds to the structure. */
const PADDINGS: readonly number[] = [0, 3];

/**
 * `time_stamp, first_failed, last_try, next_try` (64 bits), `expired, errno, more_errno` (32 bits), text with a NUL; a version in front since
 * 4.100. A file has no checksums, so that each field is held against what Exim can have written.
 */
function toHint(key: Buffer, value: Buffer, isLittle: boolean): RetryHint {
  const name = decodeUtf8(untilNul(key));
  const isEnded = !key.includes(0) || key.indexOf(0) === key.length - 1;
  if (!isEnded || !isKey(name)) throw new Damage("A record has a key that no retry record has.");
  if (value.length < OLD_TIMES_AT + FIXED_BYTES) throw new Damage(`The record of "${name}" is cut.`);
  const word = (at: number): number => (isLittle ? value.readInt32LE(at) : value.readInt32BE(at));
  const hasVersion =
    word(0) === HINTS_VERSION && (word(4) === 0 || word(4) === 1) && value.length >= NEW_TIMES_AT + FIXED_BYTES;
  const start = hasVersion ? NEW_TIMES_AT : OLD_TIMES_AT;
  const time = (index: number): EpochMs => {
    const at = start + 8 * index;
    const seconds = Number(isLittle ? value.readBigInt64LE(at) : value.readBigInt64BE(at));
    if (seconds < LEAST_SECONDS || seconds > MOST_SECONDS)
      throw new Damage(`The record of "${name}" has an invalid time.`);
    return epochMs(seconds * SECOND_MS);
  };
  // NOTE: the time of the record itself is of no use, but tells one that is damaged.
  time(-1);
  const words = start + 24;
  const text = value.subarray(words + 12);
  if (!text.includes(0) || !PADDINGS.includes(text.length - 1 - text.indexOf(0)))
    throw new Damage(`The reason of "${name}" does not end where it should.`);
  return {
    key: name,
    firstFailedAt: time(0),
    lastTriedAt: time(1),
    nextTryAt: time(2),
    isExpired: word(words) !== 0,
    errno: word(words + 4),
    moreErrno: word(words + 8),
    reason: assertReason(decodeUtf8(untilNul(text)), name),
  };
}

/** Errors: damage. */
function assertReason(reason: string, key: string): string {
  if (reason.length > MOST_REASON || CONTROL.test(reason))
    throw new Damage(`The reason of "${key}" is none that Exim writes.`);
  return reason;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what no text of Exim's holds.
const CONTROL = /[\x00-\x08\x0e-\x1f]/;

function isKey(name: string): boolean {
  return /^[RT]:./s.test(name) && name.length <= MOST_REASON && !CONTROL.test(name);
}

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString("latin1", 0, end === -1 ? bytes.length : end);
}

const PAGE_HEADER = 26;
/** Berkeley DB 3.1 to 18. */
const [OLDEST_VERSION, NEWEST_VERSION] = [7, 10];
const [SMALLEST_PAGE, LARGEST_PAGE] = [512, 65_536];
const PAGE_INVALID = 0;
const PAGE_OVERFLOW = 7;
const PAGES_OF_ITEMS: readonly number[] = [2, 13];
const MOST_U16 = 65_535;
const ITEM_HERE = 1;
const ITEM_ELSEWHERE = 3;

class HashFile {
  readonly #bytes: Buffer;
  readonly #isLittle: boolean;
  readonly #pageSize: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    if (bytes.length < SMALLEST_PAGE) throw new Damage("It is cut within its first page.");
    this.#isLittle = bytes.readUInt32LE(MAGIC_AT) === HASH_MAGIC;
    this.#pageSize = this.#u32(20);
    const isSize =
      this.#pageSize >= SMALLEST_PAGE &&
      this.#pageSize <= LARGEST_PAGE &&
      (this.#pageSize & (this.#pageSize - 1)) === 0;
    if (!isSize) throw new Damage(`Its pages cannot be of ${this.#pageSize} bytes.`);
    if (bytes[24] !== 0) throw new Damage("It is encrypted.");
    const version = this.#u32(16);
    if (version < OLDEST_VERSION || version > NEWEST_VERSION) throw new Damage(`Its version ${version} is not known.`);
  }

  records(): readonly HintRecord[] {
    const last = this.#u32(32);
    if ((last + 1) * this.#pageSize > this.#bytes.length)
      throw new Damage(`It says it has ${last + 1} pages, and is cut before its end.`);
    const records: HintRecord[] = [];
    for (let page = 1; page <= last; page++) {
      const start = page * this.#pageSize;
      // NOTE: pages are made several at a time, and those that were never used hold nothing at all.
      if (this.#isEmpty(start)) continue;
      if (this.#u32(start + 8) !== page) throw new Damage(`Page ${page} does not name itself.`);
      const type = this.#bytes[start + 25] ?? 0;
      if (type === PAGE_INVALID || type === PAGE_OVERFLOW) continue;
      if (!PAGES_OF_ITEMS.includes(type)) throw new Damage(`Page ${page} is of the unknown kind ${type}.`);
      this.#readPage(page, start, records);
    }
    const stated = this.#u32(88);
    if (stated !== records.length)
      throw new Damage(`It says it has ${stated} records, and ${records.length} were found.`);
    return records;
  }

  #isEmpty(start: number): boolean {
    return this.#bytes.subarray(start, start + this.#pageSize).every((byte) => byte === 0);
  }

  #readPage(page: number, start: number, records: HintRecord[]): void {
    const count = this.#u16(start + 20);
    if (count % 2 !== 0 || PAGE_HEADER + 2 * count > this.#pageSize)
      throw new Damage(`Page ${page} has a wrong number of items.`);
    let end = this.#pageSize;
    const items: Buffer[] = [];
    for (let index = 0; index < count; index++) {
      const at = this.#u16(start + PAGE_HEADER + 2 * index);
      if (at < PAGE_HEADER + 2 * count || at >= end) throw new Damage(`Page ${page} has an item in a wrong place.`);
      items.push(this.#item(page, start + at, start + end));
      end = at;
    }
    // NOTE: a page that is full ends its free space at 0, since 65,536 does not fit.
    if (end % (MOST_U16 + 1) !== this.#u16(start + 22))
      throw new Damage(`Page ${page} does not say where its items begin.`);
    for (let index = 0; index < items.length; index += 2) {
      const [key, value] = [items[index], items[index + 1]];
      if (key !== undefined && value !== undefined) records.push({ key, value });
    }
  }

  #item(page: number, at: number, end: number): Buffer {
    const kind = this.#bytes[at];
    if (kind === ITEM_HERE) return this.#bytes.subarray(at + 1, end);
    if (kind !== ITEM_ELSEWHERE || end - at < 12)
      throw new Damage(`Page ${page} has an item of the unknown kind ${kind}.`);
    return this.#overflow(this.#u32(at + 4), this.#u32(at + 8));
  }

  /** A long item, over pages of its own. */
  #overflow(first: number, length: number): Buffer {
    if (length > this.#bytes.length) throw new Damage("An item is longer than the file.");
    const parts: Buffer[] = [];
    let [page, have] = [first, 0];
    while (have < length) {
      const start = page * this.#pageSize;
      const isPage =
        page > 0 &&
        start + this.#pageSize <= this.#bytes.length &&
        this.#u32(start + 8) === page &&
        this.#bytes[start + 25] === PAGE_OVERFLOW;
      const size = isPage ? this.#u16(start + 22) : 0;
      if (size === 0 || size > this.#pageSize - PAGE_HEADER)
        throw new Damage("A long item leads to a page that is none of it.");
      parts.push(this.#bytes.subarray(start + PAGE_HEADER, start + PAGE_HEADER + size));
      have += size;
      page = this.#u32(start + 16);
    }
    return Buffer.concat(parts).subarray(0, length);
  }

  #u32(at: number): number {
    return this.#isLittle ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }

  #u16(at: number): number {
    return this.#isLittle ? this.#bytes.readUInt16LE(at) : this.#bytes.readUInt16BE(at);
  }
}

const DUMP_KEY = /^ {2}(\S.*?) (-?\d+) (-?\d+) (.*)$/s;
const DUMP_TIME = "\\d\\d-[A-Z][a-z]{2}-\\d{4} \\d\\d:\\d\\d:\\d\\d";
const DUMP_TIMES = new RegExp(`^(${DUMP_TIME})  (${DUMP_TIME})  (${DUMP_TIME}) (\\*?)$`);
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * Reads what `exim_dumpdb SPOOL retry` prints. `toMoment`: a time on the clock of the one who ran it, which need not be
 * Exim's.
 *
 *       R:ever@rules.example:<app@partner.example> -44 12877 H=mx.rules.example …: 450 4.7.1 always busy
 *     02-Mar-2026 15:51:25  06-Mar-2026 17:41:05  06-Mar-2026 23:41:05 *
 */
export function readHintDump(text: string, toMoment: (wall: string) => EpochMs | undefined): HintReading {
  return reading(() => {
    const hints: RetryHint[] = [];
    let open: string[] = [];
    // NOTE: without its newline the last line may have lost its end, where an asterisk stands.
    const lines = text.split("\n");
    const end = lines.pop() ?? "";
    if (end.trim() !== "") throw new Damage("It ends within a record of exim_dumpdb.");
    for (const line of lines) {
      const times = open.length === 0 ? null : DUMP_TIMES.exec(line);
      if (times === null) {
        if (open.length > 0 && /^ {2}[RT]:/.test(line) && DUMP_KEY.test(line))
          throw new Damage(`"${open[0]}" is a record without its times.`);
        if (open.length > 0 || line.trim() !== "") open.push(line);
        continue;
      }
      const [, key = "", errno, moreErrno, reason = ""] = DUMP_KEY.exec(open.join("\n")) ?? [];
      if (!isKey(key)) throw new Damage(`"${open[0]}" is no record of exim_dumpdb.`);
      const [first, last, next] = times.slice(1, 4).map((time) => momentOf(time, toMoment));
      if (first === undefined || last === undefined || next === undefined)
        throw new Damage(`"${line}" has an invalid time.`);
      hints.push({
        key,
        firstFailedAt: first,
        lastTriedAt: last,
        nextTryAt: next,
        isExpired: times[4] === "*",
        errno: Number(errno),
        moreErrno: Number(moreErrno),
        reason: assertReason(reason, key),
      });
      open = [];
    }
    if (open.some((line) => line.trim() !== "")) throw new Damage("It ends within a record of exim_dumpdb.");
    return hints;
  });
}

function momentOf(time: string, toMoment: (wall: string) => EpochMs | undefined): EpochMs | undefined {
  const [, day, month = "", year, clock] = /^(\d\d)-(\w{3})-(\d{4}) (.*)$/.exec(time) ?? [];
  const number = String(MONTHS.indexOf(month) + 1).padStart(2, "0");
  return toMoment(`${year}-${number}-${day} ${clock}`);
}
