import { HOUR_MS } from "../../units.ts";
import type { CountingRule } from "../rule.ts";
import { countOf, isUnusual, limit, SHORT_PAUSE_MS, shellWord, TIMES } from "./words.ts";

/** Reasons of deferrals by which a provider says: too much, or not from you. */
const THROTTLING = ["rate_limit", "reputation"];

export const THROTTLED: CountingRule = {
  kind: "throttled",
  version: 1,
  about: "A provider defers more messages than it accepts, because of their rate or our reputation.",
  thresholds: { messages: { value: 6, about: "messages deferred within an hour" }, times: TIMES },
  severity: "serious",
  windowMs: HOUR_MS,
  pauseMs: SHORT_PAUSE_MS,
  measure: "one",
  contributionsOf(observation) {
    if (observation.kind !== "outcome" || observation.provider === undefined) return [];
    const { outcome, provider, category = "", messageId, reply } = observation;
    if (outcome === "delivered") return [{ subject: provider, count: 0, good: 1 }];
    if (outcome !== "deferred" || !THROTTLING.includes(category)) return [];
    return [{ subject: provider, one: messageId, text: reply, messageId }];
  },
  isMet: ({ one, good }, past, thresholds) =>
    one >= limit(thresholds, "messages") && one > good && isUnusual(one, past, thresholds),
  describe: (subject, { oneCount, texts }) => ({
    title: `${subject} slows us down: ${countOf(oneCount, "message")} deferred`,
    description: `${subject} deferred ${countOf(oneCount, "message")}, more than it accepted. It said: ${texts[0] ?? "nothing"}`,
  }),
  steps: (subject) => [
    { text: "Find out who sends so much to it, and whether that is wanted.", command: "exim-pilot abuse --since 1d" },
    {
      text: "Look at its replies and at how long they have been coming.",
      command: `exim-pilot search --domain ${shellWord(subject)} --status deferred --since 1d`,
    },
    { text: "Send more slowly to this provider, and look your address up in its postmaster tools." },
  ],
};
