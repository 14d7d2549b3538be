/** Commands as commander makes them, and the text below their help, which the manual and the reference show too. */
import { type AddHelpTextContext, Command as CommanderCommand, type Option as CommanderOption } from "commander";

export type Command = CommanderCommand;
export type Option = CommanderOption;

/** `endsBySignal`: a signal is how the command is meant to end, and 0 stays 0. */
export type SetStatus = (status: number, options?: { readonly endsBySignal?: boolean }) => void;

type HelpText = string | ((context: AddHelpTextContext) => string);

/** A command that keeps the text below its help; so do the commands within it. */
export class NotedCommand extends CommanderCommand {
  notes = "";

  override createCommand(name?: string): NotedCommand {
    return new NotedCommand(name);
  }

  override addHelpText(position: "before" | "beforeAll" | "after" | "afterAll", text: HelpText): this {
    if (position === "after" && typeof text === "string") this.notes += text;
    return typeof text === "string" ? super.addHelpText(position, text) : super.addHelpText(position, text);
  }
}
