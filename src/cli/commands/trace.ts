import type { Coverage } from "../../coverage/holes.ts";
import { PilotError } from "../../errors.ts";
import { messageIdTime } from "../../parse/message-id.ts";
import type { Evidence } from "../../render/answers.ts";
import { describeCoverage, mendHoles } from "../../render/coverage-text.ts";
import { formatTime } from "../../render/form/format.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderChain } from "../../render/trace/chain-tree.ts";
import { renderChoices } from "../../render/trace/choices.ts";
import { renderEvidence } from "../../render/trace/evidence.ts";
import { renderTracePage } from "../../render/trace/page.ts";
import type { TimelineGrouping } from "../../render/trace/threads.ts";
import type { MessageKey, MessageRow } from "../../store/read/message-reader.ts";
import type { Reader } from "../../store/reader.ts";
import type { Filter } from "../../store/search/filter.ts";
import { buildChain } from "../../trace/chain.ts";
import { readTextStatement, type Statement, timeOf } from "../../trace/evidence.ts";
import { type EvidenceFindings, findEvidence } from "../../trace/find-evidence.ts";
import { type FoundMessages, findMessages, suggestIds } from "../../trace/find-messages.ts";
import type { Trace } from "../../trace/result.ts";
import { type NamedSubject, readSubject } from "../../trace/subject.ts";
import { traceAll } from "../../trace/trace.ts";
import { epochMs, HOUR_MS, toIso } from "../../units.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { coverageOf, coverageUpToLast } from "../coverage.ts";
import { evidenceFile, readEvidenceFile } from "../flags/evidence-in-hand.ts";
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
  const file = evidenceFile(words);
  if (file !== undefined) {
    const { name, statements } = await readEvidenceFile(file, io);
    await usingReader(flags, io, async (reader) => traceEvidence(reader, name, statements, flags, io));
    return 0;
  }
  const given = words.join(" ");
  const subject = readSubject(given);
  if (subject?.kind === "text") {
    const statement = readTextStatement(given);
    if (statement === undefined) throw namesNothing();
    await usingReader(flags, io, async (reader) => traceEvidence(reader, "This text", [statement], flags, io));
    return 0;
  }
  if (subject === undefined) throw namesNothing();
  if (subject.kind === "broken_id") {
    throw new PilotError("usage", `"${subject.text}" is not an id of Exim's.`, {
      hint: "Ids look like 1vwz8c-0005eI-2Q or 1vwz8c-000000005eI-2QaB; upper and lower case matter.",
    });
  }
  await usingReader(flags, io, async (reader) => {
    const filter = await readFilter(flags, reader, io);
    const found = await findMessages(reader, subject, filter, flags.limit);
    if (found.messages.length === 0) {
      if (await traceAsEvidence(reader, given, filter, flags, io)) return;
      throw await notFound(reader, subject, filter, flags, io);
    }
    await printFound(reader, found, subject.kind === "id", undefined, flags, io);
  });
  return 0;
}

function namesNothing(): PilotError {
  return new PilotError("usage", "This line names no message.", {
    hint: "Give an id such as 1vwz8c-0005eI-2Q, a Message-ID, an address, or a log line that has an id; `exim-pilot search` finds lines without.",
  });
}

/** `isOfOneId`: several servers may have it, and all are shown. */
async function printFound(
  reader: Reader,
  { messages, isMore }: FoundMessages,
  isOfOneId: boolean,
  evidence: Evidence | undefined,
  flags: TraceFlags,
  io: Io,
): Promise<void> {
  const chosen = flags.pick === undefined ? messages : [pick(messages, flags.pick)];
  const isOne = chosen.length === 1 || (isOfOneId && flags.pick === undefined);
  if (io.isBrief === true) await assertBrief(reader, chosen);
  if (evidence !== undefined && flags.json !== true) io.stdout.write(`${renderEvidence(evidence, screenOf(io))}\n`);
  if (!isOne) return printChoices(reader, chosen, isMore, evidence, flags, io);
  return flags.chain === true
    ? printChains(reader, chosen, evidence, flags, io)
    : printPages(reader, chosen, evidence, flags, io);
}

/** Errors: `not_found`, which says what the evidence holds and what of its time was not read. */
async function traceEvidence(
  reader: Reader,
  name: string,
  statements: readonly Statement[],
  flags: TraceFlags,
  io: Io,
): Promise<void> {
  const filter = await readFilter(flags, reader, io);
  const found = await findEvidence(reader, statements, { filter, limit: flags.limit });
  if (found.messages.length === 0) throw await unknownEvidence(reader, name, statements, filter, flags, io);
  await printEvidence(reader, found, statements, flags, io);
}

/** Looks for words that name no message among the ids of other servers; returns false when they are none. */
async function traceAsEvidence(
  reader: Reader,
  given: string,
  filter: Filter,
  flags: TraceFlags,
  io: Io,
): Promise<boolean> {
  const statement = readTextStatement(given);
  if (statement === undefined) return false;
  const found = await findEvidence(reader, [statement], { filter, limit: flags.limit, isDirectOnly: true });
  if (found.messages.length === 0) return false;
  await printEvidence(reader, found, [statement], flags, io);
  return true;
}

