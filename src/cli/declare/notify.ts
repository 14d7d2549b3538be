/** The command `notify`, its parts and their flags. */
import { type Command, Option } from "commander";
import { NOTIFICATION_STATUSES } from "../../store/outbox/notification.ts";
import { wholeNumber } from "../flags/flag-values.ts";
import type { Io } from "../io.ts";
import { withPager } from "../terminal/pager.ts";
import type { SetStatus } from "./command.ts";
import { redactOption, withAudit, withPaging } from "./shared-flags.ts";

const EXAMPLES = `
The channels are in the configuration, each in a table of its own, of type smtp,
telegram, webhook, ntfy, slack or matrix; the first tier that takes a
notification is enough:
  [notify]
  tiers = ["ops-telegram", "ops-mail"]

  [channels.ops-telegram]
  type = "telegram"
  chat = -100123
  token-file = "/etc/exim-pilot.telegram-token"

  [channels.ops-mail]
  type = "smtp"
  host = "smarthost.example.org"
  from = "exim-pilot@mx1.example.org"
  to = ["ops@example.org"]

Examples:
  exim-pilot notify test ops-telegram
  exim-pilot notify run
  exim-pilot notify --status failed
  exim-pilot notify retry --failed`;

export function addNotify(program: Command, io: Io, setStatus: SetStatus): void {
  const notify = withPaging(withAudit(program.command("notify")))
    .summary("send incidents and alarms to people, surely and once")
    .description(
      "Keeps notifications in the database until a person's channel has taken them, and shows what became of each. Without a word after it, lists them.",
    )
    .addOption(new Option("--status <status>", "list only these").choices(NOTIFICATION_STATUSES))
    .option("-n, --limit <rows>", "list the newest so many", wholeNumber(1, MOST_ROWS), 20)
    .addOption(redactOption())
    .option("--json", "print it as JSON")
    .addHelpText("after", EXAMPLES);
  const list = async (flags: ListFlags): Promise<void> => {
    const { runNotifyList } = await import("../commands/notify.ts");
    await withPager(flags, io, (paged) => runNotifyList(flags, paged));
  };
  notify.action((flags) => list(flags));
  notify
    .command("list")
    .configureHelp({ showGlobalOptions: true })
    .summary("list notifications, the newest first")
    .description("Lists notifications, the newest first: when, how bad, what became of it, and what it is about.")
    .action((_flags, command: Command) => list(command.optsWithGlobals()));
  notify
    .command("show")
    .configureHelp({ showGlobalOptions: true })
    .summary("show one notification")
    .description("Shows one notification: its text as it was sent, to whom, when, and what confirms it.")
    .argument("<number>", "its number, or its mark as the text has it: #3-14")
    .action(async (number: string, _flags, command: Command) => {
      const { runNotifyShow } = await import("../commands/notify.ts");
      await runNotifyShow(number, command.optsWithGlobals(), io);
    });
  notify
    .command("run")
    .configureHelp({ showGlobalOptions: true })
    .summary("send what is due")
    .description(
      "Sends the notifications that are due, 20 at most, and puts those back in line that no channel took. For the clock: every minute, by contrib's timer. Exit 0 also when something waits to be tried again; exit 3 when the secret of a channel cannot be read.",
    )
    .option("--follow", "go on until a signal ends it")
    .option("-q, --quiet", "print nothing but errors")
    .action(async (_flags, command: Command) => {
      const { runNotifyRun } = await import("../commands/notify-run.ts");
      setStatus(await runNotifyRun(command.optsWithGlobals(), io), { endsBySignal: command.opts()["follow"] === true });
    });
  notify
    .command("test")
    .configureHelp({ showGlobalOptions: true })
    .summary("send a test to one channel")
    .description("Sends a test to one channel, once. Exit 1 when the channel does not take it.")
    .argument("<channel>", "its name in the configuration")
    .action(async (channel: string, _flags, command: Command) => {
      const { runNotifyTest } = await import("../commands/notify-run.ts");
      setStatus(await runNotifyTest(channel, command.optsWithGlobals(), io));
    });
  for (const { name, summary, description } of CHANGES) {
    const change = notify
      .command(name)
      .configureHelp({ showGlobalOptions: true })
      .summary(summary)
      .description(description)
      .argument("[numbers...]", "their numbers");
    if (name === "retry") change.option("--failed", "all that have failed");
    change.action(async (numbers: string[], _flags, command: Command) => {
      const { runNotifyChange } = await import("../commands/notify.ts");
      await runNotifyChange(name, numbers, command.optsWithGlobals(), io);
    });
  }
  notify
    .command("stats")
    .configureHelp({ showGlobalOptions: true })
    .summary("count notifications by status, channel and tier")
    .description(
      "Counts notifications by status, channel and tier, with the mean time to confirmation, and shows which channels are blocked and why.",
    )
    .action(async (_flags, command: Command) => {
      const { runNotifyStats } = await import("../commands/notify.ts");
      await runNotifyStats(command.optsWithGlobals(), io);
    });
}

const MOST_ROWS = 1_000_000;

type ListFlags = Parameters<typeof import("../commands/notify.ts")["runNotifyList"]>[0] & { readonly pager: boolean };

const CHANGES = [
  {
    name: "retry",
    summary: "send again what failed or was cancelled",
    description:
      "Puts notifications that failed or were cancelled in line again, from their first tier, and has those that wait tried at once.",
  },
  {
    name: "cancel",
    summary: "take off what was not sent yet",
    description: "Takes notifications off that wait or have failed. One that was sent cannot be taken back.",
  },
] as const;
