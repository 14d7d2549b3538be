/** Words that a redacted text keeps. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { isPublicWord } from "../../src/redact/vocabulary.ts";

const SOURCES = fileURLToPath(new URL("../../src/", import.meta.url));
const VOCABULARY = join(SOURCES, "redact", "vocabulary.ts");
const WIDTH = 112;
/** Names that examples in sentences have, and providers. */
const NO_WORDS =
  /^(?:alice|ann|bob|berlin|chicago|america|europe|aol|comcast|cox|gmail|gmx|ionos|yahoo|icloud|outlook|telekom|wanadoo|vwz|xfinity)$/;

/** Words of the texts with blanks in the sources: sentences, and parts of them. */
function wordsOfSentences(): ReadonlySet<string> {
  const words = new Set<string>();
  for (const file of readdirSync(SOURCES, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts") || /vocabulary|providers/.test(file)) continue;
    const source = readFileSync(join(SOURCES, file), "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    for (const [text] of source.matchAll(/"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g)) {
      if (!/[a-z] [a-z]/.test(text)) continue;
      const plain = text.replace(/\$\{[^}]*\}|\\.|\S+@\S+|\S+\.(?:example|com|org|net)\b/g, " ");
      for (const [word] of plain.matchAll(/(?<![\w$.-])(?:[A-Z]?[a-z]{2,15}|[A-Z]{3,12})(?![\w$-]|\.\w)/g)) {
        if (!NO_WORDS.test(word.toLowerCase())) words.add(word.toLowerCase());
      }
    }
  }
  return words;
}

/** Writes the words into the file of the vocabulary, in the order of the alphabet. */
function addWords(missing: readonly string[]): void {
  const source = readFileSync(VOCABULARY, "utf8");
  const [list = ""] = /(?<=const WORDS = `\n)[\s\S]*?(?=\n`;)/.exec(source) ?? [];
  const lines: string[] = [];
  for (const word of [...new Set([...list.split(/\s+/), ...missing])].sort()) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length >= WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  writeFileSync(VOCABULARY, source.replace(list, lines.join("\n")));
}

test("nearly all words of the program's own sentences are known: others are hidden when one is redacted", () => {
  const words = wordsOfSentences();
  const missing = [...words].filter((word) => word.length > 2 && !isPublicWord(word));
  if (process.env["UPDATE_GOLDEN"] !== undefined) addWords(missing);
  else expect(missing.length, missing.join(" ")).toBeLessThan(words.size / 50);
  expect(words.size).toBeGreaterThan(1500);
});

describe("a word", () => {
  test.each([
    ..."delivered Unrouteable RCPT TLS1 3d4h 64K 8bit 2nd sha256 rsa-sha256 IPv6 2026-03-02T05 1772455205".split(" "),
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
  ])("%s says nothing of anybody", (word) => {
    expect(isPublicWord(word)).toBe(true);
  });

  test.each(
    "alice Wendy zqx17f mx1 mail7 35832CAD15170E A1B2C3D4 jürgen bob-the-builder fred_smith user12 4F2A1B3C 山田".split(
      " ",
    ),
  )("%s may be a name", (word) => {
    expect(isPublicWord(word)).toBe(false);
  });
});
