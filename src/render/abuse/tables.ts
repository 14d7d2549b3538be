/** Answers about abuse as tables: a rank, a name, figures, and a verdict on each row. */
import type { Abuse, AccountFailures, ClientTroubles, LoginFailures, Script, Sender } from "../../abuse/abuse.ts";
import type { AccountAtRisk } from "../../message/accounts-at-risk.ts";
import type { SessionTrouble } from "../../message/session-trouble.ts";
import { countOf } from "../form/format.ts";
import { describeRisk, riskVerdict, some } from "./risk-text.ts";

export const ABUSE_FIGURES = {
  failures: "Failures",
  accounts: "Accounts",
  messages: "Messages",
  recipients: "Recipients",
  refused: "Refused",
  troubles: "Troubles",
  addresses: "IPs",
} as const;

export type AbuseFigure = keyof typeof ABUSE_FIGURES;

export interface AbuseRow {
  readonly name: string;
  readonly figures: Readonly<Partial<Record<AbuseFigure, number>>>;
  readonly verdict: string;
  /** How bad the verdict is. */
  readonly tone: "bad" | "waiting" | "good";
  /** The story of it, in words. */
  readonly details: string;
  /** ISO-8601. */
  readonly first: string;
  readonly last: string;
}

export interface AbuseTable {
  /** Key of the answer in JSON. */
  readonly name: keyof Abuse;
  readonly title: string;
  /** Title of the names. */
  readonly subject: string;
  readonly figures: readonly AbuseFigure[];
  readonly rows: readonly AbuseRow[];
}

/** Servers are named where there are several. */
export function toAbuseTables(abuse: Abuse): AbuseTable[] {
  const atRisk = new Set(abuse.accountsAtRisk.map(({ account }) => account));
  const servers = new Set(abuse.accountsAtRisk.map(({ server }) => server));
  return [
    {
      name: "accountsAtRisk",
      title: "Accounts at risk",
      subject: "Account",
      figures: ["failures", "messages", "recipients", "refused"],
      rows: abuse.accountsAtRisk.map((risk) => riskRow(risk, servers.size > 1)),
    },
    {
      name: "logins",
      title: "Accounts that logged in and sent",
      subject: "Account",
      figures: ["messages", "recipients", "refused", "addresses"],
      rows: abuse.logins.map((sender) => senderRow(sender, atRisk)),
    },
    {
      name: "scripts",
      title: "Directories in which programs sent",
      subject: "Directory",
      figures: ["messages", "recipients", "refused"],
      rows: abuse.scripts.map(scriptRow),
    },
    {
      name: "users",
      title: "Local users that sent",
      subject: "User",
      figures: ["messages", "recipients", "refused"],
      rows: abuse.users.map((sender) => senderRow(sender, new Set())),
    },
    {
      name: "failures",
      title: "Clients whose logins failed",
      subject: "Client",
      figures: ["failures", "accounts"],
      rows: abuse.failures.map(failureRow),
    },
    {
      name: "accountFailures",
      title: "Accounts whose logins failed",
      subject: "Account",
      figures: ["failures", "addresses"],
      rows: abuse.accountFailures.map((failures) => accountFailureRow(failures, atRisk)),
    },
    {
      name: "troubles",
      title: "Clients whose sessions went wrong",
      subject: "Client",
      figures: ["troubles"],
      rows: abuse.troubles.map(troubleRow),
    },
  ];
}

type Verdict = Pick<AbuseRow, "verdict" | "tone">;

const NOTHING: Verdict = { verdict: "nothing strange", tone: "good" };
const AT_RISK: Verdict = { verdict: "at risk, see above", tone: "bad" };
const MISTYPED: Verdict = { verdict: "few, perhaps mistyped", tone: "good" };

/** A user who mistypes fails less often, and for fewer accounts. */
const FEWEST_FAILURES = 10;
const FEWEST_GUESSED = 5;
/** Accounts that log in from one address: an office, a web mail. */
const FEWEST_SHARING = 3;
/** Refused recipients that are many. */
const MANY_REFUSED = { count: 5, share: 0.2 } as const;

function riskRow(risk: AccountAtRisk, hasServers: boolean): AbuseRow {
  const { server, account, severity, failures, messages, recipients, refused, first, last } = risk;
  return {
    name: hasServers ? `${account} (${server})` : account,
    figures: { failures, messages, recipients, refused },
    verdict: riskVerdict(risk),
    tone: severity === "serious" ? "bad" : "waiting",
    details: describeRisk(risk),
    first,
    last,
  };
}

function senderRow(sender: Sender, atRisk: ReadonlySet<string>): AbuseRow {
  const { account, messages, recipients, bounced, senderCount, senders, ipCount, ipAddresses, first, last } = sender;
  return {
    name: account,
    figures: { messages, recipients, refused: bounced, addresses: ipCount },
    ...(atRisk.has(plainAccount(account)) ? AT_RISK : judgeRefused(bounced, recipients)),
    details: [
      ...(ipCount === 0 ? [] : [`from ${some(ipAddresses, ipCount)}`]),
      `as ${some(senders, senderCount)}`,
    ].join("; "),
    first,
    last,
  };
}

