/**
 * - `cut_off`: the archive ends too early, as one does that is being written; what it holds up to there is sound.
 * - `damaged`: it is not what was written once, and its text cannot be trusted.
 * - `no_program`: what decompresses it is not there.
 */
export type ArchiveTrouble = "cut_off" | "damaged" | "no_program";

/** Why an archive cannot be read, or not to its end. The message is the end of a sentence. */
export class ArchiveFailure extends Error {
  override readonly name = "ArchiveFailure";
  readonly trouble: ArchiveTrouble;

  constructor(trouble: ArchiveTrouble, message: string, cause?: unknown) {
    super(message, { cause });
    this.trouble = trouble;
  }
}
