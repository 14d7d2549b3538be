/** Incidents as pages. */
import type { IncidentDetails, IncidentSummary } from "../../incidents/incidents.ts";
import type { DetectedServer } from "../answers.ts";
import { renderCsvRow } from "../form/csv.ts";
import { countOf, formatCount, formatTime } from "../form/format.ts";
import { renderColumns, renderHanging } from "../form/layout.ts";
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

/** `goes on`, or when it ended. */
function endOf({ end, status }: IncidentSummary, timeZone: string): string {
  const time = end === null ? "goes on" : `until ${formatTime(end, timeZone).slice(0, MINUTES)}`;
  return status === "open" || status === "over" ? time : `${time}, ${status.replace("_", " ")}`;
}

export function renderIncidents(incidents: readonly IncidentSummary[], { columns, paint, timeZone }: Screen): string {
  const goingOn = incidents.filter(({ status }) => status === "open" || status === "acknowledged").length;
  const blocks = incidents.map((incident) => {
    const { id, start, title, server } = incident;
    const since = formatTime(start, timeZone).slice(0, MINUTES);
    const head = `${String(id).padStart(4)}  ${since}  ${severityOf(incident, paint)}  ${toVisibleLine(server)}, ${endOf(incident, timeZone)}`;
    return `${head}\n${renderHanging("      ", toVisibleLine(title), 6, columns)}`;
  });
  const [first] = incidents;
  const hint = first === undefined ? "" : ` Show one: exim-pilot incidents show ${first.id}`;
  const sum = `${countOf(incidents.length, "incident")}, ${goingOn === 0 ? "none of which goes on" : `${formatCount(goingOn)} open`}. Times are of ${timeZone}.${hint}`;
  return `${[...blocks, paint.faint(sum)].join("\n")}\n`;
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

export function renderIncident(incident: IncidentDetails, { columns, paint, timeZone }: Screen): string {
  const time = (iso: string): string => formatTime(iso, timeZone);
  const { id, server, type, title, description, start, fired, end, status, usual, hours, author } = incident;
  const facts: [string, string][] = [
    ["Server", server],
    ["Kind", type],
    ["Status", status.replace("_", " ") + (author === null ? "" : `, by ${author}`)],
    ["Since", `${time(start)} (${timeZone})`],
    ["Found by", `the line of ${time(fired)}`],
    ["Until", end === null ? "goes on" : time(end)],
    ...(incident.previousId === null ? [] : [["Before", `incident ${incident.previousId}`] as [string, string]]),
    ...(incident.isMuted ? [["Muted", "nobody is told of it"] as [string, string]] : []),
  ];
  const shown = renderColumns(facts.map(([name, text]) => [paint.faint(name), toVisibleLine(text)]));
  const counts = hours.map(({ count }) => count);
  const strip = [
    `|${stripOf(counts)}|  ${formatCount(Math.max(...counts))} an hour at most${usual === null ? "" : `, usually ${formatCount(usual)}`}`,
    paint.faint(
      `24 hours up to ${time(incident.last).slice(0, MINUTES)}; ${formatCount(hours.filter(({ isMet }) => isMet).length)} of them met the rule`,
    ),
    renderHanging("Thresholds  ", thresholdsOf(incident), 12, columns),
  ];
  const { messages, messageCount } = incident;
  const evidence =
    messageCount === 0
      ? []
      : [
          "",
          `Messages (${formatCount(messageCount)} are named)`,
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
      `  ${time(at).slice(0, MINUTES)}  `,
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
    ...(words.length === 0 ? [] : ["", "Said", ...words]),
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
  const rows = incidents.map((incident) => renderCsvRow(CSV_COLUMNS.map((column) => incident[column])));
  return renderCsvRow(CSV_COLUMNS) + rows.join("");
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
          `${toVisibleLine(server)}: the newest line is of ${formatTime(newest, timeZone)} (${timeZone}), so nothing is said to go on.`,
        ]
      : []),
  ]);
  const changes = found.reduce((sum, server) => sum + server.changes.length, 0);
  return `${[...lines, changes === 0 ? "No incident changed." : `${countOf(changes, "incident")} changed.`].join("\n")}\n`;
}
