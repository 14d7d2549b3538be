/** Which commands end at once, so that the start of a thread would take as long as they do. */

/** Thrown where a command that was to end at once would not; nothing is printed yet, and it is begun again in a thread of its own. */
export class NotBrief extends Error {
  override readonly name = "NotBrief";
}

/** Commands that open no database and read no log; none at all is help. */
const WITHOUT_DATABASE: readonly (string | undefined)[] = [
  undefined,
  "-h",
  "--help",
  "-V",
  "--version",
  "help",
  "completion",
];
/** Flags of `trace` that find no message, with what follows them. */
const TRACE_FLAGS = /^--(?:db|config|wait|by|limit|pick|raw|json|redact|no-pager)$/;
const MESSAGE_ID = /^(?:\w{6}-\w{6}-\w{2}|\w{6}-\w{11}-\w{4})$/;

/** True for what looks up one message by its id, and for what needs no database. */
export function isQuick(argv: readonly string[]): boolean {
  const [command, ...words] = argv;
  if (WITHOUT_DATABASE.includes(command)) return true;
  if (command !== "trace") return false;
  const flags = words.filter((word) => word.startsWith("-"));
  return words.some((word) => MESSAGE_ID.test(word)) && flags.every((flag) => TRACE_FLAGS.test(flag));
}
