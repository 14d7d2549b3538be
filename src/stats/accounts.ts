/** Accounts at risk, by the rule that `abuse` has too. */
import { type AccountAtRisk, BASELINE_MS, findAccountsAtRisk, toAccountAtRisk } from "../message/accounts-at-risk.ts";
import type { SelectedStats } from "../store/stats/stats-reader.ts";

/** The worst first. */
export async function findAccounts({ accounts }: SelectedStats): Promise<readonly AccountAtRisk[]> {
  const { hours, chosen, ...span } = await accounts(BASELINE_MS);
  return findAccountsAtRisk(hours, span)
    .filter(({ server, account }) => chosen?.has(`${server}\n${account}`) !== false)
    .map(toAccountAtRisk);
}

/** An account may be found more than once in a time. */
export function countAccounts(found: readonly AccountAtRisk[]): number {
  return new Set(found.map(({ server, account }) => `${server}\n${account}`)).size;
}
