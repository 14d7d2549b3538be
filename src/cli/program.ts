/** The commands and their flags. What a command needs to run is loaded when it runs. */
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { PilotError } from "../errors.ts";
import { LINE_KINDS } from "../explain/kinds.ts";
import { MOST_BATCH_LINES } from "../ingest/limits.ts";
import { ROW_FORMATS } from "../render/row-formats.ts";
import { THREADS } from "../render/trace-threads.ts";
import { DEFAULT_SPANS } from "../retention/policy.ts";
import { CONDITION_FIGURES, type Condition, parseCondition } from "../stats/conditions.ts";
import { COMPARISONS, SECTION_NAMES, SECTIONS, type SectionName } from "../stats/sections.ts";
import type { QueryParameters } from "../store/query-runner.ts";
import { AXES, type AxisName, RANKS } from "../store/stats/axes.ts";
import { epochMs, HOUR_MS, MINUTE_MS, SECOND_MS } from "../units.ts";
import { BUCKET_FORMS, type Bucket, parseBucket, parseWhen, WHEN_FORMS } from "../when.ts";
import { columnsOf, DEFAULT_DATABASE } from "./context.ts";
import { FILTER_FLAGS, SUBJECT_FLAGS } from "./filter-flags.ts";
import type { Io } from "./io.ts";
import { readVersion } from "./package-root.ts";
import { withPager } from "./pager.ts";
import { reportError } from "./report-error.ts";

export type { Command, Option };

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
    .hook("preAction", async (_program, command) => {
      const { completeOptions } = await import("./effective-options.ts");
      completeOptions(command, io);
    })
    .addHelpText("after", EXAMPLES);
  addIngest(program, io, setStatus);
  addTrace(program, io, setStatus);
  addSearch(program, io, setStatus);
  addAbuse(program, io, setStatus);
  addTag(program, io);
  addStats(program, io, setStatus);
  addServers(program, io);
  addSources(program, io);
  addExport(program, io, setStatus);
  addSql(program, io, setStatus);
  addVerify(program, io, setStatus);
  addRebuild(program, io, setStatus);
  addParse(program, io, setStatus);
  addPrune(program, io, setStatus);
  addBackup(program, io, setStatus);
  addRestore(program, io, setStatus);
  addMigrate(program, io, setStatus);
  addAudit(program, io);
  addDoctor(program, io, setStatus);
  addConfig(program, io);
  addCompletion(program, io);
  addHelp(program, io);
  return program;
}

const EXAMPLES = `
Examples:
  exim-pilot ingest /var/log/exim4/mainlog /var/log/exim4/rejectlog
  exim-pilot trace 1vwz8c-0005eI-2Q
  exim-pilot help statuses

The database is --db FILE, else $EXIM_PILOT_DB, else ./exim-pilot.db.`;

const INGEST_EXAMPLES = `
Examples:
  exim-pilot ingest /var/log/exim4
  exim-pilot ingest --server mx2 'mx2/mainlog*' mx2/rejectlog
  tail -c +1 -f /var/log/exim4/mainlog | exim-pilot ingest --log-type main -

From cron, every minute; two days, for the last lines before a rotation:
  exim-pilot ingest --quiet --since 2d \\
    --db /var/lib/exim-pilot/mail.db /var/log/exim4`;

const LOG_TYPES = ["main", "reject", "panic", "syslog"];

function addIngest(program: Command, io: Io, setStatus: SetStatus): void {
  withAudit(program.command("ingest"))
    .summary("read logs into the database")
    .description(
      "Reads main, reject and panic logs, plain or compressed (gzip, bzip2, xz, zstd, lzma), rotated or growing, in any order. What is stored already is not stored twice, so it can run as often as you like.",
    )
    .argument("<files...>", 'log files, directories of logs, quoted patterns; "-" is standard input')
    .option("-s, --server <name>", "the server that wrote the logs (default: the name of this host)")
    .option(
      "--timezone <zone>",
      "time zone of stamps without one, such as Europe/Berlin (default: the one stored with the server, else this machine's)",
    )
    .addOption(
      new Option("--log-type <type>", "what the logs are, when neither content nor name tell").choices(LOG_TYPES),
    )
    .option(
      "--since <when>",
      "leave out files that end before: a date or time, yesterday, 2h, 7d ago (compressed files by their time of change)",
      toWhen,
    )
    .option("-f, --follow", "go on with what is added to the logs, also when they are rotated, until Ctrl-C")
    .option("--batch-size <lines>", "lines stored in one batch", toBatchSize, 500)
    .option("--strict", "exit 1 when a line could not be parsed")
    .option("-q, --quiet", "print nothing but errors")
    .option("--json", "print the report as JSON")
    .addHelpText("after", INGEST_EXAMPLES)
    .action(async (files: string[], flags) => {
      const { runIngest } = await import("./commands/ingest.ts");
      setStatus(await runIngest(files, flags, io));
    });
}

