import { HOUR_MS } from "../../units.ts";
import type { CountingRule } from "../rule.ts";
import { countOf, isUnusual, limit, SHORT_PAUSE_MS, shellWord, TIMES } from "./words.ts";

const OWN = "own service";
/** Errors by which clients say that our certificate is no longer good. */
const OWN_CERTIFICATE = /alert certificate expired|alert number 45|sslv3 alert certificate expired/i;

export const TLS_FAILURE: CountingRule = {
  kind: "tls_failure",
  version: 1,
  about: "TLS fails: with one recipient domain, or for clients of ours, who may also call our certificate expired.",
  thresholds: {
    messages: { value: 6, about: "messages to a domain deferred within an hour" },
    errors: { value: 40, about: "handshakes of clients that fail within an hour" },
    clients: { value: 10, about: "addresses that these clients have" },
    expired: { value: 3, about: "clients that call our certificate expired, within an hour" },
    times: TIMES,
  },
  severity: "serious",
  windowMs: HOUR_MS,
  pauseMs: SHORT_PAUSE_MS,
  measure: "count",
  contributionsOf(observation) {
    if (observation.kind === "tls") {
      const isExpired = OWN_CERTIFICATE.test(observation.error);
      const { ip, error } = observation;
      return [{ subject: OWN, one: ip, other: isExpired ? ip : undefined, text: error }];
    }
    if (observation.kind !== "outcome" || observation.outcome === "bounced") return [];
    const { outcome, category, domain, messageId, reply } = observation;
    if (outcome === "delivered") return [{ subject: domain, count: 0, good: 1 }];
    return category === "tls" ? [{ subject: domain, one: messageId, text: reply, messageId }] : [];
  },
  isMet({ count, one, other, good }, past, thresholds, subject) {
    if (subject !== OWN) return one >= limit(thresholds, "messages") && one > good && isUnusual(one, past, thresholds);
    if (other >= limit(thresholds, "expired")) return true;
    return (
      count >= limit(thresholds, "errors") && one >= limit(thresholds, "clients") && isUnusual(count, past, thresholds)
    );
  },
  describe(subject, { count, oneCount, otherCount, texts }) {
    const words = texts[0] ?? "";
    if (subject !== OWN)
      return {
        title: `TLS with ${subject} fails: ${countOf(oneCount, "message")} deferred`,
        description: `${countOf(oneCount, "message")} to ${subject} wait because TLS fails: ${words}`,
      };
    if (otherCount > 0)
      return {
        title: `Clients call our certificate expired: ${countOf(otherCount, "client")}`,
        description: `${countOf(otherCount, "client")} ended TLS with the alert that our certificate has expired: ${words}`,
      };
    return {
      title: `TLS of our service fails: ${countOf(count, "handshake")} from ${countOf(oneCount, "address", "addresses")}`,
      description: `${countOf(count, "handshake")} failed, from ${countOf(oneCount, "address", "addresses")}, far more than usual: ${words}`,
    };
  },
  steps: (subject) =>
    subject === OWN
      ? [
          {
            text: "Look at the certificate that clients get.",
            command: "openssl s_client -connect localhost:25 -starttls smtp </dev/null | openssl x509 -noout -enddate",
          },
          { text: "After a renewal, restart Exim, and see whether its user can read the files." },
        ]
      : [
          {
            text: "See what was said.",
            command: `exim-pilot search --domain ${shellWord(subject)} --status deferred --since 1d`,
          },
          { text: "If its TLS stays broken, name the host in hosts_avoid_tls of the transport." },
        ],
};
