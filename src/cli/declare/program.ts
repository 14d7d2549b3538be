/** The program, its commands and their flags. What a command needs to run is loaded when it runs. */
import { Argument, Command, Option } from "commander";
import { MOST_BLOCK_LINES } from "../../ingest/limits.ts";
import { ROW_FORMATS } from "../../render/form/row-formats.ts";
import { THREADS } from "../../render/trace/threads.ts";
import { CONDITION_FIGURES } from "../../stats/conditions.ts";
import { COMPARISONS } from "../../stats/period.ts";
import { SECTIONS, type SectionName } from "../../stats/sections.ts";
import { AXES, RANKS } from "../../store/stats/axes.ts";
import { BUCKET_FORMS, WHEN_FORMS } from "../../when.ts";
import { columnsOf } from "../context.ts";
import { SUBJECT_FLAGS } from "../flags/filter-flags.ts";
import {
  collectAxes,
  collectConditions,
  collectKinds,
  collectParameters,
  collectSections,
  collectText,
  toBucket,
  toLimit,
  toSeconds,
  toWhen,
  wholeNumber,
} from "../flags/flag-values.ts";
import type { Io } from "../io.ts";
import { readVersion } from "../package-root.ts";
import { withPager } from "../terminal/pager.ts";
import type { SetStatus } from "./command.ts";
import { settleGuesses, withGuesses, withLast } from "./guessed-flags.ts";
import { addQueue } from "./queue.ts";
import {
  logOption,
  redactOption,
  timeoutOption,
  withAudit,
  withDatabase,
  withFilters,
  withPaging,
} from "./shared-flags.ts";
import {
  addAudit,
  addBackup,
  addDoctor,
  addMigrate,
  addPrune,
  addRebuild,
  addRestore,
  addSetup,
  addVerify,
} from "./upkeep.ts";

/** Commands that know nothing of the others. */
const ALONE: ReadonlyMap<string, (program: Command, io: Io, setStatus: SetStatus) => void> = new Map([
  ["setup", addSetup],
  ["ingest", addIngest],
  ["trace", addTrace],
  ["search", addSearch],
  ["queue", addQueue],
  ["abuse", addAbuse],
  ["tag", addTag],
  ["stats", addStats],
  ["servers", addServers],
  ["sources", addSources],
  ["export", addExport],
  ["sql", addSql],
  ["verify", addVerify],
  ["rebuild", addRebuild],
  ["parse", addParse],
  ["prune", addPrune],
  ["backup", addBackup],
  ["restore", addRestore],
  ["migrate", addMigrate],
  ["audit", addAudit],
  ["doctor", addDoctor],
]);

