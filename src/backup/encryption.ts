/** Backups that strangers may keep: the age format (age-encryption.org), which the tools `age` and `rage` read as well. */
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { Decrypter, Encrypter } from "age-encryption";
import { PilotError } from "../errors.ts";

/** Recipients of an encrypted backup: public keys (`age1…`), or a passphrase. */
export type Locks = { readonly recipients: readonly string[] } | { readonly passphrase: string };

/** The keys that open a backup: secret keys (`AGE-SECRET-KEY-…`) and a passphrase. */
export interface Keys {
  readonly identities: readonly string[];
  readonly passphrase: string | undefined;
}

export const NO_KEYS: Keys = { identities: [], passphrase: undefined };

export type { Encrypter };

/** The global of that name, which Node and the web type each in their way. */
type WebStream = Parameters<Encrypter["encrypt"]>[0];

/** Errors: `usage` for a recipient that is no public key. */
export function makeEncrypter(locks: Locks): Encrypter {
  const encrypter = new Encrypter();
  if ("passphrase" in locks) encrypter.setPassphrase(locks.passphrase);
  else
    for (const recipient of locks.recipients) {
      try {
        encrypter.addRecipient(recipient);
      } catch (error) {
        throw new PilotError("usage", `"${recipient}" is not a public key of age.`, {
          hint: "It begins with age1; age-keygen makes one, with its secret key.",
          cause: error,
        });
      }
    }
  return encrypter;
}

/** Errors: `usage` for an identity that is no secret key. */
function makeDecrypter({ identities, passphrase }: Keys): Decrypter {
  const decrypter = new Decrypter();
  if (passphrase !== undefined) decrypter.addPassphrase(passphrase);
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity);
    } catch (error) {
      throw new PilotError("usage", "The identity file holds a line that is no secret key of age.", {
        hint: "Each begins with AGE-SECRET-KEY-; lines that begin with # are comments.",
        cause: error,
      });
    }
  }
  return decrypter;
}

export async function* encrypt(plain: AsyncIterable<Buffer>, encrypter: Encrypter): AsyncGenerator<Uint8Array> {
  yield* (await encrypter.encrypt(toWeb(plain))) as ReadableStream<Uint8Array>;
}

function toWeb(bytes: AsyncIterable<Buffer>): WebStream {
  return Readable.toWeb(Readable.from(bytes, { objectMode: false })) as WebStream;
}

/** Errors: `usage` when no key is given; `check_failed` when none of them opens the backup. */
export async function* decrypt(encrypted: AsyncIterable<Buffer>, path: string, keys: Keys): AsyncGenerator<Uint8Array> {
  if (keys.identities.length === 0 && keys.passphrase === undefined) {
    throw new PilotError("usage", `"${path}" is encrypted.`, {
      hint: "Give its secret key with --identity-file, or its passphrase with --passphrase-file.",
    });
  }
  const decrypter = makeDecrypter(keys);
  let plain: WebStream;
  try {
    plain = await decrypter.decrypt(toWeb(encrypted));
  } catch (error) {
    throw new PilotError("check_failed", `No key that was given opens "${path}".`, {
      hint: "The file is unchanged, so the key or the passphrase is a different one.",
      cause: error,
    });
  }
  yield* plain as ReadableStream<Uint8Array>;
}
