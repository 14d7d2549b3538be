/** The commands that answer questions, and their flags. */
import { type Command, Option } from "commander";
import { ROW_FORMATS } from "../../render/form/row-formats.ts";
import { TIMELINE_GROUPINGS } from "../../render/trace/threads.ts";
import { CONDITION_FIGURES } from "../../stats/conditions.ts";
import { COMPARISONS } from "../../stats/period.ts";
import { SECTIONS, type SectionName } from "../../stats/sections.ts";
import { AXES, RANKS } from "../../store/stats/axes.ts";
import { BUCKET_FORMS, WHEN_FORMS } from "../../when.ts";
import { ABUSE_FLAGS, SUBJECT_FLAGS } from "../flags/filter-flags.ts";
import {
  collectAxes,
  collectConditions,
  collectKinds,
  collectParameters,
  collectSections,
  collectText,
  toBucket,
  toDurationMs,
  toLimit,
  toSeconds,
  wholeNumber,
} from "../flags/flag-values.ts";
import type { Io } from "../io.ts";
import { withPager } from "../terminal/pager.ts";
import type { CommandGroup, SetStatus } from "./command.ts";
import { withGuesses } from "./guessed-flags.ts";
import {
  logOption,
  redactOption,
  timeoutOption,
  withAudit,
  withDatabase,
  withFilters,
  withPaging,
} from "./shared-flags.ts";

const TRACE_EXAMPLE = `
A link between messages is direct (both state the same id), correlated (time
and two or more of sender, recipient and subject agree with one message alone)
or guessed.

Examples:
  exim-pilot trace 1vwz8c-0005eI-2Q
  exim-pilot trace bob@example.net --since yesterday --status deferred
  exim-pilot trace '<20260302.4711@shop.example>' --chain
  exim-pilot trace "$(tail -n 1 /var/log/exim4/mainlog)"
  exim-pilot trace 1vwz8c-0005eI-2Q --follow
  exim-pilot trace bounce.eml
  exim-pilot trace '250 2.0.0 Ok: queued as 4F2Zk1'`;

