/** Incidents as they are stored, and what people said about them. */
import type Database from "better-sqlite3";
import { prepareOnce } from "../database/prepared.ts";
import type { IncidentActionsTable, IncidentMutesTable, StoredIncidentsTable } from "../schema/tables.ts";

export interface StoredIncident extends StoredIncidentsTable {
  readonly server: string;
  /** Somebody does not want to hear of it now. */
  readonly is_muted: 0 | 1;
}

export interface IncidentFilter {
  readonly statuses: readonly StoredIncidentsTable["status"][];
  readonly kinds: readonly string[];
  /** Names; all servers when there is none. */
  readonly servers: readonly string[];
  /** Epoch ms; incidents that reach into the time since then. */
  readonly sinceMs: number | undefined;
  /** With those that nobody wants to hear of. */
  readonly withMuted: boolean;
}

const COLUMNS = `i.*, v.name AS server, EXISTS (SELECT 1 FROM incident_mutes m WHERE m.kind = i.kind AND m.subject = i.subject
  AND (m.until_ms IS NULL OR m.until_ms > $now)) AS is_muted`;

export class IncidentReader {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  /** Incidents, the ones that began last first. */
  list({ statuses, kinds, servers, sinceMs, withMuted }: IncidentFilter, now: number): readonly StoredIncident[] {
    const oneOf = (column: string, name: string): string =>
      `(json_array_length($${name}) = 0 OR ${column} IN (SELECT value FROM json_each($${name})))`;
    return prepareOnce<object, StoredIncident>(
      this.#database,
      `SELECT * FROM (
         SELECT ${COLUMNS} FROM stored_incidents i JOIN stored_servers v ON v.id = i.server_id
         WHERE ${oneOf("i.status", "statuses")} AND ${oneOf("i.kind", "kinds")} AND ${oneOf("v.name", "servers")}
           AND coalesce(i.end_ms, $now) >= $since
       ) WHERE $withMuted OR NOT is_muted ORDER BY start_ms DESC, id DESC`,
    ).all({
      now,
      statuses: JSON.stringify(statuses),
      kinds: JSON.stringify(kinds),
      servers: JSON.stringify(servers),
      since: sinceMs ?? Number.MIN_SAFE_INTEGER,
      withMuted: withMuted ? 1 : 0,
    });
  }

  find(id: number, now: number): StoredIncident | undefined {
    return prepareOnce<object, StoredIncident>(
      this.#database,
      `SELECT ${COLUMNS} FROM stored_incidents i JOIN stored_servers v ON v.id = i.server_id WHERE i.id = $id`,
    ).get({ id, now });
  }

  /** 0 when there is none. */
  highestId(): number {
    const sql = "SELECT coalesce(max(id), 0) FROM stored_incidents";
    return prepareOnce<[], number>(this.#database, sql).pluck().get() as number;
  }

  /** Words of people about an incident, the first ones first. */
  actions(id: number): readonly IncidentActionsTable[] {
    const sql = "SELECT * FROM incident_actions WHERE incident_id = ? ORDER BY id";
    return prepareOnce<[number], IncidentActionsTable>(this.#database, sql).all(id);
  }

  /** Ids of messages that show it, the first `limit` of them by id. */
  messages(id: number, limit: number): readonly string[] {
    const sql = "SELECT exim_id FROM incident_messages WHERE incident_id = ? ORDER BY exim_id LIMIT ?";
    return prepareOnce<[number, number], string>(this.#database, sql).pluck().all(id, limit);
  }

  /** Number of messages that are named as evidence. */
  countMessages(id: number): number {
    const sql = "SELECT count(*) FROM incident_messages WHERE incident_id = ?";
    return prepareOnce<[number], number>(this.#database, sql).pluck().get(id) as number;
  }

  /** Incidents that a message shows. */
  ofMessage(server: string, eximId: string): readonly StoredIncidentsTable[] {
    return prepareOnce<object, StoredIncidentsTable>(
      this.#database,
      `SELECT i.* FROM incident_messages g CROSS JOIN stored_incidents i ON i.id = g.incident_id
       JOIN stored_servers v ON v.id = i.server_id
       WHERE g.exim_id = $eximId AND v.name = $server AND g.server_id = v.id ORDER BY i.id`,
    ).all({ eximId, server });
  }

  mutes(): readonly IncidentMutesTable[] {
    const sql = "SELECT * FROM incident_mutes ORDER BY kind, subject";
    return prepareOnce<[], IncidentMutesTable>(this.#database, sql).all();
  }
}