/** `wanted`: what the arguments begin with. When that is a command that can stand alone, the others are not made: most runs ask for one. */
export function buildProgram(io: Io, setStatus: SetStatus, wanted?: string): Command {
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
      // NOTE: what it throws is told with all other errors, in main.ts.
      outputError: () => {},
      getOutHelpWidth: () => columnsOf(io.stdout, io),
      getErrHelpWidth: () => columnsOf(io.stderr, io),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showSuggestionAfterError()
    .hook("preAction", async (_program, command) => {
      const { completeOptions } = await import("../flags/effective-options.ts");
      completeOptions(command, io);
      settleGuesses(command);
    })
    .addHelpText("after", EXAMPLES);
  const add = wanted === undefined ? undefined : ALONE.get(wanted);
  if (add !== undefined) {
    add(program, io, setStatus);
    return program;
  }
  for (const addCommand of ALONE.values()) addCommand(program, io, setStatus);
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

From a container or a journal:
  docker compose logs --no-log-prefix mx1 | exim-pilot ingest --server mx1 -
  journalctl --all -o json -t exim | exim-pilot ingest --server mx1 -

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
    .argument(
      "[files...]",
      'log files, directories of logs, quoted patterns; "-" is standard input (default: logs of [ingest] in the configuration)',
    )
    .addOption(new Option("--logs <file>").argParser(collectText).hideHelp())
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
    .option("--batch-size <lines>", "lines stored in one batch", wholeNumber(1, MOST_BLOCK_LINES), 500)
    .option("--strict", "exit 1 when a line could not be parsed")
    .option("-q, --quiet", "print nothing but errors")
    .option("--json", "print the report as JSON")
    .addHelpText("after", INGEST_EXAMPLES)
    .action(async (named: string[], flags) => {
      const files = named.length > 0 ? named : (flags.logs ?? []);
      const { runIngest } = await import("../commands/ingest.ts");
      setStatus(await runIngest(files, flags, io), { endsBySignal: flags.follow === true });
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
    .option("--pick <number>", "of several messages, the one with this number", wholeNumber(1))
    .option("-n, --limit <count>", "of several messages, at most so many to choose from", wholeNumber(1), 20)
    .option("--chain", "show what it came of and what came of it, as a tree")
    .addOption(
      new Option("--by <thread>", "what the timeline is sorted into")
        .choices(THREADS)
        .default("time")
        .conflicts(["chain", "raw"]),
    )
    .addOption(logOption())
    .option("--raw", "show the log lines instead of the timeline")
    .addOption(redactOption())
    .option("--json", "print everything as JSON");
  withGuesses(withFilters(command))
    .addHelpText("after", TRACE_EXAMPLE)
    .action(async (words: string[], flags) => {
      const { runTrace } = await import("../commands/trace.ts");
      const { withLogs } = await import("../flags/logs-in-hand.ts");
      setStatus(await withPager(flags, io, (paged) => withLogs(flags, paged, (own) => runTrace(words, own, paged))));
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
    .addOption(logOption())
    .option("-l, --literal", "the pattern is the text itself")
    .option("-I, --sensitive", "upper and lower case differ in the pattern")
    .option("-v, --invert", "what the pattern does not match")
    .option("-M, --related", "with messages that name those, or are named by them")
    .addOption(timeoutOption("stop when one block of lines takes the pattern longer; 0 is no limit"))
    .option("-t, --slower-than <seconds>", "leave out messages finished within that time", toSeconds);
  withGuesses(withFilters(command))
    .optionsGroup("Output:")
    .addOption(
      new Option("--sort <key>", "time, size or queue-time").choices(["time", "size", "queue-time"]).default("time"),
    )
    .option("--reverse", "oldest or smallest first; with --raw newest first")
    .option("-n, --limit <count>", "at most so many (default: 50 in a table and in JSON, else all)", wholeNumber(1))
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
      const { runSearch } = await import("../commands/search.ts");
      const { withLogs } = await import("../flags/logs-in-hand.ts");
      setStatus(await withPager(flags, io, (paged) => withLogs(flags, paged, (own) => runSearch(pattern, own, paged))));
    });
}

const ABUSE_EXAMPLE = `
Examples:
  exim-pilot abuse --since yesterday
  exim-pilot search --auth bob --since yesterday --count`;

function addAbuse(program: Command, io: Io, setStatus: SetStatus): void {
  withLast(withPaging(withDatabase(program.command("abuse"))))
    .summary("show who sends most, and whose logins fail")
    .description(
      "Shows which accounts, programs and local users send how much, as whom and from where, and from where and for which accounts logins fail, with those that succeeded afterwards.",
    )
    .option("--since <time>", "only from then on: 2026-03-02, yesterday, 2h, 7d")
    .option("--until <time>", "only before then; a day is included")
    .option("-n, --limit <count>", "at most so many answers to each question", wholeNumber(1), 5)
    .addOption(redactOption())
    .option("--json", "print the answers as JSON")
    .addHelpText("after", ABUSE_EXAMPLE)
    .action(async (flags) => {
      const { runAbuse } = await import("../commands/abuse.ts");
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
      const { runTag } = await import("../commands/tag.ts");
      await runTag(id, tags, flags, io);
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
  exim-pilot stats --since yesterday --until yesterday --compare week
  exim-pilot stats --by sender --rank bounces --since 7d
  exim-pilot stats series --bucket day --csv > days.csv`;

const MOST_RANKED_ROWS = 10_000;

function addStats(program: Command, io: Io, setStatus: SetStatus): void {
  const stats = withPaging(withDatabase(program.command("stats")))
    .summary("count: totals, reasons, who leads, what to look at")
    .description(
      "Counts what is stored: without sections what fits a screen, problems first. How it counts: `exim-pilot help counting`.",
    )
    .argument("[sections...]", "what to show: names from the list below, or all", collectSections)
    .addOption(logOption())
    .option("--since <time>", `from this time on: ${WHEN_FORMS}`)
    .option("--until <time>", "before this time, in the same forms; a day is included")
    .option("-s, --server <name>", "only what this server logged (can be repeated)", collectText)
    .addOption(
      new Option("--by <axis>", "rank by this (can be repeated); axes are listed below").argParser(collectAxes),
    )
    .addOption(new Option("--rank <figure>", "what leads in a ranking (default: count)").choices(RANKS))
    .option("-n, --limit <count>", "rows of rankings and hosts", wholeNumber(1, MOST_RANKED_ROWS), 10)
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
    .addOption(redactOption())
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
  withGuesses(withFilters(stats, SUBJECT_FLAGS)).action(async (sections: SectionName[], flags) => {
    const { runStats } = await import("../commands/stats.ts");
    const { withLogs } = await import("../flags/logs-in-hand.ts");
    setStatus(await withPager(flags, io, (paged) => withLogs(flags, paged, (own) => runStats(sections, own, paged))));
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
    .addOption(redactOption())
    .option("--json", "print everything as JSON")
    .addHelpText("after", SERVERS_EXAMPLE)
    .action(async (flags) => {
      const { runServers } = await import("../commands/servers.ts");
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
      const { runRenameServer } = await import("../commands/servers.ts");
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
      const { runSetServer } = await import("../commands/servers.ts");
      await runSetServer(name, command.optsWithGlobals(), io);
    });
}

function addSources(program: Command, io: Io): void {
  withDatabase(program.command("sources"))
    .summary("list the logs that are stored")
    .description("Lists the logs that were read: how far, what was found in them, and what time they cover.")
    .option("-s, --server <name>", "only logs of this server")
    .addOption(new Option("--log-type <type>", "only logs of this type").choices(LOG_TYPES))
    .addOption(redactOption())
    .option("--json", "print everything as JSON")
    .action(async (flags) => {
      const { runSources } = await import("../commands/sources.ts");
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
      const { runExport } = await import("../commands/export.ts");
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
      "Runs one statement that only reads, over the public views. log_entries has the text of each entry, as raw_line; fact_key names what an entry tells of for good, while id is a place in the file.",
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
    .addOption(timeoutOption("stop when it takes longer; 0 is no limit"))
    .option("--views", "list the views and their columns")
    .addHelpText("after", SQL_EXAMPLE)
    .action(async (statement: string | undefined, flags) => {
      const { runSql } = await import("../commands/sql.ts");
      setStatus(await withPager(flags, io, (paged) => runSql(statement, flags, paged)));
    });
}

const PARSE_EXAMPLE = `
Prints one JSON object a line: "kind", "lineNumber", "timestamp" as logged,
"messageId" and what else the line tells; --summary and --explain print pages.

Examples:
  exim-pilot parse /var/log/exim4/mainlog | grep '"kind":"failure"'
  exim-pilot parse --summary /var/log/exim4/mainlog*
  exim-pilot parse --other --explain /var/log/exim4/mainlog
  grep -n bob@example.net /var/log/exim4/mainlog | exim-pilot parse --explain`;

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
    .option("--samples <count>", "lines that --summary shows, each of another shape", wholeNumber(0, MOST_SAMPLES), 10)
    .addOption(new Option("--explain", "show each line with a mark under each field").conflicts("json"))
    .option("--raw", "add the log line to each JSON object")
    .addOption(redactOption())
    .option("--json", "print the summary as JSON")
    .option("--strict", "exit 1 when there was a line of no known form")
    .addHelpText("after", PARSE_EXAMPLE)
    .action(async (files: string[], flags) => {
      const { runParse } = await import("../commands/parse.ts");
      setStatus(await runParse(files, flags, io));
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
      const { runConfig } = await import("../commands/config.ts");
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
      const { runCompletion } = await import("../commands/completion.ts");
      runCompletion(program, form, io);
    });
}

function addHelp(program: Command, io: Io): void {
  program
    .command("help")
    .summary("explain a command, the statuses, the exit codes or how stats counts")
    .description("Explains a command, or a topic: statuses, exit-codes, counting.")
    .argument("[topic]", "a command, statuses, exit-codes or counting")
    .action(async (topic: string | undefined) => {
      const { findTopic } = await import("../commands/help.ts");
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
