import type { StatsRequest } from "../../src/stats/request.ts";
import { NOW } from "./database.ts";

/** What is asked of all that is stored, by the hour, with what is given. */
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