async function printEvidence(
  reader: Reader,
  found: EvidenceFindings,
  statements: readonly Statement[],
  flags: TraceFlags,
  io: Io,
): Promise<void> {
  const evidence = redactor(flags, io)({ statements, links: found.links });
  const isOfOneId = new Set(found.messages.map(({ id }) => id)).size === 1;
  await printFound(reader, found, isOfOneId, evidence, flags, io);
}

/** Ids and addresses that a sentence names, of each kind. */
const MOST_NAMED = 5;

async function unknownEvidence(
  reader: Reader,
  name: string,
  statements: readonly Statement[],
  filter: Filter,
  flags: TraceFlags,
  io: Io,
): Promise<PilotError> {
  const all = (of: (statement: Statement) => readonly string[]): readonly string[] => [
    ...new Set(statements.flatMap(of)),
  ];
  const held = [
    nameSome(
      "the id",
      "the ids",
      all(({ eximIds, queueIds }) => [...eximIds, ...queueIds]),
    ),
    nameSome(
      "the Message-ID",
      "the Message-IDs",
      all(({ headerMessageIds }) => headerMessageIds),
    ),
    nameSome(
      "the address",
      "the addresses",
      all((one) => [...one.senders, ...one.recipients, ...one.addresses]),
    ),
  ].filter((part) => part !== "");
  const time = timeOf(statements);
  const asked = time === undefined ? filter : { server: filter.server, ...time };
  const coverage = redactor(flags, io)(coverageOf(reader, asked, io));
  const timeZone = commonTimeZone((await reader.search.timeZones(filter.server)).values(), io);
  const when = time === undefined ? "" : ` It is of ${formatTime(toIso(time.since), timeZone)} (${timeZone}).`;
  const mend = mendHoles(coverage.holes);
  const how = mend === "" ? "Ingest the logs of its day, rotated ones too." : mend;
  const holds = held.length === 0 ? "It holds no id and no address." : `It holds ${held.join("; ")}.`;
  const subject = name.replace(/^[TS]/, (first) => first.toLowerCase());
  const filtered = Object.keys(filter).length === 0 ? "" : " that matches the filters";
  return new PilotError("not_found", `No message in the database${filtered} fits ${subject}.`, {
    hint: `${holds}${when} Coverage: ${describeCoverage(coverage, timeZone)} ${how}`,
    details: { evidence: redactor(flags, io)({ statements, links: [] }), coverage },
  });
}

/** Quoted, so that `--redact` hides each as a whole. */
function nameSome(one: string, several: string, values: readonly string[]): string {
  if (values.length === 0) return "";
  const named = values.slice(0, MOST_NAMED).map((value) => `"${value}"`);
  const more = values.length > MOST_NAMED ? ` and ${values.length - MOST_NAMED} more` : "";
  return `${values.length === 1 ? one : several} ${named.join(", ")}${more}`;
}

/** Read and shown within a tenth of a second. */
const BRIEF_ENTRIES = 500;

async function assertBrief(reader: Reader, keys: readonly MessageKey[]): Promise<void> {
  for (const key of keys) if (await reader.messages.hasMoreEntries(key, BRIEF_ENTRIES)) throw new NotBrief();
}

async function printPages(
  reader: Reader,
  rows: readonly MessageRow[],
  evidence: Evidence | undefined,
  flags: TraceFlags,
  io: Io,
): Promise<void> {
  const found = await traceAll(reader, rows, formatTime);
  const coverage = redactor(flags, io)(coverageOfMessages(reader, found, io));
  const traces = redactor(flags, io)(found);
  if (flags.json === true) {
    io.stdout.write(renderJson("trace", { messages: traces, coverage, ...(evidence && { evidence }) }));
    return;
  }
  const options = { ...screenOf(io), raw: flags.raw === true, grouping: flags.by };
  io.stdout.write(traces.map((trace) => renderTracePage(trace, coverage, options)).join("\n"));
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

async function printChains(
  reader: Reader,
  keys: readonly MessageKey[],
  evidence: Evidence | undefined,
  flags: TraceFlags,
  io: Io,
): Promise<void> {
  const found = [];
  for (const key of keys) found.push(await buildChain(reader, key));
  const chains = redactor(flags, io)(found);
  if (flags.json === true) {
    io.stdout.write(renderJson("chain", { chains, ...(evidence && { evidence }) }));
    return;
  }
  const screen = screenOf(io);
  io.stdout.write(chains.map((chain) => renderChain(chain, screen)).join("\n"));
}

async function printChoices(
  reader: Reader,
  rows: readonly MessageRow[],
  isMore: boolean,
  evidence: Evidence | undefined,
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
    io.stdout.write(renderJson("choices", { choices, isMore, ...(evidence && { evidence }) }));
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

function describeSubject(subject: NamedSubject): string {
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
  subject: NamedSubject,
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
  subject: NamedSubject,
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
