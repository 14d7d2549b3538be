/** The commands and their flags. What a command needs to run is loaded when it runs. */
import { Command, InvalidArgumentError, Option } from "commander";
import { PilotError } from "../errors.ts";
import { LINE_KINDS } from "../explain/kinds.ts";
import { MOST_BATCH_LINES } from "../ingest/limits.ts";
import { CONDITION_FIGURES, type Condition, parseCondition } from "../stats/conditions.ts";
import { COMPARISONS, SECTION_NAMES, SECTIONS, type SectionName } from "../stats/sections.ts";
import { AXES, type AxisName, RANKS } from "../store/stats/axes.ts";
import { BUCKET_FORMS, type Bucket, parseBucket, WHEN_FORMS } from "../when.ts";
import { columnsOf } from "./context.ts";
import type { Io } from "./io.ts";
import { readVersion } from "./package-root.ts";
import { reportError } from "./report-error.ts";

export type SetStatus = (status: number) => void;

export function buildProgram(io: Io, setStatus: SetStatus): Command {
  const program = new Command("exim-pilot");
  program
    .description("The flight recorder for Exim mail servers: reads logs once, answers at once.")
    .version(readVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text) => reportError(toUsageError(text), io),
      getOutHelpWidth: () => columnsOf(io.stdout, io),
      getErrHelpWidth: () => columnsOf(io.stderr, io),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showSuggestionAfterError()
    .addHelpText("after", EXAMPLES);
  addIngest(program, io, setStatus);
  addTrace(program, io, setStatus);
  addStats(program, io, setStatus);
  addParse(program, io, setStatus);
  addMigrate(program, io, setStatus);
  addHelp(program, io);
  return program;
}

const EXAMPLES = `
Examples:
  exim-pilot ingest /var/log/exim4/mainlog /var/log/exim4/rejectlog
  exim-pilot trace 1vwz8c-0005eI-2Q
  exim-pilot help statuses

The database is --db FILE, else $EXIM_PILOT_DB, else ./exim-pilot.db.`;

const CRON_EXAMPLE = `
Example from cron, every minute; mainlog.1 for the last lines before a rotation:
  cd /var/log/exim4 && exim-pilot ingest --quiet \\
    --db /var/lib/exim-pilot/mail.db mainlog.1 mainlog rejectlog paniclog`;

function addIngest(program: Command, io: Io, setStatus: SetStatus): void {
  withDatabase(program.command("ingest"))
    .summary("read logs into the database")
    .description(
      "Reads main, reject and panic logs, plain or gzip, rotated or growing, in any order. What is stored already is not stored twice, so it can run as often as you like.",
    )
    .argument("<files...>", 'log files; "-" is standard input')
    .option("-s, --server <name>", "the server that wrote the logs (default: the name of this host)")
    .option(
      "--timezone <zone>",
      "time zone of stamps without one, such as Europe/Berlin (default: the one stored with the server, else this machine's)",
    )
    .addOption(
      new Option("--log-type <type>", "what the logs are, when neither content nor name tell").choices([
        "main",
        "reject",
        "panic",
      ]),
    )
    .option("--batch-size <lines>", "lines stored in one transaction", toBatchSize, 500)
    .option("--strict", "exit 1 when a line could not be parsed")
    .option("-q, --quiet", "print nothing but errors")
    .option("--json", "print the report as JSON")
    .addHelpText("after", CRON_EXAMPLE)
    .action(async (files: string[], flags) => {
      const { runIngest } = await import("./commands/ingest.ts");
      setStatus(await runIngest(files, flags, io));
    });
}

function addTrace(program: Command, io: Io, setStatus: SetStatus): void {
  withDatabase(program.command("trace"))
    .summary("show what happened to a message")
    .description("Shows what became of a message and of each of its recipients, why, and through which hosts.")
    .argument("<message-id>", "Exim's id of the message, such as 1vwz8c-0005eI-2Q")
    .option("-s, --server <name>", "only the message of this server")
    .option("--raw", "show the log lines instead of the timeline")
    .option("--json", "print everything as JSON")
    .action(async (id: string, flags) => {
      const { runTrace } = await import("./commands/trace.ts");
      setStatus(await runTrace(id, flags, io));
    });
}

const STATS_EXAMPLE = `
Sections:
${Object.entries(SECTIONS)
  .map(([name, about]) => `  ${name.padEnd(11)} ${about}`)
  .join("\n")}

Axes of --by:
${Object.entries(AXES)
  .map(([name, { about }]) => `  ${name.padEnd(13)} ${about}`)
  .join("\n")}

Figures of --fail-if:
${Object.entries(CONDITION_FIGURES)
  .map(([name, about]) => `  ${name.padEnd(10)} ${about}`)
  .join("\n")}

Examples:
  exim-pilot stats
  exim-pilot stats --since yesterday --until today --compare week
  exim-pilot stats --by sender --rank bounces --since 7d
  exim-pilot stats series --bucket day --csv > days.csv`;

