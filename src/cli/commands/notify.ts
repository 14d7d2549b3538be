import { PilotError } from "../../errors.ts";
import {
  cancelNotifications,
  type NotificationChange,
  retryNotifications,
  unknownNotification,
} from "../../notify/changes.ts";
import { toNotificationFacts } from "../../notify/notification-facts.ts";
import type { NotifyStatsAnswer, ShownNotification } from "../../render/answers.ts";
import { renderJson } from "../../render/form/json.ts";
import {
  type NotificationPage,
  renderNotification,
  renderNotificationChange,
  renderNotifications,
  renderNotifyStats,
} from "../../render/notify/notifications.ts";
import type { NotificationStatus } from "../../store/outbox/notification.ts";
import { type EpochMs, SECOND_MS, toIso } from "../../units.ts";
import { type AuditFlags, auditedEdit } from "../audited.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { printLines } from "../terminal/print-lines.ts";

export interface NotifyFlags extends DatabaseFlags, AuditFlags {
  readonly status?: NotificationStatus;
  readonly limit: number;
  readonly failed?: boolean;
  readonly redact?: boolean;
  readonly json?: boolean;
}

export async function runNotifyList(flags: NotifyFlags, io: Io): Promise<void> {
  const found = await usingReader(flags, io, async ({ outbox }) => outbox.list(flags.status, flags.limit));
  const { notifications } = redactor(flags, io)({ notifications: found.map(toNotificationFacts) });
  io.stdout.write(
    flags.json === true
      ? renderJson("notifications", { notifications })
      : renderNotifications(notifications, pageOf(io)),
  );
}

/** Errors: `not_found`, `usage`. */
export async function runNotifyShow(given: string, flags: NotifyFlags, io: Io): Promise<void> {
  const number = toNumber(given);
  const found = await usingReader(flags, io, async ({ outbox }): Promise<ShownNotification> => {
    const notification = outbox.find(number);
    if (notification === undefined) throw unknownNotification(number, outbox.newestNumber());
    const related = outbox.neighboursOf(notification);
    return { ...toNotificationFacts(notification), text: notification.messageText, related };
  });
  const shown = redactor(flags, io)(found);
  io.stdout.write(flags.json === true ? renderJson("notification", shown) : renderNotification(shown, pageOf(io)));
}

/** Errors: `usage`, `not_found`, `check_failed`, `in_use`, those of the database. */
export async function runNotifyChange(
  action: "retry" | "cancel",
  given: readonly string[],
  flags: NotifyFlags,
  io: Io,
): Promise<void> {
  const isAll = flags.failed === true;
  if (isAll === given.length > 0) {
    throw new PilotError("usage", isAll ? "Both numbers and --failed are given." : "No notification is named.", {
      hint: `Give its number, as in \`exim-pilot notify ${action} 14\`${action === "retry" ? ", or --failed" : ""}.`,
    });
  }
  const numbers = [...new Set(given.map(toNumber))];
  const change = await auditedEdit<NotificationChange>(
    {
      action: `notify ${action}`,
      parameters: { ...flags, ...(!isAll && { numbers }) },
      affected: ({ changed }) => (changed.length === 0 ? undefined : { notifications: changed }),
      edit: (transactor) => {
        const wanted = isAll ? transactor.outbox.failed() : numbers;
        return action === "retry"
          ? retryNotifications(transactor, wanted, io.now())
          : cancelNotifications(transactor, wanted, io.now());
      },
    },
    flags,
    io,
  );
  if (flags.json === true) io.stdout.write(renderJson("notify_change", { action, ...change }));
  else printLines(renderNotificationChange(change, action === "retry"), io);
}

export async function runNotifyStats(flags: NotifyFlags, io: Io): Promise<void> {
  const stats = await usingReader(flags, io, async ({ outbox }): Promise<NotifyStatsAnswer> => {
    const { meanMs, ...totals } = outbox.totals();
    return {
      ...totals,
      meanSeconds: toSeconds(meanMs),
      tiers: outbox.tiers().map(({ meanMs: mean, ...tier }) => ({ ...tier, meanSeconds: toSeconds(mean) })),
      channels: outbox.channels().map((state) => ({
        channel: state.channel,
        successes: state.successes,
        failures: state.failures,
        blockedUntil: (state.blocked_until_ms ?? 0) > io.now() ? iso(state.blocked_until_ms) : null,
        isUnauthorized: state.is_unauthorized === 1,
        lastSuccess: iso(state.last_success_ms),
        lastFailure: iso(state.last_failure_ms),
        lastError: state.last_error,
      })),
    };
  });
  const shown = redactor(flags, io)(stats);
  io.stdout.write(flags.json === true ? renderJson("notify_stats", shown) : renderNotifyStats(shown, pageOf(io)));
}

function toSeconds(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms) / SECOND_MS;
}

function iso(at: number | null): string | null {
  return at === null ? null : toIso(at as EpochMs);
}

/** `14`, or a mark as the text of a notification has it: `#3-14`. */
function toNumber(given: string): number {
  const [, digits] = /^#?(?:\d{1,15}-)?([1-9]\d{0,14})$/.exec(given) ?? [];
  if (digits !== undefined) return Number(digits);
  throw new PilotError("usage", `"${given}" is not the number of a notification.`, {
    hint: "`exim-pilot notify list` begins each with its number.",
  });
}

function pageOf(io: Io): NotificationPage {
  return { ...screenOf(io), timeZone: io.timeZone };
}
