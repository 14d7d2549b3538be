import type { Coverage } from "../../src/coverage/holes.ts";
import { DEFAULT_ACCOUNT_THRESHOLDS } from "../../src/message/account-risk.ts";
import type { RiskRule } from "../../src/message/accounts-at-risk.ts";
import type { StatsRequest } from "../../src/stats/request.ts";
import { NOW } from "./database.ts";

/** No detection, and thresholds that nobody has changed. */
export const DEFAULT_RULE: RiskRule = {
  thresholds: DEFAULT_ACCOUNT_THRESHOLDS,
  detected: async () => undefined,
};

/** Request about everything stored, by the hour, with the given parts. */
export function statsRequest(
  asked: Pick<StatsRequest, "sections" | "axes" | "timeZone"> & Partial<StatsRequest>,
): StatsRequest {
  const coverage: Coverage = { state: "unknown", from: null, until: null, logs: [], holes: [] };
  return {
    filter: {},
    subjects: {},
    bucket: { minutes: 60 },
    rank: undefined,
    limit: 5,
    compare: undefined,
    conditions: [],
    riskRule: DEFAULT_RULE,
    silences: [],
    newestMs: undefined,
    coverage,
    coverageOf: () => coverage,
    now: NOW,
    signal: new AbortController().signal,
    ...asked,
  };
}
