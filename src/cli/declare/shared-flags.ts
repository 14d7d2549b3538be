/** Flags that several commands have. */
import { type Command, Option } from "commander";
import { SECOND_MS } from "../../units.ts";
import { DEFAULT_DATABASE } from "../context.ts";
import { FILTER_FLAGS } from "../flags/filter-flags.ts";
import { collectText, toDurationMs, toSeconds } from "../flags/flag-values.ts";

export function withDatabase(command: Command): Command {
  return command
    .addOption(
      new Option("--db <file>", "the database").default(DEFAULT_DATABASE, `$EXIM_PILOT_DB, else ./${DEFAULT_DATABASE}`),
    )
    .option("--config <file>", "the configuration (default: $EXIM_PILOT_CONFIG, else /etc/exim-pilot.toml)")
    .option("--wait <seconds>", "longest wait for a database that another process writes to", toSeconds, 30);
}

/** For what changes the database or takes something out of it. */
export function withAudit(command: Command): Command {
  return withDatabase(command).option("--syslog", "write audit records to the system log, too");
}

/** For answers that are longer than a screen. */
export function withPaging(command: Command): Command {
  return command.option("--no-pager", "print to the terminal without $EXIM_PILOT_PAGER, $PAGER or less");
}

/** For what finds or counts messages: by what is known of them. */
export function withFilters(command: Command, filters = FILTER_FLAGS): Command {
  command.optionsGroup("Filters:");
  for (const { flags, description, isRepeatable } of filters) {
    if (isRepeatable) command.option(flags, description, collectText);
    else command.option(flags, description);
  }
  return command;
}

/** For backups that are encrypted. */
export function withKeys(command: Command): void {
  command
    .addOption(
      new Option("--identity-file <file>", "secret keys of age that open a backup (can be repeated)").argParser(
        collectText,
      ),
    )
    .option("--passphrase-file <file>", "its first line encrypts or opens a backup");
}

export function redactOption(): Option {
  return new Option(
    "--redact",
    "replace addresses, hosts, ids and subjects by made-up ones, so that others may see it",
  );
}

/** For questions that can be asked of logs that are in no database. */
export function logOption(): Option {
  return new Option("--log <files...>", "read these logs, for this answer only, instead of the database").conflicts(
    "db",
  );
}

/** For work that a stranger's pattern or statement can make endless. */
export function timeoutOption(description: string): Option {
  return new Option("--timeout <duration>", description).argParser(toDurationMs).default(30 * SECOND_MS, "30s");
}
