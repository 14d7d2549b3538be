import { readFileSync, statSync } from "node:fs";
import { text } from "node:stream/consumers";
import type { Coverage } from "../../coverage/holes.ts";
import { PilotError } from "../../errors.ts";
import { CandidateList } from "../../queue/candidate-list.ts";
import { type LoggedMessage, queueFromLog } from "../../queue/log-queue.ts";
import { QueueOverview } from "../../queue/overview.ts";
import { PackedRows } from "../../queue/packed-rows.ts";
import { type LogEnd, type QueueEntry, type QueueOrigin, toEntry } from "../../queue/report.ts";
import { type Candidate, type Matches, QueueSelection } from "../../queue/selection.ts";
import {
  listSpool,
  mayHaveMessages,
  namedQueues,
  type PlacedMessage,
  readBody,
  readSpool,
} from "../../queue/spool-directory.ts";
import type { SpoolPlace } from "../../queue/spool-places.ts";
import { countOf } from "../../render/form/format.ts";
import { JsonStream, renderJson, renderJsonLine } from "../../render/form/json.ts";
import { toVisibleLine } from "../../render/form/terminal-text.ts";
import type { QueueFormat } from "../../render/queue/formats.ts";
import { renderListing, renderQueue, renderQueueCsvHeading, renderQueueCsvRow } from "../../render/queue/list.ts";
import type { Criterion } from "../../spool/criteria.ts";
import {
  DomainTallies,
  SUMMARY_SPLITS,
  type SummaryOrder,
  type SummarySplit,
  summaryLines,
} from "../../spool/exiqsumm.ts";
import { readMailq } from "../../spool/mailq-reader.ts";
import { briefLine, mailqLines, type RecipientChoice } from "../../spool/mailq-text.ts";
import { type PackedMessage, packMessage, type QueuedMessage, unpackMessage } from "../../spool/queued-message.ts";
import { isSystemError, translateSystemError } from "../../store/files/system-errors.ts";
import type { Reader } from "../../store/reader.ts";
import { decodeUtf8 } from "../../text.ts";
import { type EpochMs, epochMs, MIB, toIso } from "../../units.ts";
import { parseWhen, WHEN_FORMS } from "../../when.ts";
import { isQuickPattern, matchTexts, testPattern } from "../children/text-patterns.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { coverageOf, explainNothing, logEnds } from "../coverage.ts";
import { serverClock } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { statusOfAbort, writePiece } from "../terminal/output.ts";

export interface QueueFlags extends DatabaseFlags {
  readonly spool?: string;
  readonly bp?: string;
  readonly at?: string;
  readonly server?: string;
  readonly queueName?: string;
  readonly from?: string;
  readonly to?: string;
  readonly shownSize?: string;
  /** Seconds. */
  readonly younger?: number;
  /** Seconds. */
  readonly older?: number;
  readonly frozen?: boolean;
  readonly notFrozen?: boolean;
  readonly or?: boolean;
  readonly caseful?: boolean;
  /** Milliseconds. */
  readonly timeout: number;
  readonly format: QueueFormat;
  readonly ids?: boolean;
  readonly brief?: boolean;
  readonly long?: boolean;
  readonly matches?: boolean;
  readonly all?: boolean;
  readonly recipients?: RecipientChoice;
  readonly reverse?: boolean;
  readonly sort?: string;
  readonly showVars?: string;
  readonly by: SummaryOrder;
  readonly split?: readonly string[];
  readonly limit?: number;
  readonly count?: boolean;
  readonly csv?: boolean;
  readonly ndjson?: boolean;
  readonly redact?: boolean;
  readonly json?: boolean;
}

export interface QueueView {
  readonly origin: QueueOrigin;
  readonly now: EpochMs;
  /** Empty for another origin than the log. */
  readonly logEnds: readonly LogEnd[];
  /** Clock of the page: of the servers whose log tells, else of this machine. Only pages ask for it: its names take 8 MiB to load. */
  readonly timeZone: () => string;
  readonly server: string | null;
  readonly spool: string | null;
  readonly candidates: Candidates;
}

