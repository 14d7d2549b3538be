/**
 * The outbox: notifications and their states, within a write transaction.
 *
 *     pending → sent → confirmed          the receiver took it, or our log shows that it was delivered
 *                    → pending            it did not; it is tried again later, or in the next tier
 *                    → failed             it refused it for good, or the last try of the last tier failed
 *     pending, failed → cancelled, pending   by `notify cancel` and `notify retry`
 *     pending, sent → cancelled              by a restore: nobody knows whether they were sent after the backup
 *
 * "sent" is stored before the request leaves, with a lease: a crash can only repeat a notification, never lose one. Notifications of a digest
 * share the status of that digest.
 */
import { randomUUID } from "node:crypto";
import type Database from "better-sqlite3";
import type { EpochMs } from "../../units.ts";
import { prepareOnce } from "../database/prepared.ts";
import { type NewNotification, type Notification, type OutboxRow, SEVERITIES, toNotification } from "./notification.ts";

/** A claim of one run on one notification. */
export interface Lease {
  readonly number: number;
  readonly owner: string;
}

export interface Claim extends Lease {
  readonly channel: string;
  readonly tier: number;
  readonly leaseUntil: EpochMs;
  readonly now: EpochMs;
}

export interface ChannelState {
  readonly blockedUntilMs: EpochMs | null;
}

/** The end of a try. */
export interface TryEnd {
  readonly now: EpochMs;
  readonly channel: string;
}

/** Order in which notifications are sent: first those of a run that was killed, then the worst. */
const LINE = `next_try_ms = 0 DESC, CASE severity ${SEVERITIES.map((name, rank) => `WHEN '${name}' THEN ${rank}`).join(" ")} END, next_try_ms, number`;

const LEASE_LOST = "the run that had sent it ended before the answer came";

