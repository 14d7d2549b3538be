/** Accounts whose password somebody else has: the rule of `abuse` (src/message/accounts-at-risk.ts), judged after each line. */
import {
  ACCOUNT_THRESHOLDS,
  type AccountFinding,
  type AccountThresholds,
  CONNECTED_HOURS,
} from "../../message/account-risk.ts";
import { AccountWatch } from "../../message/accounts-at-risk.ts";
import { type EpochMs, HOUR_MS } from "../../units.ts";
import type { StateReader } from "../counting-watch.ts";
import type { Observation } from "../observation.ts";
import type { FoundEpisode, RuleHead, Thresholds } from "../rule.ts";
import { countOf, namesOf, shellWord } from "./words.ts";

/** Figures of a finding; those of other rules have other names. */
export type HackedFigures = Omit<
  AccountFinding,
  "server" | "account" | "severity" | "firstMs" | "lastMs" | "firedMs" | "messageIds" | "hours" | "around"
>;

/** A thief who sends slowly is one incident. */
export const HACKED_PAUSE_MS = CONNECTED_HOURS * HOUR_MS;

export const HACKED_ACCOUNT: RuleHead<HackedFigures> = {
  kind: "hacked_account",
  version: 1,
  about:
    "Somebody else has the password of an account: failed logins, then a login from a strange address, then mail that is not its owner's. `exim-pilot help counting` lists the signs; `abuse` and `stats accounts` have the same rule. It needs no log_selector: an account is what server_set_id of the authenticator sets, which Exim always logs.",
  thresholds: ACCOUNT_THRESHOLDS,
  describe(account, figures) {
    const { messages, recipients, refused, failures, usualRecipients, mostRecipients } = figures;
    const { loginsFrom, loginsFromCount, failedFrom, failedFromCount } = figures;
    const from =
      loginsFromCount === 0 ? "its usual addresses" : countOf(loginsFromCount, "strange address", "strange addresses");
    if (figures.signs.length === 1 && figures.signs[0] === "guesser")
      return {
        title: `The password of ${account} was guessed`,
        description: `${loginsFrom[0] ?? "A client"} tried ${countOf(figures.guessedAccounts, "other account")} and then logged in as ${account}. No strange mail is known so far.`,
      };
    const before =
      failures === 0
        ? ""
        : ` ${countOf(failures, "login")} had failed before, from ${namesOf(failedFrom, failedFromCount)}.`;
    const usual =
      usualRecipients === null
        ? "It sent nothing before"
        : `Its usual mail of two hours has ${countOf(usualRecipients, "recipient")}`;
    const bad = refused === 0 ? "" : `, ${refused} of which were refused or bounced`;
    return {
      title: `Account ${account} sends spam: ${countOf(messages, "message")} from ${from}`,
      description: `${account} sent ${countOf(messages, "message")} to ${countOf(recipients, "recipient")}${bad}, up to ${mostRecipients} within two hours, from ${loginsFromCount === 0 ? from : namesOf(loginsFrom, loginsFromCount)}. ${usual}.${before}`,
    };
  },
  steps: (account) => [
    { text: "Give the account another password now, and end its sessions." },
    {
      text: "See from where it logged in and what it sent.",
      command: `exim-pilot abuse --auth ${shellWord(account)} --since 2d`,
    },
    {
      text: "Remove what waits to be sent.",
      command: `exiqgrep -i -f ${shellWord(account)} | xargs exim -Mrm`,
    },
    { text: "Look whether a block list has noticed.", command: "exim-pilot incidents --kind blocklisted" },
  ],
};

export class HackedAccountWatch {
  readonly #watch: AccountWatch;
  readonly #latest = new Map<string, AccountFinding>();
  readonly #ended: AccountFinding[] = [];

  constructor(server: string, thresholds: Thresholds, memory: StateReader, start: number | undefined) {
    this.#watch = new AccountWatch(
      server,
      thresholds as AccountThresholds,
      { read: (key) => memory.read(`${HACKED_ACCOUNT.kind} ${key}`) },
      start,
    );
  }

  take(observation: Observation): void {
    if (observation.kind !== "account" && observation.kind !== "failed_login") return;
    if (observation.row === undefined) return;
    const finding = this.#watch.take(observation.row);
    if (finding === undefined) return;
    const before = this.#latest.get(finding.account);
    if (before !== undefined && before.firstMs !== finding.firstMs && finding.firedMs !== before.firedMs)
      this.#ended.push(before);
    this.#latest.set(finding.account, finding);
  }

  takeEpisodes(): FoundEpisode<HackedFigures>[] {
    return this.takeFindings().map(toEpisode);
  }

  /** Findings that facts were about, as they are now; one that has ended is told once. */
  takeFindings(): readonly AccountFinding[] {
    return [...this.#ended.splice(0), ...this.#latest.values()];
  }

  *states(endMs: number): Generator<readonly [key: string, state: unknown]> {
    for (const [key, state] of this.#watch.states(Math.floor(endMs / HOUR_MS)))
      yield [`${HACKED_ACCOUNT.kind} ${key}`, state];
  }
}

function toEpisode(finding: AccountFinding): FoundEpisode<HackedFigures> {
  const {
    server: _server,
    account,
    severity,
    firstMs,
    lastMs,
    firedMs,
    messageIds,
    hours,
    around,
    ...figures
  } = finding;
  return {
    kind: HACKED_ACCOUNT.kind,
    subject: account,
    severity: severity === "serious" ? "critical" : "serious",
    startMs: firstMs as EpochMs,
    firedMs: firedMs as EpochMs,
    lastMs: lastMs as EpochMs,
    pauseMs: HACKED_PAUSE_MS,
    count: finding.recipients,
    hours,
    around,
    figures: {
      ...figures,
      failedFrom: figures.failedFrom.slice(0, MOST_NAMES),
      loginsFrom: figures.loginsFrom.slice(0, MOST_NAMES),
    },
    messages: messageIds,
  };
}

const MOST_NAMES = 50;
