/** Renders when each waiting message is tried next, with the source of each sentence. */
import type { HintSubject, NextAnswer, NextResult, NextTry } from "../../queue/next-try.ts";
import { formatSeconds, formatTime } from "../form/format.ts";
import { renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

interface Screen {
  readonly columns: number;
  readonly paint: Paint;
  readonly timeZone: string;
}

const INDENT = 2;

export function renderNext({ id, isFrozen, runsEverySeconds, at, answers }: NextResult, screen: Screen): string {
  const { paint } = screen;
  const parts: string[] = [];
  if (id !== null && isFrozen === true)
    parts.push(
      sentence(`${toVisibleLine(id)} is frozen: it is not tried before it is thawed.`, "the queue", 0, screen),
    );
  for (const answer of answers) parts.push(renderAnswer(answer, at, screen));
  if (answers.length === 0 && isFrozen !== true) parts.push("No retry record is kept.");
  const runs =
    runsEverySeconds === null
      ? "The log shows no steady queue runs: the time of the next one is unknown."
      : sentence(`Queue runs begin every ${formatSeconds(runsEverySeconds)}.`, "seen in the log", 0, screen);
  return `${[...parts, paint.faint(runs)].join("\n\n")}\n`;
}

function renderAnswer({ subject, tries }: NextAnswer, at: string, screen: Screen): string {
  const name = screen.paint.strong(toVisibleLine(subject));
  if (tries.length === 0)
    return `${name}\n${sentence("No retry record is kept for it: the next queue run may try it.", "hint records", INDENT, screen)}`;
  return [name, ...tries.flatMap((one) => renderTry(one, at, screen))].join("\n");
}

const SUBJECTS: Readonly<Record<HintSubject, string>> = {
  address: "this address",
  domain: "its domain",
  host: "a host it is sent to",
  delivery: "its local delivery",
};

function renderTry(one: NextTry, at: string, screen: Screen): readonly string[] {
  const time = (iso: string): string => formatTime(iso, screen.timeZone);
  const wait = (Date.parse(one.notBefore) - Date.parse(at)) / 1000;
  const when = wait > 0 ? ` (in ${formatSeconds(wait)})` : ", which has passed";
  const lines = [
    sentence(
      `Exim keeps a record about ${SUBJECTS[one.about]}, ${toVisibleLine(one.key)}: first failed ${time(one.firstFailedAt)}, last tried ${time(one.lastTriedAt)}, next try not before ${time(one.notBefore)}${when}.`,
      "hint record",
      INDENT,
      screen,
    ),
    sentence(`Because: ${toVisibleLine(one.reason)}`, "hint record", INDENT, screen),
  ];
  if (one.isExpired)
    lines.push(sentence("It is past the final cut-off: the next failure bounces it.", "hint record", INDENT, screen));
  if (one.nextAbout !== null)
    lines.push(sentence(`Next about ${time(one.nextAbout)}.`, "hint record and queue runs in the log", INDENT, screen));
  return lines;
}

function sentence(text: string, source: string, indent: number, { columns, paint }: Screen): string {
  return renderHanging(" ".repeat(indent), `${text} ${paint.faint(`[${source}]`)}`, indent, columns);
}
