/** Log files of Exim as its syslog transport would have sent them. */
import { startsEntry } from "../../src/parse/record.ts";

export interface SyslogForm {
  /** "3164": a stamp without a year; "3339": the same header with a full one; "5424": structured. */
  readonly header: "3164" | "3339" | "5424";
  readonly hasPriority: boolean;
  /** Exim's own stamp stays in the line. */
  readonly hasStamp: boolean;
  /** Bytes after which a line is cut; Exim's own limit is 870. */
  readonly pieceBytes: number;
}

type Log = "main" | "reject" | "panic";

/** Facility mail; severities info, notice and alert. */
const PRIORITIES: Readonly<Record<Log, number>> = { main: 22, reject: 21, panic: 17 };
const ORDER: readonly Log[] = ["main", "reject", "panic"];
const STAMP = "2026-03-02 04:06:00".length;

interface Entry {
  readonly log: Log;
  readonly lines: readonly string[];
  readonly process: number;
}

/**
 * The logs, as latin1, in one: an entry of several logs as the lines of one process, one after the other; the others by their
 * stamps. Pieces of two processes stand in turns. The stamps have to be UTC.
 */
export function toSyslog(logs: Readonly<Partial<Record<Log, string>>>, form: SyslogForm): string {
  const lanes = mergeEntries(logs).map((entries) => entries.flatMap((entry) => toLines(entry, form)));
  const lines: string[] = [];
  for (let index = 0; index < lanes.length; index += 2)
    lines.push(...inTurns(lanes[index] ?? [], lanes[index + 1] ?? []));
  return lines.map((line) => `${line}\n`).join("");
}

/** By process. */
function mergeEntries(logs: Readonly<Partial<Record<Log, string>>>): Entry[][] {
  const all = ORDER.flatMap((log) =>
    entriesOf(logs[log] ?? "").map((lines) => ({ log, lines, stamp: stampOf(lines) })),
  );
  const waiting = new Map<string, typeof all>();
  for (const entry of all.filter(({ log }) => log !== "main")) {
    const key = entry.lines[0] ?? "";
    waiting.set(key, [...(waiting.get(key) ?? []), entry]);
  }
  const groups: (typeof all)[] = [];
  for (const entry of all.filter(({ log }) => log === "main")) {
    const others = waiting.get(entry.lines[0] ?? "") ?? [];
    const duplicates = (["reject", "panic"] as const).flatMap((log) => others.find((other) => other.log === log) ?? []);
    waiting.set(
      entry.lines[0] ?? "",
      others.filter((other) => !duplicates.includes(other)),
    );
    groups.push([entry, ...duplicates]);
  }
  for (const rest of waiting.values()) groups.push(...rest.map((entry) => [entry]));
  const stampOfGroup = (group: typeof all): string => group[0]?.stamp ?? "";
  groups.sort((one, other) =>
    stampOfGroup(one) < stampOfGroup(other) ? -1 : Number(stampOfGroup(one) > stampOfGroup(other)),
  );
  return groups.map((group, process) => group.map(({ log, lines }) => ({ log, lines, process: 1000 + process })));
}

function entriesOf(text: string): string[][] {
  const entries: string[][] = [];
  for (const line of text.split("\n").slice(0, -1)) {
    if (startsEntry(line)) entries.push([line]);
    else entries.at(-1)?.push(line);
  }
  return entries;
}

function stampOf(lines: readonly string[]): string {
  return (lines[0] ?? "").slice(0, STAMP);
}

function toLines({ log, lines, process }: Entry, form: SyslogForm): string[] {
  const header = headerOf(stampOf(lines), log, process, form);
  const texts = form.hasStamp ? lines : [(lines[0] ?? "").slice(STAMP + 1), ...lines.slice(1)];
  const pieces = texts.flatMap((text) => cut(text, form.pieceBytes));
  if (pieces.length === 1) return [`${header}${pieces[0]?.text ?? ""}`];
  return pieces.map(({ text, endsLine }, index) => {
    const isLast = index === pieces.length - 1;
    return `${header}[${index + 1}${endsLine && !isLast ? "\\" : "/"}${pieces.length}] ${text}`;
  });
}

function cut(text: string, length: number): { readonly text: string; readonly endsLine: boolean }[] {
  const pieces = [];
  for (let from = 0; from === 0 || from < text.length; from += length) {
    pieces.push({ text: text.slice(from, from + length), endsLine: from + length >= text.length });
  }
  return pieces;
}

function headerOf(stamp: string, log: Log, process: number, { header, hasPriority }: SyslogForm): string {
  const priority = hasPriority ? `<${PRIORITIES[log]}>` : "";
  const full = `${stamp.replace(" ", "T")}.123456+00:00`;
  if (header === "5424") return `${priority}1 ${full} mx1 exim ${process} - - `;
  if (header === "3339") return `${priority}${full} mx1 exim[${process}]: `;
  const month = new Date(`${stamp.slice(0, 10)}T00:00:00Z`).toLocaleString("en", { month: "short", timeZone: "UTC" });
  const day = String(Number(stamp.slice(8, 10))).padStart(2);
  return `${priority}${month} ${day} ${stamp.slice(11)} mx1 exim[${process}]: `;
}

function inTurns(one: readonly string[], other: readonly string[]): string[] {
  return Array.from({ length: Math.max(one.length, other.length) }, (_, index) => [one[index], other[index]])
    .flat()
    .filter((line) => line !== undefined);
}
