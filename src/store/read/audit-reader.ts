import { type Kysely, type Selectable, sql } from "kysely";
import { type EpochMs, toIso } from "../../units.ts";
import type { AuditLogView, PublicViews } from "../schema/views.ts";

export type AuditRow = Selectable<AuditLogView>;

/** Undefined means any. */
export interface AuditFilter {
  readonly since: EpochMs | undefined;
  readonly until: EpochMs | undefined;
  /** Login on the operating system, with the original login if sudo was used. */
  readonly user: string | undefined;
  readonly action: string | undefined;
  /** A message id that parameters or results name. */
  readonly message: string | undefined;
  /** An address that they name, in any case. */
  readonly address: string | undefined;
  readonly limit: number;
  /** How many of the newest are left out. */
  readonly offset: number;
}

/** Questions about the audit log. */
export class AuditReader {
  readonly #views: Kysely<PublicViews>;

  constructor(views: Kysely<PublicViews>) {
    this.#views = views;
  }

  /** The newest `limit` rows that fit after the first `offset` of them, the oldest of these first. */
  async list({ since, until, user, action, message, address, limit, offset }: AuditFilter): Promise<AuditRow[]> {
    let query = this.#views.selectFrom("audit_log").selectAll();
    if (since !== undefined) query = query.where("timestamp", ">=", toIso(since));
    if (until !== undefined) query = query.where("timestamp", "<", toIso(until));
    if (user !== undefined)
      query = query.where((where) => where.or([where("user", "=", user), where("sudo_user", "=", user)]));
    if (action !== undefined) query = query.where("action", "=", action);
    for (const value of [message, address]) if (value !== undefined) query = query.where(names(value));
    const rows = await query.orderBy("id", "desc").limit(limit).offset(offset).execute();
    return rows.reverse();
  }

  /** The last time an action ended as it should. */
  lastDone(action: string): Promise<AuditRow | undefined> {
    return this.#views
      .selectFrom("audit_log")
      .selectAll()
      .where("action", "=", action)
      .where("result", "=", "done")
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst();
  }
}

/** True where a value anywhere in the two objects is this one. */
function names(value: string) {
  return sql<boolean>`EXISTS (
    SELECT 1 FROM json_tree(parameters) WHERE lower(atom) = lower(${value})
    UNION ALL SELECT 1 FROM json_tree(affected) WHERE lower(atom) = lower(${value}))`;
}