function addTrace(program: Command, io: Io, setStatus: SetStatus): void {
  const command = withPaging(withDatabase(program.command("trace")))
    .summary("show what happened to a message")
    .description("Shows what became of a message and of each of its recipients, why, and through which hosts.")
    .argument(
      "<what...>",
      "Exim's id or its beginning, a header Message-ID, an address, a line of a log, the reply of a server, or a file with a message, a bounce or headers (- is standard input)",
    )
    .option("--pick <number>", "choose this number from several messages", wholeNumber(1))
    .option("-n, --limit <count>", "of several messages, at most so many to choose from", wholeNumber(1), 20)
    .option("--chain", "show the messages that led to it and that it led to, as a tree")
    .addOption(
      new Option("--by <thread>", "group the timeline")
        .choices(TIMELINE_GROUPINGS)
        .default("time")
        .conflicts(["chain", "raw"]),
    )
    .addOption(logOption())
    .option("--raw", "show the log lines instead of the timeline")
    .addOption(
      new Option(
        "-f, --follow",
        "then print each new line until the message has ended; an id that is not there yet is waited for; with --json the answer comes at the end",
      ).conflicts(["chain", "log"]),
    )
    .addOption(redactOption())
    .option("--json", "print everything as JSON");
  withGuesses(withFilters(command))
    .addHelpText("after", TRACE_EXAMPLE)
    .action(async (words: string[], flags) => {
      const { runTrace } = await import("../commands/trace.ts");
      const { withLogs } = await import("../flags/logs-in-hand.ts");
      if (flags.follow === true) setStatus(await runTrace(words, flags, io));
      else
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
    .summary("find messages, rejections and other lines")
    .description(
      "Finds messages, rejections and other lines by their facts, or by a pattern in the text of their lines, as exigrep does.",
    )
    .argument("[pattern]", "regular expression over log lines; a line that matches selects its message")
    .addOption(logOption())
    .option("-l, --literal", "the pattern is the text itself")
    .option("-I, --sensitive", "match upper and lower case exactly")
    .addOption(new Option("-i, --ignore-case", "as it is without -I").conflicts("sensitive").hideHelp())
    .option("-v, --invert", "select what the pattern does not match")
    .option("-M, --related", "also messages that name these, or that these name")
    .addOption(timeoutOption("stop if the pattern takes longer for one block of lines; 0: no limit"))
    .option("-t, --slower-than <seconds>", "leave out messages finished within that time", toSeconds);
  withGuesses(withFilters(command))
    .optionsGroup("Output:")
    .addOption(
      new Option("--sort <key>", "time, size or queue-time").choices(["time", "size", "queue-time"]).default("time"),
    )
    .option("--reverse", "oldest or smallest first; with --raw newest first")
    .option("-n, --limit <count>", "most results (default: 50 in a table and in JSON, else all)", wholeNumber(1))
    .option("--after <place>", "continue after the page of an earlier search")
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

const TAIL_EXAMPLE = `
Without a log it reads the database, which \`exim-pilot ingest --follow\` or a
timer fills. A word selects the lines that have it, and from then on all lines
of the same message; several words must all be there.

Examples:
  exim-pilot tail
  exim-pilot tail /var/log/exim4/mainlog
  exim-pilot tail bob@example.net --kind failure --kind deferral
  exim-pilot tail -n 1000 --no-follow 203.0.113.5`;

function addTail(program: Command, io: Io, setStatus: SetStatus): void {
  withDatabase(program.command("tail"))
    .summary("show what happens, as it happens")
    .description("Shows the last lines and then each new one, in words, until it is interrupted.")
    .argument("[what...]", "logs to read instead of the database; an address, an IP, an id or a word that lines have")
    .option("-n, --limit <count>", "lines to begin with", wholeNumber(0), 10)
    .option("--no-follow", "end after the last lines")
    .addOption(new Option("--kind <kind>", "only lines of this kind (can be repeated)").argParser(collectKinds))
    .option("-s, --server <name>", "of this server in the database")
    .option("--raw", "the lines as the log has them")
    .addOption(new Option("--ndjson", "one JSON object a line, as parse prints them"))
    .addOption(new Option("--json").hideHelp())
    .addOption(redactOption())
    .addHelpText("after", TAIL_EXAMPLE)
    .action(async (what: string[], flags) => {
      const { runTail } = await import("../commands/tail.ts");
      await runTail(what, flags, io);
      setStatus(0, { endsBySignal: true });
    });
}

const ABUSE_EXAMPLE = `
Examples:
  exim-pilot abuse --since yesterday
  exim-pilot abuse --ip 203.0.113.0/24 --server mx1
  exim-pilot abuse --auth alice --since 7d --csv > alice.csv
  exim-pilot search --auth bob --since yesterday --count`;

function addAbuse(program: Command, io: Io, setStatus: SetStatus): void {
  const command = withPaging(withDatabase(program.command("abuse")))
    .summary("show accounts at risk, top senders, failed logins")
    .description(
      "Shows first the accounts whose password others seem to have. Then which accounts, programs and local users send how much, as whom and from where; and which logins fail, from where, and which succeeded afterwards. `exim-pilot help counting` says what makes an account one at risk.",
    )
    .option("-n, --limit <count>", "most rows of each table but that of accounts at risk", wholeNumber(1), 5)
    .addOption(new Option("--csv", "comma-separated values, all tables as one").conflicts("json"))
    .option("--json", "print the answers as JSON")
    .addOption(redactOption());
  withGuesses(withFilters(command, ABUSE_FLAGS))
    .addHelpText("after", ABUSE_EXAMPLE)
    .action(async (flags) => {
      const { runAbuse } = await import("../commands/abuse.ts");
      setStatus(await withPager(flags, io, (paged) => runAbuse(flags, paged)));
    });
}

const STATS_EXAMPLE = `
Letters of eximstats are known: -t20, -bydomain, -byemail, -byhost, -html=FILE,
-utc. Its tables with its numbers are those of --eximstats.

Sections:
${Object.entries(SECTIONS)
  .map(([name, about]) => `  ${name.padEnd(10)}  ${about}`)
  .join("\n")}

Axes of --by:
${Object.entries(AXES)
  .map(([name, { about }]) => `  ${name.padEnd(13)}  ${about}`)
  .join("\n")}

Figures of --fail-if:
${Object.entries(CONDITION_FIGURES)
  .map(([name, about]) => `  ${name.padEnd(16)}  ${about}`)
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
      "Counts what is stored: without sections, what fits a screen, problems first. `exim-pilot help counting` says how.",
    )
    .argument("[sections...]", "what to show: names from the list below, or all", collectSections)
    .addOption(logOption())
    .option("--since <time>", `from this time on: ${WHEN_FORMS}`)
    .option("--until <time>", "before this time, in the same forms; a day is included")
    .option("-s, --server <name>", "only what this server logged (can be repeated)", collectText)
    .addOption(
      new Option("--by <axis>", "rank by this (can be repeated); axes are listed below").argParser(collectAxes),
    )
    .addOption(
      new Option(
        "--rank <figure>",
        "order of a ranking (default: count; rejections or troubles for clients from whom nothing came)",
      ).choices(RANKS),
    )
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
    .option("--timezone <zone>", "time zone of days and hours (default: the server's)")
    .addOption(new Option("--json", "print the figures as JSON").conflicts(["csv", "markdown"]))
    .addOption(new Option("--csv", "print one table as CSV").conflicts("markdown"))
    .option("--markdown", "print tables as Markdown")
    .option("--html <file>", "write a report as one page, with charts and all sections, and print nothing")
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
        "notify",
        "rank",
        ...SUBJECT_FLAGS.map(({ flags }) => new Option(flags).attributeName()),
      ]),
    )
    .addOption(
      new Option("--fail-if <condition>", "exit 1 if it holds, such as deferred>5% (can be repeated)").argParser(
        collectConditions,
      ),
    )
    .addOption(
      new Option(
        "--notify",
        "tell of alarms of --fail-if through the channels of the configuration, once a day each",
      ).conflicts("log"),
    )
    .addOption(
      new Option(
        "--silence <duration>",
        "with --fail-if, how old the newest line of a server may be (default: three times what is usual at that hour of the week, and 1h at least); 0: any age",
      ).argParser(toDurationMs),
    )
    .option("-q, --quiet", "print no page, only alarms of --fail-if and the output of --json, --csv or --markdown")
    .addHelpText("after", STATS_EXAMPLE);
  withGuesses(withFilters(stats, SUBJECT_FLAGS)).action(async (sections: SectionName[], flags) => {
    const { runStats } = await import("../commands/stats.ts");
    const { withLogs } = await import("../flags/logs-in-hand.ts");
    setStatus(await withPager(flags, io, (paged) => withLogs(flags, paged, (own) => runStats(sections, own, paged))));
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
    .addOption(new Option("--json", "as --format json").conflicts("format"))
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
    .addOption(timeoutOption("stop if it takes longer; 0 is no limit"))
    .option("--views", "list the views and their columns")
    .addOption(
      new Option(
        "--redact",
        "replace every text by a made-up one, but for statuses, kinds, phases, times and the like, so that others may see it",
      ),
    )
    .addHelpText("after", SQL_EXAMPLE)
    .action(async (statement: string | undefined, flags) => {
      const { runSql } = await import("../commands/sql.ts");
      setStatus(await withPager(flags, io, (paged) => runSql(statement, flags, paged)));
    });
}

export const QUESTIONS: CommandGroup = {
  heading: "Questions",
  commands: [
    { name: "trace", words: "explain history msg message messages track where why", add: addTrace },
    { name: "search", words: "exigrep filter list ls lookup match query select who", add: addSearch },
    { name: "tail", words: "events follow live monitor now recent stream watch", add: addTail },
    {
      name: "stats",
      words: "count counts dashboard eximstats figures html metrics report reports statistics summary top",
      add: addStats,
    },
    { name: "abuse", words: "abusers attack attacks brute bruteforce hacked security spam spammers", add: addAbuse },
    { name: "sql", words: "database db psql shell sqlite sqlite3 table tables view views", add: addSql },
  ],
};
