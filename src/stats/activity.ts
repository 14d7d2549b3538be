/** When a server logged anything, as far as it is counted. */
import { parseEntryText } from "../parse/record.ts";
import type { StatsReader } from "../store/stats/stats-reader.ts";
import { type EpochMs, epochMs, MINUTE_MS } from "../units.ts";

/** Counts made in advance are kept by quarters of an hour. */
const SLOT_MS = 15 * MINUTE_MS;

export interface ActivityRequest {
  readonly server: string;
  /** The end does not belong to it. */
  readonly span: { readonly from: EpochMs; readonly until: EpochMs };
}

/** Returns quarters of an hour with arrivals, attempts or rejections, and the instants `beats`, in their order. */
export async function findActivity(
  reader: StatsReader,
  beats: readonly EpochMs[],
  { server, span }: ActivityRequest,
): Promise<readonly EpochMs[]> {
  const { counts } = await reader.select({ since: span.from, until: span.until, servers: [server] }, parseEntryText);
  const slots = [
    ...(await counts.messages(SLOT_MS)),
    ...(await counts.events(SLOT_MS)),
    ...(await counts.rejections(SLOT_MS)),
  ].map(({ slot }) => slot * SLOT_MS);
  return [...new Set([...slots, ...beats])].sort((one, other) => one - other).map(epochMs);
}
