/** The users of exim-pilot, and what was changed of one. */
import type { UserChange } from "../../people/users.ts";
import type { UserFacts } from "../../store/people/people-reader.ts";
import type { UserRow } from "../../store/people/people-writer.ts";
import type { UserAnswer } from "../answers.ts";
import { renderFittingTable } from "../form/fitting-table.ts";
import type { Paint } from "../form/paint.ts";
import { toVisibleLine } from "../form/terminal-text.ts";

/** Change of a user; `keep`: the password was this one already. */
export type UserVerb = "add" | "set" | "disable" | "enable" | "remove" | "password" | "keep";

export function renderUsers(
  users: readonly UserFacts[],
  screen: { readonly columns: number; readonly paint: Paint },
): string {
  if (users.length === 0) return "There are no users; `exim-pilot users add NAME --role admin` adds the first.\n";
  const titles = ["User", "Role", "Account", "State", "E-mail", "Name"];
  const rows = users.map(({ username, role, osUser, isActive, hasPassword, email, fullName }) => [
    toVisibleLine(username),
    role,
    toVisibleLine(osUser ?? ""),
    isActive ? (hasPassword ? "active" : "active, no password") : screen.paint.bad("disabled"),
    toVisibleLine(email ?? ""),
    toVisibleLine(fullName ?? ""),
  ]);
  return `${renderFittingTable({ titles, rows }, screen)}\n`;
}

export function toUserAnswer(change: UserChange, verb: UserVerb): UserAnswer {
  const { id, username, role, email, fullName, osUser, isActive } = change.after ?? userOf(change);
  const user = { id, username, role, email, fullName, osUser, isActive };
  return { change: changeOf(change, verb), user };
}

export function renderUserChange(change: UserChange, verb: UserVerb): string {
  const { before } = change;
  const { username, role } = change.after ?? userOf(change);
  const name = toVisibleLine(username);
  if (verb === "keep") return `${name} has this password already.\n`;
  if (verb === "password") return `${name} has a new password.\n`;
  if (verb === "remove") return `${name} is removed. Notes and tags by ${name} stay.\n`;
  if (changeOf(change, verb) === "unchanged") {
    if (verb === "set") return `${name} has these settings already.\n`;
    return `${name} is ${verb === "disable" ? "disabled" : "active"} already.\n`;
  }
  if (verb === "disable") return `${name} is disabled.\n`;
  if (verb === "enable") return `${name} is active again.\n`;
  if (before === undefined) return `${name} is added as ${/^[aeiou]/.test(role) ? "an" : "a"} ${role}.\n`;
  return `${name}: ${describeChanges(before, change.after ?? before).join(", ")}.\n`;
}

function describeChanges(before: UserRow, after: UserRow): readonly string[] {
  const values: readonly (readonly [what: string, was: string | null, is: string | null])[] = [
    ["role", before.role, after.role],
    ["e-mail", before.email, after.email],
    ["full name", before.fullName, after.fullName],
    ["account", before.osUser, after.osUser],
  ];
  return values.flatMap(([what, was, is]) => {
    if (was === is) return [];
    if (is === null) return [`no ${what} any more`];
    return [`${what} ${toVisibleLine(is)}${was === null ? "" : ` (was ${toVisibleLine(was)})`}`];
  });
}

function changeOf({ before, after }: UserChange, verb: UserVerb): UserAnswer["change"] {
  if (before === undefined) return "added";
  if (after === undefined) return "removed";
  return verb === "password" || JSON.stringify(before) !== JSON.stringify(after) ? "changed" : "unchanged";
}

function userOf({ before, after }: UserChange): UserRow {
  const user = after ?? before;
  if (user === undefined) throw new Error("A change is one of a user.");
  return user;
}
