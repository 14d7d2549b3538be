import type { Coverage } from "../../coverage/holes.ts";
import { PilotError } from "../../errors.ts";
import { messageIdTime } from "../../parse/message-id.ts";
import { describeCoverage, mendHoles } from "../../render/coverage-text.ts";
import { formatTime } from "../../render/form/format.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderChain } from "../../render/trace/chain-tree.ts";
import { renderChoices } from "../../render/trace/choices.ts";
import { renderTracePage } from "../../render/trace/page.ts";
import type { TimelineGrouping } from "../../render/trace/threads.ts";
import type { MessageKey, MessageRow } from "../../store/read/message-reader.ts";
import type { Reader } from "../../store/reader.ts";
import type { Filter } from "../../store/search/filter.ts";
import { buildChain } from "../../trace/chain.ts";
import { findMessages, suggestIds } from "../../trace/find-messages.ts";
import type { Trace } from "../../trace/result.ts";
import { readSubject, type Subject } from "../../trace/subject.ts";
import { traceAll } from "../../trace/trace.ts";
import { epochMs, HOUR_MS, toIso } from "../../units.ts";
import { accountOf } from "../account.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { coverageOf, coverageUpToLast } from "../coverage.ts";
import { type FilterFlags, readFilter } from "../flags/filter-flags.ts";
import { commonTimeZone } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { NotBrief } from "../quick.ts";
import { redactor } from "../redactor.ts";

export interface TraceFlags extends DatabaseFlags, FilterFlags {
  /** From 1. */
  readonly pick?: number;
  /** Most messages to choose from. */
  readonly limit: number;
  readonly chain?: boolean;
  readonly by: TimelineGrouping;
  readonly raw?: boolean;
  readonly redact?: boolean;
  readonly json?: boolean;
}

/** Other messages looked at, at most, to say that filters leave them out. */
const MOST_OTHERS = 20;

/** Prints the message, or those to choose from; returns the exit status. Errors: `usage`, `not_found`, those of the database. */
export async function runTrace(words: readonly string[], flags: TraceFlags, io: Io): Promise<number> {
  const given = words.join(" ");
  const subject = readSubject(given);
  if (subject === undefined) {
    throw new PilotError("usage", "This line names no message.", {
      hint: "Give an id such as 1vwz8c-0005eI-2Q, a Message-ID, an address, or a log line that has an id; `exim-pilot search` finds lines without.",
    });
  }
  if (subject.kind === "broken_id") {
    throw new PilotError("usage", `"${subject.text}" is not an id of Exim's.`, {
      hint: "Ids look like 1vwz8c-0005eI-2Q or 1vwz8c-000000005eI-2QaB; upper and lower case matter.",
    });
  }
  await usingReader(flags, io, async (reader) => {
    const filter = await readFilter(flags, reader, io);
    const found = await findMessages(reader, subject, filter, flags.limit);
    if (found.messages.length === 0) throw await notFound(reader, subject, filter, flags, io);
    const chosen = flags.pick === undefined ? found.messages : [pick(found.messages, flags.pick)];
    const isOne = chosen.length === 1 || (subject.kind === "id" && flags.pick === undefined);
    if (io.isBrief === true) await assertBrief(reader, chosen);
    if (!isOne) return printChoices(reader, chosen, found.isMore, flags, io);
    return flags.chain === true ? printChains(reader, chosen, flags, io) : printPages(reader, chosen, flags, io);
  });
  return 0;
}

/** Read and shown within a tenth of a second. */
const BRIEF_ENTRIES = 500;

async function assertBrief(reader: Reader, keys: readonly MessageKey[]): Promise<void> {
  for (const key of keys) if (await reader.messages.hasMoreEntries(key, BRIEF_ENTRIES)) throw new NotBrief();
}

async function printPages(reader: Reader, rows: readonly MessageRow[], flags: TraceFlags, io: Io): Promise<void> {
  const found = await traceAll(reader, rows, formatTime, notesFor(flags, io));
  const coverage = redactor(flags, io)(coverageOfMessages(reader, found, io));
  const traces = redactor(flags, io)(found);
  if (flags.json === true) {
    io.stdout.write(renderJson("trace", { messages: traces, coverage }));
    return;
  }
  const options = { ...screenOf(io), raw: flags.raw === true, grouping: flags.by };
  io.stdout.write(traces.map((trace) => renderTracePage(trace, coverage, options)).join("\n"));
}

/** The account that notes are shown to; undefined: they are for nobody outside. */
function notesFor({ redact }: TraceFlags, io: Io): string | undefined {
  return redact === true ? undefined : accountOf(io).osUser;
}

