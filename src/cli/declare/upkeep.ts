/** The commands that keep the database sound, small and safe, and their flags. */
import { type Command, Option } from "commander";
import { DEFAULT_SPANS } from "../../retention/policy.ts";
import { collectText, toSchemaVersion, toWhen, wholeNumber } from "../flags/flag-values.ts";
import type { Io } from "../io.ts";
import { withPager } from "../terminal/pager.ts";
import type { CommandGroup, SetStatus } from "./command.ts";
import { redactOption, withAudit, withDatabase, withKeys, withPaging } from "./shared-flags.ts";

const VERIFY_EXAMPLES = `
Examples:
  exim-pilot verify --quick
  exim-pilot verify --deep`;

function addVerify(program: Command, io: Io, setStatus: SetStatus): void {
  withDatabase(program.command("verify"))
    .summary("check that the database is sound")
    .description(
      "Checks the file, the text of the logs against its hashes, counts, references and indexes, and changes nothing. Exit 1 if something is wrong.",
    )
    .addOption(new Option("--quick", "leave out checks that read the text of all logs").conflicts("deep"))
    .option(
      "--deep",
      "also read all lines again, into a copy beside the database, and compare; pruned text is excluded and counted",
    )
    .addOption(redactOption())
    .option("--json", "print the report as JSON")
    .addHelpText("after", VERIFY_EXAMPLES)
    .action(async (flags) => {
      const { runVerify } = await import("../commands/verify.ts");
      setStatus(await runVerify(flags, io));
    });
}

const REBUILD_EXAMPLES = `
Examples:
  exim-pilot rebuild --dry-run
  exim-pilot rebuild`;

function addRebuild(program: Command, io: Io, setStatus: SetStatus): void {
  withAudit(program.command("rebuild"))
    .summary("read all stored lines again")
    .description(
      "Derives all facts again from the stored lines: after an upgrade that reads more of them, or if a time zone was wrong. The lines, the servers' settings and the ids of sources stay. Others can read and ingest meanwhile; the new content appears at once, or not at all. Refused once text was pruned: its facts could not be derived again.",
    )
    .option("-n, --dry-run", "say what would be done, change nothing")
    .option("-q, --quiet", "print nothing but errors")
    .option("--json", "print the report as JSON")
    .addHelpText("after", REBUILD_EXAMPLES)
    .action(async (flags) => {
      const { runRebuild } = await import("../commands/rebuild.ts");
      setStatus(await runRebuild(flags, io));
    });
}

const PRUNE_EXAMPLES = `
Log text is removed in blocks of lines, the oldest of each log first. A message
is removed when it has ended and none of its lines has text left. It is removed
only together with its chain: bounces, and the messages that they are about.

Examples:
  exim-pilot prune --dry-run
  exim-pilot prune --logs 30d --messages 1y --archive /var/backups/exim-logs
  exim-pilot prune --max-size 20G`;

