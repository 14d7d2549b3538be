/** Terms of the rule that finds accounts whose password somebody else has: figures, signs, findings, thresholds. */

/** Figures of one account from one client in one hour. */
export interface AccountHour {
  readonly server: string;
  /** Login without its authenticator, in lower case: an attacker may choose another authenticator than the user. */
  readonly account: string;
  /** Hours since the epoch. */
  readonly hour: number;
  /** Client address; null where the log has none. */
  readonly ip: string | null;
  /** Network of the client, such as `192.0.2.0/24`. */
  readonly network: string | null;
  /** Refused logins, with the first in epoch ms. */
  readonly failures: number;
  readonly firstFailureMs: number | null;
  /** Messages accepted after a login. */
  readonly messages: number;
  /** Recipients of these messages, and those that were refused when they were named. */
  readonly recipients: number;
  /** Recipients among them that bounced or were refused. */
  readonly refused: number;
  /** Different recipient domains; 0 where so few recipients are not counted. */
  readonly domains: number;
  /** First and last line that shows a login, in epoch ms. */
  readonly firstLoginMs: number | null;
  readonly lastLoginMs: number | null;
  /** Recipient domains by their names, where these are the figures of a single event. */
  readonly domainNames?: readonly string[];
  /** Exim's ids of the messages, where they are wanted as evidence. */
  readonly messageIds?: readonly string[];
}

/** Signs of a finding, in the order of a break-in; `exim-pilot help counting` shows them. */
export const RISK_SIGNS = {
  failures: "At least 10 logins failed from an address; then the account logged in from there for the first time.",
  guesser:
    "An address logged in for the first time from which at least 8 other accounts failed within a day, or 4 and this one.",
  siege: "At least 30 logins failed within a day, from at least 5 addresses, before a login from a new network.",
  network: "Most of the mail came from networks that the account never used before.",
  networks: "At least 4 new networks within two hours, and more than 3 times as many as ever before.",
  volume: "Clearly more recipients within two hours than ever before at that time.",
  refused: "At least a fifth of the recipients were refused or bounced.",
  domains: "Recipients in clearly more different domains than ever before.",
} as const satisfies Record<string, string>;

export type RiskSign = keyof typeof RISK_SIGNS;

/** One stretch of suspicious use of an account. Times are epoch ms. */
export interface AccountFinding {
  readonly server: string;
  readonly account: string;
  /** `serious`: it sends mail that is not its owner's. `warning`: only the password seems to be known. */
  readonly severity: "serious" | "warning";
  readonly signs: readonly RiskSign[];
  /** Failed logins that led to it. */
  readonly failures: number;
  /** Addresses of these failures, the most frequent first; of one that detection has stored, the first. */
  readonly failedFrom: readonly string[];
  /** Addresses in all. */
  readonly failedFromCount: number;
  /** Other accounts that failed from the address of the login within a day before. */
  readonly guessedAccounts: number;
  /** Strange addresses that logged in, those that failed before first; empty when only the usual ones did. */
  readonly loginsFrom: readonly string[];
  /** Addresses in all. */
  readonly loginsFromCount: number;
  /** Networks of these addresses. */
  readonly networks: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Last login that was known when the rule was met. */
  readonly firedMs: number;
  /** Suspicious mail: that of strange addresses, or all of it when there are none. */
  readonly messages: number;
  readonly recipients: number;
  readonly refused: number;
  /** Most recipient domains of an hour. */
  readonly domains: number;
  /** Most recipients within two hours. */
  readonly mostRecipients: number;
  /** Recipients within two hours that nine of ten earlier stretches with mail did not exceed; null: no mail before. */
  readonly usualRecipients: number | null;
  /** Exim's ids of suspicious messages, 200 at most, where they are known. */
  readonly messageIds: readonly string[];
  /** Recipients of them by hour since the epoch. */
  readonly hours: readonly (readonly [hour: number, recipients: number])[];
  /** Recipients in other hours of the day up to the last of them. */
  readonly around: readonly (readonly [hour: number, recipients: number])[];
}

/** A threshold of a rule, which the configuration may change. */
export interface Threshold {
  readonly value: number;
  /** Meaning, as help shows it. */
  readonly about: string;
}

