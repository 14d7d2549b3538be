/** From the clock of the wall to a moment: zones, repeated and skipped hours. */
import { messageIdTime } from "../../parse/message-id.ts";
import { type Prefix, zonedMs } from "../../parse/prefix.ts";
import type { SyslogHeader } from "../../parse/syslog.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, MINUTE_MS, utcDayMs } from "../../units.ts";
import { offsetsOfWall, type WallOffsets } from "../../when.ts";

/** Zones change at multiples of this. */
const STEP_MS = 15 * MINUTE_MS;
/** Longest disorder of lines around a rotation; a greater step back in time begins the second pass of an hour. */
const DISORDER_MS = 10 * MINUTE_MS;
/** The id is made when reception starts, by the same clock, and cut to seconds. */
const ID_TOLERANCE_MS = 2000;
const REMEMBERED_STEPS = 1000;

const FIRST_MS = utcDayMs(0, 1, 1);
const END_MS = utcDayMs(10_000, 1, 1);

const YEAR_MS = 365 * DAY_MS;
/** A stamp without a year is no farther back than this: clocks are set, and lines come late. */
const FARTHEST_BACK_MS = 31 * DAY_MS;

/**
 * Resolves the stamps of one log, in its order. Stamps with a zone are exact. In an hour that happens twice the message id
 * tells which pass it is when the message is younger than the first; else the line continues where the line before it was.
 * A stamp of syslog without a year is of the first year that puts it after the line before it.
 * Source: exim-log-grammar §2; the id's time, Exim specification "Message identification".
 */
export class LogClock {
  readonly #timeZone: string;
  readonly #offsets = new Map<number, WallOffsets>();
  readonly #begin: EpochMs | undefined;
  #last: EpochMs | undefined;
  /** Zone of syslog stamps that state none, learnt from the last line that also has a stamp of Exim with a zone. */
  #syslogZone: number | undefined;

  /**
   * `last` is the moment of the entry before the first one read now; where there is none, `begin` tells about when the log
   * begins, for stamps without a year.
   */
  constructor(timeZone: string, last: EpochMs | undefined, begin?: EpochMs) {
    this.#timeZone = timeZone;
    this.#last = last;
    this.#begin = begin;
  }

  get last(): EpochMs | undefined {
    return this.#last;
  }

  /** `syslog`: the header before a stamp of Exim's. */
  resolve(prefix: Prefix, syslog?: Pick<SyslogHeader, "wallMs" | "lacksYear">): EpochMs {
    const { messageId } = prefix;
    const zoneMinutes = prefix.lacksYear === undefined ? prefix.zoneMinutes : this.#syslogZone;
    const syslogMs = syslog?.lacksYear === true && prefix.lacksYear === undefined ? syslog.wallMs : undefined;
    if (syslogMs !== undefined && zoneMinutes !== undefined)
      this.#learnZone(prefix.wallMs - zoneMinutes * MINUTE_MS, syslogMs);
    const wallMs = prefix.lacksYear === undefined ? prefix.wallMs : this.#withYear(prefix.wallMs);
    const at = zoneMinutes === undefined ? this.#resolveLocal(wallMs, messageId) : zonedMs(wallMs, zoneMinutes);
    // A time that its zone shifts out of the years 0 to 9999 fits no timestamp: it counts as UTC.
    this.#last = epochMs(at >= FIRST_MS && at < END_MS ? at : wallMs);
    return this.#last;
  }

  /** A stamp of syslog beside one of Exim's is of the same moment. */
  #learnZone(at: number, syslogWallMs: number): void {
    const ahead = new Date(syslogWallMs).setUTCFullYear(new Date(at).getUTCFullYear()) - at;
    const zoneMs = Math.round(ahead / STEP_MS) * STEP_MS;
    const isZone = Math.abs(zoneMs) <= 14 * HOUR_MS && Math.abs(ahead - zoneMs) <= DISORDER_MS / 5;
    if (isZone) this.#syslogZone = zoneMs / MINUTE_MS;
  }

  /** The first year in which the stamp is not before the line before it. */
  #withYear(wallMs: number): number {
    const earliest = (this.#last ?? this.#begin ?? wallMs) - FARTHEST_BACK_MS;
    const year = new Date(earliest).getUTCFullYear();
    const inYear = new Date(wallMs).setUTCFullYear(year);
    return inYear >= earliest ? inYear : new Date(wallMs).setUTCFullYear(year + 1);
  }

  #resolveLocal(wallMs: number, messageId: string | undefined): number {
    const [first, second] = this.#offsetsAt(wallMs);
    const earlier = wallMs - first;
    if (second === undefined) return earlier;
    const isYounger = messageId !== undefined && messageIdTime(messageId) > earlier + ID_TOLERANCE_MS;
    const isAfter = this.#last !== undefined && this.#last > earlier + DISORDER_MS;
    return isYounger || isAfter ? wallMs - second : earlier;
  }

  #offsetsAt(wallMs: number): WallOffsets {
    const step = Math.floor(wallMs / STEP_MS);
    let offsets = this.#offsets.get(step);
    if (offsets === undefined) {
      if (this.#offsets.size >= REMEMBERED_STEPS) this.#offsets.clear();
      offsets = offsetsOfWall(step * STEP_MS, this.#timeZone);
      this.#offsets.set(step, offsets);
    }
    return offsets;
  }
}

/** First stamps of a syslog file, which show its time. */
export interface FirstStamps {
  /** Stamp of the first line, if it lacks the year. */
  readonly yearlessMs: number | undefined;
  /** The first one with a year. */
  readonly fullMs: number | undefined;
  readonly messageId: string | undefined;
}

/**
 * About when a log begins whose stamps say no year: in the year that the first stamp with one tells; else when its first message
 * does, for the id gives the time; else within the year before `now`.
 */
export function beginOfLog({ yearlessMs, fullMs, messageId: firstMessageId }: FirstStamps, now: EpochMs): EpochMs {
  if (fullMs !== undefined) {
    if (yearlessMs === undefined) return epochMs(fullMs);
    const year = new Date(fullMs).getUTCFullYear();
    const inYear = new Date(yearlessMs).setUTCFullYear(year);
    return epochMs(inYear <= fullMs + DAY_MS ? inYear : new Date(yearlessMs).setUTCFullYear(year - 1));
  }
  const begin = firstMessageId === undefined ? undefined : messageIdTime(firstMessageId);
  // An id of the future, which anybody can make up, tells nothing.
  return begin !== undefined && begin <= now + DAY_MS ? begin : epochMs(now + DAY_MS - YEAR_MS + FARTHEST_BACK_MS);
}
