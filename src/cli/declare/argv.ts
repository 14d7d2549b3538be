/** Turns what people type into a command with its arguments: flags before the command, synonyms, an id or an address alone. */
import { PilotError } from "../../errors.ts";
import { isMessageId } from "../../parse/message-id.ts";
import { COMMANDS, commandMeantBy, SYNONYMS } from "./command-words.ts";

/** Flags that are often given before the command, with those that take a value. */
const LEADING: Readonly<Record<string, boolean>> = {
  "--db": true,
  "--config": true,
  "--wait": true,
  "--width": true,
  "--server": true,
  "-s": true,
  "--json": false,
  "--redact": false,
  "--quiet": false,
  "-q": false,
  "--no-pager": false,
  "--verbose": false,
};

/** Commands that list what there is, unless they are told more. */
const LISTS: ReadonlySet<string> = new Set([
  "servers",
  "sources",
  "tag",
  "note",
  "users",
  "incidents",
  "queue",
  "audit",
]);

const isCommand = (word: string): boolean => COMMANDS.includes(word);

/**
 * The arguments as a command takes them:
 *
 *     --db mail.db trace ID   →  trace --db mail.db ID
 *     check                   →  verify
 *     version                 →  --version
 *     1vwz8c-0005eI-2Q        →  trace 1vwz8c-0005eI-2Q
 *     bob@example.org         →  search --address bob@example.org
 *     trace --log a.log ID    →  trace ID --log a.log
 *     stats -bydomain -t20    →  stats --by domain --limit 20
 *     stats yesterday         →  stats --since yesterday --until yesterday
 *     servers list            →  servers
 *     --help trace            →  trace --help
 *
 * `isFile`: whether a file has this name. Errors: `usage` for a word that is neither.
 */
export function readArgv(argv: readonly string[], isFile: (name: string) => boolean): readonly string[] {
  const words = withOwnLogs(readCommand(argv, isFile), isFile);
  return words[0] === "stats" ? ["stats", ...words.slice(1).flatMap(asStats)] : words;
}

/** The words before `--`, among which the flags are. */
export function flagsOf(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  return end < 0 ? argv : argv.slice(0, end);
}

/** Letters of eximstats that mean nothing else here. */
const EXIMSTATS: Readonly<Record<string, readonly string[]>> = {
  "-bydomain": ["--by", "domain", "--by", "sender-domain"],
  "-byemail": ["--by", "recipient", "--by", "sender"],
  "-byhost": ["--by", "mx", "--by", "host"],
  "-utc": ["--timezone", "UTC"],
  "-txt": [],
};

/** A day by its name or date. */
const DAY = /^(?:today|yesterday|(?:mon|tues|wednes|thurs|fri|satur|sun)day|\d{4}-\d\d-\d\d)$/i;
const DURATION = /^\d+[hdw]$/;

/** Reads letters of eximstats, and a time where a section stands. */
function asStats(word: string, index: number, words: readonly string[]): readonly string[] {
  if (word.startsWith("-")) return fromEximstats(word);
  const isValue = words[index - 1]?.startsWith("-") === true;
  if (isValue) return [word];
  if (DAY.test(word)) return ["--since", word, "--until", word];
  return DURATION.test(word) ? ["--since", word] : [word];
}

function fromEximstats(word: string): readonly string[] {
  const [, count] = /^-t(\d+)$/.exec(word) ?? [];
  if (count !== undefined) return ["--limit", count];
  const [, page] = /^-html=(.+)$/s.exec(word) ?? [];
  if (page !== undefined) return ["--html", page];
  return Object.hasOwn(EXIMSTATS, word) ? (EXIMSTATS[word] ?? []) : [word];
}

function readCommand(argv: readonly string[], isFile: (name: string) => boolean): readonly string[] {
  const { leading, rest } = splitLeading(argv);
  const [first, ...others] = rest;
  if (first === "-v" && others.length === 0) return ["--version"];
  const [second = ""] = others;
  if ((first === "--help" || first === "-h") && isCommand(second)) return [second, "--help"];
  if (first === undefined || first.startsWith("-")) return argv;
  const command = SYNONYMS[first] ?? first;
  if (isCommand(command)) {
    // Help has no flags of commands.
    if (command === "help") return [command, ...widthOf(leading), ...others];
    const own = LISTS.has(command) && second === "list" ? others.slice(1) : others;
    return [command, ...leading, ...own];
  }
  if (first === "version" && others.length === 0) return ["--version"];
  const question = asQuestion(first, isFile);
  if (question !== undefined) return [...question.slice(0, 1), ...leading, ...question.slice(1), ...others];
  throw unknownCommand(first, isFile);
}

