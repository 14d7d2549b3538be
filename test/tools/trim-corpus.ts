/**
 * Makes `fixtures/corpus` from the untrimmed corpora: for every profile a `mainlog`, `rejectlog`, `paniclog` and `TRUTH.json` with
 * some of the messages, the log text byte for byte and in its order. The same input always gives the same output.
 *
 *     npx esbuild test/tools/trim-corpus.ts --bundle --platform=node --format=esm --outfile=<tmp>.mjs
 *     node <tmp>.mjs <corpus folder> <fixtures folder>
 *
 * The corpus folder holds one folder per profile, and SURPRISES.md, which names awkward lines as "default/mainlog:1016".
 *
 * What is chosen, until the budget of the profile ({@link PLANS}) is spent:
 *
 * - A unit is a message with everything that belongs to it. These are its bounces, warnings and autoreplies and theirs (R= and
 *   the truth say so), and its truth. All lines of all these ids in the three logs belong to it, and lines without an id that
 *   mention one of them. For a message with a refused address, so do the lines without an id from its client at that moment.
 *   Messages of one client whose lines cannot be told apart are one unit. Units are kept whole or not at all.
 * - Units are taken by what they add for their size: a kind of fate or a family of scenarios ("alias" of "alias-loop") that the
 *   profile lacks, or a scenario that no profile has yet. A surprising line adds too, and so does a new course of events, a line
 *   of a new shape or a new day.
 * - Then lines without an id: a few queue runs in which a chosen message was tried, and one line of each shape. A line that is in several logs is kept in all of them.
 *
 * Messages of other units are left out of every list of the truth. So are queue runs whose start the log no longer shows, and
 * sink events that name no message. The sums are made again from what is left.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  fateKind,
  readTruth,
  type Truth,
  type TruthFateKind,
  type TruthMessage,
  type TruthQueueSnapshot,
  type TruthSummary,
} from "../support/corpus.ts";

interface Plan {
  readonly profile: string;
  readonly mainLines: number;
  /** Bytes of all files together. */
  readonly bytes: number;
  /** Number of shapes wanted of lines without an id in the main log. */
  readonly looseShapes: number;
  /** Scenarios to have in any case. */
  readonly scenarios?: readonly string[];
}

/** "default" is the demonstration log too. */
const PLANS: readonly Plan[] = [
  {
    profile: "default",
    mainLines: 430,
    bytes: 172_000,
    looseShapes: 65,
    scenarios: ["fail-550", "fail-grey", "fail-450-then-ok", "bg-bounce", "remote-tls", "local-tls13"],
  },
  { profile: "all", mainLines: 390, bytes: 115_000, looseShapes: 60 },
  { profile: "cpanel", mainLines: 390, bytes: 109_000, looseShapes: 50 },
  { profile: "longid", mainLines: 390, bytes: 107_000, looseShapes: 50 },
  { profile: "minimal", mainLines: 390, bytes: 107_000, looseShapes: 50 },
  { profile: "msec", mainLines: 390, bytes: 107_000, looseShapes: 50 },
];

/** Worth of a feature that the profile lacks; the choice is by worth per share of the budget. */
const WORTH = {
  fate: 3000,
  family: 1000,
  surprise: 60,
  shape: 6,
  day: 40,
  scenario: 30,
  /** A fate other than delivery in a family. */
  familyFate: 60,
  /** Course of the message, as the flags of its lines in order. */
  course: 60,
};

/** Features that need not be in every profile are worth this part of it when another profile has them. */
const WORTH_ELSEWHERE = 1 / 6;
const SHARED: readonly (keyof typeof WORTH)[] = ["scenario", "familyFate", "course"];

/** Queue runs to show that tried a message that is kept. */
const QUEUE_RUNS = 4;

/** Kept free for the lines without an id. */
const LOOSE_LINE_BYTES = 200;

const LOGS = ["mainlog", "rejectlog", "paniclog"] as const;
type Log = (typeof LOGS)[number];

