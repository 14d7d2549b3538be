/** Users of exim-pilot: who writes notes and tags, owns servers, and hears of incidents. */
import { PilotError } from "../errors.ts";
import type { PeopleWriter, Role, UserRow } from "../store/people/people-writer.ts";
import type { EpochMs } from "../units.ts";

export const ROLES = ["admin", "agent", "viewer", "datasource"] as const satisfies readonly Role[];

export const ROLE_MEANINGS: Readonly<Record<Role, string>> = {
  admin: "changes users, and the notes of others",
  agent: "writes notes and tags, judges incidents",
  viewer: "reads",
  datasource: "hands over logs: for programs",
};

/** Settings as typed; undefined: as they are. An empty text takes one away. */
export interface UserWishes {
  readonly role?: Role | undefined;
  readonly email?: string | undefined;
  readonly fullName?: string | undefined;
  readonly osUser?: string | undefined;
}

export interface UserChange {
  /** Undefined: the user is new. */
  readonly before: UserRow | undefined;
  /** Undefined: the user is removed. */
  readonly after: UserRow | undefined;
}

/** Typed without quotes in any shell, and alike to no other name. */
const USERNAME = /^[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?$/i;
const MOST_LENGTH = 200;
/** One @, and nothing that an address has in quotes only; a domain of one label is that of this machine or network. */
const EMAIL = /^[^\s@<>",;:\\()[\]\p{Cc}\p{Cf}]{1,64}@[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u;
/** Accounts of any system; nothing that a terminal or a shell would take for something else. */
const OS_USER = /^[\p{L}\p{N}_][\p{L}\p{N}._@\\$ -]{0,63}$/u;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Errors: `usage`. */
export function assertUsername(username: string): void {
  if (USERNAME.test(username)) return;
  throw new PilotError("usage", `"${username}" cannot be the name of a user.`, {
    hint: "A name has up to 64 letters, digits and . _ @ - of ASCII, and begins and ends with a letter or digit, such as alice.",
  });
}

/** Errors: `usage` when a setting cannot be what it is to be. */
export function assertWishes({ email = "", fullName = "", osUser = "" }: UserWishes): void {
  if (email !== "" && (!EMAIL.test(email) || email.length > MOST_LENGTH)) {
    throw new PilotError("usage", `"${email}" is no e-mail address.`, { hint: "Give one such as alice@example.org." });
  }
  if (UNSEEN.test(fullName) || [...fullName].length > MOST_LENGTH) {
    throw new PilotError("usage", "The full name has characters that nobody sees, or is too long.", {
      hint: `Give up to ${MOST_LENGTH} characters on one line.`,
    });
  }
  if (osUser !== "" && !OS_USER.test(osUser)) {
    throw new PilotError("usage", `"${osUser}" cannot be an account of the system.`, {
      hint: "Give its name as `id -un` prints it.",
    });
  }
}

/** Adds a user, who then owns the servers whose owner has that name. Errors: `exists`. */
export function addUser(
  people: PeopleWriter,
  username: string,
  wishes: UserWishes & { readonly role: Role },
  passwordHash: string | null,
  now: EpochMs,
): UserChange {
  const known = people.findUser(username);
  if (known !== undefined) {
    throw new PilotError("exists", `There is a user "${known.username}" already.`, {
      hint: `\`exim-pilot users set ${known.username}\` changes that one; upper and lower case are the same in names.`,
    });
  }
  const { role, email = "", fullName = "", osUser = "" } = wishes;
  assertFree(people, osUser, undefined);
  const settings = { username, role, email: email || null, fullName: fullName || null, osUser: osUser || null };
  const after = people.addUser({ ...settings, isActive: true }, passwordHash, now);
  people.adoptServers(after);
  return { before: undefined, after };
}

/** Errors: `not_found`; `exists` when the account is another user's; `in_use` for the last admin. */
export function changeUser(people: PeopleWriter, username: string, wishes: UserWishes, now: EpochMs): UserChange {
  const before = findUser(people, username);
  const { role = before.role, email, fullName, osUser } = wishes;
  if (osUser !== undefined) assertFree(people, osUser, before);
  const after: UserRow = {
    ...before,
    role,
    email: email === undefined ? before.email : email || null,
    fullName: fullName === undefined ? before.fullName : fullName || null,
    osUser: osUser === undefined ? before.osUser : osUser || null,
  };
  return replace(people, before, after, now);
}

/** Makes a user active or not. Errors: `not_found`; `in_use` for the last admin. */
export function setActive(people: PeopleWriter, username: string, isActive: boolean, now: EpochMs): UserChange {
  const before = findUser(people, username);
  return replace(people, before, { ...before, isActive }, now);
}

/** Removes a user; notes and tags stay. Errors: `not_found`; `in_use` for the last admin. */
export function removeUser(people: PeopleWriter, username: string): UserChange {
  const before = findUser(people, username);
  assertNotLastAdmin(people, before, "removed");
  people.removeUser(before.id);
  return { before, after: undefined };
}

/** Errors: `not_found`. */
export function findUser(people: PeopleWriter, username: string): UserRow {
  const user = people.findUser(username);
  if (user !== undefined) return user;
  const names = people.users().map((other) => `"${other.username}"`);
  throw new PilotError("not_found", `There is no user "${username}".`, {
    hint:
      names.length === 0
        ? "There is none yet: `exim-pilot users add NAME --role admin` adds the first."
        : `There are ${names.join(", ")}.`,
  });
}

function replace(people: PeopleWriter, before: UserRow, after: UserRow, now: EpochMs): UserChange {
  if (!after.isActive) assertNotLastAdmin(people, before, "disabled");
  else if (after.role !== "admin") assertNotLastAdmin(people, before, "given another role");
  if (JSON.stringify(before) !== JSON.stringify(after)) people.updateUser(after, now);
  return { before, after };
}

function isActiveAdmin({ role, isActive }: UserRow): boolean {
  return role === "admin" && isActive;
}

function assertNotLastAdmin(people: PeopleWriter, user: UserRow, what: string): void {
  const isOther = (other: UserRow): boolean => other.id !== user.id && isActiveAdmin(other);
  if (!isActiveAdmin(user) || people.users().some(isOther)) return;
  throw new PilotError("in_use", `"${user.username}" is the last active admin, and cannot be ${what}.`, {
    hint: "Make another user an admin before: `exim-pilot users set NAME --role admin`.",
  });
}

function assertFree(people: PeopleWriter, osUser: string, user: UserRow | undefined): void {
  const other = osUser === "" ? undefined : people.findUserOfAccount(osUser);
  if (other === undefined || other.id === user?.id) return;
  throw new PilotError("exists", `The account "${osUser}" is bound to the user "${other.username}" already.`, {
    hint: "An account of the system is one user's; give another one, or an empty text to that user first.",
  });
}
