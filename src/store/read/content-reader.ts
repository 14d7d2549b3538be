import type Database from "better-sqlite3";
import { type EpochMs, toIso } from "../../units.ts";

/** Content that was kept of a message. */
export interface FoundContent {
  readonly server: string;
  readonly capturedAt: string;
  readonly author: string;
  /** JSON: `[[name, value], …]`. */
  readonly headers: string;
  readonly text: string | null;
  readonly htmlText: string | null;
  readonly contentSafe: boolean;
  readonly previewLimited: boolean;
  /** JSON: sentences. */
  readonly findings: string;
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly attachments: readonly FoundAttachment[];
}

export interface FoundAttachment {
  readonly place: number;
  readonly filename: string | null;
  readonly contentType: string;
  readonly detected: string | null;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly isSafe: boolean;
  readonly preview: string | null;
}

type ContentRow = Omit<FoundContent, "attachments" | "capturedAt" | "contentSafe" | "previewLimited"> & {
  readonly id: number;
  readonly capturedMs: EpochMs;
  readonly contentSafe: number;
  readonly previewLimited: number;
};

/** Contents that were kept. */
export class ContentReader {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  /** Finds a message by Exim's id, on each server that knows it. Undefined `server`: on any. */
  find(id: string, server: string | undefined): readonly FoundContent[] {
    const rows = this.#database
      .prepare<[string, string | null, string | null], ContentRow>(`
      SELECT t.id, v.name AS server, t.captured_ms AS capturedMs, t.author, t.headers, t.text_content AS text, t.html_content AS htmlText,
        t.content_safe AS contentSafe, t.preview_limited AS previewLimited, t.findings, t.size_bytes AS sizeBytes, lower(hex(t.sha256)) AS sha256
      FROM stored_contents t JOIN stored_servers v ON v.id = t.server_id
      WHERE t.exim_id = ? AND (? IS NULL OR v.name = ?) ORDER BY v.name`)
      .all(id, server ?? null, server ?? null);
    const attachments = this.#database.prepare<[number], Omit<FoundAttachment, "isSafe"> & { isSafe: number }>(`
      SELECT place, filename, content_type AS contentType, detected, size AS sizeBytes, lower(hex(sha256)) AS sha256, is_safe AS isSafe, preview
      FROM stored_attachments WHERE content_id = ? ORDER BY place`);
    return rows.map(({ id: key, capturedMs, contentSafe, previewLimited, ...row }) => ({
      ...row,
      capturedAt: toIso(capturedMs),
      contentSafe: contentSafe === 1,
      previewLimited: previewLimited === 1,
      attachments: attachments.all(key).map((one) => ({ ...one, isSafe: one.isSafe === 1 })),
    }));
  }

  /** Ids of messages of a server of which something was kept, with text or, where `withHeadersOnly`, with headers alone. */
  keptIds(server: string, withHeadersOnly: boolean): ReadonlySet<string> {
    return new Set(
      this.#database
        .prepare<[string, number], string>(`
        SELECT t.exim_id FROM stored_contents t JOIN stored_servers v ON v.id = t.server_id
        WHERE v.name = ? AND (? OR t.findings NOT LIKE '["Only the headers were read.%')`)
        .pluck()
        .all(server, withHeadersOnly ? 1 : 0),
    );
  }
}
