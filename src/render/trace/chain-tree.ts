/** The journey of a mail as a tree: what came of what, why, and how long it stayed at each hop. */
import type { MessageStatus } from "../../message/statuses.ts";
import type { Chain, ChainLink, ChainMessage, LinkReason } from "../../trace/chain.ts";
import type { Certainty } from "../../trace/find-evidence.ts";
import { formatSeconds, formatTime, type ZoneNames, zoneNamesOf } from "../form/format.ts";
import { renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { paintStatus } from "../form/status-colour.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

const REASONS: Readonly<Record<LinkReason, string>> = {
  bounce: "bounce",
  delay_warning: "delay warning",
  freeze_notice: "notice that it is frozen",
  delivery_report: "delivery report",
  notice: "notice",
  next_hop: "next hop",
  created_by: "went on as",
  same_message_id: "same Message-ID",
  autoreply: "automatic reply",
};

const CERTAINTIES: Readonly<Record<Certainty, string>> = {
  direct: " (direct)",
  correlated: " (correlated: time and addresses agree)",
  guessed: " (guessed: time and addresses agree with several messages)",
};

export interface TreeOptions {
  readonly columns: number;
  readonly paint: Paint;
}

/** Messages that nothing comes before stand on the left. */
export function renderChain(chain: Chain, { columns, paint }: TreeOptions): string {
  const shown = new Set<string>();
  const reached = new Set(chain.links.map(({ to }) => to));
  const zones = zoneNamesOf(chain.messages.map(({ timeZone }) => timeZone));
  const lines: string[] = [];
  const show = (message: ChainMessage, link: ChainLink | undefined, indent: string, branch: string): void => {
    if (shown.has(message.key)) return;
    shown.add(message.key);
    const next = chain.messages.flatMap((one) => {
      const way = chain.links.find(({ from, to }) => from === message.key && to === one.key);
      return way === undefined || shown.has(one.key) ? [] : [{ one, way }];
    });
    const label = indent + branch;
    const below = indent + (branch === "" ? "" : branch === LAST ? "   " : "│  ");
    const under = next.length > 0 ? "│ " : "  ";
    const width = columns - MARGIN.length - Math.max(label.length, below.length + under.length);
    const [head, ...more] = renderHanging("", describe(message, link, zones, paint), 0, width).split("\n");
    lines.push(label + head, ...more.map((line) => `${below}${under}${line}`));
    for (const [index, { one, way }] of next.entries()) show(one, way, below, index === next.length - 1 ? LAST : FORK);
  };
  for (const message of chain.messages) if (!reached.has(message.key)) show(message, undefined, "", "");
  // NOTE: in a ring nothing comes first.
  for (const message of chain.messages) show(message, undefined, "", "");
  const notes = [
    chain.isLoop ? paint.bad("The same mail came back again and again: a mailing loop.") : "",
    chain.isComplete ? "" : `More messages are linked to it; only the first ${chain.messages.length} are shown.`,
  ].filter((note) => note !== "");
  return `${paint.strong("Chain")}${paint.faint(zones.common)}\n${lines.map((line) => `${MARGIN}${line.trimEnd()}`).join("\n")}\n${notes.map((note) => `\n${note}\n`).join("")}`;
}

const MARGIN = "  ";
const FORK = "├─ ";
const LAST = "└─ ";

const WAITING: ReadonlySet<MessageStatus> = new Set(["received", "queued", "deferred", "frozen"]);

function describe(message: ChainMessage, link: ChainLink | undefined, zones: ZoneNames, paint: Paint): string {
  const { id, server, status, timestamp, timeZone, queueSeconds, sender, recipients, subject, isStart } = message;
  const why = link === undefined ? "" : `${REASONS[link.reason]}${CERTAINTIES[link.certainty]}: `;
  const stay =
    queueSeconds === null ? (WAITING.has(status) ? ", not finished" : "") : `, ${formatSeconds(queueSeconds)} here`;
  const to = recipients.join(", ");
  const way = [sender ?? (to === "" ? "" : "?"), to].filter((part) => part !== "").join(" → ");
  const title = subject === null ? "" : ` “${subject}”`;
  const name = isStart ? paint.strong(id) : id;
  return `${toVisibleLine(why)}${name} on ${toVisibleLine(server)}  ${paintStatus(paint, status)}  ${formatTime(timestamp, timeZone)}${zones.behind(timeZone)}${stay}  ${toVisibleLine(way + title)}`.trimEnd();
}
