/** The commands and flags as plain data: what the manual page and the completions are made of. */
import { KIND_NAMES } from "../../message/kinds.ts";
import { MESSAGE_STATUSES } from "../../message/statuses.ts";
import { SECTION_NAMES } from "../../stats/sections.ts";
import { AXES } from "../../store/stats/axes.ts";
import { type Command, NotedCommand } from "../declare/command.ts";

export interface ListedFlag {
  /** `-q, --quiet`, `--db <file>`. */
  readonly form: string;
  /** `-q`, `--quiet`. */
  readonly names: readonly string[];
  readonly description: string;
  /** `Filters:`, over those that belong together; empty: none. */
  readonly group: string;
  readonly hasValue: boolean;
  /** The words it takes; empty: any. */
  readonly choices: readonly string[];
  /** It takes the name of a file or directory. */
  readonly isPath: boolean;
  /** It takes one of the names that the database knows. */
  readonly nameKind: NameKind | undefined;
}

/** The command that lists them, with `--names`. */
export type NameKind = "servers" | "tag" | "users";

export interface ListedArgument {
  readonly name: string;
  readonly description: string;
  readonly nameKind: NameKind | undefined;
}

/** A paragraph, or lines that stand as they are. */
export interface HelpBlock {
  readonly form: "text" | "code";
  readonly lines: readonly string[];
}

export interface ListedCommand {
  readonly name: string;
  /** `[options] <files...>`. */
  readonly usage: string;
  readonly summary: string;
  readonly description: string;
  readonly arguments: readonly ListedArgument[];
  readonly flags: readonly ListedFlag[];
  /** Further paragraphs of the help. */
  readonly notes: readonly HelpBlock[];
  readonly examples: readonly HelpBlock[];
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
  "--event": KIND_NAMES,
  "parse --kind": KIND_NAMES,
  "--kind": ["message", "rejection", "event"],
  "--last": ["hour", "day", "week", "month"],
  "--since": ["today", "yesterday"],
  "--until": ["today", "yesterday", "now"],
  stats: [...SECTION_NAMES, "all"],
};

/** Flags and arguments that take a name which the database knows. */
const NAMES: Readonly<Record<string, NameKind>> = {
  "--server": "servers",
  "--tag": "tag",
  "rename old": "servers",
  "set name": "servers",
  "remove name": "servers",
  "set user": "users",
  "disable user": "users",
  "enable user": "users",
  "remove user": "users",
  "password user": "users",
  "--noted-by": "users",
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
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      description: describe(argument),
      nameKind: NAMES[`${command.name()} ${argument.name()}`],
    })),
    ...readNotes(command instanceof NotedCommand ? command.notes : ""),
    flags: [...command.options.filter(({ hidden }) => !hidden), ...helpFlag(command)].map((option) => ({
      form: option.flags,
      names: [option.short, option.long].filter((name): name is string => typeof name === "string"),
      description: describe(option),
      group: option.helpGroupHeading ?? "",
      hasValue: option.required || option.optional,
      choices: option.required || option.optional ? wordsOf(command, option) : [],
      isPath: PATH.test(option.flags),
      nameKind: NAMES[option.long ?? ""],
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

/** With its words and its default, as the help shows them. */
function describe({ description, argChoices, defaultValue, defaultValueDescription, negate }: Described): string {
  const choices = argChoices === undefined ? [] : [`choices: ${argChoices.join(", ")}`];
  const isShown = defaultValue !== undefined && negate !== true;
  const standard = isShown ? [`default: ${defaultValueDescription ?? String(defaultValue)}`] : [];
  const extra = [...choices, ...standard];
  return extra.length === 0 ? description : `${description} (${extra.join("; ")})`;
}

type Described = Pick<Option, "description" | "argChoices" | "defaultValue" | "defaultValueDescription"> & {
  readonly negate?: boolean;
};

/** The text below the help: what is indented stands as it is, and a line `Examples:` begins the examples. */
export function readNotes(text: string): Pick<ListedCommand, "notes" | "examples"> {
  const parts = { notes: [] as HelpBlock[], examples: [] as HelpBlock[] };
  let part: keyof typeof parts = "notes";
  for (const paragraph of text.split(/^Examples:\n/m)) {
    parts[part].push(...blocksOf(paragraph));
    part = "examples";
  }
  return parts;
}

function blocksOf(text: string): HelpBlock[] {
  const pieces = text.match(/(?:^ {2}.*\n?|^\n(?= {2}))+|^\S.*\n?(?:^\S.*\n?)*/gm) ?? [];
  return pieces.map((piece) => {
    const lines = piece.trim().split("\n");
    if (!/^\n*? {2}/.test(piece)) return { form: "text", lines };
    return { form: "code", lines: lines.map((line, index) => (index === 0 ? line : line.replace(/^ {2}/, ""))) };
  });
}
