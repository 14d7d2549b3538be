/** Incidents as pages. */
import type { IncidentDetails, IncidentSummary } from "../../incidents/incidents.ts";
import type { DetectedServer } from "../answers.ts";
import { renderVisibleCsvRow } from "../form/csv.ts";
import { renderFacts, renderFittingTable } from "../form/fitting-table.ts";
import { countOf, formatCount, formatTime, formatZonedTime } from "../form/format.ts";
import { renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

interface Screen {
  readonly columns: number;
  readonly paint: Paint;
  readonly timeZone: string;
}

const COLOURS = { critical: "bad", serious: "waiting", warning: "plain" } as const;

function severityOf({ severity }: IncidentSummary, paint: Paint): string {
  return paint[COLOURS[severity]](severity);
}

const MINUTES = "2026-03-02 05:40".length;

/** `ongoing`, or when it ended. */
function endOf({ end, status }: IncidentSummary, timeZone: string): string {
  const time = end === null ? "ongoing" : `until ${formatTime(end, timeZone).slice(0, MINUTES)}`;
  return status === "open" || status === "over" ? time : `${time}, ${status.replace("_", " ")}`;
}

export function renderIncidents(incidents: readonly IncidentSummary[], { columns, paint, timeZone }: Screen): string {
  const goingOn = incidents.filter(({ status }) => status === "open" || status === "acknowledged").length;
  const blocks = incidents.map((incident) => {
    const { id, start, title, server } = incident;
    const since = formatTime(start, timeZone).slice(0, MINUTES);
    const label = `${String(id).padStart(4)}  `;
    const head = `${since}  ${severityOf(incident, paint)}  ${toVisibleLine(server)}, ${endOf(incident, timeZone)}`;
    return `${renderHanging(label, head, label.length, columns)}\n${renderHanging("      ", toVisibleLine(title), 6, columns)}`;
  });
  const [first] = incidents;
  const sums = [
    `${countOf(incidents.length, "incident")}, ${openOf(goingOn, incidents.length)}. Times are in ${timeZone}.`,
    ...(first === undefined ? [] : [`Show one: exim-pilot incidents show ${first.id}`]),
  ].map((line) => paint.faint(renderHanging("", line, 0, columns)));
  return `${[...blocks, ...sums].join("\n")}\n`;
}

function openOf(goingOn: number, count: number): string {
  if (count === 1) return goingOn === 1 ? "which is open" : "which is not open";
  return `${goingOn === 0 ? "none" : formatCount(goingOn)} of them open`;
}

const BARS = " ▁▂▃▄▅▆▇█";

/** A character for each hour, as high as its count. */
function stripOf(counts: readonly number[]): string {
  const most = Math.max(...counts, 1);
  return counts.map((count) => BARS[count === 0 ? 0 : Math.max(1, Math.round((count / most) * 8))] ?? " ").join("");
}

/** `failures 40, times 5`. */
function thresholdsOf({ thresholds }: IncidentDetails): string {
  return Object.entries(thresholds)
    .map(([name, value]) => `${name} ${formatCount(value)}`)
    .join(", ");
}

export function renderIncident(incident: IncidentDetails, screen: Screen): string {
  const { columns, paint, timeZone } = screen;
  const time = (iso: string): string => formatZonedTime(iso, timeZone);
  const minute = (iso: string): string => formatTime(iso, timeZone).slice(0, MINUTES);
  const { id, server, type, subject, title, description, start, fired, end, status, usual, hours, author } = incident;
  const facts: [string, string][] = [
    ["Server", server],
    ["Kind", type],
    ...(subject === "" ? [] : [["Subject", subject] as [string, string]]),
    ["Status", status.replace("_", " ") + (author === null ? "" : `, by ${author}`)],
    ["Since", time(start)],
    ["Detected", `with the line of ${time(fired)}`],
    ["Until", end === null ? "ongoing" : time(end)],
    ...(incident.previousId === null ? [] : [["Previous", `incident ${incident.previousId}`] as [string, string]]),
    ...(incident.isMuted ? [["Muted", "no notification is sent"] as [string, string]] : []),
  ];
  const shown = renderFacts(
    facts.map(([name, text]) => [name, toVisibleLine(text)]),
    screen,
  );
  const counts = hours.map(({ count }) => count);
  const most = `at most ${formatCount(Math.max(...counts))} an hour${usual === null ? "" : `, usually ${formatCount(usual)}`}`;
  const met = formatCount(hours.filter(({ isMet }) => isMet).length);
  const span = `The 24 hours up to ${minute(incident.last)} (${timeZone}); ${met} of them met the rule.`;
  const strip = [
    ...(counts.length + 4 + most.length <= columns
      ? [`|${stripOf(counts)}|  ${most}`]
      : [`|${stripOf(counts)}|`, renderHanging("", most, 0, columns)]),
    paint.faint(renderHanging("", span, 0, columns)),
    renderHanging("Thresholds  ", thresholdsOf(incident), 12, columns),
  ];
  const { messages, messageCount } = incident;
  const evidence =
    messageCount === 0
      ? []
      : [
          "",
          messageCount === messages.length
            ? "Messages"
            : `Messages (${formatCount(messages.length)} of ${formatCount(messageCount)})`,
          ...messages.map((message) => `  ${toVisibleLine(message)}`),
        ];
  const directories =
    incident.directories.length === 0
      ? []
      : [
          "",
          "Handed over in",
          ...incident.directories.map(
            ({ directory, messages: count }) => `  ${toVisibleLine(directory)}  ${countOf(count, "message")}`,
          ),
        ];
  const steps = incident.steps.flatMap(({ text, command }, index) => [
    renderHanging(`  ${index + 1}. `, text, 5, columns),
    ...(command === undefined ? [] : [`       ${toVisibleLine(command)}`]),
  ]);
  const words = incident.words.map(({ at, action, author: who, note }) =>
    renderHanging(
      `  ${minute(at)}  `,
      toVisibleLine(`${who}: ${action.replace("_", " ")}${note === null ? "" : `. ${note}`}`),
      20,
      columns,
    ),
  );
  return `${[
    renderHanging(`Incident ${id}  `, toVisibleLine(title), 2, columns),
    renderHanging("  ", toVisibleLine(description), 2, columns),
    "",
    shown,
    "",
    ...strip,
    ...evidence,
    ...directories,
    "",
    "What to do",
    ...steps,
    ...(words.length === 0 ? [] : ["", `History (${timeZone})`, ...words]),
  ].join("\n")}\n`;
}

const CSV_COLUMNS = [
  "id",
  "server",
  "type",
  "subject",
  "severity",
  "status",
  "title",
  "start",
  "fired",
  "last",
  "end",
  "previousId",
  "author",
  "resolution",
] as const satisfies readonly (keyof IncidentSummary)[];

export function renderIncidentRows(incidents: readonly IncidentSummary[]): string {
  const rows = incidents.map((incident) => renderVisibleCsvRow(CSV_COLUMNS.map((column) => incident[column])));
  return renderVisibleCsvRow(CSV_COLUMNS) + rows.join("");
}

interface Mute {
  readonly type: string;
  /** Empty: the server as a whole. */
  readonly subject: string;
  /** Null: for good. */
  readonly until: string | null;
}

/** Result of muting a kind and subject, or of ending that. */
export function renderMute(
  { type, subject, until, isMuted }: Mute & { readonly isMuted: boolean },
  timeZone: string,
): string {
  const about = subject === "" ? `${type} about the server as a whole` : `${type} about "${toVisibleLine(subject)}"`;
  const end = until === null ? "" : ` until ${formatZonedTime(until, timeZone)}`;
  return isMuted ? `No notification is sent of ${about}${end}.\n` : `Notifications of ${about} are sent again.\n`;
}

export function renderMutes(
  mutes: readonly (Mute & { readonly author: string; readonly reason: string })[],
  screen: Screen,
): string {
  if (mutes.length === 0) return "Nothing is muted.\n";
  const { timeZone } = screen;
  const titles = ["Kind", "Subject", `Until (${timeZone})`, "By", "Reason"];
  const rows = mutes.map(({ type, subject, until, author, reason }) => [
    type,
    subject === "" ? "(server)" : toVisibleLine(subject),
    until === null ? "for good" : formatTime(until, timeZone),
    toVisibleLine(author),
    toVisibleLine(reason),
  ]);
  return `${renderFittingTable({ titles, rows }, screen)}\n`;
}

/** Result of a run, one line for each incident that changed and for each server that has no new lines. */
export function renderDetection(found: readonly DetectedServer[], timeZone: string): string {
  const lines = found.flatMap(({ server, newest, isOld, changes }) => [
    ...changes.map(
      ({ reason, id, severity, title, isMuted }) =>
        `${reason.padEnd(9)} ${id}  ${severity}  ${toVisibleLine(server)}  ${toVisibleLine(title)}${isMuted ? " (muted)" : ""}`,
    ),
    ...(isOld && newest !== null
      ? [
          `${toVisibleLine(server)}: the newest line is of ${formatZonedTime(newest, timeZone)}, so no incident counts as ongoing.`,
        ]
      : []),
  ]);
  const changes = found.reduce((sum, server) => sum + server.changes.length, 0);
  return `${[...lines, changes === 0 ? "No incident changed." : `${countOf(changes, "incident")} changed.`].join("\n")}\n`;
}
