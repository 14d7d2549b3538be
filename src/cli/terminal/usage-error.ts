/** Words the errors of commander like all others: what was wrong, and what to type. */
import { PilotError } from "../../errors.ts";

type Rewrite = readonly [
  form: RegExp,
  sentence: (...found: readonly string[]) => string,
  hint?: (...found: readonly string[]) => string | undefined,
];

/** `--limit` of `-n, --limit <count>`. */
const nameOf = (flags: string): string => /--[\w-]+/.exec(flags)?.[0] ?? flags;

/** Found in the messages of commander 15. */
const REWRITES: readonly Rewrite[] = [
  [/^missing required argument '(.+)'$/, (name) => `The argument <${name}> is missing`],
  [
    /^option '(.+)' argument missing$/,
    (flags) => `${nameOf(flags)} needs a value`,
    (flags) => `Give it as \`${/--.*/.exec(flags)?.[0] ?? flags}\`.`,
  ],
  [
    /^option '(.+?)'(?: value)? argument '(.*?)' is invalid\. (.+)$/,
    (flags, value) => `${nameOf(flags)} cannot be "${value}"`,
    (_flags, _value, help) => help.replace(/^Allowed choices are (.*?)\.?$/, "Give one of $1."),
  ],
  [
    /^command-argument value '(.*?)' is invalid for argument '(.+?)'\. (.+)$/,
    (value, name) => `<${name}> cannot be "${value}"`,
    (_value, _name, help) => help.replace(/^Allowed choices are (.*?)\.?$/, "Give one of $1."),
  ],
  [
    /^option '(.+?)' cannot be used with option '(.+?)'$/,
    (one, other) => `${nameOf(one)} and ${nameOf(other)} exclude each other`,
    () => "Leave out one of them.",
  ],
  [
    /^too many arguments(?: for '(.+?)')?\. Expected (\d+) arguments? but got (\d+)(?:: .*)?\.?$/,
    (command, expected, got) =>
      `${command === "" ? "The command" : `\`${command}\``} takes ${expected === "0" ? "no argument" : expected === "1" ? "one argument" : `${expected} arguments`}, and ${got} ${got === "1" ? "was" : "were"} given`,
    (_command, expected) => (expected === "0" ? undefined : "Quote an argument with spaces, such as a pattern."),
  ],
];

/** Commands whose answer cannot be redacted, each with the reason. Others that have no `--redact` print nothing of the log. */
const UNREDACTED: Readonly<Record<string, string>> = {
  export: "`export` writes a log out byte for byte, so it cannot be redacted",
  backup: "`backup` copies the whole database, so it cannot be redacted",
  note: "`note` shows what people wrote, so it cannot be redacted",
  restore: "`restore` puts a whole database back, so it cannot be redacted",
};

function notRedacted(command: string): PilotError {
  return new PilotError("usage", `${UNREDACTED[command] ?? `\`${command}\` has no --redact`}.`, {
    hint: "For others to see, `exim-pilot search --raw --redact` prints log lines, and `exim-pilot sql --redact` rows, with made-up names.",
  });
}

/** `text`: the message of commander. `command`: what its help is asked of; undefined: the program's. `isRedacted`: `--redact` was given. */
export function toUsageError(text: string, command: string | undefined, isRedacted: boolean): PilotError {
  if (isRedacted && command !== undefined && Object.hasOwn(UNREDACTED, command)) return notRedacted(command);
  const [first = "", ...rest] = text
    .trim()
    .replace(/^error: /, "")
    .split("\n");
  const help = `\`exim-pilot ${command === undefined ? "" : `${command} `}--help\` shows flags and examples.`;
  const aside = /\((.*)\)/.exec(rest.join(" "))?.[1];
  const meant = /^Did you mean (?:one of )?(.*?)\?$/.exec(aside ?? "")?.[1];
  const suggestion =
    meant === undefined ? (aside ?? help) : `Did you mean ${meant.replace(/, (?=[^,]*$)/, " or ")}? ${help}`;
  const flag = /^unknown option '(.+)'$/.exec(first)?.[1];
  if (flag !== undefined) {
    if (flag === "--redact" && command !== undefined) return notRedacted(command);
    const owner = command === undefined ? "The program" : `\`${command}\``;
    return new PilotError("usage", `${owner} has no flag ${flag}.`, { hint: suggestion });
  }
  for (const [form, sentence, hint] of REWRITES) {
    const found = form
      .exec(first)
      ?.slice(1)
      .map((part: string | undefined) => part ?? "");
    if (found !== undefined)
      return new PilotError("usage", `${sentence(...found)}.`, { hint: hint?.(...found) ?? suggestion });
  }
  const sentence = first.charAt(0).toUpperCase() + first.slice(1);
  return new PilotError("usage", /[.!?]$/.test(sentence) ? sentence : `${sentence}.`, { hint: suggestion });
}