/** Batches, each of which is read while it is walked through: once, and before the next one. */
type Candidates = AsyncIterable<Iterable<Candidate>>;

/** Rows of the page. */
const PAGE = 20;
const MOST_BODY_BYTES = 16 * MIB;

/** Prints the queue; returns the exit status, 1 when nothing is there that is wanted. Errors: `usage`, `unreadable`, those of the database. */
export async function runQueue(criteria: readonly string[], flags: QueueFlags, io: Io): Promise<number> {
  const shown = listOf("--show-vars", flags.showVars);
  const selection = new QueueSelection({
    criteria,
    isOr: flags.or === true,
    isCaseful: flags.caseful === true,
    others: flagCriteria(flags),
    shown,
    sortedBy: listOf("--sort", flags.sort),
  });
  const look = await lookAt(selection, flags, io);
  const candidates = inOrder(look.candidates, selection, flags, io);
  const isAny = await print({ ...look, candidates }, selection, shown, flags, io);
  if (io.signal.aborted) return statusOfAbort(io);
  if (!isAny && look.origin === "log")
    io.stderr.write(explainNothing(await coverageOfLogs(look.now, flags, io), io.timeZone));
  return isAny ? 0 : 1;
}

/** Judges how much of the logs was read up to the moment: a message on the queue may have come in the rest. */
function coverageOfLogs(now: EpochMs, flags: QueueFlags, io: Io): Promise<Coverage> {
  return usingReader(flags, io, async (reader) =>
    redactor(flags, io)(coverageOf(reader, { until: now, server: serversOf(flags) }, io)),
  );
}

/** The server that was asked for; none for all. */
export function serversOf({ server }: { readonly server?: string }): readonly string[] {
  return server === undefined ? [] : [server];
}

/** Yields candidates as they are read, unless sorting or a slow pattern needs all of them first. */
async function* inOrder(
  batches: Candidates,
  selection: QueueSelection,
  flags: QueueFlags,
  io: Io,
): AsyncGenerator<Iterable<Candidate>> {
  const isQuick = selection.patterns.every(isQuickPattern);
  if (isQuick && !selection.isSorted) {
    for await (const batch of batches) yield wanted(batch, selection, testPattern);
    return;
  }
  const all = new CandidateList();
  for await (const batch of batches) {
    for (const candidate of batch) if (!isQuick || selection.isWanted(candidate, testPattern)) all.add(candidate);
  }
  const matches = isQuick ? testPattern : await matchTexts(selection, all, flags.timeout, io);
  yield wanted(selection.isSorted ? all.sorted(flags.reverse === true) : all, selection, matches);
}

function* wanted(candidates: Iterable<Candidate>, selection: QueueSelection, matches: Matches): Generator<Candidate> {
  for (const candidate of candidates) if (selection.isWanted(candidate, matches)) yield candidate;
}

/** Errors: `usage` when a flag is there that names nothing. */
function listOf(flag: string, names: string | undefined): readonly string[] {
  if (names === undefined) return [];
  const list = names
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (list.length > 0) return list;
  throw new PilotError("usage", `${flag} names no variable.`, {
    hint: `Give one or several, with commas between: ${flag} '$sender_address,$message_age'.`,
  });
}

/** exiqgrep's flags as criteria. */
function flagCriteria({
  from,
  to,
  shownSize,
  younger,
  older,
  frozen,
  notFrozen,
  all,
}: QueueFlags): readonly Criterion[] {
  const plain = { each: "no", isNegated: false } as const;
  const pattern = (flag: string, source: string, flags: string) => ({
    kind: "pattern" as const,
    isNegated: false,
    pattern: assertPattern(flag, source, flags),
  });
  const criteria: Criterion[] = [];
  if (from !== undefined) criteria.push({ ...plain, variable: "bracketed_sender", test: pattern("-f", from, "i") });
  if (to !== undefined) {
    const variable = all === true ? "recipients" : "recipients_undel";
    criteria.push({ ...plain, variable, each: "any", test: pattern("-r", to, "i") });
  }
  if (shownSize !== undefined)
    criteria.push({ ...plain, variable: "shown_message_size", test: pattern("-s", shownSize, "") });
  if (younger !== undefined)
    criteria.push({ ...plain, variable: "message_age", test: { kind: "number", operator: "<", number: younger } });
  if (older !== undefined)
    criteria.push({ ...plain, variable: "message_age", test: { kind: "number", operator: ">", number: older } });
  const freeze = { ...plain, variable: "deliver_freeze", test: { kind: "is-true" } } as const;
  if (frozen === true) criteria.push(freeze);
  if (notFrozen === true) criteria.push({ ...freeze, isNegated: true });
  return criteria;
}

