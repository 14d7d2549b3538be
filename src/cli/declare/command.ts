/** Commands as commander makes them, for those that only look at them. */
import type { Command as CommanderCommand, Option as CommanderOption } from "commander";

export type Command = CommanderCommand;
export type Option = CommanderOption;

/** `endsBySignal`: a signal is how the command is meant to end, and 0 stays 0. */
export type SetStatus = (status: number, options?: { readonly endsBySignal?: boolean }) => void;
