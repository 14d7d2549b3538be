/** Contents of messages, kept because somebody asked for it. */
import type Database from "better-sqlite3";
import { prepareOnce } from "../database/prepared.ts";
import type { StoredAttachmentsTable, StoredContentsTable } from "../schema/tables.ts";

export interface KeptContent {
  readonly content: Omit<StoredContentsTable, "id">;
  readonly attachments: readonly Omit<StoredAttachmentsTable, "content_id">[];
}

/** Puts a content in the place of what was kept of the message before. */
export function putContent(database: Database.Database, { content, attachments }: KeptContent): void {
  const { server_id, exim_id } = content;
  const old = "SELECT id FROM stored_contents WHERE server_id = ? AND exim_id = ?";
  prepareOnce(database, `DELETE FROM stored_attachments WHERE content_id IN (${old})`).run(server_id, exim_id);
  prepareOnce(database, "DELETE FROM stored_contents WHERE server_id = ? AND exim_id = ?").run(server_id, exim_id);
  const { lastInsertRowid } = prepareOnce(
    database,
    `INSERT INTO stored_contents (server_id, exim_id, headers, text_content, html_content, content_safe, preview_limited, findings,
       size_bytes, sha256, captured_ms, author)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    server_id,
    exim_id,
    content.headers,
    content.text_content,
    content.html_content,
    content.content_safe,
    content.preview_limited,
    content.findings,
    content.size_bytes,
    content.sha256,
    content.captured_ms,
    content.author,
  );
  const add = prepareOnce(
    database,
    `INSERT INTO stored_attachments (content_id, place, filename, content_type, detected, size, sha256, is_safe, preview)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (const { place, filename, content_type, detected, size, sha256, is_safe, preview } of attachments)
    add.run(lastInsertRowid, place, filename, content_type, detected, size, sha256, is_safe, preview);
}
