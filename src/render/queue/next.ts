/** When what waits is tried next, in sentences that say where each comes from. */
import type { HintSubject, NextAnswer, NextResult, NextTry } from "../../spool/next-try.ts";
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

export function renderNext(result: NextResult, screen: Screen): string {
  const { id, isFrozen, runsEverySeconds, recordsKeptAt, at, answers } = result;
  const { paint } = screen;
  const parts: string[] = [];
  if (id !== null && isFrozen === true)
    parts.push(
      sentence(`${toVisibleLine(id)} is frozen: it is not tried before it is thawed.`, "the queue", 0, screen),
    );
  const source =
    recordsKeptAt === null ? "hint record" : `hint record, kept ${formatTime(recordsKeptAt, screen.timeZone)}`;
  for (const answer of answers) parts.push(renderAnswer(answer, at, source, screen));
  if (answers.length === 0 && isFrozen !== true) parts.push("No retry record is kept.");
  const runs =
    runsEverySeconds === null
      ? renderHanging("", "The log shows no steady queue runs: the time of the next one is unknown.", 0, screen.columns)
      : sentence(`Queue runs begin every ${formatSeconds(runsEverySeconds)}.`, "seen in the log", 0, screen);
  const hasTimes = answers.some(({ tries }) => tries.length > 0 || recordsKeptAt !== null);
  const zone = hasTimes ? [`Times are in ${screen.timeZone}.`] : [];
  return `${[...parts, paint.faint([runs, ...zone].join("\n"))].join("\n\n")}\n`;
}

function renderAnswer({ subject, tries }: NextAnswer, at: string, source: string, screen: Screen): string {
  const name = screen.paint.strong(toVisibleLine(subject));
  if (tries.length === 0)
    return `${name}\n${sentence("No retry record is kept for it: the next queue run may try it.", source.replace("record", "records"), INDENT, screen)}`;
  return [name, ...tries.flatMap((one) => renderTry(one, at, source, screen))].join("\n");
}

const SUBJECTS: Readonly<Record<HintSubject, string>> = {
  address: "this address",
  domain: "its domain",
  host: "a host it is sent to",
  delivery: "its local delivery",
};

function renderTry(one: NextTry, at: string, source: string, screen: Screen): readonly string[] {
  const time = (iso: string): string => formatTime(iso, screen.timeZone);
  const wait = (Date.parse(one.notBefore) - Date.parse(at)) / 1000;
  const when = wait > 0 ? ` (in ${formatSeconds(wait)})` : ", which has passed";
  const lines = [
    sentence(
      `Exim has a retry record of ${SUBJECTS[one.about]}, ${toVisibleLine(one.key)}: first failure ${time(one.firstFailedAt)}, last try ${time(one.lastTriedAt)}, next try not before ${time(one.notBefore)}${when}.`,
      source,
      INDENT,
      screen,
    ),
    sentence(`Because: ${toVisibleLine(one.reason)}`, source, INDENT, screen),
  ];
  if (one.isExpired)
    lines.push(sentence("It is past the final cut-off: the next failure bounces it.", source, INDENT, screen));
  if (one.nextAbout !== null)
    lines.push(
      sentence(`Next try about ${time(one.nextAbout)}.`, `${source} and queue runs in the log`, INDENT, screen),
    );
  return [...lines, ...renderRule(one, time, screen)];
}

function renderRule({ rule, ruleUnknown }: NextTry, time: (iso: string) => string, screen: Screen): readonly string[] {
  if (ruleUnknown !== null) return [sentence(ruleUnknown, "retry rules", INDENT, screen)];
  if (rule === null) return [];
  const source = `retry rule of line ${rule.line}`;
  if (rule.finalCutoffAt === null)
    return [sentence("Its rule has no times: each failure is final.", source, INDENT, screen)];
  const step = rule.step === null ? "" : `, of which ${toVisibleLine(rule.step)} applied at the last try`;
  const then =
    rule.nextIntervalSeconds === null
      ? ""
      : ` Should the next try fail, Exim waits ${formatSeconds(rule.nextIntervalSeconds)}.`;
  return [
    sentence(`Rule: ${toVisibleLine(rule.rule)}${step}.${then}`, source, INDENT, screen),
    sentence(
      `A failure after ${time(rule.finalCutoffAt)} is final; so is one of a message that has waited for as long as the rule lasts.`,
      `hint record and ${source}`,
      INDENT,
      screen,
    ),
  ];
}

function sentence(text: string, source: string, indent: number, { columns, paint }: Screen): string {
  return renderHanging(" ".repeat(indent), `${text} ${paint.faint(`[${source}]`)}`, indent, columns);
}
