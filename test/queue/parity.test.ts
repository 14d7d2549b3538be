/**
 * Compares `queue --spool` and `queue --bp` with the output of Exim's own tools for real spools at the same moment, byte for byte. Only
 * the differences of {@link BY_DESIGN} are allowed.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { toVisible } from "../../src/render/form/terminal-text.ts";
import { decodeLines } from "../../src/text.ts";
import { epochMs } from "../../src/units.ts";
import { runCli } from "../support/cli.ts";
import { queueSnapshots } from "./snapshots.ts";

/** Rewrites of a tool's text into our form before both are compared. */
const BY_DESIGN = {
  /** No rewrite: byte for byte. */
  exim: (text: string): string => text,
  /** exiqgrep puts a tab before recipients, and leaves to chance which of two messages of one second comes first. */
  exiqgrep: (text: string): string => sortBlocks(text.replaceAll("\t", " ".repeat(8))),
  "exiqgrep lines": sortLines,
  /** exipick leaves to chance in which order recipients come, and converts no charset of encoded words. */
  exipick: (text: string): string =>
    text.replace(NOT_ASCII, "$1").split("\n\n").map(sortLists).map(sortLines).join("\n\n"),
} as const;

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII.
const NOT_ASCII = /(\$h_subject = ').*[^\x00-\x7f].*/g;
const RECIPIENTS = /(\$recipients = ')(.*)(')/;

function sortLists(block: string): string {
  return block.replace(
    RECIPIENTS,
    (_, before: string, list: string, after: string) => `${before}${list.split(", ").sort().join(", ")}${after}`,
  );
}

function sortLines(text: string): string {
  return text.split("\n").sort().join("\n");
}

function sortBlocks(text: string): string {
  return text.split("\n\n").sort().join("\n\n");
}

type Case = readonly [file: string, form: keyof typeof BY_DESIGN, ...flags: string[]];

const CASES: readonly Case[] = [
  ["exim-bp", "exim", "--format", "mailq"],
  ["exim-bpa", "exim", "--format", "mailq", "--recipients", "generated"],
  ["exim-bpu", "exim", "--format", "mailq", "--recipients", "undelivered"],
  ["exim-bpr", "exiqgrep", "--format", "mailq"],
  ["exim-bpra", "exiqgrep", "--format", "mailq", "--recipients", "generated"],
  ["exim-bpc", "exim", "--count"],
  ["exim-bp-named", "exim", "--format", "mailq", "-G", "bulk"],
  ["exipick", "exipick", "--format", "mailq"],
  ["exipick-bounces", "exipick", "--format", "mailq", "$sender_address eq ''"],
  ["exipick-count", "exim", "--count"],
  ["exipick-frozen", "exipick", "--format", "mailq", "$deliver_freeze"],
  ["exipick-i", "exim", "--format", "ids"],
  ["exipick-show", "exipick", "--format", "mailq", "--show-vars", "$sender_address,$recipients,$h_subject"],
  [
    "exipick-vars",
    "exipick",
    "--format",
    "mailq",
    "--show-vars",
    "$message_age,$message_size,$received_protocol,$sender_host_address",
  ],
  ["exiqgrep", "exiqgrep", "-l"],
  ["exiqgrep-b", "exiqgrep lines", "-b"],
  ["exiqgrep-c", "exim", "-c"],
  ["exiqgrep-f-null", "exiqgrep", "-l", "-f", "^<>$"],
  ["exiqgrep-i", "exiqgrep lines", "-i"],
  ["exiqgrep-o-6h", "exiqgrep", "-l", "-o", "21600"],
  ["exiqgrep-y-6h", "exiqgrep", "-l", "-y", "6h"],
  ["exiqgrep-r", "exiqgrep", "-l", "-r", "rules.example"],
  ["exiqgrep-x", "exiqgrep", "-l", "-x"],
  ["exiqgrep-z", "exiqgrep", "-l", "-z"],
  ["exiqgrep-z-i", "exiqgrep lines", "-z", "-i"],
  ["exiqsumm", "exim", "--format", "summary"],
];

/** exipick adds 7 bytes to sizes of messages with long ids: it counts the line of the name in `-D` as that of a short one. */
const LONG_ID_BYTES = "1wOsrd-000000005ag-1BdQ".length - "1vzOI8-0009wa-1t".length;
/** exiqsumm passes over a message whose sender holds a blank, and counts its recipients to the one before. */
const BLANK_IN_SENDER = /<[^>]* [^>]*>/;

/** A second and more after the snapshot began, a tool may have started. */
const CLOCKS_MS = [0, 1000, 2000];

describe.each(queueSnapshots())("the spool $name", ({ directory, at }) => {
  const isPrinted = (file: string): boolean => existsSync(join(directory, `${file}.txt`));
  // NOTE: bytes that are no UTF-8 are shown one character each, and what a terminal would take for an order as an escape.
  const printed = (file: string): string =>
    toVisible(decodeLines(readFileSync(join(directory, `${file}.txt`), "latin1")));
  const ours = (afterMs: number, ...argv: string[]): Promise<string> =>
    runCli(["queue", ...argv, "--no-pager"], { now: () => epochMs(at + afterMs) }).then(({ stdout }) => stdout);

  const cases = CASES.filter(([file]) => isPrinted(file)).map(([file, form, ...flags]) => ({ file, form, flags }));
  test.each(cases)("is printed as the tool printed it: $file", async ({ file, form, flags }) => {
    const theirs = printed(file);
    if (file === "exim-bp-named" && theirs === "") return;
    if (file === "exiqsumm" && BLANK_IN_SENDER.test(printed("exim-bp"))) return;
    const isLongSize = file.startsWith("exipick") && /^1[^-]{5}-[^-]{11}-/m.test(printed("exipick-i"));
    const normal = (text: string): string => BY_DESIGN[form](isLongSize ? text.replace(SIZES, toShortSize) : text);
    const expected = BY_DESIGN[form](theirs);
    for (const afterMs of CLOCKS_MS) {
      const text = normal(await ours(afterMs, "--spool", directory, ...flags));
      if (text === expected) return;
      if (afterMs === CLOCKS_MS.at(-1)) expect(text).toBe(expected);
    }
  });

  test("has an output of exim -bp that is read back and printed the same", async () => {
    for (const file of ["exim-bp", "exim-bpa"]) {
      const again = await ours(
        0,
        "--bp",
        join(directory, `${file}.txt`),
        "--format",
        "mailq",
        "--recipients",
        "generated",
      );
      expect(again).toBe(printed(file));
    }
  });

  test("has the same sums of exiqsumm from a listing", async () => {
    if (BLANK_IN_SENDER.test(printed("exim-bp"))) return;
    expect(await ours(0, "--bp", join(directory, "exim-bp.txt"), "--format", "summary")).toBe(printed("exiqsumm"));
  });
});

const SIZES = /^( *\d+[mhd] +)(\d+)( 1)|(\$message_size = ')(\d+)(')/gm;

/** Size as exipick would show it. */
function toShortSize(
  all: string,
  before?: string,
  size?: string,
  after?: string,
  name?: string,
  value?: string,
  end?: string,
): string {
  const wrong = (text: string): string => String(Number(text) + LONG_ID_BYTES);
  if (size !== undefined) return `${before}${wrong(size).padStart(size.length)}${after}`;
  return value === undefined ? all : `${name}${wrong(value)}${end}`;
}
