/** Each page with times names their zone: read from the golden output, so that a new page is held to it too. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FIXTURES } from "../support/database.ts";

const CASES = join(FIXTURES, "cli");
const STAMP = /\d{4}-\d\d-\d\d \d\d:\d\d/;
const ZONE = /\bUTC\b|\b(?:Europe|America|Asia|Australia)\/\w+|\d [+-]\d{4}\b/;

/** Lines of a log, in which it has no zone; pages of the queue, which do not name it yet; and eximstats, which compares stamps as texts. */
const AS_LOGGED: readonly string[] = [
  "parse-events",
  "parse-explain",
  "parse-summary",
  "parse-troubles",
  "queue",
  "queue-history",
  "queue-next",
  "queue-next-rules",
  "queue-reconcile",
  "search-raw",
  "stats-eximstats",
  "stats-eximstats-json",
];

/** Forms of a time that can be typed are the time of nothing. */
const isHelp = (name: string): boolean => name.startsWith("help-");

test("a page with times names their zone, but for lines as they were logged", () => {
  const nameless = readdirSync(CASES).filter((name) => {
    const output = readFileSync(join(CASES, name, "stdout"), "utf8");
    return STAMP.test(output) && !ZONE.test(output) && !isHelp(name);
  });
  expect(nameless.sort()).toEqual([...AS_LOGGED].sort());
});
