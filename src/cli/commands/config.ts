import { renderConfiguration } from "../../render/configuration.ts";
import { renderJson } from "../../render/form/json.ts";
import { paintFor } from "../context.ts";
import type { Command } from "../declare/command.ts";
import { effectiveSettings, findConfiguration } from "../flags/effective-options.ts";
import { listNotifySettings } from "../flags/notify-settings.ts";
import type { Io } from "../io.ts";

export interface ConfigFlags {
  readonly config?: string;
  readonly json?: boolean;
}

/** Prints every setting, its value and where that comes from. `command` has the flags that all share. Errors: `usage`. */
export function runConfig(program: Command, command: Command, flags: ConfigFlags, io: Io): void {
  const configuration = findConfiguration(flags.config, io);
  const rows = [
    ...effectiveSettings(program, command, configuration, io).map(({ setting, value, from }) => ({
      setting: setting.key,
      variable: setting.variable,
      value: value ?? null,
      from,
    })),
    ...listNotifySettings(configuration).map((row) => ({ ...row, variable: null, from: "file" })),
  ];
  const { path } = configuration;
  if (flags.json === true) io.stdout.write(renderJson("config", { file: path ?? null, settings: rows }));
  else io.stdout.write(renderConfiguration(rows, path, paintFor(io.stdout, io)));
}
