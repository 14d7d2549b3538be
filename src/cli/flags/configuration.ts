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
import { closeSync, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { parse } from "smol-toml";
import * as v from "valibot";
import { PilotError } from "../../errors.ts";
import { describeSystemError, isSystemError } from "../../store/files/system-errors.ts";

const text = v.optional(v.pipe(v.string(), v.nonEmpty("is empty"), v.excludes("\0", "has a NUL in it")));
const count = v.optional(v.number());
const flag = v.optional(v.boolean());
const texts = v.optional(v.array(v.string()));
/** By rule and name; which there are is known by the rules. */
const thresholds = v.optional(v.record(v.string(), v.record(v.string(), v.number())));

/** Settings of flags; tables are named after commands. */
const FLAG_ENTRIES = {
  db: text,
  wait: count,
  syslog: flag,
  ingest: v.optional(v.strictObject({ logs: texts, server: text, timezone: text, "batch-size": count, detect: flag })),
  prune: v.optional(
    v.strictObject({
      logs: text,
      messages: text,
      open: text,
      audit: text,
      snapshots: text,
      content: text,
      outbox: text,
      incidents: text,
      notes: text,
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
} as const;

const table = v.optional(v.record(v.string(), v.unknown()));

/** The last two tables are read by notify-settings.ts, for the few commands that need them. */
const SCHEMA = v.strictObject({ ...FLAG_ENTRIES, incidents: thresholds, notify: table, channels: table });

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
export const SETTINGS: readonly Setting[] = Object.entries(FLAG_ENTRIES).flatMap(([name, entry]) =>
  "entries" in entry.wrapped
    ? Object.keys(entry.wrapped.entries).map((flagName) => toSetting(name, flagName))
    : [toSetting(undefined, name)],
);

function toSetting(command: string | undefined, flagName: string): Setting {
  const key = command === undefined ? flagName : `${command}.${flagName}`;
  return { key, command, flag: flagName, variable: `EXIM_PILOT_${key.replaceAll(/[.-]/g, "_").toUpperCase()}` };
}

export interface ConfigurationValues {
  /** Undefined when there is no file. */
  readonly path: string | undefined;
  /** By key. */
  readonly values: ReadonlyMap<string, SettingValue>;
  /** Thresholds of the rules of incidents, by rule and name. */
  readonly thresholds: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** The tables of notifications and of channels, unchecked. */
  readonly notify: NotifyTables;
  /** Other users can read the file. */
  readonly isReadableByOthers: boolean;
}

/** `[notify]` and `[channels.NAME]` as they are written; undefined: not there. */
export interface NotifyTables {
  readonly notify: Readonly<Record<string, unknown>> | undefined;
  readonly channels: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Reads the file; one that was not asked for may be missing. `userId`: who runs this; undefined where users have no numbers.
 * Errors: `usage` with the line or the setting that is wrong, or because others than `userId` and root can change the file.
 */
export function loadConfiguration(path: string, isAskedFor: boolean, userId: number | undefined): ConfigurationValues {
  const found = readTrusted(path, userId, isAskedFor);
  if (found === undefined) return NO_CONFIGURATION;
  return { ...readConfiguration(path, found.content), isReadableByOthers: found.isReadableByOthers };
}

const NO_CONFIGURATION: ConfigurationValues = {
  path: undefined,
  values: new Map(),
  thresholds: {},
  notify: { notify: undefined, channels: undefined },
  isReadableByOthers: false,
};

/** Reads the values of a text that is to stand at `path`. Errors: `usage`. */
export function readConfiguration(path: string, content: string): ConfigurationValues {
  return { path, ...checkValues(path, parseToml(path, content)), isReadableByOthers: false };
}

/** The text of the file, which is looked at when it is open: it cannot be exchanged in between. Undefined when it may be missing, and is. */
function readTrusted(
  path: string,
  userId: number | undefined,
  isAskedFor: boolean,
): { readonly content: string; readonly isReadableByOthers: boolean } | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const status = fstatSync(file);
    assertTrusted(path, status, userId);
    const isReadableByOthers = !status.isCharacterDevice() && (status.mode & OTHERS_MAY_READ) !== 0;
    return { content: readFileSync(file, "utf8"), isReadableByOthers };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (!isAskedFor && error.code === "ENOENT") return undefined;
    throw new PilotError("usage", `The configuration "${path}" cannot be read: ${describeSystemError(error)}.`, {
      hint: "Check its name and its rights.",
      cause: error,
    });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

const ROOT = 0;
const OTHERS_MAY_WRITE = 0o022;
const OTHERS_MAY_READ = 0o004;

/** It tells where backups go and for whom they are encrypted, so it is trusted as ssh trusts its own: /dev/null is. */
function assertTrusted(path: string, status: Stats, userId: number | undefined): void {
  if (userId === undefined || status.isCharacterDevice()) return;
  if (status.uid !== ROOT && status.uid !== userId) {
    throw new PilotError("usage", `The configuration "${path}" belongs to another user (${status.uid}).`, {
      hint: "Make it root's or your own with chown: it decides where backups are put, and who can open them.",
    });
  }
  if ((status.mode & OTHERS_MAY_WRITE) !== 0) {
    throw new PilotError("usage", `The configuration "${path}" can be written by others.`, {
      hint: "Remove that right with `chmod go-w`: the file decides where backups are put, and who can open them.",
    });
  }
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

function checkValues(path: string, value: unknown): Pick<ConfigurationValues, "values" | "thresholds" | "notify"> {
  const checked = v.safeParse(SCHEMA, value);
  if (!checked.success) throw wrongSetting(path, checked.issues[0]);
  const { incidents = {}, notify, channels, ...flags } = checked.output;
  const values = Object.entries(flags).flatMap(([name, given]): [string, SettingValue][] =>
    typeof given === "object" && !Array.isArray(given)
      ? Object.entries(given).map(([flagName, inner]) => [`${name}.${flagName}`, inner as SettingValue])
      : [[name, given as SettingValue]],
  );
  return { values: new Map(values), thresholds: incidents, notify: { notify, channels } };
}

/** `hint`: what there is instead. `key`: with the table it is in. */
export function wrongSetting(
  path: string,
  issue: v.BaseIssue<unknown>,
  { key = v.getDotPath(issue) ?? "", hint = LISTED }: { readonly key?: string; readonly hint?: string } = {},
): PilotError {
  const isUnknown = issue.expected === "never";
  // NOTE: the name of a setting that is missing is what was expected.
  const isMissing = issue.type === "strict_object" && issue.received === "undefined";
  const problem = isUnknown
    ? `names "${key}", which is not a setting`
    : isMissing
      ? `gives no "${key}"`
      : `sets "${key}" to an invalid value: ${issue.kind === "schema" ? `expected ${issue.expected}` : issue.message}`;
  return new PilotError("usage", `The configuration "${path}" ${problem}.`, { hint });
}

const LISTED = "`exim-pilot config` lists all settings, their values and where each comes from.";
