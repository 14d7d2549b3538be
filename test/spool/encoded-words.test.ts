import { expect, test } from "vitest";
import { decodeEncodedWords } from "../../src/spool/encoded-words.ts";

test.each([
  ["plain =? text", "plain =? text"],
  ["=?utf-8?Q?Gr=C3=BC=C3=9Fe_an?= alle", "Grüße an alle"],
  ["=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"],
  ["=?iso-8859-1?q?Gr=FC=DFe?= =?iso-8859-1?q?_an?=", "Grüße an"],
  ["=?gb2312?B?xOO6ww==?=", "你好"],
  ["=?utf-8*de?Q?ja?=", "ja"],
  ["=?no-such-charset?Q?ja?=", "=?no-such-charset?Q?ja?="],
  ["=?utf-8?Q?a=00b?=", "a?b"],
])("the header text %s is decoded", (text, expected) => {
  expect(decodeEncodedWords(text)).toBe(expected);
});
