import { HOUR_MS } from "../../units.ts";
import type { CountingRule } from "../rule.ts";
import { countOf, isUnusual, limit, namesOf, SHORT_PAUSE_MS, TIMES } from "./words.ts";

export const DNS_OUTAGE: CountingRule = {
  kind: "dns_outage",
  version: 1,
  about: "Lookups of many domains do not complete: our resolver, or the way to it, fails.",
  thresholds: { domains: { value: 12, about: "recipient domains within an hour" }, times: TIMES },
  severity: "serious",
  windowMs: HOUR_MS,
  pauseMs: SHORT_PAUSE_MS,
  measure: "one",
  contributionsOf(observation) {
    if (observation.kind !== "outcome" || observation.outcome !== "deferred") return [];
    const { category, provider, domain, reply, messageId } = observation;
    // A reply that speaks of DNS tells about somebody else's.
    if (category !== "dns" || provider !== undefined) return [];
    return [{ subject: "", one: domain, text: reply, messageId }];
  },
  isMet: ({ one }, past, thresholds) => one >= limit(thresholds, "domains") && isUnusual(one, past, thresholds),
  describe: (_subject, { one, oneCount }) => ({
    title: `DNS fails: lookups of ${countOf(oneCount, "domain")} did not complete`,
    description: `Lookups of ${countOf(oneCount, "domain")} did not complete, ${namesOf(one, oneCount)}: mail to them waits.`,
  }),
  steps: () => [
    { text: "Ask the resolver that Exim asks.", command: "exim -bt postmaster@example.com" },
    { text: "When it answers again, have the queue run.", command: "exim -qff" },
  ],
};
