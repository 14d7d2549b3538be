import { HOUR_MS } from "../../units.ts";
import type { CountingRule } from "../rule.ts";
import { countOf, isUnusual, limit, SHORT_PAUSE_MS, TIMES } from "./words.ts";

export const FROZEN_PILE: CountingRule = {
  kind: "frozen_pile",
  version: 1,
  about: "Exim freezes many messages at once.",
  thresholds: { messages: { value: 10, about: "messages frozen within an hour" }, times: TIMES },
  severity: "warning",
  windowMs: HOUR_MS,
  pauseMs: SHORT_PAUSE_MS,
  measure: "count",
  contributionsOf: (observation) =>
    observation.kind === "frozen" ? [{ subject: "", messageId: observation.messageId }] : [],
  isMet: ({ count }, past, thresholds) => count >= limit(thresholds, "messages") && isUnusual(count, past, thresholds),
  describe: (_subject, { count }) => ({
    title: `${countOf(count, "message")} froze`,
    description: `Exim froze ${countOf(count, "message")}: bounces that nobody takes, or deliveries that failed in an odd way.`,
  }),
  steps: () => [
    { text: "See which they are and why.", command: "exim-pilot queue -z" },
    { text: "Bounces of spam that nobody takes can be removed.", command: "exiqgrep -z -i | xargs exim -Mrm" },
  ],
};
