/** Finds Exim's logs: where Exim itself says, else in the usual places. */
import { readdirSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { escapeForm } from "../text.ts";

/** A place as Exim's `log_file_path` gives it: `/var/log/exim4/%slog`, where %s is main, reject or panic, %D and %M are dates. */
type Template = string;

/** Logs that were found. */
export interface LogPlace {
  /** `Debian`, `Exim` (which said so). */
  readonly system: string;
  /** A main log that exists. */
  readonly main: string;
  /** Argument for `ingest`: the logs, and those rotated last. */
  readonly pattern: string;
}

export const KNOWN_PLACES: readonly (readonly [system: string, template: Template])[] = [
  ["Debian", "/var/log/exim4/%slog"],
  ["RHEL", "/var/log/exim/%s.log"],
  ["cPanel", "/var/log/exim_%slog"],
  ["DirectAdmin or FreeBSD", "/var/log/exim/%slog"],
  ["Exim's own default", "/var/spool/exim/log/%slog"],
  ["Exim's own default", "/var/spool/exim4/log/%slog"],
];

/** Exim's answer for `log_file_path`. */
export interface LogFilePath {
  readonly templates: readonly Template[];
  /** The logs go to the system log, maybe besides. */
  readonly usesSyslog: boolean;
}

/** Reads what `exim -bP log_file_path` prints: a list whose separator is a colon, or the character behind `<`. */
export function parseLogFilePath(printed: string): LogFilePath {
  const [, value = ""] = /^\s*log_file_path\s*=[ \t]*(.*)$/m.exec(printed) ?? [];
  const [, separator = ":", list = value] = /^<\s*(\S)\s*(.*)$/.exec(value.trim()) ?? [];
  const items = list.split(separator).map((item) => item.trim());
  return {
    templates: items.filter((item) => item.startsWith("/")),
    usesSyslog: items.includes("syslog"),
  };
}

/** The logs of the first place that has any. `root` stands before all paths that are looked at, and in none that is returned. */
export function findLogPlace(said: LogFilePath, root: string): LogPlace | undefined {
  const places = [...said.templates.map((template) => ["Exim", template] as const), ...KNOWN_PLACES];
  for (const [system, template] of places) {
    const main = findMainLog(template, root);
    if (main !== undefined) return { system, main, pattern: toPattern(template) };
  }
  return undefined;
}

const DATES = /%[DM]/g;

/** Rotated by Debian, RHEL and cPanel, FreeBSD's newsyslog, or exicyclog. */
const LAST_ROTATED = "{,.1,.0,.01,-????????}";

function toPattern(template: Template): string {
  const literal = template.replaceAll(/[\\*?[\](){}!]/g, "\\$&");
  const logs = literal.replaceAll("%s", "{main,reject,panic}");
  const anyDate = logs.replaceAll(DATES, "*");
  return anyDate === logs ? `${logs}${LAST_ROTATED}` : anyDate;
}

/** The newest of them, by its name. */
function findMainLog(template: Template, root: string): string | undefined {
  const path = template.replaceAll("%s", "main");
  const form = new RegExp(`^${basename(path).split(DATES).map(escapeForm).join("\\d+")}$`);
  const directory = dirname(path);
  return namesIn(join(root, directory))
    .filter((name) => form.test(name))
    .sort()
    .map((name) => join(directory, name))
    .findLast((name) => statusOf(join(root, name))?.isFile() === true);
}

/** Empty for a directory that is missing or may not be listed. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** Rights that a reader of a log needs. */
export interface ReadingNeeds {
  /** Numbers of groups that it has to be in. */
  readonly groups: readonly number[];
  /** Rights that no group gives, a sentence each. */
  readonly missing: readonly string[];
}

const GROUP_MAY = { read: 0o040, enter: 0o010 } as const;
const OTHERS_MAY = { read: 0o004, enter: 0o001 } as const;
const ROOT_GROUP = 0;

/** Rights that a user who owns nothing needs to read `log` and to enter the directories above it. */
export function readingNeeds(log: string, root: string): ReadingNeeds {
  const groups = new Set<number>();
  const missing: string[] = [];
  for (let path = log; path !== "/" && path !== "."; path = dirname(path)) {
    const right = path === log ? "read" : "enter";
    const status = statusOf(join(root, path));
    if (status === undefined || (status.mode & OTHERS_MAY[right]) !== 0) continue;
    if ((status.mode & GROUP_MAY[right]) !== 0 && status.gid !== ROOT_GROUP) groups.add(status.gid);
    else missing.push(`No group but root's may ${right} ${path} (mode ${(status.mode & 0o7777).toString(8)}).`);
  }
  return { groups: [...groups], missing };
}
