/** The examples of contrib, the manual page and the completions: as they stand, they fit the program. */
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { buildProgram } from "../../src/cli/declare/program.ts";
import { listCommands } from "../../src/cli/manual/command-list.ts";
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
    // Of a command of a command both have flags.
    const others = command?.parseOptions(part === undefined ? rest : rest.slice(1)).unknown ?? ["unknown"];
    expect(part === undefined ? others : part.parseOptions(others).unknown).toEqual([]);
  });

  const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
  const units = files.filter((path) => /\.(service|timer)$/.test(path));
  test.skipIf(!hasSystemd).each(units)("%s is a unit that systemd takes", (path) => {
    const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", join(CONTRIB, path)], { encoding: "utf8" });
    expect(stderr.split("\n").filter((line) => line.includes("exim-pilot"))).toEqual([]);
  });

  test("has a timer for every service, and every service is hardened alike", () => {
    // What is no service by the clock is started by one that fails, and hands mail to Exim.
    const services = units.filter((path) => path.endsWith(".service") && !path.includes("@"));
    expect(services.map((path) => path.replace("service", "timer"))).toEqual(
      units.filter((path) => path.endsWith(".timer")),
    );
    const hardening = services.map((path) => readFileSync(join(CONTRIB, path), "utf8").split("\n\n").at(-1));
    expect(new Set(hardening).size).toBe(1);
    expect(hardening[0]).toContain("ProtectSystem=strict");
  });
});

describe("the manual page", () => {
  test("has every command and every flag", async () => {
    const { stdout } = await runCli(["completion", "man"]);
    const page = stdout.replaceAll("\\-", "-").replaceAll("\\&", "");
    for (const { name, flags } of COMMANDS) {
      expect(page).toContain(`.SS "exim-pilot ${name} `);
      for (const { form } of flags) expect(page, `${name} ${form}`).toContain(`.B ${form}\n`);
    }
  });

  test.skipIf(!isInstalled("groff"))("is formatted without a warning by groff", async () => {
    const { stdout: input } = await runCli(["completion", "man"]);
    const { status, stderr } = spawnSync("groff", ["-man", "-ww", "-Tutf8", "-z"], { input, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  test.skipIf(!isInstalled("mandoc"))("is what mandoc finds right", async () => {
    const { stdout: input } = await runCli(["completion", "man"]);
    const { stdout } = spawnSync("mandoc", ["-Tlint", "-Wwarning"], { input, encoding: "utf8" });
    // It has no date, so that a page is the same whenever it is built.
    expect(stdout.replace(/^.*WARNING: missing date, using "": TH\n/, "")).toBe("");
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
    expect(complete("servers", "re")).toEqual(["rename"]);
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
    const complete = (typed: string): string[] =>
      wordsOf("fish", [
        "--no-config",
        "-c",
        "source $argv[1]; complete -C $argv[2]",
        script,
        `exim-pilot ${typed}`,
      ]).map((line) => line.split("\t")[0] ?? "");
    expect(complete("re")).toEqual(["rebuild", "restore"]);
    expect(complete("servers re")).toEqual(["rename"]);
    expect(complete("backup --com")).toEqual(["--compress"]);
    expect(complete("ingest --log-type pa")).toEqual(["panic"]);
    expect(complete("ingest --db exim")).toEqual(["exim-pilot.toml"]);
    expect(complete("ingest --server ")).toEqual([]);
    expect(complete("ingest sys")).toEqual(["systemd/"]);
    expect(complete("completion fi")).toEqual(["fish"]);
  });

  // What zsh's own functions make of it is theirs; they are given these.
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
    expect(told("servers", "")).toContain("1: :(rename set)");
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