function addStats(program: Command, io: Io, setStatus: SetStatus): void {
  withDatabase(program.command("stats"))
    .summary("count: totals, reasons, who leads, what to look at")
    .description(
      "Counts what is stored: without sections what fits a screen, problems first. How it counts: `exim-pilot help counting`.",
    )
    .argument("[sections...]", "what to show: names from the list below, or all", collectSections)
    .option("--since <time>", `from this time on: ${WHEN_FORMS}`)
    .option("--until <time>", "up to, and without, this time; in the same forms")
    .option("-s, --server <name>", "only what this server logged (can be repeated)", collect)
    .option("--sender <pattern>", "only mail of this envelope sender: address, domain, or pattern with *")
    .option("--recipient <pattern>", "only mail for this envelope recipient, in the same form")
    .addOption(
      new Option("--by <axis>", "rank by this (can be repeated); axes are listed below").argParser(collectAxes),
    )
    .addOption(new Option("--rank <figure>", "what leads in a ranking (default: count)").choices(RANKS))
    .option("--limit <count>", "rows of rankings and hosts", toLimit, 10)
    .addOption(
      new Option("--bucket <size>", `of what is shown over time: ${BUCKET_FORMS} (default: as fits)`).argParser(
        toBucket,
      ),
    )
    .addOption(
      new Option("--compare <with>", "show the change from the time just before, or a day or a week earlier").choices(
        COMPARISONS,
      ),
    )
    .option("--timezone <zone>", "whose clock days and hours are of (default: the server's)")
    .addOption(new Option("--json", "print the figures as JSON").conflicts(["csv", "markdown"]))
    .addOption(new Option("--csv", "print one table as CSV").conflicts("markdown"))
    .option("--markdown", "print tables as Markdown")
    .option("--html <file>", "write one page with charts and all tables, and print none")
    .addOption(
      new Option("--eximstats", "the tables of eximstats with its numbers, to compare").conflicts([
        "by",
        "bucket",
        "compare",
        "csv",
        "failIf",
        "html",
        "markdown",
        "rank",
        "recipient",
        "sender",
      ]),
    )
    .addOption(
      new Option("--fail-if <condition>", "exit 1 when it holds, such as deferred>5% (can be repeated)").argParser(
        collectConditions,
      ),
    )
    .option("-q, --quiet", "print no page, only what --fail-if finds and what --json, --csv or --markdown ask for")
    .addHelpText("after", STATS_EXAMPLE)
    .action(async (sections: SectionName[], flags) => {
      const { runStats } = await import("./commands/stats.ts");
      setStatus(await runStats(sections, flags, io));
    });
}

const ALL_SECTIONS = "all";

function collectSections(value: string, previous: readonly SectionName[] = []): readonly SectionName[] {
  if (value === ALL_SECTIONS) return SECTION_NAMES;
  const name = SECTION_NAMES.find((section) => section === value);
  if (name === undefined)
    throw new InvalidArgumentError(`Sections are ${SECTION_NAMES.join(", ")} and ${ALL_SECTIONS}.`);
  return previous.includes(name) ? previous : [...previous, name];
}

function collectAxes(value: string, previous: readonly AxisName[] = []): readonly AxisName[] {
  if (!Object.hasOwn(AXES, value)) throw new InvalidArgumentError(`Axes are ${Object.keys(AXES).join(", ")}.`);
  return [...previous, value as AxisName];
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

function collectConditions(value: string, previous: readonly Condition[] = []): readonly Condition[] {
  const condition = parseCondition(value);
  if (condition === undefined) {
    throw new InvalidArgumentError(
      `Conditions look like deferred>5%, frozen>=10 or queue-p95>30min; figures are ${Object.keys(CONDITION_FIGURES).join(", ")}.`,
    );
  }
  return [...previous, condition];
}

const MOST_ROWS = 10_000;

function toLimit(value: string): number {
  const limit = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(limit >= 1 && limit <= MOST_ROWS)) throw new InvalidArgumentError(`Give a number from 1 to ${MOST_ROWS}.`);
  return limit;
}

function toBucket(value: string): Bucket {
  const bucket = parseBucket(value);
  if (bucket === undefined) throw new InvalidArgumentError(`Buckets are ${BUCKET_FORMS}.`);
  return bucket;
}

const PARSE_EXAMPLE = `
Prints one JSON object a line: "kind", "lineNumber", "timestamp" as logged,
"messageId" and what else the line tells; --summary and --explain print pages.

Examples:
  exim-pilot parse /var/log/exim4/mainlog | grep '"kind":"failure"'
  exim-pilot parse --summary /var/log/exim4/mainlog*
  exim-pilot parse --other --explain /var/log/exim4/mainlog`;

