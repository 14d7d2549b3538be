/** The content of a message, for people. All of it came from a stranger: no control byte of it reaches the terminal. */
import type { ContentAttachment, ContentReport } from "../content/result.ts";
import { countOf, formatBytes } from "./form/format.ts";
import { renderHanging } from "./form/layout.ts";
import type { Paint } from "./form/paint.ts";
import { toVisible, toVisibleLine } from "./form/terminal-text.ts";

export type ContentPart = "headers" | "text" | "html" | "attachments";

interface Screen {
  readonly columns: number;
  readonly paint: Paint;
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
  kept: "kept",
  reject_log: "from the reject log",
};

function renderTitle({ id, origin, server, capturedAt, sizeBytes }: ContentReport, { paint }: Screen): string {
  const where = server === null ? "" : ` of ${toVisibleLine(server)}`;
  const when = capturedAt === null ? "" : ` on ${capturedAt.slice(0, 19).replace("T", " ")} UTC`;
  const name = id === null ? "Message" : paint.strong(toVisibleLine(id));
  const size = sizeBytes === null ? "headers only" : formatBytes(sizeBytes);
  return `${name}  ${ORIGINS[origin]}${where}${when}, ${size}`;
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
  if (!isAll && passed > 0) lines.push(`${paint.faint("Passed".padEnd(LABEL_WIDTH))}${countOf(passed, "server")}`);
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
    renderHanging(" ".repeat(label.length), paint.faint(`sha256 ${sha256}`), label.length, Math.max(columns, 80)),
    ...findings.map((found) => renderHanging(" ".repeat(label.length), paint.bad(found), label.length, columns)),
  ];
}

function renderVerdict(
  { contentSafe, previewLimited, findings, remoteResources }: ContentReport,
  screen: Screen,
): string {
  const { columns, paint } = screen;
  const lines = contentSafe
    ? ["Nothing active was found; that does not make it harmless."]
    : findings.map((found) => toVisibleLine(found));
  if (remoteResources > 0) lines.push(`The HTML would fetch ${countOf(remoteResources, "thing")} from elsewhere.`);
  if (previewLimited) lines.push("Something was cut or left out.");
  const title = contentSafe ? "" : `${paint.strong("Look out")}\n`;
  return `${title}${lines.map((line) => renderHanging("", line, 0, columns)).join("\n")}`;
}
