import { PilotError } from "../../errors.ts";
import { formatCount } from "../../render/form/format.ts";
import { renderJson, renderJsonLine } from "../../render/form/json.ts";
import { toVisible } from "../../render/form/terminal-text.ts";
import {
  renderRawGroup,
  renderSearchCsvHeading,
  renderSearchCsvRow,
  renderSearchList,
} from "../../render/search-results.ts";
import { parseCursor } from "../../search/cursor.ts";
import { compilePattern } from "../../search/pattern.ts";
import { toRawGroup } from "../../search/raw-groups.ts";
import type { SearchResult } from "../../search/result.ts";
import { readResults, type Search, searchPage, toPage } from "../../search/search.ts";
import { findByLines, type LineSelection } from "../../search/search-lines.ts";
import type { RawLines } from "../../store/log-text/line-scan.ts";
import type { Reader } from "../../store/reader.ts";
import type { Hit, SortKey } from "../../store/search/search-reader.ts";
import { matchLines } from "../children/pattern-search.ts";
import { type DatabaseFlags, paintFor, screenOf, toStoreSettings, usingReader } from "../context.ts";
import { coverageOf, explainNothing } from "../coverage.ts";
import { type FilterFlags, readFilter } from "../flags/filter-flags.ts";
import { hintsOfMisplaced } from "../flags/misplaced-values.ts";
import { serverTimeZone } from "../flags/time-zone.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { writePiece } from "../terminal/output.ts";

export interface SearchFlags extends DatabaseFlags, FilterFlags {
  readonly literal?: boolean;
  readonly sensitive?: boolean;
  readonly invert?: boolean;
  readonly related?: boolean;
  /** Milliseconds. */
  readonly timeout: number;
  /** Seconds. */
  readonly slowerThan?: number;
  readonly sort: SortKey;
  readonly reverse?: boolean;
  readonly limit?: number;
  readonly after?: string;
  readonly raw?: boolean;
  readonly redact?: boolean;
  readonly ids?: boolean;
  readonly count?: boolean;
  readonly csv?: boolean;
  readonly ndjson?: boolean;
  readonly json?: boolean;
}

/** Results of a table or a page of JSON; other forms are for programs, and give all. */
const PAGE = 50;
/** A count of more takes too long for what it is worth on a page. */
const MOST_COUNTED = 1000;
/** Read at once where all are given. */
const CHUNK = 500;

/** Prints what matches; returns the exit status, 1 when nothing does. Errors: `usage`, those of the database. */
export async function runSearch(pattern: string | undefined, flags: SearchFlags, io: Io): Promise<number> {
  // NOTE: raw lines come in the order of a log.
  const isLogOrder = flags.raw === true && flags.sort === "time";
  const order = { key: flags.sort, isAscending: isLogOrder !== (flags.reverse === true) };
  const after = flags.after === undefined ? undefined : parseCursor(flags.after, order);
  if (flags.after !== undefined && after === undefined) {
    throw new PilotError("usage", `"${flags.after}" is no place in these results.`, {
      hint: "Give --after the value that the last search printed, with the same --sort and --reverse.",
    });
  }
  const select = toSelection(pattern, flags, io);
  return usingReader(flags, io, async (reader) => {
    const asked = await readFilter(flags, reader, io);
    const search: Search = {
      filter: {
        ...asked,
        ...(flags.slowerThan !== undefined && { slowerThanSeconds: flags.slowerThan }),
        withHousekeeping: pattern !== undefined,
      },
      order,
      after,
    };
    const source =
      select === undefined ? undefined : await findByLines(reader.search, reader.lines, search, select(reader.lines));
    const isAny = await print(reader, search, source, flags, io);
    if (!isAny) {
      const nothing = flags.count === true || flags.json === true ? "" : "Nothing matches.\n";
      const timeZone = await serverTimeZone(reader, flags.server, io);
      const coverage = redactor(flags, io)(coverageOf(reader, asked, io));
      io.stderr.write(nothing + hintsOfMisplaced(flags) + explainNothing(coverage, timeZone));
    }
    return isAny ? 0 : 1;
  });
}

function toSelection(
  pattern: string | undefined,
  flags: SearchFlags,
  io: Io,
): ((lines: RawLines) => LineSelection) | undefined {
  if (pattern === undefined) {
    const given = (["literal", "sensitive", "invert", "related"] as const).find((name) => flags[name] === true);
    if (given === undefined) return undefined;
    throw new PilotError("usage", `--${given} needs a pattern.`, {
      hint: "Give a pattern: `exim-pilot search 'rejected RCPT'`.",
    });
  }
  const options = { isLiteral: flags.literal === true, isSensitive: flags.sensitive === true };
  compilePattern(pattern, options);
  const { now: _, ...settings } = toStoreSettings(flags, io);
  return (lines) => ({
    matches: (sinceMs) => matchLines(lines, { settings, pattern, ...options, sinceMs }, flags.timeout, io),
    isInverted: flags.invert === true,
    withRelated: flags.related === true,
  });
}

