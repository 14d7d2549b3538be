import { HOUR_MS } from "../../units.ts";
import type { CountingRule } from "../rule.ts";
import { countOf, isUnusual, limit, namesOf, SHORT_PAUSE_MS, shellWord, TIMES } from "./words.ts";

const ACCOUNT = "account ";
const NETWORK = "network ";
const CLIENT = "client ";

/** The account that a subject names; undefined for a client or a network. */
export function attackedAccount(subject: string): string | undefined {
  return subject.startsWith(ACCOUNT) ? subject.slice(ACCOUNT.length) : undefined;
}

export function accountSubject(account: string): string {
  return ACCOUNT + account;
}

export const LOGIN_ATTACK: CountingRule = {
  kind: "login_attack",
  version: 1,
  about: "Somebody guesses passwords: many failures from one address or network, or from many on one account.",
  thresholds: {
    failures: { value: 40, about: "failed logins within an hour, from one address or on one account" },
    "network-failures": { value: 60, about: "failed logins within an hour, from one network" },
    "network-clients": { value: 4, about: "addresses of this network" },
    clients: { value: 10, about: "addresses that try one account" },
    accounts: { value: 4, about: "accounts tried from an address from which logins also succeed" },
    times: TIMES,
  },
  severity: "warning",
  windowMs: HOUR_MS,
  pauseMs: SHORT_PAUSE_MS,
  remembersGood: true,
  measure: "count",
  contributionsOf(observation) {
    if (observation.kind === "account") {
      const { ip, network, account, firstLoginMs } = observation.row;
      if (firstLoginMs === null || ip === null) return [];
      const clients = network === null || network === ip ? [CLIENT + ip] : [CLIENT + ip, NETWORK + network];
      return [...clients, ACCOUNT + account].map((subject) => ({ subject, count: 0, good: 1 }));
    }
    if (observation.kind !== "failed_login") return [];
    const { ip, network, account } = observation;
    return [
      { subject: CLIENT + ip, one: account ?? "", other: ip },
      ...(network === ip ? [] : [{ subject: NETWORK + network, one: account ?? "", other: ip }]),
      ...(account === undefined ? [] : [{ subject: ACCOUNT + account, one: account, other: ip }]),
    ];
  },
  isMet({ count, one, other }, past, thresholds, subject) {
    // Users behind an address mistype, and their programs repeat an old password: of one account, or of few.
    const isStranger = past.good === 0 || one >= limit(thresholds, "accounts");
    if (subject.startsWith(CLIENT)) return count >= limit(thresholds, "failures") && isStranger;
    if (subject.startsWith(NETWORK))
      return (
        count >= limit(thresholds, "network-failures") && other >= limit(thresholds, "network-clients") && isStranger
      );
    return (
      count >= limit(thresholds, "failures") &&
      other >= limit(thresholds, "clients") &&
      isUnusual(count, past, thresholds)
    );
  },
  describe(subject, { count, one, oneCount, otherCount }) {
    const account = attackedAccount(subject);
    if (account !== undefined)
      return {
        title: `Somebody guesses the password of ${account}: ${countOf(count, "failed login")}`,
        description: `${countOf(count, "login")} as ${account} failed, from ${countOf(otherCount, "address", "addresses")}. None of them is known to have succeeded.`,
      };
    const where = subject.slice(subject.indexOf(" ") + 1);
    const accounts = one.filter((name) => name !== "");
    const tried = accounts.length === 0 ? "" : ` It tried ${namesOf(accounts, oneCount)}.`;
    return {
      title: `${where} guesses passwords: ${countOf(count, "failed login")}`,
      description: `${countOf(count, "login")} from ${where} failed.${tried}`,
    };
  },
  steps(subject) {
    const account = attackedAccount(subject);
    if (account !== undefined)
      return [
        {
          text: "See whether a login has succeeded.",
          command: `exim-pilot abuse --auth ${shellWord(account)} --since 7d`,
        },
        { text: "A long password withstands it; a second factor, or logins from known networks only, ends it." },
      ];
    const where = subject.slice(subject.indexOf(" ") + 1);
    return [
      { text: "See whether a login has succeeded.", command: `exim-pilot abuse --ip ${shellWord(where)} --since 7d` },
      { text: "Keep the address out, in a firewall or with fail2ban." },
    ];
  },
};
