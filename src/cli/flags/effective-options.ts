/** Completes flags that were not given: from the environment, the configuration, or the default. */

import { PilotError } from "../../errors.ts";
import type { Command, Option } from "../declare/command.ts";
import type { Io } from "../io.ts";
import {
  type ConfigurationValues,
  loadConfiguration,
  SETTINGS,
  type Setting,
  type SettingValue,
} from "./configuration.ts";

export const CONFIG_VARIABLE = "EXIM_PILOT_CONFIG";

export type Origin = "flag" | "environment" | "file" | "default";

export interface EffectiveSetting {
  readonly setting: Setting;
  /** Undefined: not set, and without a default. */
  readonly value: SettingValue | undefined;
  readonly from: Origin;
}

/** The file of `--config`, of the environment, or the usual one when it is there. Errors: `usage`. */
export function findConfiguration(given: string | undefined, io: Io): ConfigurationValues {
  const named = given ?? nonEmpty(io.env[CONFIG_VARIABLE]);
  return loadConfiguration(named ?? io.configFile, named !== undefined, process.geteuid?.());
}

/** Gives a command's flags the values that were not given on the command line. Errors: `usage`. */
export function completeOptions(command: Command, io: Io): void {
  const owner = withParents(command).find(({ options }) => options.some(({ long }) => long === "--config"));
  if (owner === undefined) return;
  const configuration = findConfiguration(owner.getOptionValue("config") as string | undefined, io);
  for (const one of withParents(command)) complete(one, configuration, io);
}

/** A command with its parents: both `servers` and `servers rename` have flags. */
function withParents(command: Command): readonly Command[] {
  return command.parent === null ? [command] : [command, ...withParents(command.parent)];
}

function complete(command: Command, configuration: ConfigurationValues, io: Io): void {
  for (const setting of SETTINGS) {
    if (setting.command !== undefined && setting.command !== command.name()) continue;
    const option = findOption(command, setting);
    if (option === undefined || command.getOptionValueSource(option.attributeName()) === "cli") continue;
    const found = findValue(setting, configuration, io);
    if (found === undefined) continue;
    const value = parseFor(option, found.value, found.place);
    command.setOptionValueWithSource(option.attributeName(), value, found.from);
  }
}

/** The value of a setting of another command, by its key; undefined: its default. */
export function settingOf(key: string, configuration: ConfigurationValues, io: Io): SettingValue | undefined {
  const setting = SETTINGS.find((one) => one.key === key);
  return setting === undefined ? undefined : findValue(setting, configuration, io)?.value;
}

/** Every setting as the commands would see it. `shared` is a command with the flags of all. */
export function effectiveSettings(
  program: Command,
  shared: Command,
  configuration: ConfigurationValues,
  io: Io,
): readonly EffectiveSetting[] {
  return SETTINGS.map((setting) => {
    const command =
      setting.command === undefined
        ? shared
        : program.commands.find((candidate) => candidate.name() === setting.command);
    const option = command === undefined ? undefined : findOption(command, setting);
    if (command === undefined || option === undefined) throw new Error(`The setting ${setting.key} has no flag.`);
    if (command === shared && command.getOptionValueSource(option.attributeName()) === "cli")
      return { setting, value: command.getOptionValue(option.attributeName()) as SettingValue, from: "flag" };
    const found = findValue(setting, configuration, io);
    if (found === undefined)
      return { setting, value: option.defaultValue as SettingValue | undefined, from: "default" };
    return { setting, value: parseFor(option, found.value, found.place) as SettingValue, from: found.from };
  });
}

function findOption(command: Command, { flag }: Setting): Option | undefined {
  return command.options.find(({ long }) => long === `--${flag}`);
}

interface FoundValue {
  readonly value: SettingValue;
  readonly from: Origin;
  /** For an error: `EXIM_PILOT_WAIT`, `"wait" of the configuration "x.toml"`. */
  readonly place: string;
}

function findValue({ key, variable }: Setting, { path, values }: ConfigurationValues, io: Io): FoundValue | undefined {
  const fromEnvironment = nonEmpty(io.env[variable]);
  if (fromEnvironment !== undefined) return { value: fromEnvironment, from: "environment", place: variable };
  const fromFile = values.get(key);
  return fromFile === undefined
    ? undefined
    : { value: fromFile, from: "file", place: `"${key}" in the configuration "${path}"` };
}

/** Code of the error that flag parsers throw. */
const INVALID_VALUE = "commander.invalidArgument";

/** Reads the value as the flag itself would be read. */
function parseFor(option: Option, value: SettingValue, place: string): unknown {
  if (option.isBoolean()) return toBoolean(value, place);
  try {
    const words = Array.isArray(value) ? value : [String(value)];
    const { parseArg } = option;
    return parseArg === undefined
      ? words[0]
      : words.reduce((previous: unknown, word: string) => parseArg(word, previous), undefined);
  } catch (error) {
    if (!(error instanceof Error && (error as { code?: unknown }).code === INVALID_VALUE)) throw error;
    throw new PilotError("usage", `The value of ${place} cannot be used: ${error.message}`, {
      hint: "`exim-pilot config` lists all settings, their values and where each comes from.",
    });
  }
}

function toBoolean(value: SettingValue, place: string): boolean {
  if (typeof value === "boolean") return value;
  if (/^(1|true|yes|on)$/i.test(String(value))) return true;
  if (/^(0|false|no|off)$/i.test(String(value))) return false;
  throw new PilotError("usage", `The value of ${place} is neither true nor false.`, { hint: "Give true or false." });
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
