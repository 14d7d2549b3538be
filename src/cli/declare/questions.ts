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
  toWhen,
  wholeNumber,
} from "../flags/flag-values.ts";
import type { Io } from "../io.ts";
import { withPager } from "../terminal/pager.ts";
import type { SetStatus } from "./command.ts";
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
Examples:
  exim-pilot trace 1vwz8c-0005eI-2Q
  exim-pilot trace bob@example.net --since yesterday --status deferred
  exim-pilot trace '<20260302.4711@shop.example>' --chain
  exim-pilot trace "$(tail -n 1 /var/log/exim4/mainlog)"`;

export function addTrace(program: Command, io: Io, setStatus: SetStatus): void {
  const command = withPaging(withDatabase(program.command("trace")))
    .summary("show what happened to a message")
    .description("Shows what became of a message and of each of its recipients, why, and through which hosts.")
    .argument("<what...>", "Exim's id or its beginning, a header Message-ID, an address, or a line of a log")
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

export function addSearch(program: Command, io: Io, setStatus: SetStatus): void {
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
    .option("-M, --related", "with messages that name those, or are named by them")
    .addOption(timeoutOption("stop if the pattern takes longer for one block of lines; 0 is no limit"))
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

export function addTail(program: Command, io: Io, setStatus: SetStatus): void {
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

export function addAbuse(program: Command, io: Io, setStatus: SetStatus): void {
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

const TAG_EXAMPLE = `
Examples:
  exim-pilot tag 1vwz8c-0005eI-2Q ticket-4711
  exim-pilot search --ids --reason blocklist | exim-pilot tag - incident-7
  exim-pilot search --tag incident-7
  exim-pilot tag --describe vip --colour '#c0392b' --about 'call them back'
  exim-pilot tag --popular --since 30d`;

export function addTag(program: Command, io: Io): void {
  withAudit(program.command("tag"))
    .summary("label messages, to find them again")
    .description(
      "Gives messages tags: a ticket, an incident, a customer. Without an id, lists the tags there are, with colour and meaning.",
    )
    .argument("[id]", 'Exim\'s id of a message; "-" reads ids from standard input')
    .argument("[tags...]", "the labels")
    .option("-s, --server <name>", "only the message of this server, where several have the id")
    .option("--remove", "take the tags away")
    .option("--describe <name>", "set colour and meaning of a tag, wherever it is given")
    .addOption(new Option("--colour <colour>", "with --describe: #rrggbb, or a basic name such as red"))
    .addOption(new Option("--color <colour>").hideHelp())
    .option("--about <text>", "with --describe: what the tag means; an empty text removes it")
    .option("--popular", "list the tags that were given most often")
    .option("--since <time>", "with --popular: given then or later: 2026-03-02, yesterday, 2h, 7d", toWhen)
    .option("--limit <tags>", "with --popular: so many (default: 20)", wholeNumber(1, MOST_RANKED_ROWS))
    .addOption(new Option("--names", "without an id: print the tags alone, one a line").conflicts("json"))
    .addOption(redactOption())
    .option("--json", "print everything as JSON")
    .addHelpText("after", TAG_EXAMPLE)
    .action(async (id: string | undefined, tags: string[], flags) => {
      const { runTag } = await import("../commands/tag.ts");
      await runTag(id, tags, { ...flags, colour: flags.colour ?? flags.color }, io);
    });
}

const STATS_EXAMPLE = `
Letters of eximstats are known: -t20, -bydomain, -byemail, -byhost, -html=FILE,
-utc. Its tables with its numbers are those of --eximstats.

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
  .map(([name, about]) => `  ${name.padEnd(17)} ${about}`)
  .join("\n")}

Examples:
  exim-pilot stats
  exim-pilot stats --since yesterday --until yesterday --compare week
  exim-pilot stats --by sender --rank bounces --since 7d
  exim-pilot stats series --bucket day --csv > days.csv`;

const MOST_RANKED_ROWS = 10_000;

export function addStats(program: Command, io: Io, setStatus: SetStatus): void {
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
    .option("--html <file>", "write one page with charts and all tables, and print nothing")
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
      new Option("--fail-if <condition>", "exit 1 if it holds, such as deferred>5% (can be repeated)").argParser(
        collectConditions,
      ),
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

export function addSql(program: Command, io: Io, setStatus: SetStatus): void {
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
