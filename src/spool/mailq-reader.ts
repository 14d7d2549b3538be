/**
 * Reads what `exim -bp` printed; also `-bpa`, `-bpr`, `-bpu`, exipick and exiqgrep.
 *
 *     25h   450 1vzOI8-0009wa-1t <app@partner.example> *** frozen ***
 *               busy92689@rules.example
 *             D okay20@rules.example
 *            +D alias@rules.example
 * Ages and sizes are rounded there: a moment may be half a unit off.
 */
import { type EpochMs, epochMs } from "../units.ts";
import type { QueuedMessage, QueuedRecipient } from "./queued-message.ts";
import { damagedMessage } from "./spool-message.ts";

export interface MailqReading {
  readonly messages: readonly QueuedMessage[];
  /** Lines of no known form, of the first few of them number (from 1) and text. */
  readonly unknown: {
    readonly count: number;
    readonly samples: readonly { readonly line: number; readonly text: string }[];
  };
}

const HEAD =
  /^ {0,2}(?:(\d+)([mhdw]) )? *(\d+(?:\.\d+)?[KM]?)? +([0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4}))(?: <(.*)>(?: \(([^()]*)\))?)?( \*\*\* frozen \*\*\*)?$/;
const DAMAGE = /^ {4}\*\*\* (.*?) \*\*\*( \*\*\* frozen \*\*\*)?$/;
/** exiqgrep puts a tab and two blanks in front. */
const RECIPIENT = /^(?: {8}|\t)(D| ) (.+)$/;
const GENERATED = /^ {7}\+D (.+)$/;
const MOST_SAMPLES = 3;

/** `now`: when it was printed; ages count back from it. */
export function readMailq(text: string, now: EpochMs, queueName = ""): MailqReading {
  const entries: MailqEntry[] = [];
  const samples: { line: number; text: string }[] = [];
  let [unknown, isOpen] = [0, false];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    const isBlank = line.trim() === "";
    if (isBlank || (isOpen && entries.at(-1)?.take(line) === true)) {
      isOpen &&= !isBlank;
      continue;
    }
    const head = HEAD.exec(line);
    isOpen = head !== null;
    if (head !== null) entries.push(new MailqEntry(head, now, queueName));
    else if (unknown++ < MOST_SAMPLES) samples.push({ line: index + 1, text: line });
  }
  return { messages: entries.map((entry) => entry.finish()), unknown: { count: unknown, samples } };
}

class MailqEntry {
  readonly #head: RegExpExecArray;
  readonly #now: EpochMs;
  readonly #queueName: string;
  readonly #recipients: QueuedRecipient[] = [];
  readonly #generated: string[] = [];
  #damage: string | null = null;
  #isFrozen: boolean;

  constructor(head: RegExpExecArray, now: EpochMs, queueName: string) {
    this.#head = head;
    this.#now = now;
    this.#queueName = queueName;
    this.#isFrozen = head[7] !== undefined;
  }

  /** False for what is no line of an entry. */
  take(line: string): boolean {
    const [, words, frozen] = DAMAGE.exec(line) ?? [];
    if (words !== undefined) {
      this.#damage = words;
      this.#isFrozen ||= frozen !== undefined;
      return true;
    }
    const [, mark, address] = RECIPIENT.exec(line) ?? [];
    if (address !== undefined) this.#recipients.push({ address, isDelivered: mark === "D", reason: null });
    const [, generated] = GENERATED.exec(line) ?? [];
    if (generated !== undefined) this.#generated.push(generated);
    return address !== undefined || generated !== undefined;
  }

  finish(): QueuedMessage {
    const [, count, unit, size, id = "", sender, login] = this.#head;
    const damaged = damagedMessage(id, this.#queueName, this.#damage ?? "", "The list says so.");
    if (sender === undefined) return damaged;
    return {
      ...damaged,
      sender,
      untrustedLogin: login ?? null,
      arrivedAt: count === undefined ? null : epochMs(this.#now - toAgeMs(Number(count), unit)),
      sizeBytes: size === undefined ? 0 : toBytes(size),
      isFrozen: this.#isFrozen,
      recipients: this.#recipients,
      generated: this.#generated,
      damage: this.#damage,
      damageReason: this.#damage === null ? null : damaged.damageReason,
    };
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
/** Three days begin where hours end, at 73 hours. */
const THREE_DAYS_MS = 78 * 3_600_000;

/** The middle of the ages that are printed so; days of the same number are printed again. */
function toAgeMs(count: number, unit = "m"): number {
  return unit === "d" && count === 3 ? THREE_DAYS_MS : count * (UNIT_MS[unit] ?? 0);
}

function toBytes(size: string): number {
  const factor = size.endsWith("K") ? 1024 : size.endsWith("M") ? 1024 * 1024 : 1;
  return Math.round(Number.parseFloat(size) * factor);
}
