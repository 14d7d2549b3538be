/**
 * One small file for what is the same at every run. Flags win over the environment, the environment over the file:
 *
 *     db = "/var/lib/exim-pilot/mail.db"
 *
 *     [backup]
 *     directory = "/var/backups/exim-pilot"
 *     keep = "7d,4w,12m"
 *
 * A setting has the name of its flag; in the environment `[backup] keep` is EXIM_PILOT_BACKUP_KEEP.
 */
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import * as v from "valibot";
import { PilotError } from "../errors.ts";

const text = v.optional(v.pipe(v.string(), v.nonEmpty("is empty")));
const count = v.optional(v.number());
const flag = v.optional(v.boolean());
const texts = v.optional(v.array(v.string()));

/** What can be set; the names of tables are those of commands. */
const SCHEMA = v.strictObject({
  db: text,
  wait: count,
  syslog: flag,
  ingest: v.optional(v.strictObject({ server: text, timezone: text, "batch-size": count })),
  prune: v.optional(
    v.strictObject({
      logs: text,
      messages: text,
      open: text,
      audit: text,
      "max-size": text,
      archive: text,
      vacuum: flag,
    }),
  ),
  backup: v.optional(
    v.strictObject({
      directory: text,
      keep: text,
      compress: flag,
      recipient: texts,
      "passphrase-file": text,
      "identity-file": texts,
    }),
  ),
});

/** A value as the file or the environment gives it. */
export type SettingValue = string | number | boolean | readonly string[];

export interface Setting {
  /** `backup.keep`; `db` is for all commands. */
  readonly key: string;
  /** The command it is for; undefined: all that use the database. */
  readonly command: string | undefined;
  /** Its flag, without hyphens. */
  readonly flag: string;
  /** Its name in the environment. */
  readonly variable: string;
}

/** Every setting, in the order of the schema. */
export const SETTINGS: readonly Setting[] = Object.entries(SCHEMA.entries).flatMap(([name, entry]) =>
  "entries" in entry.wrapped
    ? Object.keys(entry.wrapped.entries).map((flagName) => toSetting(name, flagName))
    : [toSetting(undefined, name)],
);

function toSetting(command: string | undefined, flagName: string): Setting {
  const key = command === undefined ? flagName : `${command}.${flagName}`;
  return { key, command, flag: flagName, variable: `EXIM_PILOT_${key.replaceAll(/[.-]/g, "_").toUpperCase()}` };
}

export interface Configuration {
  /** Undefined when there is no file. */
  readonly path: string | undefined;
  /** By key. */
  readonly values: ReadonlyMap<string, SettingValue>;
}

/**
 * Reads the file; one that was not asked for may be missing. Errors: `usage` with the line or the setting that is wrong.
 */
export function loadConfiguration(path: string, isAskedFor: boolean): Configuration {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    if (!isAskedFor && (error as NodeJS.ErrnoException).code === "ENOENT")
      return { path: undefined, values: new Map() };
    throw new PilotError("usage", `The configuration "${path}" cannot be read.`, {
      hint: "Check its name and its rights.",
      cause: error,
    });
  }
  return { path, values: checkValues(path, parseToml(path, content)) };
}

function parseToml(path: string, content: string): unknown {
  try {
    return parse(content);
  } catch (error) {
    const { message, line } = error as Error & { line?: number };
    const [, reason = message] = /^Invalid TOML document: (.*)$/m.exec(message) ?? [];
    throw new PilotError("usage", `Line ${line} of the configuration "${path}" cannot be understood: ${reason}.`, {
      hint: 'It is TOML: name = "text", name = 30, name = true, and [command] above those of a command.',
      cause: error,
    });
  }
}

function checkValues(path: string, value: unknown): ReadonlyMap<string, SettingValue> {
  const checked = v.safeParse(SCHEMA, value);
  if (!checked.success) throw wrongSetting(path, checked.issues[0]);
  return new Map(
    Object.entries(checked.output).flatMap(([name, given]): [string, SettingValue][] =>
      typeof given === "object" && !Array.isArray(given)
        ? Object.entries(given).map(([flagName, inner]) => [`${name}.${flagName}`, inner as SettingValue])
        : [[name, given as SettingValue]],
    ),
  );
}

function wrongSetting(path: string, issue: v.BaseIssue<unknown>): PilotError {
  const key = v.getDotPath(issue) ?? "";
  const isUnknown = issue.expected === "never";
  const problem = isUnknown
    ? `names "${key}", which is no setting`
    : `sets "${key}" to what it cannot be: ${issue.kind === "schema" ? `expected ${issue.expected}` : issue.message}`;
  return new PilotError("usage", `The configuration "${path}" ${problem}.`, {
    hint: "`exim-pilot config` lists all settings, their values and where each comes from.",
  });
}