/** A line with a stamp and the lines after it that have none. */
interface Entry {
  readonly log: Log;
  /** Bytes in the file. */
  readonly start: number;
  readonly end: number;
  /** Number of its first line in the file, from 1. */
  readonly lineNumber: number;
  readonly lines: number;
  /** "2026-03-02 06:13:50", without fraction and offset. */
  readonly second: string;
  /** Undefined for lines about no message. */
  readonly id: string | undefined;
  /** Text after stamp, process and id; latin1, for comparisons only. */
  readonly text: string;
  /** The first line, which is the same in every log it was written to. */
  readonly firstLine: string;
}

interface Unit {
  readonly ids: ReadonlySet<string>;
  /** The driver's numbers of its messages. */
  readonly labs: ReadonlySet<string>;
  readonly entries: ReadonlySet<Entry>;
  readonly features: ReadonlySet<string>;
  readonly mainLines: number;
  readonly bytes: number;
}

const STAMP = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)?(?: [+-]\d{4})?(?: \[\d+\])? ?/;
const ID = "[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4})";
const LEADING_ID = new RegExp(`^(${ID})(?: |$)`);
const ANY_ID = new RegExp(`(?<![0-9A-Za-z])${ID}(?![0-9A-Za-z])`, "g");
const PARENT = new RegExp(`^<= \\S+ R=(${ID}) `);
const LAB_HEADER = /^. X-Lab-Id: (L\d+)$/m;
const FLAG = /^(?:<=|\(=|=>|->|>>|\*>|\*\*|==|Completed|Frozen|cancelled|removed)(?= |$)/i;
const FIELD = /(?<=^| )([A-Z][A-Za-z0-9]*\*?|id\*?)=\S*/g;
const NEWLINE = 0x0a;

function main(): void {
  const [corpusFolder, fixturesFolder] = process.argv.slice(2);
  if (corpusFolder === undefined || fixturesFolder === undefined) {
    console.error("usage: trim-corpus <corpus folder> <fixtures folder>");
    process.exitCode = 2;
    return;
  }
  const surprises = readSurprises(join(corpusFolder, "SURPRISES.md"));
  const features = new Set<string>();
  for (const plan of PLANS) {
    const directory = join(corpusFolder, plan.profile);
    const files = new Map(LOGS.map((log) => [log, readFileSync(join(directory, log))]));
    const entries = LOGS.flatMap((log) => readEntries(log, files.get(log) as Buffer));
    const truth = readTruth(directory);
    const isSurprise = (entry: Entry) => surprises.has(`${plan.profile}/${entry.log}:${entry.lineNumber}`);

    const units = findUnits(truth, entries, isSurprise);
    const chosen = chooseUnits(units, plan, features);
    const kept = new Set(chosen.flatMap((unit) => [...unit.entries]));
    addDuplicates(kept, entries);
    addLooseEntries(kept, entries, plan, isSurprise);

    const target = join(fixturesFolder, plan.profile);
    mkdirSync(target, { recursive: true });
    for (const [log, bytes] of files) {
      const pieces = entries.filter((entry) => entry.log === log && kept.has(entry));
      writeFileSync(join(target, log), Buffer.concat(pieces.map(({ start, end }) => bytes.subarray(start, end))));
    }
    writeFileSync(join(target, "TRUTH.json"), formatTruth(trimTruth(truth, chosen, kept)));
    console.log(report(target, plan.profile, kept, chosen));
  }
  const scenarios = [...features].filter((feature) => feature.startsWith("scenario:"));
  console.log(`${scenarios.length} scenarios in all`);
}

/** The references of SURPRISES.md, each alone on an indented line; under every heading the first of each profile. */
function readSurprises(file: string): ReadonlySet<string> {
  const references = readFileSync(file, "latin1")
    .split(/^## /m)
    .flatMap((section) => {
      const found = [...section.matchAll(/^ {4}(\w+)\/\w+log:\d+$/gm)];
      return [...groupBy(found, ([, profile = ""]) => profile).values()].flatMap((same) => same.slice(0, 1));
    });
  return new Set(references.map(([reference]) => reference.trim()));
}

function readEntries(log: Log, bytes: Buffer): Entry[] {
  const entries: Entry[] = [];
  let lineNumber = 0;
  let first = { start: 0, lineNumber: 1 };
  const finish = (end: number) => {
    if (end === first.start) return;
    const text = bytes.toString("latin1", first.start, end).replace(/\n$/, "");
    const [stamp = "", second = ""] = STAMP.exec(text) ?? [];
    const [idAndBlank = "", id] = LEADING_ID.exec(text.slice(stamp.length)) ?? [];
    const [firstLine = ""] = text.split("\n", 1);
    const lines = lineNumber - first.lineNumber + 1;
    entries.push({
      log,
      ...first,
      end,
      lines,
      second,
      id,
      text: text.slice(stamp.length + idAndBlank.length),
      firstLine,
    });
  };
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline + 1;
    if (STAMP.test(bytes.toString("latin1", start, Math.min(end, start + 40)))) {
      finish(start);
      first = { start, lineNumber: lineNumber + 1 };
    }
    lineNumber += 1;
    start = end;
  }
  finish(bytes.length);
  return entries;
}

/** Disjoint sets of names. */
class Groups {
  readonly #parents = new Map<string, string>();

  find(name: string): string {
    const parent = this.#parents.get(name) ?? name;
    if (parent === name) return name;
    const root = this.find(parent);
    this.#parents.set(name, root);
    return root;
  }

  join(a: string, b: string): void {
    this.#parents.set(this.find(a), this.find(b));
  }
}

/** Every message of the truth is in one unit, and so is every message of the logs that has to do with one. In the order of the truth. */
function findUnits(truth: Truth, entries: readonly Entry[], isSurprise: (entry: Entry) => boolean): Unit[] {
  const entriesById = groupBy(entries, ({ id }) => id ?? "");
  const loose = entriesById.get("") ?? [];
  entriesById.delete("");
  const secondsOf = localSeconds(truth.timezone);
  const entriesBySecond = groupBy(entries, ({ second }) => second);
  const near = (message: TruthMessage) =>
    secondsOf(message.submitted_at).flatMap((second) => entriesBySecond.get(second) ?? []);

  const groups = new Groups();
  for (const { id, text } of entries) {
    const parent = PARENT.exec(text)?.[1];
    if (id !== undefined && parent !== undefined) groups.join(id, parent);
  }
  linkByTruth(groups, truth);
  linkByHeaders(groups, truth, entries);
  linkByMoment(groups, truth, entriesById, near);

  const postings = groupBy(
    loose.flatMap((entry) => [...entry.text.matchAll(ANY_ID)].map(([id]) => ({ id, entry }))),
    ({ id }) => id,
  );
  const idsByRoot = groupBy(entriesById.keys(), (id) => groups.find(id));
  const messagesByRoot = groupBy(truth.messages, ({ n }) => groups.find(n));
  const generatedById = new Map(truth.generated_messages_seen.map((generated) => [generated.exim_id, generated]));
  return [...messagesByRoot].map(([root, messages]) => {
    const ids = new Set(idsByRoot.get(root));
    const members = new Set<Entry>();
    for (const id of ids) {
      for (const entry of entriesById.get(id) ?? []) members.add(entry);
      for (const { entry } of postings.get(id) ?? []) members.add(entry);
    }
    for (const message of messages.filter(wasRefused)) {
      for (const entry of near(message)) {
        if (entry.id === undefined && isFromClientOf(message, entry)) members.add(entry);
      }
    }
    const inMain = [...members].filter(({ log }) => log === "mainlog");
    const truthBytes = [...messages, ...[...ids].map((id) => generatedById.get(id))].map(
      (value) => JSON.stringify(value)?.length ?? 0,
    );
    return {
      ids,
      labs: new Set(messages.map(({ n }) => n)),
      entries: members,
      features: new Set([
        ...messages.flatMap(({ rcpts }) => rcpts.map(({ fate }) => `fate:${fateKind(fate)}`)),
        ...messages.map(({ scenario }) => `scenario:${scenario}`),
        ...messages.map((message) => `family:${familyOf(message)}`),
        ...messages.flatMap((message) =>
          message.rcpts
            .filter(({ fate }) => fate !== "delivered")
            .map(({ fate }) => `familyFate:${familyOf(message)} ${fateKind(fate)}`),
        ),
        ...[...members].map((entry) => `shape:${shapeOf(entry)}`),
        ...[...members].filter(isSurprise).map(({ log, lineNumber }) => `surprise:${log}:${lineNumber}`),
        `course:${courseOf(inMain)}`,
        ...inMain.map(({ second }) => `day:${second.slice(0, 10)}`),
      ]),
      mainLines: sum(inMain.map(({ lines }) => lines)),
      bytes: sum([...members].map(({ start, end }) => end - start)) + sum(truthBytes),
    };
  });
}

/** Joins messages with the ids under which the truth saw them, and generated messages with what they are about. */
function linkByTruth(groups: Groups, truth: Truth): void {
  for (const { n, exim_id, seen } of truth.messages) {
    const ids = [
      exim_id,
      ...seen.sink_accepts.map((copy) => copy.exim_id),
      ...seen.mailboxes.map((copy) => copy.exim_id),
      ...seen.pipes.map((run) => run.exim_id),
      ...seen.bounces.map((bounce) => bounce.bounce_exim_id),
      ...[...seen.queued, ...seen.queued_bounces].map(({ id }) => id),
    ];
    for (const id of ids) if (id !== undefined) groups.join(n, id);
  }
  for (const { exim_id, about_lab, about_exim_id } of truth.generated_messages_seen) {
    if (about_lab !== null) groups.join(exim_id, about_lab);
    if (about_exim_id !== null) groups.join(exim_id, about_exim_id);
  }
}

/** Joins messages whose id the driver was not told with the id that the log gives their Message-ID or their X-Lab-Id. */
function linkByHeaders(groups: Groups, truth: Truth, entries: readonly Entry[]): void {
  const unnamed = truth.messages.filter(({ exim_id }) => exim_id === undefined);
  const labs = new Set(unnamed.map(({ n }) => n));
  const labsByMessageId = new Map(unnamed.map(({ n, message_id }) => [message_id, n]));
  for (const { id, text } of entries) {
    if (id === undefined) continue;
    const dumped = LAB_HEADER.exec(text)?.[1];
    if (dumped !== undefined && labs.has(dumped)) groups.join(id, dumped);
    const messageId = /^[<(]= .* id=(\S+)/.exec(text)?.[1];
    const lab = messageId === undefined ? undefined : labsByMessageId.get(messageId);
    if (lab !== undefined) groups.join(id, lab);
  }
}

/** Joins messages that nothing links with the ids that nothing links, if the time and the client agree. */
function linkByMoment(
  groups: Groups,
  truth: Truth,
  entriesById: ReadonlyMap<string, readonly Entry[]>,
  near: (message: TruthMessage) => readonly Entry[],
): void {
  const idRoots = new Set([...entriesById.keys()].map((id) => groups.find(id)));
  const labRoots = new Set(truth.messages.map(({ n }) => groups.find(n)));
  const unlinkedIds = new Set([...entriesById.keys()].filter((id) => !labRoots.has(groups.find(id))));
  for (const message of truth.messages) {
    if (idRoots.has(groups.find(message.n))) continue;
    for (const entry of near(message)) {
      if (entry.id === undefined || !unlinkedIds.has(entry.id)) continue;
      if (isFromClientOf(message, entry)) groups.join(message.n, entry.id);
    }
  }
}

/** A line with the client's address, or for a local submission one with the user. */
function isFromClientOf(message: TruthMessage, { text }: Entry): boolean {
  if (message.via === "command") return text.includes(`U=${message.client.user} `);
  return message.client.ip !== null && text.includes(`[${message.client.ip}]`);
}

/** True if lines without an id may tell the fate of the message. */
function wasRefused({ exim_id, rcpts }: TruthMessage): boolean {
  return exim_id === undefined || rcpts.some(({ response = "" }) => /^[45]/.test(response));
}

/** For a Unix time, the local second, the one before it and the two after it as the log writes them. */
function localSeconds(timeZone: string): (time: number) => string[] {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
  return (time) => [-1, 0, 1, 2].map((offset) => format.format((time + offset) * 1000));
}

/** The flag or the words, and the fields, without their values. Queue runs differ by their arguments. */
function shapeOf({ log, id, text }: Entry): string {
  if (id === undefined && / queue run: /.test(text)) return `|${text.replaceAll(/\d+/g, "")}`;
  const [line = ""] = text.split("\n", 1);
  const bare = line.replaceAll(/"(?:[^"\\]|\\.)*"|<[^>]*>|\([^)]*\)|\[[^\]]*\]\S*/g, "");
  const fields = [...bare.matchAll(FIELD)].map(([, key = ""]) => key);
  const words = bare.replaceAll(FIELD, "").match(/(?<=^| )[A-Za-z]{2,}(?=[:;,]? |[:;,]?$)/g) ?? [];
  const flag = id === undefined ? undefined : FLAG.exec(line)?.[0];
  const head = flag ?? words.slice(0, 5).join(" ");
  return `${log === "mainlog" ? "" : log}|${head}|${fields.join(" ")}|${text.includes("\n") ? "…" : ""}`;
}

function familyOf({ scenario }: TruthMessage): string {
  return scenario.split("-", 1)[0] ?? scenario;
}

/** "<= == => Completed": the flags of the lines of one unit, repeated ones once. */
function courseOf(entries: readonly Entry[]): string {
  const flags = entries.flatMap(({ text }) => FLAG.exec(text)?.[0] ?? []);
  return flags.filter((flag, index) => flag !== flags[index - 1]).join(" ");
}

/** `elsewhere`: the features that profiles before this one have; those of this one are added. */
function chooseUnits(units: readonly Unit[], plan: Plan, elsewhere: Set<string>): Unit[] {
  const chosen: Unit[] = [];
  const here = new Set<string>();
  let linesLeft = plan.mainLines - plan.looseShapes;
  let bytesLeft = plan.bytes - plan.looseShapes * LOOSE_LINE_BYTES;
  const wanted = new Set(plan.scenarios?.map((scenario) => `scenario:${scenario}`));
  const worthOf = (feature: string) => {
    const kind = feature.slice(0, feature.indexOf(":")) as keyof typeof WORTH;
    if (here.has(feature)) return 0;
    if (wanted.has(feature)) return WORTH.family;
    return SHARED.includes(kind) && elsewhere.has(feature) ? WORTH[kind] * WORTH_ELSEWHERE : WORTH[kind];
  };
  const costOf = (unit: Unit) => unit.bytes / plan.bytes + unit.mainLines / plan.mainLines;
  for (;;) {
    let best: { unit: Unit; value: number } | undefined;
    for (const unit of units) {
      if (unit.mainLines > linesLeft || unit.bytes > bytesLeft || chosen.includes(unit)) continue;
      const value = sum([...unit.features].map(worthOf)) / costOf(unit);
      if (value > (best?.value ?? 0)) best = { unit, value };
    }
    if (best === undefined) break;
    const { unit } = best;
    chosen.push(unit);
    for (const feature of unit.features) here.add(feature);
    linesLeft -= unit.mainLines;
    bytesLeft -= unit.bytes;
  }
  for (const feature of here) elsewhere.add(feature);
  return chosen;
}

/** Adds what other logs hold of the lines without an id that are kept. */
function addDuplicates(kept: Set<Entry>, entries: readonly Entry[]): void {
  const lines = new Set([...kept].filter(({ id }) => id === undefined).map(({ firstLine }) => firstLine));
  for (const entry of entries) if (entry.id === undefined && lines.has(entry.firstLine)) kept.add(entry);
}

/** Start and end of the first queue runs in which an address of a kept message was tried. */
function queueRuns(kept: ReadonlySet<Entry>, entries: readonly Entry[]): Entry[] {
  const main = entries.filter(({ log }) => log === "mainlog");
  const tries = main.filter((entry) => kept.has(entry) && FLAG.test(entry.text));
  const runs = main
    .filter(({ text }) => text.startsWith("Start queue run: "))
    .map((start) => ({
      start,
      end: main.find((entry) => entry.start > start.start && entry.text === start.text.replace("Start", "End")),
    }));
  return runs
    .flatMap(({ start, end }) => (end === undefined ? [] : [{ start, end }]))
    .filter(({ start, end }) => tries.some((entry) => entry.start > start.start && entry.start < end.start))
    .slice(0, QUEUE_RUNS)
    .flatMap(({ start, end }) => [start, end]);
}

/** Adds lines about no message: surprising ones, some queue runs, then one of each shape, until there are as many shapes as planned. */
function addLooseEntries(
  kept: Set<Entry>,
  entries: readonly Entry[],
  plan: Plan,
  isSurprise: (entry: Entry) => boolean,
): void {
  const known = new Set(entries.map(({ id }) => id));
  const candidates = entries.filter(({ log, id, text }) => {
    const isAboutMessage = [...text.matchAll(ANY_ID)].some(([mentioned]) => known.has(mentioned));
    return id === undefined && !isAboutMessage && log !== "paniclog";
  });
  const shapes = new Set([...kept].filter(({ id }) => id === undefined).map(shapeOf));
  const mainShapes = () => [...shapes].filter((shape) => shape.startsWith("|")).length;
  const byGeneralKind = [...groupBy(candidates, kindOf).values()];
  const inTurn = roundRobin(byGeneralKind.map((group) => firstOfEachShape(group)));
  const welcome = new Set([...candidates.filter(isSurprise), ...queueRuns(kept, entries)]);
  for (const entry of [...welcome, ...inTurn]) {
    const linesKept = sum([...kept].filter(({ log }) => log === "mainlog").map(({ lines }) => lines));
    if (mainShapes() >= plan.looseShapes || linesKept >= plan.mainLines) return;
    if (!welcome.has(entry) && shapes.has(shapeOf(entry))) continue;
    shapes.add(shapeOf(entry));
    kept.add(entry);
    addDuplicates(kept, entries);
  }
}

/** "rejected RCPT", "Start queue run", "SMTP syntax error": coarser than the shape. */
function kindOf({ log, text }: Entry): string {
  const verb = /rejected \S+|Warning|verify \w+|discarded|authenticator failed/.exec(text)?.[0];
  return `${log} ${verb ?? (text.match(/[A-Za-z]{2,}/g) ?? []).slice(0, 2).join(" ")}`;
}

function firstOfEachShape(entries: readonly Entry[]): Entry[] {
  return [...groupBy(entries, shapeOf).values()].flatMap((same) => same.slice(0, 1));
}

/** The first of each list, then the second of each, and so on. */
function roundRobin<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => lists.flatMap((list) => list.slice(index, index + 1))).flat();
}

