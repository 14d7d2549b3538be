/** The commands that take logs in and give them back, and their flags. */
import { type Command, Option } from "commander";
import { MOST_BLOCK_LINES } from "../../ingest/limits.ts";
import { KIND_NAMES, LINE_KINDS } from "../../message/kinds.ts";
import { collectKinds, collectText, toWhen, wholeNumber } from "../flags/flag-values.ts";
import type { Io } from "../io.ts";
import type { CommandGroup, SetStatus } from "./command.ts";
import { redactOption, withAudit, withDatabase } from "./shared-flags.ts";

const SETUP_EXAMPLES = `
Examples:
  exim-pilot setup --dry-run
  exim-pilot setup --group mailadmins
  exim-pilot setup '/srv/exim/{main,reject,panic}log{,.1}'
  exim-pilot setup --remove`;

function addSetup(program: Command, io: Io, setStatus: SetStatus): void {
  program
    .command("setup")
    .summary("have logs read by the clock on this machine")
    .description(
      "Finds Exim's logs, makes the user that reads them, writes /etc/exim-pilot.toml and starts timers of systemd, or of cron where that is missing: read every minute, prune and back up every night, report every morning. It can be run again: what is there stays. Exit 1 when something is missing.",
    )
    .argument("[logs...]", "the logs, where they are not found: whole paths, quoted patterns")
    .option("-n, --dry-run", "say what would be done, change nothing")
    .addOption(new Option("--remove", "stop the timers and remove their files; the database stays").conflicts("group"))
    .option("--group <name>", "let this group read the database: mode 0640, its directory 2750")
    .option("--force", "write files again that were changed, and keep the old ones beside them")
    .option("--json", "print the steps as JSON")
    .addHelpText("after", SETUP_EXAMPLES)
    .action(async (logs: string[], flags) => {
      const { runSetup } = await import("../commands/setup.ts");
      setStatus(await runSetup(logs, flags, io));
    });
}

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
      "Reads main, reject and panic logs, plain or compressed (gzip, bzip2, xz, zstd, lzma), rotated or growing, in any order. No line is stored twice, so it can run as often as you like.",
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
      new Option("--log-type <type>", "type of the logs, if neither content nor name show it").choices(LOG_TYPES),
    )
    .option(
      "--since <when>",
      "leave out files that end before: a date or time, yesterday, 2h, 7d ago (compressed files by their modification time)",
      toWhen,
    )
    .option("-f, --follow", "continue with lines that are added to the logs, also after a rotation, until Ctrl-C")
    .option("--batch-size <lines>", "lines stored in one batch", wholeNumber(1, MOST_BLOCK_LINES), 500)
    .option("--strict", "exit 1 when a line could not be parsed")
    .addOption(new Option("--detect", "then look for incidents, as `incidents detect` does").conflicts("follow"))
    .option("-q, --quiet", "print nothing but errors")
    .option("--json", "print the report as JSON")
    .addHelpText("after", INGEST_EXAMPLES)
    .action(async (named: string[], flags) => {
      const files = named.length > 0 ? named : (flags.logs ?? []);
      const { runIngest } = await import("../commands/ingest.ts");
      setStatus(await runIngest(files, flags, io), { endsBySignal: flags.follow === true });
    });
}

const SERVERS_EXAMPLE = `
Examples:
  exim-pilot servers set mx1 --owner postmaster@example.org --environment live
  exim-pilot servers rename localhost mx1
  exim-pilot servers remove mx0`;

function addServers(program: Command, io: Io): void {
  const servers = withAudit(program.command("servers"))
    .summary("list, rename, describe and remove servers")
    .description("Lists the servers whose logs are stored, and changes their names and settings.")
    .addOption(new Option("--names", "print their names, one a line").conflicts("json"))
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
    .argument("<new>", "its new name; no other server may have it")
    .action(async (oldName: string, newName: string, _flags, command: Command) => {
      const { runRenameServer } = await import("../commands/servers.ts");
      await runRenameServer(oldName, newName, command.optsWithGlobals(), io);
    });
  servers
    .command("set")
    .configureHelp({ showGlobalOptions: true })
    .summary("describe a server, or correct its time zone")
    .description(
      "Sets facts that logs do not have. A new time zone applies to stamps read from now on; for stored ones, run `exim-pilot rebuild`.",
    )
    .argument("<name>", "its name")
    .option("--environment <text>", "such as live or test; an empty text removes it")
    .option("--owner <text>", "contact; an empty text removes it")
    .option("--timezone <zone>", "time zone of stamps without one, such as Europe/Berlin")
    .action(async (name: string, _flags, command: Command) => {
      const { runSetServer } = await import("../commands/servers.ts");
      await runSetServer(name, command.optsWithGlobals(), io);
    });
  servers
    .command("remove")
    .configureHelp({ showGlobalOptions: true })
    .summary("remove a server of which nothing is stored any more")
    .description(
      "Removes a server that was a mistake, or all of whose logs and messages have been pruned. Refused while anything is stored.",
    )
    .argument("<name>", "its name")
    .action(async (name: string, _flags, command: Command) => {
      const { runRemoveServer } = await import("../commands/servers.ts");
      await runRemoveServer(name, command.optsWithGlobals(), io);
    });
}

