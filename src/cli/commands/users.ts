import { statSync } from "node:fs";
import { PilotError } from "../../errors.ts";
import { assertMayChangeUsers } from "../../people/actor.ts";
import { assertPassword, hashPassword, isPassword } from "../../people/passwords.ts";
import {
  addUser,
  assertUsername,
  assertWishes,
  changeUser,
  findUser,
  removeUser,
  setActive,
  type UserChange,
} from "../../people/users.ts";
import { renderJson } from "../../render/form/json.ts";
import { renderUserChange, renderUsers, toUserAnswer, type UserVerb } from "../../render/people/users-page.ts";
import type { Role } from "../../store/people/people-writer.ts";
import type { Transactor } from "../../store/write/transactor.ts";
import { accountOf } from "../account.ts";
import { type AuditFlags, auditedEdit } from "../audited.ts";
import { type DatabaseFlags, screenOf, usingReader } from "../context.ts";
import { readFirstLine } from "../flags/small-input.ts";
import type { Io } from "../io.ts";
import { redactor } from "../redactor.ts";
import { askHidden, canAsk } from "../terminal/hidden-prompt.ts";
import { printLines } from "../terminal/print-lines.ts";

export interface UsersFlags extends DatabaseFlags, AuditFlags {
  readonly names?: boolean;
  readonly redact?: boolean;
  readonly json?: boolean;
}

export interface UserSettingsFlags extends UsersFlags {
  readonly email?: string;
  readonly fullName?: string;
  readonly osUser?: string;
}

export interface PasswordFlags extends UsersFlags {
  readonly passwordFile?: string;
}

/** Prints the users. Errors: those of the database. */
export async function runUsers(flags: UsersFlags, io: Io): Promise<void> {
  const found = await usingReader(flags, io, (reader) => reader.people.users());
  const { users } = redactor(flags, io)({ users: found });
  if (flags.names === true) {
    io.stdout.write(users.map(({ username }) => `${username}\n`).join(""));
    return;
  }
  io.stdout.write(flags.json === true ? renderJson("users", { users }) : renderUsers(users, screenOf(io)));
}

/** Errors: `exists`, `usage`, `read_only`, those of the database. */
export async function runAddUser(
  username: string,
  flags: UserSettingsFlags & PasswordFlags & { readonly role: Role },
  io: Io,
): Promise<void> {
  assertUsername(username);
  assertWishes(flags);
  const { passwordFile, role, email, fullName, osUser } = flags;
  const password = passwordFile === undefined ? undefined : await readPassword(passwordFile, username, io);
  const hash = password === undefined ? null : await hashPassword(password);
  const wishes = { role, email, fullName, osUser };
  await changing("add", username, flags, io, ({ people }) => addUser(people, username, wishes, hash, io.now()));
}

/** Errors: `not_found`, `exists`, `usage`, `in_use`, `read_only`, those of the database. */
export async function runSetUser(
  username: string,
  flags: UserSettingsFlags & { readonly role?: Role },
  io: Io,
): Promise<void> {
  const { role, email, fullName, osUser } = flags;
  if ([role, email, fullName, osUser].every((wish) => wish === undefined)) {
    throw new PilotError("usage", "No setting was given.", {
      hint: "Give --role, --email, --full-name or --os-user; an empty text removes one of the last three.",
    });
  }
  assertWishes(flags);
  const wishes = { role, email, fullName, osUser };
  await changing("set", username, flags, io, ({ people }) => changeUser(people, username, wishes, io.now()));
}

/** Errors: `not_found`, `in_use`, `read_only`, those of the database. */
export async function runChangeUser(
  verb: "disable" | "enable" | "remove",
  username: string,
  flags: UsersFlags,
  io: Io,
): Promise<void> {
  await changing(verb, username, flags, io, ({ people }) =>
    verb === "remove" ? removeUser(people, username) : setActive(people, username, verb === "enable", io.now()),
  );
}

/** Errors: `not_found`, `usage`, `read_only`, `interrupted`, those of the database. */
export async function runSetPassword(username: string, flags: PasswordFlags, io: Io): Promise<void> {
  const before = await usingReader(flags, io, (reader) => reader.people.passwordHashOf(username));
  const password =
    before === undefined
      ? undefined
      : flags.passwordFile === undefined
        ? await askPassword(username, io)
        : await readPassword(flags.passwordFile, username, io);
  const isSame = password !== undefined && typeof before === "string" && (await isPassword(password, before));
  const hash = password === undefined || isSame ? undefined : await hashPassword(password);
  await changing(isSame ? "keep" : "password", username, flags, io, ({ people }) => {
    const user = findUser(people, username);
    if (hash !== undefined) people.setPasswordHash(user.id, hash, io.now());
    return { before: user, after: user };
  });
}

async function readPassword(file: string, username: string, io: Io): Promise<string> {
  const password = await readFirstLine(file, io.stdin);
  assertPassword(password, username);
  const status = file === "-" ? undefined : statSync(file, { throwIfNoEntry: false });
  if (status?.isFile() === true && (status.mode & FOR_OTHERS) !== 0)
    io.stderr.write("note: others can read the file of the password; remove it, or `chmod 600` it.\n");
  return password;
}

/** Rights of the group and of all others to read. */
const FOR_OTHERS = 0o044;

async function askPassword(username: string, io: Io): Promise<string> {
  if (!canAsk(io)) {
    throw new PilotError("usage", "There is no terminal to ask for the password on.", {
      hint: "Give it with --password-file FILE, or --password-file - for standard input.",
    });
  }
  const password = await askHidden(`New password of ${username}: `, io);
  assertPassword(password, username);
  if ((await askHidden("The same again: ", io)) === password) return password;
  throw new PilotError("usage", "The two passwords differ; nothing was changed.", { hint: "Run it again." });
}

/** Makes a change by whoever may, records it and prints it. */
async function changing(
  verb: UserVerb,
  username: string,
  flags: UsersFlags,
  io: Io,
  edit: (transactor: Transactor) => UserChange,
): Promise<void> {
  const isChanged = ({ before, after }: UserChange): boolean =>
    verb === "password" || JSON.stringify(before) !== JSON.stringify(after);
  const done = await auditedEdit<UserChange>(
    {
      action: `users ${verb}`,
      parameters: { ...flags, username },
      affected: (change) => (isChanged(change) ? change : undefined),
      isOfUsers: true,
      edit: (transactor) => {
        const own = verb === "password" || verb === "keep" ? username : undefined;
        assertMayChangeUsers(transactor.people, accountOf(io), own);
        return edit(transactor);
      },
    },
    flags,
    io,
  );
  const change = redactor(flags, io)(done);
  if (flags.json === true) io.stdout.write(renderJson("user", toUserAnswer(change, verb)));
  else printLines(renderUserChange(change, verb), io);
}
