/** The account of the operating system behind a command, for whom it is recorded. */
import type { ActingAccount } from "../people/actor.ts";
import type { Io } from "./io.ts";

/** Who became another user by sudo is the first one. */
export function accountOf(io: Io): ActingAccount {
  const before = io.env["SUDO_USER"] ?? "";
  return {
    osUser: before === "" ? io.user : before,
    isAdministrator: io.isAdministrator ?? process.geteuid?.() === 0,
  };
}

/** The account that notes are shown to; undefined: they are for nobody outside. */
export function notesFor({ redact }: { readonly redact?: boolean }, io: Io): string | undefined {
  return redact === true ? undefined : accountOf(io).osUser;
}
