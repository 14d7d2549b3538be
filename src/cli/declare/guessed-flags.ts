/** `--from`, `--to` and `--last`: what people type for a sender, a recipient or a time. They become the flags that commands know. */
import { type Command, Option } from "commander";
import { PilotError } from "../../errors.ts";
import { epochMs } from "../../units.ts";
import { parseWhen, WHEN_FORMS } from "../../when.ts";
import { collectText } from "../flags/flag-values.ts";

/** Adds flags to a command that filters by sender, recipient and time. */
export function withGuesses(command: Command): Command {
  return withLast(command)
    .addOption(
      new Option("--from <what>", "an address or a domain is --sender, a time is --since").argParser(collectText),
    )
    .addOption(
      new Option("--to <what>", "an address or a domain is --recipient, a time is --until").argParser(collectText),
    );
}

/** Adds flags to a command that filters by time alone. */
export function withLast(command: Command): Command {
  return command.addOption(new Option("--last <duration>", "as --since: 12h, 7d, or hour, day, week, month"));
}

/** Puts what was typed behind the guessed flags behind those that are meant. Errors: `usage`. */
export function settleGuesses(command: Command): void {
  // NOTE: --from of a queue is exiqgrep's.
  if (!command.options.some(({ long }) => long === "--last")) return;
  const last = command.getOptionValue("last") as string | undefined;
  if (last !== undefined) setTime(command, "since", "--last", UNITS[last] ?? last);
  for (const [flag, time, filter] of [
    ["from", "since", "sender"],
    ["to", "until", "recipient"],
  ] as const) {
    const values = (command.getOptionValue(flag) as readonly string[] | undefined) ?? [];
    for (const value of values) {
      if (isTime(value)) setTime(command, time, `--${flag}`, value);
      else if (isAddress(value)) {
        const before = (command.getOptionValue(filter) as readonly string[] | undefined) ?? [];
        command.setOptionValueWithSource(filter, [...before, toPattern(value)], "cli");
      } else {
        throw new PilotError("usage", `--${flag} cannot be "${value}".`, {
          hint: `Give an address, a domain, or ${WHEN_FORMS}.`,
        });
      }
    }
    command.setOptionValue(flag, undefined);
  }
  command.setOptionValue("last", undefined);
}

/** A unit alone is one of it. */
const UNITS: Readonly<Record<string, string>> = { hour: "1h", day: "1d", week: "7d", month: "30d" };

function setTime(command: Command, name: "since" | "until", flag: string, text: string): void {
  if (command.getOptionValue(name) !== undefined) {
    throw new PilotError("usage", `${flag} and --${name} both name a time.`, { hint: "Leave out one of them." });
  }
  if (!isTime(text)) {
    throw new PilotError("usage", `${flag} cannot be "${text}".`, { hint: "Give 12h, 7d, or hour, day, week, month." });
  }
  command.setOptionValueWithSource(name, text, "cli");
}

function isTime(text: string): boolean {
  return parseWhen(text, { now: epochMs(0), timeZone: "UTC" }) !== undefined;
}

/** `bob@example.org`, `<>`, `example.org`, `@example.org`, `*@example.org`. */
function isAddress(text: string): boolean {
  return text === "<>" || /[@*]/.test(text) || /^(?:[\w-]+\.)+[A-Za-z][\w-]*$/.test(text);
}

/** Pattern of an address, or of all addresses in a domain. */
function toPattern(text: string): string {
  if (text.startsWith("@")) return `*${text}`;
  return /[@*]/.test(text) || text === "<>" ? text : `*@${text}`;
}
