/** Whom a line is about. */
import { normaliseAddress } from "../message/address.ts";
import type { LogEvent } from "../parse/events.ts";
import type { TimelineItem } from "./result.ts";

/** Whom and which host a line is about; null where it is about the message as a whole, or this server alone. */
export type LineTarget = Pick<TimelineItem, "recipient" | "host">;

export const NO_TARGET: LineTarget = { recipient: null, host: null };

/** A host is the one that was delivered to, or the client; it has its name, else its address. */
export function targetOf(event: LogEvent): LineTarget {
  const recipient = recipientOf(event);
  return { recipient: recipient === undefined ? null : normaliseAddress(recipient), host: hostOf(event) };
}

function recipientOf(event: LogEvent): string | undefined {
  switch (event.kind) {
    case "delivery":
    case "deferral":
    case "failure":
    case "discard":
      return event.address?.original;
    case "envelope_edit":
      return event.action === "sender_changed" ? undefined : event.address;
    case "error_ignored":
    case "output":
      return event.address;
    case "prdr":
      return event.recipient;
    default:
      return undefined;
  }
}

function hostOf(event: LogEvent): string | null {
  if (!("host" in event) || event.host === undefined) return null;
  const { name, helo, ip } = event.host;
  return name ?? helo ?? ip ?? null;
}