function trimTruth(truth: Truth, chosen: readonly Unit[], kept: ReadonlySet<Entry>): Truth {
  const ids = new Set(chosen.flatMap((unit) => [...unit.ids]));
  const labs = new Set(chosen.flatMap((unit) => [...unit.labs]));
  const secondsOf = localSeconds(truth.timezone);
  const runsShown = new Set(
    [...kept].filter(({ text }) => text.startsWith("Start queue run")).map(({ second }) => second),
  );
  const trimmed = {
    ...truth,
    messages: truth.messages.filter(({ n }) => labs.has(n)),
    generated_messages_seen: truth.generated_messages_seen.filter(({ exim_id }) => ids.has(exim_id)),
    queue_at_end: truth.queue_at_end.filter(({ id }) => ids.has(id)),
    queue_snapshots: truth.queue_snapshots.map((snapshot) => trimSnapshot(snapshot, ids, kept)),
    admin_actions: truth.admin_actions.filter((action) => {
      const text = [...action.args, action.note].join(" ");
      const named = [...text.matchAll(ANY_ID), ...text.matchAll(/\bL\d{5}\b/g)].map(([name]) => name);
      return named.length === 0 || named.some((name) => ids.has(name) || labs.has(name));
    }),
    // Its second and the next.
    queue_runs: truth.queue_runs.filter(({ t }) =>
      secondsOf(t)
        .slice(1, 3)
        .some((second) => runsShown.has(second)),
    ),
    sink_events: truth.sink_events.filter(({ exim_ids = [] }) => exim_ids.some((id) => ids.has(id))),
  };
  return { ...trimmed, summary: summarise(trimmed) };
}

