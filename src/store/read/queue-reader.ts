/** Reads what the log says about messages up to a moment: the queue of that time is made of it. */
import type Database from "better-sqlite3";
import type { Outcome } from "../../message/statuses.ts";
import type { EntryKind } from "../../parse/events.ts";
import { decodeUtf8 } from "../../text.ts";
import type { Moment } from "../../units.ts";
import type { RawTextReader } from "../log-text/blocks.ts";
import { loadCodes } from "../schema/codes.ts";

/** A message that had come and was not finished at the moment. */
export interface OpenMessage {
  /** stored_messages.id. */
  readonly key: number;
  readonly id: string;
  readonly server: string;
  /** `<>` for bounces; null when the log does not tell. */
  readonly sender: string | null;
  readonly size: number | null;
  readonly arrivalAt: Moment | null;
  readonly firstAt: Moment;
  /** Recipients that the arrival named. */
  readonly announced: readonly string[];
  /** In the order of time. */
  readonly lines: readonly OpenLine[];
}

/** One line about it. */
export interface OpenLine {
  readonly at: Moment;
  readonly event: EntryKind;
  /** Undefined: it is about the whole message. */
  readonly recipientEvent:
    | {
        readonly recipient: string;
        readonly final: string | null;
        readonly outcome: Outcome;
        readonly isAttempt: boolean;
        readonly error: string | null;
      }
    | undefined;
}

interface MessageRow {
  readonly key: number;
  readonly id: string;
  readonly server: string;
  readonly sender: string | null;
  readonly size: number | null;
  readonly arrivalAt: Moment | null;
  readonly firstAt: Moment;
}

interface LineRow {
  readonly at: Moment;
  readonly event: string;
  readonly recipient: string | null;
  readonly final: string | null;
  readonly outcome: string | null;
  readonly isAttempt: number | null;
  readonly error: string | null;
}

export class QueueReader {
  readonly #database: Database.Database;
  readonly #rawText: RawTextReader;

  constructor(database: Database.Database, rawText: RawTextReader) {
    this.#database = database;
    this.#rawText = rawText;
  }

