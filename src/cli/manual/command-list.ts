/** The commands and flags as plain data: what the manual page and the completions are made of. */
import { LINE_KINDS } from "../../explain/kinds.ts";
import { MESSAGE_STATUSES } from "../../message/statuses.ts";
import { SECTION_NAMES } from "../../stats/sections.ts";
import { AXES } from "../../store/stats/axes.ts";
import type { Command } from "../declare/command.ts";

export interface ListedFlag {
  /** `-q, --quiet`, `--db <file>`. */
  readonly form: string;
  /** `-q`, `--quiet`. */
  readonly names: readonly string[];
  readonly description: string;
  readonly hasValue: boolean;
  /** The words it takes; empty: any. */
  readonly choices: readonly string[];
  /** It takes the name of a file or directory. */
  readonly isPath: boolean;
}

export interface ListedCommand {
  readonly name: string;
  /** `[options] <files...>`. */
  readonly usage: string;
  readonly summary: string;
  readonly description: string;
  readonly flags: readonly ListedFlag[];
  readonly takesPaths: boolean;
  /** The words its first argument takes; empty: any. */
  readonly choices: readonly string[];
  /** Subcommands, such as `rename` of `servers`. */
  readonly commands: readonly ListedCommand[];
}

const PATH = /<(file|files\.\.\.|directory)>|\[(file|files\.\.\.|directory)\]/;

/** Words that a flag or the arguments of a command take, where commander does not know them. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  "stats --by": Object.keys(AXES),
  "--status": MESSAGE_STATUSES,
  "--event": Object.keys(LINE_KINDS),
  "parse --kind": Object.keys(LINE_KINDS),
  "--kind": ["message", "rejection", "event"],
  "--last": ["hour", "day", "week", "month"],
  "--since": ["today", "yesterday"],
  "--until": ["today", "yesterday", "now"],
  stats: [...SECTION_NAMES, "all"],
};

function wordsOf(command: Command, { argChoices, long }: Option): readonly string[] {
  return argChoices ?? WORDS[`${command.name()} ${long}`] ?? WORDS[long ?? ""] ?? [];
}

/** All commands, in the order of the help. */
export function listCommands(program: Command): readonly ListedCommand[] {
  return program.commands.map(toListed);
}

function toListed(command: Command): ListedCommand {
  return {
    name: command.name(),
    usage: command.usage(),
    summary: command.summary(),
    description: command.description(),
    flags: [...command.options.filter(({ hidden }) => !hidden), ...helpFlag(command)].map((option) => ({
      form: option.flags,
      names: [option.short, option.long].filter((name): name is string => typeof name === "string"),
      description: describe(option),
      hasValue: option.required || option.optional,
      choices: option.required || option.optional ? wordsOf(command, option) : [],
      isPath: PATH.test(option.flags),
    })),
    takesPaths: PATH.test(command.usage()),
    choices:
      command.registeredArguments[0]?.argChoices ??
      WORDS[command.name()] ??
      command.commands.map((inner) => inner.name()),
    commands: command.commands.map(toListed),
  };
}

type Option = Command["options"][number];

function helpFlag(command: Command): readonly Option[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long === "--help");
}

/** With its default, as the help shows it. */
function describe({ description, defaultValue, defaultValueDescription, negate }: Option): string {
  if (defaultValue === undefined || negate) return description;
  return `${description} (default: ${defaultValueDescription ?? String(defaultValue)})`;
}
