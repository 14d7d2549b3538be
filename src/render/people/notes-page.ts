/** Notes of messages as people read them. */
import type { NoteChange } from "../../people/notes.ts";
import type { NoteFacts } from "../../store/people/people-reader.ts";
import { formatTime } from "../form/format.ts";
import { greatest, renderHanging } from "../form/layout.ts";
import type { Paint } from "../form/paint.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

interface NotesScreen {
  readonly columns: number;
  readonly paint: Paint;
}

/** Notes below the messages they are about, with the zone of their times, in the order in which each message first has one. */
export function renderNotes(notes: readonly NoteFacts[], timeZone: string, screen: NotesScreen): string {
  if (notes.length === 0) return "No note was found; `exim-pilot note ID 'text'` adds one.\n";
  const byMessage = Map.groupBy(notes, ({ messageId, server }) => `${messageId} on ${toVisibleLine(server)}`);
  const pieces = [...byMessage].map(
    ([message, own]) => `${screen.paint.strong(message)} (${timeZone})\n${renderNoteList(own, timeZone, screen)}`,
  );
  return `${pieces.join("\n\n")}\n`;
}

/** Each with its number, author and time, and its text below. */
export function renderNoteList(notes: readonly NoteFacts[], timeZone: string, { columns, paint }: NotesScreen): string {
  const width = greatest(notes.map(({ id }) => String(id).length));
  const indent = width + 4;
  return notes
    .map(({ id, author, note, isPublic, createdAt, updatedAt }) => {
      const edited = updatedAt === createdAt ? "" : `, edited ${formatTime(updatedAt, timeZone)}`;
      const about = `${toVisibleLine(author)}, ${formatTime(createdAt, timeZone)}${edited}${isPublic ? "" : ", private"}`;
      const head = renderHanging(`  ${String(id).padStart(width)}  `, paint.faint(about), indent, columns);
      return [head, ...note.split("\n").map((line) => renderLine(line, indent, columns))].join("\n");
    })
    .join("\n");
}

function renderLine(line: string, indent: number, columns: number): string {
  const visible = toVisibleLine(line).trimEnd();
  return visible === "" ? "" : renderHanging(" ".repeat(indent), visible, indent, columns);
}

const DONE: Readonly<Record<Exclude<NoteChange["change"], "added">, string>> = {
  edited: "changed",
  removed: "removed",
  unchanged: "as it was",
};

export function renderNoteChange({ change, id, messageId, author, isPublic }: NoteChange): string {
  const note = `${isPublic ? "Note" : "Private note"} ${id} on ${messageId}`;
  if (change === "added") return `${note}, by ${toVisibleLine(author)}.\n`;
  return `${note} is ${DONE[change]}.\n`;
}