const TRACE_EXAMPLE = `
Examples:
  exim-pilot trace 1vwz8c-0005eI-2Q
  exim-pilot trace bob@example.net --since yesterday --status deferred
  exim-pilot trace '<20260302.4711@shop.example>' --chain
  exim-pilot trace "$(tail -n 1 /var/log/exim4/mainlog)"`;

function addTrace(program: Command, io: Io, setStatus: SetStatus): void {
  const command = withPaging(withDatabase(program.command("trace")))
    .summary("show what happened to a message")
    .description("Shows what became of a message and of each of its recipients, why, and through which hosts.")
    .argument("<what...>", "Exim's id, a header Message-ID, an address, or a line of a log")
    .option("--pick <number>", "of several messages, the one with this number", toCount)
    .option("--limit <count>", "of several messages, at most so many to choose from", toCount, 20)
    .option("--chain", "show what it came of and what came of it, as a tree")
    .addOption(
      new Option("--by <thread>", "what the timeline is sorted into")
        .choices(THREADS)
        .default("time")
        .conflicts(["chain", "raw"]),
    )
    .option("--raw", "show the log lines instead of the timeline")
    .addOption(redactOption())
    .option("--json", "print everything as JSON");
  withFilters(command)
    .addHelpText("after", TRACE_EXAMPLE)
    .action(async (words: string[], flags) => {
      const { runTrace } = await import("./commands/trace.ts");
      setStatus(await withPager(flags, io, (paged) => runTrace(words, flags, paged)));
    });
}

const SEARCH_EXAMPLE = `
Filters of different kinds must all hold; of one kind given twice, one is
enough. In names and addresses * stands for any characters; upper and lower
case do not differ. Exits 1 when nothing matches.

Examples:
  exim-pilot search --recipient bob@example.net --since yesterday
  exim-pilot search --domain gmail.com --status deferred --status bounced
  exim-pilot search --ip 203.0.113.0/24 --kind rejection --count
  exim-pilot search --ids --status frozen | xargs -n 1 exim-pilot trace
  exim-pilot search --raw 'rejected RCPT .*: Unrouteable'`;

function addSearch(program: Command, io: Io, setStatus: SetStatus): void {
  const command = withPaging(withDatabase(program.command("search")))
    .summary("find messages, refusals and other lines")
    .description(
      "Finds messages, refusals and other lines, by what is known of them, or by a pattern in the text of their lines as exigrep does.",
    )
    .argument("[pattern]", "regular expression over log lines; a line that matches selects its message")
    .option("-l, --literal", "the pattern is the text itself")
    .option("-I, --sensitive", "upper and lower case differ in the pattern")
    .option("-v, --invert", "what the pattern does not match")
    .option("-M, --related", "with messages that name those, or are named by them")
    .option("-t, --slower-than <seconds>", "leave out messages finished within that time", toSeconds);
  withFilters(command)
    .optionsGroup("Output:")
    .addOption(
      new Option("--sort <key>", "time, size or queue-time").choices(["time", "size", "queue-time"]).default("time"),
    )
    .option("--reverse", "oldest or smallest first; with --raw newest first")
    .option("--limit <count>", "at most so many (default: 50 in a table and in JSON, else all)", toCount)
    .option("--after <place>", "go on behind what a search before has shown")
    .addOption(
      new Option("--raw", "log lines, grouped by message").conflicts(["ids", "csv", "ndjson", "json", "count"]),
    )
    .addOption(new Option("--ids", "message ids only, one a line").conflicts(["csv", "ndjson", "json", "count"]))
    .addOption(new Option("--count", "how many there are").conflicts(["csv", "ndjson"]))
    .addOption(new Option("--csv", "comma-separated values, with a heading").conflicts(["ndjson", "json"]))
    .addOption(new Option("--ndjson", "one JSON object a line").conflicts("json"))
    .option("--json", "print a page of results as JSON")
    .addOption(redactOption())
    .addHelpText("after", SEARCH_EXAMPLE)
    .action(async (pattern: string | undefined, flags) => {
      const { runSearch } = await import("./commands/search.ts");
      setStatus(await withPager(flags, io, (paged) => runSearch(pattern, flags, paged)));
    });
}