  /** Messages that had come before `before` and of which no line up to then says they are finished, by id. */
  *openBefore(before: Moment, server: string | undefined): Generator<OpenMessage> {
    const codes = loadCodes(this.#database);
    const messages = this.#database.prepare<[Moment, Moment, string | null, string | null], MessageRow>(`
      SELECT m.id AS key, m.exim_id AS id, v.name AS server, a.address AS sender, m.size,
        m.arrival_at AS arrivalAt, m.first_at AS firstAt
      FROM stored_messages m
      JOIN stored_servers v ON v.id = m.server_id
      LEFT JOIN addresses a ON a.id = m.sender_id
      WHERE coalesce(m.arrival_at, m.first_at) < ? AND (m.completed_at IS NULL OR m.completed_at >= ?)
        AND m.status <> ${codes.messageStatus("rejected")} AND (? IS NULL OR v.name = ?)
      ORDER BY m.exim_id, v.name`);
    const announced = this.#database
      .prepare<[number], string>(`
      SELECT a.address FROM stored_recipients r JOIN addresses a ON a.id = r.address_id
      WHERE r.message_id = ? AND r.announced ORDER BY a.address`)
      .pluck();
    const lines = this.#database.prepare<[number, Moment], LineRow>(`
      SELECT e.at, c.name AS event, r.address AS recipient, f.address AS final, o.name AS outcome, w.is_attempt AS isAttempt,
        replace(t.text, char(2), r.address) AS error
      FROM stored_entries e
      JOIN codes c ON c.family = 'event' AND c.code = e.event
      LEFT JOIN address_events w ON w.entry_id = e.id
      LEFT JOIN addresses r ON r.id = w.recipient_id
      LEFT JOIN addresses f ON f.id = w.final_id
      LEFT JOIN codes o ON o.family = 'outcome' AND o.code = w.outcome
      LEFT JOIN delivery_problems p ON p.id = w.problem_id
      LEFT JOIN strings t ON t.id = p.error_id
      WHERE e.message_id = ? AND e.at < ?
      ORDER BY e.at, e.id`);
    for (const message of messages.all(before, before, server ?? null, server ?? null)) {
      yield { ...message, announced: announced.all(message.key), lines: lines.all(message.key, before).map(toLine) };
    }
  }

  /** Number of messages that arrived and that were completed from `since` to before `until`. Undefined `server`: of any. */
  traffic(
    since: Moment,
    until: Moment,
    server: string | undefined,
  ): { readonly arrivedInHour: number; readonly completedInHour: number } {
    const count = (column: "arrival_at" | "completed_at"): number =>
      this.#database
        .prepare<[Moment, Moment, string | null, string | null], number>(`
        SELECT count(*) FROM stored_messages m JOIN stored_servers v ON v.id = m.server_id
        WHERE m.${column} >= ? AND m.${column} < ? AND (? IS NULL OR v.name = ?)`)
        .pluck()
        .get(since, until, server ?? null, server ?? null) ?? 0;
    return { arrivedInHour: count("arrival_at"), completedInHour: count("completed_at") };
  }

  /** True when a log of the server has been read; undefined `server`: of any. */
  hasLog(server: string | undefined): boolean {
    return (
      this.#database
        .prepare<[string | null, string | null]>(
          "SELECT 1 FROM stored_sources s JOIN stored_servers v ON v.id = s.server_id WHERE ? IS NULL OR v.name = ? LIMIT 1",
        )
        .get(server ?? null, server ?? null) !== undefined
    );
  }

  /** True when a server has this name. */
  hasServer(name: string): boolean {
    return this.#database.prepare("SELECT 1 FROM stored_servers WHERE name = ?").get(name) !== undefined;
  }

  /**
   * Moments at which queue runs over the default queue began before `before`, the latest first, of the last lines about such runs.
   * Undefined `server`: of any. Lines whose text has been pruned do not count.
   */
  queueRunStarts(before: Moment, server: string | undefined): readonly Moment[] {
    const lines = this.#database
      .prepare<[number, Moment, string | null, string | null, number], { id: number; at: Moment }>(`
      SELECT e.id, e.at FROM stored_entries e
      JOIN stored_servers v ON v.id = e.server_id
      WHERE e.event = ? AND e.message_id IS NULL AND e.at < ? AND (? IS NULL OR v.name = ?)
      ORDER BY e.at DESC LIMIT ?`)
      .all(loadCodes(this.#database).event("queue_run"), before, server ?? null, server ?? null, RUN_LINES);
    return lines.filter(({ id }) => RUN_START.test(this.#rawText.entryText(id) ?? "")).map(({ at }) => at);
  }

  /** Names and addresses of hosts that lines about a message name. */
  hostsOf(id: string): readonly string[] {
    return this.#database
      .prepare<[string, string], string>(`
      SELECT h.text FROM stored_messages m
      JOIN stored_entries e ON e.message_id = m.id
      JOIN address_events w ON w.entry_id = e.id
      JOIN delivery_paths y ON y.id = w.path_id
      JOIN strings h ON h.id IN (y.host_id, y.ip_id)
      WHERE m.exim_id = ?
      UNION
      SELECT h.text FROM stored_messages m
      JOIN stored_entries e ON e.message_id = m.id
      JOIN stored_clients c ON c.entry_id = e.id
      JOIN strings h ON h.id IN (c.host_id, c.ip_id)
      WHERE m.exim_id = ?`)
      .pluck()
      .all(id, id);
  }
}

/** Lines of the newest queue runs that are read; a run has two lines. */
const RUN_LINES = 60;
const RUN_START = /\bStart queue run\b/;

function toLine({ at, event, recipient, final, outcome, isAttempt, error }: LineRow): OpenLine {
  const recipientEvent =
    recipient === null || outcome === null
      ? undefined
      : {
          recipient,
          final,
          outcome: outcome as Outcome,
          isAttempt: isAttempt === 1,
          error: error === null ? null : decodeUtf8(error),
        };
  return { at, event: event as EntryKind, recipientEvent };
}
