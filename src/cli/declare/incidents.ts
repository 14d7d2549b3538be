/** The command `incidents`, its parts and their flags. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { IncidentAction } from "../../store/incidents/incidents.ts";
import { DAY_MS } from "../../units.ts";
import { parseDuration } from "../../when.ts";
import { collectText, toDurationMs, toWhen, wholeNumber } from "../flags/flag-values.ts";
import type { Io } from "../io.ts";
import { withPager } from "../terminal/pager.ts";
import type { CommandGroup, SetStatus } from "./command.ts";
import { addNotify } from "./notify.ts";
import { redactOption, withAudit, withPaging } from "./shared-flags.ts";

const STATUSES = ["open", "acknowledged", "over", "resolved", "false_alarm"];
const SEVERITIES = ["warning", "serious", "critical"] as const;

const INCIDENTS_EXAMPLE = `
Rules, and the thresholds that the configuration may change, are explained by
exim-pilot help incidents.

Examples:
  exim-pilot incidents
  exim-pilot incidents detect --fail-if 'open>=serious'
  exim-pilot incidents show 14
  exim-pilot incidents resolve 14 password changed, queue cleaned
  exim-pilot incidents mute hacked_account news@shop.example --for 30d \\
    --reason mailing`;

function addIncidents(program: Command, io: Io, setStatus: SetStatus): void {
  const incidents = withPaging(withAudit(program.command("incidents")))
    .summary("what went wrong, for how long, and what to do")
    .description(
      "Lists incidents: stolen accounts, attacks, bounces, providers that slow us down, outages. They are found by `incidents detect`, or while logs are read with `ingest --detect`, and stay until they are pruned.",
    )
    .addOption(
      new Option("--status <status>", "only with this status (can be repeated)").argParser(
        oneOf(STATUSES, "Statuses are"),
      ),
    )
    .option("--kind <kind>", "only of this kind (can be repeated)", collectText)
    .option("--since <when>", "only those that lasted until then or longer", toWhen)
    .option("-s, --server <name>", "only of this server (can be repeated)", collectText)
    .option("--all", "with those that are muted")
    .addOption(new Option("--csv", "comma-separated values, with a heading").conflicts("json"))
    .addOption(redactOption())
    .option("--json", "print everything as JSON")
    .addHelpText("after", INCIDENTS_EXAMPLE);
  incidents.action(async (flags) => {
    const { runIncidents } = await import("../commands/incidents.ts");
    await withPager(flags, io, (paged) => runIncidents(flags, paged));
  });
  incidents
    .command("detect")
    .configureHelp({ showGlobalOptions: true })
    .summary("look for incidents in the lines that were read")
    .description(
      "Looks for incidents from where it came to the last time, or from the first line. The same lines and thresholds give the same incidents, however often it runs. For cron: exits 1 when the condition of --fail-if holds.",
    )
    .option("--again", "begin with the first line; what people said stays")
    .option("-q, --quiet", "print nothing but errors")
    .addOption(
      new Option("--fail-if <condition>", "open>=serious: an incident of this severity is open").argParser(toCondition),
    )
    .addOption(
      new Option(
        "--silence <duration>",
        "with --fail-if, how old the newest line of a server may be (default: three times what is usual at that hour of the week, and 1h at least); 0: any age",
      ).argParser(toDurationMs),
    )
    .action(async (_flags, command: Command) => {
      const { runDetect } = await import("../commands/incidents.ts");
      setStatus(await runDetect(command.optsWithGlobals(), io));
    });
  incidents
    .command("show")
    .configureHelp({ showGlobalOptions: true })
    .summary("everything known about an incident")
    .description("Shows what happened, how it compares with what is usual, which messages show it, and what to do.")
    .argument("<number>", "its number", wholeNumber(1))
    .action(async (id: number, _flags, command: Command) => {
      const { runShowIncident } = await import("../commands/incidents.ts");
      await runShowIncident(id, command.optsWithGlobals(), io);
    });
  for (const [name, action, summary, description] of JUDGEMENTS)
    incidents
      .command(name)
      .configureHelp({ showGlobalOptions: true })
      .summary(summary)
      .description(description)
      .argument("<number>", "its number", wholeNumber(1))
      .argument("[words...]", "a note")
      .action(async (id: number, words: string[], _flags, command: Command) => {
        const { runJudge } = await import("../commands/incidents.ts");
        await runJudge(id, action, words, command.optsWithGlobals(), io);
      });
  incidents
    .command("mute")
    .configureHelp({ showGlobalOptions: true })
    .summary("send no notification of a kind and subject")
    .description(
      "Keeps incidents of a kind and subject out of lists and notifications, for a time or for good. They are found all the same. Without arguments lists what is muted.",
    )
    .argument("[kind]", "its kind")
    .argument("[subject]", "its subject, as show tells it")
    .option("--for <span>", "for so long: 12h, 30d (default: for good)", toSpan)
    .option("--reason <text>", "why")
    .addOption(new Option("--off", "list it and send notifications again").conflicts(["for", "reason"]))
    .action(async (kind: string | undefined, subject: string | undefined, _flags, command: Command) => {
      const { runMute } = await import("../commands/incidents.ts");
      await runMute(kind, subject, command.optsWithGlobals(), io);
    });
}

const JUDGEMENTS: readonly (readonly [name: string, action: IncidentAction, summary: string, description: string])[] = [
  [
    "acknowledge",
    "acknowledge",
    "say that somebody is on it",
    "Says that somebody is on it: it is listed, and no longer counts for --fail-if.",
  ],
  [
    "resolve",
    "resolve",
    "say that it is mended",
    "Says that it is mended. What follows within six hours still belongs to it; later it is a new incident.",
  ],
  ["reopen", "reopen", "take back what was said", "Gives it back the status that its lines give it."],
  ["false-alarm", "false_alarm", "say that nothing was wrong", "Says that nothing was wrong."],
];

function oneOf(names: readonly string[], sentence: string) {
  return (value: string, previous: readonly string[] = []): readonly string[] => {
    if (names.includes(value)) return [...previous, value];
    throw new InvalidArgumentError(`${sentence} ${names.join(", ")}.`);
  };
}

function toCondition(value: string): { readonly least: (typeof SEVERITIES)[number] } {
  const least = SEVERITIES.find((severity) => value.replaceAll(" ", "") === `open>=${severity}`);
  if (least !== undefined) return { least };
  throw new InvalidArgumentError(`Conditions are ${SEVERITIES.map((severity) => `open>=${severity}`).join(", ")}.`);
}

/** Longest time that a mute lasts other than for good. */
const MOST_DAYS = 3650;

function toSpan(value: string): number {
  const ms = parseDuration(value);
  if (ms !== undefined && ms > 0 && ms <= MOST_DAYS * DAY_MS) return ms;
  throw new InvalidArgumentError("Give a time such as 12h, 30d or 8w, up to ten years.");
}

export const INCIDENTS: CommandGroup = {
  heading: "Incidents, and who hears of them",
  commands: [
    {
      name: "incidents",
      words: "alarm alarms alert alerts anomalies anomaly detect incident outage outages",
      add: addIncidents,
    },
    {
      name: "notify",
      words:
        "channels mail matrix notification notifications notifier ntfy outbox page pager send slack telegram webhook",
      add: addNotify,
    },
  ],
};
