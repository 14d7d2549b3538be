/** Secrets of channels, read when something is to be sent, from files that nobody else can read. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { PilotError } from "../../errors.ts";
import type { SecretPlace } from "../../notify/settings.ts";
import { describeSystemError, isSystemError } from "../../store/files/system-errors.ts";

const OTHERS = 0o007;
const MOST_BYTES = 4096;
const PRINTABLE = /^[!-~]+$/;

/** The place of a secret in the file system; undefined: it is in the configuration, or there is no directory of credentials. */
export function pathOfSecret(
  place: SecretPlace,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (place.kind === "inline") return undefined;
  if (place.kind === "file") return place.path;
  const directory = env["CREDENTIALS_DIRECTORY"];
  return directory === undefined || directory === "" ? undefined : join(directory, place.name);
}

/** Reads a secret: the first line of its file. Errors: `usage` when others can read the file or it holds no secret, `unreadable`. */
export function readSecret(place: SecretPlace, env: Readonly<Record<string, string | undefined>>): string {
  if (place.kind === "inline") return place.value;
  const path = pathOfSecret(place, env);
  if (path === undefined)
    throw new PilotError("usage", "The directory of credentials is not set, and a secret is named without a path.", {
      hint: "systemd sets CREDENTIALS_DIRECTORY where the unit has LoadCredential=; elsewhere give the path of a file.",
    });
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const { mode } = fstatSync(file);
    if ((mode & OTHERS) !== 0) throw openToOthers(path, mode);
    const buffer = Buffer.alloc(MOST_BYTES);
    const [line = ""] = buffer.toString("utf8", 0, readSync(file, buffer, 0, MOST_BYTES, 0)).split("\n");
    const secret = line.trim();
    if (PRINTABLE.test(secret)) return secret;
    throw new PilotError("usage", `The file "${path}" does not begin with a secret.`, {
      hint: "Its first line is the secret: letters, digits and signs of ASCII, without blanks.",
    });
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new PilotError("unreadable", `The secret "${path}" cannot be read: ${describeSystemError(error)}.`, {
      hint: "Check its name and its rights: the user that sends must be able to read it, and nobody else.",
      cause: error,
    });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function openToOthers(path: string, mode: number): PilotError {
  return new PilotError("usage", `The secret "${path}" can be used by others (mode ${(mode & 0o777).toString(8)}).`, {
    hint: "Take that right away with `chmod o-rwx`.",
  });
}
