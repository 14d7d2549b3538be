/** Completions that bash offers at the end of a line. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const SCRIPT = join(FOLDER, "completion.bash");

beforeAll(async () => writeFileSync(SCRIPT, (await runCli(["completion", "bash"])).stdout));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

function offered(...typed: string[]): readonly string[] {
  const words = ["exim-pilot", ...typed];
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const script = `source '${SCRIPT}'; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _exim_pilot; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const printed = execFileSync("bash", ["--norc", "-c", script], { encoding: "utf8" });
  return printed.split("\n").filter((line) => line !== "");
}

describe("a line of bash", () => {
  test.each<[string[], string[]]>([
    [["tr"], ["trace"]],
    [
      ["stats", "--by", "sender"],
      ["sender", "sender-domain"],
    ],
    [["stats", "prob"], ["problems"]],
    [["search", "--status", "froz"], ["frozen"]],
    [["search", "--event", "thaw"], ["thawed"]],
    [["search", "--kind", "rej"], ["rejection"]],
    [["search", "--sort", "qu"], ["queue-time"]],
    [["search", "--log-ty"], ["--log-type"]],
    [["search", "--last", "w"], ["week"]],
  ])("%j is completed by %j", (typed, expected) => {
    expect(offered(...typed)).toEqual(expected);
  });
});
