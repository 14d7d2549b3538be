/** Lines that Exim did not write: real ones, damaged or forged. A seed gives the same line again from the same samples. */
import { Random } from "./generate.ts";

/** Tokens of the grammar, and those that break it. */
const TOKENS = [
  ...[
    '"',
    '\\"',
    "\\",
    "\\\\",
    "\\n",
    "\\303",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    ":",
    "::",
    ": ",
    " : ",
    ", ",
    " ",
    "*",
    "@",
  ],
  ...[" <", " (", ' "', '" ', '"a" ', ' "a', ") [1] ", " [1]", " <a@b>", "<>", " a@b", "<a> ", "[203.0.113.7]:25"],
  ...["<=", "(=", "=>", "->", ">>", "*>", "**", "==", "=> a@b R=r T=t", "Completed", "1vwwZZ-0005WR-0f"],
  ...["10HmaX-000000005vi-0000", "2026-03-02 06:16:05 ", "2026-03-02 06:16:05.123 +0100 [77] "],
  ...[
    " H=",
    " H=x [1] ",
    " H=(",
    " U=",
    " A=",
    " P=<",
    " F=<",
    " R=",
    " T=",
    ' T="',
    ' C="',
    ' DN="',
    ' DN="x" K',
    " X=",
  ],
  ...[
    " QT=1s",
    " DT=1s",
    " D=1s",
    " S=1",
    " Ci=",
    " Q=",
    " ST=a (",
    " DS",
    " DSH=",
    " K",
    " L*",
    " AB=",
    ' AB="',
    "=",
    " id=",
  ],
  ...[" defer (-44)", " defer (", " from <", " for ", " from ", " rejected ", " next input=", " transport output: "],
  ...[
    " unencrypted to ",
    " received from ",
    " rejected after DATA: ",
    " error=",
    " cert=",
    "(via inetd)",
    " Warning: ",
  ],
  ...[
    "Connection timed out: ",
    "SMTP error from remote mail server after RCPT TO:<",
    "550 5.1.1 ",
    "1",
    "1w",
    ".",
    "-",
    "a",
  ],
  ...["\0", "\x01", "\t", "\r", "\n", "\x1b[31m", "\x7f", "\x80", "\xff", "\xc3\xa9", "\xf0\x9f"],
] as const;

type Mutation = (line: string, random: Random, samples: readonly string[]) => string;

const MUTATIONS: readonly Mutation[] = [
  // Fields: dropped, repeated, swapped.
  (line, random) => inFields(line, (fields) => fields.toSpliced(random.upTo(fields.length), 1 + random.upTo(3))),
  (line, random) =>
    inFields(line, (fields) => {
      const at = random.upTo(fields.length);
      return fields.toSpliced(at, 0, ...Array.from({ length: 1 + random.upTo(4) }, () => fields[at] ?? ""));
    }),
  (line, random) =>
    inFields(line, (fields) => {
      const [one, other] = [random.upTo(fields.length), random.upTo(fields.length)];
      return fields.with(one, fields[other] ?? "").with(other, fields[one] ?? "");
    }),
  // Characters and tokens: put in, overwritten, taken out, a bit of one turned over.
  (line, random) => splice(line, random, 0, random.pick(TOKENS)),
  (line, random) => splice(line, random, random.upTo(4), random.pick(TOKENS)),
  (line, random) => splice(line, random, 1 + random.upTo(8), ""),
  (line, random) => {
    const at = random.upTo(line.length);
    return line.slice(0, at) + String.fromCharCode(line.charCodeAt(at) ^ (1 << random.upTo(8))) + line.slice(at + 1);
  },
  // A line cut off, and the beginning of one before the end of another.
  (line, random) => line.slice(0, random.upTo(line.length + 1)),
  (line, random, samples) => {
    const other = random.pick(samples);
    return line.slice(0, random.upTo(line.length + 1)) + other.slice(random.upTo(other.length + 1));
  },
];

/** One of the samples with one to four mutations; of twenty, one holds a long run besides. It may hold newlines. */
export function mutateLine(samples: readonly string[], seed: number): string {
  const random = new Random(Math.imul(seed, 0x9e3779b1));
  let line = random.pick(samples);
  for (let left = random.upTo(4); left >= 0; left--) {
    if (line !== "") line = random.pick(MUTATIONS)(line, random, samples);
  }
  return random.isOneOf(20) ? splice(line, random, 0, run(random, 2 ** (4 + random.upTo(10)))) : line;
}

/** The beginning of one of the samples, then one token again and again up to `length` characters, then another token. */
export function overgrowLine(samples: readonly string[], seed: number, length: number): string {
  const random = new Random(Math.imul(seed, 0x9e3779b1));
  const sample = random.pick(samples);
  const start = sample.slice(0, random.upTo(sample.length + 1));
  return start + run(random, length - start.length) + random.pick(TOKENS);
}

function run(random: Random, length: number): string {
  const token = random.pick(TOKENS);
  return token.repeat(Math.ceil(length / token.length));
}

function inFields(line: string, change: (fields: readonly string[]) => readonly string[]): string {
  return change(line.split(" ")).join(" ");
}

function splice(line: string, random: Random, removed: number, inserted: string): string {
  const at = random.upTo(line.length + 1);
  return line.slice(0, at) + inserted + line.slice(at + removed);
}
