/** The page of one message. */
import type { Coverage } from "../../coverage/holes.ts";
import type { TagFacts } from "../../store/people/people-reader.ts";
import type {
  TimelineItem,
  Trace,
  TracedAttempt,
  TracedMessage,
  TracedNextTry,
  TracedRecipient,
  TracedStay,
} from "../../trace/result.ts";
import { renderCoverage } from "../coverage-text.ts";
import { formatBytes, formatHost, formatSeconds, formatTime } from "../form/format.ts";
import { greatest, renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { paintStatus } from "../form/status-colour.ts";
import { toVisible, toVisibleLine } from "../form/terminal-text.ts";
import { renderNoteList } from "../people/notes-page.ts";
import { renderAttempts } from "./attempts.ts";
import type { TimelineGrouping } from "./threads.ts";
import { renderTimeline } from "./timeline.ts";
import { isInVerdict } from "./told-once.ts";

export interface PageOptions {
  readonly columns: number;
  readonly paint: Paint;
  /** Show the raw lines instead of the timeline. */
  readonly raw: boolean;
  /** Grouping of the timeline. */
  readonly grouping: TimelineGrouping;
}

const LABEL_WIDTH = 12;

/** Renders a message. `coverage`: of the time in which something can have happened to it; only what was not read is told. */
export function renderTracePage(trace: Trace, coverage: Coverage, options: PageOptions): string {
  const sections = [
    renderTitle(trace, options),
    renderUnread(trace.message, coverage, options),
    renderFacts(trace, options),
    renderNotes(trace, options),
    renderRecipients(trace, options),
    renderNextTries(trace, options),
    renderAttempts(trace, options),
    options.raw ? renderRaw(trace.timeline, options) : renderTimeline(trace, options),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function renderTitle({ message, verdict }: Trace, { paint, columns }: PageOptions): string {
  const title = `${paint.strong(message.id)}  ${paintStatus(paint, message.status)}  ${paint.faint(`on ${toVisibleLine(message.server)}`)}`;
  return `${title}\n\n${renderHanging("", paint.strong(toVisibleLine(verdict)), 0, columns)}`;
}

/** A message that is not finished may have been, in what was not read. */
function renderUnread(
  { server, timeZone, completedAt, status }: TracedMessage,
  coverage: Coverage,
  { columns }: PageOptions,
) {
  const holes = coverage.holes.filter((hole) => hole.server === server && hole.logType === "main");
  if (completedAt !== null || status === "rejected" || holes.length === 0) return "";
  return renderCoverage({ ...coverage, holes }, timeZone, columns).trimEnd();
}

function renderFacts({ message, stays, tags, incidents }: Trace, { columns, paint }: PageOptions): string {
  const time = (iso: string): string => formatTime(iso, message.timeZone);
  const facts: readonly (readonly [label: string, value: string | undefined])[] = [
    ["Sender", message.sender ?? undefined],
    ["Subject", message.subject ?? undefined],
    [
      message.hasArrived ? "Received" : "First seen",
      `${time(message.timestamp)} (${message.timeZone})${formatSize(message.sizeBytes)}`,
    ],
    [
      "Completed",
      message.completedAt === null ? undefined : `${time(message.completedAt)}${formatQueueTime(message.queueSeconds)}`,
    ],
    ...incidents.map(({ id, title }): [string, string] => [`Incident ${id}`, `it is a part of: ${title}`]),
    ["Queue", message.completedAt === null ? formatGone(stays.at(-1), time) : undefined],
    ["Client", formatClient(message)],
    ["Login", message.auth ?? undefined],
    ["Local user", message.host === null && message.ipAddress === null ? (message.ident ?? undefined) : undefined],
    ["Protocol", formatProtocol(message)],
    ["Message-ID", message.headerMessageId ?? undefined],
    ["About", message.parentId ?? undefined],
    ["Reported by", message.childIds.length === 0 ? undefined : message.childIds.join(", ")],
    ["Note", message.isFakeReject ? "The client was told that it was rejected (fakereject)." : undefined],
  ];
  const hanging = (label: string, text: string): string =>
    renderHanging(paint.faint(label.padEnd(LABEL_WIDTH)), text, LABEL_WIDTH, columns);
  const lines = facts.flatMap(([label, value]) => (value === undefined ? [] : [hanging(label, toVisibleLine(value))]));
  return [
    ...lines,
    ...(tags.length === 0 ? [] : [hanging("Tags", tags.map((tag) => nameTag(tag, paint)).join(" "))]),
  ].join("\n");
}

/** `#ticket-4711 (alice)`, in its colour. */
function nameTag({ name, colour, author }: TagFacts, paint: Paint): string {
  return `${paint.inColour(colour, `#${toVisibleLine(name)}`)} ${paint.faint(`(${toVisibleLine(author)})`)}`;
}

function renderNotes({ notes, message }: Trace, { columns, paint }: PageOptions): string {
  return notes.length === 0
    ? ""
    : `${paint.strong("Notes")}\n${renderNoteList(notes, message.timeZone, { columns, paint })}`;
}

/** Only a look at all of the queue tells it; undefined: none does. */
function formatGone(stay: TracedStay | undefined, time: (iso: string) => string): string | undefined {
  if (stay === undefined || stay.goneAt === null) return undefined;
  return `seen there until ${time(stay.lastSeenAt)}, gone at ${time(stay.goneAt)}; the log does not tell how it left`;
}

const SUBJECTS: Readonly<Record<TracedNextTry["about"], string>> = {
  address: "of its address",
  domain: "of its domain",
  host: "of a host",
  delivery: "of its local delivery",
};

function renderNextTries({ nextTries, message }: Trace, { columns, paint }: PageOptions): string {
  if (nextTries.length === 0) return "";
  const time = (iso: string): string => formatTime(iso, message.timeZone);
  const lines = nextTries.map(({ recipient, about, notBefore, nextAbout, isExpired, seenAt }) => {
    const when = nextAbout === null ? "" : `, about ${time(nextAbout)} by the queue runs in the log`;
    const last = isExpired ? "; the next failure bounces it" : "";
    const source = paint.faint(`[retry record ${SUBJECTS[about]}, seen ${time(seenAt)}]`);
    return renderHanging(
      "  ",
      `${toVisibleLine(recipient)} not before ${time(notBefore)}${when}${last} ${source}`,
      2,
      columns,
    );
  });
  return `${paint.strong("Next tries")}\n${lines.join("\n")}`;
}

function formatSize(bytes: number | null): string {
  return bytes === null ? "" : `, ${formatBytes(bytes)}`;
}

function formatQueueTime(seconds: number | null): string {
  return seconds === null ? "" : `, after ${formatSeconds(seconds)}`;
}

function formatClient({ host, helo, ipAddress, port, ident }: TracedMessage): string | undefined {
  if (host === null && helo === null && ipAddress === null) return undefined;
  const client = formatHost(host, helo, ipAddress, port);
  return ident === null ? client : `${client}, ident ${ident}`;
}

function formatProtocol({ protocol, tls }: TracedMessage): string | undefined {
  const parts = [protocol, tls].filter((part) => part !== null);
  return parts.length === 0 ? undefined : parts.join(", ");
}

const NO_RECIPIENTS =
  "None is named by the log. With `log_selector = +received_recipients` Exim names them when a message arrives.";

/** Exim's name for the recipient of what the system filter delivers. */
const SYSTEM_FILTER = "system-filter";

const NO_RECIPIENTS_REFUSED =
  "None is named by the log. With `log_selector = +rejected_header` Exim names those of a message that it refuses in its reject log.";

function renderRecipients(trace: Trace, { columns, paint }: PageOptions): string {
  const { recipients, message, attempts } = trace;
  if (recipients.length === 0 && message.refusedRecipients.length > 0) return renderRefused(message, columns, paint);
  if (recipients.length === 0) {
    const why = message.status === "rejected" ? NO_RECIPIENTS_REFUSED : NO_RECIPIENTS;
    return `${paint.strong("Recipients")}\n${renderHanging("  ", why, 2, columns)}`;
  }
  const copies = countCopies(attempts);
  const width = greatest(recipients.map(({ status }) => status.length));
  const lines = recipients.map((recipient) => {
    const status = paintStatus(paint, recipient.status) + " ".repeat(width - recipient.status.length);
    return renderHanging(
      `  ${status}  `,
      describeRecipient(recipient, copies.get(recipient.address) ?? 0, trace),
      width + 4,
      columns,
    );
  });
  return `${paint.strong("Recipients")}\n${lines.join("\n")}`;
}

function renderRefused(message: TracedMessage, columns: number, paint: Paint): string {
  const addresses = message.refusedRecipients.map(toVisibleLine);
  if (message.hasMoreRefusedRecipients) addresses.push("and more, which Exim did not name");
  const label = `  ${paintStatus(paint, "rejected")}  `;
  const lines = addresses.map((address) => renderHanging(label, address, "  rejected  ".length, columns));
  return `${paint.strong("Recipients")}\n${lines.join("\n")}`;
}

/** Deliveries for each recipient: an alias leads to several mailboxes. Automatic replies are none. */
function countCopies(attempts: readonly TracedAttempt[]): ReadonlyMap<string, number> {
  const copies = new Map<string, number>();
  for (const { recipient, finalAddress, status } of attempts) {
    if (status === "success" && !finalAddress.startsWith(">")) copies.set(recipient, (copies.get(recipient) ?? 0) + 1);
  }
  return copies;
}

function describeRecipient(recipient: TracedRecipient, copies: number, trace: Trace): string {
  const { address, status, deliveredAt, isMarkedDelivered, attempts, lastError } = recipient;
  const time = deliveredAt === null ? "" : ` at ${formatTime(deliveredAt, trace.message.timeZone)}`;
  const when = isMarkedDelivered ? `: marked so by an administrator${time}` : time;
  // NOTE: an alias is delivered in several copies at the first try.
  const wasTriedOnce = status === "delivered" && lastError === null;
  const tries = wasTriedOnce ? (copies > 1 ? `, ${copies} copies` : "") : attempts > 1 ? `, ${attempts} attempts` : "";
  const isTold = lastError === null || lastError === "" || isInVerdict(lastError, trace);
  const error = isTold ? "" : `${deliveredAt === null ? "" : "; before that"}: ${lastError}`;
  const name = address === SYSTEM_FILTER ? `${address} (what the system filter set up)` : address;
  return toVisibleLine(`${name}${when}${tries}${error}`);
}

function renderRaw(timeline: readonly TimelineItem[], { paint }: PageOptions): string {
  const lines = timeline.map(({ raw }) =>
    raw === null ? paint.faint("(the text of this line has been pruned)") : toVisible(raw),
  );
  return `${paint.strong("Log lines")}\n${lines.join("\n")}`;
}
