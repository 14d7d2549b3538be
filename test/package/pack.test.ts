/** What `npm pack` makes: unpacked into an empty place it has all it needs but the packages, and every command runs. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../../src/cli/program.ts";
import { stillIo } from "../support/still-io.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const PACKAGE = join(FOLDER, "package");
let files: string[] = [];

beforeAll(() => {
  const argv = ["pack", "--ignore-scripts", "--json", "--loglevel", "error", "--pack-destination", FOLDER];
  const output = execFileSync("npm", argv, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const [packed] = JSON.parse(output) as { filename: string; files: { path: string }[] }[];
  files = packed?.files.map(({ path }) => path) ?? [];
  execFileSync("tar", ["-xzf", join(FOLDER, packed?.filename ?? ""), "-C", FOLDER]);
  symlinkSync(join(ROOT, "node_modules"), join(FOLDER, "node_modules"));
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe("the package", () => {
  test("holds the program, its schema, examples and manual page, and nothing of its making", () => {
    for (const path of [
      "bin/exim-pilot.js",
      "dist/main.js",
      "dist/exim-pilot.1",
      "schema/0001_initial.sql",
      "schema/views.sql",
      "contrib/exim-pilot.toml",
      "contrib/cron/exim-pilot",
      "contrib/logrotate/exim4",
      "contrib/systemd/exim-pilot-ingest.service",
      "contrib/systemd/exim-pilot-ingest.timer",
    ])
      expect(files).toContain(path);
    expect(files.filter((path) => /^(src|test|fixtures|node_modules|\.ci)\//.test(path))).toEqual([]);
    expect(existsSync(join(PACKAGE, "package.json"))).toBe(true);
  });

  test("has every command", () => {
    const names = buildProgram(stillIo(), () => {}).commands.map((command) => command.name());
    expect(names.length).toBeGreaterThan(10);
    // In one process: what else they need, the next test starts for each.
    writeFileSync(
      join(FOLDER, "help.js"),
      `import { processIo } from "./package/dist/io.js";
       import { main } from "./package/dist/main.js";
       const io = processIo();
       for (const name of ${JSON.stringify(names)}) console.log("status", await main([name, "--help"], io));`,
    );
    writeFileSync(join(FOLDER, "package.json"), '{"type": "module"}');
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(FOLDER, "help.js")], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout.match(/^Usage: exim-pilot \S+/gm)).toEqual(names.map((name) => `Usage: exim-pilot ${name}`));
    expect(stdout.match(/^status \d+/gm)).toEqual(names.map(() => "status 0"));
  });

  test("does its work from anywhere", () => {
    writeFileSync(
      join(FOLDER, "mainlog"),
      "2026-03-02 05:40:05 1vx5YS-0006QZ-1J <= a@example.org H=h [192.0.2.1] S=300\n",
    );
    for (const argv of [
      ["ingest", "--server", "mx1", "--timezone", "UTC", "mainlog"],
      ["stats"],
      ["trace", "1vx5YS-0006QZ-1J"],
      ["parse", "mainlog"],
      ["backup", "--compress", "kept"],
      ["backup", "--drill", "kept"],
      ["backup", "--list", "kept"],
      ["prune", "--status"],
      ["prune", "--dry-run", "--force"],
      ["migrate", "--status"],
      ["audit"],
      ["config"],
      ["completion", "bash"],
      ["help", "statuses"],
    ]) {
      const { status, stderr } = run(argv);
      expect({ argv, status, stderr }).toEqual({ argv, status: 0, stderr: "" });
    }
  });
});

function run(argv: readonly string[]) {
  const env = { ...process.env, EXIM_PILOT_CONFIG: "", EXIM_PILOT_DB: join(FOLDER, "pilot.db") };
  return spawnSync(process.execPath, [join(PACKAGE, "bin", "exim-pilot.js"), ...argv], {
    cwd: FOLDER,
    env,
    encoding: "utf8",
  });
}
