import type { Abuse, AccountFailures, ClientTroubles, LoginFailures, Script, Sender } from "../abuse/abuse.ts";
import { countOf, formatCount, formatTime } from "./form/format.ts";
import { renderHanging } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";
import { toVisibleLine } from "./form/terminal-text.ts";

export interface AbuseOptions {
  readonly columns: number;
  readonly paint: Paint;
  readonly timeZone: string;
}

/** Wider than this, lines are hard to read. */
const WIDEST = 120;

/** Each question with its answers, the largest first; questions without an answer are left out. */
export function renderAbusePage(
  { logins, scripts, users, failures, accountFailures, troubles }: Abuse,
  options: AbuseOptions,
): string {
  const sections = [
    renderSection(
      "Accounts that logged in and sent",
      logins.map((one) => [one.account, describeSender(one, options)]),
      options,
    ),
    renderSection(
      "Directories in which programs sent",
      scripts.map((one) => [one.directory, describeScript(one, options)]),
      options,
    ),
    renderSection(
      "Local users that sent",
      users.map((one) => [one.account, describeSender(one, options)]),
      options,
    ),
    renderSection(
      "Clients whose logins failed",
      failures.map((one) => [one.ipAddress ?? "(unknown)", describeFailures(one, options)]),
      options,
    ),
    renderSection(
      "Accounts whose logins failed",
      accountFailures.map((one) => [one.account, describeAccountFailures(one, options)]),
      options,
    ),
    renderSection(
      "Clients whose sessions went wrong",
      troubles.map((one) => [
        one.host === null ? one.ipAddress : `${one.host} [${one.ipAddress}]`,
        describeTroubles(one, options),
      ]),
      options,
    ),
  ];
  return sections.filter((section) => section !== "").join("\n");
}

function renderSection(
  title: string,
  answers: readonly (readonly [name: string, text: string])[],
  { columns, paint }: AbuseOptions,
): string {
  if (answers.length === 0) return "";
  const lines = answers.map(([name, text]) => {
    const head = renderHanging("  ", paint.strong(toVisibleLine(name)), 2, Math.min(columns, WIDEST));
    return `${head}\n${renderHanging("    ", toVisibleLine(text), 4, Math.min(columns, WIDEST))}\n`;
  });
  return `${paint.strong(title)}\n${lines.join("")}`;
}

function describeSender(
  { messages, recipients, bounced, senderCount, senders, ipCount, ipAddresses, first, last }: Sender,
  options: AbuseOptions,
): string {
  const parts = [
    `${countOf(messages, "message")} to ${countOf(recipients, "recipient")}${bounced === 0 ? "" : `, ${formatCount(bounced)} bounced`}`,
    ...(ipCount === 0 ? [] : [`from ${some(ipAddresses, ipCount)}`]),
    `as ${some(senders, senderCount)}`,
    period(first, last, options),
  ];
  return parts.join("; ");
}

function describeScript({ messages, recipients, users, senders, first, last }: Script, options: AbuseOptions): string {
  return [
    `${countOf(messages, "message")} to ${countOf(recipients, "recipient")}`,
    ...(users.length === 0 ? [] : [`by ${users.join(", ")}`]),
    `as ${senders.join(", ")}`,
    period(first, last, options),
  ].join("; ");
}

function describeFailures(
  { failures, accounts, succeeded, first, last }: LoginFailures,
  options: AbuseOptions,
): string {
  return [
    `${countOf(failures, "failure")}${accounts.length === 0 ? "" : ` for ${some(accounts, accounts.length)}`}`,
    ...(succeeded.length === 0 ? [] : [`afterwards logged in: ${some(succeeded, succeeded.length)}`]),
    period(first, last, options),
  ].join("; ");
}

function describeAccountFailures(
  { failures, ipCount, ipAddresses, succeededFrom, first, last }: AccountFailures,
  options: AbuseOptions,
): string {
  return [
    `${countOf(failures, "failure")}${ipCount === 0 ? "" : ` from ${some(ipAddresses, ipCount)}`}`,
    ...(succeededFrom.length === 0 ? [] : [`afterwards logged in from ${some(succeededFrom, succeededFrom.length)}`]),
    period(first, last, options),
  ].join("; ");
}

/** `3 troubles: 2 auth, 1 no_mail; 2024-03-24 02:04:32` */
function describeTroubles({ troubles, kinds, first, last }: ClientTroubles, options: AbuseOptions): string {
  const parts = Object.entries(kinds)
    .sort(([one, count], [other, otherCount]) => otherCount - count || (one < other ? -1 : 1))
    .map(([kind, count]) => `${formatCount(count)} ${kind}`);
  return `${countOf(troubles, "trouble")}: ${parts.join(", ")}; ${period(first, last, options)}`;
}

/** Names beyond this number are only counted. */
const MOST_NAMES = 3;

/** `ann@a.test, bob@b.test, cat@c.test and 1,652 more` */
function some(names: readonly string[], count: number): string {
  const named = names.slice(0, MOST_NAMES);
  return `${named.join(", ")}${count > named.length ? ` and ${formatCount(count - named.length)} more` : ""}`;
}

function period(first: string, last: string, { timeZone }: AbuseOptions): string {
  const [from, until] = [formatTime(first, timeZone), formatTime(last, timeZone)];
  return from === until ? from : `${from} to ${until}`;
}
