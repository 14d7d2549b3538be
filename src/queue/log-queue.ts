/** The queue as the log shows it, now or at any time before: the fold of the lines up to then. */

import { isFrozen, resolveMessage, resolveRecipients } from "../message/resolve.ts";
import {
  applyLine,
  type MessageState,
  type MessageUpdate,
  MILESTONE_OF,
  NO_UPDATE,
  newMessageState,
  recipientOf,
} from "../message/state.ts";
import { OPEN_STATUSES } from "../message/statuses.ts";
import type { QueuedMessage } from "../spool/queued-message.ts";
import type { OpenLine, OpenMessage, QueueReader } from "../store/read/queue-reader.ts";
import { type EpochMs, momentAt, momentMs } from "../units.ts";

/** A message of the log's queue, with the server that has it. */
export interface LoggedMessage extends QueuedMessage {
  readonly server: string;
}

/** Status of messages that wait, or may wait: those of which all recipients ended are there until `Completed`. */
const ON_QUEUE: ReadonlySet<string> = new Set([...OPEN_STATUSES, "bounced", "partial"]);

/** Messages that lines up to `now`, that instant included, leave on the queue; by id. */
export function* queueFromLog(reader: QueueReader, now: EpochMs, server: string | undefined): Generator<LoggedMessage> {
  const before = momentAt((now + 1) as EpochMs, 0);
  for (const open of reader.openBefore(before, server)) {
    const message = toQueued(open);
    if (message !== undefined) yield message;
  }
}

function toQueued(open: OpenMessage): LoggedMessage | undefined {
  const state = fold(open);
  if (state.milestones.completed !== undefined || state.arrivalAt === undefined) return undefined;
  const fates = resolveRecipients(state);
  if (
    !ON_QUEUE.has(
      resolveMessage(
        state,
        fates.map(({ status }) => status),
      ),
    )
  )
    return undefined;
  const frozen = isFrozen(state.milestones);
  const frozenMoment = state.milestones.frozen;
  return {
    id: open.id,
    server: open.server,
    queueName: "",
    sender: open.sender === "<>" ? "" : open.sender,
    untrustedLogin: null,
    arrivedAt: momentMs(state.arrivalAt),
    sizeBytes: open.size,
    isFrozen: frozen,
    frozenAt: frozen && frozenMoment !== undefined ? momentMs(frozenMoment) : null,
    warnings: null,
    recipients: [...state.recipients.values()].map(({ address, lastError }, index) => ({
      address,
      isDelivered: isDone(fates[index]?.status, frozen),
      reason: isDone(fates[index]?.status, frozen) ? null : (lastError?.error ?? null),
    })),
    generated: [],
    damage: null,
    damageReason: null,
  };
}

/** A frozen bounce keeps the recipient that it could not reach. */
function isDone(status: string | undefined, frozen: boolean): boolean {
  return status === "delivered" || status === "discarded" || (status === "bounced" && !frozen);
}

function fold({ firstAt, arrivalAt, announced, lines }: OpenMessage): MessageState {
  const state = newMessageState(firstAt);
  for (const address of announced) recipientOf(state, address).announced = true;
  for (const line of lines) applyLine(state, line.at, updateOf(line), recipientEventOf(line));
  // NOTE: the lines up to the moment may end before it, the arrival never does.
  state.arrivalAt ??= arrivalAt ?? undefined;
  return state;
}

function updateOf({ event, recipientEvent }: OpenLine): MessageUpdate | undefined {
  if (event === "arrival") return { ...NO_UPDATE, isArrival: true };
  if (event === "discard" && recipientEvent === undefined) return { ...NO_UPDATE, mark: "discarded" };
  const mark = MILESTONE_OF[event];
  return mark === undefined ? undefined : { ...NO_UPDATE, mark };
}

function recipientEventOf({ at, recipientEvent }: OpenLine): Parameters<typeof applyLine>[3] {
  if (recipientEvent === undefined) return undefined;
  const { recipient, final, outcome, isAttempt, error } = recipientEvent;
  return { recipient, target: final ?? recipient, outcome, at, isAttempt, error: error ?? undefined };
}
