import { HOUR_MS } from "../../units.ts";
import type { CountingRule } from "../rule.ts";
import { countOf, isUnusual, limit, shellWord, TIMES } from "./words.ts";

const UNREACHED = ["connection", "timeout"];

export const REMOTE_DOWN: CountingRule = {
  kind: "remote_down",
  version: 1,
  about: "Nothing can be delivered to a domain for an hour and longer, because none of its hosts can be reached.",
  thresholds: {
    messages: { value: 6, about: "messages that wait for it, within two hours" },
    minutes: { value: 45, about: "minutes between the first failure and the last" },
    times: TIMES,
  },
  severity: "warning",
  windowMs: 2 * HOUR_MS,
  pauseMs: 4 * HOUR_MS,
  remembersGood: true,
  measure: "one",
  contributionsOf(observation) {
    if (observation.kind !== "outcome") return [];
    const { outcome, domain, category = "", messageId, reply } = observation;
    if (outcome === "delivered") return [{ subject: domain, count: 0, good: 1 }];
    if (outcome !== "deferred" || !UNREACHED.includes(category)) return [];
    return [{ subject: domain, one: messageId, text: reply, messageId }];
  },
  isMet: ({ one, good, spanMs }, past, thresholds) =>
    good === 0 &&
    one >= limit(thresholds, "messages") &&
    spanMs >= limit(thresholds, "minutes") * 60_000 &&
    past.good > 0 &&
    isUnusual(one, past, { ...thresholds }),
  describe: (subject, { oneCount, texts }) => ({
    title: `${subject} cannot be reached: ${countOf(oneCount, "message")} wait`,
    description: `Nothing was delivered to ${subject} meanwhile, and ${countOf(oneCount, "message")} wait for it: ${texts[0] ?? ""}`,
  }),
  steps: (subject) => [
    { text: "See whether the network or only this domain fails.", command: "exim-pilot stats providers --since 6h" },
    { text: "See what waits for it.", command: `exim-pilot queue -r ${shellWord(`@${subject}$`)}` },
    { text: "Exim tries again by itself; the senders are told after the time of delay_warning." },
  ],
};
