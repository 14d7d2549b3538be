/** Chooses lines as they come: by what they hold, and then all others of the same messages. */
import type { EntryKind } from "../parse/events.ts";
import { escapeForm } from "../text.ts";
import type { ReadLine } from "./read-line.ts";

export interface LineWishes {
  readonly kinds?: readonly EntryKind[] | undefined;
  /** Words of which a line has all, whatever their case: an address, an IP, an id, a host. */
  readonly words?: readonly string[] | undefined;
}

/** Number of messages that are remembered; lines of older ones are chosen only where they match themselves. */
const MOST_MESSAGES = 10_000;

export class LineFilter {
  readonly #kinds: readonly EntryKind[];
  readonly #words: readonly RegExp[];
  readonly #messages = new Set<string>();

  constructor({ kinds = [], words = [] }: LineWishes) {
    this.#kinds = kinds;
    this.#words = words.map(toWholeWord);
  }

  wants({ kind, raw, parsed }: ReadLine): boolean {
    const messageId = parsed?.prefix.messageId;
    if (!this.#isOfMessage(raw, messageId)) return false;
    return this.#kinds.length === 0 || this.#kinds.includes(kind);
  }

  /** True when the line has all words, or another line of its message had them. */
  #isOfMessage(raw: string, messageId: string | undefined): boolean {
    if (this.#words.length === 0) return true;
    if (messageId !== undefined && this.#messages.has(messageId)) return true;
    if (!this.#words.every((word) => word.test(raw))) return false;
    if (messageId !== undefined) this.#remember(messageId);
    return true;
  }

  #remember(messageId: string): void {
    this.#messages.add(messageId);
    const [oldest] = this.#messages;
    if (this.#messages.size > MOST_MESSAGES && oldest !== undefined) this.#messages.delete(oldest);
  }
}

/** `bob@example.org` is not in `robbob@example.org`, nor `192.0.2.1` in `192.0.2.10`; `@example.org` is in both. */
function toWholeWord(word: string): RegExp {
  const before = /^[\w.]/.test(word) ? String.raw`(?<![\w.+-])` : "";
  const after = /\w$/.test(word) ? String.raw`(?![\w-]|\.\w)` : "";
  return new RegExp(before + escapeForm(word) + after, "i");
}
