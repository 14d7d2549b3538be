/** Counts that several sections share, each made once: a scan of the database starts when it is first asked for. */

import { type AccountAtRisk, listAccountsAtRisk, type RiskRule } from "../message/accounts-at-risk.ts";
import type {
  EventCount,
  FailureGroup,
  MessageCount,
  RecipientCount,
  RejectionCount,
  RejectionGroup,
} from "../store/stats/counts.ts";
import type { HostCount } from "../store/stats/remote-hosts.ts";
import type { SelectedStats } from "../store/stats/stats-reader.ts";

export class Figures {
  readonly source: SelectedStats;
  readonly slotMs: number;
  readonly #riskRule: RiskRule;
  readonly #counted = new Map<string, Promise<unknown>>();

  constructor(source: SelectedStats, slotMs: number, riskRule: RiskRule) {
    this.source = source;
    this.slotMs = slotMs;
    this.#riskRule = riskRule;
  }

  messages(): Promise<readonly MessageCount[]> {
    return this.#once("messages", () => this.source.counts.messages(this.slotMs));
  }

  events(): Promise<readonly EventCount[]> {
    return this.#once("events", () => this.source.counts.events(this.slotMs));
  }

  rejections(): Promise<readonly RejectionCount[]> {
    return this.#once("rejections", () => this.source.counts.rejections(this.slotMs));
  }

  recipients(): Promise<readonly RecipientCount[]> {
    return this.#once("recipients", () => this.source.counts.recipients());
  }

  failures(): Promise<readonly FailureGroup[]> {
    return this.#once("failures", () => this.source.counts.failures());
  }

  /** Attempts that bounced and recipients given up by retry timeout: why recipients bounced. */
  bounces(): Promise<readonly FailureGroup[]> {
    return this.#once("bounces", async () => [
      ...(await this.failures()).filter(({ outcome }) => outcome === "bounced"),
      ...(await this.source.counts.givenUp()),
    ]);
  }

  rejectionGroups(): Promise<readonly RejectionGroup[]> {
    return this.#once("rejection groups", () => this.source.counts.rejectionGroups());
  }

  hosts(): Promise<readonly HostCount[]> {
    return this.#once("hosts", () => this.source.remoteHosts.hosts());
  }

  accountsAtRisk(): Promise<readonly AccountAtRisk[]> {
    return this.#once("accounts at risk", () => listAccountsAtRisk(this.source.accounts, this.#riskRule));
  }

  #once<Result>(name: string, count: () => Promise<Result>): Promise<Result> {
    const known = this.#counted.get(name) as Promise<Result> | undefined;
    const result = known ?? count();
    this.#counted.set(name, result);
    return result;
  }
}
