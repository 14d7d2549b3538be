/** Decides which commands end at once, so that starting a thread would double their time, and which have a bundle. */
import { existsSync } from "node:fs";
import { isMessageId } from "../parse/message-id.ts";

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
const TRACE_FLAGS = /^--(?:db|config|wait|by|limit|pick|raw|json|redact|no-pager|verbose)$/;
/** Flags of an `ingest` that ends, with what follows them. */
const INGEST_FLAGS =
  /^(?:-[sq]|--(?:db|config|wait|server|timezone|log-type|since|batch-size|strict|quiet|json|verbose))$/;

/** Commands that have a bundle of their own: those that are asked often, by hand or from cron, and wait for little else than their start. */
const BUNDLED = ["trace", "ingest", "search", "stats", "queue", "incidents"] as const;

/** Bundles of commands that start quickly; `words` holds those that need no database. */
export type CommandBundle = (typeof BUNDLED)[number] | "words";

/** Returns the bundle that holds a command; undefined for one that is loaded with the modules it shares with others. */
export function bundleFor([command]: readonly string[]): CommandBundle | undefined {
  return BUNDLED.find((name) => name === command);
}

/**
 * Returns the bundle that runs a command that ends at once; undefined for any other. The look-up of one message by its id ends at
 * once. So does an ingest of files that turn out to have few new lines.
 */
export function briefBundleFor(argv: readonly string[]): CommandBundle | undefined {
  const [command, ...words] = argv;
  if (WITHOUT_DATABASE.includes(command)) return "words";
  const flags = words.filter((word) => word.startsWith("-"));
  if (command === "ingest")
    return flags.every((flag) => INGEST_FLAGS.test(flag)) && !isNewDatabase(words) ? "ingest" : undefined;
  if (command !== "trace") return undefined;
  const isOne = words.some(isMessageId) && flags.every((flag) => TRACE_FLAGS.test(flag));
  return isOne ? "trace" : undefined;
}

/** True when a database is named that is not there: what is read into that is seldom little. */
function isNewDatabase(words: readonly string[]): boolean {
  const path = words[words.indexOf("--db") + 1];
  return words.includes("--db") && path !== undefined && !existsSync(path);
}
