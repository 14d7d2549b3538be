/** The package of `npm pack`: installed into an empty prefix it has all it needs, is linked, and every command works. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMAND_NAMES } from "../support/commands.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
const PREFIX = join(FOLDER, "prefix");
const PACKAGE = join(PREFIX, "lib", "node_modules", "exim-pilot");
let files: string[] = [];

beforeAll(() => {
  const packed = npm("pack", "--json", "--pack-destination", FOLDER, ROOT);
  const [tarball] = JSON.parse(packed) as { filename: string; files: { path: string }[] }[];
  files = tarball?.files.map(({ path }) => path) ?? [];
  execFileSync("tar", ["-xzf", join(FOLDER, tarball?.filename ?? ""), "-C", FOLDER]);
  // A test uses no network: npm installs the package alone, and the packages it depends on are those of the project.
  const unpacked = join(FOLDER, "package");
  const { dependencies, ...manifest } = readJson<{ dependencies: object }>(join(unpacked, "package.json"));
  writeFileSync(join(unpacked, "package.json"), JSON.stringify(manifest));
  npm("install", "--global", "--prefix", PREFIX, "--offline", "--install-links", "--no-audit", "--no-fund", unpacked);
  linkDependencies(join(PACKAGE, "node_modules"), Object.keys(dependencies));
}, 60_000);
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe("the package", () => {
  test("holds the program, its schema, examples and manual page, and nothing of its making", () => {
    for (const path of [
      "bin/exim-pilot.js",
      "dist/start.cjs",
      "dist/man/exim-pilot.1",
      "dist/THIRD-PARTY-LICENSES",
      "schema/0001_initial.sql",
      "schema/views.sql",
      "schema/json/answers.json",
      "contrib/exim-pilot.toml",
      "contrib/cron/exim-pilot",
      "contrib/logrotate/exim4",
      "contrib/systemd/exim-pilot-ingest.service",
      "contrib/systemd/exim-pilot-ingest.timer",
    ])
      expect(files).toContain(path);
    expect(files.filter((path) => /^(src|test|fixtures|node_modules|\.ci)\//.test(path))).toEqual([]);
  });

  test("is found by the shell and by man", () => {
    expect(start(["--version"])).toMatchObject({ status: 0, stdout: `${version()}\n`, stderr: "" });
    const pages = join(PREFIX, "share", "man", "man1");
    const names = COMMAND_NAMES.map((name) => `exim-pilot-${name}.1`);
    expect(readdirSync(pages).sort()).toEqual([...names, "exim-pilot.1"].sort());
    expect(readFileSync(join(pages, "exim-pilot-trace.1"), "utf8")).toMatch(/^\.TH EXIM\\-PILOT\\-TRACE 1 \d{4}-/);
  });

  test("has every command, and each does its work from anywhere", () => {
    const others = COMMAND_NAMES.filter((name) => ![INGEST, ...COMMANDS].some(([first]) => first === name));
    writeFileSync(join(FOLDER, "mainlog"), LOG);
    const argvs = [
      ...COMMAND_NAMES.map((name) => [name, "--help"]),
      INGEST,
      ...others.map((name) => [name]),
      ...COMMANDS,
    ];
    const { statuses, stdout, stderr } = runAll(argvs);
    expect({ statuses, stderr }).toEqual({ statuses: argvs.map((argv) => [argv.join(" "), 0]), stderr: "" });
    expect(stdout.match(/^Usage: exim-pilot \S+/gm)).toEqual(COMMAND_NAMES.map((name) => `Usage: exim-pilot ${name}`));
  });

  test("says what to do when its driver has no compiled part, or one that cannot be loaded", () => {
    const driver = join(PACKAGE, "node_modules", "better-sqlite3");
    const source = join(ROOT, "node_modules", "better-sqlite3");
    rmSync(driver);
    for (const part of ["package.json", "lib"]) cpSync(join(source, part), join(driver, part), { recursive: true });
    expect(start(["sql", "--views"])).toEqual({ status: 3, stdout: "", stderr: NO_DRIVER });
    mkdirSync(join(driver, "build", "Release"), { recursive: true });
    writeFileSync(join(driver, "build", "Release", "better_sqlite3.node"), "no library");
    expect(start(["sql", "--views"])).toEqual({ status: 3, stdout: "", stderr: NO_DRIVER });
  });
});

const LOG = `2026-03-02 05:40:05 1vx5YS-0006QZ-1J <= a@example.org H=h [192.0.2.1] P=esmtpsa A=plain:alice S=300
2026-03-02 05:40:05 1vx5YS-0006QZ-1J => b@example.net R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.2]
2026-03-02 05:40:05 1vx5YS-0006QZ-1J Completed
`;

const INGEST = ["ingest", "--server", "mx1", "--timezone", "UTC", "mainlog"] as const;
/** In their order, for some change the database. A command that is not here is tried without arguments, before them. */
const COMMANDS: readonly (readonly [string, ...string[]])[] = [
  ["setup", "--dry-run", "/var/log/exim4/mainlog"],
  ["stats", "all"],
  ["stats", "--html", "page.html", "--quiet"],
  ["stats", "--eximstats"],
  ["trace", "1vx5YS-0006QZ-1J"],
  ["search", "--sender", "a@example.org"],
  ["search", "Completed"],
  ["tail", "--no-follow"],
  ["queue", "health"],
  ["incidents", "detect"],
  ["content", "--file", "mainlog"],
  ["tag", "1vx5YS-0006QZ-1J", "incident-7"],
  ["note", "1vx5YS-0006QZ-1J", "asked for"],
  ["users", "add", "alice", "--role", "admin"],
  ["notify", "stats"],
  ["servers", "set", "mx1", "--owner", "mail team"],
  ["export", "--raw", "1", "--output", "given-back"],
  ["sql", "SELECT raw_line FROM log_entries"],
  ["sql", "--views"],
  ["parse", "mainlog"],
  ["verify", "--deep"],
  ["rebuild"],
  ["backup", "--compress", "kept"],
  ["backup", "--drill", "kept"],
  ["backup", "--list", "kept"],
  ["backup", "--passphrase-file", "mainlog", "locked"],
  ["prune", "--status"],
  ["prune", "--force", "--vacuum", "--archive", "archive"],
  ["restore", "--dry-run", "kept/newest"],
  ["migrate"],
  ["doctor"],
  ["completion", "bash"],
  ["help", "statuses"],
];

