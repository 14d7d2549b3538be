/** One line of a timeline: what an event says, in words. */
import { BYPASSED, SYSTEM_FILTER } from "../message/state.ts";
import { cancelledBy, describeFreezer, withoutRepetition } from "../message/verdict.ts";
import type {
  AddressPart,
  Arrival,
  Deferral,
  Delivery,
  EnvelopeEdit,
  Failure,
  Host,
  HostError,
  LogEvent,
  Rejection,
} from "../parse/events.ts";
import { isMessageId } from "../parse/message-id.ts";

/** Tone of an event, shown by colour where there is one. */
export type Tone = "good" | "bad" | "waiting" | "plain";

export interface Description {
  /** Exim's own flag where the line has one: `<=`, `=>`, `==`, `**`; else empty. */
  readonly mark: string;
  readonly text: string;
  readonly tone: Tone;
}

/** `text` is the line's own text, used where the event says nothing more. `isTaken`: the host took the message all the same. */
export function describeEvent(event: LogEvent, text: string, isTaken: boolean): Description {
  switch (event.kind) {
    case "arrival":
      return { mark: event.fakeReject ? "(=" : "<=", text: describeArrival(event), tone: "plain" };
    case "delivery":
      return { mark: event.flag, text: describeDelivery(event), tone: isForNobody(event) ? "plain" : "good" };
    case "deferral":
      return { mark: "==", text: describeTrouble("deferred", event), tone: "waiting" };
    case "failure":
      return { mark: "**", text: describeTrouble("failed", event), tone: "bad" };
    case "discard":
      return { mark: "=>", text: describeDiscard(event.address, event.reason), tone: "plain" };
    case "completed":
      return { mark: "", text: "Completed", tone: "good" };
    case "rejection":
      return { mark: "", text: describeRejection(event), tone: "bad" };
    case "host_error":
      return { mark: "", text: describeHostError(event, isTaken), tone: isTaken ? "plain" : "waiting" };
    case "frozen":
      return { mark: "", text: `frozen${describeFreezer(event.by)}`, tone: "waiting" };
    case "thawed":
      return { mark: "", text: `thawed by ${event.by}`, tone: "plain" };
    case "removed":
      return { mark: "", text: `removed by ${event.by}`, tone: "bad" };
    case "cancelled":
      return { mark: "", text: cancelledBy(event.by), tone: "bad" };
    case "envelope_edit":
      return { mark: "", text: describeEdit(event), tone: "plain" };
    case "not_accepted":
      return { mark: "", text, tone: "bad" };
    default:
      return { mark: "", text: text.trim() === "" ? "(an empty line)" : withoutRepeatedId(text), tone: "plain" };
  }
}

/** Some lines carry the id twice. */
function withoutRepeatedId(text: string): string {
  const end = text.indexOf(" ");
  return end > 0 && isMessageId(text.slice(0, end)) ? text.slice(end + 1) : text;
}

/** Errors of Linux, BSD and Solaris for a connection that was not made. */
const NOT_REACHED =
  /^(?:Connection (?:timed out|refused)|Operation timed out|No route to host|(?:Network|Host) is (?:unreachable|down)|Network is down|Can't assign requested address|Cannot assign requested address|Permission denied|Operation not permitted|retry time not reached)/i;

function describeHostError({ host, error }: HostError, isTaken: boolean): string {
  if (isTaken) return `${describeHost(host)}: ${error}`;
  return `${describeHost(host)} ${NOT_REACHED.test(error) ? "could not be reached" : "did not take it"}: ${error}`;
}

function describeArrival({ sender, host, auth, sizeBytes, protocol, parentId }: Arrival): string {
  const from = sender === "" ? "<>" : sender;
  const parts = [`received from ${from}`];
  if (host !== undefined) parts.push(`by way of ${describeHost(host)}`);
  if (auth?.id !== undefined) parts.push(`logged in as ${auth.id}`);
  const details = [protocol, sizeBytes === undefined ? undefined : `${sizeBytes} B`].filter(
    (detail) => detail !== undefined,
  );
  if (parentId !== undefined) details.push(`about ${parentId}`);
  return parts.join(" ") + (details.length === 0 ? "" : ` (${details.join(", ")})`);
}

function describeDelivery(delivery: Delivery): string {
  const { flag, address, router, transport, host, confirmation } = delivery;
  const way = describeWay(router, transport);
  if (transport === BYPASSED)
    return `discarded for ${address.original}: ${address.final}${describeWay(router, undefined)}`;
  if (address.final.startsWith(">")) return describeReply(address, way);
  const verb =
    flag === "*>"
      ? "not delivered, because of -N, to"
      : flag === ">>"
        ? "delivered while it came in to"
        : "delivered to";
  const to = host === undefined ? "" : ` by ${describeHost(host)}`;
  const reply = confirmation === undefined ? "" : `: ${confirmation}`;
  return `${verb} ${describeAddress(address)}${to}${way}${reply}${describeShadow(delivery)}`;
}

/** Nobody got anything of it. */
function isForNobody({ flag, transport }: Delivery): boolean {
  return flag === "*>" || transport === BYPASSED;
}

/** A second, local copy of a delivery; Exim names the transport of each, and why it failed. Source: Exim specification, shadow_transport. */
function describeShadow({ details }: Delivery): string {
  const at = details.findIndex((key, index) => index % 2 === 0 && key === "ST");
  const [, transport, error] = /^(\S+) \((.*)\)$/s.exec(at === -1 ? "" : (details[at + 1] ?? "")) ?? [];
  return transport === undefined ? "" : `; the shadow copy (${transport}) failed: ${error}`;
}

function describeTrouble(verb: string, { address, router, transport, host, error }: Deferral | Failure): string {
  const at = host === undefined ? "" : ` at ${describeHost(host)}`;
  return `${describeAddress(address)} ${verb}${at}${describeWay(router, transport)}${error === "" ? "" : `: ${error}`}`;
}

function describeWay(router: string | undefined, transport: string | undefined): string {
  const way = [router, transport].filter((step) => step !== undefined && step !== "");
  return way.length === 0 ? "" : ` (${way.join(", ")})`;
}

function describeReply({ final, original }: AddressPart, way: string): string {
  const whom = original === SYSTEM_FILTER ? "by the system filter" : `for ${original}`;
  return `automatic reply to ${final.slice(1)} ${whom}${way}`;
}

function describeAddress({ final, original }: AddressPart): string {
  if (original === SYSTEM_FILTER) return `${final}, for the system filter,`;
  return final === original ? original : `${original} as ${final}`;
}

function describeDiscard(address: AddressPart | undefined, reason: string | undefined): string {
  const what = address === undefined ? "discarded as a whole" : `discarded for ${address.original}`;
  return reason === undefined ? what : `${what}: ${reason}`;
}

function describeRejection({ phase, isTemporary, host, reason }: Rejection): string {
  const client = host === undefined ? "" : ` from ${describeHost(host)}`;
  return `${isTemporary ? "temporarily rejected" : "rejected"}${client} (${phase})${reason === undefined ? "" : `: ${withoutRepetition(reason)}`}`;
}

function describeEdit({ action, address, by }: EnvelopeEdit): string {
  if (action === "marked_delivered") return `${address} marked as delivered by ${by}`;
  return action === "recipient_added" ? `recipient ${address} added by ${by}` : `sender changed to ${address} by ${by}`;
}

function describeHost({ name, helo, ip }: Host): string {
  return [name ?? helo ?? "", ip === undefined ? "" : `[${ip}]`].filter((part) => part !== "").join(" ");
}
