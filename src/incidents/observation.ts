/** Facts of single lines that rules look at, in the order of time. */
import type { AccountHour } from "../message/account-risk.ts";
import type { EpochMs } from "../units.ts";

/** Outcome of a recipient of a message. */
export interface OutcomeObservation {
  readonly kind: "outcome";
  readonly ms: EpochMs;
  readonly outcome: "delivered" | "deferred" | "bounced";
  readonly messageId: string;
  /** Envelope sender; `<>` is the null sender. */
  readonly sender: string;
  /** Local user who handed the message over; undefined when a client sent it. */
  readonly user: string | undefined;
  /** Domain of the recipient. */
  readonly domain: string;
  /** Registered domain of the host that was asked; undefined where the line names none. */
  readonly provider: string | undefined;
  /** Why it failed: see src/message/failure-category.ts. */
  readonly category: string | undefined;
  /** Reply or error; undefined when it was delivered. */
  readonly reply: string | undefined;
}

export type Observation =
  | OutcomeObservation
  /** Mail of an account, or a recipient that was refused to it. */
  | { readonly kind: "account"; readonly ms: EpochMs; readonly row: AccountHour }
  /** Login that was refused; `row` is there where the line names the account. */
  | {
      readonly kind: "failed_login";
      readonly ms: EpochMs;
      readonly ip: string;
      readonly network: string;
      readonly account: string | undefined;
      readonly row: AccountHour | undefined;
    }
  /** Message that a local user handed over. */
  | { readonly kind: "handed_over"; readonly ms: EpochMs; readonly user: string; readonly messageId: string }
  /** Bounce that came from outside. */
  | {
      readonly kind: "bounce_received";
      readonly ms: EpochMs;
      readonly recipient: string;
      readonly ip: string;
      readonly messageId: string;
    }
  /** TLS session of a client that went wrong. */
  | { readonly kind: "tls"; readonly ms: EpochMs; readonly ip: string; readonly error: string }
  | { readonly kind: "frozen"; readonly ms: EpochMs; readonly messageId: string }
  /** Message that came to the queue, or left it. */
  | { readonly kind: "arrived" | "left"; readonly ms: EpochMs }
  | { readonly kind: "panic"; readonly ms: EpochMs; readonly text: string; readonly messageId: string | undefined }
  /** Minute in which anything was logged. */
  | { readonly kind: "line"; readonly ms: EpochMs };
