/** A message as `exim -bp` prints it, byte for byte: ages, sizes, marks. */
import type { EpochMs } from "../units.ts";
import { pendingRecipients, type QueuedMessage } from "./queued-message.ts";

const MINUTE_SECONDS = 60;
const [HOUR_MINUTES, DAY_HOURS] = [60, 24];
const MOST_MINUTES = 90;
const MOST_HOURS = 72;
const KIB = 1024;
const MIB = KIB * KIB;
/** Exim counts with integers of 32 bits, which take no age beyond that. */
const LONGEST_SECONDS = 2 ** 31 - 1;

/** `53m`, ` 6h`, ` 4d`: rounded, with two places at least. */
export function formatAge(arrivedAt: EpochMs, now: EpochMs): string {
  const seconds = Math.floor(now / 1000) - Math.floor(arrivedAt / 1000);
  const minutes = Math.trunc(Math.min(Math.max(seconds, -LONGEST_SECONDS), LONGEST_SECONDS) / MINUTE_SECONDS);
  if (minutes <= MOST_MINUTES) return `${String(minutes).padStart(2)}m`;
  const hours = Math.trunc((minutes + HOUR_MINUTES / 2) / HOUR_MINUTES);
  if (hours <= MOST_HOURS) return `${String(hours).padStart(2)}h`;
  return `${String(Math.trunc((hours + DAY_HOURS / 2) / DAY_HOURS)).padStart(2)}d`;
}

/** `450`, `1.9K`, `12K`, `3.4M`, `40M`; nothing for 0. */
export function formatShownSize(bytes: number | null): string {
  if (bytes === null || bytes === 0) return "";
  if (bytes < KIB) return String(bytes);
  if (bytes < 10 * KIB) return `${(bytes / KIB).toFixed(1)}K`;
  if (bytes < MIB) return `${Math.trunc((bytes + KIB / 2) / KIB)}K`;
  if (bytes < 10 * MIB) return `${(bytes / MIB).toFixed(1)}M`;
  return `${Math.trunc((bytes + MIB / 2) / MIB)}M`;
}

/** Recipients to list: all, with `D` before delivered ones; those not yet delivered; or all, with the addresses that aliases generated. */
export const RECIPIENT_CHOICES = ["all", "undelivered", "generated"] as const;
export type RecipientChoice = (typeof RECIPIENT_CHOICES)[number];

/** Lines of a message, without newlines; the last one is empty. `extra`: lines behind the first, for its variables. */
export function mailqLines(
  message: QueuedMessage,
  now: EpochMs,
  choice: RecipientChoice,
  extra: readonly string[] = [],
): readonly string[] {
  const lines = [firstLine(message, now)];
  if (message.damage !== null) {
    const frozen = message.isFrozen ? FROZEN : "";
    lines.push(`    *** ${message.damage} ***${message.sender === null ? "" : frozen}`);
  }
  lines.push(...extra);
  for (const { address, isDelivered } of message.recipients)
    if (!isDelivered || choice !== "undelivered") lines.push(`        ${isDelivered ? "D" : " "} ${address}`);
  if (choice === "generated") for (const address of message.generated) lines.push(`       +D ${address}`);
  lines.push("");
  return lines;
}

/** exiqgrep's brief form: `1vzOI8-0009wa-1t From: <app@partner.example> To: a@x.example;b@x.example`. */
export function briefLine(message: QueuedMessage, choice: RecipientChoice): string {
  const addresses =
    choice === "undelivered" ? pendingRecipients(message) : message.recipients.map(({ address }) => address);
  const sender = message.sender === null ? `*** ${message.damage} ***` : `<${message.sender}>`;
  return `${message.id} From: ${sender} To: ${addresses.join(";")}`;
}

const FROZEN = " *** frozen ***";

function firstLine(message: QueuedMessage, now: EpochMs): string {
  const age = message.arrivedAt === null ? "" : `${formatAge(message.arrivedAt, now)} `;
  const size = formatShownSize(message.sizeBytes).padStart("1023K".length);
  const sender = message.sender === null ? "" : ` <${message.sender}>`;
  const login = message.untrustedLogin === null ? "" : ` (${message.untrustedLogin})`;
  const frozen = message.isFrozen && message.damage === null ? FROZEN : "";
  return `${age}${size} ${message.id}${sender}${login}${frozen}`;
}
