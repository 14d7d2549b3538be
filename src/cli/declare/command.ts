/** Commands as commander makes them, and the text below their help, which the manual and the reference show too. */
import { type AddHelpTextContext, Command as CommanderCommand, type Option as CommanderOption } from "commander";
import type { Io } from "../io.ts";

export type Command = CommanderCommand;
export type Option = CommanderOption;

/** `endsBySignal`: a signal is how the command is meant to end, and 0 stays 0. */
export type SetStatus = (status: number, options?: { readonly endsBySignal?: boolean }) => void;

/** A command, and how people may call it. */
export interface CommandDeclaration {
  readonly name: string;
  /** Words that mean it, which its name is told for: what they are about to change or print is not guessed. */
  readonly words: string;
  readonly add: (program: Command, io: Io, setStatus: SetStatus) => void;
  /** It asks for the other commands, so that all of them are made. */
  readonly needsOthers?: boolean;
}

/** Commands that stand together in the help. */
export interface CommandGroup {
  readonly heading: string;
  readonly commands: readonly CommandDeclaration[];
}

type HelpText = string | ((context: AddHelpTextContext) => string);

/** A command that keeps the text below its help; so do the commands within it. */
export class NotedCommand extends CommanderCommand {
  notes = "";

  override createCommand(name?: string): NotedCommand {
    return new NotedCommand(name);
  }

  override addHelpText(position: "before" | "beforeAll" | "after" | "afterAll", text: HelpText): this {
    if (typeof text !== "string") return super.addHelpText(position, text);
    if (position === "after") this.notes += text;
    return super.addHelpText(position, ({ command, error }) => {
      const { getOutHelpWidth, getErrHelpWidth } = command.configureOutput();
      const columns = (error ? getErrHelpWidth : getOutHelpWidth)?.() ?? Infinity;
      const help = command.createHelp();
      return layOut(text, columns, (prose, width) => help.boxWrap(prose, width));
    });
  }
}

/** `  series      the same over time`: a term of a list, and what it means. */
const TERM = /^( {2}\S+ {2,})(\S.*)$/;

/** Lays text out in lines of `columns`: paragraphs and terms of lists are wrapped, and what is typed stays as it is. */
function layOut(text: string, columns: number, wrap: (prose: string, width: number) => string): string {
  const pieces = text.match(/^(?! )[^\n]+(?:\n(?! )[^\n]+)*|^ .*$|^$/gm) ?? [];
  return pieces
    .map((piece) => {
      const [, label, meaning] = TERM.exec(piece) ?? [];
      if (label !== undefined && meaning !== undefined)
        return label + wrap(meaning, columns - label.length).replaceAll("\n", `\n${" ".repeat(label.length)}`);
      return piece.startsWith(" ") ? piece : wrap(piece.replaceAll("\n", " "), columns);
    })
    .join("\n");
}