/** `known` are the hits, where they had to be found all at once. Returns whether there was any. */
async function print(
  reader: Reader,
  search: Search,
  known: readonly Hit[] | undefined,
  flags: SearchFlags,
  io: Io,
): Promise<boolean> {
  if (flags.count === true) {
    const count = known?.length ?? (await reader.search.count(search.filter));
    io.stdout.write(flags.json === true ? renderJson("count", { count }) : `${count}\n`);
    return count > 0;
  }
  if (flags.raw === true) return printRaw(reader, pagesOf(reader, search, known, flags.limit), flags, io);
  if (flags.ids === true || flags.csv === true || flags.ndjson === true) {
    return printAll(reader, pagesOf(reader, search, known, flags.limit), flags, io);
  }
  const limit = flags.limit ?? PAGE;
  const page = redactor(
    flags,
    io,
  )(
    await (known === undefined
      ? searchPage(reader.search, search, limit)
      : toPage(reader.search, search, known, limit)),
  );
  if (flags.json === true) {
    const isEmpty = page.results.length === 0;
    const coverage = isEmpty ? redactor(flags, io)(coverageOf(reader, search.filter, io)) : undefined;
    io.stdout.write(renderJson("search", { ...page, ...(coverage !== undefined && { coverage }) }));
    return page.results.length > 0;
  }
  const hasServers = (await reader.search.timeZones()).size > 1;
  const screen = screenOf(io);
  io.stdout.write(renderSearchList(page.results, { ...screen, sort: flags.sort, hasServers }));
  if (page.next !== null) {
    const count = known?.length ?? (await reader.search.count(search.filter, MOST_COUNTED + 1));
    io.stdout.write(screen.paint.faint(renderNextPage(page.results.length, count, page.next)).concat("\n"));
  }
  return page.results.length > 0;
}

/** `50 of 1,204 shown. Next page: --after X` */
function renderNextPage(shown: number, count: number, next: string): string {
  const all = count > MOST_COUNTED ? `more than ${formatCount(MOST_COUNTED)}` : formatCount(count);
  return `${formatCount(shown)} of ${all} shown. Next page: --after ${next}`;
}

async function* pagesOf(
  reader: Reader,
  search: Search,
  known: readonly Hit[] | undefined,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly Hit[]> {
  let left = limit;
  const pages = known === undefined ? reader.search.findAll(search) : inChunks(known);
  for await (const hits of pages) {
    yield hits.slice(0, left);
    left -= hits.length;
    if (left <= 0) return;
  }
}

function* inChunks(hits: readonly Hit[]): Generator<readonly Hit[]> {
  for (let start = 0; start < hits.length; start += CHUNK) yield hits.slice(start, start + CHUNK);
}

async function printRaw(
  reader: Reader,
  pages: AsyncIterable<readonly Hit[]>,
  flags: SearchFlags,
  io: Io,
): Promise<boolean> {
  const redact = redactor(flags, io);
  const paint = paintFor(io.stdout, io);
  let isAny = false;
  for await (const hits of pages) {
    const groups = reader.groups.read(hits).map((group) => renderRawGroup(redact(toRawGroup(group)), paint));
    if (groups.length === 0) continue;
    const isWanted = await writePiece(io.stdout, (isAny ? "\n" : "") + groups.join("\n"), io.signal);
    isAny = true;
    if (!isWanted) break;
  }
  return isAny;
}

async function printAll(
  reader: Reader,
  pages: AsyncIterable<readonly Hit[]>,
  flags: SearchFlags,
  io: Io,
): Promise<boolean> {
  const redact = redactor(flags, io);
  let isAny = false;
  const render = (result: SearchResult): string => {
    if (flags.ids === true) return result.id === null ? "" : `${toVisible(result.id)}\n`;
    return flags.csv === true ? renderSearchCsvRow(result) : renderJsonLine(result);
  };
  for await (const results of readResults(reader.search, pages)) {
    const text = results.map((result) => render(redact(result))).join("");
    if (text === "") continue;
    const heading = isAny || flags.csv !== true ? "" : renderSearchCsvHeading();
    isAny = true;
    if (!(await writePiece(io.stdout, heading + text, io.signal))) break;
  }
  return isAny;
}
