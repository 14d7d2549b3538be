/** Writes what people say and who they are: users, notes, tags and their meanings. Within whatever transaction there is. */
import type Database from "better-sqlite3";
import type { EpochMs } from "../../units.ts";
import { prepareOnce } from "../database/prepared.ts";
import type { StoredUsersTable } from "../schema/tables.ts";

export type Role = StoredUsersTable["role"];

/** A user without the password. */
export interface UserRow {
  readonly id: number;
  readonly username: string;
  readonly role: Role;
  readonly email: string | null;
  readonly fullName: string | null;
  /** Account of the operating system. */
  readonly osUser: string | null;
  readonly isActive: boolean;
}

export type UserSettings = Omit<UserRow, "id">;

/** Who wrote something. */
export interface Author {
  readonly author: string;
  /** Null: no user of exim-pilot. */
  readonly userId: number | null;
  /** Account of the operating system. */
  readonly osUser: string;
}

export interface NoteRow {
  readonly id: number;
  readonly serverId: number;
  readonly server: string;
  /** Exim's id. */
  readonly messageId: string;
  readonly author: string;
  readonly userId: number | null;
  readonly osUser: string;
  readonly note: string;
  readonly isPublic: boolean;
}

export interface TagMeaning {
  readonly tag: string;
  /** `#rrggbb` */
  readonly colour: string | null;
  readonly about: string | null;
}

const USER_COLUMNS = "id, username, role, email, full_name AS fullName, os_user AS osUser, active";
const NOTE_COLUMNS = `n.id, n.server_id AS serverId, v.name AS server, n.exim_id AS messageId, n.author, n.user_id AS userId,
  n.os_user AS osUser, n.note, n.is_public`;

type StoredUser = Omit<UserRow, "isActive"> & { readonly active: number };
type StoredNote = Omit<NoteRow, "isPublic"> & { readonly is_public: number };

export class PeopleWriter {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  /** Every user by name. */
  users(): readonly UserRow[] {
    return this.#prepare<[], StoredUser>(`SELECT ${USER_COLUMNS} FROM stored_users ORDER BY username`)
      .all()
      .map(toUser);
  }

