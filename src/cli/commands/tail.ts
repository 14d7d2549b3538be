import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { PilotError } from "../../errors.ts";
import { LineFilter } from "../../explain/line-filter.ts";
import { type ReadLine, readLine } from "../../explain/read-line.ts";
import { findLogs } from "../../ingest/source/find-logs.ts";
import { LogTail } from "../../ingest/source/log-tail.ts";
import { STDIN_PATH } from "../../ingest/source/source.ts";
import type { EntryKind } from "../../parse/events.ts";
import { toVisible } from "../../render/form/terminal-text.ts";
import { renderEvent } from "../../render/parse/event.ts";
import { renderTailHeading, renderTailLine, type ServerClock } from "../../render/tail-line.ts";
import type { NewestLine } from "../../store/read/newest-lines.ts";
import { describeEvent } from "../../trace/describe-event.ts";
import { SECOND_MS } from "../../units.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { assertServer } from "../flags/filter-flags.ts";
import type { Io } from "../io.ts";
import { redactLine } from "../redact-line.ts";
import { namesOf, redactor } from "../redactor.ts";

export interface TailFlags extends DatabaseFlags {
  readonly limit: number;
  /** False: `--no-follow`. */
  readonly follow: boolean;
  readonly kind?: readonly EntryKind[];
  readonly server?: string;
  readonly raw?: boolean;
  readonly redact?: boolean;
  readonly json?: boolean;
  readonly ndjson?: boolean;
}

/** A line with where it is from: the name of a server or of a file. */
interface PlacedLine {
  readonly line: ReadLine;
  readonly place: string;
}

/** Lines in portions: first the last ones there are, then those that come. */
type Source = AsyncIterable<readonly PlacedLine[]>;

/**
 * Prints the last lines, and new ones until a signal. `what`: logs, without which the database is read; and words that a line has, or
 * another of its message. Errors: `unreadable`, `not_found` (a server), those of the database.
 */
export async function runTail(what: readonly string[], flags: TailFlags, io: Io): Promise<void> {
  const logs = what.filter(isLog);
  const words = what.filter((word) => !isLog(word));
  const filter = new LineFilter({ kinds: flags.kind, words });
  const isAny = flags.kind === undefined && words.length === 0;
  const count = flags.limit === 0 || isAny ? flags.limit : LOOKED_THROUGH;
  const source = logs.length === 0 ? storedLines(count, flags, io) : loggedLines(logs, count, flags, io);
  let show: ((placed: PlacedLine) => string) | undefined;
  for await (const portion of source) {
    const chosen = portion.filter(({ line }) => filter.wants(line));
    const shown = show === undefined ? lastOf(chosen, flags.limit) : chosen;
    if (show === undefined) {
      const clocks = await clocksOf(logs, flags, io);
      show = presentationOf(logs, clocks.length > 1, flags, io);
      if (!isForPrograms(flags)) io.stdout.write(renderTailHeading(redactor(flags, io)(clocks), screenOf(io)));
    }
    io.stdout.write(shown.map(show).join(""));
    if (!flags.follow || io.signal.aborted) return;
  }
}

/** Where only some lines are wanted, they are looked for among so many. */
const LOOKED_THROUGH = 10_000;

/** A file, or a path or pattern that names some. */
function isLog(word: string): boolean {
  return word !== STDIN_PATH && (/[/*?]/.test(word) || existsSync(word)) && !/@/.test(word);
}

function lastOf<Item>(items: readonly Item[], count: number): readonly Item[] {
  return count === 0 ? [] : items.slice(-count);
}

const LOOK_MS = SECOND_MS;
/** More that came between two looks are shown by the next ones. */
const MOST_AT_ONCE = 5000;

/** Opens the database for each look, so that one that has taken its place is read from then on. */
async function* storedLines(count: number, flags: TailFlags, io: Io): Source {
  const { server } = flags;
  let last = 0;
  let newest = await usingReader(flags, io, async (reader) => {
    if (server !== undefined) await assertServer(server, reader);
    last = reader.newest.newestId();
    return reader.newest.last(count, server);
  });
  yield newest.map(toPlaced);
  while (!io.signal.aborted) {
    await pause(LOOK_MS, undefined, { signal: io.signal }).catch(() => {});
    if (io.signal.aborted) return;
    newest = await usingReader(flags, io, async (reader) => reader.newest.after(last, MOST_AT_ONCE, server));
    last = newest.at(-1)?.id ?? last;
    if (newest.length > 0) yield newest.map(toPlaced);
  }
}

function toPlaced({ lines, server }: NewestLine): PlacedLine {
  return { line: readLine(lines, true, { file: server, lineNumber: 0 }), place: server };
}

async function* loggedLines(names: readonly string[], count: number, flags: TailFlags, io: Io): Source {
  for (const { argument, paths, error } of await Promise.all(names.map(findLogs))) {
    if (paths.some((path) => existsSync(path))) continue;
    const missing =
      error ?? new PilotError("unreadable", `There is no file "${argument}".`, { hint: "Check the name." });
    if (!flags.follow) throw missing;
    io.stderr.write(`note: ${toVisible(missing.message)} Its lines are shown when it is there.\n`);
  }
  const tail = new LogTail(names, count);
  try {
    while (!io.signal.aborted) {
      const records = await tail.next(io.signal);
      yield records.map(({ path, lines, isEntry }) => ({
        line: readLine(lines, isEntry, { file: path, lineNumber: 0 }),
        place: path,
      }));
    }
  } finally {
    tail.close();
  }
}

/** Lines as they are logged, or as programs read them: nothing stands above them. */
function isForPrograms({ raw, json, ndjson }: TailFlags): boolean {
  return raw === true || json === true || ndjson === true;
}

function presentationOf(
  logs: readonly string[],
  hasServers: boolean,
  flags: TailFlags,
  io: Io,
): (placed: PlacedLine) => string {
  const names = namesOf(io);
  const hasPlaces = logs.length === 0 ? hasServers : logs.length > 1;
  return (placed) => {
    const line = flags.redact === true ? redactLine(placed.line, names) : placed.line;
    if (flags.json === true || flags.ndjson === true) {
      const server = logs.length === 0 ? line.file : undefined;
      return renderEvent(line, { server, hasFile: server === undefined, hasRaw: flags.raw === true });
    }
    if (flags.raw === true) return `${toVisible(line.raw)}\n`;
    const { parsed, raw, timestamp } = line;
    const description =
      parsed === undefined
        ? { mark: "", text: raw, tone: "plain" as const }
        : describeEvent(parsed.event, parsed.text, true);
    const place = hasPlaces ? line.file : undefined;
    // NOTE: the width is asked for each time, since a terminal may get another.
    return renderTailLine({ timestamp, place, messageId: parsed?.prefix.messageId, description }, screenOf(io));
  };
}

/** Clocks of the servers whose lines are shown; none of logs, which do not state theirs. */
async function clocksOf(logs: readonly string[], flags: TailFlags, io: Io): Promise<readonly ServerClock[]> {
  if (logs.length > 0) return [];
  const { server } = flags;
  const zones = await usingReader(flags, io, ({ search }) => search.timeZones(server === undefined ? [] : [server]));
  return [...zones].map(([name, timeZone]) => ({ server: name, timeZone }));
}
