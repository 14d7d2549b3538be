/** The program, its commands and their flags. What a command needs to run is loaded when it runs. */
import { Argument, type Command, InvalidArgumentError, Option } from "commander";
import { helpColumnsOf, WIDTH } from "../context.ts";
import type { Io } from "../io.ts";
import { readVersion } from "../package-root.ts";
import { beginDiagnostics } from "../terminal/verbose.ts";
import { NotedCommand, type SetStatus } from "./command.ts";
import { addContent } from "./content.ts";
import { settleGuesses } from "./guessed-flags.ts";
import { addExport, addIngest, addParse, addServers, addSources } from "./logs.ts";
import { addNotify } from "./notify.ts";
import { addAbuse, addSearch, addSql, addStats, addTag, addTail, addTrace } from "./questions.ts";
import { addQueue } from "./queue.ts";
import { withDatabase } from "./shared-flags.ts";
import {
  addAudit,
  addBackup,
  addDoctor,
  addMigrate,
  addPrune,
  addRebuild,
  addRestore,
  addSetup,
  addVerify,
} from "./upkeep.ts";

/** Commands that know nothing of the others. */
const ALONE: ReadonlyMap<string, (program: Command, io: Io, setStatus: SetStatus) => void> = new Map([
  ["setup", addSetup],
  ["ingest", addIngest],
  ["trace", addTrace],
  ["search", addSearch],
  ["tail", addTail],
  ["queue", addQueue],
  ["content", addContent],
  ["abuse", addAbuse],
  ["tag", addTag],
  ["stats", addStats],
  ["notify", addNotify],
  ["servers", addServers],
  ["sources", addSources],
  ["export", addExport],
  ["sql", addSql],
  ["verify", addVerify],
  ["rebuild", addRebuild],
  ["parse", addParse],
  ["prune", addPrune],
  ["backup", addBackup],
  ["restore", addRestore],
  ["migrate", addMigrate],
  ["audit", addAudit],
  ["doctor", addDoctor],
]);

/** `wanted`: what the arguments begin with. When that is a command that can stand alone, the others are not made: most runs ask for one. */
export function buildProgram(outside: Io, setStatus: SetStatus, wanted?: string): Command {
  const program = new NotedCommand("exim-pilot");
  const env = { ...outside.env };
  const io: Io = Object.create(outside, { env: { value: env } });
  program
    .description("The flight recorder for Exim mail servers: reads logs once, answers at once.")
    .version(readVersion(), "-V, --version", "print the version")
    .option("--verbose", "tell on standard error what is done and how long that takes")
    .addOption(new Option("--width <columns>", "lay out pages for lines of this length").argParser(parseWidth))
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // NOTE: main.ts reports what it throws, with all other errors.
      outputError: () => {},
      getOutHelpWidth: () => helpColumnsOf(io.stdout, io),
      getErrHelpWidth: () => helpColumnsOf(io.stderr, io),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showSuggestionAfterError()
    .hook("preAction", async (_program, command) => {
      env[WIDTH] = program.opts()["width"] ?? env[WIDTH];
      const { completeOptions } = await import("../flags/effective-options.ts");
      completeOptions(command, io);
      settleGuesses(command);
      if (command.optsWithGlobals()["redact"] === true) await io.redaction?.turnOn();
      beginDiagnostics(program.opts()["verbose"] === true, command.name(), io);
    })
    .addHelpText("after", EXAMPLES);
  const add = wanted === undefined ? undefined : ALONE.get(wanted);
  if (add !== undefined) {
    add(program, io, setStatus);
    return program;
  }
  for (const addCommand of ALONE.values()) addCommand(program, io, setStatus);
  addConfig(program, io);
  addCompletion(program, io);
  addHelp(program, io);
  return program;
}

/** Narrower than this, not even an id and a time stand beside each other. */
const NARROWEST = 40;

function parseWidth(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) >= NARROWEST) return text;
  throw new InvalidArgumentError(`A width is a number of columns, ${NARROWEST} at least.`);
}

const EXAMPLES = `
Examples:
  exim-pilot ingest /var/log/exim4/mainlog /var/log/exim4/rejectlog
  exim-pilot trace 1vwz8c-0005eI-2Q
  exim-pilot help statuses

The database is --db FILE, else $EXIM_PILOT_DB, else ./exim-pilot.db.`;

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
      const { findTopic } = await import("../commands/help.ts");
      const text = topic === undefined ? undefined : findTopic(topic, helpColumnsOf(io.stdout, io));
      if (text !== undefined) io.stdout.write(text);
      else showCommandHelp(program, topic);
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