const ABUSE_EXAMPLE = `
Examples:
  exim-pilot abuse --since yesterday
  exim-pilot search --auth bob --since yesterday --count`;

function addAbuse(program: Command, io: Io, setStatus: SetStatus): void {
  withPaging(withDatabase(program.command("abuse")))
    .summary("show who sends most, and whose logins fail")
    .description(
      "Shows which accounts, programs and local users send how much, as whom and from where, and from where and for which accounts logins fail, with those that succeeded afterwards.",
    )
    .option("--since <time>", "only from then on: 2026-03-02, yesterday, 2h, 7d")
    .option("--until <time>", "only up to then")
    .option("--limit <count>", "at most so many answers to each question", toCount, 5)
    .addOption(redactOption())
    .option("--json", "print the answers as JSON")
    .addHelpText("after", ABUSE_EXAMPLE)
    .action(async (flags) => {
      const { runAbuse } = await import("./commands/abuse.ts");
      setStatus(await withPager(flags, io, (paged) => runAbuse(flags, paged)));
    });
}

const TAG_EXAMPLE = `
Examples:
  exim-pilot tag 1vwz8c-0005eI-2Q ticket-4711
  exim-pilot search --ids --reason blocklist | exim-pilot tag - incident-7
  exim-pilot search --tag incident-7`;

function addTag(program: Command, io: Io): void {
  withAudit(program.command("tag"))
    .summary("call messages by a name of yours, to find them again")
    .description("Gives messages tags: a ticket, an incident, a customer. Without an id, lists the tags there are.")
    .argument("[id]", 'Exim\'s id of a message; "-" reads ids from standard input')
    .argument("[tags...]", "what to call it")
    .option("-s, --server <name>", "only the message of this server, where several have the id")
    .option("--remove", "take the tags away")
    .option("--json", "print everything as JSON")
    .addHelpText("after", TAG_EXAMPLE)
    .action(async (id: string | undefined, tags: string[], flags) => {
      const { runTag } = await import("./commands/tag.ts");
      await runTag(id, tags, flags, io);
    });
}

function redactOption(): Option {
  return new Option("--redact", "replace addresses, hosts, ids and subjects by made-up ones, to show it to others");
}

function withFilters(command: Command, filters = FILTER_FLAGS): Command {
  command.optionsGroup("Filters:");
  for (const { flags, description, isRepeatable } of filters) {
    if (isRepeatable) command.option(flags, description, collectText);
    else command.option(flags, description);
  }
  return command;
}

