/** Settings of notifications, as the configuration gives them. */
import type { NoticeSeverity } from "../store/outbox/notification.ts";

/** Place of a secret; it is read when something is to be sent. */
export type SecretPlace =
  | { readonly kind: "inline"; readonly value: string }
  | { readonly kind: "file"; readonly path: string }
  /** A credential of systemd, by its name in $CREDENTIALS_DIRECTORY. */
  | { readonly kind: "credential"; readonly name: string };

interface CommonSettings {
  readonly name: string;
  /** Names in its messages are replaced by made-up ones. */
  readonly redact: boolean;
}

/** `none`: in clear; `opportunistic`: encrypted where the server offers it, whoever it is; `starttls` and `tls`: encrypted and verified, or not sent. */
export type SmtpEncryption = "none" | "opportunistic" | "starttls" | "tls";

export interface SmtpSettings extends CommonSettings {
  readonly type: "smtp";
  readonly host: string;
  readonly port: number;
  readonly encryption: SmtpEncryption;
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | undefined;
  readonly password: SecretPlace | undefined;
  /** `log`: confirmed when our own log shows the delivery. Undefined: where the log of that server is read. */
  readonly confirm: "log" | "reply" | undefined;
}

export interface TelegramSettings extends CommonSettings {
  readonly type: "telegram";
  /** Base of the bot API. */
  readonly url: string;
  readonly chat: string;
  readonly token: SecretPlace;
}

export interface WebhookSettings extends CommonSettings {
  readonly type: "webhook";
  readonly url: SecretPlace;
  /** Sent as `Authorization: Bearer`. */
  readonly token: SecretPlace | undefined;
}

export interface NtfySettings extends CommonSettings {
  readonly type: "ntfy";
  readonly url: string;
  readonly topic: string;
  readonly token: SecretPlace | undefined;
}

export interface SlackSettings extends CommonSettings {
  readonly type: "slack";
  /** An incoming webhook, whose address is its secret. */
  readonly url: SecretPlace;
}

export interface MatrixSettings extends CommonSettings {
  readonly type: "matrix";
  /** Base of the home server. */
  readonly url: string;
  readonly room: string;
  readonly token: SecretPlace;
}

export type ChannelSettings =
  | SmtpSettings
  | TelegramSettings
  | WebhookSettings
  | NtfySettings
  | SlackSettings
  | MatrixSettings;

export type ChannelType = ChannelSettings["type"];

export interface NotifySettings {
  /** Names of channels: the first one that takes it. */
  readonly tiers: readonly string[];
  /** Tiers of a severity that has its own. */
  readonly severityTiers: Partial<Readonly<Record<NoticeSeverity, readonly string[]>>>;
  /** The mildest severity that is sent. */
  readonly minimum: NoticeSeverity;
  /** Milliseconds without success after which the next tier is tried. */
  readonly fallbackMs: number;
  readonly channels: ReadonlyMap<string, ChannelSettings>;
}

/** Names of the channels that a severity goes to, in their order. */
export function tiersOf(
  { tiers, severityTiers }: Pick<NotifySettings, "tiers" | "severityTiers">,
  severity: NoticeSeverity,
): readonly string[] {
  return severityTiers[severity] ?? tiers;
}