/** Errors: `usage`. */
function assertPattern(flag: string, source: string, flags: string) {
  try {
    new RegExp(source, flags);
    return { source, flags };
  } catch (error) {
    throw new PilotError(
      "usage",
      `The pattern of ${flag} cannot be read: ${error instanceof Error ? error.message : error}.`,
      {
        hint: "It is a regular expression, in which . * + ? ( [ { \\ ^ $ | have a meaning.",
        cause: error,
      },
    );
  }
}

/** Errors: `usage`, `unreadable`, those of the database. */
export async function lookAt(selection: QueueSelection, flags: QueueFlags, io: Io): Promise<QueueView> {
  if (flags.spool !== undefined) return lookAtSpool(flags.spool, selection, flags, io);
  selection.assertWithoutSpool();
  if (flags.queueName !== undefined) {
    throw new PilotError("usage", "Only a spool has named queues.", { hint: "Give the spool with --spool." });
  }
  if (flags.bp !== undefined) return lookAtListing(flags.bp, selection, flags, io);
  return usingReader(flags, io, (reader) => lookAtLog(reader, selection, flags, io));
}

/** Errors: `not_found` when no server has the name; those of the database. */
export async function lookAtLog(
  reader: Reader,
  selection: QueueSelection,
  flags: QueueFlags,
  io: Io,
): Promise<QueueView> {
  const now = momentOf(flags, io) ?? io.now();
  const packed = new PackedRows<PackedMessage>();
  const servers = new Set<string>();
  for (const message of logQueue(reader, now, flags)) {
    packed.add(packMessage(message));
    servers.add(message.server);
  }
  const [server = null] = servers.size === 1 ? servers : [];
  const timeZone = await serverClock(reader, serversOf(flags), io);
  const messages = isReversed(selection, flags) ? packed.reversed() : packed;
  return {
    origin: "log",
    now,
    logEnds: logEnds(reader, serversOf(flags), now),
    timeZone,
    server,
    spool: null,
    candidates: consider(unpacked(messages), now, selection),
  };
}

function* unpacked(rows: Iterable<PackedMessage>): Generator<QueuedMessage> {
  for (const row of rows) yield unpackMessage(row);
}

/** True when messages are to be read backwards; sorted ones are reversed later. */
function isReversed(selection: QueueSelection, { reverse }: QueueFlags): boolean {
  return reverse === true && !selection.isSorted;
}

/** Messages of the log's queue, by id. Errors: `not_found` when no server has the name; those of the database. */
export function logQueue(
  { queue }: Pick<Reader, "queue">,
  now: EpochMs,
  { server }: { readonly server?: string },
): Generator<LoggedMessage> {
  if (server !== undefined && !queue.hasServer(server)) {
    throw new PilotError("not_found", `The database knows no server "${server}".`, {
      hint: "`exim-pilot servers` lists those it knows.",
    });
  }
  return queueFromLog(queue, now, server);
}

async function lookAtSpool(spool: string, selection: QueueSelection, flags: QueueFlags, io: Io): Promise<QueueView> {
  const now = momentOf(flags, io) ?? io.now();
  const { places, unreadable } = listSpool(spool, flags.queueName);
  for (const directory of unreadable)
    io.stderr.write(`"${toVisibleLine(directory)}" cannot be listed: its messages are missing here.\n`);
  return {
    origin: "spool",
    now,
    logEnds: [],
    timeZone: () => io.timeZone,
    server: null,
    spool,
    candidates: spoolCandidates(isReversed(selection, flags) ? places.reversed() : places, now, selection, io),
  };
}

