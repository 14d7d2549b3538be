/** Recipients whose mail goes on to other providers, and what that costs: spam that is sent on is held against this server. */
import type { FailureCategory } from "../message/reply-rules.ts";
import type { ForwardingCount } from "../store/stats/remote-hosts.ts";
import { compareText } from "../text.ts";

export interface Forwarding {
  /** The recipient whose mail is sent on. */
  readonly forwarder: string;
  /** Registered domain of the hosts that it is sent on to. */
  readonly provider: string;
  readonly attempts: number;
  readonly delivered: number;
  /** Refused or put off for what it is or where it comes from: reputation, policy, content, rate limits. */
  readonly unwanted: number;
  /** The most frequent reason of those; null when there are none. */
  readonly reason: FailureCategory | null;
  /** Refused or put off for another reason. */
  readonly otherFailures: number;
}

export interface ForwardingView {
  readonly total: number;
  readonly forwarders: readonly Forwarding[];
}

/** Failures that a provider holds against the server that forwarded the mail. */
const UNWANTED: readonly FailureCategory[] = ["reputation", "policy", "content", "rate_limit"];

/** Forwarders in order of the goodwill that they cost. */
export function viewForwarding(counts: readonly ForwardingCount[], limit: number): ForwardingView {
  const groups = Map.groupBy(counts, ({ forwarder, provider }) => `${provider}\n${forwarder}`);
  const forwarders = [...groups.values()].flatMap((members) => {
    const [first] = members;
    return first === undefined ? [] : [toForwarding(first, members)];
  });
  forwarders.sort(
    (one, other) =>
      other.unwanted - one.unwanted ||
      other.attempts - one.attempts ||
      compareText(one.forwarder, other.forwarder) ||
      compareText(one.provider, other.provider),
  );
  return { total: forwarders.length, forwarders: forwarders.slice(0, limit) };
}

function toForwarding({ forwarder, provider }: ForwardingCount, members: readonly ForwardingCount[]): Forwarding {
  const of = (isMeant: (category: FailureCategory | null) => boolean): readonly ForwardingCount[] =>
    members.filter(({ category }) => isMeant(category));
  const count = (some: readonly ForwardingCount[]): number => some.reduce((sum, { attempts }) => sum + attempts, 0);
  const unwanted = of((category) => category !== null && UNWANTED.includes(category));
  const worst = unwanted.toSorted(
    (one, other) => other.attempts - one.attempts || compareText(one.category ?? "", other.category ?? ""),
  )[0];
  const [attempts, delivered] = [count(members), count(of((category) => category === null))];
  return {
    forwarder,
    provider,
    attempts,
    delivered,
    unwanted: count(unwanted),
    reason: worst?.category ?? null,
    otherFailures: attempts - delivered - count(unwanted),
  };
}
