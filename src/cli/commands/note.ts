import { PilotError } from "../../errors.ts";
import { isMessageId } from "../../parse/message-id.ts";
import { addNote, editNote, type NoteChange, removeNote, toNote } from "../../people/notes.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderNoteChange, renderNotes } from "../../render/people/notes-page.ts";
import { accountOf } from "../account.ts";
import { type AuditedEdit, type AuditFlags, auditedEdit } from "../audited.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { unknownServer } from "../flags/filter-flags.ts";
import { readSmallInput } from "../flags/small-input.ts";
import { toTimeRange } from "../flags/time-range.ts";
import type { Io } from "../io.ts";
import { printLines } from "../terminal/print-lines.ts";

export interface NoteFlags extends DatabaseFlags, AuditFlags {
  readonly server?: string;
  readonly private?: boolean;
  readonly public?: boolean;
  /** Number of a note. */
  readonly edit?: number;
  /** Number of a note. */
  readonly remove?: number;
  readonly search?: string;
  readonly author?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** Adds, edits, removes or lists notes; returns the exit status. Errors: `usage`, `not_found`, `read_only`, those of the database. */
export async function runNote(id: string | undefined, words: readonly string[], flags: NoteFlags, io: Io) {
  const { edit, remove } = flags;
  // NOTE: the number of a note names its message too, so the id may be left out.
  const isNamed = id === undefined || isMessageId(id);
  if (edit !== undefined || remove !== undefined) {
    const text = await textOf(isNamed || id === undefined ? words : [id, ...words], io);
    const messageId = isNamed ? id : undefined;
    return remove === undefined
      ? changeNote(edit ?? 0, messageId, text, flags, io)
      : takeAway(remove, messageId, text, flags, io);
  }
  if (!isNamed) {
    throw new PilotError("usage", `"${id}" is not an id of Exim's.`, {
      hint: "Ids look like 1vwz8c-0005eI-2Q or 1vwz8c-000000005eI-2QaB; upper and lower case matter.",
    });
  }
  if (flags.public === true) {
    throw new PilotError("usage", "--public belongs to --edit.", { hint: "A note is public unless it is --private." });
  }
  const text = await textOf(words, io);
  if (id === undefined || text === undefined) return listNotes(id, flags, io);
  assertNoListing(flags);
  const order = { messageId: id, server: flags.server, note: toNote(text), isPublic: flags.private !== true };
  return changing("note", flags, io, (transactor) => addNote(transactor, order, accountOf(io), io.now()));
}

async function textOf(words: readonly string[], io: Io): Promise<string | undefined> {
  if (words.length === 0) return undefined;
  return words.length === 1 && words[0] === "-" ? readSmallInput(io.stdin) : words.join(" ");
}

function changeNote(id: number, messageId: string | undefined, text: string | undefined, flags: NoteFlags, io: Io) {
  assertNoListing(flags);
  const isPublic = flags.private === true ? false : flags.public === true ? true : undefined;
  if (text === undefined && isPublic === undefined) {
    throw new PilotError("usage", "The new text of the note is missing.", {
      hint: `Give it in quotes: \`exim-pilot note --edit ${id} 'new text'\`; --private and --public change who sees it.`,
    });
  }
  const edit = { id, messageId, note: text === undefined ? undefined : toNote(text), isPublic };
  return changing("note edit", flags, io, (transactor) => editNote(transactor, edit, accountOf(io), io.now()));
}

function takeAway(id: number, messageId: string | undefined, text: string | undefined, flags: NoteFlags, io: Io) {
  assertNoListing(flags);
  if (text !== undefined) {
    throw new PilotError("usage", "A note that is removed needs no text.", {
      hint: "Leave out the text, or --remove.",
    });
  }
  return changing("note remove", flags, io, (transactor) => removeNote(transactor, { id, messageId }, accountOf(io)));
}

function assertNoListing(flags: NoteFlags): void {
  const given = (["search", "author", "since", "until"] as const).find((name) => flags[name] !== undefined);
  if (given === undefined) return;
  throw new PilotError("usage", `--${given} belongs to a list of notes.`, {
    hint: "Leave it out, or leave out what is to be changed.",
  });
}

/** Makes a change of a note with its record, and prints it. */
async function changing(
  action: string,
  flags: NoteFlags,
  io: Io,
  edit: AuditedEdit<NoteChange>["edit"],
): Promise<number> {
  const { server, json } = flags;
  const affected = ({ change, id, messageId, author, isPublic, noteBefore }: NoteChange): object | undefined =>
    change === "unchanged"
      ? undefined
      : { number: id, message: messageId, author, isPublic, ...(noteBefore !== null && { noteBefore }) };
  const done = await auditedEdit({ action, parameters: { server, json }, affected, edit }, flags, io);
  if (json === true) io.stdout.write(renderJson("note", done));
  else printLines(renderNoteChange(done), io);
  return 0;
}

async function listNotes(messageId: string | undefined, flags: NoteFlags, io: Io): Promise<number> {
  if (flags.private === true) {
    throw new PilotError("usage", "--private belongs to the text of a note.", { hint: "Give the text, too." });
  }
  const { server, search: text, author, limit } = flags;
  if (text === "") {
    throw new PilotError("usage", "The text of --search is empty.", { hint: "Leave it out to list all notes." });
  }
  const filter = { messageId, server, text, author, ...toTimeRange(flags, io) };
  const notes = await usingReader(flags, io, async (reader) => {
    const servers = await reader.search.timeZones();
    if (server !== undefined && !servers.has(server)) throw unknownServer(server, [...servers.keys()]);
    const found = await reader.people.notes(filter, accountOf(io).osUser, limit);
    if (found.length === 0 && messageId !== undefined && (await reader.messages.find(messageId)).length === 0) {
      throw new PilotError("not_found", `The database knows no message ${messageId}.`, {
        hint: "Upper and lower case matter in ids; `exim-pilot search --ids` prints those of messages.",
      });
    }
    return found;
  });
  io.stdout.write(flags.json === true ? renderJson("notes", { notes }) : renderNotes(notes, io.timeZone, screenOf(io)));
  const isQuestion = [messageId, server, text, author, flags.since, flags.until].some((part) => part !== undefined);
  return isQuestion && notes.length === 0 ? 1 : 0;
}
