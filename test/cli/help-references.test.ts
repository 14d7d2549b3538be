/** A help text that refers to another for all values of a flag is right: that one has them all. */
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { buildProgram } from "../../src/cli/declare/program.ts";
import { KIND_NAMES } from "../../src/message/kinds.ts";
import { MESSAGE_STATUSES } from "../../src/message/statuses.ts";
import { runCli } from "../support/cli.ts";
import { stillIo } from "../support/still-io.ts";

/** Values that each referring flag takes. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  "--event": KIND_NAMES,
  "--status": MESSAGE_STATUSES,
};

/** Flags that refer to a topic, with it. */
function referencesOf({ commands }: Command): readonly (readonly [flag: string, topic: string])[] {
  return commands.flatMap((command) => [
    ...command.options.flatMap(({ long, description }) =>
      [...description.matchAll(/`help ([\w-]+)` has all/g)].map(([, topic = ""]) => [long ?? "", topic] as const),
    ),
    ...referencesOf(command),
  ]);
}

const REFERENCES = new Map(referencesOf(buildProgram(stillIo(), () => {})));

describe("help", () => {
  test("is referred to by the flags whose values are known here", () => {
    expect([...REFERENCES.keys()].sort()).toEqual(Object.keys(VALUES).sort());
  });

  test.each([...REFERENCES])("of %s has all values in `help %s`", async (flag, topic) => {
    const { stdout } = await runCli(["help", topic]);
    const words = new Set(stdout.split(/[^\w-]+/));
    expect(VALUES[flag]?.filter((value) => !words.has(value))).toEqual([]);
  });
});