async function* spoolCandidates(
  places: Iterable<SpoolPlace>,
  now: EpochMs,
  selection: QueueSelection,
  io: Io,
): AsyncGenerator<Iterable<Candidate>> {
  let skipped = 0;
  function* considered(batch: Iterable<PlacedMessage>): Generator<Candidate> {
    for (const { message, header, place } of batch) {
      const candidate = selection.consider({ message, header, body: () => readBody(place, MOST_BODY_BYTES), now });
      if (candidate !== undefined) yield candidate;
      else if (message.sender === null) skipped++;
    }
  }
  const options = { withHeaders: selection.needsHeaders };
  for await (const batch of readSpool(places, options, io.signal)) yield considered(batch);
  if (skipped > 0)
    io.stderr.write(
      `${countOf(skipped, "damaged file")} cannot be matched; without criteria the list shows what is wrong.\n`,
    );
}

/** Named queues that hold messages and were not asked for. */
function otherQueues(spool: string | null, { queueName }: QueueFlags): readonly string[] {
  if (spool === null || queueName !== undefined) return [];
  return namedQueues(spool).filter((name) => mayHaveMessages(spool, name));
}

async function lookAtListing(file: string, selection: QueueSelection, flags: QueueFlags, io: Io): Promise<QueueView> {
  const { messages, now } = await readPrinted(file, flags, io);
  const ordered = isReversed(selection, flags) ? messages.toReversed() : messages;
  const candidates = consider(ordered, now, selection);
  return { origin: "bp", now, logEnds: [], timeZone: () => io.timeZone, server: null, spool: null, candidates };
}

export interface PrintedQueue {
  readonly messages: readonly QueuedMessage[];
  /** When it was printed. */
  readonly now: EpochMs;
  /** Every line was understood. */
  readonly isWhole: boolean;
}

/** Reads what `exim -bp` printed; lines of no known form are told. Errors: `usage` when it is nothing of the kind; of the system, in words. */
export async function readPrinted(file: string, flags: { readonly at?: string }, io: Io): Promise<PrintedQueue> {
  const printed = file === "-" ? { content: await text(io.stdin), at: io.now() } : readListing(file);
  const now = momentOf(flags, io) ?? printed.at;
  const { messages, unknown } = readMailq(printed.content, now);
  if (messages.length === 0 && unknown.count > 0) {
    throw new PilotError(
      "usage",
      `"${file}" holds no list of messages as exim -bp prints it: line 1 is of no known form.`,
      {
        hint: "Give the output of exim -bp, -bpa, -bpr, -bpu, exipick or exiqgrep.",
      },
    );
  }
  for (const { line, text: sample } of unknown.samples)
    io.stderr.write(renderListing([`Line ${line} is of no known form: ${sample}`]));
  if (unknown.count > unknown.samples.length)
    io.stderr.write(`${countOf(unknown.count, "line")} in all are of no known form.\n`);
  return { messages, now, isWhole: unknown.count === 0 };
}

/** One batch. */
async function* consider(
  messages: Iterable<QueuedMessage>,
  now: EpochMs,
  selection: QueueSelection,
): AsyncGenerator<Iterable<Candidate>> {
  yield considered(messages, now, selection);
}

function* considered(messages: Iterable<QueuedMessage>, now: EpochMs, selection: QueueSelection): Generator<Candidate> {
  for (const message of messages) {
    const candidate = selection.consider({ message, header: undefined, now });
    if (candidate !== undefined) yield candidate;
  }
}

/** Errors: of the system, in words. */
function readListing(file: string): { readonly content: string; readonly at: EpochMs } {
  try {
    const content = decodeUtf8(readFileSync(file, "latin1"));
    return { content, at: epochMs(Math.floor(statSync(file).mtimeMs)) };
  } catch (error) {
    throw isSystemError(error) ? translateSystemError(error, file) : error;
  }
}

