/** The reader of hints against `exim_dumpdb`, where that is installed: the same file, whole and damaged at every 512 bytes, EXIM_PILOT_TORTURE alone. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { readHashHints, readHintDump } from "../../src/spool/hints.ts";
import { decodeLines } from "../../src/text.ts";
import { epochMs } from "../../src/units.ts";
import { parseWhen } from "../../src/when.ts";
import { FIXTURES, temporaryFolder } from "../support/database.ts";

const DUMPDB = "/usr/sbin/exim_dumpdb";
const isTried = process.env["EXIM_PILOT_TORTURE"] !== undefined && existsSync(DUMPDB);
const BYTES = readFileSync(join(FIXTURES, "queue", "hints", "retry"));
const STEP = 512;

vi.setConfig({ testTimeout: 600_000 });

if (!isTried) test.skip(`hints were not held against Exim's own reader: it needs EXIM_PILOT_TORTURE and ${DUMPDB}`);

/** Hints that Exim's own program prints of a file, by key; undefined when it fails. */
function dumped(bytes: Buffer): readonly unknown[] | undefined {
  const spool = temporaryFolder();
  mkdirSync(join(spool, "db"));
  writeFileSync(join(spool, "db", "retry"), bytes);
  writeFileSync(join(spool, "db", "retry.lockfile"), "");
  const { status, stdout } = spawnSync(DUMPDB, [spool, "retry"], {
    encoding: "latin1",
    env: { TZ: "UTC" },
    timeout: 5000,
  });
  if (status !== 0) return undefined;
  const dump = readHintDump(decodeLines(stdout), (wall) => parseWhen(wall, { now: epochMs(0), timeZone: "UTC" })?.from);
  return dump.kind === "read" ? byKey(dump.hints) : undefined;
}

function byKey<Hint extends { readonly key: string }>(hints: readonly Hint[]): readonly Hint[] {
  return hints.toSorted((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0));
}

test.runIf(isTried)("a whole file says what exim_dumpdb prints of it", () => {
  const ours = readHashHints(BYTES);
  expect(ours.kind === "read" && ours.hints.length).toBeGreaterThan(40);
  expect(ours.kind === "read" && byKey(ours.hints)).toEqual(dumped(BYTES));
});

const damages: readonly (readonly [string, (bytes: Buffer, at: number) => Buffer])[] = [
  ["is cut", (bytes, at) => bytes.subarray(0, at)],
  ["has zeros in 512 bytes", (bytes, at) => bytes.fill(0, at, at + STEP)],
  ["has 512 bytes of other text", (bytes, at) => bytes.fill("damage ", at, at + STEP)],
  [
    "has 512 bytes of another place",
    (bytes, at) => {
      const place = (at + bytes.length / 2) % bytes.length;
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(place, place + STEP), bytes.subarray(at + STEP)]);
    },
  ],
];

test.runIf(isTried).each(damages)(
  "a file that %s is refused, or says what exim_dumpdb prints of it",
  (_how, damage) => {
    const outcomes = { refused: 0, same: 0 };
    for (let at = 0; at < BYTES.length; at += STEP) {
      const bytes = damage(Buffer.from(BYTES), at);
      const ours = readHashHints(Buffer.from(bytes));
      if (ours.kind !== "read") {
        outcomes.refused++;
        continue;
      }
      expect({ at, hints: byKey(ours.hints) }).toEqual({ at, hints: dumped(bytes) });
      outcomes.same++;
    }
    expect(outcomes.refused).toBeGreaterThan(0);
  },
);
