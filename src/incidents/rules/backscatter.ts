import { HOUR_MS } from "../../units.ts";
import type { CountingRule } from "../rule.ts";
import { countOf, isUnusual, limit, shellWord, TIMES } from "./words.ts";

export const BACKSCATTER: CountingRule = {
  kind: "backscatter",
  version: 1,
  about: "Bounces of mail that we never sent come for one address: somebody forges it.",
  thresholds: {
    bounces: { value: 15, about: "bounces from outside for one address within three hours" },
    clients: { value: 8, about: "addresses that they come from" },
    times: TIMES,
  },
  severity: "warning",
  windowMs: 3 * HOUR_MS,
  pauseMs: 4 * HOUR_MS,
  measure: "count",
  contributionsOf(observation) {
    if (observation.kind === "outcome")
      // Answers to mail that the address did send.
      return observation.sender === "<>" || observation.provider === undefined
        ? []
        : [{ subject: observation.sender, count: 0, good: 1 }];
    if (observation.kind !== "bounce_received") return [];
    return [{ subject: observation.recipient, one: observation.ip, messageId: observation.messageId }];
  },
  isMet: ({ count, one, good }, past, thresholds) =>
    count >= limit(thresholds, "bounces") &&
    one >= limit(thresholds, "clients") &&
    count > good &&
    isUnusual(count, past, thresholds),
  describe: (subject, { count, oneCount }) => ({
    title: `Bounces of forged mail come for ${subject}: ${count} from ${countOf(oneCount, "address", "addresses")}`,
    description: `${countOf(count, "bounce")} came for ${subject} from ${countOf(oneCount, "address", "addresses")}, and hardly any mail of it went out.`,
  }),
  steps: (subject) => [
    {
      text: "See who returns them.",
      command: `exim-pilot search --sender '<>' --recipient ${shellWord(subject)} --since 1d`,
    },
    { text: "Nothing was sent from here: a strict SPF and DMARC policy of the domain makes forging it less useful." },
    { text: "While it lasts, have Exim refuse bounces without a valid signed address (BATV, PRVS)." },
  ],
};