/** Errors: `usage` when flags choose some of the messages, which `what` cannot. */
export function assertUnfiltered(flags: QueueFlags, what: string): void {
  const { from, to, shownSize, younger, older, frozen, notFrozen } = flags;
  const chosen = [from, to, shownSize, younger, older, frozen, notFrozen].some((value) => value !== undefined);
  if (!chosen) return;
  throw new PilotError("usage", `${what} is about all messages; some of them cannot be chosen.`, {
    hint: "Leave out -f, -r, -s, -y, -o, -z and -x; `exim-pilot queue` takes them.",
  });
}

/** Errors: `usage`. */
export function momentOf({ at }: { readonly at?: string }, io: Io): EpochMs | undefined {
  if (at === undefined) return undefined;
  const span = parseWhen(at, { now: io.now(), timeZone: io.timeZone });
  if (span === undefined) throw new PilotError("usage", `--at cannot be "${at}".`, { hint: `Give ${WHEN_FORMS}.` });
  return span.from;
}

/** Returns whether there was any. */
async function print(
  look: QueueView,
  selection: QueueSelection,
  shown: readonly string[],
  flags: QueueFlags,
  io: Io,
): Promise<boolean> {
  const { now } = look;
  const format = flags.csv === true || flags.ndjson === true ? "rows" : formatOf(flags);
  const isVisible = flags.json === true || format === "rows" || format === "page" || format === "mailq";
  const candidates = isVisible && !isCount(flags) ? look.candidates : notingDamage(look.candidates, io);
  if (isCount(flags)) {
    const count = await countAll(candidates);
    const text = flags.matches === true ? `${count} matches out of ${selection.count} messages` : String(count);
    io.stdout.write(flags.json === true ? renderJson("count", { count }) : `${text}\n`);
    return count > 0;
  }
  if (flags.json === true) return printJson(look, shown, flags, io);
  if (format === "page") return printPage(look, shown, flags, io);
  if (format === "summary") {
    const tallies = new DomainTallies(now, splitsOf(flags));
    const redactMessage = redactor(flags, io);
    for await (const batch of candidates) for (const { message } of batch) tallies.add(redactMessage(message));
    const summary = tallies.summary(flags.by);
    io.stdout.write(renderListing(summaryLines(summary)));
    return summary.rows.length > 0;
  }
  const redact = redactor(flags, io);
  const choice = flags.recipients ?? (flags.all === true || flags.format === "mailq" ? "all" : "undelivered");
  const lines: Readonly<Record<typeof format, (candidate: Candidate) => string>> = {
    ids: ({ message }) => renderListing([message.id]),
    brief: ({ message }) => renderListing([briefLine(message, choice)]),
    mailq: ({ message, shown: texts }) => renderListing(mailqLines(message, now, choice, variableLines(shown, texts))),
    rows: (candidate) =>
      (flags.csv === true ? renderQueueCsvRow : renderJsonLine)(redact(toEntry(candidate, now, shown))),
  };
  const heading = flags.csv === true ? renderQueueCsvHeading(shown) : "";
  return writeAll(
    candidates,
    heading,
    format === "rows" ? lines.rows : (candidate) => lines[format](redact(candidate)),
    flags,
    io,
  );
}

function isCount({ count, matches }: QueueFlags): boolean {
  return count === true || matches === true;
}

/** Notes damaged files on standard error, for output that does not show them. */
async function* notingDamage(batches: Candidates, io: Io): AsyncGenerator<Iterable<Candidate>> {
  let damaged = 0;
  function* noted(batch: Iterable<Candidate>): Generator<Candidate> {
    for (const candidate of batch) {
      if (candidate.message.damage !== null) damaged++;
      yield candidate;
    }
  }
  for await (const batch of batches) yield noted(batch);
  if (damaged === 0) return;
  io.stderr.write(
    `note: ${countOf(damaged, "file")} among them ${damaged === 1 ? "is" : "are"} damaged; --csv says which and how.\n`,
  );
}

