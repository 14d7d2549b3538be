/** Recognises what a user has in hand: an id, a header Message-ID, an address, a line of a log. */
import { isMessageId } from "../parse/message-id.ts";
import { parseEntryText } from "../parse/record.ts";

export type Subject =
  | { readonly kind: "id"; readonly id: string }
  /** The beginning of an id. */
  | { readonly kind: "cut_id"; readonly text: string }
  /** Meant as an id, and none. */
  | { readonly kind: "broken_id"; readonly text: string }
  /** With an @: what it is, the database tells. */
  | { readonly kind: "message_id_or_address"; readonly text: string }
  /** Words that name no message as a line of Exim's does: a reply of a server, a line of another program. */
  | { readonly kind: "text"; readonly text: string }
  /** A local user. */
  | { readonly kind: "address"; readonly text: string };

/** A subject that the database can be asked for as it is. */
export type NamedSubject = Exclude<Subject, { readonly kind: "broken_id" | "text" }>;

/** Ids begin with the time: what has no hyphen is one when its first letter is of these decades. */
const CUT_ID =
  /^(?:[12][0-9A-Za-z]{5}|[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{0,11}|[0-9A-Za-z]{6}-[0-9A-Za-z]?|[0-9A-Za-z]{11}-[0-9A-Za-z]{0,3}))$/;

const LIKE_AN_ID = /^[0-9A-Za-z]{5,7}-[0-9A-Za-z-]+$/;

/** Undefined when nothing is given. */
export function readSubject(given: string): Subject | undefined {
  const text = given.trim();
  if (isMessageId(text)) return { kind: "id", id: text };
  if (/\s/.test(text)) {
    const id = parseEntryText(text)?.prefix.messageId;
    return id === undefined ? { kind: "text", text } : { kind: "id", id };
  }
  if (text === "") return undefined;
  if (CUT_ID.test(text)) return { kind: "cut_id", text };
  if (LIKE_AN_ID.test(text)) return { kind: "broken_id", text };
  return text.includes("@") ? { kind: "message_id_or_address", text } : { kind: "address", text };
}
