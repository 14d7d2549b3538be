import { statSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { fromKept, fromRejectLog, redactContent } from "../../content/kept-content.ts";
import type { ContentReport } from "../../content/result.ts";
import { PilotError } from "../../errors.ts";
import { type MessageStatus, OPEN_STATUSES } from "../../message/statuses.ts";
import { isMessageId } from "../../parse/message-id.ts";
import { parseEntryText } from "../../parse/record.ts";
import { findInSpool, findSpool } from "../../queue/spool-directory.ts";
import { type ContentPart, renderContent } from "../../render/content-page.ts";
import { renderJson } from "../../render/form/json.ts";
import { writePrivateFile } from "../../store/files/private-file.ts";
import { isSystemError, translateSystemError } from "../../store/files/system-errors.ts";
import { MIB } from "../../units.ts";
import { type AuditFlags, audited } from "../audited.ts";
import type { ContentItem } from "../children/content-source.ts";
import { type DatabaseFlags, screenOf, toStoreSettings, usingReader } from "../context.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";

export interface ContentFlags extends DatabaseFlags, AuditFlags {
  readonly spool?: string;
  readonly file?: string;
  readonly server?: string;
  readonly headers?: boolean;
  readonly text?: boolean;
  readonly html?: boolean;
  readonly attachments?: boolean;
  /** Place of an attachment. */
  readonly save?: number;
  readonly output?: string;
  /** Bytes. */
  readonly limit: number;
  readonly reason?: string;
  readonly redact?: boolean;
  readonly json?: boolean;
}

interface Found {
  readonly report: ContentReport;
  readonly saved: Buffer | undefined;
}

const MOST_INPUT_BYTES = 100 * MIB;

/** Prints what is in a message; nothing of it is run or fetched. Errors: `usage`, `not_found`, `unreadable`, those of the database. */
export async function runContent(id: string | undefined, flags: ContentFlags, io: Io): Promise<number> {
  assertFlags(id, flags);
  const affected = ({ report }: Found): object => ({ id: report.id, origin: report.origin, sha256: report.sha256 });
  const action = { action: "content", parameters: parametersOf(id, flags), affected, takesOut: true };
  // NOTE: recorded before anything is read, and again when it is there to be shown.
  const { report, saved } = await audited(action, toStoreSettings(flags, io), flags, io, () => find(id, flags, io));
  if (flags.save !== undefined && flags.output !== undefined)
    return saveAttachment(flags.save, flags.output, saved, report, io);
  const shown = flags.redact === true ? redactor(flags, io)({ ...report, ...redactContent(report) }) : report;
  io.stdout.write(
    flags.json === true
      ? renderJson("content", shown)
      : renderContent(shown, partsOf(flags), { ...screenOf(io), timeZone: io.timeZone }),
  );
  return 0;
}

function assertFlags(id: string | undefined, { file, spool, save, output }: ContentFlags): void {
  if (id === undefined && file === undefined) {
    throw new PilotError("usage", "No message is named.", {
      hint: "Give its id, as in `exim-pilot content 1vwz8c-0005eI-2Q`, or a file with --file.",
    });
  }
  if (id !== undefined && file !== undefined) {
    throw new PilotError("usage", "Both a message and a file are named.", { hint: "Leave one of them out." });
  }
  if (file !== undefined && spool !== undefined) {
    throw new PilotError("usage", "Both a spool and a file are named.", { hint: "Leave one of them out." });
  }
  if (id !== undefined && !isMessageId(id)) {
    throw new PilotError("usage", `"${id}" is not an id of Exim's.`, {
      hint: "Ids look like 1vwz8c-0005eI-2Q or 1vwz8c-000000005eI-2QaB; upper and lower case matter.",
    });
  }
  if ((save === undefined) !== (output === undefined)) {
    throw new PilotError("usage", "An attachment is saved with both --save and --output.", {
      hint: "Give its number and a new file: `--save 1 --output invoice.pdf`.",
    });
  }
}

function parametersOf(id: string | undefined, { spool, file, server, save, output, reason }: ContentFlags): object {
  return { id, spool, file, server, save, output, reason };
}

async function find(id: string | undefined, flags: ContentFlags, io: Io): Promise<Found> {
  if (id === undefined) {
    const item = await fileItem(flags.file ?? "-", io);
    return read(item, { id: null, origin: "file", server: null, capturedAt: null }, flags, io);
  }
  const spool = flags.spool ?? findSpool(io.systemRoot ?? "/");
  const place = spool === undefined ? undefined : findPlace(spool, id, flags, io);
  if (place !== undefined)
    return read(
      { kind: "spool", place },
      { id, origin: "spool", server: flags.server ?? null, capturedAt: null },
      flags,
      io,
    );
  const kept = await findKept(id, flags, io);
  if (kept !== undefined) return { report: kept, saved: undefined };
  const refused = await findRefused(id, flags, io);
  if (refused !== undefined) return { report: refused, saved: undefined };
  throw notThere(id, spool, await placeInLog(id, flags, io));
}

type LoggedPlace = "left" | "waits" | "unknown";

/** Statuses of messages that are on the queue while they are not completed. */
const WAITING: readonly string[] = [...OPEN_STATUSES, "partial"] satisfies MessageStatus[];

/** Where the log has a message. Errors: those of the database. */
async function placeInLog(id: string, flags: ContentFlags, io: Io): Promise<LoggedPlace> {
  if (statSync(flags.db, { throwIfNoEntry: false }) === undefined) return "unknown";
  return usingReader(flags, io, async ({ messages }) => {
    const found = (await messages.find(id)).filter(({ server }) => (flags.server ?? server) === server);
    if (found.length === 0) return "unknown";
    return found.some(({ completed_at, status }) => completed_at === null && WAITING.includes(status))
      ? "waits"
      : "left";
  });
}

/** `spool`: the one that was looked at. */
function notThere(id: string, spool: string | undefined, log: LoggedPlace): PilotError {
  const where = spool === undefined ? "no spool was found here" : `it is not in the spool "${spool}"`;
  if (log === "unknown") {
    return new PilotError("not_found", `The message ${id} is not known: ${where}, and no log that was read has it.`, {
      hint: "Check the id. `exim-pilot ingest` reads the log that has it; --spool names the spool, and --db the database.",
    });
  }
  if (log === "waits") {
    return new PilotError("not_found", `The log has ${id} on the queue, but ${where}, and nothing of it was kept.`, {
      hint: "Name the spool of its server with --spool, or run this there. `exim-pilot ingest` reads how it left, if it did.",
    });
  }
  return new PilotError("not_found", `The content of ${id} is not on the queue any more, and nothing of it was kept.`, {
    hint: "Exim removes it at the last delivery. `queue snapshot --content preview` keeps what waits; `exim-pilot trace` shows what the log tells.",
  });
}

/** A spool that nobody named, and this user may not read, is none. */
function findPlace(spool: string, id: string, flags: ContentFlags, io: Io) {
  try {
    return findInSpool(spool, id);
  } catch (error) {
    if (flags.spool !== undefined || !(error instanceof PilotError) || error.code !== "unreadable") throw error;
    io.stderr.write(`note: the spool was not looked at: ${error.message}\n`);
    return undefined;
  }
}

async function fileItem(file: string, io: Io): Promise<ContentItem> {
  if (file === "-") {
    const bytes = await buffer(io.stdin);
    if (bytes.length > MOST_INPUT_BYTES) throw tooLarge("Standard input");
    return { kind: "bytes", base64: bytes.toString("base64") };
  }
  try {
    const stats = statSync(file);
    if (!stats.isFile()) {
      throw new PilotError("usage", `"${file}" is no regular file.`, {
        hint: 'Give a message as a file, or "-" for standard input.',
      });
    }
    if (stats.size > MOST_INPUT_BYTES) throw tooLarge(`"${file}"`);
    return { kind: "file", path: file };
  } catch (error) {
    throw isSystemError(error) ? translateSystemError(error, file) : error;
  }
}

function tooLarge(what: string): PilotError {
  return new PilotError("usage", `${what} is larger than ${MOST_INPUT_BYTES / MIB} MiB.`, {
    hint: "No server takes such a message.",
  });
}

type Origin = Pick<ContentReport, "id" | "origin" | "server" | "capturedAt">;

async function read(item: ContentItem, origin: Origin, flags: ContentFlags, io: Io): Promise<Found> {
  const { readContents } = await import("../children/contents.ts");
  const wish = { limit: flags.limit, headersOnly: false, ...(flags.save !== undefined && { save: flags.save }) };
  for await (const outcome of readContents([item], wish, io)) {
    if (outcome.kind === "gone") {
      throw new PilotError("not_found", "It has left the queue meanwhile.", {
        hint: "`exim-pilot trace` shows what became of it.",
      });
    }
    if (outcome.kind === "damaged") {
      throw new PilotError("unreadable", `The message cannot be read. ${outcome.reason}`, {
        hint: "`exim -Mvh` and `exim -Mvb` print what Exim makes of it.",
      });
    }
    const { content, savedBase64 } = outcome;
    return {
      report: { ...origin, ...content },
      saved: savedBase64 === undefined ? undefined : Buffer.from(savedBase64, "base64"),
    };
  }
  throw new Error("One item has one outcome.");
}

async function findKept(id: string, flags: ContentFlags, io: Io): Promise<ContentReport | undefined> {
  if (statSync(flags.db, { throwIfNoEntry: false }) === undefined) return undefined;
  const found = await usingReader(flags, io, async ({ contents }) => contents.find(id, flags.server));
  const kept = onlyOne(found, id);
  if (kept === undefined) return undefined;
  return { id, origin: "kept", server: kept.server, capturedAt: kept.capturedAt, ...fromKept(kept) };
}

/** The headers that the reject log has of it. */
async function findRefused(id: string, flags: ContentFlags, io: Io): Promise<ContentReport | undefined> {
  if (statSync(flags.db, { throwIfNoEntry: false }) === undefined) return undefined;
  const found = await usingReader(flags, io, async ({ messages }) => {
    const reports: (ContentReport & { readonly server: string })[] = [];
    for (const { server } of await messages.find(id)) {
      if (flags.server !== undefined && server !== flags.server) continue;
      const dumps = (await messages.entriesOf({ id, server })).flatMap(({ timestamp, bytes }) => {
        const dump = parseEntryText(bytes ?? "")?.headerDump;
        return dump === undefined || dump.headers.length === 0 ? [] : [{ dump, capturedAt: timestamp }];
      });
      const last = dumps.at(-1);
      if (last === undefined) continue;
      reports.push({ id, origin: "reject_log", server, capturedAt: last.capturedAt, ...fromRejectLog(last.dump) });
    }
    return reports;
  });
  return onlyOne(found, id);
}

/** Errors: `usage` when several servers have it. */
function onlyOne<Found extends { readonly server: string }>(found: readonly Found[], id: string): Found | undefined {
  if (found.length < 2) return found[0];
  const servers = found.map(({ server }) => server);
  throw new PilotError("usage", `Several servers have a message ${id}.`, {
    hint: `Say whose with --server: ${servers.join(", ")}.`,
    servers,
  });
}

function partsOf({ headers, text, html, attachments }: ContentFlags): readonly ContentPart[] {
  const wanted: ContentPart[] = [];
  if (headers === true) wanted.push("headers");
  if (text === true) wanted.push("text");
  if (html === true) wanted.push("html");
  if (attachments === true) wanted.push("attachments");
  return wanted;
}

function saveAttachment(
  place: number,
  output: string,
  saved: Buffer | undefined,
  report: ContentReport,
  io: Io,
): number {
  if (report.origin === "reject_log") {
    throw new PilotError("not_found", "The reject log has the headers of the message, and no attachments.", {
      hint: "Exim keeps nothing else of a message that it refuses.",
    });
  }
  if (report.origin === "kept") {
    throw new PilotError("not_found", "The bytes of attachments are not kept.", {
      hint: "They are there as long as the message is on the queue.",
    });
  }
  if (saved === undefined) {
    throw new PilotError("not_found", `There is no attachment ${place}.`, {
      hint: report.attachments.length === 0 ? "The message has none." : `There are ${report.attachments.length}.`,
    });
  }
  writePrivateFile(output, saved, { replaces: false });
  io.stderr.write("note: what was saved came from a stranger, and is as it was sent.\n");
  return 0;
}