async function countAll(batches: Candidates): Promise<number> {
  let count = 0;
  for await (const batch of batches) for (const _ of batch) count++;
  return count;
}

async function printPage(
  { origin, now, logEnds: ends, timeZone, server, spool, candidates }: QueueView,
  shown: readonly string[],
  flags: QueueFlags,
  io: Io,
): Promise<boolean> {
  const overview = new QueueOverview(now);
  const { limit = PAGE } = flags;
  const messages: QueueEntry[] = [];
  for await (const batch of candidates) {
    for (const candidate of batch) {
      overview.add(candidate.message);
      if (messages.length < limit) messages.push(toEntry(candidate, now, shown));
    }
  }
  const { totals, waiting } = overview;
  const report = redactor(
    flags,
    io,
  )({
    origin,
    at: toIso(now),
    logEnds: ends,
    server,
    spool,
    otherQueues: otherQueues(spool, flags),
    messages,
    totals,
    waiting,
  });
  io.stdout.write(renderQueue(report, { ...screenOf(io), timeZone: timeZone() }));
  return totals.messages > 0;
}

/** Prints the messages as they are read. */
async function printJson(
  { origin, now, logEnds: ends, server, spool, candidates }: QueueView,
  shown: readonly string[],
  flags: QueueFlags,
  io: Io,
): Promise<boolean> {
  const overview = new QueueOverview(now);
  const redact = redactor(flags, io);
  const stream = new JsonStream("queue", "messages");
  const { limit = Number.POSITIVE_INFINITY } = flags;
  const head = { origin, at: toIso(now), logEnds: ends, server, spool, otherQueues: otherQueues(spool, flags) };
  let piece = stream.head(redact(head));
  let count = 0;
  for await (const batch of candidates) {
    for (const candidate of batch) {
      overview.add(candidate.message);
      if (count++ < limit) piece += stream.item(redact(toEntry(candidate, now, shown)));
      if (piece.length < PIECE_LENGTH) continue;
      if (!(await writePiece(io.stdout, piece, io.signal))) return true;
      piece = "";
    }
  }
  const { totals, waiting } = overview;
  const isUnexplained = totals.messages === 0 && origin === "log";
  const coverage = isUnexplained ? { coverage: await coverageOfLogs(now, flags, io) } : {};
  await writePiece(io.stdout, piece + stream.tail(redact({ totals, waiting, ...coverage })), io.signal);
  return totals.messages > 0;
}

/** Lists variables as exipick does. */
function variableLines(names: readonly string[], texts: readonly string[]): readonly string[] {
  return names.map((name, index) => `  ${name.padStart(25)} = '${texts[index] ?? ""}'`);
}

function formatOf({ ids, brief, long, format }: QueueFlags): QueueFlags["format"] {
  if (ids === true) return "ids";
  if (brief === true) return "brief";
  return long === true ? "mailq" : format;
}

function splitsOf({ split = [] }: QueueFlags): readonly SummarySplit[] {
  return split
    .flatMap((text) => text.split(","))
    .map((name) => {
      const known = SUMMARY_SPLITS.find((one) => one === name);
      if (known === undefined)
        throw new PilotError("usage", `The summary cannot be split by "${name}".`, {
          hint: `It can be by ${SUMMARY_SPLITS.join(", ")}.`,
        });
      return known;
    });
}

const PIECE_LENGTH = 65_536;

async function writeAll(
  candidates: Candidates,
  heading: string,
  render: (candidate: Candidate) => string,
  { limit = Number.POSITIVE_INFINITY }: QueueFlags,
  io: Io,
): Promise<boolean> {
  let [piece, count] = [heading, 0];
  for await (const batch of candidates) {
    for (const candidate of batch) {
      if (count++ < limit) piece += render(candidate);
      if (piece.length < PIECE_LENGTH) continue;
      if (!(await writePiece(io.stdout, piece, io.signal))) return true;
      piece = "";
    }
  }
  if (piece !== "") await writePiece(io.stdout, piece, io.signal);
  return count > 0;
}