  /** Upper and lower case are the same in names. */
  findUser(username: string): UserRow | undefined {
    const row = this.#prepare<[string], StoredUser>(`SELECT ${USER_COLUMNS} FROM stored_users WHERE username = ?`).get(
      username,
    );
    return row && toUser(row);
  }

  /** The user to whom an account of the operating system is bound. */
  findUserOfAccount(osUser: string): UserRow | undefined {
    const row = this.#prepare<[string], StoredUser>(`SELECT ${USER_COLUMNS} FROM stored_users WHERE os_user = ?`).get(
      osUser,
    );
    return row && toUser(row);
  }

  /** Errors: `exists` when the name or the account is taken. */
  addUser(user: UserSettings, passwordHash: string | null, now: EpochMs): UserRow {
    const { username, role, email, fullName, osUser, isActive } = user;
    const { lastInsertRowid } = this.#prepare(
      `INSERT INTO stored_users (username, password_hash, email, full_name, role, os_user, active, created_ms, updated_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(username, passwordHash, email, fullName, role, osUser, isActive ? 1 : 0, now, now);
    return { id: Number(lastInsertRowid), ...user };
  }

  /** Errors: `exists` when the account is bound to another user. */
  updateUser({ id, role, email, fullName, osUser, isActive }: UserRow, now: EpochMs): void {
    this.#prepare(
      "UPDATE stored_users SET role = ?, email = ?, full_name = ?, os_user = ?, active = ?, updated_ms = ? WHERE id = ?",
    ).run(role, email, fullName, osUser, isActive ? 1 : 0, now, id);
  }

  setPasswordHash(id: number, passwordHash: string, now: EpochMs): void {
    const sql = "UPDATE stored_users SET password_hash = ?, updated_ms = ? WHERE id = ?";
    this.#prepare(sql).run(passwordHash, now, id);
  }

  /** Removes a user. What this user wrote stays, under the same name. */
  removeUser(id: number): void {
    for (const table of ["stored_notes", "stored_tags", "tag_names"])
      this.#prepare(`UPDATE ${table} SET user_id = NULL WHERE user_id = ?`).run(id);
    this.#prepare("UPDATE stored_servers SET owner_user_id = NULL WHERE owner_user_id = ?").run(id);
    this.#prepare("DELETE FROM stored_users WHERE id = ?").run(id);
  }

  /** Makes a user the owner of servers whose owner has this name already. */
  adoptServers({ id, username }: Pick<UserRow, "id" | "username">): void {
    const sql = "UPDATE stored_servers SET owner_user_id = ? WHERE owner = ? COLLATE NOCASE";
    this.#prepare(sql).run(id, username);
  }

  /** Returns the number of the note. */
  addNote(
    message: { readonly serverId: number; readonly eximId: string },
    { author, userId, osUser }: Author,
    note: string,
    isPublic: boolean,
    now: EpochMs,
  ): number {
    const { lastInsertRowid } = this.#prepare(
      `INSERT INTO stored_notes (server_id, exim_id, author, user_id, os_user, note, is_public, created_ms, updated_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(message.serverId, message.eximId, author, userId, osUser, note, isPublic ? 1 : 0, now, now);
    return Number(lastInsertRowid);
  }

  findNote(id: number): NoteRow | undefined {
    const row = this.#prepare<[number], StoredNote>(
      `SELECT ${NOTE_COLUMNS} FROM stored_notes n JOIN stored_servers v ON v.id = n.server_id WHERE n.id = ?`,
    ).get(id);
    if (row === undefined) return undefined;
    const { is_public, ...note } = row;
    return { ...note, isPublic: is_public === 1 };
  }

  updateNote(id: number, note: string, isPublic: boolean, now: EpochMs): void {
    const sql = "UPDATE stored_notes SET note = ?, is_public = ?, updated_ms = ? WHERE id = ?";
    this.#prepare(sql).run(note, isPublic ? 1 : 0, now, id);
  }

  removeNote(id: number): void {
    this.#prepare("DELETE FROM stored_notes WHERE id = ?").run(id);
  }

  /** False when the message has the tag already. */
  addTag(serverId: number, eximId: string, tag: string, { author, userId }: Author, now: EpochMs): boolean {
    const sql =
      "INSERT OR IGNORE INTO stored_tags (tag, server_id, exim_id, created_ms, author, user_id) VALUES (?, ?, ?, ?, ?, ?)";
    return this.#prepare(sql).run(tag, serverId, eximId, now, author, userId).changes > 0;
  }

  /** False when the message does not have the tag. */
  removeTag(serverId: number, eximId: string, tag: string): boolean {
    const sql = "DELETE FROM stored_tags WHERE tag = ? AND server_id = ? AND exim_id = ?";
    return this.#prepare(sql).run(tag, serverId, eximId).changes > 0;
  }

  /** Undefined: nobody has described the tag. Upper and lower case are the same. */
  findMeaning(tag: string): TagMeaning | undefined {
    return this.#prepare<[string], TagMeaning>("SELECT tag, colour, about FROM tag_names WHERE tag = ?").get(tag);
  }

  /** Stores colour and meaning of a tag; one without both is forgotten. */
  putMeaning({ tag, colour, about }: TagMeaning, { author, userId }: Author, now: EpochMs): void {
    if (colour === null && about === null) {
      this.#prepare("DELETE FROM tag_names WHERE tag = ?").run(tag);
      return;
    }
    this.#prepare(
      `INSERT INTO tag_names (tag, colour, about, author, user_id, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (tag) DO UPDATE SET colour = excluded.colour, about = excluded.about, author = excluded.author,
         user_id = excluded.user_id, updated_ms = excluded.updated_ms`,
    ).run(tag, colour, about, author, userId, now, now);
  }

  #prepare<Parameters extends unknown[] = unknown[], Row = unknown>(sql: string) {
    return prepareOnce<Parameters, Row>(this.#database, sql);
  }
}

function toUser({ active, ...user }: StoredUser): UserRow {
  return { ...user, isActive: active === 1 };
}
