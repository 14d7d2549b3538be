/** The program, its commands and their flags. What a command needs to run is loaded when it runs. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { columnsOf, WIDTH } from "../context.ts";
import type { Io } from "../io.ts";
import { readVersion } from "../package-root.ts";
import { beginDiagnostics } from "../terminal/verbose.ts";
import { NotedCommand, type SetStatus } from "./command.ts";
import { GROUPS } from "./groups.ts";
import { settleGuesses } from "./guessed-flags.ts";

/** `wanted`: what the arguments begin with. When that is a command that needs no others, those are not made: most runs ask for one. */
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
      getOutHelpWidth: () => columnsOf(io.stdout, io),
      getErrHelpWidth: () => columnsOf(io.stderr, io),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    // NOTE: in less room than this words would be torn; the library wraps nothing in less than 40.
    .configureHelp({ minWidthToWrap: 12 })
    .showSuggestionAfterError()
    .hook("preAction", async (_program, command) => {
      const { completeOptions } = await import("../flags/effective-options.ts");
      completeOptions(command, io);
      settleGuesses(command);
      if (command.optsWithGlobals()["redact"] === true) await io.redaction?.turnOn();
      beginDiagnostics(program.opts()["verbose"] === true, command.name(), io);
    })
    .addHelpText("after", EXAMPLES)
    // NOTE: before a command is looked for, so that help which is asked for by a flag has it, too.
    .on("option:width", (columns: string) => {
      env[WIDTH] = columns;
    });
  const alone = GROUPS.flatMap(({ commands }) => commands).find(({ name }) => name === wanted);
  if (alone !== undefined && alone.needsOthers !== true) {
    alone.add(program, io, setStatus);
    return program;
  }
  for (const { heading, commands } of GROUPS) {
    program.commandsGroup(`${heading}:`);
    for (const { add } of commands) add(program, io, setStatus);
  }
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
