/** Selects messages and lines by a pattern, as exigrep does: a line that matches selects all lines of its message. */
import type { LineMatch, RawLines } from "../store/log-text/line-scan.ts";
import type { Candidates, Hit, SearchReader } from "../store/search/search-reader.ts";
import type { Search } from "./search.ts";

export interface LineSelection {
  /** The lines that match a pattern, in blocks that reach to `sinceMs`. */
  readonly matches: (sinceMs: number) => AsyncIterable<readonly LineMatch[]>;
  /** Selects what does not match. */
  readonly isInverted: boolean;
  /** Selects related messages, too: those that name a selected one or are named by one, and so on. */
  readonly withRelated: boolean;
}

/** All hits, in their order. */
export async function findByLines(
  reader: SearchReader,
  lines: RawLines,
  search: Search,
  selection: LineSelection,
): Promise<readonly Hit[]> {
  const matched = await collect(selection.matches(search.filter.since ?? 0));
  const selected = selection.isInverted ? await allBut(reader, search, matched) : matched;
  const related = selection.withRelated ? await addRelated(reader, lines, selected) : selected;
  return reader.narrow(toCandidates(related), search);
}

interface Selected {
  readonly messages: Set<number>;
  readonly entries: Set<number>;
}

async function collect(matches: AsyncIterable<readonly LineMatch[]>): Promise<Selected> {
  const selected = { messages: new Set<number>(), entries: new Set<number>() };
  for await (const found of matches) {
    for (const { entryId, messageId } of found) {
      if (messageId === null) selected.entries.add(entryId);
      else selected.messages.add(messageId);
    }
  }
  return selected;
}

async function allBut(reader: SearchReader, search: Search, matched: Selected): Promise<Selected> {
  const rest = { messages: new Set<number>(), entries: new Set<number>() };
  for await (const hits of reader.findAll({ ...search, after: undefined })) {
    for (const { isMessage, id } of hits) {
      const [from, to] = isMessage === 1 ? [matched.messages, rest.messages] : [matched.entries, rest.entries];
      if (!from.has(id)) to.add(id);
    }
  }
  return rest;
}

/** A line that names another message's id relates the two, in both directions. */
async function addRelated(reader: SearchReader, lines: RawLines, selected: Selected): Promise<Selected> {
  const named = new Map<number, Set<string>>();
  for (const { messageId, namedId } of lines.namingOthers()) {
    const ids = named.get(messageId) ?? new Set();
    named.set(messageId, ids.add(namedId));
  }
  const keys = await reader.findKeys([...new Set([...named.values()].flatMap((ids) => [...ids]))]);
  const keysOf = new Map<string, number[]>();
  for (const { id, exim_id } of keys) keysOf.set(exim_id, [...(keysOf.get(exim_id) ?? []), id]);
  const neighbours = new Map<number, number[]>();
  const connect = (one: number, other: number): void =>
    void neighbours.set(one, [...(neighbours.get(one) ?? []), other]);
  for (const [messageId, ids] of named) {
    for (const other of [...ids].flatMap((id) => keysOf.get(id) ?? [])) {
      connect(messageId, other);
      connect(other, messageId);
    }
  }
  const messages = new Set(selected.messages);
  for (const message of messages) for (const neighbour of neighbours.get(message) ?? []) messages.add(neighbour);
  return { messages, entries: selected.entries };
}

function toCandidates({ messages, entries }: Selected): Candidates {
  return { messages: [...messages], entries: [...entries] };
}