function trimSnapshot(
  snapshot: TruthQueueSnapshot,
  ids: ReadonlySet<string>,
  kept: ReadonlySet<Entry>,
): TruthQueueSnapshot {
  const before = (wanted: Log, bytes: number) => [...kept].filter(({ log, start }) => log === wanted && start < bytes);
  const main = before("mainlog", snapshot.mainlog_bytes);
  return {
    ...snapshot,
    mainlog_bytes: sum(main.map(({ start, end }) => end - start)),
    mainlog_lines: sum(main.map(({ lines }) => lines)),
    rejectlog_bytes: sum(before("rejectlog", snapshot.rejectlog_bytes).map(({ start, end }) => end - start)),
    queue: snapshot.queue.filter(({ id }) => ids.has(id)),
  };
}

/** The sums that the rest of the truth yields; the others count what is not in it. */
function summarise(truth: Omit<Truth, "summary">): TruthSummary {
  const { messages, generated_messages_seen: generated, queue_at_end: queue, sink_events: events } = truth;
  const recipients = messages.flatMap(({ rcpts }) => rcpts);
  const fates: { [Kind in TruthFateKind]?: number } = {};
  for (const { fate } of recipients) fates[fateKind(fate)] = (fates[fateKind(fate)] ?? 0) + 1;
  return {
    messages_tried: messages.length,
    messages_with_exim_id: messages.filter(({ exim_id }) => exim_id !== undefined).length,
    rcpt_fates: fates,
    sink_accepted: events.filter(({ kind }) => kind === "accepted").length,
    sink_events: events.length,
    mailbox_messages:
      sum(messages.map(({ seen }) => seen.mailboxes.length)) +
      generated.filter(({ where }) => !where.startsWith("sink:")).length,
    pipe_runs: sum(messages.map(({ seen }) => seen.pipes.length)),
    queue_at_end: queue.length,
    frozen_at_end: queue.filter(({ frozen }) => frozen !== false).length,
    not_as_expected: recipients.filter(({ as_expected }) => as_expected === false).length,
  };
}

/** JSON with one line for each element of a list: small, and a difference shows as the element that differs. */
function formatTruth(truth: Truth): string {
  const fields = Object.entries(truth).map(([key, value]) => {
    const text =
      Array.isArray(value) && value.length > 0
        ? `[\n${value.map((element) => `  ${JSON.stringify(element)}`).join(",\n")}\n ]`
        : JSON.stringify(value);
    return ` ${JSON.stringify(key)}: ${text}`;
  });
  return `{\n${fields.join(",\n")}\n}\n`;
}

function report(target: string, profile: string, kept: ReadonlySet<Entry>, chosen: readonly Unit[]): string {
  const counts = LOGS.map((log) => {
    const lines = sum([...kept].filter((entry) => entry.log === log).map((entry) => entry.lines));
    return `${log} ${lines} lines ${statSync(join(target, log)).size} bytes`;
  });
  const messages = sum(chosen.map(({ labs }) => labs.size));
  const truthBytes = statSync(join(target, "TRUTH.json")).size;
  return `${profile}: ${counts.join(", ")}, truth ${messages} messages ${truthBytes} bytes`;
}

/** Map.groupBy, which Node 20 does not have. */
function groupBy<T>(values: Iterable<T>, keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return groups;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

main();
