/** `trace FILE.eml` and `trace -`: what somebody has in hand of a mail, read within limits. */
import { createReadStream, existsSync, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { PilotError } from "../../errors.ts";
import { isSystemError, translateSystemError } from "../../store/files/system-errors.ts";
import { readStatements, type Statement } from "../../trace/evidence.ts";
import { MIB } from "../../units.ts";
import type { Io } from "../io.ts";

/** Headers of a mail are at its beginning; those that a bounce returns are behind a report. */
const MOST_BYTES = 16 * MIB;

export interface EvidenceInHand {
  /** Name for sentences: `"bounce.eml"` in quotes, or standard input. */
  readonly name: string;
  readonly statements: readonly Statement[];
}

/** The file that these words of `trace` name, or `-`; undefined when they name a message. */
export function evidenceFile(words: readonly string[]): string | undefined {
  const [word, ...others] = words;
  if (word === undefined || others.length > 0) return undefined;
  if (word === "-") return word;
  // NOTE: a local user may have the name of a file, and a Message-ID a slash.
  if (/[/.]/.test(word) && existsSync(word)) return word;
  return word.includes("/") && !/[@\s]/.test(word) ? word : undefined;
}

/** Errors: `usage` when it holds nothing of a mail; `unreadable`; those of the process that reads it. */
export async function readEvidenceFile(file: string, io: Io): Promise<EvidenceInHand> {
  const name = file === "-" ? "Standard input" : `"${file}"`;
  const { bytes, isCut } = file === "-" ? await readInput(io) : await readFileStart(file);
  if (isCut) io.stderr.write(`note: ${name} is larger than ${MOST_BYTES / MIB} MiB; the rest was not read.\n`);
  if (bytes.length === 0) {
    throw new PilotError("usage", `${name} is empty.`, { hint: "Give a message, a bounce, headers or a line." });
  }
  const { readSections } = await import("../children/evidence.ts");
  const { sections, limitation } = await readSections(bytes, io);
  if (limitation !== undefined) io.stderr.write(`note: ${limitation}\n`);
  const statements = readStatements(sections);
  if (statements.length > 0) return { name, statements };
  throw new PilotError("usage", `${name} has no id, no address and no header of a mail.`, {
    hint: "Give a message, a bounce, its headers, the reply of a server or a line of a log, as text.",
  });
}

interface Beginning {
  readonly bytes: Buffer;
  readonly isCut: boolean;
}

function readInput(io: Io): Promise<Beginning> {
  if ((io.stdin as { readonly isTTY?: boolean }).isTTY === true) {
    io.stderr.write("Paste the message or its headers, and end with Ctrl-D on a line of its own.\n");
  }
  return readBeginning(io.stdin);
}

async function readFileStart(file: string): Promise<Beginning> {
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats === undefined) {
      throw new PilotError("unreadable", `There is no file "${file}".`, { hint: "Check the name." });
    }
    if (stats.isDirectory()) {
      throw new PilotError("usage", `"${file}" is a directory.`, {
        hint: 'Give a message as a file, or "-" for standard input.',
      });
    }
    return await readBeginning(createReadStream(file));
  } catch (error) {
    throw isSystemError(error) ? translateSystemError(error, file) : error;
  }
}

async function readBeginning(stream: Readable): Promise<Beginning> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const piece of stream) {
    const chunk = typeof piece === "string" ? Buffer.from(piece) : (piece as Buffer);
    chunks.push(chunk.subarray(0, MOST_BYTES - size));
    size += chunk.length;
    // NOTE: leaving the loop closes the stream.
    if (size > MOST_BYTES) break;
  }
  return { bytes: Buffer.concat(chunks), isCut: size > MOST_BYTES };
}