/** Coverage of the time in which something can have happened to the messages: until they were finished, or the logs end. */
function coverageOfMessages(reader: Reader, traces: readonly Trace[], io: Io): Coverage {
  const moments = (of: (message: Trace["message"]) => string | null): readonly (number | undefined)[] =>
    traces.map(({ message }) => {
      const at = of(message);
      return at === null ? undefined : Date.parse(at);
    });
  const begun = moments(({ timestamp }) => timestamp).filter((at) => at !== undefined);
  const ended = moments(({ completedAt }) => completedAt);
  const isFinished = ended.every((at) => at !== undefined);
  return coverageUpToLast(
    reader,
    {
      since: epochMs(Math.min(...begun)),
      until: isFinished ? epochMs(Math.max(...ended) + 1) : undefined,
      server: [...new Set(traces.map(({ message }) => message.server))],
    },
    io,
  );
}

async function printChains(reader: Reader, keys: readonly MessageKey[], flags: TraceFlags, io: Io): Promise<void> {
  const found = [];
  for (const key of keys) found.push(await buildChain(reader, key));
  const chains = redactor(flags, io)(found);
  if (flags.json === true) {
    io.stdout.write(renderJson("chain", { chains }));
    return;
  }
  const screen = screenOf(io);
  io.stdout.write(chains.map((chain) => renderChain(chain, screen)).join("\n"));
}

async function printChoices(
  reader: Reader,
  rows: readonly MessageRow[],
  isMore: boolean,
  flags: TraceFlags,
  io: Io,
): Promise<void> {
  const traces = redactor(flags, io)(await traceAll(reader, rows, formatTime));
  if (flags.json === true) {
    const choices = traces.map(({ verdict, message, recipients }: Trace, index) => ({
      number: index + 1,
      verdict,
      message,
      recipients,
    }));
    io.stdout.write(renderJson("choices", { choices, isMore }));
    return;
  }
  io.stdout.write(renderChoices(traces, { ...screenOf(io), isMore }));
}

function pick(messages: readonly MessageRow[], number: number): MessageRow {
  const message = messages[number - 1];
  if (message !== undefined) return message;
  throw new PilotError("usage", `There is no number ${number} to pick.`, {
    hint: `Give a number from 1 to ${messages.length}.`,
  });
}

function describeSubject(subject: Exclude<Subject, { readonly kind: "broken_id" }>): string {
  if (subject.kind === "id") return `message ${subject.id}`;
  return subject.kind === "cut_id"
    ? `message whose id begins with ${subject.text}`
    : `message with or for ${subject.text}`;
}

/** An id tells when the message began to arrive: a deferred or slow one may have been logged up to an hour later. */
const ARRIVAL_MS = HOUR_MS;

/** Explains how much of the time of a missing message was read, and how to read the rest. */
async function explainUnknown(
  reader: Reader,
  subject: Subject,
  filter: Filter,
  flags: TraceFlags,
  io: Io,
): Promise<{ readonly hint: string; readonly details: { readonly coverage: Coverage } }> {
  const bornMs = subject.kind === "id" ? messageIdTime(subject.id) : undefined;
  const asked =
    bornMs === undefined ? filter : { server: filter.server, since: bornMs, until: epochMs(bornMs + ARRIVAL_MS) };
  const coverage = redactor(flags, io)(coverageOf(reader, asked, io));
  const timeZone = commonTimeZone((await reader.search.timeZones(filter.server)).values(), io);
  const when = bornMs === undefined ? "" : `Its id is of ${formatTime(toIso(bornMs), timeZone)} (${timeZone}). `;
  const mend = mendHoles(coverage.holes);
  const how = mend === "" ? "Ingest the logs of its day, rotated ones too." : mend;
  return { hint: `${when}Coverage: ${describeCoverage(coverage, timeZone)} ${how}`, details: { coverage } };
}

async function notFound(
  reader: Reader,
  subject: Exclude<Subject, { readonly kind: "broken_id" }>,
  filter: Filter,
  flags: TraceFlags,
  io: Io,
): Promise<PilotError> {
  const name = describeSubject(subject);
  if (Object.keys(filter).length > 0) {
    const others = (await findMessages(reader, subject, {}, MOST_OTHERS)).messages;
    if (others.length > 0) {
      const servers = [...new Set(others.map(({ server }) => server))];
      const where = servers.join(" and ");
      return new PilotError("not_found", `No ${name} matches the filters; without them there is one on ${where}.`, {
        hint: "Leave filters out to see it.",
        servers,
      });
    }
  }
  const [similar] = await suggestIds(reader, subject);
  if (similar !== undefined) {
    return new PilotError("not_found", `The database knows no ${name}.`, {
      hint: `Did you mean ${similar}? Upper and lower case matter in ids.`,
    });
  }
  if (subject.kind !== "id" && subject.kind !== "cut_id" && /^[\w-]+(?:\.[\w-]+)+$/.test(subject.text)) {
    return new PilotError("not_found", `The database knows no ${name}.`, {
      hint: `For a domain or a host there is search: \`exim-pilot search --domain ${subject.text}\`, \`--host\`.`,
    });
  }
  return new PilotError(
    "not_found",
    `The database knows no ${name}.`,
    await explainUnknown(reader, subject, filter, flags, io),
  );
}
