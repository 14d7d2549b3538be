/** The rule of accounts at risk as `abuse`, `stats` and `incidents` have it: with the thresholds of the configuration. */
import { findKnownAccounts } from "../../incidents/known-accounts.ts";
import { HACKED_ACCOUNT } from "../../incidents/rules/hacked-account.ts";
import { thresholdsFrom } from "../../incidents/rules.ts";
import type { AccountThresholds } from "../../message/account-risk.ts";
import type { RiskRule } from "../../message/accounts-at-risk.ts";
import type { Reader } from "../../store/reader.ts";
import type { Pattern } from "../../store/search/filter.ts";
import { findConfiguration } from "../flags/effective-options.ts";
import type { Io } from "../io.ts";

/** Errors: `usage` for rules and thresholds that there are not. */
export function riskRuleFor(
  reader: Reader,
  { config, servers }: { readonly config: string | undefined; readonly servers: readonly Pattern[] },
  io: Io,
): RiskRule {
  const thresholds = thresholdsFrom(findConfiguration(config, io).thresholds);
  return {
    thresholds: thresholds.get(HACKED_ACCOUNT.kind) as AccountThresholds,
    async detected(untilMs) {
      const detection = await reader.detection();
      const filter = { statuses: [], kinds: [HACKED_ACCOUNT.kind], servers: [], sinceMs: undefined, withMuted: true };
      return findKnownAccounts(detection, {
        servers: detection.servers(servers),
        incidents: reader.incidents.list(filter, io.now()),
        thresholds,
        untilMs,
        now: io.now(),
      });
    },
  };
}