const SOURCES_EXAMPLES = `
Examples:
  exim-pilot sources
  exim-pilot sources --server mx1 --log-type main`;

function addSources(program: Command, io: Io): void {
  withDatabase(program.command("sources"))
    .summary("list the logs that are stored")
    .description("Lists the logs that were read: how far, their counts, and the time they cover.")
    .option("-s, --server <name>", "only logs of this server")
    .addOption(new Option("--log-type <type>", "only logs of this type").choices(LOG_TYPES))
    .addOption(redactOption())
    .option("--json", "print everything as JSON")
    .addHelpText("after", SOURCES_EXAMPLES)
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
    .summary("write a stored log out, byte for byte")
    .description(
      "Writes the bytes of a log as they were read, decompressed. Each block is checked against its hash, and the export fails at the first damaged one. If the beginning of a log was pruned, it writes the rest, and says so.",
    )
    .requiredOption("--raw <source>", "the log: its id in `exim-pilot sources`, its path or the end of its path")
    .option("-s, --server <name>", "only logs of this server")
    .option("-o, --output <file>", "a new file, readable by its owner only (default: standard output)")
    .option("--json", "print what was written to --output as JSON")
    .addHelpText("after", EXPORT_EXAMPLE)
    .action(async (flags) => {
      const { runExport } = await import("../commands/export.ts");
      setStatus(await runExport(flags, io));
    });
}

const PARSE_EXAMPLE = `
Prints one JSON object a line: "kind", "lineNumber", "timestamp" as logged,
"messageId" and what else the line tells; --summary and --explain print pages.

Kinds of lines, of --kind here and of --event in search:
${listKinds()}

Examples:
  exim-pilot parse /var/log/exim4/mainlog | grep '"kind":"failure"'
  exim-pilot parse --summary /var/log/exim4/mainlog*
  exim-pilot parse --other --explain /var/log/exim4/mainlog
  grep -n bob@example.net /var/log/exim4/mainlog | exim-pilot parse --explain`;

/** A line for each kind, with its meaning. */
function listKinds(): string {
  const width = Math.max(...KIND_NAMES.map((name) => name.length));
  return KIND_NAMES.map((name) => `  ${name.padEnd(width)}  ${LINE_KINDS[name].about}`).join("\n");
}

const MOST_SAMPLES = 1000;

function addParse(program: Command, io: Io, setStatus: SetStatus): void {
  program
    .command("parse")
    .summary("show what log lines mean, without a database")
    .description(
      "Shows how each line is read, and stores nothing: as JSON, as a table of forms and counts, or field by field. Use it to report an unknown line.",
    )
    .argument("[files...]", 'log files, directories of logs, quoted patterns; "-" or none is standard input')
    .addOption(new Option("--kind <kind>", "only lines of this kind (can be repeated)").argParser(collectKinds))
    .option("--other", "only lines of no known form")
    .addOption(new Option("--summary", "count the kinds, and show lines that were not understood").conflicts("explain"))
    .option(
      "--samples <count>",
      "lines that --summary shows, each of a different shape",
      wholeNumber(0, MOST_SAMPLES),
      10,
    )
    .addOption(new Option("--explain", "show each line with a mark under each field").conflicts("json"))
    .option("--raw", "add the log line to each JSON object")
    .addOption(redactOption())
    .option("--json", "print the summary as JSON")
    .option("--strict", "exit 1 if a line has no known form")
    .addHelpText("after", PARSE_EXAMPLE)
    .action(async (files: string[], flags) => {
      const { runParse } = await import("../commands/parse.ts");
      setStatus(await runParse(files, flags, io));
    });
}

export const LOGS: CommandGroup = {
  heading: "Logs",
  commands: [
    {
      name: "setup",
      words: "cron daemon enable install service services start systemd timer timers uninstall wizard",
      add: addSetup,
    },
    {
      name: "ingest",
      words: "add append collect import index insert load log logs mainlog read scan store sync update",
      add: addIngest,
    },
    { name: "sources", words: "coverage files source", add: addSources },
    { name: "servers", words: "host hosts rename server", add: addServers },
    { name: "export", words: "cat download dump extract raw save", add: addExport },
    { name: "parse", words: "decode line lines", add: addParse },
  ],
};
