/** The commands that explain the program, and their flags: they know all the others. */
import { Argument, type Command, Option } from "commander";
import { columnsOf } from "../context.ts";
import type { Io } from "../io.ts";
import type { CommandGroup } from "./command.ts";
import { withDatabase } from "./shared-flags.ts";

function addConfig(program: Command, io: Io): void {
  withDatabase(program.command("config"))
    .summary("show the settings and where each comes from")
    .description(
      "Shows every setting with its value, and whether that comes from a flag, the environment, the configuration file or is the default. Flags win over the environment, the environment over the file.",
    )
    .addOption(new Option("--syslog").hideHelp())
    .option("--json", "print the settings as JSON")
    .addHelpText("after", CONFIG_EXAMPLE)
    .action(async (flags, command: Command) => {
      const { runConfig } = await import("../commands/config.ts");
      runConfig(program, command, flags, io);
    });
}

const CONFIG_EXAMPLE = `
The file is --config FILE, else $EXIM_PILOT_CONFIG, else /etc/exim-pilot.toml:
  db = "/var/lib/exim-pilot/mail.db"

  [backup]
  directory = "/var/backups/exim-pilot"
  keep = "7d,4w,12m"

Settings have the names of their flags; in the environment the last one is
EXIM_PILOT_BACKUP_KEEP.`;

function addCompletion(program: Command, io: Io): void {
  program
    .command("completion")
    .summary("print completions for a shell")
    .description("Prints a script that completes commands, flags and their values in a shell.")
    .addArgument(new Argument("<shell>", "whose completions").choices(["bash", "zsh", "fish"]))
    .addHelpText("after", COMPLETION_EXAMPLES)
    .action(async (shell: "bash" | "zsh" | "fish") => {
      const { runCompletion } = await import("../commands/completion.ts");
      runCompletion(program, shell, io);
    });
}

const COMPLETION_EXAMPLES = `
Examples:
  exim-pilot completion bash > /etc/bash_completion.d/exim-pilot
  exim-pilot completion zsh > /usr/local/share/zsh/site-functions/_exim-pilot
  exim-pilot completion fish > /etc/fish/completions/exim-pilot.fish`;

const HELP_EXAMPLES = `
Examples:
  exim-pilot help search
  exim-pilot help statuses`;

function addHelp(program: Command, io: Io): void {
  program
    .command("help")
    .summary("explain a command, the statuses, the exit codes or how stats counts")
    .description("Explains a command, or a topic: statuses, exit-codes, counting.")
    .argument("[topic]", "a command, statuses, exit-codes or counting")
    .addHelpText("after", HELP_EXAMPLES)
    .action(async (topic: string | undefined) => {
      const { findAppendix, findTopic } = await import("../commands/help.ts");
      const columns = columnsOf(io.stdout, io);
      const text = topic === undefined ? undefined : findTopic(topic, columns);
      if (text !== undefined) io.stdout.write(text);
      else showCommandHelp(program, topic);
      io.stdout.write(topic === undefined ? "" : findAppendix(topic, columns));
    });
}

function showCommandHelp(program: Command, name: string | undefined): void {
  const command = name === undefined ? program : program.commands.find((candidate) => candidate.name() === name);
  if (command === undefined)
    program.error(
      `there is no command or topic "${name}"
(Topics are the commands, statuses, exit-codes and counting.)`,
      { exitCode: 2 },
    );
  else command.outputHelp();
}

export const ABOUT: CommandGroup = {
  heading: "The program",
  commands: [
    { name: "config", words: "configuration configure options settings", add: addConfig, needsOthers: true },
    { name: "completion", words: "autocomplete bash completions fish zsh", add: addCompletion, needsOthers: true },
    { name: "help", words: "?? commands man manual usage", add: addHelp, needsOthers: true },
  ],
};
