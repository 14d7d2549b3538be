/** Notes of people about messages. */
import { PilotError } from "../errors.ts";
import type { NoteRow, PeopleWriter } from "../store/people/people-writer.ts";
import type { Transactor } from "../store/write/transactor.ts";
import type { EpochMs } from "../units.ts";
import { type ActingAccount, type Actor, findWriter, isAdmin } from "./actor.ts";

export interface NoteOrder {
  /** Exim's id. */
  readonly messageId: string;
  /** Undefined: of any; refused where several have the id. */
  readonly server: string | undefined;
  readonly note: string;
  readonly isPublic: boolean;
}

export interface NoteEdit {
  readonly id: number;
  /** The message that the note must be of; undefined: of any. */
  readonly messageId: string | undefined;
  /** Undefined: the text stays. */
  readonly note: string | undefined;
  /** Undefined: as it is. */
  readonly isPublic: boolean | undefined;
}

export interface NoteChange {
  readonly change: "added" | "edited" | "removed" | "unchanged";
  /** Number of the note. */
  readonly id: number;
  /** Exim's id. */
  readonly messageId: string;
  readonly server: string;
  readonly author: string;
  readonly isPublic: boolean;
  readonly note: string;
  /** Text that was replaced or removed, for the audit log; null where that was private, which everybody could read there. */
  readonly noteBefore: string | null;
}

const MOST_LENGTH = 10_000;

/** The text as it is stored: without blanks and line ends at its end. `name`: its name in errors. Errors: `usage` when it cannot be a note. */
export function toNote(text: string, name = "note"): string {
  const note = text.replaceAll("\r\n", "\n").trimEnd();
  if (note.trim() === "") {
    throw new PilotError("usage", `The ${name} is empty.`, {
      hint: 'Give its text in quotes, or "-" to read it from standard input.',
    });
  }
  const length = [...note].length;
  if (length > MOST_LENGTH) {
    throw new PilotError("usage", `The ${name} has ${length} characters, more than ${MOST_LENGTH}.`, {
      hint: "Shorten it, or write several.",
    });
  }
  const control = /(?![\n\t])[\p{Cc}\p{Cs}]/u.exec(note)?.[0];
  if (control !== undefined) {
    const code = (control.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    throw new PilotError("usage", `The ${name} has the control character U+${code}.`, {
      hint: "It may have newlines and tabs, and no other control characters.",
    });
  }
  return note;
}

/** Adds a note. Errors: `not_found`; `usage` when several servers have the id; `read_only`, see {@link findWriter}. */
export function addNote(
  transactor: Transactor,
  { messageId, server, note, isPublic }: NoteOrder,
  account: ActingAccount,
  now: EpochMs,
): NoteChange {
  const { people } = transactor;
  const actor = findWriter(people, account);
  const message = findOne(transactor, messageId, server);
  const { author } = actor;
  const id = people.addNote({ serverId: message.serverId, eximId: messageId }, actor, note, isPublic, now);
  return { change: "added", id, messageId, server: message.server, author, isPublic, note, noteBefore: null };
}

/** Errors: `not_found`; `read_only` when it is the note of another. */
export function editNote({ people }: Transactor, edit: NoteEdit, account: ActingAccount, now: EpochMs): NoteChange {
  const row = findOwn(people, edit, account);
  const note = edit.note ?? row.note;
  const isPublic = edit.isPublic ?? row.isPublic;
  const isSame = note === row.note && isPublic === row.isPublic;
  if (!isSame) people.updateNote(row.id, note, isPublic, now);
  const before = row.isPublic && note !== row.note ? row.note : null;
  return toChange({ ...row, note, isPublic }, isSame ? "unchanged" : "edited", before);
}

/** Errors: `not_found`; `read_only` when it is the note of another. */
export function removeNote(
  { people }: Transactor,
  named: Pick<NoteEdit, "id" | "messageId">,
  account: ActingAccount,
): NoteChange {
  const row = findOwn(people, named, account);
  people.removeNote(row.id);
  return toChange(row, "removed", row.isPublic ? row.note : null);
}

function toChange(
  { id, messageId, server, author, isPublic, note }: NoteRow,
  change: NoteChange["change"],
  noteBefore: string | null,
): NoteChange {
  return { change, id, messageId, server, author, isPublic, note, noteBefore };
}

function findOne(transactor: Transactor, messageId: string, server: string | undefined) {
  const found = transactor.findTaggable(messageId).filter((one) => server === undefined || one.server === server);
  const [message, ...others] = found;
  if (message === undefined) {
    const where = server === undefined ? "" : ` of "${server}"`;
    throw new PilotError("not_found", `The database knows no message ${messageId}${where}; nothing was changed.`, {
      hint: "Upper and lower case matter in ids; `exim-pilot search --ids` prints those of messages.",
    });
  }
  if (others.length > 0) {
    const servers = found.map((one) => one.server);
    throw new PilotError("usage", `Several servers have a message ${messageId}.`, {
      hint: `Say whose with --server: ${servers.join(", ")}.`,
      servers,
    });
  }
  return message;
}

/** The note, which this actor may change. */
function findOwn(
  people: PeopleWriter,
  { id, messageId }: Pick<NoteEdit, "id" | "messageId">,
  account: ActingAccount,
): NoteRow {
  const actor = findWriter(people, account);
  const row = people.findNote(id);
  if (row === undefined || (messageId !== undefined && row.messageId !== messageId) || !isShownTo(row, actor)) {
    const where = messageId === undefined ? "" : ` of ${messageId}`;
    throw new PilotError("not_found", `There is no note ${id}${where}.`, {
      hint: "`exim-pilot note ID` lists the notes of a message with their numbers.",
    });
  }
  // NOTE: without users nobody is told from anybody else.
  if (isAuthor(row, actor) || isAdmin(actor) || people.users().length === 0) return row;
  throw new PilotError("read_only", `Note ${id} is by "${row.author}": its author and admins may change it.`, {
    hint: "You can add one of your own.",
  });
}

function isAuthor({ userId, osUser }: NoteRow, actor: Actor): boolean {
  return userId === null ? osUser === actor.osUser : userId === actor.userId;
}

function isShownTo(row: NoteRow, actor: Actor): boolean {
  return row.isPublic || isAuthor(row, actor) || isAdmin(actor);
}
