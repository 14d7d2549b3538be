/** Commands of the program: tests of all commands take them from here, so that a new one is tried without a row of its own. */
import { buildProgram } from "../../src/cli/declare/program.ts";
import { stillIo } from "./still-io.ts";

const COMMANDS = buildProgram(stillIo(), () => {}).commands;

export const COMMAND_NAMES: readonly string[] = COMMANDS.map((command) => command.name());

/** Commands that only read the database, need no argument and end by themselves. */
export const PLAIN_QUESTIONS: readonly string[] = COMMANDS.filter(({ options, registeredArguments }) => {
  const flags = options.map(({ long }) => long);
  const needsMore = registeredArguments.some(({ required }) => required) || flags.includes("--no-follow");
  return flags.includes("--db") && !flags.includes("--syslog") && !needsMore;
}).map((command) => command.name());
