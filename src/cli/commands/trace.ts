import { setTimeout as pause } from "node:timers/promises";
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
import { findEvidence } from "../../trace/find-evidence.ts";
import { type FoundMessages, findMessages, suggestIds } from "../../trace/find-messages.ts";
import type { Trace } from "../../trace/result.ts";
import { type NamedSubject, readSubject } from "../../trace/subject.ts";
import { traceAll } from "../../trace/trace.ts";
import { epochMs, HOUR_MS, toIso } from "../../units.ts";
import { notesFor } from "../account.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { coverageOf, coverageUpToLast } from "../coverage.ts";
import { evidenceFile, readEvidenceFile } from "../flags/evidence-in-hand.ts";
import { type FilterFlags, readFilter } from "../flags/filter-flags.ts";
import { explainMisplaced } from "../flags/misplaced-values.ts";
import { serverTimeZone } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { NotBrief } from "../quick.ts";
import { redactor } from "../redactor.ts";
import { followMessage, LOOK_MS } from "./trace-follow.ts";

export interface TraceFlags extends DatabaseFlags, FilterFlags {
  /** From 1. */
  readonly pick?: number;
  /** Most messages to choose from. */
  readonly limit: number;
  readonly chain?: boolean;
  readonly by: TimelineGrouping;
  readonly raw?: boolean;
  /** Until the message has ended. */
  readonly follow?: boolean;
  readonly redact?: boolean;
  readonly json?: boolean;
}

/** Other messages looked at, at most, to say that filters leave them out. */
const MOST_OTHERS = 20;

/** Prints the message, or those to choose from; returns the exit status. Errors: `usage`, `not_found`, those of the database. */
export async function runTrace(words: readonly string[], flags: TraceFlags, io: Io): Promise<number> {
  const asked = await readAsked(words, io);
  if (flags.follow === true) return follow(asked, flags, io);
  await usingReader(flags, io, async (reader) => printFound(reader, await find(reader, asked, flags, io), flags, io));
  return 0;
}

/** Evidence with its name for sentences, or the name of a message. */
type Asked =
  | { readonly kind: "evidence"; readonly name: string; readonly statements: readonly Statement[] }
  | { readonly kind: "named"; readonly given: string; readonly subject: NamedSubject };

/** Errors: `usage`, those of reading a file. */
async function readAsked(words: readonly string[], io: Io): Promise<Asked> {
  const file = evidenceFile(words);
  if (file !== undefined) return { kind: "evidence", ...(await readEvidenceFile(file, io)) };
  const given = words.join(" ");
  const subject = readSubject(given);
  if (subject === undefined) throw namesNothing();
  if (subject.kind === "broken_id") {
    throw new PilotError("usage", `"${subject.text}" is not an id of Exim's.`, {
      hint: "Ids look like 1vwz8c-0005eI-2Q or 1vwz8c-000000005eI-2QaB; upper and lower case matter.",
    });
  }
  if (subject.kind !== "text") return { kind: "named", given, subject };
  const statement = readTextStatement(given);
  if (statement === undefined) throw namesNothing();
  return { kind: "evidence", name: "This text", statements: [statement] };
}

interface Found extends FoundMessages {
  /** Several servers may have it, and all are shown. */
  readonly isOfOneId: boolean;
  readonly evidence: Evidence | undefined;
}

/** Errors: `not_found`, which says what of the time was not read, and what evidence holds; `usage` for a number to pick that there is not. */
async function find(reader: Reader, asked: Asked, flags: TraceFlags, io: Io): Promise<Found> {
  const filter = await readFilter(flags, reader, io);
  const found = asked.kind === "evidence" ? undefined : await findMessages(reader, asked.subject, filter, flags.limit);
  if (asked.kind === "named" && found !== undefined && found.messages.length > 0)
    return withPick({ ...found, isOfOneId: asked.subject.kind === "id", evidence: undefined }, flags);
  const statements = asked.kind === "evidence" ? asked.statements : statementsOf(asked.given);
  const isDirectOnly = asked.kind === "named";
  const findings = await findEvidence(reader, statements, { filter, limit: flags.limit, isDirectOnly });
  if (findings.messages.length === 0) {
    throw asked.kind === "named"
      ? await notFound(reader, asked.subject, filter, flags, io)
      : await unknownEvidence(reader, asked.name, statements, filter, flags, io);
  }
  const isOfOneId = new Set(findings.messages.map(({ id }) => id)).size === 1;
  return withPick({ ...findings, isOfOneId, evidence: { statements, links: findings.links } }, flags);
}