export class Outbox {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  /** Stores a notification to be sent; returns its number, or undefined where one with its key is stored already. */
  enqueue(
    { dedupKey, reason, severity, incidentId, event, onlyChannel }: NewNotification,
    now: EpochMs,
  ): number | undefined {
    const { changes, lastInsertRowid } = this.#statement(
      `INSERT OR IGNORE INTO stored_outbox (id, dedup_key, incident_id, reason, severity, event_data, only_channel, status, tier, retry_count,
         tier_tries, is_uncertain, next_try_ms, created_ms, updated_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', 0, 0, 0, 0, ?, ?, ?)`,
    ).run(
      randomUUID(),
      dedupKey,
      incidentId ?? null,
      reason,
      severity,
      JSON.stringify(event),
      onlyChannel ?? null,
      now,
      now,
      now,
    );
    return changes === 0 ? undefined : Number(lastInsertRowid);
  }

  /** True when a notification with this key was stored, and not cancelled before it was sent. */
  hasKey(dedupKey: string): boolean {
    const sql = "SELECT 1 FROM stored_outbox WHERE dedup_key = ? AND (status <> 'cancelled' OR sent_ms IS NOT NULL)";
    return this.#statement<[string], unknown>(sql).get(dedupKey) !== undefined;
  }

  /** Cancels those that wait whose keys begin like this. */
  cancelPending(keyBeginning: string, now: EpochMs): void {
    const numbers = this.#statement<[string, string], { number: number }>(
      "SELECT number FROM stored_outbox WHERE status = 'pending' AND substr(dedup_key, 1, length(?)) = ?",
    ).all(keyBeginning, keyBeginning);
    for (const { number } of numbers) this.cancel(number, now);
  }

  /** Cancels all that are to be sent, or whose answer is awaited; returns how many. `why`: shown with each. */
  withdraw(why: string, now: EpochMs): number {
    return this.#statement(
      `UPDATE stored_outbox SET status = 'cancelled', error_message = ?, lease_until_ms = NULL, lease_owner = NULL, updated_ms = ?
       WHERE status IN ('pending', 'sent') AND accepted_ms IS NULL`,
    ).run(why, now).changes;
  }

  find(number: number): Notification | undefined {
    const row = this.#statement<[number], OutboxRow>("SELECT * FROM stored_outbox WHERE number = ?").get(number);
    return row === undefined ? undefined : toNotification(row);
  }

  /** The largest number; undefined: there is no notification. */
  newestNumber(): number | undefined {
    const row = this.#statement<[], { newest: number | null }>("SELECT max(number) AS newest FROM stored_outbox").get();
    return row?.newest ?? undefined;
  }

  /** Numbers of the notifications that failed, but for digests: what they stood for is listed by itself. */
  failed(): readonly number[] {
    return this.#statement<[], { number: number }>(
      "SELECT number FROM stored_outbox WHERE status = 'failed' AND reason NOT IN ('digest', 'test') ORDER BY number",
    )
      .all()
      .map(({ number }) => number);
  }

  /** Notifications that wait, in the order in which they are to be sent, but for those in a digest. */
  pending(limit: number): readonly Notification[] {
    return this.#statement<[number], OutboxRow>(
      `SELECT * FROM stored_outbox WHERE status = 'pending' AND digest_id IS NULL ORDER BY ${LINE} LIMIT ?`,
    )
      .all(limit)
      .map(toNotification);
  }

  /** Notifications that a server of mail took, whose delivery is awaited in a log. */
  awaited(): readonly Notification[] {
    return this.#statement<[], OutboxRow>(
      "SELECT * FROM stored_outbox WHERE status = 'sent' AND accepted_ms IS NOT NULL AND digest_id IS NULL ORDER BY number",
    )
      .all()
      .map(toNotification);
  }

  /** The notifications of a digest, but for those that were cancelled. */
  membersOf(digestId: string): readonly Notification[] {
    return this.#statement<[string], OutboxRow>(
      "SELECT * FROM stored_outbox WHERE digest_id = ? AND status <> 'cancelled' ORDER BY number",
    )
      .all(digestId)
      .map(toNotification);
  }

  /** Puts the notifications of runs that ended before the answer back in line, as the first; returns their numbers. */
  recover(now: EpochMs): readonly number[] {
    const numbers = this.#statement<[EpochMs], { number: number }>(
      `SELECT number FROM stored_outbox
       WHERE status = 'sent' AND digest_id IS NULL AND accepted_ms IS NULL AND lease_until_ms <= ? ORDER BY number`,
    )
      .all(now)
      .map(({ number }) => number);
    for (const number of numbers)
      this.#set(
        number,
        `status = 'pending', retry_count = retry_count + 1, is_uncertain = 1, next_try_ms = 0, lease_until_ms = NULL,
         lease_owner = NULL, error_message = ?`,
        [LEASE_LOST],
        now,
      );
    return numbers;
  }

  /** Takes a notification that waits, to send it; false when another run was faster, or it was cancelled. */
  claim({ number, owner, channel, tier, leaseUntil, now }: Claim): boolean {
    const { changes } = this.#statement(
      `UPDATE stored_outbox SET status = 'sent', channel = ?, tier = ?, lease_owner = ?, lease_until_ms = ?, sent_ms = ?,
         tier_tries = tier_tries + 1, tier_began_ms = coalesce(tier_began_ms, ?), updated_ms = ?
       WHERE number = ? AND status = 'pending' AND digest_id IS NULL AND next_try_ms <= ?`,
    ).run(channel, tier, owner, leaseUntil, now, now, now, number, now);
    if (changes === 0) return false;
    this.#followDigest(number);
    return true;
  }

  /** Stores the text that is about to leave. */
  setText(number: number, text: string, now: EpochMs): void {
    this.#set(number, "message_text = ?", [text], now);
  }

  /** True while the run holds the notification: its answer counts. */
  isHeld({ number, owner }: Lease): boolean {
    return (
      this.#statement(
        "SELECT 1 FROM stored_outbox WHERE number = ? AND status = 'sent' AND lease_owner = ? AND accepted_ms IS NULL",
      ).get(number, owner) !== undefined
    );
  }

  /** Ends a try that the receiver took. `by`: what confirms it. `note`: what is to be known of that. */
  confirm(
    number: number,
    by: NonNullable<Notification["confirmedBy"]>,
    { now, channel }: TryEnd,
    { remoteId, note }: { readonly remoteId?: string | undefined; readonly note?: string | undefined },
  ): void {
    this.#set(
      number,
      `status = 'confirmed', confirmed_by = ?, confirmed_ms = ?, remote_id = coalesce(?, remote_id), error_message = ?,
       lease_until_ms = NULL, lease_owner = NULL, accepted_ms = NULL`,
      [by, now, remoteId ?? null, note ?? null],
      now,
    );
    const { createdMs } = this.find(number) ?? { createdMs: now };
    this.#touchChannel(channel);
    this.#statement(
      `UPDATE channel_states SET successes = successes + 1, total_ms = total_ms + ?, last_success_ms = ?, is_unauthorized = 0,
         last_error = NULL WHERE channel = ?`,
    ).run(Math.max(0, now - createdMs), now, channel);
  }

  /** Notes that a server of mail took it: its delivery is awaited in a log. */
  accept(number: number, remoteId: string, now: EpochMs): void {
    this.#set(
      number,
      "accepted_ms = ?, remote_id = ?, lease_until_ms = NULL, lease_owner = NULL",
      [now, remoteId],
      now,
    );
  }

  /** Puts a notification back in line after a try that failed. */
  retry(
    number: number,
    {
      nextTry,
      tier,
      isUncertain,
      error,
      now,
    }: {
      readonly nextTry: EpochMs;
      /** The tier to be tried next; undefined: the same again. */
      readonly tier?: number | undefined;
      readonly isUncertain: boolean;
      readonly error: string;
      readonly now: EpochMs;
    },
  ): void {
    const move = tier === undefined ? "" : `, tier = ${tier}, tier_tries = 0, tier_began_ms = NULL`;
    this.#set(
      number,
      `status = 'pending', retry_count = retry_count + 1, next_try_ms = ?, is_uncertain = ?, error_message = ?, lease_until_ms = NULL,
       lease_owner = NULL, accepted_ms = NULL${move}`,
      [nextTry, isUncertain ? 1 : 0, error],
      now,
    );
  }

  /** Passes a notification that waits on to another tier without a try. */
  moveToTier(number: number, tier: number, error: string, now: EpochMs): void {
    this.#set(
      number,
      `tier = ${tier}, tier_tries = 0, tier_began_ms = NULL, next_try_ms = min(next_try_ms, ?), error_message = ?`,
      [now, error],
      now,
    );
  }

  /** Gives a notification up. */
  fail(number: number, error: string, now: EpochMs): void {
    this.#set(
      number,
      "status = 'failed', error_message = ?, lease_until_ms = NULL, lease_owner = NULL, accepted_ms = NULL",
      [error],
      now,
    );
  }

  /** Puts notifications that wait into one digest, which is sent in their place; returns its number. */
  makeDigest(numbers: readonly number[], digest: NewNotification, tier: number, now: EpochMs): number {
    const number = this.enqueue(digest, now);
    const made = number === undefined ? undefined : this.find(number);
    if (made === undefined) throw new Error(`There is a digest ${digest.dedupKey} already.`);
    this.#statement("UPDATE stored_outbox SET tier = ? WHERE number = ?").run(tier, made.number);
    for (const member of numbers)
      this.#statement("UPDATE stored_outbox SET digest_id = ?, updated_ms = ? WHERE number = ?").run(
        made.id,
        now,
        member,
      );
    return made.number;
  }

  /** Takes a notification off: it is not sent any more. One of a digest leaves it, and a digest is cancelled with the last one. */
  cancel(number: number, now: EpochMs): void {
    const digestId = this.find(number)?.digestId ?? null;
    this.#set(number, "status = 'cancelled', lease_until_ms = NULL, lease_owner = NULL, accepted_ms = NULL", [], now);
    if (digestId === null || this.membersOf(digestId).length > 0) return;
    this.#statement("UPDATE stored_outbox SET status = 'cancelled', updated_ms = ? WHERE id = ?").run(now, digestId);
  }

  /** Puts one that failed or was cancelled in line again, from its first tier. It leaves its digest. */
  requeue(number: number, now: EpochMs): void {
    this.#statement("UPDATE stored_outbox SET digest_id = NULL WHERE number = ?").run(number);
    this.#set(
      number,
      "status = 'pending', tier = 0, tier_tries = 0, tier_began_ms = NULL, next_try_ms = ?, error_message = NULL",
      [now],
      now,
    );
  }

  /** Makes one that waits the next to be tried. */
  hurry(number: number, now: EpochMs): void {
    this.#set(number, "next_try_ms = min(next_try_ms, ?)", [now], now);
  }

  channelState(channel: string): ChannelState {
    const row = this.#statement<[string], { blocked: EpochMs | null }>(
      "SELECT blocked_until_ms AS blocked FROM channel_states WHERE channel = ?",
    ).get(channel);
    return { blockedUntilMs: row?.blocked ?? null };
  }

  /** Keeps everything from a channel until then. */
  block(channel: string, until: EpochMs): void {
    this.#touchChannel(channel);
    this.#statement(
      "UPDATE channel_states SET blocked_until_ms = max(coalesce(blocked_until_ms, 0), ?) WHERE channel = ?",
    ).run(until, channel);
  }

  /** Counts a try of a channel that failed. */
  noteFailure(error: string, isUnauthorized: boolean, { now, channel }: TryEnd): void {
    this.#touchChannel(channel);
    this.#statement(
      `UPDATE channel_states SET failures = failures + 1, last_failure_ms = ?, last_error = ?, is_unauthorized = ? WHERE channel = ?`,
    ).run(now, error, isUnauthorized ? 1 : 0, channel);
  }

  #touchChannel(channel: string): void {
    this.#statement(
      "INSERT OR IGNORE INTO channel_states (channel, successes, failures, total_ms, is_unauthorized) VALUES (?, 0, 0, 0, 0)",
    ).run(channel);
  }

  /** Changes a notification; where it is a digest, those in it follow. */
  #set(number: number, change: string, values: readonly (string | number | null)[], now: EpochMs): void {
    this.#statement(`UPDATE stored_outbox SET ${change}, updated_ms = ? WHERE number = ?`).run(...values, now, number);
    this.#followDigest(number);
  }

  #followDigest(number: number): void {
    this.#statement(
      `UPDATE stored_outbox AS m SET (status, tier, channel, retry_count, tier_tries, tier_began_ms, is_uncertain, next_try_ms, accepted_ms,
         confirmed_by, remote_id, error_message, updated_ms, sent_ms, confirmed_ms) =
         (SELECT status, tier, channel, retry_count, tier_tries, tier_began_ms, is_uncertain, next_try_ms, accepted_ms, confirmed_by, remote_id,
                 error_message, updated_ms, sent_ms, confirmed_ms FROM stored_outbox d WHERE d.number = ?)
       WHERE m.digest_id = (SELECT id FROM stored_outbox WHERE number = ? AND reason = 'digest') AND m.status <> 'cancelled'`,
    ).run(number, number);
  }

  #statement<Parameters extends unknown[] = unknown[], Row = unknown>(sql: string) {
    return prepareOnce<Parameters, Row>(this.#database, sql);
  }
}
