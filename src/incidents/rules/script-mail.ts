import { HOUR_MS } from "../../units.ts";
import type { CountingRule } from "../rule.ts";
import { countOf, isUnusual, limit, SHORT_PAUSE_MS, shellWord, TIMES } from "./words.ts";

/** Reasons of deferrals by which a provider says: not this. */
const UNWELCOME = ["rate_limit", "reputation", "policy", "content"];
/** A user who hands nothing over has the usual volume of a few notices. */
const SMALLEST_USUAL = 3;

export const SCRIPT_MAIL: CountingRule = {
  kind: "script_mail",
  version: 1,
  about: "A local user hands over far more mail than ever before, and a good part of it fails: a script sends spam.",
  thresholds: {
    messages: { value: 25, about: "messages within an hour" },
    "failed-percent": { value: 12, about: "percentage of their recipients that bounce or are deferred as unwelcome" },
    "failed-recipients": { value: 7, about: "such recipients" },
    times: TIMES,
  },
  severity: "critical",
  windowMs: HOUR_MS,
  pauseMs: SHORT_PAUSE_MS,
  measure: "count",
  contributionsOf(observation) {
    if (observation.kind === "handed_over") return [{ subject: observation.user, messageId: observation.messageId }];
    if (observation.kind !== "outcome" || observation.user === undefined) return [];
    const { user, outcome, category = "" } = observation;
    if (outcome === "delivered") return [{ subject: user, count: 0, good: 1 }];
    return outcome === "bounced" || UNWELCOME.includes(category) ? [{ subject: user, count: 0, bad: 1 }] : [];
  },
  isMet: ({ count, good, bad }, past, thresholds) =>
    count >= limit(thresholds, "messages") &&
    bad >= limit(thresholds, "failed-recipients") &&
    bad * 100 >= limit(thresholds, "failed-percent") * (good + bad) &&
    count > past.most &&
    isUnusual(count, past, thresholds, SMALLEST_USUAL),
  describe: (subject, { count, bad }) => ({
    title: `Programs of ${subject} send spam: ${countOf(count, "message")}`,
    description: `${subject} handed over ${countOf(count, "message")}, far more than ever before, and within an hour ${countOf(bad, "recipient")} bounced or were deferred as unwelcome.`,
  }),
  steps: (subject) => [
    { text: "Find the directory that they come from.", command: "exim-pilot abuse --since 1d" },
    { text: "See what was sent.", command: `exim-pilot search --sender ${shellWord(`${subject}@*`)} --since 1d` },
    { text: "Take the script away, look for others of the same day, and renew the passwords of the site." },
  ],
};