const NO_DRIVER = `error: better-sqlite3, the driver of SQLite, has no compiled part that this system can load.
hint: The driver needs Linux with glibc 2.34 or newer (Debian 12, Ubuntu 22.04, RHEL 9), musl, macOS or Windows; there, install exim-pilot again.
`;

function npm(command: string, ...argv: readonly string[]): string {
  return execFileSync("npm", [command, "--ignore-scripts", "--loglevel", "error", ...argv], {
    cwd: FOLDER,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

function readJson<Content>(path: string): Content {
  return JSON.parse(readFileSync(path, "utf8")) as Content;
}

function version(): string {
  return readJson<{ version: string }>(join(ROOT, "package.json")).version;
}

/** Links the named dependencies, and no package of our own. */
function linkDependencies(directory: string, names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), join(directory, name));
  }
}

const ENVIRONMENT = { ...process.env, EXIM_PILOT_CONFIG: "", EXIM_PILOT_DB: join(FOLDER, "pilot.db") };

function start(argv: readonly string[]) {
  const program = join(PREFIX, "bin", "exim-pilot");
  const { status, stdout, stderr } = spawnSync(program, argv, { cwd: FOLDER, env: ENVIRONMENT, encoding: "utf8" });
  return { status, stdout, stderr };
}

/** Runs one after the other in one process; `newest` is the newest backup in its directory. */
function runAll(argvs: readonly (readonly string[])[]) {
  const script = join(FOLDER, "run-all.mjs");
  writeFileSync(
    script,
    `import { readdirSync, writeFileSync } from "node:fs";
     import program from "${PACKAGE}/dist/start.cjs";
     const newest = (text) => text.replace(/^(.+)\\/newest$/, (_, folder) => folder + "/" + readdirSync(folder).sort().at(-2));
     const statuses = [];
     for (const argv of ${JSON.stringify(argvs)}) statuses.push([argv.join(" "), await program.start(argv.map(newest))]);
     writeFileSync("statuses.json", JSON.stringify(statuses));`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, [script], { cwd: FOLDER, env: ENVIRONMENT, encoding: "utf8" });
  return { statuses: readJson(join(FOLDER, "statuses.json")), stdout, stderr };
}
