/** Short texts from standard input or a file: a note, a password. */
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { PilotError } from "../../errors.ts";
import { isSystemError, translateSystemError } from "../../store/files/system-errors.ts";

const MOST_BYTES = 256 * 1024;

/** All of standard input as UTF-8. Errors: `usage` when there is too much. */
export async function readSmallInput(stdin: Readable): Promise<string> {
  return readSmall(stdin, "Standard input");
}

/** The first line of a file, or of standard input where the name is "-". Errors: `usage`, `unreadable`, `io`. */
export async function readFirstLine(file: string, stdin: Readable): Promise<string> {
  if (file === "-") return firstLine(await readSmallInput(stdin));
  try {
    return firstLine(await readSmall(createReadStream(file), `"${file}"`));
  } catch (error) {
    throw isSystemError(error) ? translateSystemError(error, file) : error;
  }
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? "";
}

async function readSmall(stream: Readable, name: string): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    const buffer = Buffer.from(piece as Uint8Array);
    pieces.push(buffer);
    bytes += buffer.length;
    if (bytes > MOST_BYTES) {
      throw new PilotError("usage", `${name} has more than ${MOST_BYTES} bytes.`, {
        hint: "Give what is meant, and nothing else.",
      });
    }
  }
  return Buffer.concat(pieces).toString("utf8");
}
