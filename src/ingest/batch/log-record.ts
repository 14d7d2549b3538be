/** A line with a stamp, and the lines that continue it. */
export interface LogRecord {
  /** Place of its first line within the block. */
  readonly line: number;
  /** Lines as latin1, without newlines. Of a line that is cut, its first piece; the others are text of the batches that follow, and of no record. */
  readonly lines: string[];
  /** Places of the lines after the first, within the block; they need not follow one another in a log of syslog. */
  readonly places: number[];
  /** False for a line without a stamp that continues no entry, and for pieces of an entry whose first one is missing. */
  isEntry: boolean;
}
