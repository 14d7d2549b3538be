/** Finds the messages that a user means by what is in hand: an id, a Message-ID, an address, a line. */

import type { MessageReader, MessageRow } from "../store/read/message-reader.ts";
import type { Filter } from "../store/search/filter.ts";
import type { SearchReader } from "../store/search/search-reader.ts";
import type { NamedSubject } from "./subject.ts";

export interface FoundMessages {
  /** Newest first. */
  readonly messages: readonly MessageRow[];
  /** There are more. */
  readonly isMore: boolean;
}

export interface TraceReaders {
  readonly messages: MessageReader;
  readonly search: SearchReader;
}

/** The messages of the subject that match the filter, at most `limit`. */
export async function findMessages(
  { messages, search }: TraceReaders,
  subject: NamedSubject,
  filter: Filter,
  limit: number,
): Promise<FoundMessages> {
  if (subject.kind === "id" && Object.keys(filter).length === 0) {
    return { messages: await messages.find(subject.id), isMore: false };
  }
  const ids = subject.kind === "cut_id" ? await messages.idsBeginning(subject.text, MOST_CUT_IDS) : [];
  for (const narrowed of toFilters(subject, filter, ids)) {
    const hits = await search.find({ filter: narrowed, order: NEWEST_FIRST, after: undefined, limit: limit + 1 });
    if (hits.length === 0) continue;
    const found = await search.read(hits.slice(0, limit));
    return {
      messages: found.flatMap((one) => (one.kind === "message" ? [one.message] : [])),
      isMore: hits.length > limit,
    };
  }
  return { messages: [], isMore: false };
}

/** Ids that differ from this one in upper and lower case only. */
export async function suggestIds({ messages }: TraceReaders, subject: NamedSubject): Promise<string[]> {
  return subject.kind === "id" ? messages.findSimilar(subject.id) : [];
}

/** Most ids with the same beginning: more than an hour of a busy server has. */
const MOST_CUT_IDS = 1000;

const NEWEST_FIRST = { key: "time", isAscending: false } as const;

/** Tried in order. `ids`: those that begin as the subject does. */
function toFilters(subject: NamedSubject, filter: Filter, ids: readonly string[]): readonly Filter[] {
  const base: Filter = { ...filter, kind: ["message"] };
  switch (subject.kind) {
    case "id":
      return [{ ...base, eximId: [subject.id] }];
    case "cut_id":
      if (ids.length > 0) return [{ ...base, eximId: ids }];
      // A local user may have such a name.
      return subject.text.includes("-") ? [] : [{ ...base, address: [subject.text] }];
    case "message_id_or_address": {
      const bare = subject.text.replace(/^<(.*)>$/, "$1");
      return [
        { ...base, messageId: [bare] },
        { ...base, address: [...(filter.address ?? []), bare] },
      ];
    }
    case "address":
      return [{ ...base, address: [subject.text] }];
  }
}