/** The width among flags that stand before a command. */
function widthOf(leading: readonly string[]): readonly string[] {
  const at = leading.findIndex((word) => word === "--width" || word.startsWith("--width="));
  return at === -1 ? [] : leading.slice(at, leading[at] === "--width" ? at + 2 : at + 1);
}

/** Ends the logs behind `--log` at the first word that cannot be one; the rest are the command's own words. */
function withOwnLogs(words: readonly string[], isFile: (name: string) => boolean): readonly string[] {
  const start = words.indexOf("--log") + 1;
  const stop = words.findIndex((word, index) => index >= start && word.startsWith("-"));
  const named = start === 0 ? [] : words.slice(start, stop < 0 ? undefined : stop);
  const isLog = (word: string, index: number): boolean => index === 0 || isFile(word) || LOG_NAME.test(word);
  const others = named.filter((word, index) => !isLog(word, index));
  if (others.length === 0) return words;
  return [
    ...words.slice(0, start - 1),
    ...others,
    "--log",
    ...named.filter(isLog),
    ...words.slice(start + named.length),
  ];
}

/** A path, a pattern, or a name as logs have; with an at sign it is an address. */
const LOG_NAME = /^(?!.*@).*(?:\/|[*?{]|log\b|\.(?:gz|bz2|xz|zst|\d+)$)/;

function splitLeading(argv: readonly string[]): {
  readonly leading: readonly string[];
  readonly rest: readonly string[];
} {
  let end = 0;
  for (;;) {
    const [, name = "", value] = /^(--?[\w-]+)(=.*)?$/s.exec(argv[end] ?? "") ?? [];
    if (!Object.hasOwn(LEADING, name)) return { leading: argv.slice(0, end), rest: argv.slice(end) };
    end += LEADING[name] === true && value === undefined ? 2 : 1;
  }
}

/** Exim's ids begin with the time, whose first letters are the same for decades. */
const CUT_ID = /^[12][0-9A-Za-z]{5}(?:-[0-9A-Za-z]*){0,2}$/;
const HEADER_ID = /^<[^<>\s]+@[^<>\s]+>$/;
const ADDRESS = /^<?[^@\s<>]+@[^@\s<>]+\.[A-Za-z0-9-]+>?$/;
const IPV4 = /^(?:\d{1,3}\.){3}\d{1,3}(?:\/\d{1,2})?$/;
const IPV6 = /^[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:\/\d{1,3})?$/i;
const DOMAIN = /^@?(?:[\w-]+\.)+[A-Za-z][A-Za-z0-9-]+$/;

/** The command that a bare id, address, Message-ID, IP or domain asks for. */
function asQuestion(word: string, isFile: (name: string) => boolean): readonly string[] | undefined {
  if (isMessageId(word) || HEADER_ID.test(word)) return ["trace", word];
  if (isFile(word)) return undefined;
  if (CUT_ID.test(word) && /\d.*[A-Za-z]|[A-Z]/.test(word)) return ["trace", word];
  if (ADDRESS.test(word)) return ["search", "--address", word];
  if (IPV4.test(word) || IPV6.test(word)) return ["search", "--ip", word];
  if (DOMAIN.test(word)) return ["search", "--domain", word.replace(/^@/, "")];
  return undefined;
}

function unknownCommand(word: string, isFile: (name: string) => boolean): PilotError {
  const isGiven = isFile(word);
  const sentence = isGiven
    ? `"${word}" is a file, and what to do with it is missing.`
    : `There is no command "${word}".`;
  const meant = isGiven ? "ingest" : commandMeantBy(word);
  const hint =
    meant === undefined
      ? "`exim-pilot help` lists the commands; an id, an address, an IP or a domain can be given alone."
      : isGiven
        ? `\`exim-pilot ingest ${word}\` reads it into the database; \`exim-pilot parse ${word}\` only explains its lines.`
        : `Did you mean \`exim-pilot ${meant}\`? \`exim-pilot help\` lists the commands.`;
  return new PilotError("usage", sentence, { hint });
}
