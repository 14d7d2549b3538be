/** Stores looks at a queue: totals, and for each message when it was first and last seen there. */
import type Database from "better-sqlite3";
import type { EpochMs } from "../../units.ts";
import { prepareOnce } from "../database/prepared.ts";
import { plausibleTime } from "../schema/plausible-time.ts";
import type { QueueStaysTable, StoredHintsTable } from "../schema/tables.ts";

/** A message that was there. */
export type SeenMessage = Pick<
  QueueStaysTable,
  "exim_id" | "arrived_ms" | "sender" | "size" | "pending" | "frozen_ms" | "is_frozen" | "warnings"
>;

export interface SeenDomain {
  readonly domain: string;
  readonly messages: number;
  readonly bytes: number;
  readonly oldestAt: EpochMs | null;
}

export interface QueueLook {
  readonly serverId: number;
  readonly queueName: string;
  readonly at: EpochMs;
  readonly origin: "spool" | "bp";
  /** All of it could be read: a message that is not among them has left. */
  readonly isComplete: boolean;
  readonly totals: {
    readonly recipients: number;
    readonly bytes: number;
    readonly frozen: number;
    readonly bounces: number;
    readonly damaged: number;
    readonly oldestAt: EpochMs | null;
  };
  /** Domains that most messages wait for, and `""` for the others together. */
  readonly domains: readonly SeenDomain[];
  /** Read once. */
  readonly messages: Iterable<SeenMessage>;
  /** How many they are. */
  readonly count: number;
  readonly author: string;
  readonly now: EpochMs;
}

export interface StayChanges {
  /** Messages that no look before had seen. */
  readonly came: number;
  /** Messages that were there before; none unless the look is complete. */
  readonly went: number;
}

export type StoredHint = Omit<StoredHintsTable, "server_id" | "seen_ms">;

/**
 * Stores a look. A message that is on the queue already goes on with its stay; one that is not begins a stay; a complete look ends the stays
 * of all others. Nothing is stored, and `known` or `older` returned, when the queue was looked at then, or has been looked at since.
 */
export function storeLook(database: Database.Database, look: QueueLook): StayChanges | "known" | "older" {
  const { serverId, queueName, at, isComplete, totals } = look;
  const lastMs = prepareOnce(
    database,
    "SELECT max(at_ms) FROM stored_snapshots WHERE server_id = ? AND queue_name = ? AND at_ms <= ?",
  )
    .pluck()
    // A look that a wrong clock took far in the future keeps no other from being stored.
    .get(serverId, queueName, plausibleTime(look.now).toMs) as number | null;
  if (lastMs === at) return "known";
  if (lastMs !== null && lastMs > at) return "older";
  const countOpen = (): number =>
    prepareOnce(database, "SELECT count(*) FROM queue_stays WHERE server_id = ? AND queue_name = ? AND gone_ms IS NULL")
      .pluck()
      .get(serverId, queueName) as number;
  const openBefore = countOpen();
  const see = prepareOnce(database, SEE);
  for (const { exim_id, arrived_ms, sender, size, pending, frozen_ms, is_frozen, warnings } of look.messages)
    see.run(
      serverId,
      queueName,
      exim_id,
      at,
      at,
      arrived_ms,
      look.origin === "spool" ? 1 : 0,
      sender,
      size,
      pending,
      frozen_ms,
      is_frozen,
      warnings,
    );
  const came = countOpen() - openBefore;
  const went = isComplete
    ? prepareOnce(
        database,
        `UPDATE queue_stays SET gone_ms = ?
         WHERE server_id = ? AND queue_name = ? AND gone_ms IS NULL AND last_seen_ms <> ?`,
      ).run(at, serverId, queueName, at).changes
    : 0;
  const { lastInsertRowid } = prepareOnce(
    database,
    `INSERT INTO stored_snapshots (server_id, queue_name, at_ms, origin, is_complete, messages, recipients, bytes, frozen, bounces,
       damaged, came, went, oldest_ms, author, created_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    serverId,
    queueName,
    at,
    look.origin,
    isComplete ? 1 : 0,
    look.count,
    totals.recipients,
    totals.bytes,
    totals.frozen,
    totals.bounces,
    totals.damaged,
    came,
    went,
    totals.oldestAt,
    look.author,
    look.now,
  );
  const addDomain = prepareOnce(
    database,
    "INSERT INTO snapshot_domains (snapshot_id, domain, messages, bytes, oldest_ms) VALUES (?, ?, ?, ?, ?)",
  );
  for (const { domain, messages, bytes, oldestAt } of look.domains)
    addDomain.run(lastInsertRowid, domain, messages, bytes, oldestAt);
  return { came, went };
}

/** A file that is damaged now keeps what it told before. An age of exim -bp is told best by the first look. */
const SEE = `
  INSERT INTO queue_stays (server_id, queue_name, exim_id, first_seen_ms, last_seen_ms, arrived_ms, is_exact, sender, size, pending,
    frozen_ms, is_frozen, warnings)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (server_id, queue_name, exim_id) WHERE gone_ms IS NULL DO UPDATE SET
    last_seen_ms = excluded.last_seen_ms,
    arrived_ms = iif(excluded.is_exact, coalesce(excluded.arrived_ms, arrived_ms), coalesce(arrived_ms, excluded.arrived_ms)),
    is_exact = max(is_exact, excluded.is_exact AND excluded.arrived_ms IS NOT NULL),
    sender = coalesce(excluded.sender, sender),
    size = coalesce(excluded.size, size),
    pending = iif(excluded.sender IS NULL, pending, excluded.pending),
    frozen_ms = iif(excluded.sender IS NULL OR excluded.is_frozen, coalesce(excluded.frozen_ms, frozen_ms), NULL),
    is_frozen = iif(excluded.sender IS NULL, is_frozen, excluded.is_frozen),
    warnings = coalesce(excluded.warnings, warnings)`;

/** Puts the retry records of a server in the place of those that an earlier look found. */
export function replaceHints(
  database: Database.Database,
  serverId: number,
  hints: readonly StoredHint[],
  seenAt: EpochMs,
): void {
  const put = prepareOnce(
    database,
    `INSERT INTO stored_hints (server_id, key, first_failed_ms, last_try_ms, next_try_ms, is_expired, errno, more_errno, reason, seen_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  prepareOnce(database, "DELETE FROM stored_hints WHERE server_id = ?").run(serverId);
  for (const { key, first_failed_ms, last_try_ms, next_try_ms, is_expired, errno, more_errno, reason } of hints)
    put.run(serverId, key, first_failed_ms, last_try_ms, next_try_ms, is_expired, errno, more_errno, reason, seenAt);
}

/** Names of the queues of a server on which messages are, as far as looks have told. */
export function openQueues(database: Database.Database, serverId: number): readonly string[] {
  return prepareOnce<[number], string>(
    database,
    "SELECT DISTINCT queue_name FROM queue_stays WHERE server_id = ? AND gone_ms IS NULL ORDER BY queue_name",
  )
    .pluck()
    .all(serverId);
}
