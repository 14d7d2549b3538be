/** The content of a message, for people. All of it came from a stranger: no control byte of it reaches the terminal. */
import type { ContentAttachment, ContentReport } from "../content/result.ts";
import { countOf, formatBytes, formatCount, formatZonedTime } from "./form/format.ts";
import { renderHanging } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";
import { toVisible, toVisibleLine } from "./form/terminal-text.ts";

export type ContentPart = "headers" | "text" | "html" | "attachments";

interface Screen {
  readonly columns: number;
  readonly paint: Paint;
  readonly timeZone: string;
}

const MAIN_HEADERS = ["From", "To", "Cc", "Subject", "Date", "Message-ID"];
const LABEL_WIDTH = 12;

/** `parts`: those that were asked for; none: what people look at first. */
export function renderContent(report: ContentReport, parts: readonly ContentPart[], screen: Screen): string {
  const isWanted = (part: ContentPart): boolean => parts.length === 0 || parts.includes(part);
  const sections = [
    parts.length === 0 ? renderTitle(report, screen) : "",
    isWanted("headers") ? renderHeaders(report, parts.includes("headers"), screen) : "",
    isWanted("text") && (report.text !== null || parts.includes("text"))
      ? renderText("Text", report.text, report, screen)
      : "",
    isWanted("html") &&
    (parts.includes("html") || report.text === null) &&
    (report.htmlText !== null || parts.includes("html"))
      ? renderText("Text of the HTML", report.htmlText, report, screen)
      : "",
    isWanted("attachments") ? renderAttachments(report, screen) : "",
    parts.length === 0 ? renderVerdict(report, screen) : "",
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

const ORIGINS: Readonly<Record<ContentReport["origin"], string>> = {
  spool: "on the queue",
  file: "from a file",
  kept: "stored from the queue",
  reject_log: "from the reject log",
};

function renderTitle(report: ContentReport, { columns, paint, timeZone }: Screen): string {
  const { id, origin, server, capturedAt, sizeBytes } = report;
  const where = server === null ? "" : ` of ${toVisibleLine(server)}`;
  const when = capturedAt === null ? "" : ` at ${formatZonedTime(capturedAt, timeZone)}`;
  const name = id === null ? "Message" : paint.strong(toVisibleLine(id));
  const size = sizeBytes === null ? "headers only" : formatBytes(sizeBytes);
  return renderHanging("", `${name}  ${ORIGINS[origin]}${where}${when}, ${size}`, 2, columns);
}

function renderHeaders({ headers }: ContentReport, isAll: boolean, { columns, paint }: Screen): string {
  const shown = isAll
    ? headers
    : MAIN_HEADERS.flatMap((name) =>
        headers.filter((header) => header.name.toLowerCase() === name.toLowerCase()).slice(0, 1),
      );
  const passed = headers.filter(({ name }) => name.toLowerCase() === "received").length;
  const lines = shown.map(({ name, value }) =>
    isAll
      ? renderHanging("", `${paint.faint(`${toVisibleLine(name)}:`)} ${toVisibleLine(value)}`, 2, columns)
      : renderHanging(paint.faint(toVisibleLine(name).padEnd(LABEL_WIDTH)), toVisibleLine(value), LABEL_WIDTH, columns),
  );
  if (!isAll && passed > 0) lines.push(`${paint.faint("Hops".padEnd(LABEL_WIDTH))}${formatCount(passed)}`);
  return lines.length === 0 ? "It has no headers." : lines.join("\n");
}

function renderText(title: string, text: string | null, { previewLimited }: ContentReport, { paint }: Screen): string {
  if (text === null) return `${paint.strong(title)}\n  ${previewLimited ? "None was read." : "There is none."}`;
  const lines = toVisible(text.replace(/\r\n?/g, "\n")).trimEnd().split("\n");
  return `${paint.strong(title)}\n${lines.map((line) => (line === "" ? "" : `  ${line.trimEnd()}`)).join("\n")}`;
}

function renderAttachments({ attachments, previewLimited }: ContentReport, screen: Screen): string {
  const { paint } = screen;
  if (attachments.length === 0) return previewLimited ? "No attachment was read." : "No attachments.";
  return [paint.strong("Attachments"), ...attachments.flatMap((one) => renderAttachment(one, screen))].join("\n");
}

function renderAttachment(one: ContentAttachment, { columns, paint }: Screen): readonly string[] {
  const { place, filename, contentType, detected, sizeBytes, sha256, findings } = one;
  const label = `  ${place}  `;
  const name = filename === null ? "(no name)" : toVisibleLine(filename);
  const kind = detected === null ? toVisibleLine(contentType) : `${toVisibleLine(contentType)}, ${detected}`;
  return [
    renderHanging(label, `${paint.strong(name)}  ${kind}  ${formatBytes(sizeBytes)}`, label.length, columns),
    renderHanging(" ".repeat(label.length), paint.faint(`sha256 ${sha256}`), label.length, columns),
    ...findings.map((found) => renderHanging(" ".repeat(label.length), paint.bad(found), label.length, columns)),
  ];
}

function renderVerdict(
  { contentSafe, previewLimited, findings, remoteResources, attachments }: ContentReport,
  screen: Screen,
): string {
  const { columns, paint } = screen;
  const suspicious = attachments.filter((one) => one.findings.length > 0);
  const others = findings.filter(
    (found) =>
      !suspicious.some(
        (one) => found.startsWith(`Attachment ${one.place}`) && one.findings.some((end) => found.endsWith(`: ${end}`)),
      ),
  );
  const lines = contentSafe ? ["Nothing active was found; that does not make it harmless."] : others.map(toVisibleLine);
  if (remoteResources > 0) lines.push(`The HTML would load ${countOf(remoteResources, "remote resource")}.`);
  if (suspicious.length > 0) lines.push(`For ${nameAll(suspicious)}, see above.`);
  if (previewLimited) lines.push("The content is incomplete: something was cut or left out.");
  const title = contentSafe ? "" : `${paint.strong("Warnings")}\n`;
  return `${title}${lines.map((line) => renderHanging("", line, 0, columns)).join("\n")}`;
}

/** `attachment 2`, `attachments 1 and 3`. */
function nameAll(attachments: readonly ContentAttachment[]): string {
  const places = attachments.map(({ place }) => String(place)).join(", ");
  return `${attachments.length === 1 ? "attachment" : "attachments"} ${places.replace(/, (?=[^,]*$)/, " and ")}`;
}
