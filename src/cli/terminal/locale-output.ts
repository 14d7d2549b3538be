/** Pages in the character set of the user: where that is not UTF-8, they are ASCII. What programs read stays as it is. */
import { toUnicodeEscape } from "../../render/form/terminal-text.ts";
import { flagsOf } from "../declare/argv.ts";
import type { Io } from "../io.ts";
import { mappedOutput } from "./mapped-output.ts";

type Environment = Io["env"];

/** Flags whose answer is for a program, or is the log's own text. */
const FOR_PROGRAMS = /^--(?:json|ndjson|csv|tsv|html|markdown|raw)(?:=|$)/;

/** Returns `io` with outputs that print ASCII where the locale has no UTF-8: `LANG=C`, `LC_ALL=de_DE.ISO-8859-1`. */
export function inLocale(io: Io, argv: readonly string[]): Io {
  if (hasUtf8(io.env)) return io;
  const isForPrograms = argv[0] === "export" || flagsOf(argv).some((word) => FOR_PROGRAMS.test(word));
  const stdout = isForPrograms ? io.stdout : mappedOutput(io.stdout, toAscii);
  return Object.create(io, { stdout: { value: stdout }, stderr: { value: mappedOutput(io.stderr, toAscii) } });
}

/** Follows POSIX: the first variable that says something decides. None does in many containers and services, whose reader has UTF-8. */
function hasUtf8(env: Environment): boolean {
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find((value) => value !== undefined && value !== "");
  return locale === undefined || /utf-?8/i.test(locale);
}

/** Characters of ours; curves keep their width. */
const OURS: Readonly<Record<string, string>> = {
  "…": "...",
  "→": "->",
  "·": ".",
  "“": '"',
  "”": '"',
  "’": "'",
  "–": "-",
  "−": "-",
  "×": "x",
  "✎": "#",
  "│": "|",
  "─": "-",
  "├": "|",
  "└": "`",
  "▏": "",
  "▎": "",
  "▍": "",
  "▌": "#",
  "▋": "#",
  "▊": "#",
  "▉": "#",
  "█": "#",
  "▇": "%",
  "▆": "*",
  "▅": "+",
  "▄": "=",
  "▃": "-",
  "▂": ":",
  "▁": "_",
};

/** Others, which logs hold, become escapes as those for terminals are: `caf\u00e9`. */
export function toAscii(text: string): string {
  return text.replace(/[^\0-\x7f]/gu, (character) => OURS[character] ?? toUnicodeEscape(character));
}
