/** docs/reference.md and docs/counting.md, as the program declares and explains itself. */
import { COUNTING, EXIT_CODES, type RuleSections, STATUSES } from "../../src/cli/commands/help.ts";
import type { Command } from "../../src/cli/declare/command.ts";
import {
  type HelpBlock,
  type ListedCommand,
  type ListedFlag,
  listCommands,
} from "../../src/cli/manual/command-list.ts";
import { ENVIRONMENT } from "../../src/cli/manual/manual.ts";

const MADE = "<!-- Made of the program: UPDATE_GOLDEN=1 npx vitest run test/docs.test.ts writes it again. -->";

/** Every command with its flags, filters once, exit codes, statuses and environment. */
export function renderReference(program: Command): string {
  const commands = listCommands(program);
  const filters = commands.find(({ name }) => name === "search")?.flags.filter(isFilter) ?? [];
  return joined([
    "# Reference",
    MADE,
    "`exim-pilot COMMAND --help` and `man exim-pilot-COMMAND` have the same.",
    "## Commands",
    table(
      ["command", ""],
      commands.map(({ name, summary }) => [`[\`${name}\`](#${name})`, summary]),
    ),
    ...commands.flatMap((command) => sectionOf(command, "")),
    "## Filters",
    flagTable(filters),
    "## Environment",
    table(
      ["variable", ""],
      ENVIRONMENT.map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
    "## Exit codes",
    table(
      ["code", "meaning"],
      EXIT_CODES.map(([status, meaning]) => [String(status), meaning]),
    ),
    "New codes may be added; a count is never one.",
    "## Statuses",
    ...rules(STATUSES, "###"),
  ]);
}

/** The rules by which figures are made. */
export function renderCounting(): string {
  return joined([
    "# Counting",
    MADE,
    "What the figures of `exim-pilot stats` are made of, as `exim-pilot help counting` says it; the last section tells where eximstats counts differently. Its own numbers are those of `exim-pilot stats --eximstats`.",
    ...rules(COUNTING, "##"),
  ]);
}

function rules(sections: RuleSections, level: string): string[] {
  return sections.flatMap(([title, texts]) => [
    `${level} ${title}`,
    table(
      ["", ""],
      Object.entries(texts).map(([name, rule]) => [`\`${name}\``, rule]),
    ),
  ]);
}

/** A command, and then those within it. */
function sectionOf(command: ListedCommand, parent: string): string[] {
  const { name, usage, description, arguments: words, flags, notes, examples, commands } = command;
  const full = `${parent}${name}`;
  const own = flags.filter((flag) => !isFilter(flag) && !flag.names.includes("--help"));
  const filters = flags.filter(isFilter).flatMap(({ names }) => names.slice(-1));
  const described = words.filter(({ description: about }) => about !== "");
  return [
    `${parent === "" ? "##" : "###"} ${full}`,
    `\`exim-pilot ${full} ${usage}\``,
    description,
    described.length === 0
      ? ""
      : table(
          ["argument", ""],
          described.map(({ name: word, description: about }) => [`\`${word}\``, about]),
        ),
    own.length === 0 ? "" : flagTable(own),
    filters.length === 0 ? "" : `[Filters](#filters): ${filters.map((flag) => `\`${flag}\``).join(", ")}.`,
    ...notes.map(render),
    ...examples.map(render),
    ...commands.flatMap((inner) => sectionOf(inner, `${full} `)),
  ];
}

function isFilter({ group }: ListedFlag): boolean {
  return group === "Filters:";
}

function flagTable(flags: readonly ListedFlag[]): string {
  return table(
    ["flag", ""],
    flags.map(({ form, description }) => [`\`${form}\``, description]),
  );
}

function render({ form, lines }: HelpBlock): string {
  if (form === "text") return inText(lines.join(" "));
  const isShell = lines.some((line) => line.includes("exim-pilot "));
  return [isShell ? "```sh" : "```text", ...lines, "```"].join("\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(inCell).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

/** A bar would end the cell. */
function inCell(text: string): string {
  return inText(text).replaceAll("|", "\\|");
}

/** Outside code, what Markdown would take for a tag or for emphasis is none. */
function inText(text: string): string {
  return text.replace(/`[^`]*`|[<*]/g, (found) => (found.length === 1 ? `\\${found}` : found));
}

function joined(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}
