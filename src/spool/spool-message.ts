/** Combines the files of a message: `-H`, the journal `-J` with later deliveries, and the size of the body in `-D`. */
import { compareText, decodeUtf8 } from "../text.ts";
import { type EpochMs, epochMs, SECOND_MS } from "../units.ts";
import type { QueuedMessage } from "./queued-message.ts";
import { readSpoolHeader, type SpoolHeader } from "./spool-header.ts";

export interface SpoolFiles {
  readonly id: string;
  readonly queueName: string;
  /** Content of `-H`. */
  readonly header: Buffer;
  /** Content of `-J`; undefined if there is none. */
  readonly journal: Buffer | undefined;
  /** Size of `-D` with its name line; undefined if there is none. */
  readonly dataFileBytes: number | undefined;
}

export interface SpoolMessage {
  readonly message: QueuedMessage;
  /** Undefined when damage hides it. */
  readonly header: SpoolHeader | undefined;
}

/** `withHeaders`: keeps the text of the headers too. */
export function readSpoolMessage(files: SpoolFiles, options: { readonly withHeaders: boolean }): SpoolMessage {
  const { id, queueName } = files;
  const reading = readSpoolHeader(`${id}-H`, files.header, options);
  if (reading.kind === "damaged")
    return { message: damagedMessage(id, queueName, formatError(files), reading.reason), header: undefined };
  const { header } = reading;
  const { recipients, generated } = deliveriesOf(header, files.journal);
  const message: QueuedMessage = {
    id,
    server: null,
    queueName,
    sender: header.sender,
    untrustedLogin: header.variables.has("sender_set_untrusted") ? header.login : null,
    arrivedAt: toMs(header.receivedTime),
    sizeBytes: sizeOf(files, header),
    isFrozen: header.frozenTime !== undefined,
    frozenAt: header.frozenTime === undefined ? null : toMs(header.frozenTime),
    warnings: header.warnings,
    recipients,
    generated,
    damage: header.headerDamage === undefined ? null : formatError(files),
    damageReason: header.headerDamage ?? null,
  };
  return { message, header };
}

/** Recipients, and who else has it. */
function deliveriesOf(
  { recipients, nonRecipients }: SpoolHeader,
  journal: Buffer | undefined,
): Pick<QueuedMessage, "recipients" | "generated"> {
  // NOTE: nobody has most messages: measured, the sets took a fifth of the memory of each.
  if (nonRecipients.length === 0 && journal === undefined)
    return {
      recipients: recipients.map(({ address }) => ({ address, isDelivered: false, reason: null })),
      generated: [],
    };
  const delivered = new Set([...nonRecipients, ...journalAddresses(journal)]);
  const addresses = new Set(recipients.map(({ address }) => address));
  return {
    recipients: recipients.map(({ address }) => ({ address, isDelivered: delivered.has(address), reason: null })),
    generated: [...delivered].filter((address) => !addresses.has(address)).sort(compareText),
  };
}

/** An entry for an unreadable file, with Exim's words for it. */
export function damagedMessage(id: string, queueName: string, damage: string, damageReason: string): QueuedMessage {
  return {
    id,
    server: null,
    queueName,
    sender: null,
    untrustedLogin: null,
    arrivedAt: null,
    sizeBytes: null,
    isFrozen: false,
    frozenAt: null,
    warnings: null,
    recipients: [],
    generated: [],
    damage,
    damageReason,
  };
}

function formatError({ header }: SpoolFiles): string {
  return `spool format error: size=${header.length}`;
}

/** Size of a message in bytes; 0 without a body, as in Exim. */
function sizeOf({ id, dataFileBytes }: SpoolFiles, { headerBytes }: SpoolHeader): number {
  return dataFileBytes === undefined ? 0 : Math.max(0, headerBytes + dataFileBytes - dataStart(id) + 1);
}

/** Offset of the body in `-D`, after the line with its name. */
export function dataStart(id: string): number {
  return `${id}-D\n`.length;
}

/** Addresses, one a line; the last one may be cut while it is written, and does not count. */
function journalAddresses(journal: Buffer | undefined): readonly string[] {
  if (journal === undefined) return [];
  const lines = journal.toString("latin1").split("\n");
  return lines
    .slice(0, -1)
    .filter((line) => line !== "" && !line.includes("\0"))
    .map(decodeUtf8);
}

function toMs(seconds: number): EpochMs {
  return epochMs(seconds * SECOND_MS);
}
