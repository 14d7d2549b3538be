import type { StatsRequest } from "../../src/stats/request.ts";
import { NOW } from "./database.ts";

/** Request about everything stored, by the hour, with the given parts. */
export function statsRequest(
  asked: Pick<StatsRequest, "sections" | "axes" | "timeZone"> & Partial<StatsRequest>,
): StatsRequest {
  return {
    filter: {},
    subjects: {},
    bucket: { minutes: 60 },
    rank: undefined,
    limit: 5,
    compare: undefined,
    conditions: [],
    silences: [],
    coverage: { state: "unknown", from: null, until: null, logs: [], holes: [] },
    now: NOW,
    signal: new AbortController().signal,
    ...asked,
  };
}
