/** From what a user has in hand to the messages that are meant. */
import type { Filter } from "../store/filter.ts";
import type { MessageKey, MessageReader } from "../store/message-reader.ts";
import type { SearchReader } from "../store/search-reader.ts";
import type { Subject as AnySubject } from "./subject.ts";

type Subject = Exclude<AnySubject, { readonly kind: "broken_id" }>;

export interface FoundMessages {
  /** Newest first. */
  readonly messages: readonly MessageKey[];
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
  subject: Subject,
  filter: Filter,
  limit: number,
): Promise<FoundMessages> {
  if (subject.kind === "id" && Object.keys(filter).length === 0) {
    return { messages: await messages.find(subject.id), isMore: false };
  }
  for (const narrowed of toFilters(subject, filter)) {
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
export async function suggestIds({ messages }: TraceReaders, subject: Subject): Promise<string[]> {
  return subject.kind === "id" ? messages.findSimilar(subject.id) : [];
}

const NEWEST_FIRST = { key: "time", isAscending: false } as const;

/** Tried in order. */
function toFilters(subject: Subject, filter: Filter): readonly Filter[] {
  const base: Filter = { ...filter, kind: ["message"] };
  switch (subject.kind) {
    case "id":
      return [{ ...base, eximId: [subject.id] }];
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
