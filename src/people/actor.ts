/** Who is acting: the user of exim-pilot to whom the account of the operating system is bound, else the account itself. */
import { PilotError } from "../errors.ts";
import type { Author, PeopleWriter, Role, UserRow } from "../store/people/people-writer.ts";

/** ActingAccount of the operating system behind a command. */
export interface ActingAccount {
  /** Its name; of who became another user by sudo, the first one. */
  readonly osUser: string;
  /** The system lets it change everything. */
  readonly isAdministrator: boolean;
}

export interface Actor extends Author {
  /** Undefined: the account is bound to no user. */
  readonly user: UserRow | undefined;
}

function findActor(people: PeopleWriter, { osUser }: Pick<ActingAccount, "osUser">): Actor {
  const user = people.findUserOfAccount(osUser);
  return { author: user?.username ?? osUser, userId: user?.id ?? null, osUser, user };
}

const READERS: ReadonlySet<Role> = new Set<Role>(["viewer", "datasource"]);

/** The actor, who may change what is stored: notes, tags, judgements of incidents. Errors: `read_only` when the role is to read only, or the user is disabled. */
export function findWriter(people: PeopleWriter, account: Pick<ActingAccount, "osUser">): Actor {
  const actor = findActor(people, account);
  if (actor.user === undefined) return actor;
  const { username, role } = actor.user;
  assertActive(actor.user);
  if (READERS.has(role)) {
    throw new PilotError("read_only", `"${username}" is a ${role}, who may change nothing that is stored.`, {
      hint: `An admin gives another role: \`exim-pilot users set ${username} --role agent\`.`,
    });
  }
  return actor;
}

/**
 * Refuses a change of users by a user who is no admin, but for the user's own password (`own`: whose it is). The administrator of the system may, and so may an account that is bound to nobody:
 * whoever may write the file needs this program for nothing. Errors: `read_only`.
 */
export function assertMayChangeUsers(people: PeopleWriter, account: ActingAccount, own?: string): void {
  const user = people.findUserOfAccount(account.osUser);
  if (user === undefined || account.isAdministrator) return;
  assertActive(user);
  if (user.role === "admin" || user.username.toLowerCase() === own?.toLowerCase()) return;
  throw new PilotError("read_only", `"${user.username}" is no admin, and only admins may change users.`, {
    hint: "Ask an admin, or the administrator of this system.",
  });
}

function assertActive({ username, isActive }: UserRow): void {
  if (isActive) return;
  throw new PilotError("read_only", `The user "${username}" is disabled.`, {
    hint: `An admin makes the user active again: \`exim-pilot users enable ${username}\`.`,
  });
}

export function isAdmin({ user }: Actor): boolean {
  return user?.isActive === true && user.role === "admin";
}
