/** The command `queue`, its parts and their flags. */
import { type Command, Option } from "commander";
import { QUEUE_FORMATS } from "../../render/queue/formats.ts";
import { SUMMARY_ORDERS, SUMMARY_SPLITS } from "../../spool/exiqsumm.ts";
import { RECIPIENT_CHOICES } from "../../spool/mailq-text.ts";
import { BUCKET_FORMS } from "../../when.ts";
import { collectText, toBucket, toDurationMs, toQueueAge, toWhen, wholeNumber } from "../flags/flag-values.ts";
import type { Io } from "../io.ts";
import { withPager } from "../terminal/pager.ts";
import type { CommandGroup, SetStatus } from "./command.ts";
import { addContent } from "./content.ts";
import { redactOption, timeoutOption, withDatabase, withPaging } from "./shared-flags.ts";

const QUEUE_EXAMPLE = `
Criteria are exipick's: '$message_age > 6h', '$sender_address =~ /@shop/',
'!$deliver_freeze', '$h_subject = invoice', '$each_recipients eq bob@x.example'.
Letters are exiqgrep's, so the server is --server only. Exits 1 when nothing
matches.

Examples:
  exim-pilot queue
  exim-pilot queue --at '2026-03-02 15:34'
  exim-pilot queue --spool /var/spool/exim4 -o 6h -x
  exim-pilot queue --spool /var/spool/exim4 --format summary --by count
  exim -bp | exim-pilot queue --bp - -z -i
  exim-pilot queue --spool /var/spool/exim4 '$received_protocol eq local' \\
    --show-vars '$originator_login,$h_subject' --format mailq`;

const RECONCILE_EXAMPLE = `
Examples:
  exim-pilot queue reconcile --spool /var/spool/exim4`;

const NEXT_EXAMPLE = `
Examples:
  exim-pilot queue next 1vzzej-000A9F-1C --spool /var/spool/exim4
  exim-pilot queue next rules.example
  exim_dumpdb /var/spool/exim4 retry | exim-pilot queue next --hints -`;

const SNAPSHOT_EXAMPLE = `
Examples:
  exim-pilot queue snapshot
  exim-pilot queue snapshot --spool /var/spool/exim4 --content headers
  ssh mx2 exim -bp | exim-pilot queue snapshot --server mx2 --bp -`;

const HISTORY_EXAMPLE = `
Examples:
  exim-pilot queue history --since yesterday --bucket 15min
  exim-pilot queue history --domain rules.example`;

const HEALTH_EXAMPLE = `
Examples:
  exim-pilot queue health
  exim-pilot queue health --spool /var/spool/exim4 --fail-if 'queue>2000' \\
    --fail-if 'oldest>12h'`;

