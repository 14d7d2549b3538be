/** Stamps that are read in a zone other than that of the server's clock: the ids of messages tell the time, too, and in UTC. */
import { messageIdTime } from "../parse/message-id.ts";
import type { ArrivalTime } from "../store/read/health-reader.ts";
import { HOUR_MS, MINUTE_MS } from "../units.ts";

/** Fewer messages say nothing. */
const FEWEST = 20;
/** Every zone is so many of these away from UTC. */
const QUARTER_MS = 15 * MINUTE_MS;
/** Widest difference between two zones; a greater one means that ids are not made from the time. */
const FARTHEST_MS = 26 * HOUR_MS;
/** A message takes its time to arrive, and a summer time may have begun or ended among them. */
const NEAR_MS = 5 * MINUTE_MS;
const AGREEING_SHARE = 0.6;

/** By how much stamps are read too late (or, negative, too early); 0 when they agree with the ids, undefined when too little is known. */
export function findZoneShift(arrivals: readonly ArrivalTime[]): number | undefined {
  if (arrivals.length < FEWEST) return undefined;
  const lags = arrivals.map(({ messageId, atMs }) => atMs - messageIdTime(messageId)).sort((one, other) => one - other);
  const middle = lags[Math.floor(lags.length / 2)] ?? 0;
  const agreeing = lags.filter((lag) => Math.abs(lag - middle) <= NEAR_MS).length;
  if (agreeing < lags.length * AGREEING_SHARE || Math.abs(middle) > FARTHEST_MS) return undefined;
  return Math.round(middle / QUARTER_MS) * QUARTER_MS + 0;
}

/** `9 h too early`, `5 h 30 min too late`. */
export function describeZoneShift(shiftMs: number): string {
  const minutes = Math.abs(shiftMs) / MINUTE_MS;
  const parts = [
    ...(minutes < 60 ? [] : [`${Math.floor(minutes / 60)} h`]),
    ...(minutes % 60 === 0 ? [] : [`${minutes % 60} min`]),
  ];
  return `${parts.join(" ")} too ${shiftMs < 0 ? "early" : "late"}`;
}
