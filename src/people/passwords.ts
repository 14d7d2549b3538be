/** Passwords: hashed by scrypt, whose parameters stand beside the hash, so that others can be chosen later. */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { PilotError } from "../errors.ts";
import { MIB } from "../units.ts";

type ScryptOptions = { readonly N: number; readonly r: number; readonly p: number; readonly maxmem: number };
const hash: (password: string, salt: Buffer, length: number, options: ScryptOptions) => Promise<Buffer> =
  promisify(scrypt);

/** Parameters that OWASP names for 32 MiB. */
const PARAMETERS = { N: 2 ** 15, r: 8, p: 3 } as const;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
/** Memory that a stored hash may ask for. */
const MOST_MEMORY = 256 * MIB;

const LEAST_LENGTH = 12;
const MOST_LENGTH = 1024;

/** Errors: `usage` when the password is too short or too long, has control characters, or is the name. */
export function assertPassword(password: string, username: string): void {
  const length = [...password].length;
  if (length < LEAST_LENGTH || length > MOST_LENGTH) {
    const problem = length < LEAST_LENGTH ? `shorter than ${LEAST_LENGTH}` : `longer than ${MOST_LENGTH}`;
    throw new PilotError("usage", `The password is ${problem} characters.`, {
      hint: "Several words that have nothing to do with each other make a good one.",
    });
  }
  if (/\p{Cc}/u.test(password)) {
    throw new PilotError("usage", "The password has control characters.", {
      hint: "It is the first line of the file or of standard input.",
    });
  }
  if (normalise(password).toLowerCase() === username.toLowerCase()) {
    throw new PilotError("usage", "The password is the name of the user.", { hint: "Choose one that nobody guesses." });
  }
}

/** `scrypt$N$r$p$salt$key`, the last two in base64. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const { N, r, p } = PARAMETERS;
  const key = await hash(normalise(password), salt, KEY_BYTES, { ...PARAMETERS, maxmem: MOST_MEMORY });
  return ["scrypt", N, r, p, salt.toString("base64"), key.toString("base64")].join("$");
}

/** False for a hash that is none of ours, too. */
export async function isPassword(password: string, stored: string): Promise<boolean> {
  const [, N, r, p, salt = "", key = ""] = FORM.exec(stored) ?? [];
  if (N === undefined) return false;
  const expected = Buffer.from(key, "base64");
  const options = { N: Number(N), r: Number(r), p: Number(p), maxmem: MOST_MEMORY };
  const found = await hash(normalise(password), Buffer.from(salt, "base64"), expected.length, options);
  return timingSafeEqual(found, expected);
}

const FORM = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]{22,}=*)$/;

/** Keyboards write one letter in several ways. */
function normalise(password: string): string {
  return password.normalize("NFKC");
}