function addPrune(program: Command, io: Io, setStatus: SetStatus): void {
  withAudit(program.command("prune"))
    .summary("remove expired logs and messages, and return the space")
    .description(
      "Removes log text and messages older than their retention: hours, days, weeks, years (12h, 90d, 8w, 1y) or forever. Logs can be ingested meanwhile.",
    )
    .option("--logs <span>", "how long log lines are kept", DEFAULT_SPANS.logs)
    .option("--messages <span>", "how long messages are kept after their last line", DEFAULT_SPANS.messages)
    .option("--open <span>", "how long messages are kept that may still be on the queue", DEFAULT_SPANS.open)
    .option("--audit <span>", "how long the audit log is kept", DEFAULT_SPANS.audit)
    .option("--snapshots <span>", "how long snapshots of queues are kept", DEFAULT_SPANS.snapshots)
    .option("--content <span>", "how long the content of messages is kept", DEFAULT_SPANS.content)
    .option("--outbox <span>", "how long settled notifications are kept", DEFAULT_SPANS.outbox)
    .option("--incidents <span>", "how long incidents are kept after their end", DEFAULT_SPANS.incidents)
    .option("--notes <span>", "how long notes are kept while their messages are", DEFAULT_SPANS.notes)
    .option("--max-size <size>", "then remove the oldest until the database has this size, such as 20G")
    .option("--archive <directory>", "first write expired log text to files that can be ingested again")
    .addOption(new Option("--status", "show what is stored and what has expired; change nothing").conflicts("dryRun"))
    .option("-n, --dry-run", "say what would be removed, change nothing")
    .option("--force", "also remove open messages and parts of chains, and everything if all has expired")
    .option("--vacuum", "rewrite the whole file at the end; nobody can write meanwhile")
    .option("-q, --quiet", "print nothing but errors")
    .option("--json", "print the report as JSON")
    .addHelpText("after", PRUNE_EXAMPLES)
    .action(async (flags) => {
      const { runPrune } = await import("../commands/prune.ts");
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
      "Copies the database as it is at this instant, while others may write to it, checks the copy and names it by the time. A manifest beside it describes its content.",
    )
    .argument("[directory]", "where the backups are (default: backups, beside the database)")
    .addOption(new Option("--directory <directory>").hideHelp())
    .addOption(new Option("--list", "list the backups; exit 1 if one is damaged").conflicts(["verify", "drill"]))
    .addOption(new Option("--verify <file>", "check a backup from its manifest to its last page").conflicts("drill"))
    .option("--drill", "restore the newest backup to a temporary place, compare, and remove it again")
    .option("--keep <periods>", "remove older ones but the last of so many days, weeks, months, years: 7d,4w,12m")
    .option("--compress", "compress it with gzip")
    .addOption(
      new Option("--recipient <key>", "encrypt it for this public key of age (can be repeated)").argParser(collectText),
    )
    .option("-q, --quiet", "print nothing but errors")
    .option("--json", "print the report as JSON")
    .addHelpText("after", BACKUP_EXAMPLES)
    .action(async (directory: string | undefined, flags) => {
      const { runBackup } = await import("../commands/backup.ts");
      setStatus(await runBackup(directory, flags, io));
    });
  withKeys(command);
}

const RESTORE_EXAMPLES = `
Examples:
  exim-pilot restore --dry-run /var/backups/mail-20260302T031500Z.db.gz
  exim-pilot restore /var/backups/mail-20260302T031500Z.db.gz`;

function addRestore(program: Command, io: Io, setStatus: SetStatus): void {
  const command = withAudit(program.command("restore"))
    .summary("replace the database with a backup")
    .description(
      "Checks a backup, and puts it in the place of the database. The replaced one is kept beside it. Lines that were read after the backup are read again by the next ingest.",
    )
    .argument("<file>", "the backup")
    .option("-n, --dry-run", "check the backup and say what would be done, change nothing")
    .option("--json", "print the report as JSON")
    .addHelpText("after", RESTORE_EXAMPLES)
    .action(async (file: string, flags) => {
      const { runRestore } = await import("../commands/restore.ts");
      setStatus(await runRestore(file, flags, io));
    });
  withKeys(command);
}

const MIGRATE_EXAMPLES = `
Examples:
  exim-pilot migrate --status
  exim-pilot migrate`;

function addMigrate(program: Command, io: Io, setStatus: SetStatus): void {
  withAudit(program.command("migrate"))
    .summary("bring the database up to this version")
    .description(
      "Brings the database's schema up to what this version works with. Each step is applied as a whole or not at all, and a verified backup is made before the first.",
    )
    .addOption(
      new Option("--status", "say whether it is up to date, change nothing; exit 1 if it is not").conflicts("dryRun"),
    )
    .option("-n, --dry-run", "say what would be done, change nothing")
    .option("--to <version>", "only up to this schema", toSchemaVersion)
    .option("--no-backup", "make no backup before")
    .option("--backup-directory <directory>", "where that is made (default: backups, beside the database)")
    .option("--json", "print the report as JSON")
    .addHelpText("after", MIGRATE_EXAMPLES)
    .action(async (flags) => {
      const { runMigrate } = await import("../commands/migrate.ts");
      setStatus(await runMigrate(flags, io));
    });
}

const AUDIT_EXAMPLES = `
Examples:
  exim-pilot audit --since 7d
  exim-pilot audit --action prune --csv
  exim-pilot audit --offset 100`;

const MOST_ROWS = 1_000_000;

function addAudit(program: Command, io: Io): void {
  withPaging(withDatabase(program.command("audit")))
    .summary("show who changed the database or took something out of it")
    .description(
      "Shows the audit log: who ran what, from where and with what result. Records are only added; prune removes expired ones.",
    )
    .option("--since <time>", "from then on: 2026-03-02, 2026-03-02 05:40, yesterday, 2h, 7d", toWhen)
    .option("--until <time>", "before then; a day is included", toWhen)
    .option("--user <name>", "by this user, also with sudo")
    .option("--action <name>", "only this action: ingest, prune, backup, restore, migrate")
    .option("--message <id>", "only records that name this message")
    .option("--address <address>", "only records that name this address")
    .option("-n, --limit <rows>", "the newest so many", wholeNumber(1, MOST_ROWS), 100)
    .option("--offset <rows>", "leave out so many of the newest, to see those before", wholeNumber(0, MOST_ROWS), 0)
    .addOption(redactOption())
    .addOption(new Option("--csv", "print it as CSV").conflicts("json"))
    .option("--json", "print it as JSON")
    .addHelpText("after", AUDIT_EXAMPLES)
    .action(async (flags) => {
      const { runAudit } = await import("../commands/audit.ts");
      await withPager(flags, io, (paged) => runAudit(flags, paged));
    });
}

const DOCTOR_EXAMPLES = `
Examples:
  exim-pilot doctor
  exim-pilot doctor --json`;

function addDoctor(program: Command, io: Io, setStatus: SetStatus): void {
  withDatabase(program.command("doctor"))
    .summary("check the database and what surrounds it")
    .description(
      "Checks versions, disk, rights, soundness, sizes, the last runs, shares of lines that were not understood, and what Exim could log and does not. Changes nothing; exit 1 when there is a problem.",
    )
    .addOption(redactOption())
    .option("--json", "print the findings as JSON")
    .addHelpText("after", DOCTOR_EXAMPLES)
    .action(async (flags) => {
      const { runDoctor } = await import("../commands/doctor.ts");
      setStatus(await runDoctor(flags, io));
    });
}

export const UPKEEP: CommandGroup = {
  heading: "Upkeep",
  commands: [
    { name: "verify", words: "fsck health integrity ok test validate", add: addVerify },
    { name: "rebuild", words: "recreate reindex reparse reset", add: addRebuild },
    {
      name: "prune",
      words: "clean cleanup compact delete drop expire forget gc purge remove retention rm rotate shrink trim vacuum",
      add: addPrune,
    },
    { name: "backup", words: "backups copy snapshot", add: addBackup },
    { name: "restore", words: "recover undo", add: addRestore },
    { name: "migrate", words: "init schema upgrade", add: addMigrate },
    { name: "audit", words: "audits log-of-actions", add: addAudit },
    { name: "doctor", words: "diagnose env info status", add: addDoctor },
  ],
};
