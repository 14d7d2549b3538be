/** The manual pages, made of the commands: exim-pilot(1), and one for each command. */

import { EXIT_CODES } from "../commands/help.ts";
import type { Command } from "../declare/command.ts";
import { type HelpBlock, type ListedCommand, type ListedFlag, listCommands } from "./command-list.ts";

/** Variables of the environment, with their meaning. */
export const ENVIRONMENT: readonly (readonly [name: string, meaning: string])[] = [
  ["EXIM_PILOT_CONFIG", "The configuration, instead of /etc/exim-pilot.toml."],
  ["EXIM_PILOT_DB", "The database."],
  ["EXIM_PILOT_...", "Any other setting: [backup] keep is EXIM_PILOT_BACKUP_KEEP. exim-pilot config lists them."],
  ["EXIM_PILOT_PAGER", "Shows long answers on a terminal, else PAGER, else less."],
  ["NO_COLOR", "Print without colour."],
];

export interface Edition {
  readonly version: string;
  /** `2026-03-02`, which the foot of a page shows. */
  readonly date: string;
}

/** Each page in the language of man(7), by the name of its file. */
export function renderManuals(program: Command, edition: Edition): ReadonlyMap<string, string> {
  const commands = listCommands(program);
  const pages = commands.map((command) => [`exim-pilot-${command.name}.1`, renderPage(command, edition)] as const);
  return new Map([["exim-pilot.1", renderMainPage(program, commands, edition)], ...pages]);
}

function renderMainPage(program: Command, commands: readonly ListedCommand[], edition: Edition): string {
  return joined([
    heading("exim-pilot", edition),
    ".SH NAME",
    "exim\\-pilot \\- the flight recorder for Exim mail servers",
    ".SH SYNOPSIS",
    ".B exim\\-pilot",
    ".I command",
    "[options] [arguments]",
    ".SH DESCRIPTION",
    text(program.description()),
    ".SH COMMANDS",
    text("Each has a page of its own, such as exim-pilot-trace(1)."),
    ...commands.flatMap(({ name, summary }) => [".TP", `.B ${literal(name)}`, text(capitalised(summary))]),
    ".SH ENVIRONMENT",
    ...ENVIRONMENT.flatMap(([name, meaning]) => [".TP", `.B ${literal(name)}`, text(meaning)]),
    ".SH FILES",
    ".TP",
    ".I /etc/exim\\-pilot.toml",
    "The configuration.",
    ".SH EXIT STATUS",
    ...EXIT_CODES.flatMap(([status, meaning]) => [".TP", `.B ${status}`, text(meaning)]),
    ".SH EXAMPLES",
    ...code([
      "exim-pilot ingest /var/log/exim4",
      "exim-pilot trace 1vwz8c-0005eI-2Q",
      "exim-pilot search --recipient bob@example.net --since yesterday",
    ]),
    ".SH SEE ALSO",
    seeAlso(commands.map(({ name }) => [`exim-pilot-${name}`, 1])),
    seeAlso([
      ["exigrep", 8],
      ["exim", 8],
    ]),
  ]);
}

function renderPage(command: ListedCommand, edition: Edition): string {
  const { name, usage, summary, description, notes, examples, commands } = command;
  return joined([
    heading(`exim-pilot-${name}`, edition),
    ".SH NAME",
    text(`exim-pilot-${name} - ${summary}`),
    ".SH SYNOPSIS",
    `.B exim\\-pilot ${literal(name)}`,
    text(usage),
    ...commands.flatMap((inner) => [".br", `.B exim\\-pilot ${literal(`${name} ${inner.name}`)}`, text(inner.usage)]),
    ".SH DESCRIPTION",
    text(description),
    ...notes.flatMap(render),
    ...argumentsAndFlags(command, ".SH"),
    ...(commands.length === 0 ? [] : [".SH COMMANDS"]),
    ...commands.flatMap((inner) => [
      `.SS ${quote(`${name} ${inner.name}`)}`,
      text(inner.description),
      ...innerFlags(inner),
    ]),
    ".SH EXIT STATUS",
    text("0 when done, 1 when nothing was found or a check failed, 2 and more for failures: see exim-pilot(1)."),
    ".SH EXAMPLES",
    ...[examples, ...commands.map((inner) => inner.examples)].flat().flatMap(render),
    ".SH SEE ALSO",
    seeAlso([["exim-pilot", 1]]),
  ]);
}

