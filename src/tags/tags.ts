/** Tags of messages, by which people find them again: a ticket, an incident, a customer. */
import { PilotError } from "../errors.ts";
import type { Author, PeopleWriter, TagMeaning } from "../store/people/people-writer.ts";
import type { Transactor } from "../store/write/transactor.ts";
import type { EpochMs } from "../units.ts";

export interface TagChange {
  /** Messages that were looked at, those of several servers under one id each for itself. */
  readonly messages: readonly { readonly id: string; readonly server: string }[];
  /** Number of tags added or removed; tags that were already set, or already missing, do not count. */
  readonly changed: number;
}

export interface TagOrder {
  /** Exim's. */
  readonly ids: readonly string[];
  readonly tags: readonly string[];
  /** Only messages of this server; undefined: of any. */
  readonly server: string | undefined;
  /** Takes the tags away instead of giving them. */
  readonly isRemoval: boolean;
}

/** Form of a tag: easy to type, to quote in a shell, and to find in a text. */
const TAG = /^[\p{L}\p{N}][\p{L}\p{N}._:/-]{0,63}$/u;

/** Errors: `usage` when one of them cannot be a tag. */
export function assertTags(tags: readonly string[]): void {
  const wrong = tags.find((tag) => !TAG.test(tag));
  if (wrong === undefined) return;
  throw new PilotError("usage", `"${wrong}" cannot be a tag.`, {
    hint: "A tag has up to 64 letters, digits and . _ : / - and begins with a letter or digit, such as ticket-4711.",
  });
}

/** Gives tags to messages, or takes them away. Errors: `not_found`, with which the transaction is to be taken back; those of the database. */
export function changeTags(
  transactor: Transactor,
  { ids, tags, server, isRemoval }: TagOrder,
  author: Author,
  now: EpochMs,
): TagChange {
  const { people } = transactor;
  const messages: { id: string; server: string }[] = [];
  let changed = 0;
  for (const id of ids) {
    const found = transactor.findTaggable(id).filter((one) => server === undefined || one.server === server);
    if (found.length === 0) throw notFound(id, server);
    for (const one of found) {
      messages.push({ id, server: one.server });
      for (const tag of tags) {
        const isChanged = isRemoval
          ? people.removeTag(one.serverId, id, tag)
          : people.addTag(one.serverId, id, tag, author, now);
        if (isChanged) changed++;
      }
    }
  }
  return { messages, changed };
}

export interface TagWishes {
  readonly tag: string;
  /** `#rrggbb`; null: none any more; undefined: as it is. */
  readonly colour: string | null | undefined;
  /** Null: none any more; undefined: as it is. */
  readonly about: string | null | undefined;
}

export interface TagDescription {
  readonly before: TagMeaning;
  readonly after: TagMeaning;
}

const MOST_ABOUT = 500;

/** Errors: `usage` when the text cannot say what a tag means. */
export function assertAbout(about: string): void {
  if ([...about].length <= MOST_ABOUT && !/[\p{Cc}\p{Cs}]/u.test(about)) return;
  throw new PilotError("usage", "The meaning of the tag is too long, or has control characters.", {
    hint: `Give up to ${MOST_ABOUT} characters on one line.`,
  });
}

/** Gives a tag a colour and a meaning, wherever it is given; it need not be given to any message yet. Errors: those of the database. */
export function describeTag(
  people: PeopleWriter,
  { tag, colour, about }: TagWishes,
  author: Author,
  now: EpochMs,
): TagDescription {
  const before = people.findMeaning(tag) ?? { tag, colour: null, about: null };
  const after = {
    tag: before.tag,
    colour: colour === undefined ? before.colour : colour,
    about: about === undefined ? before.about : about,
  };
  const isSame = before.colour === after.colour && before.about === after.about;
  if (!isSame) people.putMeaning(after, author, now);
  return { before, after };
}

function notFound(id: string, server: string | undefined): PilotError {
  const where = server === undefined ? "" : ` of ${server}`;
  return new PilotError("not_found", `The database knows no message ${id}${where}; nothing was changed.`, {
    hint: "Upper and lower case matter in ids; `exim-pilot search --ids` prints those of messages.",
  });
}
