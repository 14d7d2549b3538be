/** Fates of the recipients of one message while its lines are read. Where there are many, only recipients with new lines are resolved again. */
import { type RecipientFate, resolveAlone, resolveRecipients } from "./resolve.ts";
import type { MessageState } from "./state.ts";
import type { RecipientStatus } from "./statuses.ts";

/** Recipients up to which all are resolved together, whichever have new lines. */
const FEW_RECIPIENTS = 8;

/** Places of recipients that have new lines, in the order of the message; "all" after a line about the message, or before the first update. */
export type UnresolvedRecipients = ReadonlySet<number> | "all";

export class Fates {
  #fates: RecipientFate[] = [];
  /** How many recipients have a status; undefined while they are few. */
  #counts: Map<RecipientStatus, number> | undefined;

  /** Resolves those that may have changed since the last time; returns their places. */
  update(state: MessageState, unresolved: UnresolvedRecipients): Iterable<number> {
    const counts = this.#counts;
    // NOTE: the fate of an unknown recipient follows from those of the others.
    const canTakeSome = unresolved !== "all" && counts !== undefined && !counts.has("unknown");
    if (canTakeSome && this.#resolveSome(state, unresolved, counts)) return unresolved;
    this.#fates = [...resolveRecipients(state)];
    this.#counts = this.#fates.length <= FEW_RECIPIENTS ? undefined : countStatuses(this.#fates);
    return this.#fates.keys();
  }

  /** Returns the fate of the recipient at a place. */
  at(place: number): RecipientFate {
    const fate = this.#fates[place];
    if (fate === undefined) throw new Error(`Recipient ${place} is not resolved.`);
    return fate;
  }

  /** The statuses that recipients have, each at least once. */
  get statuses(): readonly RecipientStatus[] {
    return this.#counts === undefined ? this.#fates.map(({ status }) => status) : [...this.#counts.keys()];
  }

  /** False, with nothing changed, when all have to be resolved. */
  #resolveSome(state: MessageState, places: ReadonlySet<number>, counts: Map<RecipientStatus, number>): boolean {
    const recipients = state.recipients.values();
    const resolved: (readonly [number, RecipientFate])[] = [];
    for (const place of places) {
      const recipient = recipients[place];
      if (recipient === undefined) throw new Error(`There is no recipient ${place}.`);
      const fate = resolveAlone(recipient, state.milestones);
      if (fate.status === "unknown") return false;
      resolved.push([place, fate]);
    }
    for (const [place, fate] of resolved) {
      const before = this.#fates[place];
      if (before !== undefined) addTo(counts, before.status, -1);
      addTo(counts, fate.status, 1);
      this.#fates[place] = fate;
    }
    return true;
  }
}

function countStatuses(fates: readonly RecipientFate[]): Map<RecipientStatus, number> {
  const counts = new Map<RecipientStatus, number>();
  for (const { status } of fates) addTo(counts, status, 1);
  return counts;
}

function addTo(counts: Map<RecipientStatus, number>, status: RecipientStatus, change: 1 | -1): void {
  const count = (counts.get(status) ?? 0) + change;
  if (count === 0) counts.delete(status);
  else counts.set(status, count);
}
