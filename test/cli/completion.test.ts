/** Completions that bash offers at the end of a line. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { makeGoldenDatabase } from "../support/golden.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const SCRIPT = join(FOLDER, "completion.bash");

beforeAll(async () => writeFileSync(SCRIPT, (await runCli(["completion", "bash"])).stdout));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

function offered(...typed: string[]): readonly string[] {
  const words = ["exim-pilot", ...typed];
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const script = `source '${SCRIPT}'; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _exim_pilot; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, PATH: `${join(FOLDER, "bin")}:${process.env["PATH"]}`, HOME: homedir() };
  const printed = execFileSync("bash", ["--norc", "-c", script], { encoding: "utf8", cwd: FOLDER, env });
  return printed.split("\n").filter((line) => line !== "");
}

describe("names that the database knows", () => {
  const program = join(FOLDER, "bin", "exim-pilot");
  const hostile = "$(touch hostile) a";

  beforeAll(() => {
    mkdirSync(join(FOLDER, "bin"));
    // It prints what it was asked, and a name that a shell must not read.
    const answer = `#!/bin/sh\nprintf '%s\\n' mx1 mx2 '${hostile}' "asked $*"\n`;
    writeFileSync(program, answer, { mode: 0o755 });
  });

  test.each<[string[], string[]]>([
    [
      ["search", "--server", "mx"],
      ["mx1", "mx2"],
    ],
    [["search", "-s", "mx2"], ["mx2"]],
    [["servers", "remove", "mx1"], ["mx1"]],
    [["search", "--server", "$"], [hostile]],
    [["search", "--db", "m y.db", "--server", "asked"], ["asked servers --names --db m y.db"]],
    [["search", "--db", "~/m.db", "--server", "asked"], [`asked servers --names --db ${homedir()}/m.db`]],
    [["search", "--tag", "asked"], ["asked tag --names"]],
    [["search", "--noted-by", "asked"], ["asked users --names"]],
    [["users", "remove", "asked"], ["asked users --names"]],
  ])("%j is completed by %j", (typed, expected) => {
    expect(offered(...typed)).toEqual(expected);
    expect(existsSync(join(FOLDER, "hostile"))).toBe(false);
  });

  test("are printed one a line", async () => {
    const db = join(FOLDER, "pilot.db");
    await makeGoldenDatabase(db);
    await runCli(["tag", "1vx5YS-0006QZ-1J", "incident-7", "ticket", "--db", db]);
    expect((await runCli(["servers", "--names", "--db", db])).stdout).toBe("mx1\n");
    expect((await runCli(["tag", "--names", "--db", db])).stdout).toBe("incident-7\nticket\n");
  });
});

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
