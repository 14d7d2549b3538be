import { HOUR_MS } from "../../units.ts";
import type { CountingRule } from "../rule.ts";
import { countOf, limit, namesOf } from "./words.ts";

/** Names of lists, and words that announce one: `listed at bl.example`, `blocked using zen.rbl.example`. */
const KNOWN_LIST =
  /\b((?:[\w-]+\.)*(?:spamhaus|spamcop|sorbs|barracudacentral|uceprotect|dnswl|abusix|mailspike|psbl|surriel|spfbl|invaluement|cbl\.abuseat|rbl|dnsbl)(?:\.[\w-]+)*\.[a-z]{2,})\b/i;
const NAMED_LIST =
  /(?:blocked (?:using|by)|(?:black|block|deny) ?-?list(?:ed)?(?: (?:at|by|in|on))?|listed (?:at|by|in|on)|found in) (?:the )?((?:[\w-]+\.)+[a-z]{2,})/i;
const ANY_LIST = /\b(?:DNS ?)?(?:black|block) ?-?list|\bR?BL\b/i;

/** Name of the block list that a refusal is about; undefined when it is about none. */
export function blockListIn(reply: string): string | undefined {
  const name = KNOWN_LIST.exec(reply)?.[1] ?? NAMED_LIST.exec(reply)?.[1];
  if (name !== undefined) return name.toLowerCase();
  return ANY_LIST.test(reply) ? "a block list" : undefined;
}

export const BLOCKLISTED: CountingRule = {
  kind: "blocklisted",
  version: 1,
  about: "Several domains refuse our mail and name the same block list.",
  thresholds: { domains: { value: 4, about: "recipient domains within three hours" } },
  severity: "critical",
  windowMs: 3 * HOUR_MS,
  pauseMs: 6 * HOUR_MS,
  measure: "one",
  contributionsOf(observation) {
    if (observation.kind !== "outcome" || observation.outcome === "delivered") return [];
    const { reply, category, provider, domain, messageId } = observation;
    // Only what another server says tells about our address.
    if (reply === undefined || provider === undefined || category === "local") return [];
    const list = blockListIn(reply);
    return list === undefined ? [] : [{ subject: list, one: domain, text: reply, messageId }];
  },
  isMet: ({ one }, _past, thresholds) => one >= limit(thresholds, "domains"),
  describe: (subject, { one, oneCount, texts }) => ({
    title: `Our address is on ${subject}: ${countOf(oneCount, "domain")} refuse our mail`,
    description: `${namesOf(one, oneCount)} named ${subject} when they refused our mail. One said: ${texts[0] ?? ""}`,
  }),
  steps: () => [
    { text: "First find what was sent that should not have been.", command: "exim-pilot abuse --since 2d" },
    { text: "See who refuses, with which words.", command: "exim-pilot stats blocklists bounces providers --since 2d" },
    { text: "When the cause is removed, ask for removal on the page of the list." },
  ],
};
