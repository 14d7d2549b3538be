/** Accounts at risk in words. */
import type { AccountAtRisk } from "../../message/accounts-at-risk.ts";
import { countOf, formatCount } from "../form/format.ts";

export const NONE_AT_RISK = "No account is at risk, as far as the logs tell.";

/** Less is within what an account sends anyway. */
const FEWEST_TIMES = 1.5;

/** `86 failed logins from 203.0.113.103, then a login from there, then 8 × the usual mail: 16 messages to 16 recipients in 9 domains` */
export function describeRisk(risk: AccountAtRisk): string {
  const before = [describeFailures(risk), describeLogin(risk)].filter((step) => step !== "").join(", then ");
  if (risk.severity === "warning") return `${before}, but no strange mail so far (${describeAmount(risk)})`;
  return [before, describeMail(risk)].filter((step) => step !== "").join(", then ");
}

/** Two words for a column. */
export function riskVerdict({ severity }: Pick<AccountAtRisk, "severity">): string {
  return severity === "serious" ? "likely stolen" : "password guessed";
}

function describeFailures({
  failures,
  failedFrom,
  failedFromCount,
  guessedAccounts,
  loginsFrom,
}: AccountAtRisk): string {
  const others = countOf(guessedAccounts, "other account");
  if (failures === 0)
    return guessedAccounts === 0 ? "" : `failed logins of ${others} from ${loginsFrom.slice(0, 1).join("")}`;
  const own = `${countOf(failures, "failed login")} from ${some(failedFrom, failedFromCount)}`;
  return guessedAccounts === 0 ? own : `${own}, where ${others} failed too`;
}

function describeLogin(risk: AccountAtRisk): string {
  const { loginsFrom, loginsFromCount, failedFrom, failedFromCount, guessedAccounts, networks } = risk;
  const [first = ""] = loginsFrom;
  if (loginsFromCount === 0) return "";
  if (guessedAccounts > 0 || failedFrom.includes(first)) {
    const more = loginsFromCount - 1;
    const place = failedFromCount > 1 ? first : "there";
    return `a login from ${place}${more === 0 ? "" : ` and from ${countOf(more, "other address", "other addresses")}`}`;
  }
  const places = loginsFromCount === 1 ? "" : ` in ${countOf(networks, "network")}`;
  return `${loginsFromCount === 1 ? "a login" : "logins"} from ${some(loginsFrom, loginsFromCount)}${places}, never used before`;
}

function describeMail(risk: AccountAtRisk): string {
  const { times, loginsFromCount } = risk;
  const from = loginsFromCount === 0 ? " from its usual addresses" : "";
  const mail = times === null || times < FEWEST_TIMES ? "mail" : `${formatTimes(times)} × the usual mail`;
  return `${mail}${from}: ${describeAmount(risk)}`;
}

function describeAmount({ messages, recipients, refused, domains }: AccountAtRisk): string {
  return [
    `${countOf(messages, "message")} to ${countOf(recipients, "recipient")}`,
    ...(domains === 0 ? [] : [`up to ${countOf(domains, "domain")} an hour`]),
    ...(refused === 0 ? [] : [`${formatCount(refused)} refused or bounced`]),
  ].join(", ");
}

/** `8`, `1.7`: a fraction only where it matters. */
function formatTimes(times: number): string {
  return times < 10 && !Number.isInteger(times) ? times.toFixed(1) : formatCount(Math.round(times));
}

/** Names beyond this number are only counted. */
const MOST_NAMES = 3;

/** `ann@a.test, bob@b.test, cat@c.test and 1,652 more` */
export function some(names: readonly string[], count: number): string {
  const named = names.slice(0, MOST_NAMES);
  return `${named.join(", ")}${count > named.length ? ` and ${formatCount(count - named.length)} more` : ""}`;
}
