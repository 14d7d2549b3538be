/** The commands and flags as plain data: what the manual page and the completions are made of. */
import type { Command } from "./program.ts";

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
  /** Those it has, such as `rename` of `servers`. */
  readonly commands: readonly ListedCommand[];
}

const PATH = /<(file|files\.\.\.|directory)>|\[(file|files\.\.\.|directory)\]/;

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
      choices: option.argChoices ?? [],
      isPath: PATH.test(option.flags),
    })),
    takesPaths: PATH.test(command.usage()),
    choices: command.registeredArguments[0]?.argChoices ?? command.commands.map((inner) => inner.name()),
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
