/** Whether the raw log text can still be given back. */
import { PilotError } from "../errors.ts";
import { openForReading } from "./connection.ts";
import { RawTextReader, sha256 } from "./raw-text.ts";

export interface CheckedTexts {
  readonly blocks: number;
  /** Of log text, uncompressed. */
  readonly bytes: number;
}

/** Unpacks every block of log text and compares it with its hash. Errors: `corrupt`. */
export function checkTexts(path: string): CheckedTexts {
  const database = openForReading(path, 0);
  try {
    const rawText = new RawTextReader(database);
    const checked = { blocks: 0, bytes: 0 };
    const blocks = database.prepare<[], { id: number; sha256: Uint8Array }>("SELECT id, sha256 FROM raw_blocks");
    for (const block of blocks.iterate()) {
      const bytes = Buffer.from(rawText.blockText(block.id) ?? "", "latin1");
      if (!sha256(bytes).equals(block.sha256)) {
        throw new PilotError("corrupt", `The log text in block ${block.id} of "${path}" is not what was read.`, {
          hint: "Restore a backup, and ingest the logs again: lines already there are not added twice.",
        });
      }
      checked.blocks++;
      checked.bytes += bytes.length;
    }
    return checked;
  } finally {
    database.close();
  }
}
