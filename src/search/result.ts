/** Result of a search as plain data: an element of `search --json`. Timestamps are ISO-8601 UTC. */
import type { MessageStatus } from "../message/statuses.ts";
import type { HitKind } from "../store/search/filter.ts";

export interface SearchResult {
  /** A message; a refusal, or another line, that belongs to no message. */
  readonly kind: HitKind;
  /** Exim's id; null of what is no message. */
  readonly id: string | null;
  /** The key of the line in `log_entries`; null of a message. */
  readonly entryId: number | null;
  readonly server: string;
  /** IANA name of the server's zone. */
  readonly timeZone: string;
  /** Time of arrival, or of the first line without one; null for a line without a stamp. */
  readonly timestamp: string | null;
  /** Status of a message; `rejected` and `rejected temporarily` for a rejection; null for other lines. */
  readonly status: MessageStatus | "rejected temporarily" | null;
  /** Kind of the line; null for a message. */
  readonly event: string | null;
  readonly sender: string | null;
  readonly recipients: readonly string[];
  readonly subject: string | null;
  readonly sizeBytes: number | null;
  /** Time on the queue; of a message that is not finished, up to its last line. */
  readonly queueSeconds: number | null;
  readonly headerMessageId: string | null;
  /** Tags of the message. */
  readonly tags: readonly string[];
  /** The client. */
  readonly host: string | null;
  readonly helo: string | null;
  readonly ipAddress: string | null;
  readonly auth: string | null;
  /** The last error of a recipient that was not delivered; why it was refused; the text of another line. */
  readonly reason: string | null;
  /** Cause of a refusal that does not say why: a line just above it, of the same message, process or connection. */
  readonly cause: string | null;
}

export interface SearchPage {
  readonly results: readonly SearchResult[];
  /** Cursor of the next page; null on the last one. */
  readonly next: string | null;
}
