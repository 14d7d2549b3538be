/** Pages in the character set of the user: where that is not UTF-8, they are ASCII. What programs read stays as it is. */
import type { Io, OutputStream } from "../io.ts";

type Environment = Io["env"];

/** Flags whose answer is for a program, or is the log's own text. */
const FOR_PROGRAMS = /^--(?:json|ndjson|csv|tsv|html|markdown|raw)(?:=|$)/;

/** Returns `io` with outputs that print ASCII where the locale has no UTF-8: `LANG=C`, `LC_ALL=de_DE.ISO-8859-1`. */
export function inLocale(io: Io, argv: readonly string[]): Io {
  if (hasUtf8(io.env)) return io;
  const end = argv.indexOf("--");
  const isForPrograms =
    argv[0] === "export" || (end < 0 ? argv : argv.slice(0, end)).some((word) => FOR_PROGRAMS.test(word));
  const stdout = isForPrograms ? io.stdout : asciiOutput(io.stdout);
  return Object.create(io, { stdout: { value: stdout }, stderr: { value: asciiOutput(io.stderr) } });
}

/** Follows POSIX: the first variable that says something decides. None does in many containers and services, whose reader has UTF-8. */
function hasUtf8(env: Environment): boolean {
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find((value) => value !== undefined && value !== "");
  return locale === undefined || /utf-?8/i.test(locale);
}

function asciiOutput(stream: OutputStream): OutputStream {
  return new Proxy(stream, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === "write")
        return (text: string | Uint8Array, ...rest: readonly unknown[]) =>
          Reflect.apply(target.write, target, [typeof text === "string" ? toAscii(text) : text, ...rest]);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
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
  return text.replace(/[^\0-\x7f]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const digits = code.toString(16);
    return OURS[character] ?? (code > 0xffff ? `\\u{${digits}}` : `\\u${digits.padStart(4, "0")}`);
  });
}
