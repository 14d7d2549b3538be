/** Keys and passphrases from files: on a command line everybody on the machine could read them. */
import { readFileSync } from "node:fs";
import type { Keys, Locks } from "../../backup/encryption.ts";
import { PilotError } from "../../errors.ts";

export interface KeyFlags {
  readonly identityFile?: readonly string[];
  readonly passphraseFile?: string;
}

/** Reads the keys that open backups. Errors: `usage`. */
export function readKeys({ identityFile = [], passphraseFile }: KeyFlags): Keys {
  return {
    identities: identityFile.flatMap(readIdentities),
    passphrase: passphraseFile === undefined ? undefined : readPassphrase(passphraseFile),
  };
}

/** For whom backups are encrypted; undefined: for nobody. Errors: `usage`, which tells no secret that was given by mistake. */
export function readLocks(recipients: readonly string[], passphraseFile: string | undefined): Locks | undefined {
  if (recipients.some((recipient) => /^AGE-SECRET-KEY-/i.test(recipient))) {
    throw new PilotError("usage", "A secret key was given as a recipient.", {
      hint: "Give the public key, which begins with age1. Others may have seen the secret one: make a new one.",
    });
  }
  if (recipients.length > 0) return { recipients };
  return passphraseFile === undefined ? undefined : { passphrase: readPassphrase(passphraseFile) };
}

/** The first line. */
function readPassphrase(path: string): string {
  const [passphrase = ""] = readText(path).split(/\r?\n/, 1);
  if (passphrase === "") {
    throw new PilotError("usage", `The first line of "${path}" is empty, so there is no passphrase.`, {
      hint: "Write the passphrase on the first line of the file, which nobody else should be able to read.",
    });
  }
  return passphrase;
}

/** The form of age-keygen: a key a line, and comments. */
function readIdentities(path: string): string[] {
  return readText(path)
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new PilotError("usage", `The file "${path}" cannot be read.`, {
      hint: "Check its name and its rights.",
      cause: error,
    });
  }
}