function scriptRow({ directory, messages, recipients, bounced, users, senders, first, last }: Script): AbuseRow {
  return {
    name: directory,
    figures: { messages, recipients, refused: bounced },
    ...judgeRefused(bounced, recipients),
    details: [...(users.length === 0 ? [] : [`by ${users.join(", ")}`]), `as ${senders.join(", ")}`].join("; "),
    first,
    last,
  };
}

function judgeRefused(refused: number, recipients: number): Verdict {
  const isMany = refused >= MANY_REFUSED.count && refused >= recipients * MANY_REFUSED.share;
  return isMany ? { verdict: "many bounce", tone: "waiting" } : NOTHING;
}

function failureRow({ ipAddress, failures, accounts, succeeded, first, last }: LoginFailures): AbuseRow {
  return {
    name: ipAddress ?? "(unknown)",
    figures: { failures, accounts: accounts.length },
    ...judgeClient(failures, accounts.length, succeeded.length),
    details: [
      ...(accounts.length === 0 ? [] : [`for ${some(accounts, accounts.length)}`]),
      ...(succeeded.length === 0 ? [] : [`later logged in: ${some(succeeded, succeeded.length)}`]),
    ].join("; "),
    first,
    last,
  };
}

function judgeClient(failures: number, accounts: number, succeeded: number): Verdict {
  if (succeeded >= FEWEST_SHARING) return { verdict: "shared address", tone: "good" };
  if (accounts >= FEWEST_GUESSED)
    return succeeded > 0
      ? { verdict: "guesses, then got in", tone: "bad" }
      : { verdict: "guesses passwords", tone: "waiting" };
  if (succeeded > 0) return { verdict: "then logged in", tone: failures >= FEWEST_FAILURES ? "waiting" : "good" };
  return failures >= FEWEST_FAILURES ? { verdict: "tries again and again", tone: "waiting" } : MISTYPED;
}

function accountFailureRow(row: AccountFailures, atRisk: ReadonlySet<string>): AbuseRow {
  const { account, failures, ipCount, ipAddresses, succeededFrom, first, last } = row;
  return {
    name: account,
    figures: { failures, addresses: ipCount },
    ...(atRisk.has(plainAccount(account)) ? AT_RISK : judgeAccount(failures, ipCount, succeededFrom.length)),
    details: [
      ...(ipCount === 0 ? [] : [`from ${some(ipAddresses, ipCount)}`]),
      ...(succeededFrom.length === 0 ? [] : [`later logged in from ${some(succeededFrom, succeededFrom.length)}`]),
    ].join("; "),
    first,
    last,
  };
}

function judgeAccount(failures: number, addresses: number, succeeded: number): Verdict {
  if (addresses >= FEWEST_GUESSED) return { verdict: "tried from many addresses", tone: "waiting" };
  if (succeeded > 0) return { verdict: "then logged in", tone: failures >= FEWEST_FAILURES ? "waiting" : "good" };
  return failures >= FEWEST_FAILURES ? { verdict: "tried again and again", tone: "waiting" } : MISTYPED;
}

const TROUBLE_VERDICTS: Readonly<Record<SessionTrouble, string>> = {
  auth: "tries passwords",
  dropped: "dropped by an ACL",
  incomplete: "breaks off",
  lost: "breaks off",
  no_mail: "sends no mail",
  protocol: "breaks the protocol",
  syntax: "speaks no SMTP",
  timeout: "falls silent",
  tls: "fails at TLS",
};

/** Names of a trouble, for one and for several. */
const TROUBLE_NAMES: Readonly<Record<SessionTrouble, readonly [one: string, several: string]>> = {
  auth: ["login where none is offered", "logins where none is offered"],
  dropped: ["connection dropped by an ACL", "connections dropped by an ACL"],
  incomplete: ["incomplete transaction", "incomplete transactions"],
  lost: ["lost connection", "lost connections"],
  no_mail: ["session without MAIL", "sessions without MAIL"],
  protocol: ["protocol error", "protocol errors"],
  syntax: ["syntax error", "syntax errors"],
  timeout: ["timeout", "timeouts"],
  tls: ["TLS error", "TLS errors"],
};

function troubleRow({ ipAddress, host, troubles, kinds, first, last }: ClientTroubles): AbuseRow {
  const sorted = Object.entries(kinds).sort(
    ([one, count], [other, otherCount]) => otherCount - count || (one < other ? -1 : 1),
  );
  const worst = kinds.auth === undefined ? (sorted[0]?.[0] as SessionTrouble | undefined) : "auth";
  return {
    name: host === null ? ipAddress : `${host} [${ipAddress}]`,
    figures: { troubles },
    verdict: worst === undefined ? "" : TROUBLE_VERDICTS[worst],
    tone: worst === "auth" ? "waiting" : "good",
    details: sorted.map(([kind, count]) => countOf(count, ...TROUBLE_NAMES[kind as SessionTrouble])).join(", "),
    first,
    last,
  };
}

/** `bob` of `PLAIN:bob`: an account at risk has no authenticator, and is in lower case. */
function plainAccount(login: string): string {
  return login.slice(login.indexOf(":") + 1).toLowerCase();
}