function addQueue(program: Command, io: Io, setStatus: SetStatus): void {
  const queue = withPaging(withDatabase(program.command("queue")))
    .summary("show what is waiting, for whom and why")
    .description(
      "Shows the queue: as the log tells, now or at a time; as the files of a spool tell; or as `exim -bp` printed it. Nothing is changed, locked or started.",
    )
    .argument("[criteria...]", "criteria of exipick, all of which must hold")
    .addOption(
      new Option("--spool <directory>", "read the files of this spool, as root or in Exim's group").conflicts("bp"),
    )
    .option("--bp <file>", 'read what exim -bp, -bpa, -bpu, exipick or exiqgrep printed; "-" is standard input')
    .option("--at <when>", "as of then; ages count back from it", toWhen)
    .option("--server <name>", "of the log: only this server")
    .option("-G, --queue-name <name>", "of the spool: this named queue; * is all")
    .optionsGroup("Which messages:")
    .option("-f, --from <pattern>", "whose <sender> matches this regular expression")
    .option("-r, --to <pattern>", "of which a recipient that waits matches; with -a any recipient")
    .option("-s, --shown-size <pattern>", "whose size matches, as it is shown: 1.9K")
    .option("-y, --younger <age>", "younger than this number of seconds, or than 6h", toQueueAge)
    .option("-o, --older <age>", "older than this number of seconds, or than 6h", toQueueAge)
    .addOption(new Option("-z, --frozen", "frozen ones only").conflicts("notFrozen"))
    .option("-x, --not-frozen", "none that are frozen")
    .option("--or", "one criterion is enough")
    .option("--caseful", "upper and lower case differ for the operator =")
    .addOption(timeoutOption("stop when patterns take longer; 0 is no limit"))
    .optionsGroup("Output:")
    .addOption(new Option("--format <format>", "how to print it").choices(QUEUE_FORMATS).default("page"))
    .option("-i, --ids", "message ids only, one a line")
    .option("-b, --brief", "a line for each message")
    .option("-l, --long", "as exim -bp, with recipients that wait")
    .option("-c, --matches", "how many there are, out of how many")
    .option("-a, --all", "with recipients that were delivered")
    .addOption(
      new Option("--recipients <which>", "recipients to list (default: all; with letters undelivered)").choices(
        RECIPIENT_CHOICES,
      ),
    )
    .option("-R, --reverse", "youngest first")
    .option("--sort <variables>", "by these variables, parted by commas")
    .option("--show-vars <variables>", "show these variables too, parted by commas")
    .addOption(new Option("--by <key>", "order of the summary").choices(SUMMARY_ORDERS).default("domain"))
    .addOption(
      new Option("--split <kind>", `in the summary apart: ${SUMMARY_SPLITS.join(", ")} (can be repeated)`).argParser(
        collectText,
      ),
    )
    .option("--limit <count>", "at most this many (default: 20 on the page, else all)", wholeNumber(1))
    .option("--count", "how many there are")
    .addOption(new Option("--csv", "comma-separated values, with a heading").conflicts(["ndjson", "json"]))
    .addOption(new Option("--ndjson", "one JSON object a line").conflicts("json"))
    .addOption(redactOption())
    .option("--json", "print everything as JSON")
    .addHelpText("after", QUEUE_EXAMPLE);
  queue.action(async (criteria: string[], flags) => {
    const { runQueue } = await import("../commands/queue.ts");
    setStatus(await withPager(flags, io, (paged) => runQueue(criteria, flags, paged)));
  });
  queue
    .command("reconcile")
    .configureHelp({ showGlobalOptions: true })
    .summary("compare the spool with the log")
    .description(
      "Shows where the files of a spool and the log differ: messages that only one of them has, frozen or not, delivered recipients. Exits 1 if they differ.",
    )
    .addHelpText("after", RECONCILE_EXAMPLE)
    .action(async (_flags, command: Command) => {
      const { runReconcile } = await import("../commands/queue-reconcile.ts");
      setStatus(await runReconcile(command.optsWithGlobals(), io));
    });
  queue
    .command("next")
    .configureHelp({ showGlobalOptions: true })
    .summary("when what waits is tried next")
    .description(
      "Shows when a message, an address, a domain or a host is tried next, and why. The answer comes from Exim's retry records, its retry rules where they are given, and the queue runs in the log. Each sentence says where it comes from. Without a name, shows all records.",
    )
    .argument("[what]", "Exim's id of a message, an address, a domain or a host")
    .option(
      "--hints <file>",
      'Exim\'s file of retry records, or what `exim_dumpdb … retry` printed; "-" is standard input (default: db/retry of --spool, else those that queue snapshot kept)',
    )
    .option(
      "--retry-rules <file>",
      "retry rules: what `exim -bP config` printed, Exim's configuration, or the lines of its section begin retry",
    )
    .option("--hints-timezone <zone>", "on whose clock exim_dumpdb printed times (default: this machine's)")
    .addHelpText("after", NEXT_EXAMPLE)
    .action(async (what: string | undefined, _flags, command: Command) => {
      const { runNext } = await import("../commands/queue-next.ts");
      setStatus(await runNext(what, command.optsWithGlobals(), io));
    });
  queue
    .command("snapshot")
    .configureHelp({ showGlobalOptions: true })
    .summary("keep what the queue looks like")
    .description(
      "Keeps how much is on the queue, for whom and since when, and when Exim tries again. A message has one row for as long as it is there, however often it is looked at. For the clock: every five minutes, by contrib's timer.",
    )
    .addOption(
      new Option(
        "--content <depth>",
        "also keep what is in each message that is new: its headers, or text and attachments too",
      )
        .choices(["none", "headers", "preview"])
        .default("none"),
    )
    .option("--syslog", "write what the audit log records to the system log too")
    .option("-q, --quiet", "print nothing but errors")
    .addHelpText("after", SNAPSHOT_EXAMPLE)
    .action(async (_flags, command: Command) => {
      const { runSnapshot } = await import("../commands/queue-snapshot.ts");
      setStatus(await runSnapshot(command.optsWithGlobals(), io));
    });
  queue
    .command("history")
    .configureHelp({ showGlobalOptions: true })
    .summary("how the queue grew and shrank")
    .description(
      "Shows how large and old the queue was over time, and how many messages came and went, from the stored snapshots.",
    )
    .option("--domain <domain>", "only what waited for this domain")
    .option("--since <when>", "snapshots from then on", toWhen)
    .option("--until <when>", "snapshots before then", toWhen)
    .addOption(new Option("--bucket <size>", `a row for each: ${BUCKET_FORMS} (default: as fits)`).argParser(toBucket))
    .addHelpText("after", HISTORY_EXAMPLE)
    .action(async (_flags, command: Command) => {
      const { runHistory } = await import("../commands/queue-history.ts");
      setStatus(await runHistory(command.optsWithGlobals(), io));
    });
  queue
    .command("health")
    .configureHelp({ showGlobalOptions: true })
    .summary("how large and old the queue is, and whether it grows")
    .description(
      "Shows how large and old the queue is, how large it was an hour before, and how much came and went. The size an hour before comes from a snapshot or from the log. For cron: exits 1 when a condition holds, 3 when one is about what is not known.",
    )
    .addOption(
      new Option(
        "--fail-if <condition>",
        "such as 'queue>2000', 'oldest>12h' or 'growth>500' an hour (can be repeated)",
      ).argParser(collectText),
    )
    .option("--notify", "tell of them through the channels of the configuration, once a day each")
    .addOption(
      new Option(
        "--silence <duration>",
        "with a condition that asks the log, how old the newest line of a server may be (default: three times what is usual at that hour of the week, and 1h at least); 0: any age",
      ).argParser(toDurationMs),
    )
    .addHelpText("after", HEALTH_EXAMPLE)
    .action(async (_flags, command: Command) => {
      const { runHealth } = await import("../commands/queue-health.ts");
      setStatus(await runHealth(command.optsWithGlobals(), io));
    });
}

export const QUEUE: CommandGroup = {
  heading: "The queue, and what is in it",
  commands: [
    { name: "queue", words: "bp exiqgrep exiqsumm mailq pending spool waiting", add: addQueue },
    {
      name: "content",
      words: "attachment attachments body eml headers message-content mime preview view",
      add: addContent,
    },
  ],
};