/** A name of no message here may be an id of another server's. */
function statementsOf(given: string): readonly Statement[] {
  const statement = readTextStatement(given);
  return statement === undefined ? [] : [statement];
}

function withPick(found: Found, { pick: number }: TraceFlags): Found {
  return number === undefined
    ? found
    : { ...found, messages: [pick(found.messages, number)], isMore: false, isOfOneId: false };
}

/** Waits for the message where it is not there yet, and for its end. */
async function follow(asked: Asked, flags: TraceFlags, io: Io): Promise<number> {
  let isWaiting = false;
  while (!io.signal.aborted) {
    const key = await usingReader(flags, io, async (reader) => {
      const found = await find(reader, asked, flags, io);
      const [message, ...others] = found.messages;
      if (message !== undefined && others.length === 0) return { message, evidence: found.evidence };
      throw new PilotError("usage", "Several messages match, and one alone can be followed.", {
        hint: "Choose one with --pick, as `exim-pilot trace` without --follow numbers them, or with --server.",
      });
    }).catch((error: unknown) => {
      // NOTE: only an id is of one message, whenever it comes.
      const canCome = asked.kind === "named" && asked.subject.kind === "id";
      if (canCome && error instanceof PilotError && error.code === "not_found") return undefined;
      throw error;
    });
    if (key !== undefined) {
      const evidence = redactor(flags, io)(key.evidence);
      if (evidence !== undefined && flags.json !== true) io.stdout.write(`${renderEvidence(evidence, screenOf(io))}\n`);
      await followMessage(key.message, (reader, trace) => printTraces(reader, [trace], evidence, flags, io), flags, io);
      return 0;
    }
    if (!isWaiting)
      io.stderr.write("note: The database does not know this message yet. Waiting for it; Ctrl-C ends this.\n");
    isWaiting = true;
    await pause(LOOK_MS, undefined, { signal: io.signal }).catch(() => {});
  }
  return 0;
}

function namesNothing(): PilotError {
  return new PilotError("usage", "This line names no message.", {
    hint: "Give an id such as 1vwz8c-0005eI-2Q, a Message-ID, an address, or a log line that has an id; `exim-pilot search` finds lines without.",
  });
}

async function printFound(reader: Reader, found: Found, flags: TraceFlags, io: Io): Promise<void> {
  const { messages, isMore, isOfOneId } = found;
  const evidence = redactor(flags, io)(found.evidence);
  if (io.isBrief === true) await assertBrief(reader, messages);
  if (evidence !== undefined && flags.json !== true) io.stdout.write(`${renderEvidence(evidence, screenOf(io))}\n`);
  if (messages.length > 1 && !isOfOneId) return printChoices(reader, messages, isMore, evidence, flags, io);
  return flags.chain === true
    ? printChains(reader, messages, evidence, flags, io)
    : printPages(reader, messages, evidence, flags, io);
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
  const timeZone = await serverTimeZone(reader, filter.server, io);
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
  printTraces(reader, await traceAll(reader, rows, formatTime, notesFor(flags, io)), evidence, flags, io);
}

function printTraces(
  reader: Reader,
  found: readonly Trace[],
  evidence: Evidence | undefined,
  flags: TraceFlags,
  io: Io,
): void {
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
  const timeZone = await serverTimeZone(reader, filter.server, io);
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
        hint: ["Leave filters out to see it.", ...explainMisplaced(flags)].join(" "),
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
