import { HOUR_MS } from "../../units.ts";
import type { CountingRule } from "../rule.ts";
import { countOf, isUnusual, limit, SHORT_PAUSE_MS, shellWord, TIMES } from "./words.ts";

const FROM = "mail from ";
const TO = "mail to ";

export const BOUNCE_WAVE: CountingRule = {
  kind: "bounce_wave",
  version: 1,
  about: "Much more mail of a sender domain, or to a recipient domain, bounces than usual.",
  thresholds: {
    messages: { value: 15, about: "messages that bounced within an hour" },
    percent: { value: 30, about: "percentage of the recipients who bounced" },
    times: TIMES,
  },
  severity: "serious",
  windowMs: HOUR_MS,
  pauseMs: SHORT_PAUSE_MS,
  measure: "one",
  contributionsOf(observation) {
    if (observation.kind !== "outcome" || observation.outcome === "deferred") return [];
    const { outcome, sender, domain, provider, messageId, category, reply } = observation;
    const at = sender.lastIndexOf("@");
    // Senders of mail that stays here are strangers.
    const isOurs = at !== -1 && (outcome === "bounced" || provider !== undefined);
    const subjects = [...(!isOurs ? [] : [FROM + sender.slice(at + 1).toLowerCase()]), TO + domain];
    if (outcome === "delivered") return subjects.map((subject) => ({ subject, count: 0, good: 1 }));
    // A bounce of a bounce tells of forged senders.
    if (sender === "<>") return [];
    const text = category === "unknown_user" ? "unknown user" : reply;
    return subjects.map((subject) => ({ subject, one: messageId, other: category, text, messageId }));
  },
  isMet: ({ one, count, good }, past, thresholds) =>
    one >= limit(thresholds, "messages") &&
    count * 100 >= limit(thresholds, "percent") * (count + good) &&
    isUnusual(one, past, thresholds),
  describe: (subject, { oneCount, texts }) => ({
    title: `${subject.charAt(0).toUpperCase()}${subject.slice(1)} bounces: ${countOf(oneCount, "message")}`,
    description: `${countOf(oneCount, "message")} bounced, far more than usual. The most frequent reason: ${texts[0] ?? "none is logged"}`,
  }),
  steps: (subject) => [
    {
      text: "See what bounced and why.",
      command: subject.startsWith(TO)
        ? `exim-pilot search --domain ${shellWord(subject.slice(TO.length))} --status bounced --since 1d`
        : `exim-pilot search --sender ${shellWord(`*@${subject.slice(FROM.length)}`)} --status bounced --since 1d`,
    },
    { text: "Look for an account or a script that sends to a bad list.", command: "exim-pilot abuse --since 1d" },
  ],
};