function argumentsAndFlags({ arguments: words, flags }: ListedCommand, macro: ".SH" | ".SS"): string[] {
  const described = words.filter(({ description }) => description !== "");
  const groups = [...new Set(flags.map(({ group }) => group))];
  return [
    ...(described.length === 0 ? [] : [`${macro} ARGUMENTS`]),
    ...described.flatMap(({ name, description }) => [".TP", `.I ${literal(name)}`, text(capitalised(description))]),
    ...groups.flatMap((group) => [
      `${macro} ${quote(group === "" ? "OPTIONS" : group.replace(/:$/, "").toUpperCase())}`,
      ...flags.filter((flag) => flag.group === group).flatMap(renderFlag),
    ]),
  ];
}

/** The flags of a command within a command; those that both have stand with the outer one. */
function innerFlags({ arguments: words, flags }: ListedCommand): string[] {
  return [
    ...words.flatMap(({ name, description }) => [".TP", `.I ${literal(name)}`, text(capitalised(description))]),
    ...flags.filter(({ names }) => !names.includes("--help")).flatMap(renderFlag),
  ];
}

function renderFlag({ form, description }: ListedFlag): string[] {
  return [".TP", `.B ${literal(form)}`, text(capitalised(description))];
}

function render({ form, lines }: HelpBlock): string[] {
  return form === "code" ? code(lines) : [".PP", text(lines.join(" "))];
}

function code(lines: readonly string[]): string[] {
  return [".EX", ...lines.map((line) => (line === "" ? ".sp" : guarded(broken(literal(line))))), ".EE"];
}

function heading(name: string, { version, date }: Edition): string {
  return `.TH ${literal(name.toUpperCase())} 1 ${date} ${quote(`exim-pilot ${version}`)} "Exim"`;
}

function seeAlso(pages: readonly (readonly [name: string, section: number])[]): string {
  const sorted = pages.toSorted(([a, one], [b, other]) => one - other || (a < b ? -1 : 1));
  return sorted
    .map(([name, section], index) => `.BR ${literal(name)} (${section})${index + 1 === sorted.length ? "" : ","}`)
    .join("\n");
}

function joined(lines: readonly string[]): string {
  return `${lines.filter((line) => line !== "").join("\n")}\n`;
}

function capitalised(words: string): string {
  return /^[a-z][a-z]* /.test(words) ? words.charAt(0).toUpperCase() + words.slice(1) : words;
}

const WIDTH = 78;

/** A paragraph in lines of the usual width; each sentence begins one, by which man(7) knows where sentences end. */
function text(words: string): string {
  const sentences = literal(words).split(/(?<=[.!?]["')]?) (?=[A-Z"'`])/);
  return sentences.flatMap(wrapped).map(guarded).join("\n");
}

function wrapped(sentence: string): string[] {
  const lines: string[] = [];
  for (const word of sentence.split(/\s+/)) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** A line that stands as it is, and is longer than the usual width, goes on after a backslash at the end of a line. */
function broken(line: string): string {
  if (line.length <= WIDTH) return line;
  const place = line.lastIndexOf(" ", WIDTH - 1);
  return place <= 0 ? line : `${line.slice(0, place + 1)}\\\n${broken(line.slice(place + 1))}`;
}

/** A line that begins with a full stop or a quote would be a request. */
function guarded(lines: string): string {
  return lines.replaceAll(/^(?=[.'])/gm, "\\&");
}

function quote(words: string): string {
  return `"${literal(words).replaceAll('"', '""')}"`;
}

function literal(words: string): string {
  return words.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("…", "...");
}
