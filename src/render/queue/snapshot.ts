import type { SnapshotReport } from "../../queue/snapshot.ts";
import { countOf, formatCount } from "../form/format.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

/** A line for each queue. */
export function renderSnapshot({ server, isNew, queues, hints, contents }: SnapshotReport): string {
  const kept = contents === 0 ? [] : [`${countOf(contents, "message")} stored with content`];
  if (!isNew && contents === 0)
    return `This snapshot of the queue of ${toVisibleLine(server)} is stored already; nothing was added.\n`;
  const lines = queues.map(({ queueName, isComplete, messages, frozen, came, went }) => {
    const queue = queueName === "" ? "" : ` (queue ${toVisibleLine(queueName)})`;
    const gone = isComplete
      ? `${formatCount(went)} gone`
      : "which ones are gone is not known, since not all of it could be read";
    return `${toVisibleLine(server)}${queue}: ${countOf(messages, "message")} (${formatCount(frozen)} frozen), ${formatCount(came)} new, ${gone}`;
  });
  lines.push(...kept);
  if (hints > 0) lines.push(`${countOf(hints, "retry record")} stored`);
  return `${lines.join("\n")}\n`;
}