const MOST_SAMPLES = 1000;

function addParse(program: Command, io: Io, setStatus: SetStatus): void {
  program
    .command("parse")
    .summary("show what log lines mean, without a database")
    .description(
      "Shows how each line is read, plain or gzip, and stores nothing: as JSON, as a table of forms and counts, or field by field. This is how to report a line that is not known.",
    )
    .argument("[files...]", 'log files; "-" or none is standard input')
    .addOption(new Option("--kind <kind>", "only lines of this kind (can be repeated)").argParser(collectKinds))
    .option("--other", "only lines of no known form")
    .addOption(new Option("--summary", "count the kinds, and show what was not understood").conflicts("explain"))
    .option("--samples <count>", "lines that --summary shows, each of another shape", toSampleCount, 10)
    .addOption(new Option("--explain", "show each line with a mark under each field").conflicts("json"))
    .option("--raw", "add the log line to each JSON object")
    .option("--json", "print the summary as JSON")
    .option("--strict", "exit 1 when there was a line of no known form")
    .addHelpText("after", PARSE_EXAMPLE)
    .action(async (files: string[], flags) => {
      const { runParse } = await import("./commands/parse.ts");
      setStatus(await runParse(files, flags, io));
    });
}

function collectKinds(value: string, previous: readonly string[] = []): readonly string[] {
  if (!Object.hasOwn(LINE_KINDS, value)) {
    throw new InvalidArgumentError(`Kinds are ${Object.keys(LINE_KINDS).join(", ")}.`);
  }
  return [...previous, value];
}

function toSampleCount(value: string): number {
  const count = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(count <= MOST_SAMPLES)) throw new InvalidArgumentError(`Give a number from 0 to ${MOST_SAMPLES}.`);
  return count;
}

function addMigrate(program: Command, io: Io, setStatus: SetStatus): void {
  withDatabase(program.command("migrate"))
    .summary("bring the database up to this version")
    .description(
      "Brings the database's schema up to what this version works with. Each step is applied as a whole or not at all.",
    )
    .addOption(
      new Option("--status", "say whether it is up to date, change nothing; exit 1 when it is not").conflicts("dryRun"),
    )
    .option("--dry-run", "say what would be done, change nothing")
    .option("--json", "print the report as JSON")
    .action(async (flags) => {
      const { runMigrate } = await import("./commands/migrate.ts");
      setStatus(await runMigrate(flags, io));
    });
}

function addHelp(program: Command, io: Io): void {
  program
    .command("help")
    .summary("explain a command, the statuses, the exit codes or how stats counts")
    .description("Explains a command, or a topic: statuses, exit-codes, counting.")
    .argument("[topic]", "a command, statuses, exit-codes or counting")
    .action(async (topic: string | undefined) => {
      const { findTopic } = await import("./commands/help.ts");
      const text = topic === undefined ? undefined : findTopic(topic, columnsOf(io.stdout, io));
      if (text !== undefined) io.stdout.write(text);
      else showCommandHelp(program, topic);
    });
}

function showCommandHelp(program: Command, name: string | undefined): void {
  const command = name === undefined ? program : program.commands.find((candidate) => candidate.name() === name);
  if (command === undefined)
    program.error(
      `there is no command or topic "${name}"
(Topics are the commands, statuses, exit-codes and counting.)`,
      { exitCode: 2 },
    );
  else command.outputHelp();
}

const SUGGESTION = /\((.*)\)/;

/** Commander's words in the form of all other errors. */
function toUsageError(text: string): PilotError {
  const [first = "", ...rest] = text
    .trim()
    .replace(/^error: /, "")
    .split("\n");
  const suggestion = SUGGESTION.exec(rest.join(" "))?.[1];
  const sentence = first.charAt(0).toUpperCase() + first.slice(1);
  const hint = suggestion ?? "Run it with --help to see the flags and examples.";
  return new PilotError("usage", /[.!?]$/.test(sentence) ? sentence : `${sentence}.`, { hint });
}

function withDatabase(command: Command): Command {
  return command
    .option("--db <file>", "the database (default: $EXIM_PILOT_DB, else ./exim-pilot.db)")
    .option("--wait <seconds>", "how long to wait for a database that another process writes to", toSeconds, 30);
}

function toSeconds(value: string): number {
  if (!/^\d+(\.\d+)?$/.test(value)) throw new InvalidArgumentError("Give a number of seconds.");
  return Number(value);
}

function toBatchSize(value: string): number {
  const lines = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(lines >= 1 && lines <= MOST_BATCH_LINES))
    throw new InvalidArgumentError(`Give a number from 1 to ${MOST_BATCH_LINES}.`);
  return lines;
}
