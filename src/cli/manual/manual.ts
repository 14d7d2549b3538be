/** The manual page exim-pilot(1), made of the commands. */

import { EXIT_CODES } from "../commands/help.ts";
import type { Command } from "../declare/command.ts";
import { type ListedCommand, listCommands } from "./command-list.ts";

const ENVIRONMENT: readonly (readonly [name: string, meaning: string])[] = [
  ["EXIM_PILOT_CONFIG", "The configuration, instead of /etc/exim-pilot.toml."],
  ["EXIM_PILOT_DB", "The database."],
  ["EXIM_PILOT_...", "Any other setting: [backup] keep is EXIM_PILOT_BACKUP_KEEP. exim-pilot config lists them."],
  [
    "EXIM_PILOT_LOG",
    "debug: as --verbose, which tells what a command does and how long that takes. plans: how SQLite answers, too.",
  ],
  ["NO_COLOR", "Print without colour."],
];

/** In the language of man(7). */
export function renderManual(program: Command, version: string): string {
  const commands = listCommands(program).flatMap((command) => sectionsOf(command, "exim-pilot"));
  const lines = [
    `.TH EXIM\\-PILOT 1 "" ${quote(`exim-pilot ${version}`)} "Exim"`,
    ".SH NAME",
    "exim\\-pilot \\- the flight recorder for Exim mail servers",
    ".SH SYNOPSIS",
    ".B exim\\-pilot",
    ".I command",
    "[options] [arguments]",
    ".SH DESCRIPTION",
    text(program.description()),
    ".SH COMMANDS",
    ...commands,
    ".SH ENVIRONMENT",
    ...ENVIRONMENT.flatMap(([name, meaning]) => [".TP", `.B ${literal(name)}`, text(meaning)]),
    ".SH FILES",
    ".TP",
    ".I /etc/exim\\-pilot.toml",
    "The configuration.",
    ".SH EXIT STATUS",
    ...EXIT_CODES.flatMap(([status, meaning]) => [".TP", `.B ${status}`, text(meaning)]),
    ".SH SEE ALSO",
    ".BR exim (8),",
    ".BR exigrep (8),",
    ".BR sqlite3 (1)",
  ];
  return `${lines.join("\n")}\n`;
}

/** Manual sections of a command and its subcommands. `parent`: the words before its name. */
function sectionsOf({ name, usage, description, flags, commands }: ListedCommand, parent: string): readonly string[] {
  const words = `${parent} ${name}`;
  return [
    `.SS ${quote(`${words} ${usage}`)}`,
    text(description),
    ...flags.flatMap((flag) => [".TP", `.B ${literal(flag.form)}`, text(flag.description)]),
    ...commands.flatMap((command) => sectionsOf(command, words)),
  ];
}

/** A line that begins with a full stop or a quote would be a request. */
function text(words: string): string {
  return literal(words).replaceAll(/^(?=[.'])/gm, "\\&");
}

function quote(words: string): string {
  return `"${literal(words).replaceAll('"', '""')}"`;
}

function literal(words: string): string {
  return words.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("…", "...");
}
