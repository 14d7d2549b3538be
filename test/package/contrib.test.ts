/** The examples of contrib, the manual pages and the completions: as they stand, they fit the program. */
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { buildProgram } from "../../src/cli/declare/program.ts";
import { listCommands } from "../../src/cli/manual/command-list.ts";
import { renderManuals } from "../../src/cli/manual/manual.ts";
import { runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/database.ts";
import { stillIo } from "../support/still-io.ts";

const CONTRIB = fileURLToPath(new URL("../../contrib", import.meta.url));
const PROGRAM = buildProgram(stillIo(), () => {});
const COMMANDS = listCommands(PROGRAM);

describe("contrib", () => {
  const files = readdirSync(CONTRIB, { recursive: true, encoding: "utf8" }).filter((path) =>
    /\.\w+$|exim-pilot$/.test(path),
  );

  test("has a configuration that the program takes", async () => {
    // NOTE: a copy, since the working copy may belong to others, or be theirs to write.
    const config = join(temporaryFolder(), "exim-pilot.toml");
    writeFileSync(config, readFileSync(join(CONTRIB, "exim-pilot.toml")), { mode: 0o600 });
    const { status, stdout, stderr } = await runCli(["config", "--config", config]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("/var/lib/exim-pilot/mail.db");
  });

  const commands = files.flatMap((path) =>
    [...readFileSync(join(CONTRIB, path), "utf8").matchAll(/(?<![\w/-])exim-pilot ([a-z]+(?: (?![>|])[^\s`]+)*)/g)]
      .map(([, words = ""]) =>
        words
          // A per cent sign is written %% in a unit, and \% in a crontab.
          .replaceAll(/[%\\]%/g, "%")
          .replaceAll("'", "")
          .split(/\s+/),
      )
      .filter(([name = ""]) => COMMANDS.some((command) => command.name === name))
      .map((argv) => [path, argv] as const),
  );

  test("has examples of all that runs by the clock", () => {
    const names = new Set(commands.map(([, [name]]) => name));
    for (const name of ["ingest", "prune", "backup", "stats", "completion"]) expect(names).toContain(name);
  });

  test.each(commands)("%s: %s can be typed like that", (_path, [name, ...rest]) => {
    const command = PROGRAM.commands.find((candidate) => candidate.name() === name);
    const part = command?.commands.find((candidate) => candidate.name() === rest[0]);
    // A subcommand takes the flags of its command, too.
    const others = command?.parseOptions(part === undefined ? rest : rest.slice(1)).unknown ?? ["unknown"];
    expect(part === undefined ? others : part.parseOptions(others).unknown).toEqual([]);
  });

  const services = files.filter((path) => /ExecStart=\S+ exim-pilot /.test(readFileSync(join(CONTRIB, path), "utf8")));

  test("has services", () => expect(services.length).toBeGreaterThan(3));

  test.each(services)("%s has a place for compiled code, which nobody else can write to", (path) => {
    const lines = readFileSync(join(CONTRIB, path), "utf8").split("\n");
    const cache = lines.filter((line) => /^(CacheDirectory|Environment=XDG_CACHE_HOME)/.test(line));
    // NOTE: the program keeps it in the folder exim-pilot of that, when that folder has rights for its user alone.
    expect(cache).toEqual([
      "CacheDirectory=exim-pilot",
      "CacheDirectoryMode=0700",
      "Environment=XDG_CACHE_HOME=/var/cache",
    ]);
  });

  const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
  const units = files.filter((path) => /\.(service|timer)$/.test(path));
  test.skipIf(!hasSystemd).each(units)("%s is a unit that systemd takes", (path) => {
    const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", join(CONTRIB, path)], { encoding: "utf8" });
    expect(stderr.split("\n").filter((line) => line.includes("exim-pilot"))).toEqual([]);
  });

  test("has a timer for every service, and every service is hardened alike", () => {
    // Services without a timer are started by one that fails, and hand mail to Exim.
    const services = units.filter((path) => path.endsWith(".service") && !path.includes("@"));
    expect(services.map((path) => path.replace("service", "timer"))).toEqual(
      units.filter((path) => path.endsWith(".timer")),
    );
    const hardening = new Map(
      services.map((path) => [path, readFileSync(join(CONTRIB, path), "utf8").split("\n\n").at(-1) ?? ""]),
    );
    // It alone sends what it has to say, so it alone has a network.
    const notify = hardening.get("systemd/exim-pilot-notify.service") ?? "";
    hardening.delete("systemd/exim-pilot-notify.service");
    const [common = "", ...others] = new Set(hardening.values());
    expect(others).toEqual([]);
    expect(common).toContain("ProtectSystem=strict");
    expect(notify).toBe(common.replace("PrivateNetwork=yes\n", "").replace("AF_UNIX\n", "AF_UNIX AF_INET AF_INET6\n"));
  });
});

describe("the manual pages", () => {
  const pages = renderManuals(PROGRAM, { version: "0.1.0", date: "2026-03-02" });

  test("are one for the program and one for each command, with every flag and an example", () => {
    expect([...pages.keys()]).toEqual(["exim-pilot.1", ...COMMANDS.map(({ name }) => `exim-pilot-${name}.1`)]);
    for (const { name, flags } of COMMANDS) {
      const page = (pages.get(`exim-pilot-${name}.1`) ?? "").replaceAll("\\-", "-").replaceAll("\\&", "");
      for (const { form } of flags) expect(page, `${name} ${form}`).toContain(`.B ${form}\n`);
      expect(page, name).toMatch(/^\.SH EXAMPLES\n(?:.*\n)*?.*exim-pilot /m);
    }
  });

  test.skipIf(!isInstalled("groff"))("are formatted without a warning by groff", () => {
    for (const [name, input] of pages) {
      const { status, stderr } = spawnSync("groff", ["-man", "-ww", "-Tutf8", "-z"], { input, encoding: "utf8" });
      expect({ status, stderr }, name).toEqual({ status: 0, stderr: "" });
    }
  });

  test.skipIf(!isInstalled("mandoc"))("are what mandoc finds right", () => {
    for (const [name, input] of pages)
      expect(spawnSync("mandoc", ["-Tlint"], { input, encoding: "utf8" }).stdout, name).toBe("");
  });
});

describe("completions", () => {
  test("of bash offer commands, flags, words and files", async () => {
    const script = join(temporaryFolder(), "completion.bash");
    writeFileSync(script, (await runCli(["completion", "bash"])).stdout);
    const complete = (...typed: string[]): string[] => {
      const run = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _exim_pilot; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const output = execFileSync("bash", ["-c", run, "bash", script, "exim-pilot", ...typed], {
        encoding: "utf8",
        cwd: CONTRIB,
      });
      return output.split("\n").filter((word) => word !== "");
    };
    expect(complete("")).toEqual([...COMMANDS.map(({ name }) => name), "--help", "--version"]);
    expect(complete("re")).toEqual(["rebuild", "restore"]);
    expect(complete("servers", "re")).toEqual(["rename", "remove"]);
    expect(complete("backup", "--com")).toEqual(["--compress"]);
    expect(complete("ingest", "--log-type", "p")).toEqual(["panic"]);
    expect(complete("ingest", "--db", "exim")).toEqual(["exim-pilot.toml"]);
    expect(complete("ingest", "--server", "")).toEqual([]);
    expect(complete("ingest", "sys")).toEqual(["systemd"]);
    expect(complete("completion", "f")).toEqual(["fish"]);
  });

  test.each(["zsh", "fish"] as const)("of %s name every command and flag", async (shell) => {
    const { stdout } = await runCli(["completion", shell]);
    for (const { name, flags } of COMMANDS) {
      expect(stdout).toContain(shell === "zsh" ? `    ${name}) _arguments` : `-a ${name} -d `);
      for (const flag of flags.flatMap(({ names }) => names))
        expect(stdout, `${name} ${flag}`).toContain(
          shell === "zsh" ? `'${flag}[` : flag.replace(/^--/, "-l ").replace(/^-(?=\w$)/, "-s "),
        );
    }
  });

  test.skipIf(!isInstalled("fish"))("of fish offer commands, flags, words and files", async () => {
    const script = await scriptOf("fish");
    const bin = temporaryFolder();
    writeFileSync(join(bin, "exim-pilot"), '#!/bin/sh\necho "mx1 $*"\n', { mode: 0o755 });
    const complete = (typed: string): string[] =>
      wordsOf("fish", [
        "--no-config",
        "-c",
        "source $argv[1]; set -p PATH $argv[3]; complete -C $argv[2]",
        script,
        `exim-pilot ${typed}`,
        bin,
      ]).map((line) => line.split("\t")[0] ?? "");
    expect(complete("re")).toEqual(["rebuild", "restore"]);
    expect(complete("servers re").sort()).toEqual(["remove", "rename"]);
    expect(complete("backup --com")).toEqual(["--compress"]);
    expect(complete("ingest --log-type pa")).toEqual(["panic"]);
    expect(complete("ingest --db exim")).toEqual(["exim-pilot.toml"]);
    expect(complete("ingest --server ")).toEqual(["mx1 servers --names"]);
    expect(complete("servers --db m.db remove mx")).toEqual(["mx1 servers --names --db m.db"]);
    expect(complete("ingest sys")).toEqual(["systemd/"]);
    expect(complete("completion fi")).toEqual(["fish"]);
  });

  // Functions of zsh itself are replaced by these.
  test.skipIf(!isInstalled("zsh"))("of zsh tell its functions commands, flags, words and files", async () => {
    const script = await scriptOf("zsh");
    const told = (...typed: string[]): string[] =>
      wordsOf("zsh", [
        "-f",
        "-c",
        `_arguments() { print -rl -- "$@" }; _describe() { print -rl -- "\${(@P)2}" }
         script=$1; shift; words=("$@"); CURRENT=$#; source $script`,
        "zsh",
        script,
        "exim-pilot",
        ...typed,
      ]);
    expect(told("").map((line) => line.split(":")[0])).toEqual(COMMANDS.map(({ name }) => name));
    expect(told("search", "")).toContainEqual(expect.stringMatching(/^--tag\[[^\]]+\]: : _exim_pilot_names tag$/));
    expect(told("servers", "")).toContain("2: : _exim_pilot_names servers");
    expect(told("servers", "")).toContain("1: :(rename set remove)");
    expect(told("backup", "--c")).toContainEqual(expect.stringMatching(/^--compress\[[^\]]+\]$/));
    expect(told("ingest", "")).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^--log-type\[[^\]]+\]: :\(main reject panic syslog\)$/),
        expect.stringMatching(/^--db\[[^\]]+\]:file:_files$/),
        "*:file:_files",
      ]),
    );
  });
});

function isInstalled(command: string): boolean {
  return spawnSync("sh", ["-c", 'command -v "$1"', "sh", command]).status === 0;
}

async function scriptOf(shell: string): Promise<string> {
  const script = join(temporaryFolder(), `completion.${shell}`);
  writeFileSync(script, (await runCli(["completion", shell])).stdout);
  return script;
}

function wordsOf(command: string, argv: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(command, argv, { encoding: "utf8", cwd: CONTRIB });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout.split("\n").filter((word) => word !== "");
}
