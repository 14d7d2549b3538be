import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT_STATUS, PilotError } from "../../errors.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderSetup } from "../../render/setup.ts";
import { applySteps, type RunTool } from "../../setup/apply.ts";
import { addSettings } from "../../setup/edit-configuration.ts";
import { findLogPlace, type LogFilePath, parseLogFilePath } from "../../setup/log-places.ts";
import {
  DATA_DIRECTORY,
  done,
  kept,
  missing,
  planRemoval,
  planSetup,
  type Step,
  TIMERS,
  todo,
} from "../../setup/plan.ts";
import { isSystemError, translateSystemError } from "../../store/files/system-errors.ts";
import { audited } from "../audited.ts";
import { screenOf, toStoreSettings } from "../context.ts";
import { type ConfigurationValues, loadConfiguration, readConfiguration } from "../flags/configuration.ts";
import type { Io } from "../io.ts";
import { findPackageRoot } from "../package-root.ts";
import { TOOL_PATH, toolRunner } from "../run-tool.ts";

export interface SetupFlags {
  readonly dryRun?: boolean;
  readonly remove?: boolean;
  readonly group?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** A question to Exim or systemd. */
const ASKING_SECONDS = 5;
/** A change: the first start of a timer may wait for others. */
const CHANGING_SECONDS = 60;

/** Sets the machine up so that logs are read by the clock, or undoes that; returns the exit status: 1 when something is missing. */
export async function runSetup(logs: readonly string[], flags: SetupFlags, io: Io): Promise<number> {
  const { dryRun = false, json = false } = flags;
  const root = io.systemRoot ?? "/";
  const steps = await translatingSystem(() =>
    flags.remove === true ? removalSteps(root, flags, io) : setupSteps(root, logs, flags, io),
  );
  const isAdministrator = io.isAdministrator ?? process.geteuid?.() === 0;
  const isApplied = !dryRun && isAdministrator;
  if (isApplied) {
    const runTool = toolRunner(io, CHANGING_SECONDS);
    const createDatabase = await databaseMaker(io);
    await recorded(steps, logs, flags, io, () => applySteps(steps, { root, runTool, createDatabase }));
  }
  if (io.signal.aborted) throw new PilotError("interrupted", "Interrupted: the next run continues from there.");
  const rows = steps.map(({ about, state, message, hint }) => ({ about, state, message, hint }));
  const { columns, paint } = screenOf(io);
  io.stdout.write(
    json ? renderJson("setup", { applied: isApplied, steps: rows }) : renderSetup(steps, isApplied, columns, paint),
  );
  if (!dryRun && !isAdministrator) {
    throw new PilotError("io", "Nothing was changed: only the administrator can set this up.", {
      hint: "Run it with sudo, or ask the administrator for the listed steps.",
    });
  }
  return isApplied && steps.some(({ state }) => state === "missing") ? EXIT_STATUS.check_failed : 0;
}

/** Runs what changes the machine, and records it in the database, where that is there by then. */
async function recorded(
  steps: readonly Step[],
  logs: readonly string[],
  { dryRun: _dryRun, json: _json, ...parameters }: SetupFlags,
  io: Io,
  apply: () => Promise<void>,
): Promise<void> {
  const { values } = loadConfiguration(io.configFile, false, process.geteuid?.());
  const database = join(io.systemRoot ?? "/", (values.get("db") as string | undefined) ?? DEFAULT_DATABASE);
  const settings = toStoreSettings({ db: database, wait: CHANGING_SECONDS }, io);
  const flags = { db: database, wait: CHANGING_SECONDS, syslog: values.get("syslog") === true };
  const todo = steps.filter(({ state }) => state === "todo").map(({ about, message }) => ({ about, message }));
  const affected = (): object | undefined => (todo.length === 0 ? undefined : { steps: todo });
  await audited({ action: "setup", parameters: { ...parameters, logs }, affected }, settings, flags, io, apply);
}

async function setupSteps(root: string, logs: readonly string[], flags: SetupFlags, io: Io): Promise<readonly Step[]> {
  assertAbsolute(logs);
  const ask = toolRunner(io, ASKING_SECONDS);
  const configuration = loadConfiguration(io.configFile, false, process.geteuid?.());
  const configured = configuration.values.get("ingest.logs") as readonly string[] | undefined;
  const said = await askExim(ask, io);
  const place = logs.length === 0 ? findLogPlace(said, root) : undefined;
  const wanted = place === undefined ? logs : [place.pattern];
  if (wanted.length === 0 && configured === undefined) throw noLogs(said);
  const hasSystemd = await runsSystemd(root, ask);
  return planSetup({
    root,
    place,
    database: (configuration.values.get("db") as string | undefined) ?? DEFAULT_DATABASE,
    group: flags.group,
    configuration: planConfiguration(configuration, wanted, flags, io),
    examples: join(findPackageRoot(), "contrib"),
    hasSystemd,
    areTimersOn: hasSystemd && (await areOn(ask)),
    userTool: findTool(["useradd", "pw"] as const, io),
    isOnServicePath: SERVICE_PATH.some((directory) => existsSync(join(root, directory, "exim-pilot"))),
    isForced: flags.force === true,
  });
}

/** True when systemd runs this machine, and can be asked. */
async function runsSystemd(root: string, ask: RunTool): Promise<boolean> {
  return existsSync(join(root, "run/systemd/system")) && (await ask("systemctl", ["--version"])).status === 0;
}

const DEFAULT_DATABASE = `${DATA_DIRECTORY}/mail.db`;
/** Path of programs under systemd, and in the crontab in contrib. */
const SERVICE_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"];

async function removalSteps(root: string, flags: SetupFlags, io: Io): Promise<readonly Step[]> {
  const ask = toolRunner(io, ASKING_SECONDS);
  const hasSystemd = await runsSystemd(root, ask);
  return planRemoval({
    root,
    examples: join(findPackageRoot(), "contrib"),
    hasSystemd,
    isForced: flags.force === true,
  });
}

/** A file that was edited keeps all that is in it: settings are only added, and changed with `--force` by hand of the administrator. */
function planConfiguration(
  { path, values }: ConfigurationValues,
  wanted: readonly string[],
  { force }: SetupFlags,
  io: Io,
): Step {
  const file = io.configFile;
  const logs = values.get("ingest.logs") as readonly string[] | undefined;
  if (logs !== undefined && wanted.length > 0 && logs.join("\n") !== wanted.join("\n") && force !== true) {
    return kept(
      "configuration",
      `${file} was edited, and stays as it is: it has logs = ${JSON.stringify(logs)}, and setup would write ${JSON.stringify(wanted)}.`,
      "Edit it, or rewrite the file with --force, which keeps the old one beside it.",
    );
  }
  const isRewritten = force === true && path !== undefined;
  const isNew = path === undefined || isRewritten;
  const settings = {
    db: isNew || values.has("db") ? undefined : DEFAULT_DATABASE,
    logs: isNew || logs === undefined ? (wanted.length > 0 ? wanted : logs) : undefined,
  };
  if (settings.db === undefined && settings.logs === undefined)
    return done("configuration", `${file} names the database and the logs.`);
  const before = readFileSync(isNew ? join(findPackageRoot(), "contrib", "exim-pilot.toml") : file, "utf8");
  const text = addSettings(before, settings);
  const message = isRewritten
    ? `Write ${file} again; what was there stays as ${file}.old.`
    : isNew
      ? `Write ${file}.`
      : `Add ${Object.entries(settings)
          .flatMap(([name, value]) => (value === undefined ? [] : [name]))
          .join(" and ")} to ${file}, and leave all else in it.`;
  if (!holds(file, text, settings)) {
    return missing(
      "configuration",
      `${file} has a form that setup cannot add to.`,
      `Add by hand: ${JSON.stringify(settings)}`,
    );
  }
  return todo("configuration", message, { kind: "configuration", path: file, text, keepsOld: isRewritten });
}

/** TOML can say the same in other ways, to which nothing can be added. */
function holds(file: string, text: string, { logs }: { readonly logs: readonly string[] | undefined }): boolean {
  try {
    const found = readConfiguration(file, text).values.get("ingest.logs");
    return logs === undefined || JSON.stringify(found) === JSON.stringify(logs);
  } catch (error) {
    if (error instanceof PilotError && error.code === "usage") return false;
    throw error;
  }
}

const EXIMS = ["exim4", "exim", "/usr/sbin/exim4", "/usr/sbin/exim", "/usr/local/sbin/exim", "/usr/exim/bin/exim"];

/** The answer of the first Exim that gives one; no templates if there is none, or none may be asked. */
async function askExim(ask: RunTool, { signal }: Io): Promise<LogFilePath> {
  for (const program of EXIMS) {
    const { status, stdout, isTooSlow } = await ask(program, ["-bP", "log_file_path"]);
    if (signal.aborted) throw new PilotError("interrupted", "Interrupted before anything was changed.");
    // NOTE: its other names would wait as long.
    if (isTooSlow) break;
    if (status !== 0) continue;
    const said = parseLogFilePath(stdout);
    if (said.templates.length > 0 || said.usesSyslog) return said;
    const spool = /^\s*spool_directory\s*=\s*(\/.*?)\s*$/m.exec(
      (await ask(program, ["-bP", "spool_directory"])).stdout,
    )?.[1];
    if (spool !== undefined) return { templates: [`${spool}/log/%slog`], usesSyslog: false };
  }
  return { templates: [], usesSyslog: false };
}

function noLogs({ usesSyslog }: LogFilePath): PilotError {
  const [sentence, hint] = usesSyslog
    ? [
        "Exim writes to the system log, and no log of its own was found.",
        "Name the system log, as in `exim-pilot setup '/var/log/mail.log{,.1}'`.",
      ]
    : [
        "No log of Exim was found.",
        "Name the logs, as in `exim-pilot setup '/srv/exim/{main,reject,panic}log{,.1}'`; only root may look into some directories.",
      ];
  return new PilotError("not_found", sentence, { hint });
}

function assertAbsolute(logs: readonly string[]): void {
  const relative = logs.find((path) => !path.startsWith("/"));
  if (relative === undefined) return;
  throw new PilotError("usage", `"${relative}" does not begin with a slash.`, {
    hint: "The services run in another directory: give the whole path.",
  });
}

async function areOn(ask: RunTool): Promise<boolean> {
  const [enabled, active] = [
    await ask("systemctl", ["is-enabled", ...TIMERS]),
    await ask("systemctl", ["is-active", ...TIMERS]),
  ];
  const count = (text: string, word: string): number => text.split("\n").filter((line) => line === word).length;
  return count(enabled.stdout, "enabled") === TIMERS.length && count(active.stdout, "active") === TIMERS.length;
}

function findTool<Name extends string>(names: readonly Name[], { env }: Io): Name | undefined {
  const directories = [...(env["PATH"] ?? "").split(":"), ...TOOL_PATH].filter((directory) =>
    directory.startsWith("/"),
  );
  return names.find((name) => directories.some((directory) => canRun(join(directory, name))));
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function databaseMaker(io: Io): Promise<(path: string) => void> {
  const { openWriter } = await import("../../store/store.ts");
  return (path) => openWriter(toStoreSettings({ db: path, wait: CHANGING_SECONDS }, io), { create: true }).close();
}

async function translatingSystem<Result>(action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw isSystemError(error) ? translateSystemError(error) : error;
  }
}
