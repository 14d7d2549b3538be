/** Logs with a hole: what a cut takes away, and what is left that tells of it. Reads lines by patterns of its own, not by the parser. */

export interface TimedLine {
  /** Epoch ms. */
  readonly at: number;
  readonly text: string;
}

export interface Cut {
  readonly from: number;
  /** Exclusive. */
  readonly until: number;
}

export interface TimedLog {
  readonly logType: "main" | "reject" | "panic" | "syslog";
  readonly lines: readonly TimedLine[];
}

const STAMP = /(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?: ([+-])(\d\d)(\d\d))?/;
/** A stamp begins the line, or stands behind what syslog writes. */
const STAMP_WITHIN = 60;

/** Lines with their times; a line without one has that of the line above. `zoneMs`: by how much local time is ahead of UTC. */
export function readTimedLines(text: string, zoneMs: number): TimedLine[] {
  let at = 0;
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const match = STAMP.exec(line.slice(0, STAMP_WITHIN));
      if (match !== null) {
        const [, year, month, day, hour, minute, second, , sign, hours, minutes] = match;
        const local = Date.UTC(
          Number(year),
          Number(month) - 1,
          Number(day),
          Number(hour),
          Number(minute),
          Number(second),
        );
        const shift = (Number(hours) * 60 + Number(minutes)) * 60_000;
        at = local - (sign === undefined ? zoneMs : sign === "-" ? -shift : shift);
      }
      return { at, text: line };
    });
}

export function zoneOf(timeZone: string, at: number): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    dateStyle: "short",
    timeStyle: "medium",
  }).format(at);
  const [, day, month, year, hour, minute, second] = /(\d+)\/(\d+)\/(\d+), (\d+):(\d+):(\d+)/.exec(parts) ?? [];
  const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  return local - Math.floor(at / 1000) * 1000;
}

export function without(log: TimedLog, { from, until }: Cut): TimedLog {
  return { ...log, lines: log.lines.filter(({ at }) => at < from || at >= until) };
}

export function textOf({ lines }: TimedLog): string {
  return lines.map(({ text }) => `${text}\n`).join("");
}

/** Traces that show a hole. */
export interface Traces {
  /** A queue run was due by the distances around it. */
  readonly heartbeat: boolean;
  /** The other log has lines whose duplicate is cut. */
  readonly pair: boolean;
  /** Messages were delivered whose arrival is cut. */
  readonly arrival: boolean;
}

const QUEUE_RUN = /Start queue run: pid=\d+$/;
const ID = /\b(\w{6}-(?:\w{6}-\w{2}|\w{11}-\w{4})) (<=|=>|->|\*\*|==|Completed)/;
/** Distances on each side of a hole that tell the rhythm, and how much longer one is that lacks a queue run. */
const SIDE = 8;
const LATE = 1.45;

/** `log` is whole; `other` is what is left of its duplicate log. */
export function tracesOf(log: TimedLog, other: TimedLog | undefined, cut: Cut): Traces {
  const isCut = ({ at }: TimedLine): boolean => at >= cut.from && at < cut.until;
  const gone = log.lines.filter(isCut);
  return {
    heartbeat: log.logType !== "reject" && hasDueBeat(log, cut),
    pair: other !== undefined && hasPair(gone, log, other),
    arrival: log.logType !== "reject" && hasOrphan(gone, without(log, cut)),
  };
}

function hasDueBeat({ lines }: TimedLog, { from, until }: Cut): boolean {
  const beats = lines.filter(({ text }) => QUEUE_RUN.test(text)).map(({ at }) => at);
  const before = beats.filter((at) => at < from);
  const after = beats.filter((at) => at >= until);
  const [last, next] = [before.at(-1), after[0]];
  if (last === undefined || next === undefined || before.length + after.length === beats.length) return false;
  const distances = [...distancesOf(before.slice(-SIDE - 1)), ...distancesOf(after.slice(0, SIDE + 1))];
  return next - last >= Math.max(...distances, 0) * LATE;
}

function distancesOf(beats: readonly number[]): number[] {
  return beats.slice(1).map((at, index) => at - (beats[index] ?? at));
}

/** A rejection is in both logs in one form. */
function hasPair(gone: readonly TimedLine[], log: TimedLog, other: TimedLog): boolean {
  const left = new Set(other.lines.map(({ text }) => text));
  // Equal lines of one second are several events, and which of them is left cannot be told.
  const kept = new Set(log.lines.filter((line) => !gone.includes(line)).map(({ text }) => text));
  return gone.some(({ text }) => / rejected /.test(text) && left.has(text) && !kept.has(text));
}

function hasOrphan(gone: readonly TimedLine[], left: TimedLog): boolean {
  const arrived = new Set(gone.flatMap(({ text }) => idOf(text, (sign) => sign === "<=")));
  return left.lines.some(({ text }) => idOf(text, (sign) => sign !== "<=").some((id) => arrived.has(id)));
}

function idOf(text: string, isWanted: (sign: string) => boolean): string[] {
  const match = ID.exec(text);
  return match?.[1] !== undefined && isWanted(match[2] ?? "") ? [match[1]] : [];
}
