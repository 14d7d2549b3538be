/** Each page with times names their zone: read from the golden output, so that a new page is held to it too. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FIXTURES } from "../support/database.ts";

const CASES = join(FIXTURES, "cli");
const STAMP = /\d{4}-\d\d-\d\d \d\d:\d\d/;
const ZONE = /\bUTC\b|\b(?:Europe|America|Asia|Australia)\/\w+|\d [+-]\d{4}\b/;

/** Lines of a log, in which it has no zone; and eximstats, which compares stamps as texts. */
const AS_LOGGED: readonly string[] = ["parse-explain", "parse-summary", "search-raw", "stats-eximstats"];

/** Forms of a time that can be typed are the time of nothing. */
const isHelp = (name: string): boolean => name.startsWith("help-");

test("a page with times names their zone, but for lines as they were logged", () => {
  const nameless = readdirSync(CASES).filter(
    (name) =>
      !isHelp(name) &&
      pagesOf(readFileSync(join(CASES, name, "stdout"), "utf8")).some((page) => STAMP.test(page) && !ZONE.test(page)),
  );
  expect(nameless.sort()).toEqual([...AS_LOGGED].sort());
});

/** Pages of a case, one for each command, without the commands: a zone that was typed names none. Lines of JSON are for programs. */
function pagesOf(output: string): readonly string[] {
  return output.split(/^\$ .*\n/m).filter((page) => !page.startsWith("{"));
}

test("pages of a case are judged one by one", () => {
  expect(
    pagesOf('$ exim-pilot x --timezone UTC\n2026-03-02 05:40\n$ exim-pilot y\nb\n$ exim-pilot z\n{"a":1}\n'),
  ).toEqual(["", "2026-03-02 05:40\n", "b\n"]);
});
