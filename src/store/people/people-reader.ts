/** Questions about people: users, and what they wrote about messages. */
import { type Kysely, sql } from "kysely";
import { type EpochMs, epochMs, toIso } from "../../units.ts";
import type { Schema, StoredUsersTable } from "../schema/tables.ts";

/** A user as `--json` shows one. Times are ISO-8601 UTC. */
export interface UserFacts {
  readonly id: number;
  readonly username: string;
  readonly role: StoredUsersTable["role"];
  readonly email: string | null;
  readonly fullName: string | null;
  /** Account of the operating system whose commands are this user's. */
  readonly osUser: string | null;
  readonly isActive: boolean;
  readonly hasPassword: boolean;
  readonly lastLogin: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A note of a message as `--json` shows one. Times are ISO-8601 UTC. */
export interface NoteFacts {
  /** Number for `--edit` and `--remove` of `note`. */
  readonly id: number;
  /** Exim's id. */
  readonly messageId: string;
  readonly server: string;
  readonly author: string;
  readonly note: string;
  /** False: shown to its author and to admins. */
  readonly isPublic: boolean;
  readonly createdAt: string;
  /** Time of the last edit; that of its creation when there was none. */
  readonly updatedAt: string;
}

export interface NoteFilter {
  readonly messageId?: string | undefined;
  readonly server?: string | undefined;
  /** A part of the text, in any case. */
  readonly text?: string | undefined;
  readonly author?: string | undefined;
  /** Written or edited then or later. */
  readonly since?: EpochMs | undefined;
  readonly until?: EpochMs | undefined;
}

/** A tag of one message as `--json` shows it. */
export interface TagFacts {
  readonly name: string;
  /** `#rrggbb` */
  readonly colour: string | null;
  /** Its meaning. */
  readonly about: string | null;
  readonly author: string;
  readonly createdAt: string;
}

/** Condition on a row of stored_notes: an account of the operating system may see it. Private ones are for their author and admins. */
export function isNoteFor(osUser: string, table: string) {
  const column = (name: string) => sql.ref(`${table}.${name}`);
  return sql<boolean>`(${column("is_public")} OR (${column("user_id")} IS NULL AND ${column("os_user")} = ${osUser})
    OR EXISTS (SELECT 1 FROM stored_users AS viewer WHERE viewer.os_user = ${osUser} AND viewer.active
      AND (viewer.role = 'admin' OR viewer.id = ${column("user_id")})))`;
}

function containing(part: string): (text: string) => boolean {
  const fold = (text: string): string => text.normalize("NFC").toLowerCase();
  const folded = fold(part);
  return (text) => fold(text).includes(folded);
}

export class PeopleReader {
  readonly #database: Kysely<Schema>;

  constructor(database: Kysely<Schema>) {
    this.#database = database;
  }

  /** Every user by name. */
  async users(): Promise<UserFacts[]> {
    const rows = await this.#database.selectFrom("users").selectAll().orderBy("username").execute();
    return rows.map((row) => ({
      id: row.id,
      username: row.username,
      role: row.role as UserFacts["role"],
      email: row.email,
      fullName: row.full_name,
      osUser: row.os_user,
      isActive: row.active === 1,
      hasPassword: row.has_password === 1,
      lastLogin: row.last_login,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }));
  }

  /** Undefined: no such user. Null: one without a password. */
  async passwordHashOf(username: string): Promise<string | null | undefined> {
    const row = await this.#database
      .selectFrom("stored_users")
      .select("password_hash")
      .where("username", "=", username)
      .executeTakeFirst();
    return row?.password_hash;
  }

  /** The newest `limit` notes that fit and that this account of the operating system may see, the oldest of these first. */
  async notes(filter: NoteFilter, osUser: string, limit?: number): Promise<NoteFacts[]> {
    const { messageId, server, text, author, since, until } = filter;
    let query = this.#database
      .selectFrom("stored_notes as n")
      .innerJoin("stored_servers as v", "v.id", "n.server_id")
      .select(["n.id", "n.exim_id", "v.name as server", "n.author", "n.note", "n.is_public"])
      .select(["n.created_ms", "n.updated_ms"])
      .where(isNoteFor(osUser, "n"));
    if (messageId !== undefined) query = query.where("n.exim_id", "=", messageId);
    if (server !== undefined) query = query.where("v.name", "=", server);
    if (author !== undefined) query = query.where(sql<boolean>`n.author = ${author} COLLATE NOCASE`);
    if (since !== undefined) query = query.where("n.updated_ms", ">=", since);
    if (until !== undefined) query = query.where("n.updated_ms", "<", until);
    query = query.orderBy("n.created_ms", "desc").orderBy("n.id", "desc");
    // NOTE: SQLite knows upper and lower case of ASCII only.
    const isWithin = text === undefined ? () => true : containing(text);
    const isLimited = limit !== undefined && text === undefined;
    const rows = (await (isLimited ? query.limit(limit) : query).execute()).filter(({ note }) => isWithin(note));
    return rows
      .slice(0, limit)
      .reverse()
      .map((row) => ({
        id: row.id,
        messageId: row.exim_id,
        server: row.server,
        author: row.author,
        note: row.note,
        isPublic: row.is_public === 1,
        createdAt: toIso(epochMs(row.created_ms)),
        updatedAt: toIso(epochMs(row.updated_ms)),
      }));
  }

  /** Tags of a message, by name. */
  async tagsOf(message: { readonly id: string; readonly server: string }): Promise<TagFacts[]> {
    const rows = await this.#database
      .selectFrom("message_tags")
      .select(["tag", "color", "about", "author", "created_at"])
      .where("message_id", "=", message.id)
      .where("server", "=", message.server)
      .orderBy("tag")
      .execute();
    return rows.map(({ tag, color, about, author, created_at }) => ({
      name: tag,
      colour: color,
      about,
      author,
      createdAt: created_at,
    }));
  }
}