/** Thresholds that a mail server may want otherwise; the rest of the rule is fixed. */
export const ACCOUNT_THRESHOLDS = {
  // A user who mistypes fails less often; a mail program with an old password does so more often, but from a known address.
  failures: { value: 10, about: "failed logins from an address before its first login" },
  "guessed-accounts": { value: 8, about: "other accounts that failed within a day from the address of a first login" },
  "guessed-with-own": { value: 4, about: "the same where this account failed from there, too" },
  "siege-failures": { value: 30, about: "failed logins within a day, from all addresses" },
  "siege-addresses": { value: 5, about: "addresses that these failed logins come from" },
  // After a login that follows failures little more mail is enough: the early sign.
  "recipients-after-failures": { value: 10, about: "recipients within two hours, after a login that failures led to" },
  "refused-after-failures": { value: 3, about: "refused recipients, after a login that failures led to" },
  recipients: { value: 30, about: "recipients within two hours, from networks that are new" },
  times: { value: 4, about: "how many times the most mail before, from networks that are new" },
  domains: { value: 10, about: "recipient domains within an hour, from networks that are new" },
  refused: { value: 5, about: "refused or bounced recipients within two hours" },
  "refused-percent": { value: 20, about: "percentage of recipients that are refused or bounce" },
  networks: { value: 4, about: "new networks within two hours" },
} as const satisfies Record<string, Threshold>;

export type AccountThresholds = Readonly<Record<keyof typeof ACCOUNT_THRESHOLDS, number>>;

export const DEFAULT_ACCOUNT_THRESHOLDS: AccountThresholds = {
  failures: ACCOUNT_THRESHOLDS.failures.value,
  "guessed-accounts": ACCOUNT_THRESHOLDS["guessed-accounts"].value,
  "guessed-with-own": ACCOUNT_THRESHOLDS["guessed-with-own"].value,
  "siege-failures": ACCOUNT_THRESHOLDS["siege-failures"].value,
  "siege-addresses": ACCOUNT_THRESHOLDS["siege-addresses"].value,
  "recipients-after-failures": ACCOUNT_THRESHOLDS["recipients-after-failures"].value,
  "refused-after-failures": ACCOUNT_THRESHOLDS["refused-after-failures"].value,
  recipients: ACCOUNT_THRESHOLDS.recipients.value,
  times: ACCOUNT_THRESHOLDS.times.value,
  domains: ACCOUNT_THRESHOLDS.domains.value,
  refused: ACCOUNT_THRESHOLDS.refused.value,
  "refused-percent": ACCOUNT_THRESHOLDS["refused-percent"].value,
  networks: ACCOUNT_THRESHOLDS.networks.value,
};

/** Time that connects an attack with a login, and a login with what follows it. */
export const CONNECTED_HOURS = 24;
/** An address or network counts as known once it was used so long ago without anything else being strange. */
export const FAMILIAR_HOURS = 24;

/** Questions that are answered from the text; for more of them it is taken apart. */
const FEW_QUESTIONS = 16;

/** Names that are known for good, in one text: a state has thousands of them, and most runs ask for few. */
export class KnownNames {
  #names: string;
  #added = new Set<string>();
  #questions = 0;

  constructor(names = "") {
    this.#names = names;
  }

  has(name: string): boolean {
    if (this.#added.has(name)) return true;
    this.#questions++;
    if (this.#questions <= FEW_QUESTIONS) return this.#names.includes(`\n${name}\n`);
    if (this.#names !== "") {
      this.#added = new Set([...this.#names.slice(1, -1).split("\n"), ...this.#added]);
      this.#names = "";
    }
    return this.#added.has(name);
  }

  add(name: string): void {
    if (!this.has(name)) this.#added.add(name);
  }

  /** All of them, each between two line ends. */
  get text(): string {
    if (this.#added.size === 0) return this.#names;
    this.#names = `${this.#names === "" ? "\n" : this.#names}${[...this.#added].join("\n")}\n`;
    this.#added.clear();
    this.#questions = 0;
    return this.#names;
  }
}

/** State of what the rule knows by a key, kept between runs. Undefined: nothing. */
export interface WatchMemory {
  readonly read: (key: string) => unknown;
}
