/** Several messages to choose from, each with a number and its verdict. */
import type { Choice } from "../answers.ts";
import { formatTime, zoneNamesOf } from "../form/format.ts";
import { renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { paintStatus } from "../form/status-colour.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

type UnnumberedChoice = Omit<Choice, "number">;

export function renderChoices(
  choices: readonly UnnumberedChoice[],
  { columns, paint, isMore }: { readonly columns: number; readonly paint: Paint; readonly isMore: boolean },
): string {
  const width = String(choices.length).length;
  const zones = zoneNamesOf(choices.map(({ message }) => message.timeZone));
  const lines = choices.map(({ verdict, message, recipients }, index) => {
    const { id, server, status, timestamp, timeZone, sender, subject } = message;
    const number = `${String(index + 1).padStart(width)}  `;
    const head = `${formatTime(timestamp, timeZone)}${zones.behind(timeZone)}  ${paint.strong(id)}  ${paintStatus(paint, status)}  ${paint.faint(`on ${toVisibleLine(server)}`)}`;
    const way = [sender ?? "?", recipients.map(({ address }) => address).join(", ")]
      .filter((part) => part !== "")
      .join(" → ");
    const title = subject === null ? "" : ` “${subject}”`;
    const indent = number.length;
    const below = [toVisibleLine(way + title), toVisibleLine(verdict)].map((text) =>
      renderHanging(" ".repeat(indent), text, indent, columns),
    );
    return [renderHanging(number, head, indent, columns), ...below].join("\n");
  });
  const what = isMore ? `The newest ${choices.length} messages; there are more` : `${choices.length} messages`;
  const more = isMore ? " --limit shows more." : "";
  const times = zones.common === "" ? "" : ` Times are in ${zones.common.slice(" (".length, -")".length)}.`;
  const hint = `${what}.${times}${more} Choose one with --pick <number>, or narrow them with --since.`;
  return `${lines.join("\n")}\n\n${renderHanging("", hint, 0, columns)}\n`;
}
