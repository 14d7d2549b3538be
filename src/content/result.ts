/** Content of a message as plain data: the shape of `content --json`. Nothing of it is markup, and nothing of it was run or fetched. */

export interface ContentHeader {
  readonly name: string;
  /** On one line, encoded words decoded. */
  readonly value: string;
}

export interface ContentAttachment {
  /** From 1, in the order of the message. */
  readonly place: number;
  /** Name in the message; null: it has none. */
  readonly filename: string | null;
  /** Type that the message declares. */
  readonly contentType: string;
  /** By its first bytes: `pdf`, `zip`, `program`; null: of no kind that is known. */
  readonly detected: string | null;
  /** Decoded. */
  readonly sizeBytes: number;
  /** Hash of the decoded bytes, hexadecimal. */
  readonly sha256: string;
  /** True: all of it is known to be inert, such as a picture or plain text. Nothing active was found, no more than that. */
  readonly isSafe: boolean;
  /** Why it is not called so: sentences. */
  readonly findings: readonly string[];
  /** The beginning of a text; null of anything else. */
  readonly preview: string | null;
}

export interface MessageContent {
  /** In their order; those beyond 64 KiB are left out. */
  readonly headers: readonly ContentHeader[];
  /** The parts of plain text, up to the limit; null: there are none. */
  readonly text: string | null;
  /** Text of the HTML parts, up to the limit, without markup, images and what is hidden in scripts; null: there are none. */
  readonly htmlText: string | null;
  readonly attachments: readonly ContentAttachment[];
  /** Pictures and other things that the HTML would fetch from elsewhere; they are not. */
  readonly remoteResources: number;
  /** True: all of it was read and nothing active was found. It is no promise that it is harmless. */
  readonly contentSafe: boolean;
  /** Something was cut or left out: text beyond the limit, or what could not be read. */
  readonly previewLimited: boolean;
  /** Why it is not called safe, and what was left out: sentences. */
  readonly findings: readonly string[];
  /** Bytes of headers and body as they were read. */
  readonly sizeBytes: number;
  /** Hash of headers and body as they were read, hexadecimal. */
  readonly sha256: string;
}

/** The shape of `content --json`. */
export interface ContentReport extends Omit<MessageContent, "sizeBytes" | "sha256"> {
  /** Bytes of headers and body as they were read; null: only the reject log tells of it. */
  readonly sizeBytes: number | null;
  /** Hash of headers and body as they were read, hexadecimal; null: only the reject log tells of it. */
  readonly sha256: string | null;
  /** Exim's; null of a file. */
  readonly id: string | null;
  /** Who told it: a spool, a file, what was kept of it, or the reject log, which has the headers of what was refused. */
  readonly origin: "spool" | "file" | "kept" | "reject_log";
  /** Whose it is; null where that is not known. */
  readonly server: string | null;
  /** When it was kept or refused; null: it was read now. */
  readonly capturedAt: string | null;
}
