/** Programs as other users of this machine, and on file systems that are mounted read-only; both need the administrator. */
import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROGRAM = join(ROOT, "bin", "exim-pilot.js");

/** Users that need not be known to the system, and the group that both are in. */
export const WRITER = 61_001;
export const READER = 61_002;
export const GROUP = 61_000;

export interface Place {
  /** Mounted read-only for the program. */
  readonly readOnly?: string;
  readonly umask?: number;
  /** Stands before the paths of the system, of commands that run in one process. */
  readonly systemRoot?: string;
}

/** Why no program can be run as another user; undefined when it can. */
export function whyNotAsOthers(): string | undefined {
  if (process.getuid?.() !== 0) return "the tests do not run as the administrator";
  const { status } = spawnSync(...commandOf(READER, ["--version"]), { stdio: "ignore" });
  return status === 0 ? undefined : "setpriv is missing, or another user cannot reach the project";
}

/** Why nothing can be mounted read-only; undefined when it can. */
export function whyNotReadOnly(): string | undefined {
  const { status } = spawnSync("unshare", ["--mount", "true"], { stdio: "ignore" });
  return status === 0 ? undefined : "nothing can be mounted here";
}

/** Runs exim-pilot as the user. */
export function runAs(user: number, argv: readonly string[], place: Place = {}): SpawnSyncReturns<string> {
  return spawnSync(...commandOf(user, argv, place), { encoding: "utf8", env: environment() });
}

export interface Printed {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command after the other as the user, all in one process: a start takes longer than most answers. */
export function runAllAs(user: number, commands: readonly (readonly string[])[], place: Place = {}): Printed[] {
  const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module"];
  const node = [process.execPath, ...flags, "-e", COMMANDS, "--", JSON.stringify(commands), place.systemRoot ?? ""];
  const [command, argv] = asUser(user, node, place);
  const { status, stdout, stderr } = spawnSync(command, argv, { encoding: "utf8", cwd: ROOT, env: environment() });
  if (status !== 0) throw new Error(`The commands were not run: ${stderr}`);
  return JSON.parse(stdout) as Printed[];
}

const COMMANDS = `
  import { processIo } from "./src/cli/io.ts";
  import { main } from "./src/cli/main.ts";
  import { streamsOfProcess } from "./src/cli/terminal/standard-streams.ts";
  const [list, systemRoot] = process.argv.slice(1);
  const io = { ...processIo(new AbortController(), streamsOfProcess()), ...(systemRoot !== "" && { systemRoot }) };
  const printed = [];
  for (const argv of JSON.parse(list)) {
    const text = { stdout: "", stderr: "" };
    const streamTo = (name) => ({ write: (more) => void (text[name] += more) });
    printed.push({ status: await main(argv, { ...io, stdout: streamTo("stdout"), stderr: streamTo("stderr") }), ...text });
  }
  process.stdout.write(JSON.stringify(printed));`;

/** Starts exim-pilot as the user, with a pipe to its standard input. */
export function startAs(user: number, argv: readonly string[]): ChildProcess {
  return spawn(...commandOf(user, argv), { stdio: ["pipe", "ignore", "ignore"], env: environment() });
}

/** Starts a module as the user, in the project's root, with pipes to its standard input and from its standard output. */
export function runModuleAs(user: number, text: string, args: readonly string[]): ChildProcess {
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", "--input-type=module", "-e", text, "--"];
  const [command, argv] = asUser(user, [...node, ...args], {});
  return spawn(command, argv, { stdio: ["pipe", "pipe", "inherit"], cwd: ROOT, env: environment() });
}

/** A directory of the writer's, which its group may read and hands its group on; removed when the test is over. */
export function sharedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "exim-pilot-test-"));
  // NOTE: the folder of the run is the administrator's alone; a folder that was chosen by TMPDIR is left as it is.
  if (basename(tmpdir()).startsWith("exim-pilot-test-run-")) chmodSync(tmpdir(), 0o711);
  chownSync(folder, WRITER, GROUP);
  chmodSync(folder, 0o2750);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function environment(): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", TZ: "UTC", NO_COLOR: "1", SQLITE_USE_URI: "1" };
}

function commandOf(user: number, argv: readonly string[], place: Place = {}): [string, string[]] {
  return asUser(user, [process.execPath, PROGRAM, ...argv], place);
}

function asUser(user: number, command: readonly string[], { readOnly, umask = 0o022 }: Place): [string, string[]] {
  const identity = user === 0 ? [] : ["setpriv", `--reuid=${user}`, `--regid=${user}`, `--groups=${user},${GROUP}`];
  const asWanted = [...identity, "/bin/sh", "-c", `umask ${umask.toString(8)}; exec "$@"`, "sh", ...command];
  if (readOnly === undefined) return [asWanted[0] ?? "", asWanted.slice(1)];
  const mount = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"';
  return ["unshare", ["--mount", "/bin/sh", "-c", mount, "sh", readOnly, ...asWanted]];
}