function collectText(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

function toCount(value: string): number {
  const count = /^\d+$/.test(value) ? Number(value) : 0;
  if (count < 1) throw new InvalidArgumentError("Give a number from 1.");
  return count;
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
  exim-pilot stats --since yesterday --until yesterday --compare week
  exim-pilot stats --by sender --rank bounces --since 7d
  exim-pilot stats series --bucket day --csv > days.csv`;

function addStats(program: Command, io: Io, setStatus: SetStatus): void {
  const stats = withPaging(withDatabase(program.command("stats")))
    .summary("count: totals, reasons, who leads, what to look at")
    .description(
      "Counts what is stored: without sections what fits a screen, problems first. How it counts: `exim-pilot help counting`.",
    )
    .argument("[sections...]", "what to show: names from the list below, or all", collectSections)
    .option("--since <time>", `from this time on: ${WHEN_FORMS}`)
    .option("--until <time>", "up to this time, or to the end of this day; in the same forms")
    .option("-s, --server <name>", "only what this server logged (can be repeated)", collectText)
    .addOption(
      new Option("--by <axis>", "rank by this (can be repeated); axes are listed below").argParser(collectAxes),
    )
    .addOption(new Option("--rank <figure>", "what leads in a ranking (default: count)").choices(RANKS))
    .option("--limit <count>", "rows of rankings and hosts", toRankedRows, 10)
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
        ...SUBJECT_FLAGS.map(({ flags }) => new Option(flags).attributeName()),
      ]),
    )
    .addOption(
      new Option("--fail-if <condition>", "exit 1 when it holds, such as deferred>5% (can be repeated)").argParser(
        collectConditions,
      ),
    )
    .option("-q, --quiet", "print no page, only what --fail-if finds and what --json, --csv or --markdown ask for")
    .addHelpText("after", STATS_EXAMPLE);
  withFilters(stats, SUBJECT_FLAGS).action(async (sections: SectionName[], flags) => {
    const { runStats } = await import("./commands/stats.ts");
    setStatus(await withPager(flags, io, (paged) => runStats(sections, flags, paged)));
  });
}

const SERVERS_EXAMPLE = `
Examples:
  exim-pilot servers set mx1 --owner postmaster@example.org --environment live
  exim-pilot servers rename localhost mx1`;

function addServers(program: Command, io: Io): void {
  const servers = withAudit(program.command("servers"))
    .summary("list, rename and describe servers")
    .description("Lists the servers whose logs are stored, and changes their names and settings.")
    .option("--json", "print everything as JSON")
    .addHelpText("after", SERVERS_EXAMPLE)
    .action(async (flags) => {
      const { runServers } = await import("./commands/servers.ts");
      await runServers(flags, io);
    });
  servers
    .command("rename")
    .configureHelp({ showGlobalOptions: true })
    .summary("give a server another name")
    .description("Gives a server another name. Its logs are then ingested with --server and the new name.")
    .argument("<old>", "its name")
    .argument("<new>", "its new name; one that no other server has")
    .action(async (oldName: string, newName: string, _flags, command: Command) => {
      const { runRenameServer } = await import("./commands/servers.ts");
      await runRenameServer(oldName, newName, command.optsWithGlobals(), io);
    });
  servers
    .command("set")
    .configureHelp({ showGlobalOptions: true })
    .summary("describe a server, or correct its time zone")
    .description(
      "Sets what logs do not tell. A new time zone is for stamps that are read from now on; for those stored, run `exim-pilot rebuild`.",
    )
    .argument("<name>", "its name")
    .option("--environment <text>", "such as live or test; an empty text takes it away")
    .option("--owner <text>", "whom to ask; an empty text takes it away")
    .option("--timezone <zone>", "time zone of stamps without one, such as Europe/Berlin")
    .action(async (name: string, _flags, command: Command) => {
      const { runSetServer } = await import("./commands/servers.ts");
      await runSetServer(name, command.optsWithGlobals(), io);
    });
}

function addSources(program: Command, io: Io): void {
  withDatabase(program.command("sources"))
    .summary("list the logs that are stored")
    .description("Lists the logs that were read: how far, what was found in them, and what time they cover.")
    .option("-s, --server <name>", "only logs of this server")
    .addOption(new Option("--log-type <type>", "only logs of this type").choices(LOG_TYPES))
    .option("--json", "print everything as JSON")
    .action(async (flags) => {
      const { runSources } = await import("./commands/sources.ts");
      await runSources(flags, io);
    });
}

const EXPORT_EXAMPLE = `
Examples:
  exim-pilot export --raw 3 | less
  exim-pilot export --raw mainlog --server mx1 --output mainlog.copy`;

function addExport(program: Command, io: Io, setStatus: SetStatus): void {
  withAudit(program.command("export"))
    .summary("give a log back")
    .description(
      "Writes the bytes of a log as they were read, decompressed. Each block is held against its hash, and the export fails at the first that is damaged. Of a log whose beginning has been pruned it writes the rest, and says so.",
    )
    .requiredOption("--raw <source>", "the log: its id in `exim-pilot sources`, its path or the end of its path")
    .option("-s, --server <name>", "only logs of this server")
    .option("-o, --output <file>", "a new file, readable by its owner only (default: standard output)")
    .addHelpText("after", EXPORT_EXAMPLE)
    .action(async (flags) => {
      const { runExport } = await import("./commands/export.ts");
      setStatus(await runExport(flags, io));
    });
}

const SQL_EXAMPLE = `
A parameter that is a number is given as one. In JSON, integers beyond 2^53 are
strings; blobs are x'00ff' everywhere; NULL is null in JSON and nothing in CSV
and in a table. CSV is for spreadsheets: a text that would be a formula there
gets an apostrophe in front; JSON is exact.

Examples:
  exim-pilot sql --views
  exim-pilot sql "SELECT status, count(*) FROM messages GROUP BY status"
  exim-pilot sql --param to=bob@example.org --format csv \\
    "SELECT * FROM delivery_attempts WHERE recipient = :to" > attempts.csv`;

function addSql(program: Command, io: Io, setStatus: SetStatus): void {
  withPaging(withAudit(program.command("sql")))
    .summary("ask the database in SQL")
    .description(
      "Runs one statement that only reads, over the public views. log_entries has the text of each entry, as raw_line.",
    )
    .argument("[statement]", 'the statement; "-" or none is standard input')
    .option("--file <file>", "read the statement from a file")
    .addOption(
      new Option("--format <format>", "how to print the rows (default: table on a terminal, else ndjson)").choices(
        ROW_FORMATS,
      ),
    )
    .addOption(
      new Option("--param <name=value>", "a value for :name in the statement (can be repeated)").argParser(
        collectParameters,
      ),
    )
    .addOption(
      new Option("--limit <rows>", "print at most so many rows (default: 1000 in a table, else all)").argParser(
        toLimit,
      ),
    )
    .addOption(
      new Option("--timeout <duration>", "stop when it takes longer; 0 is no limit")
        .argParser(toDurationMs)
        .default(30 * SECOND_MS, "30s"),
    )
    .option("--views", "list the views and their columns")
    .addHelpText("after", SQL_EXAMPLE)
    .action(async (statement: string | undefined, flags) => {
      const { runSql } = await import("./commands/sql.ts");
      setStatus(await withPager(flags, io, (paged) => runSql(statement, flags, paged)));
    });
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?$/;

function collectParameters(value: string, previous: QueryParameters = {}): QueryParameters {
  const [, name, text] = /^[:@$]?(\w+)=(.*)$/s.exec(value) ?? [];
  if (name === undefined || text === undefined) throw new InvalidArgumentError("Give it as name=value.");
  const isNumber = NUMBER.test(text) && String(Number(text)) === text;
  return { ...previous, [name]: isNumber ? Number(text) : text };
}

function toLimit(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError("Give a number of rows.");
  return Number(value);
}

const DURATION_UNITS = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS } as const;

function toDurationMs(value: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value) ?? [];
  if (value === "0") return 0;
  const milliseconds = Number(number) * DURATION_UNITS[unit as keyof typeof DURATION_UNITS];
  if (!(milliseconds > 0 && milliseconds <= LONGEST_TIMER_MS)) {
    throw new InvalidArgumentError("Give a time such as 500ms, 30s or 5m, up to 24 days; 0 is no limit.");
  }
  return milliseconds;
}

/** Of Node's timers. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function addVerify(program: Command, io: Io, setStatus: SetStatus): void {
  withDatabase(program.command("verify"))
    .summary("check that the database is sound")
    .description(
      "Checks the file, the text of the logs against its hashes, counts, references and indexes, and changes nothing. Exit 1 when something is wrong.",
    )
    .addOption(new Option("--quick", "leave out what reads the text of all logs").conflicts("deep"))
    .option(
      "--deep",
      "also read all lines anew, into a copy beside the database, and compare; tells what it could not, its text being pruned",
    )
    .option("--json", "print the report as JSON")
    .action(async (flags) => {
      const { runVerify } = await import("./commands/verify.ts");
      setStatus(await runVerify(flags, io));
    });
}

function addRebuild(program: Command, io: Io, setStatus: SetStatus): void {
  withAudit(program.command("rebuild"))
    .summary("read all stored lines anew")
    .description(
      "Derives everything anew from the stored lines: after an upgrade that reads more of them, or when a time zone was wrong. The lines, the servers' settings and the ids of sources stay. Others can read and ingest meanwhile; the new content comes all at once, or not at all. Refused once text has been pruned: what it said could not be derived again.",
    )
    .option("--dry-run", "say what would be done, change nothing")
    .option("-q, --quiet", "print nothing but errors")
    .option("--json", "print the report as JSON")
    .action(async (flags) => {
      const { runRebuild } = await import("./commands/rebuild.ts");
      setStatus(await runRebuild(flags, io));
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

function collectConditions(value: string, previous: readonly Condition[] = []): readonly Condition[] {
  const condition = parseCondition(value);
  if (condition === undefined) {
    throw new InvalidArgumentError(
      `Conditions look like deferred>5%, frozen>=10 or queue-p95>30min; figures are ${Object.keys(CONDITION_FIGURES).join(", ")}.`,
    );
  }
  return [...previous, condition];
}

const MOST_RANKED_ROWS = 10_000;

function toRankedRows(value: string): number {
  const limit = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(limit >= 1 && limit <= MOST_RANKED_ROWS))
    throw new InvalidArgumentError(`Give a number from 1 to ${MOST_RANKED_ROWS}.`);
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
      "Shows how each line is read, plain or compressed, and stores nothing: as JSON, as a table of forms and counts, or field by field. This is how to report a line that is not known.",
    )
    .argument("[files...]", 'log files, directories of logs, quoted patterns; "-" or none is standard input')
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

const PRUNE_EXAMPLES = `
Log text goes in blocks of lines, the oldest of each log first. A message goes
when it has ended, no line of it has its text any more, and all messages of its
chain (bounces and what they are about) go too.

Examples:
  exim-pilot prune --dry-run
  exim-pilot prune --logs 30d --messages 1y --archive /var/backups/exim-logs
  exim-pilot prune --max-size 20G`;

function addPrune(program: Command, io: Io, setStatus: SetStatus): void {
  withAudit(program.command("prune"))
    .summary("remove what is old, and give its space back")
    .description(
      "Removes what is older than it is to be kept: hours, days, weeks, years (12h, 90d, 8w, 1y) or forever. Logs can be read meanwhile.",
    )
    .option("--logs <span>", "how long log lines are kept", DEFAULT_SPANS.logs)
    .option("--messages <span>", "how long messages are kept after their last line", DEFAULT_SPANS.messages)
    .option("--open <span>", "how long messages are kept that may still be on the queue", DEFAULT_SPANS.open)
    .option("--audit <span>", "how long the audit log is kept", DEFAULT_SPANS.audit)
    .option("--max-size <size>", "then remove the oldest until the database is so small, such as 20G")
    .option("--archive <directory>", "first write the log text that goes to files that can be ingested again")
    .addOption(new Option("--status", "show what there is, and what has expired; change nothing").conflicts("dryRun"))
    .option("--dry-run", "say what would be removed, change nothing")
    .option("--force", "remove open messages and parts of chains too, and everything if that is old")
    .option("--vacuum", "write the whole file anew at the end; nobody can write meanwhile")
    .option("-q, --quiet", "print nothing but errors")
    .option("--json", "print the report as JSON")
    .addHelpText("after", PRUNE_EXAMPLES)
    .action(async (flags) => {
      const { runPrune } = await import("./commands/prune.ts");
      setStatus(await runPrune(flags, io));
    });
}

const BACKUP_EXAMPLES = `
Examples:
  exim-pilot backup --keep 7d,4w,12m --compress /var/backups/exim-pilot
  exim-pilot backup --list /var/backups/exim-pilot
  exim-pilot backup --drill /var/backups/exim-pilot`;

function addBackup(program: Command, io: Io, setStatus: SetStatus): void {
  const command = withAudit(program.command("backup"))
    .summary("make a verified copy of the database")
    .description(
      "Copies the database as it is at this instant, while others may write to it, checks the copy and gives it a name by the time. A manifest beside it tells what is in it.",
    )
    .argument("[directory]", "where the backups are (default: backups, beside the database)")
    .addOption(new Option("--directory <directory>").hideHelp())
    .addOption(new Option("--list", "list the backups; exit 1 when one is damaged").conflicts(["verify", "drill"]))
    .addOption(new Option("--verify <file>", "check a backup from its manifest to its last page").conflicts("drill"))
    .option("--drill", "restore the newest backup to a temporary place, compare, and remove it again")
    .option("--keep <periods>", "remove older ones but the last of so many days, weeks, months, years: 7d,4w,12m")
    .option("--compress", "compress it with gzip")
    .addOption(
      new Option("--recipient <key>", "encrypt it for this public key of age (can be repeated)").argParser(collect),
    )
    .option("-q, --quiet", "print nothing but errors")
    .option("--json", "print the report as JSON")
    .addHelpText("after", BACKUP_EXAMPLES)
    .action(async (directory: string | undefined, flags) => {
      const { runBackup } = await import("./commands/backup.ts");
      setStatus(await runBackup(directory, flags, io));
    });
  withKeys(command);
}

function addRestore(program: Command, io: Io, setStatus: SetStatus): void {
  const command = withAudit(program.command("restore"))
    .summary("put a backup in the place of the database")
    .description(
      "Checks a backup, and puts it in the place of the database. The replaced one is kept beside it. Lines that were read after the backup are read again by the next ingest.",
    )
    .argument("<file>", "the backup")
    .option("--dry-run", "check the backup and say what would be done, change nothing")
    .option("--json", "print the report as JSON")
    .action(async (file: string, flags) => {
      const { runRestore } = await import("./commands/restore.ts");
      setStatus(await runRestore(file, flags, io));
    });
  withKeys(command);
}

function withKeys(command: Command): void {
  command
    .addOption(
      new Option("--identity-file <file>", "secret keys of age that open a backup (can be repeated)").argParser(
        collect,
      ),
    )
    .option("--passphrase-file <file>", "its first line encrypts or opens a backup");
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

function addMigrate(program: Command, io: Io, setStatus: SetStatus): void {
  withAudit(program.command("migrate"))
    .summary("bring the database up to this version")
    .description(
      "Brings the database's schema up to what this version works with. Each step is applied as a whole or not at all, and a verified backup is made before the first.",
    )
    .addOption(
      new Option("--status", "say whether it is up to date, change nothing; exit 1 when it is not").conflicts("dryRun"),
    )
    .option("--dry-run", "say what would be done, change nothing")
    .option("--to <version>", "only up to this schema", toSchemaVersion)
    .option("--no-backup", "make no backup before")
    .option("--backup-directory <directory>", "where that is made (default: backups, beside the database)")
    .option("--json", "print the report as JSON")
    .action(async (flags) => {
      const { runMigrate } = await import("./commands/migrate.ts");
      setStatus(await runMigrate(flags, io));
    });
}

const AUDIT_EXAMPLES = `
Examples:
  exim-pilot audit --since 7d
  exim-pilot audit --action prune --csv`;

const MOST_ROWS = 1_000_000;

function addAudit(program: Command, io: Io): void {
  withPaging(withDatabase(program.command("audit")))
    .summary("show who changed the database or took something out of it")
    .description(
      "Shows the audit log: who ran what, from where and with what result. Rows are only added; prune removes them when they are old.",
    )
    .option("--since <time>", "from then on: 2026-03-02, 2026-03-02T05:40:05Z, or a span ago such as 7d")
    .option("--until <time>", "before then")
    .option("--user <name>", "by this user, also one who became another by sudo")
    .option("--action <name>", "only this: ingest, prune, backup, restore, migrate")
    .option("--message <id>", "only what names this message")
    .option("--address <address>", "only what names this address")
    .option("--limit <rows>", "the newest so many", toRowLimit, 100)
    .addOption(new Option("--csv", "print it as CSV").conflicts("json"))
    .option("--json", "print it as JSON")
    .addHelpText("after", AUDIT_EXAMPLES)
    .action(async (flags) => {
      const { runAudit } = await import("./commands/audit.ts");
      await withPager(flags, io, (paged) => runAudit(flags, paged));
    });
}

function toRowLimit(value: string): number {
  const rows = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(rows >= 1 && rows <= MOST_ROWS)) throw new InvalidArgumentError(`Give a number from 1 to ${MOST_ROWS}.`);
  return rows;
}

function addDoctor(program: Command, io: Io, setStatus: SetStatus): void {
  withDatabase(program.command("doctor"))
    .summary("check the database and what surrounds it")
    .description(
      "Checks versions, disk, rights, soundness, sizes, the last runs, shares of lines that were not understood, and what Exim could log and does not. Changes nothing; exit 1 when there is a problem.",
    )
    .option("--json", "print the findings as JSON")
    .action(async (flags) => {
      const { runDoctor } = await import("./commands/doctor.ts");
      setStatus(runDoctor(flags, io));
    });
}

function addConfig(program: Command, io: Io): void {
  withDatabase(program.command("config"))
    .summary("show the settings and where each comes from")
    .description(
      "Shows every setting with its value, and whether that comes from a flag, the environment, the configuration file or is the default. Flags win over the environment, the environment over the file.",
    )
    .addOption(new Option("--syslog").hideHelp())
    .option("--json", "print the settings as JSON")
    .addHelpText("after", CONFIG_EXAMPLE)
    .action(async (flags, command: Command) => {
      const { runConfig } = await import("./commands/config.ts");
      runConfig(program, command, flags, io);
    });
}

const CONFIG_EXAMPLE = `
The file is --config FILE, else $EXIM_PILOT_CONFIG, else /etc/exim-pilot.toml:
  db = "/var/lib/exim-pilot/mail.db"

  [backup]
  directory = "/var/backups/exim-pilot"
  keep = "7d,4w,12m"

Settings have the names of their flags; in the environment the last one is
EXIM_PILOT_BACKUP_KEEP.`;

function addCompletion(program: Command, io: Io): void {
  program
    .command("completion")
    .summary("print completions for a shell, or the manual page")
    .description("Prints a script that completes commands and flags in a shell, or the manual page for man.")
    .addArgument(new Argument("<form>", "the shell, or man").choices(["bash", "zsh", "fish", "man"]))
    .action(async (form: "bash" | "zsh" | "fish" | "man") => {
      const { runCompletion } = await import("./commands/completion.ts");
      runCompletion(program, form, io);
    });
}

function toSchemaVersion(value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new InvalidArgumentError("Give the number of a schema.");
  return Number(value);
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
    .addOption(
      new Option("--db <file>", "the database").default(DEFAULT_DATABASE, `$EXIM_PILOT_DB, else ./${DEFAULT_DATABASE}`),
    )
    .option("--config <file>", "the configuration (default: $EXIM_PILOT_CONFIG, else /etc/exim-pilot.toml)")
    .option("--wait <seconds>", "how long to wait for a database that another process writes to", toSeconds, 30);
}

/** For answers that are longer than a screen. */
function withPaging(command: Command): Command {
  return command.option("--no-pager", "print to the terminal without $EXIM_PILOT_PAGER, $PAGER or less");
}

/** For what changes the database or takes something out of it. */
function withAudit(command: Command): Command {
  return withDatabase(command).option("--syslog", "write what the audit log records to the system log too");
}

function toSeconds(value: string): number {
  if (!/^\d+(\.\d+)?$/.test(value)) throw new InvalidArgumentError("Give a number of seconds.");
  return Number(value);
}

/** Checked at once; which moment it is depends on the time zone of the server. */
function toWhen(value: string): string {
  if (parseWhen(value, { now: epochMs(0), timeZone: "UTC" }) !== undefined) return value;
  throw new InvalidArgumentError(
    "Give a date (2026-03-02), a time (2026-03-02T06:16), today, yesterday, or how long ago (2h, 7d).",
  );
}

function toBatchSize(value: string): number {
  const lines = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(lines >= 1 && lines <= MOST_BATCH_LINES))
    throw new InvalidArgumentError(`Give a number from 1 to ${MOST_BATCH_LINES}.`);
  return lines;
}
