/** The text of a notification: plain, of short lines, safe for whoever reads it. Texts of logs may stand in it, which strangers wrote. */
import type { OutgoingNotice } from "../../notify/channel.ts";
import type { Notification, NotificationEvent, NotificationReason } from "../../store/outbox/notification.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

/** Characters of one field. */
const LONGEST_FIELD = 200;
/** Bytes of a text: Telegram and ntfy take 4,096. */
const MOST_BYTES = 3_500;
const MOST_NOTES = 10;

/**
 * Makes one visible line of a text. Control characters and those that turn the direction of writing are shown as escapes. Nothing in it is
 * taken for a link, an address, a command or an encoded word: `https[:]//evil[.]example`.
 */
export function toField(text: string): string {
  const characters = [...toVisibleLine(text.slice(0, LONGEST_FIELD * 4)).trim()];
  const cut =
    characters.length > LONGEST_FIELD ? `${characters.slice(0, LONGEST_FIELD - 1).join("")}…` : characters.join("");
  return defang(cut);
}

/** NOTE: a program that shows a text makes a link of names with a dot, not of addresses with `://` alone. */
function defang(text: string): string {
  return (
    text
      .replaceAll("://", "[:]//")
      // NOTE: a program that shows a mail decodes =?utf-8?q?…?= in its subject, line ends among it.
      .replaceAll("=?", "=[?]")
      .replaceAll(/\b(mailto|javascript|vbscript|data|tel|sms|tg|file|xmpp|sip):/giu, "$1[:]")
      .replaceAll(/([\p{L}\p{N}_-])[.\u3002\uff0e\uff61](?=[\p{L}\p{N}_-]*\p{L})/gu, "$1[.]")
      .replaceAll(/(?<![\d.])(\d{1,3}\.\d{1,3}\.\d{1,3})\.(?=\d{1,3}(?![\d.]*\d))/gu, "$1[.]")
  );
}

const WORDS: Readonly<Record<Exclude<NotificationReason, "test">, string>> = {
  opened: "",
  worse: "worse, ",
  over: "over, ",
  alarm: "",
  digest: "",
};

export interface NoticeParts {
  readonly notification: Pick<Notification, "id" | "number" | "incidentId" | "reason" | "severity">;
  readonly event: NotificationEvent;
  /** Notifications of a digest, each as it is. */
  readonly members: readonly Pick<NoticeParts, "notification" | "event">[];
  readonly markOf: (notification: Pick<Notification, "number" | "incidentId">) => string;
}

/** Composes what is sent. Names are made up in `event` already, where they are to be. */
export function composeNotice({ notification, event, members, markOf }: NoticeParts): OutgoingNotice {
  const { id, reason, severity } = notification;
  const mark = markOf(notification);
  const server = event.server === null ? null : toField(event.server);
  const what = reason === "test" ? "test" : `${WORDS[reason]}${severity.toUpperCase()}`;
  const heading = `exim-pilot: ${what}${server === null ? "" : ` on ${server}`}`;
  const title = toField(event.title);
  const lines = [`${title}.`, ...event.notes.slice(0, MOST_NOTES).map(toField)];
  const end = [timeLine(event), event.command === null ? mark : `${event.command}  ${mark}`].filter(
    (line) => line !== "",
  );
  const listed = members.map(
    (member) =>
      `${member.notification.severity.toUpperCase()}${member.event.server === null ? "" : ` on ${toField(member.event.server)}`}: ${toField(member.event.title)}  ${markOf(member.notification)}`,
  );
  const text = fitLines([...lines, ...listed], end);
  return { id, mark, reason, severity, server, title, since: event.since, until: event.until, heading, text };
}

function timeLine({ since, until }: NotificationEvent): string {
  if (since === null) return "";
  const minutes = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 16)}`;
  return until === null ? `Since ${minutes(since)} UTC.` : `From ${minutes(since)} to ${minutes(until)} UTC.`;
}

/** Keeps the lines that fit and says how many do not; the end is always there. */
function fitLines(lines: readonly string[], end: readonly string[]): string {
  const sizeOf = (line: string): number => Buffer.byteLength(line) + 1;
  let left = MOST_BYTES - end.reduce((sum, line) => sum + sizeOf(line), 0) - sizeOf(`… and ${lines.length} more`);
  const kept: string[] = [];
  for (const line of lines) {
    left -= sizeOf(line);
    if (left < 0) break;
    kept.push(line);
  }
  const more = lines.length - kept.length;
  return [...kept, ...(more > 0 ? [`… and ${more} more`] : []), ...end].join("\n");
}
