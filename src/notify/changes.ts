/** Changes that people make to notifications. */
import { PilotError } from "../errors.ts";
import type { Notification } from "../store/outbox/notification.ts";
import type { Transactor } from "../store/write/transactor.ts";
import type { EpochMs } from "../units.ts";

export interface NotificationChange {
  /** Numbers of those that were changed. */
  readonly changed: readonly number[];
  /** Numbers of those that were so already. */
  readonly unchanged: readonly number[];
}

/** Puts notifications that failed or were cancelled in line again, and has those that wait tried now. Errors: `not_found`, `check_failed`. */
export function retryNotifications(
  { outbox }: Transactor,
  numbers: readonly number[],
  now: EpochMs,
): NotificationChange {
  const found = numbers.map((number) => findOne(outbox, number));
  const arrived = found.find(({ status }) => status === "confirmed");
  if (arrived !== undefined)
    throw new PilotError("check_failed", `Notification ${arrived.number} was confirmed: it is not sent again.`, {
      hint: `\`exim-pilot notify show ${arrived.number}\` tells when and by what.`,
    });
  for (const { number, status } of found) {
    if (status === "failed" || status === "cancelled") outbox.requeue(number, now);
    else if (status === "pending") outbox.hurry(number, now);
  }
  const isAway = ({ status }: Notification): boolean => status === "sent";
  return {
    changed: found.filter((one) => !isAway(one)).map(({ number }) => number),
    unchanged: found.filter(isAway).map(({ number }) => number),
  };
}

/** Takes notifications off that were not sent yet. Errors: `not_found`, `in_use`, `check_failed`. */
export function cancelNotifications(
  { outbox }: Transactor,
  numbers: readonly number[],
  now: EpochMs,
): NotificationChange {
  const found = numbers.map((number) => findOne(outbox, number));
  for (const { number, status, acceptedMs } of found) {
    if (status === "sent" && acceptedMs === null)
      throw new PilotError("in_use", `Notification ${number} is being sent at this moment.`, {
        hint: "Try again in two minutes: by then it is known what became of it.",
      });
    if (status === "confirmed" || status === "sent")
      throw new PilotError("check_failed", `Notification ${number} was sent: it cannot be taken back.`, {
        hint: `\`exim-pilot notify show ${number}\` tells when and where.`,
      });
  }
  const isOver = ({ status }: Notification): boolean => status === "cancelled";
  for (const one of found) if (!isOver(one)) outbox.cancel(one.number, now);
  return {
    changed: found.filter((one) => !isOver(one)).map(({ number }) => number),
    unchanged: found.filter(isOver).map(({ number }) => number),
  };
}

function findOne(outbox: Transactor["outbox"], number: number): Notification {
  const found = outbox.find(number);
  if (found === undefined) throw unknownNotification(number, outbox.newestNumber());
  return found;
}

export function unknownNotification(number: number, newest: number | undefined): PilotError {
  return new PilotError("not_found", `There is no notification ${number}.`, {
    hint:
      newest === undefined
        ? "There are none at all: incidents and alarms make them."
        : `The newest one is ${newest}; \`exim-pilot notify list\` lists them.`,
  });
}
